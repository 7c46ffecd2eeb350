//! Asking for a verb: a confirmation that says what it will do, and its form.
//!
//! The form is an ordinary one, so it works without a script. A page of another site could send the
//! same form; what keeps it out is the rule of every verb ([`Identity::may`]) and, here, that the
//! browser must say where the form comes from: clients that say nothing have the API, whose content
//! type no form can have.
//!
//! **Invariant:** a GET only shows; a POST that the rules, the reason, or a change since the confirmation
//! was shown stand against is answered with the confirmation again, and reaches nobody.

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Extension, Form, FromRequest as _, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::{Deserialize, Serialize};

use crate::ids::PlanName;
use crate::rollout::people::command::Command;
use crate::rollout::people::seen::{Look, ReadBefore};
use crate::rollout::people::verbs::arguments::ArgumentKey;
use crate::rollout::people::verbs::definition::Aim;
use crate::rollout::record::Actor;
use crate::web::body::check_reason;
use crate::web::guard::Peer;
use crate::web::identity::{Identity, Right};
use crate::web::json::{MAX_REASON_CHARS, SeenJson};
use crate::web::page::act::{Act, ActQuery};
use crate::web::page::effects::effects;
use crate::web::page::html::{FailurePage, Frame, Message, sentence_case, shown};
use crate::web::page::situation::{now, ring_of, rollout_of, seen};
use crate::web::page::tone::Tone;
use crate::web::page::viewer::Viewer;
use crate::web::present;
use crate::web::problem::{Failure, Kind};
use crate::web::reads::unknown_plan;
use crate::web::services::Services;
use crate::web::verbs::carry_out;

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ticked {
    Yes,
}

/// The form's fields.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfirmationForm {
    #[serde(default)]
    reason: String,
    /// What the confirmation rested on.
    #[serde(default)]
    seen: String,
    /// What the verb rests on, as it was shown.
    #[serde(default)]
    read: String,
    /// `start`: leave every plan paused. A box that is not ticked is not sent.
    #[serde(default)]
    paused: Option<Ticked>,
}

/// Why a form was not carried out.
struct FormRefusal {
    status: StatusCode,
    why: String,
    /// Seconds after which to ask again.
    retry_after: Option<u64>,
}

impl FormRefusal {
    fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into(), retry_after: None }
    }
}

impl From<Failure> for FormRefusal {
    fn from(failure: Failure) -> Self {
        Self { retry_after: failure.retry_after, ..Self::new(failure.kind.status(), failure.detail) }
    }
}

#[derive(Template)]
#[template(path = "confirmation.html")]
struct Confirmation<'a> {
    frame: Frame,
    act: &'a Act,
    form: &'a ConfirmationForm,
    seen: String,
    read: String,
    what: Vec<String>,
    /// What goes where, where the verb rests on it.
    rests_on: Vec<String>,
    now: Vec<String>,
    refused: Option<String>,
    may_not: Option<String>,
    /// Whether it is a person's word on a ring, which takes somebody who is known.
    is_word: bool,
    /// Whom the log will name, where it is written into.
    log_names: Option<Actor>,
    unnamed: bool,
    same: &'static str,
    offer_paused: bool,
    button: &'static str,
}

pub(super) async fn confirm(
    State(services): State<Services>,
    Path(verb): Path<String>,
    query: Result<Query<ActQuery>, QueryRejection>,
    viewer: Viewer,
) -> Result<Response, FailurePage> {
    let act = Act::read(&verb, query)?;
    let look = look(&act, &viewer, &services).await;
    Ok(confirmation(&act, (&viewer, look.as_ref()), &ConfirmationForm::default(), None)?)
}

/// What the verb would rest on, for whoever may ask for it; what would be refused rests on nothing.
async fn look(act: &Act, viewer: &Viewer, services: &Services) -> Option<Look> {
    let actor = viewer.actor(act.right()).filter(|_| act.verb().rests_on_reading())?;
    services.handle.look(actor, act.command(false)).await.ok().flatten()
}

/// What was read, in the form's field.
#[derive(Serialize, Deserialize)]
struct ReadField {
    revision: String,
    seen: SeenJson,
}

pub(super) async fn submit(
    State(services): State<Services>,
    Path(verb): Path<String>,
    query: Result<Query<ActQuery>, QueryRejection>,
    Extension(peer): Extension<Peer>,
    Extension(identity): Extension<Identity>,
    request: Request,
) -> Result<Response, FailurePage> {
    let (head, body) = request.into_parts();
    let act = Act::read(&verb, query)?;
    let request = Request::from_parts(head.clone(), body);
    let (form, refused) = match carried_out(&act, &services, (&identity, &peer), request).await {
        Ok(done) => return Ok(done),
        Err(refused) => refused,
    };
    let viewer = Viewer::new(identity, peer, &head, services.handle.view());
    let act = renewed(act, &viewer);
    let look = look(&act, &viewer, &services).await;
    Ok(confirmation(&act, (&viewer, look.as_ref()), &form, Some(refused))?)
}

/// The same of what there is now: another revision may wait than the one that was read.
fn renewed(act: Act, viewer: &Viewer) -> Act {
    let Command::Confirm { plan, revision } = act.command else { return act };
    let waits = viewer.view.waiting.get(&plan);
    let waiting = waits.map(|waits| waits.waiting.revision.digest.as_str().to_owned());
    Act { command: Command::Confirm { revision: waiting.unwrap_or(revision), plan }, ..act }
}

/// The browser's word that a form comes from our own page. [`Identity::may`] has judged what is said;
/// here silence is not enough.
fn comes_from_our_page(actor: &Actor, headers: &HeaderMap) -> Result<(), FormRefusal> {
    let of_a_user = matches!(actor, Actor::Local { .. });
    let same = headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    if of_a_user || same || headers.contains_key(header::ORIGIN) {
        return Ok(());
    }
    let why = "the browser does not say that this form comes from this page (neither `Origin` nor \
               `Sec-Fetch-Site`); use the command line, or the API";
    Err(FormRefusal::new(StatusCode::FORBIDDEN, why))
}

/// What a verb began that the log does not tell.
fn read_now(done: &str) -> Result<Response, Failure> {
    let title = "Checked";
    let (frame, detail) = (Frame::new(title), format!("{}.", sentence_case(done)));
    shown(StatusCode::OK, Message { frame, tone: Tone::Good, title, detail }.render())
}

fn unread(rejection: &FormRejection) -> FormRefusal {
    let why = format!("the form cannot be read: {}", rejection.body_text());
    FormRefusal::new(rejection.status(), why)
}

/// Carries a form out; else its fields, to be shown again, and why not.
async fn carried_out(
    act: &Act,
    services: &Services,
    (identity, peer): (&Identity, &Peer),
    request: Request,
) -> Result<Response, (ConfirmationForm, FormRefusal)> {
    let nothing = |refused: FormRefusal| (ConfirmationForm::default(), refused);
    let (head, body) = request.into_parts();
    let actor = identity
        .may(act.right(), peer, &head)
        .map_err(|denied| nothing(services.note(denied.into(), peer).into()))?;
    let nobody = || nothing(Failure::new(Kind::Fault, "nobody asked").into());
    let actor = actor.ok_or_else(nobody)?;
    comes_from_our_page(&actor, &head.headers).map_err(nothing)?;
    let form = Form::<ConfirmationForm>::from_request(Request::from_parts(head, body), &()).await;
    let Form(mut form) = form.map_err(|rejection| nothing(unread(&rejection)))?;
    // A text area ends its lines in the way of the network.
    form.reason = form.reason.replace("\r\n", "\n").trim().to_owned();
    if let Err(failure) = check_reason(act.verb(), &form.reason) {
        return Err((form, failure.into()));
    }
    let before = services.handle.view();
    if form.seen != seen(act, &present::rollouts(&before)) {
        let why = "it changed while you were reading; what it is now stands below: look again, then confirm";
        return Err((form, FormRefusal::new(StatusCode::CONFLICT, why)));
    }
    let read = match was_read(act, &form) {
        Ok(read) => read,
        Err(refused) => return Err((form, refused)),
    };
    match carry_out(services, actor, form.reason.clone(), act.command(form.paused.is_some()), read).await {
        // The page shows what was done from the log, in which this leaves nothing.
        Ok(done) if !act.verb().needs_reason() => {
            read_now(&done.done).map_err(|failure| (form, failure.into()))
        }
        Ok(_) => Ok(Redirect::to(&format!("/?after={}", before.head.seq)).into_response()),
        Err(failure) => Err((form, failure.into())),
    }
}

/// What the form says that was read; `None`: the verb rests on nothing.
fn was_read(act: &Act, form: &ConfirmationForm) -> Result<Option<ReadBefore>, FormRefusal> {
    if !act.verb().rests_on_reading() {
        return Ok(None);
    }
    // Where it would be refused, nothing was there to be read.
    if form.read.is_empty() {
        return Ok(Some(ReadBefore::default()));
    }
    let unread = |_| {
        let why = "the form does not say what you have read; it stands below: look at it, then confirm";
        FormRefusal::new(StatusCode::CONFLICT, why)
    };
    let ReadField { revision, seen } = serde_json::from_str(&form.read).map_err(unread)?;
    Ok(Some(ReadBefore { revision, seen: seen.into() }))
}

fn confirmation(
    act: &Act,
    (viewer, look): (&Viewer, Option<&Look>),
    form: &ConfirmationForm,
    refused: Option<FormRefusal>,
) -> Result<Response, Failure> {
    let answer = &present::rollouts(&viewer.view);
    let rollout = rollout_of(act, answer);
    let is_new = |plan: &PlanName| {
        act.verb().aim() == Aim::Waiting && answer.new_plans.iter().any(|new| new.plan == *plan)
    };
    if let (Some(plan), None) = (act.command.plan().filter(|plan| !is_new(plan)), rollout) {
        return Err(unknown_plan(&viewer.view, plan));
    }
    if let (Some(of), Some(ring), None) = (rollout, act.command.ring(), ring_of(act, answer)) {
        let known: Vec<&str> = of.rings.iter().map(|ring| ring.name.as_str()).collect();
        let detail = format!("plan `{}` has no ring `{ring}`; it has {}", of.plan, known.join(", "));
        return Err(Failure::new(Kind::NoSuchPlan, detail));
    }
    let status = refused.as_ref().map_or(StatusCode::OK, |refused| refused.status);
    let retry_after = refused.as_ref().and_then(|refused| refused.retry_after);
    let log_names = viewer.actor(act.right()).filter(|_| act.verb().needs_reason());
    let unnamed = log_names == Some(Actor::Loopback);
    let confirmation = Confirmation {
        frame: Frame::new(&act.title()),
        act,
        form,
        seen: seen(act, answer),
        read: look.map(read_field).transpose()?.unwrap_or_default(),
        rests_on: look.map(Look::lines).unwrap_or_default(),
        what: effects(act, answer, viewer),
        now: now(act, answer),
        refused: refused.map(|refused| refused.why),
        may_not: viewer.refused(act.right()),
        is_word: act.right() == Right::Approve,
        unnamed,
        same: match act.right() {
            Right::Approve => "The same as a command, with a token of your own in RINGWARD_BEARER_TOKEN:",
            _ if unnamed => "Under your own name:",
            _ => "The same as a command:",
        },
        log_names,
        offer_paused: act.verb().takes(ArgumentKey::Paused),
        button: act.page.button.unwrap_or(act.page.label),
    };
    let mut page = shown(status, confirmation.render())?;
    page.headers_mut().extend(retry_after.map(|seconds| (header::RETRY_AFTER, seconds.into())));
    Ok(page)
}

fn read_field(look: &Look) -> Result<String, Failure> {
    let field = ReadField { revision: look.revision.as_str().to_owned(), seen: (&look.seen).into() };
    serde_json::to_string(&field).map_err(|error| Failure::new(Kind::Fault, error.to_string()))
}
