//! Asking for a verb: a sheet that says what it will do, and its form.
//!
//! The form is an ordinary one, so it works without a script. A page of another site could send the
//! same form; what keeps it out is the rule of every verb ([`Identity::may`]) and, here, that the
//! browser must say where the form comes from: clients that say nothing have the API, whose content
//! type no form can have.
//!
//! **Invariant:** a GET only shows; a POST that the rules, the reason, or a change since the sheet
//! was shown stand against is answered with the sheet again, and reaches nobody.

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Extension, Form, FromRequest as _, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::super::identity::{Identity, Need};
use super::super::json::MAX_REASON_CHARS;
use super::super::problem::{Failure, Kind};
use super::super::reads::unknown_plan;
use super::super::verbs::{carry_out, check_reason};
use super::super::{Peer, Services, present};
use super::acts::Viewer;
use super::asked::{Asked, Of, Ticked};
use super::show::{Tone, sentence_case};
use super::{Frame, Html, Message};
use crate::ids::PlanName;
use crate::rollout::record::Actor;

/// The form's fields.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    #[serde(default)]
    reason: String,
    /// What the sheet rested on.
    #[serde(default)]
    seen: String,
    /// `start`: leave every plan paused. A box that is not ticked is not sent.
    #[serde(default)]
    paused: Option<Ticked>,
}

/// Why a form was not carried out.
struct Refused {
    status: StatusCode,
    why: String,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self { status: failure.status(), why: failure.detail() }
    }
}

#[derive(Template)]
#[template(path = "sheet.html")]
struct Sheet {
    frame: Frame,
    title: String,
    action: String,
    seen: String,
    what: Vec<String>,
    now: Vec<String>,
    refused: Option<String>,
    may_not: Option<String>,
    /// Whether it is a person's word on a ring, which takes somebody who is known.
    is_word: bool,
    /// Whom the log will name, where it is written into.
    log_names: Option<Actor>,
    unnamed: bool,
    same: &'static str,
    command: String,
    reason: String,
    max_reason: usize,
    needs_reason: bool,
    offer_paused: bool,
    paused: bool,
    button: &'static str,
    grave: bool,
}

pub(super) async fn confirm(
    State(services): State<Services>,
    Path(verb): Path<String>,
    query: Result<Query<Of>, QueryRejection>,
    Extension(peer): Extension<Peer>,
    Extension(identity): Extension<Identity>,
    head: Parts,
) -> Html {
    let viewer = Viewer::new(&identity, &peer, &head, services.handle.view());
    let shown = Asked::read(&verb, query).and_then(|asked| asked.sheet(&viewer, &Said::default(), None));
    Html(shown)
}

pub(super) async fn submit(
    State(services): State<Services>,
    Path(verb): Path<String>,
    query: Result<Query<Of>, QueryRejection>,
    Extension(peer): Extension<Peer>,
    Extension(identity): Extension<Identity>,
    request: Request,
) -> Html {
    let (head, body) = request.into_parts();
    let asked = match Asked::read(&verb, query) {
        Ok(asked) => asked,
        Err(failure) => return Html(Err(failure)),
    };
    let request = Request::from_parts(head.clone(), body);
    let (said, refused) = match asked.carried_out(&services, (&identity, &peer), request).await {
        Ok(done) => return Html(Ok(done)),
        Err(refused) => refused,
    };
    let viewer = Viewer::new(&identity, &peer, &head, services.handle.view());
    let asked = asked.renewed(&present::rollouts(&viewer.view));
    Html(asked.sheet(&viewer, &said, Some(refused)))
}

/// The browser's word that a form comes from our own page. [`Identity::may`] has judged what is said;
/// here silence is not enough.
fn comes_from_our_page(actor: &Actor, headers: &HeaderMap) -> Result<(), Refused> {
    let of_a_user = matches!(actor, Actor::Local { .. });
    let same = headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    if of_a_user || same || headers.contains_key(header::ORIGIN) {
        return Ok(());
    }
    let why = "the browser does not say that this form comes from this page (neither `Origin` nor \
               `Sec-Fetch-Site`); use the command line, or the API";
    Err(Refused { status: StatusCode::FORBIDDEN, why: why.to_owned() })
}

/// What a verb began that the log does not tell.
fn read_now(done: &str) -> Result<Response, Failure> {
    let title = "Checked";
    let (frame, detail) = (Frame::new(title.to_owned()), format!("{}.", sentence_case(done)));
    Html::shown(StatusCode::OK, Message { frame, tone: Tone::Good, title, detail }.render())
}

fn unread(rejection: &FormRejection) -> Refused {
    let why = format!("the form cannot be read: {}", rejection.body_text());
    Refused { status: rejection.status(), why }
}

impl Asked {
    /// Carries a form out; else its fields, to be shown again, and why not.
    async fn carried_out(
        &self,
        services: &Services,
        (identity, peer): (&Identity, &Peer),
        request: Request,
    ) -> Result<Response, (Said, Refused)> {
        let nothing = |refused: Refused| (Said::default(), refused);
        let (head, body) = request.into_parts();
        let actor =
            identity.may(self.need(), peer, &head).map_err(|denied| nothing(Failure::from(denied).into()))?;
        let nobody = || nothing(Failure::new(Kind::Fault, "nobody asked").into());
        let actor = actor.ok_or_else(nobody)?;
        comes_from_our_page(&actor, &head.headers).map_err(nothing)?;
        let form = Form::<Said>::from_request(Request::from_parts(head, body), &()).await;
        let Form(mut said) = form.map_err(|rejection| nothing(unread(&rejection)))?;
        // A text area ends its lines in the way of the network.
        said.reason = said.reason.replace("\r\n", "\n").trim().to_owned();
        if let Err(failure) = check_reason(self.verb(), &said.reason) {
            return Err((said, failure.into()));
        }
        let before = services.handle.view();
        if said.seen != self.seen(&present::rollouts(&before)) {
            let why =
                "it changed while you were reading; what it is now stands below: look again, then confirm";
            return Err((said, Refused { status: StatusCode::CONFLICT, why: why.to_owned() }));
        }
        let read = before.reports.iter().find(|report| Some(&report.id.plan) == self.plan());
        let command = self.command(said.paused, read.map(|report| report.digest.clone()));
        match carry_out(services, actor, said.reason.clone(), command).await {
            // The page shows what was done from the log, in which this leaves nothing.
            Ok(done) if !self.verb().needs_reason() => {
                read_now(&done.done).map_err(|failure| (said, failure.into()))
            }
            Ok(_) => Ok(Redirect::to(&format!("/?after={}", before.head.seq)).into_response()),
            Err(failure) => Err((said, failure.into())),
        }
    }

    fn sheet(&self, viewer: &Viewer, said: &Said, refused: Option<Refused>) -> Result<Response, Failure> {
        let answer = &present::rollouts(&viewer.view);
        let rollout = self.rollout(answer);
        let is_new = |plan: &PlanName| {
            matches!(self, Self::Confirm { .. }) && answer.new_plans.iter().any(|new| new.plan == *plan)
        };
        if let (Some(plan), None) = (self.plan().filter(|plan| !is_new(plan)), rollout) {
            return Err(unknown_plan(&viewer.view, plan));
        }
        if let (Some(of), Some(ring), None) = (rollout, self.ring(), self.ring_of(rollout)) {
            let known: Vec<&str> = of.rings.iter().map(|ring| ring.name.as_str()).collect();
            let detail = format!("plan `{}` has no ring `{ring}`; it has {}", of.plan, known.join(", "));
            return Err(Failure::new(Kind::NoSuchPlan, detail));
        }
        let status = refused.as_ref().map_or(StatusCode::OK, |refused| refused.status);
        let title = self.title();
        let log_names = viewer.actor(self.need()).filter(|_| self.verb().needs_reason());
        let unnamed = log_names == Some(Actor::Loopback);
        let sheet = Sheet {
            frame: Frame::new(title.clone()),
            title,
            action: self.address(),
            seen: self.seen(answer),
            what: self.what(answer, rollout, viewer),
            now: self.now(answer, rollout),
            refused: refused.map(|refused| refused.why),
            may_not: viewer.refused(self.need()),
            is_word: self.need() == Need::Approve,
            unnamed,
            same: match self.need() {
                Need::Approve => "The same as a command, with a token of your own in RINGWARD_BEARER_TOKEN:",
                _ if unnamed => "Under your own name:",
                _ => "The same as a command:",
            },
            log_names,
            command: self.command_line(),
            reason: said.reason.clone(),
            max_reason: MAX_REASON_CHARS,
            needs_reason: self.verb().needs_reason(),
            offer_paused: matches!(self, Self::Start),
            paused: said.paused.is_some(),
            button: match self {
                Self::Pause(_) => "Pause",
                Self::Resume(_) => "Resume",
                Self::Waive { .. } => "Waive the gate",
                Self::Approve { .. } => "Approve",
                Self::Refuse { .. } => "Refuse",
                Self::Rollback(_) => "Roll back",
                Self::CheckNow(_) => "Check now",
                Self::Confirm { .. } => "Confirm the revision",
                Self::Stop => "Stop all writes",
                Self::Start => "Start again",
                Self::ConfirmClock => "Confirm the clock",
            },
            grave: matches!(self, Self::Stop | Self::Waive { .. } | Self::Rollback(_)),
        };
        Html::shown(status, sheet.render())
    }
}
