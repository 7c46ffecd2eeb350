//! One simulated rollout, told: what happened when, what it waited for in between, and how it ended.
//!
//! **Invariant:** everything told is taken from the log, from reports and from the census of the
//! run itself; nothing is computed a second way.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cast::{Casting, account, unasked};
use super::what_if::{Befalls, WhatIf};
use super::{Drive, Happening, Looks, Pace, Reports, SimulationFault};
use crate::fleet::Counts;
use crate::ids::RingName;
use crate::plan::model::{Plan, Revision};
use crate::rollout::record::{Cause, Event, Judgement, Mode, Recorded, Verdict, WriteIntent};
use crate::rollout::state::Phase;
use crate::rollout::tell::report::Report;
use crate::rollout::tell::waits::{Wait, Waits};
use crate::time::{SignedDuration, Timestamp, after, since};
use crate::version::Environment;

/// What a user's simulation looks at: exact to a quarter of an hour while something can happen.
pub const LOOKS: Looks = Looks {
    busy: SignedDuration::from_mins(15),
    resting: SignedDuration::from_hours(2),
    reports: Reports::Made,
};

/// Waits shorter than this are no line of their own.
const WORTH_TELLING: SignedDuration = SignedDuration::from_hours(1);

/// What is simulated.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The plan, as its file has it.
    pub revision: Revision,
    /// The account.
    pub casting: Casting,
    /// What befalls it.
    pub faults: Vec<WhatIf>,
}

/// Something on the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimelineEntry {
    /// When it happened, or began.
    pub at: Timestamp,
    /// When it was over, for what lasts.
    pub until: Option<Timestamp>,
    /// The ring that it is about.
    pub ring: Option<RingName>,
    /// The event's kind, or `waits`.
    pub kind: &'static str,
    /// In words, without the ring.
    pub text: String,
}

/// One ring's way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RingWay {
    /// When it was entered: its write was planned, or its group was found as wanted.
    pub entered_at: Option<Timestamp>,
    /// When adoption held in every environment.
    pub adopted_at: Option<Timestamp>,
    /// When it was verified.
    pub verified_at: Option<Timestamp>,
    /// Its devices at the end.
    pub devices: BTreeMap<Environment, Counts>,
}

/// What came of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultTold {
    /// The fault, as it is written.
    pub fault: String,
    /// When it came first; `None`: it never did.
    pub came_at: Option<Timestamp>,
    /// How many devices it befell; `None`: it is about none.
    pub devices: Option<usize>,
}

/// How it went.
#[derive(Debug, Clone)]
pub struct TrialOutcome {
    /// When it began.
    pub from: Timestamp,
    /// When the simulation was over.
    pub until: Timestamp,
    /// Where the rollout is; `None`: it never began.
    pub phase: Option<Phase>,
    /// Devices in the account.
    pub devices: usize,
    /// What happened.
    pub timeline: Vec<TimelineEntry>,
    /// Each ring's way, in order.
    pub rings: Vec<(RingName, RingWay)>,
    /// Halts, with cause.
    pub halts: Vec<(Timestamp, Cause)>,
    /// What came of each fault, in the order in which they were given.
    pub faults: Vec<FaultTold>,
    /// What still stands in the way at the end, in words.
    pub waiting_on: Vec<String>,
    /// For how long it waited, by kind.
    pub waits: BTreeMap<&'static str, SignedDuration>,
    /// Writes at Cloudflare.
    pub writes: usize,
}

impl Trial {
    /// When it ends at the latest.
    pub fn until(&self) -> Timestamp {
        after(self.casting.from, SignedDuration::from_hours(24 * self.casting.days))
    }
}

/// Runs it for its days, or until it is over. `reached` is told each instant that is passed.
///
/// # Errors
/// At a fault of ringward itself.
pub fn run(trial: &Trial, mut reached: impl FnMut(Timestamp)) -> Result<TrialOutcome, SimulationFault> {
    let plan = &trial.revision.plan;
    let Casting { from, days, seed, .. } = trial.casting;
    let until = trial.until();
    let mix = trial.faults.iter().fold(trial.casting.mix, |mix, fault| fault.mix(mix));
    // Habits reach a day beyond the end, so that nobody is gone at its very last hours.
    let casting = Casting { mix, days: days + 1, ..trial.casting.clone() };
    let mut upstream = account(plan, &casting);
    let befalls = trial.faults.iter().map(|fault| fault.befall(&mut upstream, plan, from, seed)).collect();
    let devices = upstream.devices.stories().len();
    let mut drive = Drive::new(upstream, vec![unasked(&trial.revision)], Pace::default(), Mode::Write, from);
    drive.spare(LOOKS);
    let mut teller = Teller { befalls, ..Teller::default() };
    while drive.step(until)? {
        reached(drive.now);
        teller.take_in(&mut drive, trial);
        if is_over(&drive, plan) {
            break;
        }
    }
    teller.end_wait(drive.now);
    Ok(teller.tell(drive, trial, devices))
}

fn is_over(drive: &Drive, plan: &Plan) -> bool {
    let known = drive.daemon.engine.state.plans.get(&plan.name);
    // A halt waits for a person, and nobody comes here.
    known.is_some_and(|known| known.rollout.phase != Phase::Running || known.rollout.halted.is_some())
}

/// Follows a run.
#[derive(Debug, Default)]
struct Teller {
    timeline: Vec<TimelineEntry>,
    told_to: usize,
    wait: Option<TimelineEntry>,
    rings: BTreeMap<RingName, RingWay>,
    halts: Vec<(Timestamp, Cause)>,
    /// What each fault does, in the order in which they were given.
    befalls: Vec<Befalls>,
}

impl Teller {
    fn take_in(&mut self, drive: &mut Drive, trial: &Trial) {
        let plan = &trial.revision.plan;
        let fresh: Vec<Recorded> = drive.daemon.log.iter().skip(self.told_to).cloned().collect();
        self.told_to = drive.daemon.log.len();
        for recorded in &fresh {
            for (fault, befalls) in trial.faults.iter().zip(&mut self.befalls) {
                if let Some((at, edit)) = fault.follows(recorded, plan) {
                    drive.at(at, Happening::Outside(edit));
                    befalls.at.get_or_insert(at);
                }
            }
            self.event(recorded);
        }
        if let Some(report) = drive.daemon.reports.get(&plan.name) {
            self.waiting(report);
        }
    }

    fn event(&mut self, recorded: &Recorded) {
        let event = &recorded.entry.event;
        if let Some(name) = event.ring() {
            let way = self.rings.entry(name.clone()).or_default();
            match event {
                Event::WritePlanned { .. } | Event::RingAssigned { .. } | Event::RingRecognised { .. } => {
                    way.entered_at.get_or_insert(recorded.at);
                }
                Event::AdoptionReached { .. } => way.adopted_at = Some(recorded.at),
                _ => {}
            }
            if matches!(event, Event::RingVerified { .. } | Event::RingRecognised { .. }) {
                way.verified_at = Some(recorded.at);
            }
        }
        if let Event::Halted { cause } = event {
            self.halts.push((recorded.at, cause.clone()));
        }
        if let Event::GateKnown { ring, .. } = event {
            self.forget_short_doubt(ring, recorded.at);
        }
        let Some(text) = words(recorded) else { return };
        self.end_wait(recorded.at);
        let (ring, kind) = (event.ring().cloned(), event.kind());
        self.timeline.push(TimelineEntry { at: recorded.at, until: None, ring, kind, text });
    }

    /// A gate that could not tell for less than is worth telling: what it waits for is read first.
    fn forget_short_doubt(&mut self, ring: &RingName, known_at: Timestamp) {
        let is_short = |line: &TimelineEntry| {
            line.kind == "gate_unknown"
                && line.ring.as_ref() == Some(ring)
                && since(line.at, known_at) < WORTH_TELLING
        };
        if let Some(index) = self.timeline.iter().rposition(is_short) {
            self.timeline.remove(index);
        }
    }

    /// What stands first in the way, as long as it is the same.
    fn waiting(&mut self, report: &Report) {
        let at = report.at;
        let wait = report.waiting_on.first().map(|blocker| {
            let (ring, text) = (blocker.ring().cloned(), report.explain(blocker).headline);
            TimelineEntry { at, until: None, ring, kind: "waits", text }
        });
        if self.wait.as_ref().map(|line| &line.text) != wait.as_ref().map(|line| &line.text) {
            self.end_wait(at);
            self.wait = wait;
        }
    }

    fn end_wait(&mut self, now: Timestamp) {
        if let Some(line) = self.wait.take()
            && since(line.at, now) >= WORTH_TELLING
        {
            self.timeline.push(TimelineEntry { until: Some(now), ..line });
        }
    }

    fn tell(mut self, drive: Drive, trial: &Trial, devices: usize) -> TrialOutcome {
        let plan = &trial.revision.plan;
        self.timeline.sort_by_key(|line| line.at);
        let report = drive.daemon.reports.get(&plan.name);
        let ways = plan.rings.iter().map(|ring| {
            let mut way = self.rings.remove(&ring.name).unwrap_or_default();
            let known = report.and_then(|report| report.rings.iter().find(|known| known.name == ring.name));
            let census = known.and_then(|known| known.census.as_ref());
            let counts = census.into_iter().flat_map(|census| &census.environments);
            way.devices = counts.map(|(on, census)| (*on, census.counts)).collect();
            (ring.name.clone(), way)
        });
        let rings = ways.collect();
        let blockers = report.map(|report| report.waiting_on.iter().map(|one| report.explain(one).headline));
        let state = &drive.daemon.engine.state;
        let faults =
            trial.faults.iter().zip(&self.befalls).map(|(fault, befalls)| told(fault, befalls, &drive));
        TrialOutcome {
            from: trial.casting.from,
            until: drive.now,
            phase: state.plans.get(&plan.name).map(|known| known.rollout.phase),
            devices,
            timeline: self.timeline,
            rings,
            faults: faults.collect(),
            halts: self.halts,
            waiting_on: blockers.map(Iterator::collect).unwrap_or_default(),
            waits: waits(&drive, plan),
            writes: drive.upstream.writes().count(),
        }
    }
}

/// What came of a fault up to now.
fn told(fault: &WhatIf, befalls: &Befalls, drive: &Drive) -> FaultTold {
    let reached = || befalls.devices.iter().filter(|(_, at)| *at <= drive.now);
    let devices = match fault {
        WhatIf::Outage(..) | WhatIf::Drift(_) => None,
        // It shows only once a device runs the new version and sleeps.
        WhatIf::NoReconnectAfterWake(_) => {
            Some(drive.upstream.devices.silenced(reached().map(|(index, _)| *index), drive.now))
        }
        WhatIf::InstallerBlocked(_)
        | WhatIf::LocalHoliday(..)
        | WhatIf::OtherUpdater(_)
        | WhatIf::SlowFleet => Some(reached().count()),
    };
    let first = match devices {
        None => befalls.at.filter(|at| *at <= drive.now),
        Some(0) => None,
        Some(_) => reached().map(|(_, at)| *at).min(),
    };
    FaultTold { fault: fault.to_string(), came_at: first, devices }
}

/// For how long the rollout waited, folded from its log.
fn waits(drive: &Drive, plan: &Plan) -> BTreeMap<&'static str, SignedDuration> {
    let mut waits = Waits::default();
    let mut state = crate::rollout::state::State::default();
    for recorded in &drive.daemon.log {
        waits.settle_before(&recorded.entry, &state, recorded.at);
        if state.apply(recorded).is_err() {
            break;
        }
    }
    waits.settle(&state, drive.now);
    Wait::ALL.into_iter().map(|kind| (kind.as_str(), waits.of(&plan.name, kind))).collect()
}

/// A verdict that is not `pass`, before what its gate saw: `exempt (too_few_devices), `.
fn verdict(judgement: &Judgement) -> String {
    let verdict = &judgement.verdict;
    match (verdict, verdict.reason_code()) {
        (Verdict::Pass, _) => String::new(),
        (other, "") => format!("{}, ", other.as_str()),
        (other, code) => format!("{} ({code}), ", other.as_str()),
    }
}

/// An event in words, without its ring; `None`: not worth a line.
fn words(recorded: &Recorded) -> Option<String> {
    let told = |word: &Judgement| format!("{}: {}{}", word.name(), verdict(word), word.value());
    let all = |judgements: &[Judgement]| judgements.iter().map(told).collect::<Vec<_>>().join("; ");
    let entry = &recorded.entry;
    Some(match &entry.event {
        Event::DaemonStarted { .. } | Event::RingReached { .. } | Event::GateKnown { .. } => return None,
        Event::PlanAccepted { .. } => "the plan begins".to_owned(),
        Event::WritePlanned { intent, .. } => {
            let devices = match intent.devices {
                1 => "1 device".to_owned(),
                devices => format!("{devices} devices"),
            };
            format!("writes to Cloudflare: {} ({devices})", change(intent))
        }
        Event::WriteConfirmed { .. } => "Cloudflare has it; the devices are told".to_owned(),
        Event::AdoptionReached { judgements, .. } => format!("adopted; {}", all(judgements)),
        Event::RingVerified { judgements, .. } => format!("verified; {}", all(judgements)),
        Event::RolloutCompleted {} => "completed: every ring is verified".to_owned(),
        Event::Halted { cause } => format!("HALTED: {cause}"),
        _ => entry.reason.clone(),
    })
}

fn change(intent: &WriteIntent) -> String {
    match &intent.before {
        Some(before) => before.content.difference(&intent.after),
        None => format!("create group `{}`", intent.after.name),
    }
}
