//! A simulated rollout as text and as JSON.
//!
//! **Invariant:** both tell the same; nothing of the text is cut where it is no terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;

use crate::cli::Column::{Cut, Left};
use crate::cli::{Out, Screen, Tint, counted, safe, short, table};
use crate::ids::{PlanName, RingName};
use crate::simulation::trial::{FaultTold, RingWay, TimelineEntry, Trial, TrialOutcome};
use crate::time::{SignedDuration, Timestamp, rough, since};
use crate::{fleet::Counts, rollout::record::Cause, rollout::state::Phase};

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
    timeline: &'a [TimelineEntry],
}

#[derive(Debug, Serialize)]
struct BefellJson<'a> {
    #[serde(flatten)]
    fault: &'a FaultTold,
    text: String,
}

#[derive(Debug, Serialize)]
struct RingWayJson<'a> {
    name: &'a RingName,
    #[serde(flatten)]
    way: &'a RingWay,
}

#[derive(Debug, Serialize)]
struct SimulatedHaltJson<'a> {
    at: Timestamp,
    ring: &'a RingName,
    cause: &'static str,
    text: String,
}

impl<'a> SimulationJson<'a> {
    pub(super) fn of(trial: &'a Trial, told: &'a TrialOutcome) -> Self {
        let halt = |(at, cause): &'a (Timestamp, Cause)| {
            let (ring, text) = (cause.ring(), cause.to_string());
            SimulatedHaltJson { at: *at, ring, cause: cause.as_str(), text }
        };
        let standing = told.halts.last().filter(|_| told.phase == Some(Phase::Running));
        let befell = told.faults.iter().map(|fault| BefellJson { fault, text: befell(fault, told) });
        Self {
            plan: &trial.revision.plan.name,
            digest: trial.revision.digest.as_str(),
            seed: trial.casting.seed,
            from: told.from,
            until: told.until,
            devices: told.devices,
            faults: trial.faults.iter().map(ToString::to_string).collect(),
            befell: befell.collect(),
            phase: told.phase.map(Phase::as_str),
            held: standing.map(|(_, cause)| cause.to_string()),
            waiting_on: &told.waiting_on,
            rings: told.rings.iter().map(|(name, way)| RingWayJson { name, way }).collect(),
            halts: told.halts.iter().map(halt).collect(),
            waits: told.waits.iter().map(|(kind, length)| (*kind, length.as_secs())).collect(),
            writes: told.writes,
            timeline: &told.timeline,
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
    let columns = [Cut("RING"), Left("ENTERED"), Left("ADOPTED"), Left("VERIFIED"), Left("ARRIVED")];
    let moment = |at: Option<Timestamp>| {
        at.map_or_else(|| "-".to_owned(), |at| at.strftime("%a %m-%d %H:%M").to_string())
    };
    let row = |(name, way): &(RingName, RingWay)| {
        let sum = |pick: fn(&Counts) -> usize| way.devices.values().map(pick).sum::<usize>();
        let arrived = format!("{} of {}", sum(|counts| counts.arrived), sum(Counts::eligible));
        let [entered, adopted, verified] = [way.entered_at, way.adopted_at, way.verified_at].map(moment);
        vec![safe(name.as_str()), entered, adopted, verified, arrived]
    };
    let rows: Vec<Vec<String>> = told.rings.iter().map(row).collect();
    table(out, screen, 0, &columns, &rows)
}
