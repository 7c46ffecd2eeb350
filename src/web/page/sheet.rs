//! Asking for a verb: a sheet that says what it will do, and its form.
//!
//! The form is an ordinary one, so it works without a script. A page of another site could send the
//! same form; what keeps it out is the rule of every verb ([`Peer::actor`]) and, here, that the
//! browser must say where the form comes from: clients that say nothing have the API, whose content
//! type no form can have.
//!
//! **Invariant:** a GET only shows; a POST that the rules, the reason, or a change since the sheet
//! was shown stand against is answered with the sheet again, and reaches nobody.

use std::fmt;

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Extension, Form, FromRequest as _, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::super::json::{HaltJson, RolloutJson, RolloutsAnswer};
use super::super::problem::{Failure, Kind};
use super::super::verbs::{MAX_REASON_CHARS, actor_of, carry_out, check_reason};
use super::super::{Peer, Services, present};
use super::acts::{Viewer, of_all, of_plan, waive_command};
use super::{Frame, Html, encoded, show};
use crate::ids::{PlanName, RingName};
use crate::rollout::command::{Command, StartPlans};
use crate::rollout::verdict::Gate;

/// What is asked for, as the address says it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Pause(PlanName),
    Resume(PlanName),
    Waive { plan: PlanName, ring: RingName, gate: Gate },
    Stop,
    Start,
}

/// The rest of the address.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    plan: Option<String>,
    ring: Option<String>,
    gate: Option<String>,
}

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

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ticked {
    Yes,
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
    command: String,
    reason: String,
    max_reason: usize,
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
    uri: Uri,
    headers: HeaderMap,
) -> Html {
    let viewer = Viewer::new(&peer, &uri, &headers);
    let shown = Asked::read(&verb, query).and_then(|asked| {
        let answer = present::rollouts(&services.handle.view());
        asked.sheet(&answer, &viewer, &Said::default(), None)
    });
    Html(shown)
}

pub(super) async fn submit(
    State(services): State<Services>,
    Path(verb): Path<String>,
    query: Result<Query<Of>, QueryRejection>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Html {
    let viewer = Viewer::new(&peer, request.uri(), request.headers());
    let asked = match Asked::read(&verb, query) {
        Ok(asked) => asked,
        Err(failure) => return Html(Err(failure)),
    };
    let (said, refused) = match asked.carried_out(&services, &peer, request).await {
        Ok(done) => return Html(Ok(done)),
        Err(refused) => refused,
    };
    let answer = present::rollouts(&services.handle.view());
    Html(asked.sheet(&answer, &viewer, &said, Some(refused)))
}

/// The browser's word that a form comes from our own page. [`Peer::actor`] has judged what is said;
/// here silence is not enough.
fn comes_from_our_page(peer: &Peer, headers: &HeaderMap) -> Result<(), Refused> {
    let of_a_user = matches!(peer, Peer::Local { .. });
    let same = headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    if of_a_user || same || headers.contains_key(header::ORIGIN) {
        return Ok(());
    }
    let why = "the browser does not say that this form comes from this page (neither `Origin` nor \
               `Sec-Fetch-Site`); use the command line, or the API";
    Err(Refused { status: StatusCode::FORBIDDEN, why: why.to_owned() })
}

fn unread(rejection: &FormRejection) -> Refused {
    let (status, why) = match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            (StatusCode::PAYLOAD_TOO_LARGE, "a form has at most 64 KiB".to_owned())
        }
        status => (status, format!("the form cannot be read: {}", rejection.body_text())),
    };
    Refused { status, why }
}

impl Asked {
    fn read(verb: &str, query: Result<Query<Of>, QueryRejection>) -> Result<Self, Failure> {
        let malformed = |why: String| Failure::new(Kind::Malformed, why);
        let Query(Of { plan, ring, gate }) = query.map_err(|error| malformed(error.body_text()))?;
        let missing = |key: &str| malformed(format!("`{key}` is missing in the address of this page"));
        let plan = || -> Result<PlanName, Failure> {
            let text = plan.as_ref().ok_or_else(|| missing("plan"))?;
            PlanName::new(text).map_err(|error| Failure::new(Kind::NoSuchPlan, error.to_string()))
        };
        match verb {
            "pause" => Ok(Self::Pause(plan()?)),
            "resume" => Ok(Self::Resume(plan()?)),
            "waive" => {
                let ring = ring.as_ref().ok_or_else(|| missing("ring"))?;
                let gate = gate.as_ref().ok_or_else(|| missing("gate"))?;
                let known = Gate::ALL.into_iter().find(|known| known.as_str() == gate);
                Ok(Self::Waive {
                    plan: plan()?,
                    ring: RingName::new(ring).map_err(|error| malformed(error.to_string()))?,
                    gate: known.ok_or_else(|| malformed(format!("there is no gate `{gate}`")))?,
                })
            }
            "stop" => Ok(Self::Stop),
            "start" => Ok(Self::Start),
            other => {
                let detail =
                    format!("the page has no `{other}`; what it has is pause, resume, waive, stop and start");
                Err(Failure::new(Kind::NoSuchPath, detail))
            }
        }
    }

    /// Carries a form out; else its fields, to be shown again, and why not.
    async fn carried_out(
        &self,
        services: &Services,
        peer: &Peer,
        request: Request,
    ) -> Result<Response, (Said, Refused)> {
        let nothing = |refused: Refused| (Said::default(), refused);
        let actor =
            actor_of(peer, request.uri(), request.headers()).map_err(|failure| nothing(failure.into()))?;
        comes_from_our_page(peer, request.headers()).map_err(nothing)?;
        let form = Form::<Said>::from_request(request, &()).await;
        let Form(mut said) = form.map_err(|rejection| nothing(unread(&rejection)))?;
        // A text area ends its lines in the way of the network.
        said.reason = said.reason.replace("\r\n", "\n").trim().to_owned();
        if let Err(failure) = check_reason(&said.reason) {
            return Err((said, failure.into()));
        }
        let before = services.handle.view();
        if said.seen != self.seen(&present::rollouts(&before)) {
            let why =
                "it changed while you were reading; what it is now stands below: look again, then confirm";
            return Err((said, Refused { status: StatusCode::CONFLICT, why: why.to_owned() }));
        }
        let command = self.command(said.paused);
        match carry_out(services, actor, said.reason.clone(), command).await {
            Ok(_) => Ok(Redirect::to(&format!("/?after={}", before.head.seq)).into_response()),
            Err(failure) => Err((said, failure.into())),
        }
    }

    fn command(&self, paused: Option<Ticked>) -> Command {
        match self.clone() {
            Self::Pause(plan) => Command::Pause(plan),
            Self::Resume(plan) => Command::Resume(plan),
            Self::Waive { plan, ring, gate } => Command::Waive { plan, gate, ring: Some(ring) },
            Self::Stop => Command::Stop,
            Self::Start => Command::Start {
                plans: match paused {
                    Some(Ticked::Yes) => StartPlans::Pause,
                    None => StartPlans::GoOn,
                },
            },
        }
    }

    fn plan(&self) -> Option<&PlanName> {
        match self {
            Self::Pause(plan) | Self::Resume(plan) | Self::Waive { plan, .. } => Some(plan),
            Self::Stop | Self::Start => None,
        }
    }

    fn rollout<'a>(&self, answer: &'a RolloutsAnswer) -> Option<&'a RolloutJson> {
        let plan = self.plan()?;
        answer.rollouts.iter().find(|rollout| rollout.plan == *plan)
    }

    /// What must not change between sheet and form: the holds that are lifted, with their causes,
    /// or the rollout whose gate is waived.
    fn seen(&self, answer: &RolloutsAnswer) -> String {
        let rollout = self.rollout(answer);
        match self {
            Self::Resume(_) => {
                let pause = rollout.and_then(|rollout| rollout.paused.as_ref()).map(|hold| hold.since);
                let halt = rollout.and_then(|rollout| rollout.halted.as_ref());
                let halt = halt.map(|halt| format!("{} {}", halt.cause, halt.since));
                format!("{}/{}", text_of(pause), text_of(halt))
            }
            Self::Waive { .. } => text_of(rollout.map(|rollout| &rollout.id)),
            Self::Start => text_of(answer.stopped.as_ref().map(|hold| hold.since)),
            Self::Pause(_) | Self::Stop => String::new(),
        }
    }

    fn sheet(
        &self,
        answer: &RolloutsAnswer,
        viewer: &Viewer,
        said: &Said,
        refused: Option<Refused>,
    ) -> Result<Response, Failure> {
        let rollout = self.rollout(answer);
        if let (Some(plan), None) = (self.plan(), rollout) {
            let known: Vec<&str> = answer.rollouts.iter().map(|rollout| rollout.plan.as_str()).collect();
            let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
            let detail = format!("there is no plan `{plan}`; ringward knows {known}");
            return Err(Failure::new(Kind::NoSuchPlan, detail));
        }
        let status = refused.as_ref().map_or(StatusCode::OK, |refused| refused.status);
        let title = self.title();
        let sheet = Sheet {
            frame: Frame::new(title.clone()),
            title,
            action: self.address(),
            seen: self.seen(answer),
            what: self.what(answer, rollout),
            now: self.now(answer, rollout),
            refused: refused.map(|refused| refused.why),
            may_not: viewer.refused.clone(),
            command: self.command_line(),
            reason: said.reason.clone(),
            max_reason: MAX_REASON_CHARS,
            offer_paused: matches!(self, Self::Start),
            paused: said.paused.is_some(),
            button: match self {
                Self::Pause(_) => "Pause",
                Self::Resume(_) => "Resume",
                Self::Waive { .. } => "Waive the gate",
                Self::Stop => "Stop all writes",
                Self::Start => "Start again",
            },
            grave: matches!(self, Self::Stop | Self::Waive { .. }),
        };
        Html::new(status, sheet.render())
    }

    fn title(&self) -> String {
        match self {
            Self::Pause(plan) => format!("Pause {plan}?"),
            Self::Resume(plan) => format!("Resume {plan}?"),
            Self::Waive { plan, ring, gate } => format!("Waive gate {gate} for {ring} in {plan}?"),
            Self::Stop => "Stop all writes?".to_owned(),
            Self::Start => "Allow writes again?".to_owned(),
        }
    }

    fn address(&self) -> String {
        match self {
            Self::Pause(plan) => format!("/act/pause?plan={}", encoded(plan.as_str())),
            Self::Resume(plan) => format!("/act/resume?plan={}", encoded(plan.as_str())),
            Self::Waive { plan, ring, gate } => {
                let (plan, ring) = (encoded(plan.as_str()), encoded(ring.as_str()));
                format!("/act/waive?plan={plan}&ring={ring}&gate={gate}")
            }
            Self::Stop => "/act/stop".to_owned(),
            Self::Start => "/act/start".to_owned(),
        }
    }

    fn command_line(&self) -> String {
        match self {
            Self::Pause(plan) => of_plan("pause", plan),
            Self::Resume(plan) => of_plan("resume", plan),
            Self::Waive { plan, ring, gate } => waive_command(plan, ring, *gate),
            Self::Stop => of_all("stop"),
            Self::Start => of_all("start"),
        }
    }

    /// What it will do, in sentences.
    fn what(&self, answer: &RolloutsAnswer, rollout: Option<&RolloutJson>) -> Vec<String> {
        let told = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        match self {
            Self::Pause(_) => told(&[
                "ringward writes nothing for this plan, and verifies no ring of it, until somebody resumes it.",
                "Devices that were offered a version already go on to it: an installation cannot be called back.",
                "Looking at the devices, the gates and the soak go on.",
            ]),
            Self::Resume(_) => resumed(rollout),
            Self::Waive { ring, gate, .. } => {
                let mut lines = vec![format!(
                    "Gate {gate} no longer holds ring {ring} up in this rollout; it reads `exempt`, with your reason. This cannot be taken back."
                )];
                lines.push("All other gates still hold.".to_owned());
                lines
            }
            Self::Stop => told(&[
                "No plan writes anything at Cloudflare until somebody starts again.",
                "A request that is on its way already is not called back; its outcome is still read.",
                "Looking at the devices, the gates and the soak go on.",
            ]),
            Self::Start => {
                let held = |one: &&RolloutJson| one.paused.is_some() || one.halted.is_some();
                let running = answer.rollouts.iter().filter(|one| one.phase == "running");
                let (held, free): (Vec<_>, Vec<_>) = running.partition(held);
                let names = |of: &[&RolloutJson]| {
                    let names: Vec<&str> = of.iter().map(|one| one.plan.as_str()).collect();
                    names.join(", ")
                };
                let mut lines = vec!["Writes at Cloudflare are allowed again.".to_owned()];
                if !free.is_empty() {
                    lines.push(format!("These go on at once: {}.", names(&free)));
                }
                if !held.is_empty() {
                    lines.push(format!("These stay paused or halted: {}.", names(&held)));
                }
                lines
            }
        }
    }

    /// How it is now, in sentences.
    fn now(&self, answer: &RolloutsAnswer, rollout: Option<&RolloutJson>) -> Vec<String> {
        let mut lines = Vec::new();
        match &answer.stopped {
            Some(hold) => lines.push(format!("All writes are stopped by {}", show::held(hold))),
            None if self.plan().is_none() => lines.push("Writes are allowed.".to_owned()),
            None => {}
        }
        let Some(rollout) = rollout else { return lines };
        let current = show::current_ring(rollout);
        lines.push(format!("{}.", show::headline(rollout, current)));
        if let Self::Waive { ring, gate, .. } = self {
            let rings = rollout.rings.iter().filter(|one| one.name == *ring);
            for gate in rings.flat_map(|one| &one.gates).filter(|one| one.gate == *gate) {
                let of = gate.environment.map(|environment| format!("/{environment}")).unwrap_or_default();
                let (value, threshold) = (&gate.value, &gate.threshold);
                lines.push(format!(
                    "{}{of} says {}: {value}. Asked for: {threshold}.",
                    gate.gate, gate.verdict
                ));
            }
        } else {
            lines.extend(rollout.waiting_on.iter().map(|blocker| blocker.text.clone()));
        }
        lines
    }
}

fn resumed(rollout: Option<&RolloutJson>) -> Vec<String> {
    let mut lines = Vec::new();
    if rollout.is_some_and(|rollout| rollout.paused.is_some()) {
        lines.push("The pause is lifted.".to_owned());
    }
    if let Some(HaltJson { text, .. }) = rollout.and_then(|rollout| rollout.halted.as_ref()) {
        lines.push(format!(
            "The halt is lifted, and its cause counts as seen by you; only something new halts it again. The cause: {text}"
        ));
    }
    if lines.is_empty() {
        lines.push("Nothing: it is neither paused nor halted, and asking for it will be refused.".to_owned());
    } else {
        lines.push("ringward goes on by itself as soon as the gates allow it.".to_owned());
    }
    lines
}

fn text_of(value: Option<impl fmt::Display>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}
