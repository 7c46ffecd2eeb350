//! `ringward status`: each plan, its rings and what it waits for, with trouble on top; before all, who lets
//! revisions take effect.
//!
//! **Invariant:** whatever keeps any plan from moving is in the text, above the tables.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::cli::bars::{bar, legend};
use crate::cli::client::Connection;
use crate::cli::exit::CliError;
use crate::cli::render::{Format, Out, distance, json, moment, safe, short};
use crate::cli::screen::{Screen, Tint, cells};
use crate::ids::PlanName;
use crate::rollout::people::refusal::Refusal;
use crate::rollout::record::Mode;
use crate::time::{Clock, Timestamp, rough, since};
use crate::version::Environment;
use crate::web::json::{
    AwaitedRing, BlockerJson, ClassesJson, NewPlanJson, RingJson, RolloutJson, RolloutsAnswer, SupersededJson,
};

/// Headings of the counts; `REST`: too old, untargeted and left together.
const COUNTS: [&str; 5] = ["ARRIVED", "DUE", "STALLED", "UNSEEN", "REST"];
/// The counts take this many cells, each at least as wide as its heading.
const COUNT_CELLS: [usize; 5] = [9, 7, 9, 8, 7];
/// Cells before a bar: indent, environment, gap.
const BEFORE_BAR: usize = 13;
/// Cells of the share behind a bar.
const SHARE: usize = 5;
/// A bar beyond this tells no more.
const LONGEST_BAR: usize = 60;
/// Below this, the counts go to a line of their own.
const SHORTEST_BAR: usize = 8;

/// The daemon's word on all plans, and the present instant by its clock.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    pub(super) answer: RolloutsAnswer,
    pub(super) now: Timestamp,
}

impl Seen {
    /// Asks the daemon.
    pub(super) async fn ask(at: &Connection) -> Result<Self, CliError> {
        Self::of(at.get(&["rollouts"], &[]).await?)
    }

    /// An answer, at the present instant of its clock.
    pub(super) fn of(answer: RolloutsAnswer) -> Result<Self, CliError> {
        let clock: Clock = answer.clock.parse().map_err(CliError::failed)?;
        // Two readings of one clock: the snapshot cannot be from the future.
        let now = clock.now().max(answer.at);
        Ok(Self { answer, now })
    }

    /// The rollout of a plan.
    pub(super) fn rollout(&self, plan: &PlanName) -> Result<&RolloutJson, CliError> {
        if let Some(rollout) = self.answer.rollouts.iter().find(|rollout| rollout.plan == *plan) {
            return Ok(rollout);
        }
        if let Some(fault) = self.answer.faults.iter().find(|fault| fault.plan == *plan) {
            let fault = safe(&fault.message);
            return Err(CliError::failed(format!(
                "plan {plan} stands still, because a fault in ringward keeps it from being decided: {fault}; please report it"
            )));
        }
        let known = self.answer.rollouts.iter().map(|rollout| rollout.plan.clone()).collect();
        Err(CliError::refused(Refusal::NoSuchPlan { plan: plan.clone(), known }))
    }

    /// A plan that no rollout was begun for, and that waits.
    pub(super) fn new_plan(&self, plan: &PlanName) -> Option<&NewPlanJson> {
        self.answer.new_plans.iter().find(|new| new.plan == *plan)
    }

    /// The same with nothing but one plan's rollout, where a plan is named.
    pub(super) fn only(mut self, plan: Option<&PlanName>) -> Self {
        if let Some(plan) = plan {
            self.answer.rollouts.retain(|rollout| rollout.plan == *plan);
            self.answer.new_plans.retain(|new| new.plan == *plan);
        }
        self
    }
}

/// Shows all plans, or one.
///
/// # Errors
/// When the daemon does not answer, or knows no such plan.
pub async fn status(
    at: &Connection,
    plan: Option<&PlanName>,
    format: Format,
    screen: &Screen,
    out: Out<'_>,
) -> Result<(), CliError> {
    let seen = Seen::ask(at).await?;
    if let Some(plan) = plan.filter(|plan| seen.new_plan(plan).is_none()) {
        seen.rollout(plan)?;
    }
    let seen = seen.only(plan);
    match format {
        Format::Json => json(out, &seen.answer)?,
        Format::Text => text(out, &seen, screen)?,
    }
    Ok(())
}

/// The whole text, as `status --watch` shows it as well.
pub(super) fn text(out: Out<'_>, seen: &Seen, screen: &Screen) -> io::Result<()> {
    if let Some(revisions) = seen.answer.revisions {
        writeln!(out, "{}\n", revisions.line())?;
    }
    stop_text(out, seen, screen)?;
    troubles(out, seen, screen)?;
    waiting(out, seen, screen)?;
    for new in &seen.answer.new_plans {
        new_plan(out, new, seen.now, screen)?;
        writeln!(out)?;
    }
    if seen.answer.rollouts.is_empty() && seen.answer.new_plans.is_empty() {
        writeln!(out, "No plan has begun a rollout yet.\n")?;
    }
    for rollout in &seen.answer.rollouts {
        rollout_text(out, rollout, seen.now, screen)?;
        writeln!(out)?;
    }
    if seen.answer.rollouts.iter().any(|rollout| rollout.rings.iter().any(|ring| ring.classes.is_some())) {
        writeln!(out, "{}\n", legend(screen))?;
    }
    daemon_text(out, seen, screen)
}

/// A plan that is new, and what it waits for.
pub(super) fn new_plan(out: Out<'_>, new: &NewPlanJson, now: Timestamp, screen: &Screen) -> io::Result<()> {
    let lead = screen.paint(Tint::Waiting, "is new and waits");
    let (since, headline) = (moment(new.since, now), safe(&new.headline));
    write!(out, "{}", screen.flow("", &format!("{} {lead} since {since}: {headline}.", new.plan)))?;
    write!(out, "{}", screen.flow("  ", &safe(&new.detail)))?;
    write!(out, "{}", screen.flow("  ", &format!("What helps: {}", safe(&new.remedy))))
}

/// The stop of all writes.
fn stop_text(out: Out<'_>, seen: &Seen, screen: &Screen) -> io::Result<()> {
    let Some(stop) = &seen.answer.stopped else { return Ok(()) };
    let (who, why) = (safe(&stop.actor), safe(&stop.reason));
    let lead = screen.paint(Tint::Bad, "All writes are stopped");
    let text = format!("by {who} since {}: {why}", moment(stop.since, seen.now));
    write!(out, "{}", screen.flow("", &format!("{lead} {text}")))?;
    writeln!(out, "  when it is safe: ringward start --reason …\n")
}

/// What is wrong beside the plans' own reasons: files with errors, faults, reads that fail.
pub(super) fn troubles(out: Out<'_>, seen: &Seen, screen: &Screen) -> io::Result<()> {
    let Seen { answer, now } = seen;
    let bad = |text: &str| screen.paint(Tint::Bad, text);
    if let Some(trouble) = &answer.log_unwritable {
        let lead = bad("The log cannot be written");
        let text = format!("{lead} since {}: {}", moment(trouble.since, *now), safe(&trouble.message));
        write!(out, "{}", screen.flow("", &text))?;
        let text = "nothing is decided or sent to Cloudflare; it goes on by itself once that is mended";
        write!(out, "{}", screen.flow("  ", text))?;
    }
    for trouble in &answer.clock_troubles {
        write!(out, "{}", screen.flow("", &bad(&safe(&trouble.message))))?;
        write!(out, "{}", screen.flow("  ", &safe(&trouble.remedy)))?;
    }
    if let Some(trust) = &answer.clock_trust {
        let lead = screen.paint(Tint::Waiting, "This machine's clock is believed");
        let (until, reason) = (moment(trust.until, *now), safe(&trust.reason));
        let text = format!("{lead} whatever Cloudflare's answers say, until {until}: {reason}");
        write!(out, "{}", screen.flow("", &text))?;
    }
    for problem in &answer.problems {
        let file = safe(&problem.file);
        let text = format!("{}: {file} (its plan enters nothing meanwhile)", bad("Not usable"));
        write!(out, "{}", screen.flow("", &text))?;
        for error in &problem.errors {
            write!(out, "{}", screen.flow("  ", &safe(error)))?;
        }
    }
    for fault in &answer.faults {
        let text = format!(
            "{} keeps plan {} still: {}",
            bad("A fault in ringward"),
            fault.plan,
            safe(&fault.message)
        );
        write!(out, "{}", screen.flow("", &text))?;
        write!(out, "{}", screen.flow("  ", "please report it; the other plans go on"))?;
    }
    for trouble in &answer.troubles {
        let (read, since) = (safe(&trouble.read), moment(trouble.since, *now));
        let text = format!("{} {read} since {since}: {}", bad("Cannot read"), safe(&trouble.message));
        write!(out, "{}", screen.flow("", &text))?;
    }
    let any = answer.log_unwritable.is_some()
        || answer.clock_trust.is_some()
        || !answer.clock_troubles.is_empty()
        || !(answer.problems.is_empty() && answer.faults.is_empty() && answer.troubles.is_empty());
    if any { writeln!(out) } else { Ok(()) }
}

/// Every ring that waits for people, in one place.
fn waiting(out: Out<'_>, seen: &Seen, screen: &Screen) -> io::Result<()> {
    let rings = seen.answer.awaited_rings();
    for AwaitedRing { rollout, ring, approval, since, .. } in &rings {
        let lead = screen.paint(Tint::Waiting, "Waits for approval");
        let (plan, name) = (safe(rollout.plan.as_str()), safe(ring.name.as_str()));
        let (since, so_far) = (moment(*since, seen.now), safe(&approval.so_far()));
        let text = format!("{lead}: {plan}, ring {name}, asked since {since}: {so_far}");
        write!(out, "{}", screen.flow("", &text))?;
        for (environment, moves) in &ring.moves {
            let text = format!("{environment}: {}", safe(&moves.text));
            write!(out, "{}", screen.flow("  ", &text))?;
        }
        let explain = format!("who is missing: ringward explain {plan}");
        let approve = format!("with a token of your own: ringward approve {plan} --reason …");
        write!(out, "{}", screen.flow("  ", &format!("{explain}; {approve}")))?;
    }
    if rings.is_empty() { Ok(()) } else { writeln!(out) }
}

fn rollout_text(out: Out<'_>, rollout: &RolloutJson, now: Timestamp, screen: &Screen) -> io::Result<()> {
    let id = screen.paint(Tint::Strong, &safe(&rollout.id));
    let phase = screen.paint(phase_tint(&rollout.phase), &safe(&rollout.phase));
    write!(out, "{}", screen.flow("", &format!("{id}: {phase} since {}", moment(rollout.phase_since, now))))?;
    holds(out, rollout, now, screen)?;
    let bar_cells = bar_cells(screen);
    if bar_cells.is_some() && rollout.rings.iter().any(|ring| ring.classes.is_some()) {
        let headings = right_aligned(&COUNTS.map(str::to_owned));
        let before = BEFORE_BAR + bar_cells.unwrap_or(0) + SHARE;
        writeln!(out, "{}{}", " ".repeat(before), screen.paint(Tint::Quiet, &headings))?;
    }
    for ring in &rollout.rings {
        ring_text(out, ring, now, screen, bar_cells)?;
    }
    for offer in &rollout.superseded_offers {
        superseded_offer(out, offer, screen)?;
    }
    waits(out, rollout, now, screen)
}

/// What an earlier rollout left on offer, as `status` and `explain` tell it.
pub(super) fn superseded_offer(out: Out<'_>, offer: &SupersededJson, screen: &Screen) -> io::Result<()> {
    let lead = match offer.needs_you {
        true => screen.paint(Tint::Waiting, "Needs you"),
        false => screen.paint(Tint::Quiet, "Superseded"),
    };
    let text = format!("{lead}: ring {}: {}", safe(offer.ring.as_str()), safe(&offer.headline));
    write!(out, "{}", screen.flow("  ", &text))
}

/// The pause and the halt of a rollout.
fn holds(out: Out<'_>, rollout: &RolloutJson, now: Timestamp, screen: &Screen) -> io::Result<()> {
    if let Some(pause) = &rollout.paused {
        let (who, why) = (safe(&pause.actor), safe(&pause.reason));
        let paused = screen.paint(Tint::Waiting, "paused");
        let text = format!("{paused} by {who} since {}: {why}", moment(pause.since, now));
        write!(out, "{}", screen.flow("  ", &text))?;
    }
    if let Some(halt) = &rollout.halted {
        let halted = screen.paint(Tint::Bad, "halted");
        let text = format!("{halted} since {}: {}", moment(halt.since, now), safe(&halt.text));
        write!(out, "{}", screen.flow("  ", &text))?;
    }
    Ok(())
}

/// One line on what the plan waits for; the rest is for `explain`.
fn waits(out: Out<'_>, rollout: &RolloutJson, now: Timestamp, screen: &Screen) -> io::Result<()> {
    let blockers: Vec<_> = besides_holds(rollout).collect();
    if let Some(first) = blockers.first() {
        let values = match (&first.seen, &first.asked) {
            (Some(seen), Some(asked)) => format!(" ({}; asked for: {})", safe(seen), safe(asked)),
            _ => String::new(),
        };
        let text = format!("{}{values}", safe(&first.headline));
        write!(out, "{}", screen.flow("  waits: ", &text))?;
    }
    if rollout.waiting_on.len() > 1 {
        let more = format!("all {} reasons: ringward explain {}", rollout.waiting_on.len(), rollout.plan);
        writeln!(out, "         {more}")?;
    }
    if let Some(earliest) = rollout.earliest_move.filter(|earliest| *earliest > now) {
        let text = format!("at {} at the earliest", moment(earliest, now));
        write!(out, "{}", screen.flow("  moves: ", &text))?;
    }
    match &rollout.newer_target {
        Some(newer) => {
            let text = format!("{}, since {}", safe(&newer.headline), moment(newer.since, now));
            write!(out, "{}", screen.flow("  after: ", &text))
        }
        None => Ok(()),
    }
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

/// The colour of a ring's state.
pub(super) fn state_tint(state: &str) -> Tint {
    match state {
        "verified" => Tint::Good,
        "pending" => Tint::Quiet,
        "entering" => Tint::Waiting,
        _ => Tint::Moving,
    }
}

/// How long bars are where the counts stand beside them; `None`: there is no room for both.
fn bar_cells(screen: &Screen) -> Option<usize> {
    let beside = BEFORE_BAR + SHARE + COUNT_CELLS.iter().sum::<usize>();
    let room = screen.columns.saturating_sub(beside).min(LONGEST_BAR);
    (room >= SHORTEST_BAR).then_some(room)
}

/// A ring, and a row for each of its environments that has devices or a target.
fn ring_text(
    out: Out<'_>,
    ring: &RingJson,
    now: Timestamp,
    screen: &Screen,
    bar_cells: Option<usize>,
) -> io::Result<()> {
    let name = screen.paint(Tint::Strong, &safe(ring.name.as_str()));
    let state = screen.paint(state_tint(&ring.state), &safe(&ring.state));
    let lasted = rough(since(ring.since, now));
    let text = format!("{name}: {state} for {lasted}, {}", versions(ring));
    write!(out, "{}", screen.flow("  ", &text))?;
    let Some(classes) = &ring.classes else {
        return writeln!(out, "    its devices are not known yet");
    };
    for (environment, classes) in in_order(classes) {
        let targeted = ring.targets.keys().any(|target| target.as_str() == environment);
        if !targeted && total(classes) == 0 {
            continue;
        }
        environment_text(out, environment, classes, screen, bar_cells)?;
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
    out: Out<'_>,
    environment: &str,
    classes: &ClassesJson,
    screen: &Screen,
    bar_cells: Option<usize>,
) -> io::Result<()> {
    let name = screen.cut(&safe(environment), BEFORE_BAR - 5);
    let blank = " ".repeat(BEFORE_BAR - 4 - cells(&name));
    let sighted = classes.arrived + classes.due + classes.stalled;
    let share = match sighted {
        0 => "-".to_owned(),
        // Rounded down: 100% means all.
        sighted => format!("{}%", classes.arrived * 100 / sighted),
    };
    let counts = counts(classes);
    match bar_cells {
        Some(cells) => {
            let bar = bar(screen, classes, cells);
            writeln!(out, "    {name}{blank}{bar}{share:>SHARE$}{}", right_aligned(&counts))
        }
        None => {
            let cells = screen.columns.saturating_sub(BEFORE_BAR + SHARE).min(LONGEST_BAR);
            writeln!(out, "    {name}{blank}{}{share:>SHARE$}", bar(screen, classes, cells))?;
            let told = counts.iter().zip(COUNTS).filter(|(count, _)| *count != "0");
            let told: Vec<_> = told.map(|(count, name)| format!("{count} {}", name.to_lowercase())).collect();
            write!(out, "{}", screen.flow(&" ".repeat(6), &told.join(", ")))
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

/// The environments of a ring in the order of reports: Windows, macOS, then the rest.
pub(super) fn in_order(
    classes: &BTreeMap<String, ClassesJson>,
) -> impl Iterator<Item = (&String, &ClassesJson)> {
    let mut environments: Vec<_> = classes.iter().collect();
    environments.sort_by_key(|(name, _)| {
        Environment::ALL.iter().position(|known| known.as_str() == *name).unwrap_or(Environment::ALL.len())
    });
    environments.into_iter()
}

/// All devices of one environment.
pub(super) const fn total(classes: &ClassesJson) -> usize {
    let ClassesJson { arrived, due, stalled, unseen, too_old, untargeted, left } = *classes;
    arrived + due + stalled + unseen + too_old + untargeted + left
}

/// The daemon itself.
pub(super) fn daemon_text(out: Out<'_>, seen: &Seen, screen: &Screen) -> io::Result<()> {
    let Seen { answer, now } = seen;
    let mode = match answer.mode {
        Mode::Write => "it writes at Cloudflare",
        Mode::Observe => "it observes and never writes at Cloudflare",
    };
    write!(out, "{}", screen.flow("", &format!("Daemon of account {}: {mode}", answer.account)))?;
    let next = match answer.next_check {
        Some(next) => format!("the next by {}", moment(next, *now)),
        None => "no next one is planned".to_owned(),
    };
    write!(out, "{}", screen.flow("  ", &format!("last decision {}, {next}", distance(answer.at, *now))))?;
    let swept = match (answer.full_sweep_at, answer.swept_at) {
        (Some(full), Some(any)) => {
            format!("all devices read {}, some {}", distance(full, *now), distance(any, *now))
        }
        (Some(full), None) => format!("all devices read {}", distance(full, *now)),
        (None, _) => "devices not read yet".to_owned(),
    };
    write!(out, "{}", screen.flow("  ", &format!("{swept}; the log ends at record {}", answer.head.seq)))?;
    // What `history --verify --head` asks for.
    write!(out, "{}", screen.flow("  log head ", &safe(&answer.head.hash)))?;
    if answer.clock != Clock::Real.to_string() {
        let text = format!("on a simulated clock, where it is {}", short(*now));
        write!(out, "{}", screen.flow("  ", &text))?;
    }
    Ok(())
}
