//! `/` and `/plans/{plan}`: where everything stands, and what happened.
//!
//! **Invariant:** a page is of one snapshot; without the log it still says where everything stands.

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::ids::PlanName;
use crate::rollout::record::Mode;
use crate::store::{Page, Reader, Record, Seq, StoreError};
use crate::time::{Timestamp, short};
use crate::web::forecast::Forecasts;
use crate::web::identity::Right;
use crate::web::json::{EventJson, NewPlanJson, RolloutJson, RolloutsAnswer};
use crate::web::page::act::beginning;
use crate::web::page::action::{self, Action};
use crate::web::page::approval::{AwaitedRow, waiting};
use crate::web::page::html::{FailurePage, Frame, Moment, encoded, shown};
use crate::web::page::ring::MILESTONES;
use crate::web::page::rollout::{RolloutCard, forecast};
use crate::web::page::standing::held;
use crate::web::page::viewer::Viewer;
use crate::web::present;
use crate::web::problem::{Failure, Kind};
use crate::web::reads::{known, plan_name, read_log};
use crate::web::services::Services;

/// Events on `/`.
const LAST_EVENTS: u32 = 20;
/// Events of a plan on one page; links lead to older ones.
const PLAN_EVENTS: u32 = 50;
/// Records after a verb among which its own is looked for.
const FLASH_WITHIN: u32 = 100;

/// `/` and `/plans/{plan}`.
#[derive(Template)]
#[template(path = "board.html")]
struct Board<'a> {
    frame: Frame,
    answer: &'a RolloutsAnswer,
    at: Moment,
    next_check: Option<Moment>,
    observing: bool,
    refused: Option<String>,
    may_approve: bool,
    stopped: Option<String>,
    stop: Option<Action>,
    /// `confirm clock`, where that would end a trouble.
    confirm_clock: Option<Action>,
    /// Plans that are new and wait, and how they are confirmed here.
    new_plans: Vec<(&'a NewPlanJson, Option<Action>)>,
    waiting: Vec<AwaitedRow<'a>>,
    rollouts: Vec<RolloutCard<'a>>,
    /// The plan whose page this is.
    only: Option<String>,
    done: Vec<EventRow>,
    events: Vec<EventRow>,
    events_missing: Option<String>,
    older: Option<String>,
    newest: Option<String>,
    swept: Option<Moment>,
}

/// For the template, which passes references.
fn instant(at: &Timestamp) -> String {
    short(*at)
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

pub(super) async fn front(
    State(services): State<Services>,
    Extension(forecasts): Extension<Forecasts>,
    query: Result<Query<BoardQuery>, QueryRejection>,
    viewer: Viewer,
) -> Result<Response, FailurePage> {
    Ok(board(&services, &forecasts, None, query, &viewer).await?)
}

pub(super) async fn of_plan(
    State(services): State<Services>,
    Extension(forecasts): Extension<Forecasts>,
    plan: Result<Path<String>, PathRejection>,
    query: Result<Query<BoardQuery>, QueryRejection>,
    viewer: Viewer,
) -> Result<Response, FailurePage> {
    Ok(board(&services, &forecasts, Some(plan_name(plan)?), query, &viewer).await?)
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
    let of = only.clone();
    let log = read_log(services, move |reader| log_book(reader, of.as_ref(), &rollouts, query)).await;
    let mut page = Board::new(&answer, log, only.as_ref(), query, viewer);
    for card in page.rollouts.iter_mut().filter(|card| card.json.phase == "running") {
        card.forecast = forecasts.last(&services.handle, &card.json.plan).map(|told| forecast(&told));
    }
    shown(StatusCode::OK, page.render())
}

fn log_book(
    reader: &Reader,
    only: Option<&PlanName>,
    rollouts: &[(PlanName, u64)],
    query: BoardQuery,
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
    let after = query.after.map(|seq| view.read_from(Seq::new(seq).next(), FLASH_WITHIN)).transpose()?;
    let mut done = after.unwrap_or_default();
    done.retain(|record| record.record.actor != "engine");
    Ok(LogBook { events, more, milestones, done })
}

impl<'a> Board<'a> {
    fn new(
        answer: &'a RolloutsAnswer,
        log: Result<LogBook, Failure>,
        only: Option<&PlanName>,
        query: BoardQuery,
        viewer: &Viewer,
    ) -> Self {
        let (log, events_missing) = match log {
            Ok(log) => (log, None),
            // Without the log the page still says where everything stands.
            Err(failure) => (LogBook::default(), Some(failure.detail)),
        };
        let now = answer.at;
        let moment = |at: Timestamp| Moment::new(at, now);
        let json = |records: &[Record]| -> Vec<EventJson> {
            records.iter().map(|record| present::event(record, &viewer.view.eras)).collect()
        };
        let events =
            |records: &[Record]| json(records).into_iter().map(|one| EventRow::new(one, now)).collect();
        let milestones = |index: usize| log.milestones.get(index).map(|records| json(records));
        let card = |(index, rollout): (usize, &'a RolloutJson)| {
            RolloutCard::new(rollout, &milestones(index).unwrap_or_default(), viewer)
        };
        let new_plan = |new: &'a NewPlanJson| (new, action::confirm(&new.plan, viewer));
        let here = only.map(|plan| format!("/plans/{}", encoded(plan.as_str())));
        let oldest = log.events.last().map(|record| record.seq.get()).filter(|_| log.more);
        Self {
            frame: Frame::new(&title(answer)),
            at: moment(now),
            next_check: answer.next_check.map(moment),
            observing: answer.mode == Mode::Observe,
            refused: viewer.refused(Right::Operate),
            may_approve: viewer.actor(Right::Approve).is_some(),
            stopped: answer.stopped.as_ref().map(held),
            stop: action::brake(viewer),
            confirm_clock: action::confirm_clock(viewer),
            new_plans: answer.new_plans.iter().map(new_plan).collect(),
            waiting: waiting(answer),
            rollouts: answer.rollouts.iter().enumerate().map(card).collect(),
            only: only.map(ToString::to_string),
            done: events(&log.done),
            events: events(&log.events),
            events_missing,
            older: here.as_ref().zip(oldest).map(|(here, oldest)| format!("{here}?before={oldest}")),
            newest: here.filter(|_| query.before.is_some()),
            swept: answer.swept_at.map(moment),
            answer,
        }
    }
}

/// One record of the log.
struct EventRow {
    json: EventJson,
    at: Moment,
    rollout: Option<String>,
    reason: Option<String>,
    /// Whether a person did it.
    by_person: bool,
}

impl EventRow {
    /// A record, as seen from `now`.
    fn new(event: EventJson, now: Timestamp) -> Self {
        let rollout = match (&event.plan, event.rollout) {
            (Some(plan), Some(number)) => Some(format!("{plan}#{number}")),
            (plan, _) => plan.as_ref().map(ToString::to_string),
        };
        Self {
            at: Moment::new(event.at, now),
            rollout,
            // The engine's reason is often what the sentence says.
            reason: Some(event.reason.clone()).filter(|reason| !event.text.contains(reason)),
            by_person: event.actor != "engine",
            json: event,
        }
    }
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
