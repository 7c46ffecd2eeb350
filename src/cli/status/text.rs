//! The whole text of `status`, as `status --watch` shows it as well: trouble on top, then each plan, its rings
//! and what it waits for; before all, who lets revisions take effect.
//!
//! **Invariant:** whatever keeps any plan from moving is in the text, above the tables.

use std::{collections::BTreeSet, io};

use crate::cli::classes::{bar, in_order, legend, total};
use crate::cli::paragraphs::{daemon_text, new_plan, state_tint, superseded_offer, troubles};
use crate::cli::{Prose, Screen, Tint, cells, safe};
use crate::text::shell_word;
use crate::time::{rough, since};
use crate::web::json::{AwaitedRing, BlockerJson, ClassesJson, RingJson, RolloutJson, RolloutsAnswer};

/// Headings of the counts; `REST`: too old, untargeted and left together.
const COUNTS: [&str; 5] = ["ARRIVED", "DUE", "STALLED", "NOT SEEN", "REST"];
/// The counts take this many cells, each at least as wide as its heading.
const COUNT_CELLS: [usize; 5] = [9, 7, 9, 10, 7];
/// Cells before a bar: indent, environment, gap.
const BEFORE_BAR: usize = 13;
/// Cells of the share behind a bar.
const SHARE: usize = 5;
/// A bar beyond this tells no more.
const LONGEST_BAR: usize = 60;
/// Below this, the counts go to a line of their own.
const SHORTEST_BAR: usize = 8;

/// Writes it.
pub(super) fn text(page: &mut Prose<'_>, answer: &RolloutsAnswer) -> io::Result<()> {
    if let Some(revisions) = answer.revisions {
        writeln!(page.out, "{}\n", revisions.line())?;
    }
    stop_text(page, answer)?;
    troubles(page, answer)?;
    waiting(page, answer)?;
    for new in &answer.new_plans {
        new_plan(page, new)?;
        page.gap()?;
    }
    if answer.rollouts.is_empty() && answer.new_plans.is_empty() {
        writeln!(page.out, "No plan has begun a rollout yet.\n")?;
    }
    for rollout in &answer.rollouts {
        rollout_text(page, rollout)?;
        page.gap()?;
    }
    if answer.rollouts.iter().any(|rollout| rollout.rings.iter().any(|ring| ring.classes.is_some())) {
        writeln!(page.out, "{}\n", legend(page.screen))?;
    }
    daemon_text(page, answer)
}

/// The stop of all writes.
fn stop_text(page: &mut Prose<'_>, answer: &RolloutsAnswer) -> io::Result<()> {
    let Some(stop) = &answer.stopped else { return Ok(()) };
    let (who, why) = (safe(&stop.actor), safe(&stop.reason));
    let (lead, since) = (page.paint(Tint::Bad, "All writes are stopped"), page.moment(stop.since));
    page.say("", format!("{lead} by {who} since {since}: {why}"))?;
    writeln!(page.out, "  when it is safe: ringward start --reason …\n")
}

/// Every ring that waits for people, in one place.
fn waiting(page: &mut Prose<'_>, answer: &RolloutsAnswer) -> io::Result<()> {
    let rings = answer.awaited_rings();
    for AwaitedRing { rollout, ring, approval, since, .. } in &rings {
        let lead = page.paint(Tint::Waiting, "Waits for approval");
        let (plan, name) = (safe(rollout.plan.as_str()), safe(ring.name.as_str()));
        let (since, so_far) = (page.moment(*since), safe(&approval.so_far()));
        page.say("", format!("{lead}: {plan}, ring {name}, asked since {since}: {so_far}"))?;
        for (environment, moves) in &ring.moves {
            page.say("  ", format!("{environment}: {}", safe(&moves.text)))?;
        }
        let explain = format!("who is missing: ringward explain {plan}");
        let named = shell_word(ring.name.as_str());
        let approve =
            format!("with a token of your own: ringward approve {plan} --ring {} --reason …", safe(&named));
        page.say("  ", format!("{explain}; {approve}"))?;
    }
    if rings.is_empty() { Ok(()) } else { page.gap() }
}

fn rollout_text(page: &mut Prose<'_>, rollout: &RolloutJson) -> io::Result<()> {
    let id = page.paint(Tint::Strong, &safe(&rollout.id));
    let phase = page.paint(phase_tint(&rollout.phase), &safe(&rollout.phase));
    page.say("", format!("{id}: {phase} since {}", page.moment(rollout.phase_since)))?;
    holds(page, rollout)?;
    let bar_cells = bar_cells(page.screen);
    if bar_cells.is_some() && rollout.rings.iter().any(|ring| ring.classes.is_some()) {
        let headings = right_aligned(&COUNTS.map(str::to_owned));
        let before = BEFORE_BAR + bar_cells.unwrap_or(0) + SHARE;
        writeln!(page.out, "{}{}", " ".repeat(before), page.paint(Tint::Quiet, &headings))?;
    }
    for ring in &rollout.rings {
        ring_text(page, ring, bar_cells)?;
    }
    for offer in &rollout.superseded_offers {
        superseded_offer(page, offer)?;
    }
    waits(page, rollout)
}

/// The pause and the halt of a rollout.
fn holds(page: &mut Prose<'_>, rollout: &RolloutJson) -> io::Result<()> {
    if let Some(pause) = &rollout.paused {
        let (who, why) = (safe(&pause.actor), safe(&pause.reason));
        let paused = page.paint(Tint::Waiting, "paused");
        page.say("  ", format!("{paused} by {who} since {}: {why}", page.moment(pause.since)))?;
    }
    if let Some(halt) = &rollout.halted {
        let halted = page.paint(Tint::Bad, "halted");
        page.say("  ", format!("{halted} since {}: {}", page.moment(halt.since), safe(&halt.text)))?;
    }
    Ok(())
}

/// One line on what the plan waits for; the rest is for `explain`.
fn waits(page: &mut Prose<'_>, rollout: &RolloutJson) -> io::Result<()> {
    let blockers: Vec<_> = besides_holds(rollout).collect();
    if let Some(first) = blockers.first() {
        let values = match (&first.seen, &first.asked) {
            (Some(seen), Some(asked)) => format!(" ({}; threshold: {})", safe(seen), safe(asked)),
            _ => String::new(),
        };
        page.say("  waits: ", format!("{}{values}", safe(&first.headline)))?;
    }
    if rollout.waiting_on.len() > 1 {
        let more = format!("all {} reasons: ringward explain {}", rollout.waiting_on.len(), rollout.plan);
        writeln!(page.out, "         {more}")?;
    }
    if let Some(earliest) = rollout.earliest_move.filter(|earliest| *earliest > page.now) {
        page.say("  moves: ", format!("at {} at the earliest", page.moment(earliest)))?;
    }
    let Some(newer) = &rollout.newer_target else { return Ok(()) };
    page.say("  after: ", format!("{}, since {}", safe(&newer.headline), page.moment(newer.since)))
}

/// The blockers that [`stop_text`] and [`holds`] have not told.
fn besides_holds(rollout: &RolloutJson) -> impl Iterator<Item = &BlockerJson> {
    let told = ["stopped", "paused", "halted"];
    rollout.waiting_on.iter().filter(move |blocker| !told.contains(&blocker.code.as_str()))
}

fn phase_tint(phase: &str) -> Tint {
    match phase {
        "running" => Tint::Moving,
        "completed" => Tint::Good,
        _ => Tint::Quiet,
    }
}

/// How long bars are where the counts stand beside them; `None`: there is no room for both.
fn bar_cells(screen: &Screen) -> Option<usize> {
    let beside = BEFORE_BAR + SHARE + COUNT_CELLS.iter().sum::<usize>();
    let room = screen.columns.saturating_sub(beside).min(LONGEST_BAR);
    (room >= SHORTEST_BAR).then_some(room)
}

/// A ring, and a row for each of its environments that has devices or a target.
fn ring_text(page: &mut Prose<'_>, ring: &RingJson, bar_cells: Option<usize>) -> io::Result<()> {
    let name = page.paint(Tint::Strong, &safe(ring.name.as_str()));
    let state = page.paint(state_tint(&ring.state), &safe(&ring.state));
    let lasted = rough(since(ring.since, page.now));
    page.say("  ", format!("{name}: {state} for {lasted}, {}", versions(ring)))?;
    let Some(classes) = &ring.classes else {
        return writeln!(page.out, "    its devices are not known yet");
    };
    for (environment, classes) in in_order(classes) {
        let targeted = ring.targets.keys().any(|target| target.as_str() == environment);
        if !targeted && total(classes) == 0 {
            continue;
        }
        environment_text(page, environment, classes, bar_cells)?;
    }
    Ok(())
}

/// The versions of a ring: one, or one for each environment.
fn versions(ring: &RingJson) -> String {
    let different: BTreeSet<_> = ring.targets.values().collect();
    match different.first() {
        Some(version) if different.len() == 1 => format!("to {version}"),
        _ => {
            let each: Vec<_> = ring.targets.iter().map(|(on, version)| format!("{on} {version}")).collect();
            format!("to {}", each.join(", "))
        }
    }
}

fn environment_text(
    page: &mut Prose<'_>,
    environment: &str,
    classes: &ClassesJson,
    bar_cells: Option<usize>,
) -> io::Result<()> {
    let name = page.screen.cut(&safe(environment), BEFORE_BAR - 5);
    let blank = " ".repeat(BEFORE_BAR - 4 - cells(&name));
    let sighted = classes.arrived + classes.due + classes.stalled;
    let share = match sighted {
        0 => "-".to_owned(),
        // Rounded down: 100% means all.
        sighted => format!("{}%", classes.arrived * 100 / sighted),
    };
    let counts = counts(classes);
    let movable = [classes.arrived, classes.due, classes.stalled, classes.unseen];
    match bar_cells {
        Some(cells) => {
            let bar = bar(page.screen, movable, cells);
            writeln!(page.out, "    {name}{blank}{bar}{share:>SHARE$}{}", right_aligned(&counts))
        }
        None => {
            let cells = page.screen.columns.saturating_sub(BEFORE_BAR + SHARE).min(LONGEST_BAR);
            writeln!(page.out, "    {name}{blank}{}{share:>SHARE$}", bar(page.screen, movable, cells))?;
            let told = counts.iter().zip(COUNTS).filter(|(count, _)| *count != "0");
            let told: Vec<_> = told.map(|(count, name)| format!("{count} {}", name.to_lowercase())).collect();
            page.say(&" ".repeat(6), told.join(", "))
        }
    }
}

fn counts(classes: &ClassesJson) -> [String; 5] {
    let rest = classes.too_old + classes.untargeted + classes.left;
    [classes.arrived, classes.due, classes.stalled, classes.unseen, rest].map(|count| count.to_string())
}

fn right_aligned(counts: &[String; 5]) -> String {
    counts.iter().zip(COUNT_CELLS).map(|(count, cells)| format!("{count:>cells$}")).collect()
}
