//! `ringward confirm PLAN`: a revision that waits, for whoever is to confirm it, and the confirmation.
//!
//! **Invariant:** whoever confirms is shown first what waits; the daemon alone decides whether it is what they name.

use std::io;

use clap::{Args, Subcommand};

use crate::cli::verbs::{ask, help};
use crate::cli::{CliError, Connection, DaemonArgs, Out, Overview, Prose, Screen, Tint, safe, short_digest};
use crate::rollout::people::verbs::table::{Cell, confirm as cell};
use crate::web::json::{AttributionJson, RevisionWaitsJson, RolloutsAnswer, VerbRequest};
use crate::web::{told_approvals, told_moves_of};
use crate::{
    cli::render::short as at, cli::value_parsers::REASON, ids::PlanName,
    rollout::people::verbs::about::About, rollout::people::verbs::refused::Refused,
    rollout::people::verbs::situation::Waits, rollout::people::verbs::verb::Verb, rollout::record::WaitsFor,
};

/// Arguments of `confirm`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ConfirmArgs {
    /// What, where it is no plan's revision.
    #[command(subcommand)]
    pub what: Option<ConfirmCommand>,
    /// The plan
    #[arg(value_name = "PLAN", required = true)]
    pub plan: Option<PlanName>,
    /// The revision that you have read, as this command shows it: its digest, or at least its first 8 digits
    #[arg(long, value_name = "DIGEST", value_parser = revision, requires = "reason")]
    pub revision: Option<String>,
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = REASON, requires = "revision")]
    pub reason: Option<String>,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// What can be confirmed.
#[derive(Debug, Subcommand)]
pub enum ConfirmCommand {
    /// Confirm that this machine's clock is right, and that the log is dated ahead because the clock was
    #[command(after_help = help(Verb::ConfirmClock))]
    Clock {
        /// Why, for those who read the history
        #[arg(long, value_name = "TEXT", value_parser = REASON)]
        reason: String,
        /// Which daemon.
        #[command(flatten)]
        daemon: DaemonArgs,
    },
}

impl ConfirmArgs {
    pub(super) async fn run(&self, out: Out<'_>) -> Result<(), CliError> {
        match (&self.what, &self.plan) {
            (Some(ConfirmCommand::Clock { reason, daemon }), _) => {
                let request = VerbRequest { reason: reason.clone(), ..VerbRequest::default() };
                ask(&daemon.connection(), None, Verb::ConfirmClock, &request, out).await
            }
            (None, Some(plan)) => {
                let word = self.revision.as_deref().zip(self.reason.as_deref());
                let word = word.map(|(revision, reason)| ReadRevision { revision, reason });
                confirm(&self.daemon.connection(), plan, word, &Screen::of_stdout(), out).await
            }
            // The parser asks for one or the other.
            (None, None) => Err(CliError::usage("confirm what? A plan's revision, or the clock")),
        }
    }
}

/// A digest, or how it begins.
pub(super) fn revision(text: &str) -> Result<String, String> {
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase());
    if hex && (8..=64).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    Err("write 8 to 64 hex digits of the digest, as `ringward explain` shows them".to_owned())
}

/// What a person confirms, and why.
#[derive(Debug, Clone, Copy)]
pub struct ReadRevision<'a> {
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
    word: Option<ReadRevision<'_>>,
    screen: &Screen,
    out: Out<'_>,
) -> Result<(), CliError> {
    let seen = Overview::ask(daemon).await?;
    let mut page = Prose { out, screen, now: seen.now };
    let waiting = seen.answer.revision_of(plan);
    if let Some(waiting) = waiting {
        text(&mut page, &seen.answer, plan, waiting)?;
    }
    match (word, waiting) {
        (Some(ReadRevision { revision, reason }), _) => {
            let (revision, reason) = (Some(revision.to_owned()), reason.to_owned());
            let request = VerbRequest { revision, reason, ..VerbRequest::default() };
            ask(daemon, Some(plan), Verb::Confirm, &request, page.out).await
        }
        (None, Some(waiting)) => Err(CliError::refused(not_yet(&mut page, plan, waiting)?)),
        (None, None) => {
            seen.rollout(plan)?;
            let about = About { plan: plan.to_string(), ..About::anything() };
            Err(CliError::refused(Refused::NothingWaits.told(&about)))
        }
    }
}

/// What to do with what waits; and why it is not done.
fn not_yet(page: &mut Prose<'_>, plan: &PlanName, waiting: &RevisionWaitsJson) -> io::Result<String> {
    let waits = match &waiting.confirmed {
        _ if waiting.waits_for == WaitsFor::AnotherVersion.as_str() => Waits::Impossible,
        _ if waiting.waits_for == WaitsFor::Predecessor.as_str() => Waits::TooEarly,
        Some(_) => Waits::Confirmed,
        None => Waits::Same,
    };
    if let Cell::Refused(refused) = cell(waits) {
        let held = waiting.confirmed.as_ref().map(|hold| format!("by {}", held(hold)));
        let revision = format!("revision {}", short_digest(&waiting.digest));
        let about = About::anything();
        let held = held.unwrap_or_else(|| about.held.clone());
        return Ok(refused.told(&About { plan: plan.to_string(), revision, held, ..about }));
    }
    if let Some(command) = &waiting.command {
        // A command stands on a line of its own, whole, to be copied.
        writeln!(page.out, "To confirm it:\n  {}", page.paint(Tint::Strong, &safe(command)))?;
    }
    Ok("nothing is confirmed yet; read what it changes, then give the command above".to_owned())
}

fn text(
    page: &mut Prose<'_>,
    answer: &RolloutsAnswer,
    plan: &PlanName,
    waiting: &RevisionWaitsJson,
) -> io::Result<()> {
    let (lead, digest) = (page.paint(Tint::Waiting, "waits"), short_digest(&waiting.digest));
    let since = page.moment(waiting.since);
    page.say("", format!("{plan}: revision {digest} {lead} since {since}."))?;
    page.say("  ", safe(&waiting.why))?;
    let in_force = match &waiting.in_force {
        Some(digest) => format!("In force is revision {}.", short_digest(digest)),
        None => "The plan is new: nothing of it is in force before.".to_owned(),
    };
    page.say("  ", in_force)?;
    if let Some(hold) = &waiting.confirmed {
        page.say("  ", format!("Confirmed by {}", held(hold)))?;
    }
    list(page, "It changes:", &waiting.changes)?;
    list(page, "It moves:", &told_moves_of(waiting))?;
    let rollout = answer.rollouts.iter().find(|rollout| rollout.plan == *plan);
    let approvals: Vec<String> = rollout.map(told_approvals).unwrap_or_default();
    if !approvals.is_empty() {
        list(page, "Approvals of the revision in force, void with another one:", &approvals)?;
    }
    page.gap()
}

fn list(page: &mut Prose<'_>, title: &str, lines: &[String]) -> io::Result<()> {
    page.say("", title)?;
    lines.iter().try_for_each(|line| page.say("  - ", safe(line)))
}

fn held(hold: &AttributionJson) -> String {
    format!("{} since {}: {}", safe(&hold.actor), at(hold.since), safe(&hold.reason))
}
