//! A simulated rollout as text and as JSON.
//!
//! **Invariant:** both tell the same; nothing of the text is cut where it is no terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;

use crate::cli::{Column, Out, Screen, Tint, counted, safe, short, table};
use crate::ids::{PlanName, RingName};
use crate::simulation::trial::{FaultTold, TimelineEntry, Trial, TrialOutcome};
use crate::time::{SignedDuration, Timestamp, rough, since};
use crate::{fleet::Counts, rollout::state::Phase, version::Environment};

/// What `simulate --json` says.
#[derive(Debug, Serialize)]
pub(super) struct SimulationJson<'a> {
    plan: &'a PlanName,
    digest: &'a str,
    seed: u64,
    from: Timestamp,
    /// When it was over, or the simulation ended.
    until: Timestamp,
    devices: usize,
    faults: Vec<String>,
    /// What came of each of them.
    befell: Vec<BefellJson<'a>>,
    /// `running` where the days ended before the rollout, or it was halted; null where it never began.
    phase: Option<&'static str>,
    /// The halt that a running rollout stands at, in words.
    held: Option<String>,
    waiting_on: &'a [String],
    rings: Vec<RingWayJson<'a>>,
    halts: Vec<SimulatedHaltJson<'a>>,
    /// Seconds by what it waited for.
    waits: BTreeMap<&'static str, i64>,
    writes: usize,
    timeline: Vec<LineJson<'a>>,
}

#[derive(Debug, Serialize)]
struct BefellJson<'a> {
    fault: &'a str,
    /// When it came first; null: it never did.
    came_at: Option<Timestamp>,
    /// How many devices it befell; null: it is about none.
    devices: Option<usize>,
    text: String,
}

#[derive(Debug, Serialize)]
struct RingWayJson<'a> {
    name: &'a RingName,
    entered_at: Option<Timestamp>,
    adopted_at: Option<Timestamp>,
    verified_at: Option<Timestamp>,
    devices: &'a BTreeMap<Environment, Counts>,
}

#[derive(Debug, Serialize)]
struct SimulatedHaltJson<'a> {
    at: Timestamp,
    ring: &'a RingName,
    cause: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct LineJson<'a> {
    at: Timestamp,
    until: Option<Timestamp>,
    ring: Option<&'a RingName>,
    kind: &'static str,
    text: &'a str,
}

impl<'a> SimulationJson<'a> {
    pub(super) fn of(trial: &'a Trial, told: &'a TrialOutcome) -> Self {
        Self {
            plan: &trial.revision.plan.name,
            digest: trial.revision.digest.as_str(),
            seed: trial.casting.seed,
            from: told.from,
            until: told.until,
            devices: told.devices,
            faults: trial.faults.iter().map(ToString::to_string).collect(),
            befell: told
                .faults
                .iter()
                .map(|fault| BefellJson {
                    fault: &fault.fault,
                    came_at: fault.came_at,
                    devices: fault.devices,
                    text: befell(fault, told),
                })
                .collect(),
            phase: told.phase.map(Phase::as_str),
            held: told
                .halts
                .last()
                .filter(|_| told.phase == Some(Phase::Running))
                .map(|(_, cause)| cause.to_string()),
            waiting_on: &told.waiting_on,
            rings: told
                .rings
                .iter()
                .map(|(name, way)| RingWayJson {
                    name,
                    entered_at: way.entered_at,
                    adopted_at: way.adopted_at,
                    verified_at: way.verified_at,
                    devices: &way.devices,
                })
                .collect(),
            halts: told
                .halts
                .iter()
                .map(|(at, cause)| SimulatedHaltJson {
                    at: *at,
                    ring: cause.ring(),
                    cause: cause.as_str(),
                    text: cause.to_string(),
                })
                .collect(),
            waits: told.waits.iter().map(|(kind, length)| (*kind, length.as_secs())).collect(),
            writes: told.writes,
            timeline: told
                .timeline
                .iter()
                .map(|TimelineEntry { at, until, ring, kind, text }| LineJson {
                    at: *at,
                    until: *until,
                    ring: ring.as_ref(),
                    kind,
                    text,
                })
                .collect(),
        }
    }
}

/// The same for people: the answer, the timeline, the rings.
pub(super) fn text(out: Out<'_>, trial: &Trial, told: &TrialOutcome, screen: &Screen) -> io::Result<()> {
    let plan = screen.paint(Tint::Strong, trial.revision.plan.name.as_str());
    screen.say(out, "", &format!("{plan} {}", answer(told, screen)))?;
    let devices = counted(told.devices, "device");
    let told_of = format!(
        "Simulated from {} with {devices} and seed {}; nothing was written to any account.",
        short(told.from),
        trial.casting.seed
    );
    screen.say(out, "  ", &told_of)?;
    for fault in &told.faults {
        let text = format!("{}: {}", safe(&fault.fault), befell(fault, told));
        screen.say(out, "  fault      ", &text)?;
    }
    let mut said = BTreeSet::new();
    // Gates of both environments may have the same word for it.
    for why in told.waiting_on.iter().filter(|why| said.insert(*why)) {
        screen.say(out, "  in the way ", &safe(why))?;
    }
    writeln!(out)?;
    for line in &told.timeline {
        timeline(out, line, screen)?;
    }
    writeln!(out)?;
    rings(out, told, screen)?;
    writeln!(out)?;
    let wait = |kind: &str| told.waits.get(kind).copied().unwrap_or_default();
    let waited = [
        ("openings", "opening"),
        ("freezes", "freeze"),
        ("people", "human"),
        ("devices and soaks", "machine"),
    ];
    let waited = waited.into_iter().filter(|(_, kind)| wait(kind) > SignedDuration::ZERO);
    let waited: Vec<String> =
        waited.map(|(what, kind)| format!("{} for {what}", rough(wait(kind)))).collect();
    let waited = if waited.is_empty() { "for nothing".to_owned() } else { waited.join(", ") };
    let writes = counted(told.writes, "write");
    screen.say(out, "", &format!("It sent {writes}, and waited {waited}."))
}

/// What came of a fault, and whether it came to nothing.
fn befell(fault: &FaultTold, told: &TrialOutcome) -> String {
    let Some(at) = fault.came_at else {
        return format!("never came: the simulation ran from {} to {}", short(told.from), short(told.until));
    };
    let came = match fault.devices {
        None => format!("came at {}", short(at)),
        Some(devices) => format!("befell {}", counted(devices, "device")),
    };
    if told.halts.is_empty() { format!("{came}; nothing halted because of it") } else { came }
}

/// How it ended, in one sentence.
fn answer(told: &TrialOutcome, screen: &Screen) -> String {
    let took = rough(since(told.from, told.until));
    let end = short(told.until);
    match (told.phase, told.halts.last()) {
        (_, Some((at, cause))) => {
            let after = rough(since(told.from, *at));
            let halts = screen.paint(Tint::Bad, "halts");
            format!("{halts} after {after}, at {}: {}.", short(*at), safe(&cause.to_string()))
        }
        (Some(Phase::Completed), _) => {
            format!("{} after {took}, at {end}.", screen.paint(Tint::Good, "is completed"))
        }
        (Some(phase), _) => {
            let still = screen.paint(Tint::Waiting, &format!("is still {}", phase.as_str()));
            format!("{still} after {took}, at {end}, when the simulation ends.")
        }
        (None, _) => format!("{} within {took}.", screen.paint(Tint::Bad, "never begins")),
    }
}

fn timeline(out: Out<'_>, line: &TimelineEntry, screen: &Screen) -> io::Result<()> {
    let at = line.at.strftime("%a %Y-%m-%d %H:%M").to_string();
    let ring = line.ring.as_ref().map(|ring| format!("{}: ", safe(ring.as_str()))).unwrap_or_default();
    let text = safe(&line.text);
    let (tint, words) = match (line.kind, line.until) {
        ("waits", Some(until)) => (Tint::Quiet, format!("waits {}: {text}", rough(since(line.at, until)))),
        ("halted", _) => (Tint::Bad, format!("{ring}{text}")),
        ("rollout_completed", _) => (Tint::Good, format!("{ring}{text}")),
        _ => (Tint::Strong, format!("{ring}{text}")),
    };
    let words = match tint {
        Tint::Strong => words,
        tint => screen.paint(tint, &words),
    };
    screen.say(out, &format!("{at}  "), &words)
}

fn rings(out: Out<'_>, told: &TrialOutcome, screen: &Screen) -> io::Result<()> {
    let columns = [
        Column::Cut("RING"),
        Column::Left("ENTERED"),
        Column::Left("ADOPTED"),
        Column::Left("VERIFIED"),
        Column::Left("ARRIVED"),
    ];
    let moment = |at: Option<Timestamp>| {
        at.map_or_else(|| "-".to_owned(), |at| at.strftime("%a %m-%d %H:%M").to_string())
    };
    let rows: Vec<Vec<String>> = told
        .rings
        .iter()
        .map(|(name, way)| {
            let sum = |pick: fn(&Counts) -> usize| way.devices.values().map(pick).sum::<usize>();
            let arrived = format!("{} of {}", sum(|counts| counts.arrived), sum(Counts::eligible));
            vec![
                safe(name.as_str()),
                moment(way.entered_at),
                moment(way.adopted_at),
                moment(way.verified_at),
                arrived,
            ]
        })
        .collect();
    table(out, screen, 0, &columns, &rows)
}
