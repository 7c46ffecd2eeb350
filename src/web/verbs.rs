//! Verbs: what a person asks for, over the same paths from page, API and command line.
//!
//! **Invariant:** a verb reaches the daemon only with an actor, a reason, and nothing in its body
//! that was not understood.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};

use crate::ids::PlanName;
use crate::rollout::judge::way_back::Scope;
use crate::rollout::people::command::Command;
use crate::rollout::people::verbs::situation::StartPlans;
use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::record::Actor;
use crate::web::body::{check_reason, object};
use crate::web::identity::Asker;
use crate::web::json::{VerbAnswer, VerbRequest};
use crate::web::openapi::{OfAPlansVerb, OfAVerb};
use crate::web::problem::{Failure, Kind};
use crate::web::reads::{PlanInPath, plan_name};
use crate::web::schema::{
    ApproveRequest, CheckNowRequest, ConfirmRequest, ReasonRequest, ReleaseHoldRequest, RollbackRequest,
    StartRequest, WaiveRequest,
};
use crate::web::services::Services;

type VerbResult = Result<Json<VerbAnswer>, Failure>;
/// A request for a verb; of those about everything, the path has no plan.
type VerbCall = (State<Services>, Result<Path<String>, PathRejection>, Extension<Asker>, Request);

/// The keys that some verb takes beside the reason.
const KEYS: [&str; 6] = ["gate", "ring", "environment", "version", "paused", "revision"];

/// Hold a plan: no write, and no ring is verified, until `resume`.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/pause", tag = "verbs", operation_id = "pause",
    params(PlanInPath), request_body = ReasonRequest,
    responses((status = 200, description = "It was done, and recorded", body = VerbAnswer), OfAPlansVerb))]
pub(super) async fn pause(call: VerbCall) -> VerbResult {
    of_plan(Verb::Pause, &[], call, |plan, _| Ok(Command::Pause(plan))).await
}

/// Lift a plan's holds, having seen their causes.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/resume", tag = "verbs", operation_id = "resume",
    params(PlanInPath), request_body = ReasonRequest,
    responses((status = 200, description = "It was done, and recorded", body = VerbAnswer), OfAPlansVerb))]
pub(super) async fn resume(call: VerbCall) -> VerbResult {
    of_plan(Verb::Resume, &[], call, |plan, _| Ok(Command::Resume(plan))).await
}

/// Declare that a gate does not apply to a ring of this rollout.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/waive", tag = "verbs", operation_id = "waive",
    params(PlanInPath), request_body = WaiveRequest,
    responses((status = 200, description = "It was done, and recorded", body = VerbAnswer), OfAPlansVerb))]
pub(super) async fn waive(call: VerbCall) -> VerbResult {
    of_plan(Verb::Waive, &["gate", "ring"], call, |plan, VerbRequest { gate, ring, .. }| {
        let gate = gate.ok_or_else(|| senseless("`gate` is missing; say which gate is waived"))?;
        Ok(Command::Waive { plan, gate, ring })
    })
    .await
}

/// Let a ring be entered, as a member of the User Group that the plan asks.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/approve", tag = "verbs", operation_id = "approve",
    params(PlanInPath), request_body = ApproveRequest,
    responses((status = 200, description = "It counts from now on, and is recorded", body = VerbAnswer), OfAPlansVerb))]
pub(super) async fn approve(call: VerbCall) -> VerbResult {
    of_plan(Verb::Approve, &["ring"], call, |plan, VerbRequest { ring, .. }| {
        Ok(Command::Approve { plan, ring, revision: None })
    })
    .await
}

/// Say no to a ring's entry, as one who could approve it.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/refuse", tag = "verbs", operation_id = "refuse",
    params(PlanInPath), request_body = ApproveRequest,
    responses((status = 200, description = "It stands from now on, and is recorded", body = VerbAnswer), OfAPlansVerb))]
pub(super) async fn refuse(call: VerbCall) -> VerbResult {
    of_plan(Verb::Refuse, &["ring"], call, |plan, VerbRequest { ring, .. }| {
        Ok(Command::Refuse { plan, ring, revision: None })
    })
    .await
}

/// Take a rollout back, ring by ring, the latest first.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/rollback", tag = "verbs", operation_id = "rollback",
    params(PlanInPath), request_body = RollbackRequest,
    responses((status = 200, description = "It was begun, and recorded", body = VerbAnswer), OfAPlansVerb))]
pub(super) async fn rollback(call: VerbCall) -> VerbResult {
    of_plan(Verb::Rollback, &["ring", "environment"], call, |plan, asked| {
        let VerbRequest { ring, environment, .. } = asked;
        Ok(Command::Rollback { plan, scope: Scope { ring, environment } })
    })
    .await
}

/// Allow a version again that the plan's rollbacks hold out.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/release-hold", tag = "verbs", operation_id = "release_hold",
    params(PlanInPath), request_body = ReleaseHoldRequest,
    responses((status = 200, description = "It was done, and recorded", body = VerbAnswer), OfAPlansVerb))]
pub(super) async fn release_hold(call: VerbCall) -> VerbResult {
    of_plan(Verb::ReleaseHold, &["version"], call, |plan, VerbRequest { version, .. }| {
        let version =
            version.ok_or_else(|| senseless("`version` is missing; say which version is released"))?;
        Ok(Command::ReleaseHold { plan, version })
    })
    .await
}

/// Let a revision of the plan's file take effect that waits.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/confirm", tag = "verbs", operation_id = "confirm",
    params(PlanInPath), request_body = ConfirmRequest,
    responses((status = 200, description = "It takes effect with the next decision, and is recorded", body = VerbAnswer),
        OfAPlansVerb))]
pub(super) async fn confirm(call: VerbCall) -> VerbResult {
    // That the revision is missing is told before anything else about its keys.
    of_plan(Verb::Confirm, &KEYS, call, |plan, asked| {
        let missing = || senseless("`revision` is missing; say which revision you have read, by its digest");
        let revision = asked.revision.clone().ok_or_else(missing)?;
        only(&["revision"], &asked)?;
        Ok(Command::Confirm { plan, revision })
    })
    .await
}

/// Read now what the plan's rollout wants to see, and decide. Nothing is recorded.
#[utoipa::path(post, path = "/api/v1/rollouts/{plan}/check-now", tag = "verbs", operation_id = "check_now",
    params(PlanInPath), request_body = CheckNowRequest,
    responses((status = 200, description = "It was begun; what is read shows as it comes in", body = VerbAnswer),
        OfAPlansVerb))]
pub(super) async fn check_now(call: VerbCall) -> VerbResult {
    of_plan(Verb::CheckNow, &[], call, |plan, _| Ok(Command::CheckNow(plan))).await
}

/// Stop all writes of all plans.
#[utoipa::path(post, path = "/api/v1/stop", tag = "verbs", operation_id = "stop", request_body = ReasonRequest,
    responses((status = 200, description = "It was done, and recorded", body = VerbAnswer), OfAVerb))]
pub(super) async fn stop(call: VerbCall) -> VerbResult {
    of_all(Verb::Stop, &[], call, |_| Command::Stop).await
}

/// Allow writes again after `stop`.
#[utoipa::path(post, path = "/api/v1/start", tag = "verbs", operation_id = "start", request_body = StartRequest,
    responses((status = 200, description = "It was done, and recorded", body = VerbAnswer), OfAVerb))]
pub(super) async fn start(call: VerbCall) -> VerbResult {
    of_all(Verb::Start, &["paused"], call, |asked| {
        let plans = if asked.paused == Some(true) { StartPlans::Pause } else { StartPlans::GoOn };
        Command::Start { plans }
    })
    .await
}

/// Confirm that this machine's clock is right, and the log dated ahead because the clock was.
#[utoipa::path(post, path = "/api/v1/confirm-clock", tag = "verbs", operation_id = "confirm_clock",
    request_body = ReasonRequest,
    responses((status = 200, description = "It was done, and recorded", body = VerbAnswer), OfAVerb))]
pub(super) async fn confirm_clock(call: VerbCall) -> VerbResult {
    of_all(Verb::ConfirmClock, &[], call, |_| Command::ConfirmClock).await
}

/// Carries out a verb about a plan, which takes these keys.
async fn of_plan(
    verb: Verb,
    keys: &[&str],
    (State(services), plan, Extension(Asker(actor)), request): VerbCall,
    command: impl FnOnce(PlanName, VerbRequest) -> Result<Command, Failure>,
) -> VerbResult {
    let asked: VerbRequest = object(request).await?;
    check_reason(verb, &asked.reason)?;
    let plan = plan_name(plan)?;
    only(keys, &asked)?;
    let reason = asked.reason.clone();
    carry_out(&services, actor, reason, command(plan, asked)?).await
}

/// Carries out a verb about everything, which takes these keys.
async fn of_all(
    verb: Verb,
    keys: &[&str],
    (State(services), _, Extension(Asker(actor)), request): VerbCall,
    command: impl FnOnce(&VerbRequest) -> Command,
) -> VerbResult {
    let asked: VerbRequest = object(request).await?;
    check_reason(verb, &asked.reason)?;
    only(keys, &asked)?;
    let command = command(&asked);
    carry_out(&services, actor, asked.reason, command).await
}

/// A key of another verb is a slip, and is told rather than dropped.
fn only(keys: &[&str], asked: &VerbRequest) -> Result<(), Failure> {
    let VerbRequest { reason: _, gate, ring, environment, version, paused, revision } = asked;
    let named = [
        ("gate", gate.is_some(), "waive"),
        ("ring", ring.is_some(), "approve`, `refuse`, `waive` and `rollback"),
        ("environment", environment.is_some(), "rollback"),
        ("version", version.is_some(), "release-hold"),
        ("paused", paused.is_some(), "start"),
        ("revision", revision.is_some(), "confirm"),
    ];
    match named.into_iter().find(|(key, is_named, _)| *is_named && !keys.contains(key)) {
        Some((key, _, verb)) => Err(senseless(&format!("`{key}` belongs to `{verb}`; leave it out here"))),
        None => Ok(()),
    }
}

fn senseless(detail: &str) -> Failure {
    Failure::new(Kind::Senseless, detail)
}

pub(super) async fn carry_out(
    services: &Services,
    actor: Actor,
    reason: String,
    command: Command,
) -> VerbResult {
    let done = services.handle.command(actor, reason, command).await?;
    Ok(Json(VerbAnswer { done }))
}
