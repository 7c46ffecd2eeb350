//! `ringward approve`, `refuse`, `pause`, `resume`, `waive`, `rollback`, `release-hold`, `check-now` and `start`: what a person asks of the daemon.
//!
//! **Invariant:** the daemon alone decides and records; here is only the asking.

use crate::cli::client::{AskError, Connection};
use crate::cli::exit::CliError;
use crate::cli::render::{Out, safe};
use crate::ids::{PlanName, RingName};
use crate::rollout::judge::way_back::Scope;
use crate::rollout::people::verbs::rows;
use crate::rollout::people::verbs::situation::StartPlans;
use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::people::verbs::words::About;
use crate::rollout::record::Gate;
use crate::version::ClientVersion;
use crate::web::json::{VerbAnswer, VerbRequest};

/// The width of what a verb's help lists.
const HELP_COLUMNS: usize = 90;

/// Holds a plan.
///
/// # Errors
/// When it is refused, or there is no daemon to ask.
pub async fn pause(at: &Connection, plan: &PlanName, reason: &str, out: Out<'_>) -> Result<(), CliError> {
    of_plan(at, plan, Verb::Pause, &because(reason), out).await
}

/// Lifts a plan's holds, both of them.
///
/// # Errors
/// When it is refused, or there is no daemon to ask.
pub async fn resume(at: &Connection, plan: &PlanName, reason: &str, out: Out<'_>) -> Result<(), CliError> {
    of_plan(at, plan, Verb::Resume, &because(reason), out).await
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
    of_plan(at, plan, Verb::Waive, &request, out).await
}

/// Lets a ring be entered (`None`: the first that is not).
///
/// # Errors
/// When it is refused, or there is no daemon to ask.
pub async fn approve(
    at: &Connection,
    plan: &PlanName,
    ring: Option<&RingName>,
    reason: &str,
    out: Out<'_>,
) -> Result<(), CliError> {
    let request = VerbRequest { ring: ring.cloned(), ..because(reason) };
    of_plan(at, plan, Verb::Approve, &request, out).await
}

/// Says no to a ring's entry (`None`: of the first that is not entered).
///
/// # Errors
/// When it is refused, or there is no daemon to ask.
pub async fn refuse(
    at: &Connection,
    plan: &PlanName,
    ring: Option<&RingName>,
    reason: &str,
    out: Out<'_>,
) -> Result<(), CliError> {
    let request = VerbRequest { ring: ring.cloned(), ..because(reason) };
    of_plan(at, plan, Verb::Refuse, &request, out).await
}

/// Takes a plan's rollout back.
///
/// # Errors
/// When it is refused, or there is no daemon to ask.
pub async fn rollback(
    at: &Connection,
    plan: &PlanName,
    scope: &Scope,
    reason: &str,
    out: Out<'_>,
) -> Result<(), CliError> {
    let Scope { ring, environment } = scope.clone();
    let request = VerbRequest { ring, environment, ..because(reason) };
    of_plan(at, plan, Verb::Rollback, &request, out).await
}

/// Allows a version again that a plan's rollbacks hold out.
///
/// # Errors
/// When it is refused, or there is no daemon to ask.
pub async fn release_hold(
    at: &Connection,
    plan: &PlanName,
    version: ClientVersion,
    reason: &str,
    out: Out<'_>,
) -> Result<(), CliError> {
    let request = VerbRequest { version: Some(version), ..because(reason) };
    of_plan(at, plan, Verb::ReleaseHold, &request, out).await
}

/// Lets a revision take effect that waits.
///
/// # Errors
/// When it is refused, or there is no daemon to ask.
pub async fn confirm(
    at: &Connection,
    plan: &PlanName,
    revision: &str,
    reason: &str,
    out: Out<'_>,
) -> Result<(), CliError> {
    let request = VerbRequest { revision: Some(revision.to_owned()), ..because(reason) };
    of_plan(at, plan, Verb::Confirm, &request, out).await
}

/// Reads now what a plan's rollout wants to see.
///
/// # Errors
/// When there is no such plan, or no daemon to ask.
pub async fn check_now(at: &Connection, plan: &PlanName, reason: &str, out: Out<'_>) -> Result<(), CliError> {
    of_plan(at, plan, Verb::CheckNow, &because(reason), out).await
}

/// What `--help` of a verb says after its options: the table's word, then `example`.
#[must_use]
pub fn help(verb: Verb, example: &str) -> String {
    let about = About::anything();
    let mut text = "What it comes to, as things are:\n".to_owned();
    for effect in rows::effects(verb) {
        text.push_str(&item(effect.words()));
    }
    let refusals = rows::refusals(verb);
    if !refusals.is_empty() {
        text.push_str(match verb {
            // The command puts the stop file first, and what it asks for is so.
            Verb::Stop => "\nNothing new is recorded, and the exit code is 0 all the same, when\n",
            _ => "\nIt is refused, with exit code 3, when\n",
        });
    }
    for refused in refusals {
        text.push_str(&item(&format!("{}; {}", refused.why(&about), refused.instead(&about))));
    }
    // A manual page is plain ASCII.
    format!("{}\nExample:\n  {example}", text.replace('…', "TEXT"))
}

/// A line of a list, broken so that it fits most terminals.
fn item(words: &str) -> String {
    let mut text = String::from("  -");
    let mut column = text.len();
    for word in words.split(' ') {
        if column + 1 + word.chars().count() > HELP_COLUMNS {
            text.push_str("\n   ");
            column = 3;
        }
        text.push(' ');
        text.push_str(word);
        column += 1 + word.chars().count();
    }
    text.push('\n');
    text
}

/// Allows writes again. Without a daemon it is refused: nothing else could record who did it.
///
/// # Errors
/// When it is refused, or there is no daemon to ask.
pub async fn start(at: &Connection, plans: StartPlans, reason: &str, out: Out<'_>) -> Result<(), CliError> {
    let request = VerbRequest { paused: Some(plans == StartPlans::Pause), ..because(reason) };
    match at.post::<VerbAnswer>(&[Verb::Start.as_str()], &request).await {
        Ok(answer) => Ok(writeln!(out, "{}", safe(&answer.done))?),
        Err(error @ AskError::NoDaemon { .. }) => Err(CliError::refused(format!(
            "{error}, and then: ringward start --reason … (what is stopped stays stopped until then)"
        ))),
        Err(error) if error.is_no_daemon() => Err(CliError::refused(error)),
        Err(error) => Err(error.into()),
    }
}

/// Confirms the machine's clock, where the log is dated ahead.
///
/// # Errors
/// When it is refused, or there is no daemon to ask.
pub async fn confirm_clock(at: &Connection, reason: &str, out: Out<'_>) -> Result<(), CliError> {
    let answer: VerbAnswer = at.post(&[Verb::ConfirmClock.as_str()], &because(reason)).await?;
    Ok(writeln!(out, "{}", safe(&answer.done))?)
}

async fn of_plan(
    at: &Connection,
    plan: &PlanName,
    verb: Verb,
    request: &VerbRequest,
    out: Out<'_>,
) -> Result<(), CliError> {
    let answer: VerbAnswer = at.post(&["rollouts", plan.as_str(), verb.as_str()], request).await?;
    Ok(writeln!(out, "{}", safe(&answer.done))?)
}

fn because(reason: &str) -> VerbRequest {
    VerbRequest { reason: reason.to_owned(), ..VerbRequest::default() }
}
