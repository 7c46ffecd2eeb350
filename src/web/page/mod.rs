//! The page: what runs, why it does not move, and what can be done about it, as HTML.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `show`, `ring` | from the API's JSON to what the templates print |
//! | `health` | what the health gates measured, each share beside its limit |
//! | `acts` | what the reader may ask for here, or the command that does the same |
//! | `approval` | who is asked to let a ring be entered, what they said, and whose word counts |
//! | `confirm` | the confirmation of a revision that waits, in words |
//! | `sheet`, `asked` | the confirmation of a verb and its form; what is asked for, in words |
//! | `assets` | style sheet, script and icon |
//!
//! `/` shows all plans and the last events, `/plans/{plan}` one plan with all of its events. Both
//! are whole without a script; the script only fetches the page again when the daemon says that
//! something changed.
//!
//! **Invariant:** every text goes through askama's escaping and [`Html::shown`], so nothing from
//! outside is markup or turns the reading direction; no GET changes anything.

mod acts;
mod approval;
mod asked;
mod assets;
mod confirm;
mod health;
mod ring;
mod sheet;
mod show;

use askama::Template;
use axum::Router;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use tower_http::set_header::SetResponseHeaderLayer;

use self::acts::{Action, Viewer};
use self::approval::Waiting;
use self::assets::{NAMES, Names};
use self::ring::MILESTONES;
use self::show::{Event, Moment, Rollout, Tone};
use super::forecast::Forecasts;
use super::identity::{Identity, Need};
use super::json::{
    ClockTroubleJson, ClockTrustJson, EventJson, FaultJson, FileProblemJson, NewPlanJson, RolloutJson,
    RolloutsAnswer,
};
use super::problem::{Failure, Kind};
use super::reads::{known, plan_name, read_log};
use super::{Peer, Services, present};
use crate::ids::PlanName;
use crate::plan::model::Revisions;
use crate::rollout::people::verbs::situation::Writes;
use crate::rollout::record::Eras;
use crate::rollout::record::Mode;
use crate::store::{Page, Reader, Record, Seq, StoreError};
use crate::text::is_unseen;
use crate::time::Timestamp;
use crate::time::short;

/// Events on `/`.
const LAST_EVENTS: u32 = 20;
/// Events of a plan on one page; links lead to older ones.
const PLAN_EVENTS: u32 = 50;
/// Records after a verb among which its own is looked for.
const FLASH_WITHIN: u32 = 100;

/// Pages load their own style sheet, script and icon, talk to their own server, and nobody frames
/// them.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
    img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The paths of the page.
pub(super) fn routes() -> Router<Services> {
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    Router::new()
        .route("/", get(front))
        .route("/plans/{plan}", get(of_plan))
        .route("/act/{verb}", get(sheet::confirm).post(sheet::submit))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY))
        // With `no-referrer` a browser sends its own form with `Origin: null`.
        .layer(fixed(header::REFERRER_POLICY, "same-origin"))
        .route("/assets/{name}", get(assets::asset))
}

/// An answer of the page: HTML also where it is a failure.
pub(super) struct Html(Result<Response, Failure>);

impl Html {
    /// A rendered template, with the characters that nobody sees made visible: in a name they could
    /// make `stop` read as something else.
    fn shown(status: StatusCode, rendered: askama::Result<String>) -> Result<Response, Failure> {
        let html = rendered
            .map_err(|error| Failure::new(Kind::Fault, format!("the page cannot be written: {error}")))?;
        let html = html.replace(is_unseen, "\u{fffd}");
        Ok((status, axum::response::Html(html)).into_response())
    }
}

impl IntoResponse for Html {
    fn into_response(self) -> Response {
        self.0.unwrap_or_else(|failure| {
            let (status, title, detail) = (failure.status(), failure.title(), failure.clone().detail());
            let frame = Frame::new(title.to_owned());
            let message = Message { frame, tone: Tone::Bad, title, detail };
            Self::shown(status, message.render()).unwrap_or_else(Failure::into_response)
        })
    }
}

/// What every page has around its content.
struct Frame {
    title: String,
    names: &'static Names,
}

impl Frame {
    fn new(title: String) -> Self {
        Self { title: format!("{title} · ringward"), names: &NAMES }
    }
}

/// A failure.
#[derive(Template)]
#[template(path = "message.html")]
struct Message {
    frame: Frame,
    tone: Tone,
    title: &'static str,
    detail: String,
}

/// `/` and `/plans/{plan}`.
#[derive(Template)]
#[template(path = "board.html")]
struct Board {
    frame: Frame,
    account: String,
    at: Moment,
    next_check: Option<Moment>,
    observing: bool,
    revisions: Option<&'static str>,
    refused: Option<String>,
    may_approve: bool,
    stopped: Option<String>,
    stop: Action,
    /// Since when, and why.
    log_unwritable: Option<(String, String)>,
    clock_troubles: Vec<ClockTroubleJson>,
    clock_trust: Option<ClockTrustJson>,
    /// `confirm clock`, where that would end a trouble.
    confirm_clock: Option<Action>,
    faults: Vec<FaultJson>,
    /// Plans that are new and wait, and how they are confirmed here.
    new_plans: Vec<(NewPlanJson, Option<Action>)>,
    problems: Vec<FileProblemJson>,
    troubles: Vec<Trouble>,
    waiting: Vec<Waiting>,
    rollouts: Vec<Rollout>,
    /// The plan whose page this is.
    only: Option<String>,
    done: Vec<Event>,
    events: Vec<Event>,
    events_missing: Option<String>,
    older: Option<String>,
    newest: Option<String>,
    head_seq: u64,
    head_hash: String,
    budget: u32,
    swept: Option<Moment>,
    clock: Option<String>,
}

struct Trouble {
    read: String,
    since: String,
    message: String,
}

/// What the log has to say on a page.
#[derive(Debug, Default)]
struct LogBook {
    /// Newest first.
    events: Vec<Record>,
    /// Whether there are older ones.
    more: bool,
    /// For each rollout, oldest first.
    milestones: Vec<Vec<Record>>,
    /// What persons did since the record that the address names.
    done: Vec<Record>,
    eras: Eras,
}

/// What an address of the page can say beside its path. Unknown keys are left alone: people come
/// with links that others have added to.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
pub(super) struct BoardQuery {
    /// Show what persons did after this record: where a verb leads to.
    after: Option<u64>,
    /// Of a plan's events those before this record.
    before: Option<u64>,
}

async fn front(
    State(services): State<Services>,
    Extension(peer): Extension<Peer>,
    Extension(identity): Extension<Identity>,
    Extension(forecasts): Extension<Forecasts>,
    query: Result<Query<BoardQuery>, QueryRejection>,
    head: Parts,
) -> Html {
    let viewer = Viewer::new(&identity, &peer, &head, services.handle.view());
    Html(board(&services, &forecasts, None, query, &viewer).await)
}

async fn of_plan(
    State(services): State<Services>,
    plan: Result<Path<String>, PathRejection>,
    Extension(peer): Extension<Peer>,
    Extension(identity): Extension<Identity>,
    Extension(forecasts): Extension<Forecasts>,
    query: Result<Query<BoardQuery>, QueryRejection>,
    head: Parts,
) -> Html {
    let viewer = Viewer::new(&identity, &peer, &head, services.handle.view());
    Html(match plan_name(plan) {
        Ok(plan) => board(&services, &forecasts, Some(plan), query, &viewer).await,
        Err(failure) => Err(failure),
    })
}

async fn board(
    services: &Services,
    forecasts: &Forecasts,
    only: Option<PlanName>,
    query: Result<Query<BoardQuery>, QueryRejection>,
    viewer: &Viewer,
) -> Result<Response, Failure> {
    let Query(query) = query.map_err(|error| Failure::new(Kind::Malformed, error.body_text()))?;
    let mut answer = present::rollouts(&viewer.view);
    if let Some(plan) = &only {
        known(services, plan)?;
        answer.rollouts.retain(|rollout| rollout.plan == *plan);
    }
    let rollouts: Vec<(PlanName, u64)> =
        answer.rollouts.iter().map(|rollout| (rollout.plan.clone(), rollout.number)).collect();
    let (of, eras) = (only.clone(), viewer.view.eras.clone());
    let log = read_log(services, move |reader| log_book(reader, of.as_ref(), &rollouts, query, eras)).await;
    let mut page = Board::new(&answer, log, only.as_ref(), query, viewer);
    let running = answer.rollouts.iter().zip(&mut page.rollouts).filter(|(of, _)| of.phase == "running");
    for (of, shown) in running {
        shown.forecast = forecasts.last(&services.handle, &of.plan).map(|told| show::forecast(&told));
    }
    Html::shown(StatusCode::OK, page.render())
}

fn log_book(
    reader: &Reader,
    only: Option<&PlanName>,
    rollouts: &[(PlanName, u64)],
    query: BoardQuery,
    eras: Eras,
) -> Result<LogBook, StoreError> {
    let view = reader.view();
    let (mut events, limit) = match only {
        Some(plan) => {
            let page = query.before.map_or(Page::Newest, |seq| Page::Before(Seq::new(seq)));
            // One more than is shown tells whether there are older ones.
            (view.history(plan, page, PLAN_EVENTS + 1)?, PLAN_EVENTS)
        }
        None => {
            let last = view.head()?.seq.get();
            let from = Seq::new(last.saturating_sub(u64::from(LAST_EVENTS) - 1));
            let mut events = view.read_from(from, LAST_EVENTS)?;
            events.reverse();
            (events, LAST_EVENTS)
        }
    };
    let more = events.len() > limit as usize;
    events.truncate(limit as usize);
    let milestones = rollouts.iter().map(|(plan, number)| view.of_kinds(plan, *number, &MILESTONES));
    let milestones = milestones.collect::<Result<_, _>>()?;
    let mut done = match query.after {
        Some(seq) => view.read_from(Seq::new(seq).next(), FLASH_WITHIN)?,
        None => Vec::new(),
    };
    done.retain(|record| record.record.actor != "engine");
    Ok(LogBook { events, more, milestones, done, eras })
}

impl Board {
    fn new(
        answer: &RolloutsAnswer,
        log: Result<LogBook, Failure>,
        only: Option<&PlanName>,
        query: BoardQuery,
        viewer: &Viewer,
    ) -> Self {
        let (log, events_missing) = match log {
            Ok(log) => (log, None),
            // Without the log the page still says where everything stands.
            Err(failure) => (LogBook::default(), Some(failure.detail())),
        };
        let moment = |at: Timestamp| Moment::new(at, answer.at);
        let events = |records: &[Record]| -> Vec<Event> {
            records.iter().map(|record| show::event(&present::event(record, &log.eras), answer.at)).collect()
        };
        let milestones = |index: usize| -> Vec<EventJson> {
            let records = log.milestones.get(index).into_iter().flatten();
            records.map(|record| present::event(record, &log.eras)).collect()
        };
        let rollouts = answer.rollouts.iter().enumerate();
        let writes = Writes::of(answer.stopped.is_some());
        let here = only.map(|plan| format!("/plans/{}", encoded(plan.as_str())));
        let oldest = log.events.last().map(|record| record.seq.get());
        Self {
            frame: Frame::new(title(answer)),
            account: answer.account.to_string(),
            at: moment(answer.at),
            next_check: answer.next_check.map(moment),
            observing: answer.mode == Mode::Observe,
            revisions: answer.revisions.map(Revisions::line),
            refused: viewer.refused(Need::Operate),
            may_approve: viewer.actor(Need::Approve).is_some(),
            stopped: answer.stopped.as_ref().map(show::held),
            stop: acts::brake(writes, viewer),
            log_unwritable: answer
                .log_unwritable
                .as_ref()
                .map(|trouble| (short(trouble.since), trouble.message.clone())),
            clock_troubles: answer.clock_troubles.clone(),
            clock_trust: answer.clock_trust.clone(),
            confirm_clock: answer.is_clock_behind().then(|| acts::confirm_clock(viewer)),
            faults: answer.faults.clone(),
            new_plans: answer.new_plans.iter().map(|new| (new.clone(), confirm_new(new, viewer))).collect(),
            problems: answer.problems.clone(),
            troubles: answer
                .troubles
                .iter()
                .map(|trouble| Trouble {
                    read: trouble.read.clone(),
                    since: short(trouble.since),
                    message: trouble.message.clone(),
                })
                .collect(),
            waiting: approval::waiting(answer),
            rollouts: rollouts
                .map(|(index, rollout)| show::rollout(rollout, &milestones(index), writes, viewer))
                .collect(),
            only: only.map(ToString::to_string),
            done: events(&log.done),
            events: events(&log.events),
            events_missing,
            older: here
                .as_ref()
                .zip(oldest)
                .filter(|_| log.more)
                .map(|(here, oldest)| format!("{here}?before={oldest}")),
            newest: here.filter(|_| query.before.is_some()),
            head_seq: answer.head.seq,
            head_hash: answer.head.hash.chars().take(12).collect(),
            budget: answer.budget_remaining,
            swept: answer.swept_at.map(moment),
            clock: Some(answer.clock.clone()).filter(|clock| clock != "real"),
        }
    }
}

/// The confirmation of a plan that is new and waits, for whoever may give it here.
fn confirm_new(new: &NewPlanJson, viewer: &Viewer) -> Option<Action> {
    let action = acts::confirm(&new.plan, new.revision_waits.as_ref()?, viewer)?;
    Some(action).filter(|action| action.href.is_some())
}

/// What a glance at the browser's tab should tell.
fn title(answer: &RolloutsAnswer) -> String {
    let count = |of: &dyn Fn(&RolloutJson) -> bool| answer.rollouts.iter().filter(|one| of(one)).count();
    let halted = count(&|rollout| rollout.halted.is_some());
    let paused = count(&|rollout| rollout.paused.is_some());
    let running = count(&|rollout| rollout.phase == "running");
    match (halted, paused, running) {
        _ if answer.stopped.is_some() => "stopped".to_owned(),
        _ if answer.log_unwritable.is_some() => "no log".to_owned(),
        _ if !answer.clock_troubles.is_empty() => "wrong clock".to_owned(),
        (1.., ..) => format!("{halted} halted"),
        (0, 1.., _) => format!("{paused} paused"),
        (0, 0, 1..) => format!("{running} running"),
        (0, 0, 0) => "nothing to do".to_owned(),
    }
}

/// A text as one part of a path or query.
fn encoded(text: &str) -> String {
    match askama::filters::urlencode_strict(text) {
        Ok(encoded) => encoded.to_string(),
        Err(never) => match never {},
    }
}
