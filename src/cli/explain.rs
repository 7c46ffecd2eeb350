//! `ringward explain`: why a rollout does not move, and what would change it, in sentences.
//!
//! **Invariant:** the first line answers the question; every reason is shown with its remedy, and
//! every gate with the value that it saw beside the one that it asks for.

use std::io;

use clap::Args;

use crate::cli::classes::{in_order, total};
use crate::cli::client::Connection;
use crate::cli::daemon_args::{DaemonArgs, JsonArgs};
use crate::cli::exit::CliError;
use crate::cli::overview::Overview;
use crate::cli::paragraphs::{daemon_text, new_plan, state_tint, superseded_offer, troubles};
use crate::cli::render::{Format, Out, json, moment, safe, short_digest};
use crate::cli::screen::{Screen, Tint, cells};
use crate::ids::PlanName;
use crate::time::{SignedDuration, Timestamp, rough};
use crate::web::json::{BlockerJson, ClassesJson, GateJson, RingJson, RolloutJson, ScheduleJson};
use crate::web::{told_drifts, told_moves, told_rollback};

/// Arguments of `explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ringward explain client         the first line is the answer
  ringward explain client --json  the same as GET /api/v1/rollouts/client")]
pub struct ExplainArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    pub plan: PlanName,
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

impl ExplainArgs {
    pub(super) async fn run(&self, out: Out<'_>) -> Result<(), CliError> {
        let (at, format) = (self.daemon.connection(), self.json.format());
        explain(&at, &self.plan, format, &Screen::of_stdout(), out).await
    }
}

/// Explains one plan's rollout.
///
/// # Errors
/// When the daemon does not answer, or knows no such plan.
pub async fn explain(
    at: &Connection,
    plan: &PlanName,
    format: Format,
    screen: &Screen,
    out: Out<'_>,
) -> Result<(), CliError> {
    let seen = Overview::ask(at).await?;
    if let Some(new) = seen.new_plan(plan) {
        match format {
            Format::Json => json(out, new)?,
            Format::Text => new_plan(out, new, seen.now, screen)?,
        }
        return Ok(());
    }
    let rollout = seen.rollout(plan)?;
    match format {
        Format::Json => json(out, rollout)?,
        Format::Text => text(out, rollout, &seen, screen)?,
    }
    Ok(())
}

fn text(out: Out<'_>, rollout: &RolloutJson, seen: &Overview, screen: &Screen) -> io::Result<()> {
    let now = seen.now;
    why(out, rollout, now, screen)?;
    newer(out, rollout, now, screen)?;
    superseded(out, rollout, now, screen)?;
    drifts(out, rollout, screen)?;
    rollback(out, rollout, screen)?;
    troubles(out, seen, screen)?;
    let description = rollout.description.as_deref().map(|text| format!(" ({})", safe(text)));
    let text = format!(
        "Rollout {} of {}{} is {} since {}, by digest {}.",
        rollout.number,
        rollout.plan,
        description.unwrap_or_default(),
        safe(&rollout.phase),
        moment(rollout.phase_since, now),
        short_digest(&rollout.digest),
    );
    writeln!(out, "{}", screen.flow("", &text))?;
    for (index, ring) in rollout.rings.iter().enumerate() {
        let place = format!("Ring {} of {}", index + 1, rollout.rings.len());
        ring_text(out, &place, ring, now, screen)?;
    }
    daemon_text(out, seen, screen)
}

/// Why it does not move: the answer in one sentence, then each reason in full.
///
/// # Errors
/// When it cannot be written.
pub fn why(out: Out<'_>, rollout: &RolloutJson, now: Timestamp, screen: &Screen) -> io::Result<()> {
    let plan = screen.paint(Tint::Strong, rollout.plan.as_str());
    let Some((first, others)) = rollout.waiting_on.split_first() else {
        write!(out, "{}", screen.flow("", &format!("{plan} {}.", over(&rollout.phase))))?;
        left_pause(out, rollout, now, screen)?;
        return writeln!(out);
    };
    let stands = match first.code.as_str() {
        "stopped" | "paused" | "halted" | "withdrawn" => screen.paint(Tint::Bad, "stands still"),
        "offers_forbidden" => screen.paint(Tint::Waiting, "is completed and needs you"),
        "moving" => screen.paint(Tint::Good, "is about to move"),
        "returning" => screen.paint(Tint::Moving, "goes back"),
        "rolled_back" => screen.paint(Tint::Quiet, "is rolled back"),
        _ => screen.paint(Tint::Waiting, "waits"),
    };
    write!(out, "{}", screen.flow("", &format!("{plan} {stands}: {}.", sentence(&first.headline))))?;
    reason(out, first, now, screen)?;
    for other in others {
        write!(out, "{}", screen.flow("Also in the way: ", &format!("{}.", sentence(&other.headline))))?;
        reason(out, other, now, screen)?;
    }
    left_pause(out, rollout, now, screen)?;
    match rollout.earliest_move {
        Some(earliest) => {
            let text = format!("Earliest move, by the clock: {}\n", moment(earliest, now));
            writeln!(out, "{text}")
        }
        None if first.code == "moving" => Ok(()),
        None => writeln!(out, "Earliest move: no clock can tell; it hangs on what stands above.\n"),
    }
}

/// A newer target that waits for this rollout's end.
///
/// # Errors
/// When it cannot be written.
pub fn newer(out: Out<'_>, rollout: &RolloutJson, now: Timestamp, screen: &Screen) -> io::Result<()> {
    let Some(newer) = &rollout.newer_target else { return Ok(()) };
    write!(out, "{}", screen.flow("Afterwards: ", &format!("{}.", sentence(&newer.headline))))?;
    write!(out, "{}", screen.flow("  ", &safe(&newer.detail)))?;
    field(out, "since", &moment(newer.since, now), screen)?;
    field(out, "digest", &short_digest(&newer.digest), screen)?;
    remedy(out, &newer.remedy, newer.command.as_deref(), screen)
}

/// What earlier rollouts left on offer, each with its way out.
fn superseded(out: Out<'_>, rollout: &RolloutJson, now: Timestamp, screen: &Screen) -> io::Result<()> {
    for offer in &rollout.superseded_offers {
        superseded_offer(out, offer, screen)?;
        field(out, "since", &moment(offer.since, now), screen)?;
        remedy(out, &offer.remedy, Some(&offer.command), screen)?;
        writeln!(out)?;
    }
    Ok(())
}

/// What somebody else did that keeps nothing from moving: what does is told with its remedy.
fn drifts(out: Out<'_>, rollout: &RolloutJson, screen: &Screen) -> io::Result<()> {
    let told = told_drifts(rollout);
    for (standing, text) in &told {
        write!(out, "{}", screen.flow(&format!("Drift, {standing}: "), &format!("{}.", sentence(text))))?;
    }
    if told.is_empty() { Ok(()) } else { writeln!(out) }
}

/// How far it went back, and what is held out.
fn rollback(out: Out<'_>, rollout: &RolloutJson, screen: &Screen) -> io::Result<()> {
    let told = told_rollback(rollout);
    for text in &told {
        write!(out, "{}", screen.flow("", &format!("{}.", sentence(text))))?;
    }
    if told.is_empty() { Ok(()) } else { writeln!(out) }
}

/// A headline as a sentence, without a full stop of its own.
fn sentence(headline: &str) -> String {
    safe(headline).trim_end_matches('.').to_owned()
}

/// A rollout that is over can still be paused, which its next one inherits; elsewhere the pause is a reason.
fn left_pause(out: Out<'_>, rollout: &RolloutJson, now: Timestamp, screen: &Screen) -> io::Result<()> {
    let is_said = rollout.waiting_on.iter().any(|blocker| blocker.code == "paused");
    let Some(pause) = rollout.paused.as_ref().filter(|_| !is_said) else { return Ok(()) };
    let (who, why) = (safe(&pause.actor), safe(&pause.reason));
    let text = format!("The plan is paused by {who} since {}: {why}", moment(pause.since, now));
    write!(out, "{}", screen.flow("  ", &text))
}

/// What the plan is when nothing is in its way.
fn over(phase: &str) -> String {
    match phase {
        "completed" => "is completed: every ring is verified, and nothing is left to wait for".to_owned(),
        "superseded" => "is superseded: a newer rollout of the plan took over".to_owned(),
        other => format!("is {}, and nothing is in its way", safe(other)),
    }
}

/// Everything about one reason but its headline.
fn reason(out: Out<'_>, blocker: &BlockerJson, now: Timestamp, screen: &Screen) -> io::Result<()> {
    write!(out, "{}", screen.flow("  ", &safe(&blocker.detail)))?;
    let since = blocker.since.map(|at| moment(at, now));
    let next_look = blocker.next_look.map(|at| moment(at, now));
    let until = blocker.until.map(|at| moment(at, now));
    let fields = [
        ("seen", blocker.seen.as_deref()),
        ("asked for", blocker.asked.as_deref()),
        ("since", since.as_deref()),
        ("next look", next_look.as_deref()),
        ("ends", until.as_deref()),
    ];
    for (label, value) in fields {
        if let Some(value) = value {
            field(out, label, &safe(value), screen)?;
        }
    }
    remedy(out, &blocker.remedy, blocker.command.as_deref(), screen)
}

/// What a person can do, and the command for it.
fn remedy(out: Out<'_>, remedy: &str, command: Option<&str>, screen: &Screen) -> io::Result<()> {
    let remedy = safe(remedy);
    let Some(command) = command.map(safe) else {
        field(out, "to do", &remedy, screen)?;
        return writeln!(out);
    };
    // A command stands on a line of its own, whole, to be copied.
    field(out, "to do", remedy.strip_suffix(&command).unwrap_or(&remedy).trim_end(), screen)?;
    writeln!(out, "               {}\n", screen.paint(Tint::Strong, &command))
}

/// A labelled value.
fn field(out: Out<'_>, label: &str, value: &str, screen: &Screen) -> io::Result<()> {
    let blank = " ".repeat(11_usize.saturating_sub(cells(label)));
    let lead = format!("  {}{blank}", screen.paint(Tint::Quiet, label));
    write!(out, "{}", screen.flow(&lead, value))
}

fn ring_text(out: Out<'_>, place: &str, ring: &RingJson, now: Timestamp, screen: &Screen) -> io::Result<()> {
    let name = screen.paint(Tint::Strong, &safe(ring.name.as_str()));
    let state = screen.paint(state_tint(&ring.state), &safe(&ring.state));
    let text =
        format!("{place}, {name}, is {state} since {}: {}.", moment(ring.since, now), safe(&ring.meaning));
    write!(out, "{}", screen.flow("", &text))?;
    let targets: Vec<_> = ring.targets.iter().map(|(on, version)| format!("{on} {version}")).collect();
    let moves = format!("profiles {} to {}", safe(&ring.profiles.join(", ")), targets.join(", "));
    field(out, "moves", &moves, screen)?;
    for (environment, moves) in &ring.moves {
        field(out, "", &safe(&told_moves(*environment, moves)), screen)?;
    }
    field(out, "group", &group(ring, now), screen)?;
    for entry in &ring.unmanaged {
        let text = format!("holds {} too, which the plan does not name; it stays as it is", safe(entry));
        field(out, "", &text, screen)?;
    }
    match &ring.classes {
        None => field(out, "devices", "not read yet", screen)?,
        Some(classes) => {
            for (environment, classes) in in_order(classes).filter(|(_, classes)| total(classes) > 0) {
                field(out, "devices", &format!("{}: {}", safe(environment), counts(classes)), screen)?;
            }
        }
    }
    if let Some(schedule) = &ring.schedule {
        field(out, "schedule", &schedule_text(schedule, now), screen)?;
    }
    if let Some(opening) = ring.next_opening {
        field(out, "opens", &format!("it can be entered next at {}", moment(opening, now)), screen)?;
    }
    for gate in &ring.gates {
        field(out, "gate", &gate_text(gate), screen)?;
    }
    for waiver in &ring.waived {
        let (who, why) = (safe(&waiver.actor), safe(&waiver.reason));
        let text = format!("{} by {who} at {}: {why}", waiver.gate, moment(waiver.since, now));
        field(out, "waived", &text, screen)?;
    }
    writeln!(out)
}

fn group(ring: &RingJson, now: Timestamp) -> String {
    let group = safe(&ring.group.name);
    match (&ring.group.id, ring.assigned_at) {
        (None, _) => format!("`{group}`, which is to be created"),
        (Some(id), None) => format!("`{group}` ({id})"),
        (Some(id), Some(at)) => format!("`{group}` ({id}), which offers them since {}", moment(at, now)),
    }
}

/// What the schedule says, and when it says something else next.
fn schedule_text(schedule: &ScheduleJson, now: Timestamp) -> String {
    let mut parts = vec![safe(&schedule.because)];
    let next = [("opens", schedule.next_open), ("closes", schedule.next_close)];
    let mut next: Vec<(&str, Timestamp)> =
        next.into_iter().filter_map(|(verb, at)| Some((verb, at?))).collect();
    next.sort_by_key(|(_, at)| *at);
    parts.extend(next.into_iter().map(|(verb, at)| format!("{verb} {}", moment(at, now))));
    parts.join("; ")
}

fn gate_text(gate: &GateJson) -> String {
    let on = gate.environment.map(|environment| format!("/{environment}")).unwrap_or_default();
    let reason = gate.reason.as_deref().map(|reason| format!(" ({})", safe(reason))).unwrap_or_default();
    let age = match gate.age_seconds {
        Some(seconds) => {
            format!(", read {} before the decision", rough(SignedDuration::from_secs(seconds)))
        }
        None => String::new(),
    };
    let (verdict, value, threshold) = (safe(&gate.verdict), safe(&gate.value), safe(&gate.threshold));
    format!("{}{on}: {verdict}{reason}; seen: {value}{age}; asked for: {threshold}", gate.gate)
}

fn counts(classes: &ClassesJson) -> String {
    let ClassesJson { arrived, due, stalled, unseen, too_old, untargeted, left } = *classes;
    let all = [
        (arrived, "arrived"),
        (due, "due"),
        (stalled, "stalled"),
        (unseen, "unseen"),
        (too_old, "too old"),
        (untargeted, "untargeted"),
        (left, "left the ring"),
    ];
    let told: Vec<_> =
        all.iter().filter(|(count, _)| *count > 0).map(|(count, class)| format!("{count} {class}")).collect();
    format!("{} ({})", total(classes), told.join(", "))
}
