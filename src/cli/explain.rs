//! `ringward explain`: why a rollout does not move, and what would change it, in sentences.
//!
//! **Invariant:** the first line answers the question; every reason is shown with its remedy, and
//! every gate with the value that it saw beside the one that it asks for.

use std::io;

use clap::Args;

use crate::cli::classes::{each, in_order, total};
use crate::cli::paragraphs::{daemon_text, new_plan, state_tint, superseded_offer, troubles};
use crate::cli::{
    CliError, Connection, Format, Out, Overview, Prose, ReadArgs, Screen, Tint, cells, safe, short_digest,
};
use crate::ids::PlanName;
use crate::time::{SignedDuration, Timestamp, rough};
use crate::web::json::{
    BlockerJson, ClassesJson, GateJson, RingJson, RolloutJson, RolloutsAnswer, ScheduleJson,
};
use crate::web::{told_drifts, told_moves, told_rollback};

/// Arguments of `explain`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/explain.txt").trim_end())]
pub struct ExplainArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    pub plan: PlanName,
    /// How to answer, and which daemon.
    #[command(flatten)]
    pub read: ReadArgs,
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
        return Ok(format.answer(out, new, |out| new_plan(&mut Prose { out, screen, now: seen.now }, new))?);
    }
    let rollout = seen.rollout(plan)?;
    let now = seen.now;
    Ok(format.answer(out, rollout, |out| text(&mut Prose { out, screen, now }, rollout, &seen.answer))?)
}

fn text(page: &mut Prose<'_>, rollout: &RolloutJson, answer: &RolloutsAnswer) -> io::Result<()> {
    why(page, rollout)?;
    newer(page, rollout)?;
    superseded(page, rollout)?;
    drifts(page, rollout)?;
    rollback(page, rollout)?;
    troubles(page, answer)?;
    let description = rollout.description.as_deref().map(|text| format!(" ({})", safe(text)));
    let RolloutJson { number, plan, phase, .. } = rollout;
    let (of, phase) = (description.unwrap_or_default(), safe(phase));
    let (since, digest) = (page.moment(rollout.phase_since), short_digest(&rollout.digest));
    page.say("", format!("Rollout {number} of {plan}{of} is {phase} since {since}, by digest {digest}."))?;
    page.gap()?;
    for (index, ring) in rollout.rings.iter().enumerate() {
        let place = format!("Ring {} of {}", index + 1, rollout.rings.len());
        ring_text(page, &place, ring)?;
    }
    daemon_text(page, answer)
}

/// Why it does not move: the answer in one sentence, then each reason in full.
///
/// # Errors
/// When it cannot be written.
pub fn why(page: &mut Prose<'_>, rollout: &RolloutJson) -> io::Result<()> {
    let plan = page.paint(Tint::Strong, rollout.plan.as_str());
    let Some((first, others)) = rollout.waiting_on.split_first() else {
        page.say("", format!("{plan} {}.", over(&rollout.phase)))?;
        left_pause(page, rollout)?;
        return page.gap();
    };
    let stands = match first.code.as_str() {
        "stopped" | "paused" | "halted" | "withdrawn" => page.paint(Tint::Bad, "stands still"),
        "offers_forbidden" => page.paint(Tint::Waiting, "is completed and needs you"),
        "moving" => page.paint(Tint::Good, "is about to move"),
        "returning" => page.paint(Tint::Moving, "goes back"),
        "rolled_back" => page.paint(Tint::Quiet, "is rolled back"),
        _ => page.paint(Tint::Waiting, "waits"),
    };
    page.say("", format!("{plan} {stands}: {}.", sentence(&first.headline)))?;
    reason(page, first)?;
    for other in others {
        page.say("Also in the way: ", format!("{}.", sentence(&other.headline)))?;
        reason(page, other)?;
    }
    left_pause(page, rollout)?;
    match rollout.earliest_move {
        Some(earliest) => {
            let text = format!("Earliest move, by the clock: {}\n", page.moment(earliest));
            writeln!(page.out, "{text}")
        }
        None if first.code == "moving" => Ok(()),
        None => writeln!(page.out, "Earliest move: no clock can tell; it hangs on what stands above.\n"),
    }
}

/// A newer target that waits for this rollout's end.
///
/// # Errors
/// When it cannot be written.
pub fn newer(page: &mut Prose<'_>, rollout: &RolloutJson) -> io::Result<()> {
    let Some(newer) = &rollout.newer_target else { return Ok(()) };
    page.say("Afterwards: ", format!("{}.", sentence(&newer.headline)))?;
    page.say("  ", safe(&newer.detail))?;
    field(page, "since", &page.moment(newer.since))?;
    field(page, "digest", &short_digest(&newer.digest))?;
    remedy(page, &newer.remedy, newer.command.as_deref())
}

/// What earlier rollouts left on offer, each with its way out.
fn superseded(page: &mut Prose<'_>, rollout: &RolloutJson) -> io::Result<()> {
    for offer in &rollout.superseded_offers {
        superseded_offer(page, offer)?;
        field(page, "since", &page.moment(offer.since))?;
        remedy(page, &offer.remedy, Some(&offer.command))?;
        page.gap()?;
    }
    Ok(())
}

/// What somebody else did that keeps nothing from moving: what does is told with its remedy.
fn drifts(page: &mut Prose<'_>, rollout: &RolloutJson) -> io::Result<()> {
    let told = told_drifts(rollout);
    for (standing, text) in &told {
        page.say(&format!("Drift, {standing}: "), format!("{}.", sentence(text)))?;
    }
    if told.is_empty() { Ok(()) } else { page.gap() }
}

/// How far it went back, and what is blocked.
fn rollback(page: &mut Prose<'_>, rollout: &RolloutJson) -> io::Result<()> {
    let told = told_rollback(rollout);
    for text in &told {
        page.say("", format!("{}.", sentence(text)))?;
    }
    if told.is_empty() { Ok(()) } else { page.gap() }
}

/// A headline as a sentence, without a full stop of its own.
fn sentence(headline: &str) -> String {
    safe(headline).trim_end_matches('.').to_owned()
}

/// A rollout that is over can still be paused, which its next one inherits; elsewhere the pause is a reason.
fn left_pause(page: &mut Prose<'_>, rollout: &RolloutJson) -> io::Result<()> {
    let is_said = rollout.waiting_on.iter().any(|blocker| blocker.code == "paused");
    let Some(pause) = rollout.paused.as_ref().filter(|_| !is_said) else { return Ok(()) };
    let (who, why) = (safe(&pause.actor), safe(&pause.reason));
    page.say("  ", format!("The plan is paused by {who} since {}: {why}", page.moment(pause.since)))
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
fn reason(page: &mut Prose<'_>, blocker: &BlockerJson) -> io::Result<()> {
    page.say("  ", safe(&blocker.detail))?;
    let moment = |at: Option<Timestamp>| at.map(|at| page.moment(at));
    let fields = [
        ("seen", blocker.seen.clone()),
        ("threshold", blocker.asked.clone()),
        ("since", moment(blocker.since)),
        ("next evaluation", moment(blocker.next_look)),
        ("ends", moment(blocker.until)),
    ];
    for (label, value) in fields.iter().filter_map(|(label, value)| Some((label, value.as_ref()?))) {
        field(page, label, &safe(value))?;
    }
    remedy(page, &blocker.remedy, blocker.command.as_deref())
}

/// What a person can do, and the command for it.
fn remedy(page: &mut Prose<'_>, remedy: &str, command: Option<&str>) -> io::Result<()> {
    let remedy = safe(remedy);
    let Some(command) = command.map(safe) else {
        field(page, "to do", &remedy)?;
        return page.gap();
    };
    // A command stands on a line of its own, whole, to be copied.
    field(page, "to do", remedy.strip_suffix(&command).unwrap_or(&remedy).trim_end())?;
    writeln!(page.out, "                     {}\n", page.paint(Tint::Strong, &command))
}

/// A labelled value.
fn field(page: &mut Prose<'_>, label: &str, value: &str) -> io::Result<()> {
    let blank = " ".repeat(17_usize.saturating_sub(cells(label)));
    let lead = format!("  {}{blank}", page.paint(Tint::Quiet, label));
    page.say(&lead, value)
}

fn ring_text(page: &mut Prose<'_>, place: &str, ring: &RingJson) -> io::Result<()> {
    let name = page.paint(Tint::Strong, &safe(ring.name.as_str()));
    let state = page.paint(state_tint(&ring.state), &safe(&ring.state));
    let text =
        format!("{place}, {name}, is {state} since {}: {}.", page.moment(ring.since), safe(&ring.meaning));
    page.say("", text)?;
    let targets: Vec<_> = ring.targets.iter().map(|(on, version)| format!("{on} {version}")).collect();
    let moves = format!("profiles {} to {}", safe(&ring.profiles.join(", ")), targets.join(", "));
    field(page, "moves", &moves)?;
    for (environment, moves) in &ring.moves {
        field(page, "", &safe(&told_moves(*environment, moves)))?;
    }
    field(page, "group", &group(ring, page))?;
    for entry in &ring.unmanaged {
        let text = format!("holds {} too, which the plan does not name; it stays as it is", safe(entry));
        field(page, "", &text)?;
    }
    if ring.classes.is_none() {
        field(page, "devices", "not read yet")?;
    }
    let classes = ring.classes.iter().flat_map(in_order).filter(|(_, classes)| total(classes) > 0);
    for (environment, classes) in classes {
        field(page, "devices", &format!("{}: {}", safe(environment), counts(classes)))?;
    }
    if let Some(schedule) = &ring.schedule {
        field(page, "schedule", &schedule_text(schedule, page))?;
    }
    if let Some(opening) = ring.next_opening {
        field(page, "opens", &format!("it can be entered next at {}", page.moment(opening)))?;
    }
    for gate in &ring.gates {
        field(page, "gate", &gate_text(gate))?;
    }
    for waiver in &ring.waived {
        let (who, why) = (safe(&waiver.actor), safe(&waiver.reason));
        let text = format!("{} by {who} at {}: {why}", waiver.gate, page.moment(waiver.since));
        field(page, "waived", &text)?;
    }
    page.gap()
}

fn group(ring: &RingJson, page: &Prose<'_>) -> String {
    let group = safe(&ring.group.name);
    match (&ring.group.id, ring.assigned_at) {
        (None, _) => format!("`{group}`, which is to be created"),
        (Some(id), None) => format!("`{group}` ({id})"),
        (Some(id), Some(at)) => format!("`{group}` ({id}), which offers them since {}", page.moment(at)),
    }
}

/// What the schedule says, and when it says something else next.
fn schedule_text(schedule: &ScheduleJson, page: &Prose<'_>) -> String {
    let mut parts = vec![safe(&schedule.because)];
    let next = [("opens", schedule.next_open), ("closes", schedule.next_close)];
    let mut next: Vec<_> = next.into_iter().filter_map(|(verb, at)| Some((verb, at?))).collect();
    next.sort_by_key(|(_, at)| *at);
    parts.extend(next.into_iter().map(|(verb, at)| format!("{verb} {}", page.moment(at))));
    parts.join("; ")
}

fn gate_text(gate: &GateJson) -> String {
    let on = gate.environment.map(|environment| format!("/{environment}")).unwrap_or_default();
    let reason = gate.reason.as_deref().map(|reason| format!(" ({})", safe(reason))).unwrap_or_default();
    let age = gate.age_seconds.map(|age| rough(SignedDuration::from_secs(age)));
    let age = age.map(|age| format!(", read {age} before the decision")).unwrap_or_default();
    let (verdict, value, threshold) = (safe(&gate.verdict), safe(&gate.value), safe(&gate.threshold));
    format!("{}{on}: {verdict}{reason}; seen: {value}{age}; threshold: {threshold}", gate.gate)
}

fn counts(classes: &ClassesJson) -> String {
    let told = each(classes).into_iter().filter(|(count, _)| *count > 0);
    let told: Vec<_> = told.map(|(count, class)| format!("{count} {class}")).collect();
    format!("{} ({})", total(classes), told.join(", "))
}
