//! `ringward explain`: where a rollout is, why, and what would change it, in sentences.
//!
//! **Invariant:** every reason is shown with its remedy, and every gate with the value that it
//! saw beside the one that it asks for.

use std::io;

use crate::cli::client::Connection;
use crate::cli::exit::CliError;
use crate::cli::render::{Format, Out, json, length, moment, safe};
use crate::cli::status::{Seen, alarms, daemon_text, in_order, total};
use crate::ids::PlanName;
use crate::time::{SignedDuration, Timestamp};
use crate::web::json::{ClassesJson, GateJson, RingJson, RolloutJson};

/// Explains one plan's rollout.
///
/// # Errors
/// When the daemon does not answer, or knows no such plan.
pub async fn explain(at: &Connection, plan: &PlanName, format: Format, out: Out<'_>) -> Result<(), CliError> {
    let seen = Seen::ask(at).await?;
    let rollout = seen.rollout(plan)?;
    match format {
        Format::Json => json(out, rollout)?,
        Format::Text => text(out, rollout, &seen)?,
    }
    Ok(())
}

fn text(out: Out<'_>, rollout: &RolloutJson, seen: &Seen) -> io::Result<()> {
    let now = seen.now;
    alarms(out, seen)?;
    let number = rollout.number;
    let (plan, phase) = (&rollout.plan, safe(&rollout.phase));
    writeln!(out, "Rollout {number} of {plan} is {phase} since {}.", moment(rollout.phase_since, now))?;
    if let Some(description) = &rollout.description {
        writeln!(out, "The plan: {}", safe(description))?;
    }
    writeln!(out, "Its digest is {}.\n", safe(&rollout.digest))?;
    why(out, rollout, now)?;
    for (index, ring) in rollout.rings.iter().enumerate() {
        ring_text(out, index + 1, ring, now)?;
    }
    daemon_text(out, seen)
}

fn why(out: Out<'_>, rollout: &RolloutJson, now: Timestamp) -> io::Result<()> {
    if rollout.waiting_on.is_empty() {
        writeln!(out, "It is over: nothing is left to wait for.")?;
    } else {
        writeln!(out, "What is in the way of its next move:")?;
    }
    for (index, blocker) in rollout.waiting_on.iter().enumerate() {
        writeln!(out, "  {}. {}", index + 1, safe(&blocker.text))?;
        writeln!(out, "     To change it: {}", safe(&blocker.remedy))?;
    }
    // A rollout that is over can still be held, which its next one inherits.
    if let Some(pause) = rollout.paused.as_ref().filter(|_| rollout.waiting_on.is_empty()) {
        let (who, why) = (safe(&pause.actor), safe(&pause.reason));
        writeln!(out, "The plan is paused by {who} since {}: {why}", moment(pause.since, now))?;
    }
    if let Some(halt) = &rollout.halted {
        writeln!(out, "It is halted since {}.", moment(halt.since, now))?;
    }
    match rollout.earliest_move {
        Some(earliest) => {
            writeln!(out, "By the clock it can move at {} at the earliest.\n", moment(earliest, now))
        }
        None => writeln!(out),
    }
}

fn ring_text(out: Out<'_>, position: usize, ring: &RingJson, now: Timestamp) -> io::Result<()> {
    let (name, state) = (&ring.name, safe(&ring.state));
    writeln!(out, "Ring {position}, {}, is {state} since {}.", safe(name.as_str()), moment(ring.since, now))?;
    let targets: Vec<_> = ring.targets.iter().map(|(on, version)| format!("{on} {version}")).collect();
    writeln!(out, "  It moves the profiles {} to {}.", safe(&ring.profiles.join(", ")), targets.join(", "))?;
    let group = safe(&ring.group.name);
    match (&ring.group.id, ring.assigned_at) {
        (None, _) => writeln!(out, "  Its deployment group will be `{group}`; there is none yet.")?,
        (Some(id), None) => writeln!(out, "  Its deployment group is `{group}` ({id}).")?,
        (Some(id), Some(at)) => {
            writeln!(out, "  Its deployment group `{group}` ({id}) offers them since {}.", moment(at, now))?
        }
    }
    for entry in &ring.unmanaged {
        writeln!(out, "  The group holds {}, which the plan does not name; it stays as it is.", safe(entry))?;
    }
    match &ring.classes {
        None => writeln!(out, "  Its devices have not been read yet.")?,
        Some(classes) => {
            for (environment, classes) in in_order(classes).filter(|(_, classes)| total(classes) > 0) {
                writeln!(out, "  Devices on {}: {}.", safe(environment), counts(classes))?;
            }
        }
    }
    if let Some(opening) = ring.next_opening {
        writeln!(out, "  It can be entered next at {}.", moment(opening, now))?;
    }
    for gate in &ring.gates {
        gate_text(out, gate)?;
    }
    for waiver in &ring.waived {
        let (who, why) = (safe(&waiver.actor), safe(&waiver.reason));
        writeln!(out, "  Gate {} was waived by {who} at {}: {why}", waiver.gate, moment(waiver.since, now))?;
    }
    writeln!(out)
}

fn gate_text(out: Out<'_>, gate: &GateJson) -> io::Result<()> {
    let on = gate.environment.map(|environment| format!("/{environment}")).unwrap_or_default();
    let reason = gate.reason.as_deref().map(|reason| format!(" ({})", safe(reason))).unwrap_or_default();
    writeln!(out, "  Gate {}{on} says {}{reason}.", gate.gate, safe(&gate.verdict))?;
    let age = match gate.age_seconds {
        Some(seconds) => {
            format!(" (read {} before the decision)", length(SignedDuration::from_secs(seconds)))
        }
        None => String::new(),
    };
    writeln!(out, "    seen: {}{age}", safe(&gate.value))?;
    writeln!(out, "    asked for: {}", safe(&gate.threshold))
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
