//! `ringward confirm PLAN`: a revision that waits, for whoever is to confirm it, and the confirmation.
//!
//! **Invariant:** whoever confirms is shown first what waits; the daemon alone decides whether it is what they name.

use std::io;

use crate::cli::client::Connection;
use crate::cli::exit::CliError;
use crate::cli::render::{Out, moment, safe, short as at};
use crate::cli::screen::{Screen, Tint};
use crate::cli::status::Seen;
use crate::cli::verbs;
use crate::ids::PlanName;
use crate::rollout::people::verbs::refused::Refused;
use crate::rollout::people::verbs::situation::Waits;
use crate::rollout::people::verbs::table::{Cell, confirm as cell};
use crate::rollout::people::verbs::words::About;
use crate::rollout::record::WaitsFor;
use crate::web::json::{HoldJson, RevisionWaitsJson};
use crate::web::{told_approvals, told_moves_of};

/// What a person confirms, and why.
#[derive(Debug, Clone, Copy)]
pub struct Word<'a> {
    /// The revision that they have read: its digest, or how it begins.
    pub revision: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// Shows what waits of a plan, and confirms it with a person's word.
///
/// # Errors
/// When it is refused, nothing is confirmed yet, or there is no daemon to ask.
pub async fn confirm(
    daemon: &Connection,
    plan: &PlanName,
    word: Option<Word<'_>>,
    screen: &Screen,
    out: Out<'_>,
) -> Result<(), CliError> {
    let seen = Seen::ask(daemon).await?;
    let waiting = seen.answer.revision_of(plan);
    if let Some(waiting) = waiting {
        text(out, &seen, plan, waiting, screen)?;
    }
    match (word, waiting) {
        (Some(Word { revision, reason }), _) => verbs::confirm(daemon, plan, revision, reason, out).await,
        (None, Some(waiting)) => Err(CliError::refused(not_yet(out, plan, waiting, screen)?)),
        (None, None) => {
            seen.rollout(plan)?;
            let about = About { plan: plan.to_string(), ..About::anything() };
            Err(CliError::refused(refusal(&Refused::NothingWaits, &about)))
        }
    }
}

/// What to do with what waits; and why it is not done.
fn not_yet(
    out: Out<'_>,
    plan: &PlanName,
    waiting: &RevisionWaitsJson,
    screen: &Screen,
) -> io::Result<String> {
    let waits = match &waiting.confirmed {
        _ if waiting.waits_for == WaitsFor::AnotherVersion.as_str() => Waits::Impossible,
        _ if waiting.waits_for == WaitsFor::Predecessor.as_str() => Waits::TooEarly,
        Some(_) => Waits::Confirmed,
        None => Waits::Same,
    };
    if let Cell::Refused(refused) = cell(waits) {
        let held = waiting.confirmed.as_ref().map(|hold| format!("by {}", held(hold)));
        let revision = format!("revision {}", short(&waiting.digest));
        let about = About::anything();
        let held = held.unwrap_or_else(|| about.held.clone());
        return Ok(refusal(&refused, &About { plan: plan.to_string(), revision, held, ..about }));
    }
    if let Some(command) = &waiting.command {
        // A command stands on a line of its own, whole, to be copied.
        writeln!(out, "To confirm it:\n  {}", screen.paint(Tint::Strong, &safe(command)))?;
    }
    Ok("nothing is confirmed yet; read what it changes, then give the command above".to_owned())
}

fn refusal(refused: &Refused, about: &About) -> String {
    format!("{}; {}", refused.why(about), refused.instead(about))
}

fn text(
    out: Out<'_>,
    seen: &Seen,
    plan: &PlanName,
    waiting: &RevisionWaitsJson,
    screen: &Screen,
) -> io::Result<()> {
    let (lead, digest) = (screen.paint(Tint::Waiting, "waits"), safe(&short(&waiting.digest)));
    let since = moment(waiting.since, seen.now);
    write!(out, "{}", screen.flow("", &format!("{plan}: revision {digest} {lead} since {since}.")))?;
    write!(out, "{}", screen.flow("  ", &safe(&waiting.why)))?;
    let in_force = match &waiting.in_force {
        Some(digest) => format!("In force is revision {}.", safe(&short(digest))),
        None => "The plan is new: nothing of it is in force before.".to_owned(),
    };
    write!(out, "{}", screen.flow("  ", &in_force))?;
    if let Some(hold) = &waiting.confirmed {
        write!(out, "{}", screen.flow("  ", &format!("Confirmed by {}", held(hold))))?;
    }
    list(out, "It changes:", &waiting.changes, screen)?;
    list(out, "It moves:", &told_moves_of(waiting), screen)?;
    let rollout = seen.answer.rollouts.iter().find(|rollout| rollout.plan == *plan);
    let approvals: Vec<String> = rollout.map(told_approvals).unwrap_or_default();
    if !approvals.is_empty() {
        list(out, "Approvals of the revision in force, void with another one:", &approvals, screen)?;
    }
    writeln!(out)
}

fn list(out: Out<'_>, title: &str, lines: &[String], screen: &Screen) -> io::Result<()> {
    write!(out, "{}", screen.flow("", title))?;
    lines.iter().try_for_each(|line| write!(out, "{}", screen.flow("  - ", &safe(line))))
}

fn held(hold: &HoldJson) -> String {
    format!("{} since {}: {}", safe(&hold.actor), at(hold.since), safe(&hold.reason))
}

/// The digits of a digest that people read.
fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}
