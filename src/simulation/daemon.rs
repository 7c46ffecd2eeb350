//! The daemon's loop in miniature, around the same pure functions, without sockets or a runtime.
//!
//! **Invariant:** nothing is started before the events that ask for it are in the log; all that
//! a crash leaves is the log, and perhaps the observed devices.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::{Fleet, Membership, SWEEP_OVERLAP, SweepScope};
use crate::ids::PlanName;
use crate::rollout::judge::membership::membership;
use crate::rollout::people::answer::command;
use crate::rollout::people::command::Command;
use crate::rollout::people::refusal::Refusal;
use crate::rollout::record::{Actor, Entry, Event, Mode, Recorded};
use crate::rollout::tell::decision::{Decision, decide, decide_unreported};

use crate::rollout::decide::outcome::doubt_after_restart;
use crate::rollout::state::{IllegalEvent, State};
use crate::rollout::tell::report::Report;
use crate::rollout::world::{Desired, Observations, Read};
use crate::time::{SignedDuration, Timestamp, after, in_words, since};

use crate::simulation::disk::{Disk, File, SECOND_LOOK};
use crate::simulation::far_end::{Call, FarEnd};
use crate::simulation::fault::SimulationFault;
use crate::simulation::looks::{Looks, Reports};
use crate::simulation::pace::Pace;
use crate::simulation::write_stage::WriteStage;

/// The same thing read more often than this within [`STORM_SPAN`] is a storm, which is a bug.
const STORM: usize = 40;
const STORM_SPAN: SignedDuration = SignedDuration::from_mins(10);

/// A read on its way.
#[derive(Debug, Clone)]
pub(super) struct ReadUnderWay {
    pub(super) started_at: Timestamp,
    pub(super) done_at: Timestamp,
    pub(super) scope: Option<SweepScope>,
}

/// A read that failed lately.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    pub(super) failures: u32,
    pub(super) until: Timestamp,
}

/// The daemon.
#[derive(Debug, Clone)]
pub struct SimulatedDaemon {
    /// The log.
    pub log: Vec<Recorded>,
    /// The fold of the log.
    pub state: State,
    /// What it has read.
    pub world: Observations,
    /// What each plan waits for, by the last decision.
    pub reports: BTreeMap<PlanName, Report>,
    /// Set once the log has as many records as the drive was asked to crash after.
    pub(super) crashed: bool,
    pub(super) crash_after: Option<usize>,
    /// Set when the writer met the stop file before the log knew of it.
    pub(super) met_stop_file: bool,
    /// Somebody asked for a look.
    pub(super) hurried: bool,
    pub(super) has_decided: bool,
    pub(super) files: BTreeMap<PlanName, File>,
    pub(super) reading: BTreeMap<Read, ReadUnderWay>,
    pub(super) backoff: BTreeMap<Read, Backoff>,
    pub(super) writing: Option<WriteStage>,
    wanted: BTreeMap<Read, Timestamp>,
    wake_at: Option<Timestamp>,
    pub(super) pace: Pace,
    /// The first thing that went wrong in ringward itself.
    pub(super) fault: Option<SimulationFault>,
    /// Set in a simulation that is not exact to the minute.
    pub(super) looks: Option<Looks>,
    /// Whether its decisions come with reports.
    pub(super) made: Reports,
    /// When each read was started last.
    started: BTreeMap<Read, Timestamp>,
}

impl SimulatedDaemon {
    /// A daemon that takes over a log.
    pub(super) fn start(
        log: Vec<Recorded>,
        remembered: Fleet,
        mode: Mode,
        pace: Pace,
        now: Timestamp,
    ) -> Self {
        let (state, fault) = match replayed(&log) {
            Ok(state) => (state, None),
            Err(error) => (State::default(), Some(SimulationFault::Replay { error })),
        };
        let mut world = Observations { fleet: remembered, ..Observations::default() };
        world.cadence.poll = pace.poll;
        let mut engine = Self {
            log,
            state,
            world,
            reports: BTreeMap::new(),
            crashed: false,
            crash_after: None,
            met_stop_file: false,
            hurried: false,
            has_decided: false,
            files: BTreeMap::new(),
            reading: BTreeMap::new(),
            backoff: BTreeMap::new(),
            writing: None,
            wanted: BTreeMap::new(),
            wake_at: None,
            pace,
            fault,
            looks: None,
            made: Reports::Made,
            started: BTreeMap::new(),
        };
        let settles_seconds = u64::try_from(pace.settles.as_secs()).ok();
        let event = Event::DaemonStarted { version: "0.1.0".to_owned(), mode, settles_seconds };
        let reason = "the daemon took over the log".to_owned();
        let started = Entry { actor: Actor::Engine, reason, rollout: None, event };
        engine.append(vec![started], now);
        let doubt = doubt_after_restart(&engine.state);
        engine.append(doubt, now);
        engine
    }

    /// A daemon in the middle of its work: state and observations as another one has them.
    pub(super) fn take_over(
        state: State,
        world: Observations,
        looks: Looks,
        pace: Pace,
        now: Timestamp,
    ) -> Self {
        let mut engine = Self::start(Vec::new(), Fleet::default(), Mode::Write, pace, now);
        engine.log.clear();
        engine.state = state;
        engine.world = world;
        engine.spare(looks);
        engine
    }

    /// From now on it looks at a coarse grid.
    pub(super) fn spare(&mut self, looks: Looks) {
        (self.looks, self.made) = (Some(looks), looks.reports);
        // Four polls are how long a look stays good.
        self.world.cadence.poll = looks.resting / 3;
    }

    /// It sees by the clock that nobody looked for a while.
    pub(super) fn wake(&mut self, from: Timestamp, now: Timestamp) {
        let reason = format!("nobody looked for {}", in_words(since(from, now)));
        let event = Event::ClockStepped { from, to: now };
        self.append([Entry { actor: Actor::Engine, reason, rollout: None, event }], now);
    }

    pub(super) fn append(&mut self, entries: impl IntoIterator<Item = Entry>, now: Timestamp) {
        for entry in entries {
            if self.crashed {
                return;
            }
            self.record(entry, now);
            self.crashed = self.crash_after.is_some_and(|records| self.log.len() >= records);
        }
    }

    fn record(&mut self, entry: Entry, now: Timestamp) {
        let at = self.state.last_at.map_or(now, |last| last.max(now));
        let recorded = Recorded { seq: self.state.seq + 1, at, entry };
        if let Err(error) = self.state.apply(&recorded) {
            let recorded = format!("{recorded:#?}");
            self.fail(SimulationFault::IllegalEvent { error, recorded });
            return;
        }
        self.log.push(recorded);
    }

    /// Keeps the first fault: what follows from it says nothing.
    pub(super) fn fail(&mut self, fault: SimulationFault) {
        self.fault.get_or_insert(fault);
    }

    /// Looks at the plan files.
    pub(super) fn look_at_files(&mut self, disk: &Disk, now: Timestamp) {
        let known = self.state.plans.keys().chain(self.files.keys());
        let names: BTreeSet<PlanName> = known.chain(disk.files.keys()).cloned().collect();
        for name in names {
            let last = self.files.remove(&name);
            let file = match (disk.is_readable, disk.files.get(&name)) {
                (false, _) => File::Unreadable,
                (true, Some(on_disk)) => File::of(on_disk, last, now),
                (true, None) => match last {
                    Some(File::Gone) => File::Gone,
                    Some(File::Missing { since }) if after(since, SECOND_LOOK) <= now => File::Gone,
                    Some(File::Missing { since }) => File::Missing { since },
                    _ => File::Missing { since: now },
                },
            };
            // As the daemon does, which keeps the names of before while it cannot read the directory.
            if disk.is_readable && disk.files.contains_key(&name) {
                self.world.files.insert(name.clone(), format!("{name}.yaml"));
            } else if disk.is_readable {
                self.world.files.remove(&name);
            }
            self.files.insert(name, file);
        }
    }

    /// A person's request. What it comes to is one transaction.
    pub(super) fn command(
        &mut self,
        actor: &Actor,
        reason: &str,
        asked: &Command,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let entries = command((&self.state, &self.world), actor, reason, asked, now)?;
        for entry in entries {
            self.record(entry, now);
        }
        self.crashed = self.crash_after.is_some_and(|records| self.log.len() >= records);
        Ok(())
    }

    /// Decides for every plan until nobody has anything to add.
    pub(super) fn decide(&mut self, now: Timestamp) {
        self.has_decided = true;
        for _ in 0..20 {
            let before = self.log.len();
            self.wanted.clear();
            self.wake_at = None;
            for name in self.files.keys().cloned().collect::<Vec<_>>() {
                let decision = self.decide_one(&name, now);
                for want in decision.reads {
                    let at = self.wanted.entry(want.read).or_insert(want.at);
                    *at = (*at).min(want.at);
                }
                self.wake_at = self.wake_at.into_iter().chain(decision.wake_at).min();
                self.reports.remove(&name);
                self.reports.extend(decision.report.map(|report| (name, report)));
            }
            if self.log.len() == before || self.crashed || self.fault.is_some() {
                return;
            }
        }
        self.fail(SimulationFault::NeverSettles { at: now });
    }

    fn decide_one(&mut self, name: &PlanName, now: Timestamp) -> Decision {
        let mut decision = self.decision(name, now);
        if decision.entries.is_empty() {
            return decision;
        }
        self.append(std::mem::take(&mut decision.entries), now);
        if self.crashed || self.fault.is_some() {
            return decision;
        }
        let again = self.decision(name, now);
        if !again.entries.is_empty() {
            let entries = format!("{:#?}", again.entries);
            self.fail(SimulationFault::AddsMore { at: now, entries });
        }
        again
    }

    fn decision(&mut self, name: &PlanName, now: Timestamp) -> Decision {
        let settles = self.pace.settles;
        let desired = self.files.get(name).map_or(Desired::InForce, |file| file.desired(settles, now));
        let decide = match self.made {
            Reports::None => decide_unreported,
            Reports::Made => decide,
        };
        match decide(name, desired, &self.state, &self.world, now) {
            Ok(decision) => decision,
            Err(error) => {
                self.fail(SimulationFault::Undecided { at: now, error });
                Decision { entries: Vec::new(), report: None, reads: Vec::new(), wake_at: None }
            }
        }
    }

    /// When the engine has something to do next.
    pub(super) fn next_instant(&self, now: Timestamp) -> Option<Timestamp> {
        let reads = self.reading.values().map(|reading| reading.done_at);
        let writing = self.writing.iter().map(WriteStage::next_at);
        let files = self.files.values().filter_map(|file| file.changes_at(self.pace.settles));
        let files = files.filter(|at| *at > now);
        if let Some(looks) = self.looks {
            return reads.chain(writing).chain(files).chain([looks.next_look(&self.state, now)]).min();
        }
        let wanted = self.wanted.iter().filter(|(read, _)| !self.reading.contains_key(read));
        let wanted = wanted.map(|(read, at)| self.not_before(read, *at));
        reads.chain(wanted).chain(files).chain(writing).chain(self.wake_at).min()
    }

    fn is_due(&self, read: &Read, at: Timestamp, now: Timestamp) -> bool {
        let Some(looks) = self.looks else { return self.not_before(read, at) <= now };
        if self.started.get(read) == Some(&now) {
            return false;
        }
        let at = match read {
            // Each look is for the ring that adopts; the others have time.
            Read::ProfileSweep(_) => now,
            Read::IncrementalSweep => {
                let swept = self.world.fleet.swept_at();
                swept.map_or(at, |swept| at.max(after(swept, looks.resting)))
            }
            Read::Groups | Read::Group(_) | Read::Profiles | Read::Approvers(_) | Read::FullSweep => at,
        };
        self.not_before(read, at) <= now
    }

    fn not_before(&self, read: &Read, at: Timestamp) -> Timestamp {
        self.backoff.get(read).map_or(at, |backoff| at.max(backoff.until))
    }

    /// Somebody asks for a look: what is wanted for later is read now. One sweep is enough.
    fn hurry(&mut self, now: Timestamp) {
        let lately = self.wanted.contains_key(&Read::IncrementalSweep);
        for (read, at) in &mut self.wanted {
            if *read != Read::FullSweep || !lately {
                *at = now.min(*at);
                self.backoff.remove(read);
            }
        }
    }

    /// Starts what the log and the wants ask for.
    pub(super) fn start_work(&mut self, far_end: &FarEnd, now: Timestamp) {
        if std::mem::take(&mut self.hurried) {
            self.hurry(now);
        }
        let due: Vec<Read> = self
            .wanted
            .iter()
            .filter(|(read, at)| !self.reading.contains_key(read) && self.is_due(read, **at, now))
            .map(|(read, _)| read.clone())
            .collect();
        for read in due {
            let since = after(now, -STORM_SPAN);
            let lately = far_end.journal.iter().rev().take_while(|request| request.at > since);
            let same = lately.filter(|request| request.asked == Call::Read(read.clone())).count();
            if same >= STORM {
                self.fail(SimulationFault::Storm { at: now, read: read.clone(), times: same });
            }
            let scope = match &read {
                Read::Groups | Read::Group(_) | Read::Profiles | Read::Approvers(_) => None,
                Read::FullSweep => Some(SweepScope::Full),
                Read::IncrementalSweep => {
                    let last = self.world.fleet.swept_at().unwrap_or(now);
                    Some(SweepScope::SeenAfter(after(last, -SWEEP_OVERLAP)))
                }
                Read::ProfileSweep(policy) => Some(SweepScope::Profile(policy.clone())),
            };
            let done_at = after(now, self.pace.read);
            self.started.insert(read.clone(), now);
            self.reading.insert(read, ReadUnderWay { started_at: now, done_at, scope });
        }
        let pending = self.state.pending_write().filter(|(_, _, write)| write.doubt.is_none());
        if let (Some((_, _, write)), None) = (pending, &self.writing) {
            let done_at = after(now, self.pace.look);
            self.writing = Some(WriteStage::Looking { write: write.id(), started_at: now, done_at });
        }
    }

    /// Which profile belongs to which ring, and what is on offer there.
    pub(super) fn membership(&self, now: Timestamp) -> Membership {
        membership(&self.state, &self.world, now)
    }
}

/// The state that the log alone gives, to be compared with the live one.
///
/// # Errors
/// When an event does not fit the state that those before it give.
pub fn replayed(log: &[Recorded]) -> Result<State, IllegalEvent> {
    let mut state = State::default();
    for recorded in log {
        state.apply(recorded)?;
    }
    Ok(state)
}
