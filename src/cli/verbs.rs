//! `ringward pause`, `resume`, `waive` and `start`: what a person asks of the daemon.
//!
//! **Invariant:** the daemon alone decides and records; here is only the asking.

use crate::cli::client::{AskError, Connection};
use crate::cli::exit::CliError;
use crate::cli::render::{Out, safe};
use crate::ids::{PlanName, RingName};
use crate::rollout::command::StartPlans;
use crate::rollout::verdict::Gate;
use crate::web::json::{VerbAnswer, VerbRequest};

/// Holds a plan.
///
/// # Errors
/// When it is refused, or there is no daemon to ask.
pub async fn pause(at: &Connection, plan: &PlanName, reason: &str, out: Out<'_>) -> Result<(), CliError> {
    of_plan(at, plan, "pause", &because(reason), out).await
}

/// Lifts a plan's holds, both of them.
///
/// # Errors
/// When it is refused, or there is no daemon to ask.
pub async fn resume(at: &Connection, plan: &PlanName, reason: &str, out: Out<'_>) -> Result<(), CliError> {
    of_plan(at, plan, "resume", &because(reason), out).await
}

/// Declares that a gate does not apply to a ring (`None`: the one that is under way).
///
/// # Errors
/// When it is refused, or there is no daemon to ask.
pub async fn waive(
    at: &Connection,
    plan: &PlanName,
    gate: Gate,
    ring: Option<&RingName>,
    reason: &str,
    out: Out<'_>,
) -> Result<(), CliError> {
    let request = VerbRequest { gate: Some(gate), ring: ring.cloned(), ..because(reason) };
    of_plan(at, plan, "waive", &request, out).await
}

/// Allows writes again. Without a daemon it is refused: nothing else could record who did it.
///
/// # Errors
/// When it is refused, or there is no daemon to ask.
pub async fn start(at: &Connection, plans: StartPlans, reason: &str, out: Out<'_>) -> Result<(), CliError> {
    let request = VerbRequest { paused: Some(plans == StartPlans::Pause), ..because(reason) };
    match at.post::<VerbAnswer>(&["start"], &request).await {
        Ok(answer) => Ok(writeln!(out, "{}", safe(&answer.done))?),
        Err(error @ AskError::NoDaemon { .. }) => Err(CliError::refused(format!(
            "{error}, and then: ringward start --reason … (what is stopped stays stopped until then)"
        ))),
        Err(error) if error.is_no_daemon() => Err(CliError::refused(error)),
        Err(error) => Err(error.into()),
    }
}

async fn of_plan(
    at: &Connection,
    plan: &PlanName,
    verb: &str,
    request: &VerbRequest,
    out: Out<'_>,
) -> Result<(), CliError> {
    let answer: VerbAnswer = at.post(&["rollouts", plan.as_str(), verb], request).await?;
    Ok(writeln!(out, "{}", safe(&answer.done))?)
}

fn because(reason: &str) -> VerbRequest {
    VerbRequest { reason: reason.to_owned(), ..VerbRequest::default() }
}
