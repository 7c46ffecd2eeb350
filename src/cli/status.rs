//! `ringward status`: each plan, its rings and what it waits for, with trouble on top.
//!
//! **Invariant:** whatever keeps any plan from moving is in the text, above the tables.

use std::collections::BTreeMap;
use std::io;

use crate::cli::client::Connection;
use crate::cli::exit::CliError;
use crate::cli::render::{Column, Format, Out, distance, json, length, moment, safe, short, table};
use crate::ids::PlanName;
use crate::rollout::command::Refusal;
use crate::rollout::event::Mode;
use crate::time::{Clock, Timestamp, since};
use crate::version::Environment;
use crate::web::json::{BlockerJson, ClassesJson, RingJson, RolloutJson, RolloutsAnswer};

/// The columns of a rollout's rings. `REST`: too old, untargeted and left together.
const COLUMNS: [Column; 9] = [
    Column::Left("RING"),
    Column::Left("STATE"),
    Column::Left("FOR"),
    Column::Left("ON"),
    Column::Right("ARRIVED"),
    Column::Right("DUE"),
    Column::Right("STALLED"),
    Column::Right("UNSEEN"),
    Column::Right("REST"),
];

/// The daemon's word on all plans, and the present instant by its clock.
pub(super) struct Seen {
    pub(super) answer: RolloutsAnswer,
    pub(super) now: Timestamp,
}

impl Seen {
    /// Asks the daemon.
    pub(super) async fn ask(at: &Connection) -> Result<Self, CliError> {
        let answer: RolloutsAnswer = at.get(&["rollouts"], &[]).await?;
        let clock: Clock = answer.clock.parse().map_err(CliError::failed)?;
        // Two readings of one clock: the snapshot cannot be from the future.
        let now = clock.now().max(answer.at);
        Ok(Self { answer, now })
    }

    /// The rollout of a plan.
    pub(super) fn rollout(&self, plan: &PlanName) -> Result<&RolloutJson, CliError> {
        self.answer.rollouts.iter().find(|rollout| rollout.plan == *plan).ok_or_else(|| {
            let known = self.answer.rollouts.iter().map(|rollout| rollout.plan.clone()).collect();
            CliError::refused(Refusal::NoSuchPlan { plan: plan.clone(), known })
        })
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
    out: Out<'_>,
) -> Result<(), CliError> {
    let mut seen = Seen::ask(at).await?;
    if let Some(plan) = plan {
        seen.rollout(plan)?;
        seen.answer.rollouts.retain(|rollout| rollout.plan == *plan);
    }
    match format {
        Format::Json => json(out, &seen.answer)?,
        Format::Text => text(out, &seen)?,
    }
    Ok(())
}

fn text(out: Out<'_>, seen: &Seen) -> io::Result<()> {
    alarms(out, seen)?;
    if seen.answer.rollouts.is_empty() {
        writeln!(out, "No plan has begun a rollout yet.\n")?;
    }
    for rollout in &seen.answer.rollouts {
        rollout_text(out, rollout, seen.now)?;
        writeln!(out)?;
    }
    daemon_text(out, seen)
}

/// What concerns every plan: the stop, files with errors, faults, reads that fail.
pub(super) fn alarms(out: Out<'_>, seen: &Seen) -> io::Result<()> {
    let Seen { answer, now } = seen;
    let mut any = false;
    if let Some(stop) = &answer.stopped {
        any = true;
        let (who, why) = (safe(&stop.actor), safe(&stop.reason));
        writeln!(out, "All writes are stopped by {who} since {}: {why}", moment(stop.since, *now))?;
        writeln!(out, "  when it is safe: ringward start --reason …")?;
    }
    for problem in &answer.problems {
        any = true;
        writeln!(out, "Not usable: {} (what ran before goes on)", safe(&problem.file))?;
        for error in &problem.errors {
            writeln!(out, "  {}", safe(error))?;
        }
    }
    for fault in &answer.faults {
        any = true;
        writeln!(out, "A fault in ringward keeps plan {} still: {}", fault.plan, safe(&fault.message))?;
        writeln!(out, "  please report it; the other plans go on")?;
    }
    for trouble in &answer.troubles {
        any = true;
        let (read, since) = (safe(&trouble.read), moment(trouble.since, *now));
        writeln!(out, "Cannot read {read} since {since}: {}", safe(&trouble.message))?;
    }
    if any { writeln!(out) } else { Ok(()) }
}

fn rollout_text(out: Out<'_>, rollout: &RolloutJson, now: Timestamp) -> io::Result<()> {
    writeln!(
        out,
        "{}: {} since {}",
        safe(&rollout.id),
        safe(&rollout.phase),
        moment(rollout.phase_since, now)
    )?;
    holds(out, rollout, now)?;
    let rows: Vec<Vec<String>> = rollout.rings.iter().flat_map(|ring| ring_rows(ring, now)).collect();
    table(out, 2, &COLUMNS, &rows)?;
    for (index, blocker) in besides_holds(rollout).enumerate() {
        let label = if index == 0 { "waits for:" } else { "" };
        writeln!(out, "  {label:<10} {}", safe(&blocker.text))?;
    }
    match rollout.earliest_move {
        Some(earliest) if earliest > now => {
            writeln!(out, "  moves at {} at the earliest", moment(earliest, now))
        }
        _ => Ok(()),
    }
}

/// The pause and the halt of a rollout.
pub(super) fn holds(out: Out<'_>, rollout: &RolloutJson, now: Timestamp) -> io::Result<()> {
    if let Some(pause) = &rollout.paused {
        let (who, why) = (safe(&pause.actor), safe(&pause.reason));
        writeln!(out, "  paused by {who} since {}: {why}", moment(pause.since, now))?;
    }
    if let Some(halt) = &rollout.halted {
        writeln!(out, "  halted since {}: {}", moment(halt.since, now), safe(&halt.text))?;
    }
    Ok(())
}

/// The blockers that [`alarms`] and [`holds`] have not told.
fn besides_holds(rollout: &RolloutJson) -> impl Iterator<Item = &BlockerJson> {
    let told = ["stopped", "paused", "halted"];
    rollout.waiting_on.iter().filter(move |blocker| !told.contains(&blocker.code.as_str()))
}

/// A row for each environment of a ring that has devices or a target.
fn ring_rows(ring: &RingJson, now: Timestamp) -> Vec<Vec<String>> {
    let start = |first: bool| match first {
        true => [ring.name.to_string(), ring.state.clone(), length(since(ring.since, now))]
            .map(|cell| safe(&cell)),
        false => Default::default(),
    };
    let counted = |(environment, classes): (&String, &ClassesJson)| {
        let targeted = ring.targets.keys().any(|target| target.as_str() == environment);
        (targeted || total(classes) > 0).then(|| (safe(environment), counts(classes)))
    };
    let environments: Vec<_> = match &ring.classes {
        Some(classes) => in_order(classes).filter_map(counted).collect(),
        None => vec![("unread".to_owned(), Vec::new())],
    };
    if environments.is_empty() {
        return vec![start(true).to_vec()];
    }
    environments
        .into_iter()
        .enumerate()
        .map(|(index, (environment, counts))| {
            start(index == 0).into_iter().chain([environment]).chain(counts).collect()
        })
        .collect()
}

fn counts(classes: &ClassesJson) -> Vec<String> {
    let rest = classes.too_old + classes.untargeted + classes.left;
    [classes.arrived, classes.due, classes.stalled, classes.unseen, rest]
        .map(|count| count.to_string())
        .to_vec()
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
pub(super) fn daemon_text(out: Out<'_>, seen: &Seen) -> io::Result<()> {
    let Seen { answer, now } = seen;
    let mode = match answer.mode {
        Mode::Write => "it writes at Cloudflare",
        Mode::Observe => "it observes and never writes at Cloudflare",
    };
    writeln!(out, "Daemon of account {}: {mode}", answer.account)?;
    let next = match answer.next_check {
        Some(next) => format!("next by {}", moment(next, *now)),
        None => "no next one is planned".to_owned(),
    };
    writeln!(out, "  last decision {}, {next}", moment(answer.at, *now))?;
    let swept = match (answer.full_sweep_at, answer.swept_at) {
        (Some(full), Some(any)) => {
            format!("all devices read {}, some {}", distance(full, *now), distance(any, *now))
        }
        (Some(full), None) => format!("all devices read {}", distance(full, *now)),
        (None, _) => "devices not read yet".to_owned(),
    };
    writeln!(out, "  {swept}; the log ends at record {}", answer.head.seq)?;
    if answer.clock != Clock::Real.to_string() {
        writeln!(out, "  on a simulated clock, where it is {}", short(*now))?;
    }
    Ok(())
}
