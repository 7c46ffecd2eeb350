//! Verbs: what a person asks for, over the same paths from page, API and command line.
//!
//! **Invariant:** a verb reaches the daemon only with an actor, a reason, and nothing in its body
//! that was not understood.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, FromRequest as _, Path, Request, State};
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use super::Services;
use super::identity::Asker;
use super::json::{MAX_REASON_CHARS, VerbAnswer, VerbRequest};
use super::openapi::{OfAPlansVerb, OfAVerb};
use super::problem::{Failure, Kind};
use super::reads::{PlanInPath, plan_name};
use super::schema::{
    ApproveRequest, CheckNowRequest, ConfirmRequest, ReasonRequest, ReleaseHoldRequest, RollbackRequest,
    StartRequest, WaiveRequest,
};
use crate::ids::RingName;
use crate::rollout::judge::way_back::Scope;
use crate::rollout::people::command::Command;
use crate::rollout::people::verbs::situation::StartPlans;
use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::record::Actor;

type Answer = Result<Json<VerbAnswer>, Failure>;
type PlanPath = Result<Path<String>, PathRejection>;

/// Hold a plan: no write, and no ring is verified, until `resume`.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/pause", tag = "verbs", operation_id = "pause",
    params(PlanInPath), request_body = ReasonRequest,
    responses((status = 200, description = "It was done, and recorded", body = VerbAnswer), OfAPlansVerb))]
pub(super) async fn pause(
    State(services): State<Services>,
    plan: PlanPath,
    asker: Extension<Asker>,
    request: Request,
) -> Answer {
    let (actor, asked) = read(Verb::Pause, asker, request).await?;
    let plan = plan_name(plan)?;
    only_a_reason(&asked)?;
    carry_out(&services, actor, asked.reason, Command::Pause(plan)).await
}

/// Lift a plan's holds, having seen their causes.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/resume", tag = "verbs", operation_id = "resume",
    params(PlanInPath), request_body = ReasonRequest,
    responses((status = 200, description = "It was done, and recorded", body = VerbAnswer), OfAPlansVerb))]
pub(super) async fn resume(
    State(services): State<Services>,
    plan: PlanPath,
    asker: Extension<Asker>,
    request: Request,
) -> Answer {
    let (actor, asked) = read(Verb::Resume, asker, request).await?;
    let plan = plan_name(plan)?;
    only_a_reason(&asked)?;
    carry_out(&services, actor, asked.reason, Command::Resume(plan)).await
}

/// Declare that a gate does not apply to a ring of this rollout.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/waive", tag = "verbs", operation_id = "waive",
    params(PlanInPath), request_body = WaiveRequest,
    responses((status = 200, description = "It was done, and recorded", body = VerbAnswer), OfAPlansVerb))]
pub(super) async fn waive(
    State(services): State<Services>,
    plan: PlanPath,
    asker: Extension<Asker>,
    request: Request,
) -> Answer {
    let (actor, asked) = read(Verb::Waive, asker, request).await?;
    let plan = plan_name(plan)?;
    let VerbRequest { reason, gate, ring, environment, version, paused, revision } = asked;
    only_a_reason(&VerbRequest { environment, version, paused, revision, ..VerbRequest::default() })?;
    let Some(gate) = gate else {
        return Err(Failure::new(Kind::Senseless, "`gate` is missing; say which gate is waived"));
    };
    carry_out(&services, actor, reason, Command::Waive { plan, gate, ring }).await
}

/// Let a ring be entered, as a member of the User Group that the plan asks.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/approve", tag = "verbs", operation_id = "approve",
    params(PlanInPath), request_body = ApproveRequest,
    responses((status = 200, description = "It counts from now on, and is recorded", body = VerbAnswer), OfAPlansVerb))]
pub(super) async fn approve(
    State(services): State<Services>,
    plan: PlanPath,
    asker: Extension<Asker>,
    request: Request,
) -> Answer {
    let (actor, asked) = read(Verb::Approve, asker, request).await?;
    let plan = plan_name(plan)?;
    let (reason, ring) = only_a_ring(asked)?;
    carry_out(&services, actor, reason, Command::Approve { plan, ring, revision: None }).await
}

/// Say no to a ring's entry, as one who could approve it.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/refuse", tag = "verbs", operation_id = "refuse",
    params(PlanInPath), request_body = ApproveRequest,
    responses((status = 200, description = "It stands from now on, and is recorded", body = VerbAnswer), OfAPlansVerb))]
pub(super) async fn refuse(
    State(services): State<Services>,
    plan: PlanPath,
    asker: Extension<Asker>,
    request: Request,
) -> Answer {
    let (actor, asked) = read(Verb::Refuse, asker, request).await?;
    let plan = plan_name(plan)?;
    let (reason, ring) = only_a_ring(asked)?;
    carry_out(&services, actor, reason, Command::Refuse { plan, ring, revision: None }).await
}

/// Take a rollout back, ring by ring, the latest first.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/rollback", tag = "verbs", operation_id = "rollback",
    params(PlanInPath), request_body = RollbackRequest,
    responses((status = 200, description = "It was begun, and recorded", body = VerbAnswer), OfAPlansVerb))]
pub(super) async fn rollback(
    State(services): State<Services>,
    plan: PlanPath,
    asker: Extension<Asker>,
    request: Request,
) -> Answer {
    let (actor, asked) = read(Verb::Rollback, asker, request).await?;
    let plan = plan_name(plan)?;
    let VerbRequest { reason, gate, ring, environment, version, paused, revision } = asked;
    only_a_reason(&VerbRequest { gate, version, paused, revision, ..VerbRequest::default() })?;
    let command = Command::Rollback { plan, scope: Scope { ring, environment } };
    carry_out(&services, actor, reason, command).await
}

/// Allow a version again that the plan's rollbacks hold out.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/release-hold", tag = "verbs", operation_id = "release_hold",
    params(PlanInPath), request_body = ReleaseHoldRequest,
    responses((status = 200, description = "It was done, and recorded", body = VerbAnswer), OfAPlansVerb))]
pub(super) async fn release_hold(
    State(services): State<Services>,
    plan: PlanPath,
    asker: Extension<Asker>,
    request: Request,
) -> Answer {
    let (actor, asked) = read(Verb::ReleaseHold, asker, request).await?;
    let plan = plan_name(plan)?;
    let VerbRequest { reason, gate, ring, environment, version, paused, revision } = asked;
    only_a_reason(&VerbRequest { gate, ring, environment, paused, revision, ..VerbRequest::default() })?;
    let Some(version) = version else {
        return Err(Failure::new(Kind::Senseless, "`version` is missing; say which version is released"));
    };
    carry_out(&services, actor, reason, Command::ReleaseHold { plan, version }).await
}

/// Let a revision of the plan's file take effect that waits.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/confirm", tag = "verbs", operation_id = "confirm",
    params(PlanInPath), request_body = ConfirmRequest,
    responses((status = 200, description = "It takes effect with the next decision, and is recorded", body = VerbAnswer),
        OfAPlansVerb))]
pub(super) async fn confirm(
    State(services): State<Services>,
    plan: PlanPath,
    asker: Extension<Asker>,
    request: Request,
) -> Answer {
    let (actor, asked) = read(Verb::Confirm, asker, request).await?;
    let plan = plan_name(plan)?;
    let Some(revision) = asked.revision.clone() else {
        let detail = "`revision` is missing; say which revision you have read, by its digest";
        return Err(Failure::new(Kind::Senseless, detail));
    };
    only_a_reason(&VerbRequest { revision: None, ..asked.clone() })?;
    carry_out(&services, actor, asked.reason, Command::Confirm { plan, revision }).await
}

/// Read now what the plan's rollout wants to see, and decide. Nothing is recorded.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/check-now", tag = "verbs", operation_id = "check_now",
    params(PlanInPath), request_body = CheckNowRequest,
    responses((status = 200, description = "It was begun; what is read shows as it comes in", body = VerbAnswer),
        OfAPlansVerb))]
pub(super) async fn check_now(
    State(services): State<Services>,
    plan: PlanPath,
    asker: Extension<Asker>,
    request: Request,
) -> Answer {
    let (actor, asked) = read(Verb::CheckNow, asker, request).await?;
    let plan = plan_name(plan)?;
    only_a_reason(&asked)?;
    carry_out(&services, actor, asked.reason, Command::CheckNow(plan)).await
}

/// Stop all writes of all plans.
#[utoipa::path(post, path = "/api/v1/stop", tag = "verbs", operation_id = "stop", request_body = ReasonRequest,
    responses((status = 200, description = "It was done, and recorded", body = VerbAnswer), OfAVerb))]
pub(super) async fn stop(
    State(services): State<Services>,
    asker: Extension<Asker>,
    request: Request,
) -> Answer {
    let (actor, asked) = read(Verb::Stop, asker, request).await?;
    only_a_reason(&asked)?;
    carry_out(&services, actor, asked.reason, Command::Stop).await
}

/// Allow writes again after `stop`.
#[utoipa::path(post, path = "/api/v1/start", tag = "verbs", operation_id = "start", request_body = StartRequest,
    responses((status = 200, description = "It was done, and recorded", body = VerbAnswer), OfAVerb))]
pub(super) async fn start(
    State(services): State<Services>,
    asker: Extension<Asker>,
    request: Request,
) -> Answer {
    let (actor, asked) = read(Verb::Start, asker, request).await?;
    let VerbRequest { reason, gate, ring, environment, version, paused, revision } = asked;
    only_a_reason(&VerbRequest { gate, ring, environment, version, revision, ..VerbRequest::default() })?;
    let plans = if paused == Some(true) { StartPlans::Pause } else { StartPlans::GoOn };
    carry_out(&services, actor, reason, Command::Start { plans }).await
}

/// Confirm that this machine's clock is right, and the log dated ahead because the clock was.
#[utoipa::path(post, path = "/api/v1/confirm-clock", tag = "verbs", operation_id = "confirm_clock",
    request_body = ReasonRequest,
    responses((status = 200, description = "It was done, and recorded", body = VerbAnswer), OfAVerb))]
pub(super) async fn confirm_clock(
    State(services): State<Services>,
    asker: Extension<Asker>,
    request: Request,
) -> Answer {
    let (actor, asked) = read(Verb::ConfirmClock, asker, request).await?;
    only_a_reason(&asked)?;
    carry_out(&services, actor, asked.reason, Command::ConfirmClock).await
}

/// Who asks, and for what.
async fn read(
    verb: Verb,
    Extension(Asker(actor)): Extension<Asker>,
    request: Request,
) -> Result<(Actor, VerbRequest), Failure> {
    let asked: VerbRequest = object(request).await?;
    check_reason(verb, &asked.reason)?;
    Ok((actor, asked))
}

/// A body that is one JSON object, of keys that are known.
pub(super) async fn object<T: DeserializeOwned>(request: Request) -> Result<T, Failure> {
    let (head, body) = request.into_parts();
    if !is_json(&head.headers) {
        let detail = "send `Content-Type: application/json` and a body such as {\"reason\": \"…\"}";
        return Err(Failure::new(Kind::NotJson, detail));
    }
    let malformed = |why: String| Failure::new(Kind::Malformed, format!("the body is not a request: {why}"));
    let body = Bytes::from_request(Request::from_parts(head, body), &())
        .await
        .map_err(|error| malformed(error.body_text()))?;
    // serde would take a list as the fields in order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(malformed("it is no JSON object".to_owned()));
    }
    serde_json::from_slice(&body).map_err(|error| malformed(error.to_string()))
}

/// Exactly JSON: other types can be sent by a page of another site without being asked about.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

pub(super) fn check_reason(verb: Verb, reason: &str) -> Result<(), Failure> {
    if reason.trim().is_empty() && verb.needs_reason() {
        return Err(Failure::new(Kind::Senseless, "`reason` is missing; say why, it stands in the log"));
    }
    is_fit_for_the_log(reason)
}

/// Whether a reason can stand in the log as it is.
pub(super) fn is_fit_for_the_log(reason: &str) -> Result<(), Failure> {
    let senseless = |detail: &str| Err(Failure::new(Kind::Senseless, detail));
    if reason.chars().count() > MAX_REASON_CHARS {
        return senseless(&format!("`reason` has more than {MAX_REASON_CHARS} characters; shorten it"));
    }
    if reason.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return senseless("`reason` holds a control character; only line breaks and tabs are taken");
    }
    Ok(())
}

/// A reason, and a ring.
fn only_a_ring(asked: VerbRequest) -> Result<(String, Option<RingName>), Failure> {
    let VerbRequest { reason, gate, ring, environment, version, paused, revision } = asked;
    only_a_reason(&VerbRequest { gate, environment, version, paused, revision, ..VerbRequest::default() })?;
    Ok((reason, ring))
}

/// A key of another verb is a slip, and is told rather than dropped.
fn only_a_reason(asked: &VerbRequest) -> Result<(), Failure> {
    match asked {
        VerbRequest { gate: Some(_), .. } => Err(out_of_place("gate", "waive")),
        VerbRequest { ring: Some(_), .. } => {
            Err(out_of_place("ring", "approve`, `refuse`, `waive` and `rollback"))
        }
        VerbRequest { environment: Some(_), .. } => Err(out_of_place("environment", "rollback")),
        VerbRequest { version: Some(_), .. } => Err(out_of_place("version", "release-hold")),
        VerbRequest { paused: Some(_), .. } => Err(out_of_place("paused", "start")),
        VerbRequest { revision: Some(_), .. } => Err(out_of_place("revision", "confirm")),
        VerbRequest {
            reason: _,
            gate: None,
            ring: None,
            environment: None,
            version: None,
            paused: None,
            revision: None,
        } => Ok(()),
    }
}

fn out_of_place(key: &str, verb: &str) -> Failure {
    Failure::new(Kind::Senseless, format!("`{key}` belongs to `{verb}`; leave it out here"))
}

pub(super) async fn carry_out(services: &Services, actor: Actor, reason: String, command: Command) -> Answer {
    let done = services.handle.command(actor, reason, command).await?;
    Ok(Json(VerbAnswer { done }))
}
