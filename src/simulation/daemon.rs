//! The simulated daemon: it drives the loop on a virtual clock, with its log in memory.
//!
//! **Invariant:** all that a crash leaves is the log, and perhaps the observed devices.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::{DoesNotFold, Engine, LookOrder, ReadOrder};
use crate::fleet::Fleet;
use crate::ids::PlanName;
use crate::rollout::record::{Actor, Entry, Event, Mode, Recorded, WriteId};
use crate::rollout::state::{IllegalEvent, State};
use crate::rollout::tell::report::Report;
use crate::rollout::world::{Desired, Observations, Read, Want};
use crate::simulation::disk::{Disk, File, SECOND_LOOK};
use crate::simulation::fault::SimulationFault;
use crate::simulation::looks::Looks;
use crate::simulation::pace::Pace;
use crate::simulation::upstream::{Call, Ticket, Upstream};
use crate::time::{SignedDuration, Timestamp, after, in_words, since};

/// The same thing read more often than this within [`STORM_SPAN`] is a storm, which is a bug.
const STORM: usize = 40;
const STORM_SPAN: SignedDuration = SignedDuration::from_mins(10);

/// The daemon.
#[derive(Debug, Clone, Default)]
pub struct SimulatedDaemon {
    /// The log.
    pub log: Vec<Recorded>,
    /// The loop.
    pub engine: Engine,
    /// What each plan waits for, by the last decision.
    pub reports: BTreeMap<PlanName, Report>,
    /// Set once the log has as many records as the drive was asked to crash after.
    pub(super) crashed: bool,
    pub(super) crash_after: Option<usize>,
    /// Somebody asked for a look at this plan.
    pub(super) hurried: Option<PlanName>,
    pub(super) has_decided: bool,
    pub(super) files: BTreeMap<PlanName, File>,
    /// Reads on their way, and when each is answered.
    pub(super) reading: BTreeMap<Read, (ReadOrder, Timestamp)>,
    pub(super) writing: Option<WriteStage>,
    wants: BTreeMap<PlanName, Vec<Want>>,
    pub(super) pace: Pace,
    /// The first thing that went wrong in ringward itself.
    pub(super) fault: Option<SimulationFault>,
    /// Set in a simulation that is not exact to the minute.
    pub(super) looks: Option<Looks>,
    /// When each read was started last.
    started: BTreeMap<Read, Timestamp>,
}

/// The one write, on its way.
#[derive(Debug, Clone)]
pub(super) enum WriteStage {
    /// The group is read afresh.
    Looking { order: LookOrder, done_at: Timestamp },
    /// The last word is about to be said.
    Clearing { order: LookOrder, send_at: Timestamp },
    /// It is sent.
    Sent { write: WriteId, ticket: Ticket, answer_at: Timestamp },
}

impl WriteStage {
    /// When it goes on.
    pub(super) const fn next_at(&self) -> Timestamp {
        match self {
            Self::Looking { done_at, .. } => *done_at,
            Self::Clearing { send_at, .. } => *send_at,
            Self::Sent { answer_at, .. } => *answer_at,
        }
    }
}

impl SimulatedDaemon {
    /// A daemon that takes over a log; `before`: the engine that had it.
    pub(super) fn start(
        log: Vec<Recorded>,
        before: Engine,
        remembered: Fleet,
        (mode, pace): (Mode, Pace),
        now: Timestamp,
    ) -> Self {
        let (state, fault) = match replayed(&log) {
            Ok(state) => (state, None),
            Err(error) => (State::default(), Some(SimulationFault::Replay { error })),
        };
        let mut engine = Engine::default();
        (engine.world, engine.reports) = (before.world, before.reports);
        engine.take_over(state, remembered);
        engine.world.cadence.poll = pace.poll;
        let mut daemon = Self { log, engine, pace, fault, ..Self::default() };
        let started = daemon.engine.started("the daemon took over the log", mode, pace.settles);
        daemon.append(started, now);
        daemon
    }

    /// A daemon in the middle of its work: state and observations as another one has them.
    pub(super) fn take_over(state: State, world: Observations, looks: Looks, pace: Pace) -> Self {
        let mut daemon = Self { pace, ..Self::default() };
        (daemon.engine.state, daemon.engine.world) = (state, world);
        daemon.spare(looks);
        daemon
    }

    /// From now on it looks at a coarse grid.
    pub(super) fn spare(&mut self, looks: Looks) {
        (self.looks, self.engine.reports) = (Some(looks), looks.reports);
        // Four polls are how long a look stays good.
        self.engine.world.cadence.poll = looks.resting / 3;
    }

    /// It sees by the clock that nobody looked for a while.
    pub(super) fn wake(&mut self, from: Timestamp, now: Timestamp) {
        let reason = format!("the daemon did not run for {}", in_words(since(from, now)));
        let event = Event::ClockStepped { from, to: now };
        self.append(vec![Entry { actor: Actor::Engine, reason, rollout: None, event }], now);
    }

    pub(super) fn append(&mut self, mut entries: Vec<Entry>, now: Timestamp) {
        if self.crashed {
            return;
        }
        entries.truncate(self.crash_after.map_or(usize::MAX, |records| records - self.log.len()));
        self.record(&entries, now);
    }

    pub(super) fn record(&mut self, entries: &[Entry], now: Timestamp) {
        match self.engine.fold(entries, now) {
            Ok(folded) => self.log.extend(self.engine.handle_appended(folded)),
            Err(DoesNotFold { error, recorded }) => {
                let recorded = format!("{recorded:#?}");
                self.fail(SimulationFault::IllegalEvent { error, recorded });
            }
        }
        self.crashed = self.crash_after.is_some_and(|records| self.log.len() >= records);
    }

    /// Keeps the first fault: what follows from it says nothing.
    pub(super) fn fail(&mut self, fault: SimulationFault) {
        self.fault.get_or_insert(fault);
    }

    /// Looks at the plan files.
    pub(super) fn look_at_files(&mut self, disk: &Disk, now: Timestamp) {
        let known = self.engine.state.plans.keys().chain(self.files.keys());
        let names: BTreeSet<PlanName> = known.chain(disk.files.keys()).cloned().collect();
        for name in names {
            let last = self.files.remove(&name);
            let file = match (disk.is_readable, disk.files.get(&name)) {
                (false, _) => File::Unreadable,
                (true, Some(on_disk)) => File::of(on_disk, last, now),
                (true, None) => match last {
                    Some(File::Gone) => File::Gone,
                    Some(File::Missing(since)) if after(since, SECOND_LOOK) <= now => File::Gone,
                    Some(File::Missing(since)) => File::Missing(since),
                    _ => File::Missing(now),
                },
            };
            // As the daemon does, which keeps the names of before while it cannot read the directory.
            if disk.is_readable && disk.files.contains_key(&name) {
                self.engine.world.files.insert(name.clone(), format!("{name}.yaml"));
            } else if disk.is_readable {
                self.engine.world.files.remove(&name);
            }
            self.files.insert(name, file);
        }
    }

    /// Decides for every plan until nobody has anything to add.
    pub(super) fn decide(&mut self, now: Timestamp) {
        self.has_decided = true;
        for _ in 0..20 {
            let before = self.log.len();
            self.engine.begin_pass(self.files.keys());
            while self.record_next(now) {
                if self.crashed || self.fault.is_some() {
                    return;
                }
                self.decide_again(now);
            }
            let pass = self.engine.end_pass();
            self.wants = pass.wants;
            self.reports = pass.reports.into_iter().map(|report| (report.id.plan.clone(), report)).collect();
            if let Some((_, error)) = pass.faults.into_iter().next() {
                self.fail(SimulationFault::Undecided { at: now, error });
            }
            if self.log.len() == before || self.fault.is_some() {
                return;
            }
        }
        self.fail(SimulationFault::NeverSettles { at: now });
    }

    /// Records what is to be recorded next; says whether there was anything.
    pub(super) fn record_next(&mut self, now: Timestamp) -> bool {
        let (files, settles) = (&self.files, self.pace.settles);
        let desired = |plan: &PlanName| desired(files, plan, settles, now);
        while let Some(entries) = self.engine.poll_append(desired, now) {
            if !entries.is_empty() {
                self.append(entries, now);
                return true;
            }
        }
        false
    }

    /// Law 10: whoever decides again adds nothing.
    fn decide_again(&mut self, now: Timestamp) {
        let Some(plan) = self.engine.decided() else { return };
        let asked = desired(&self.files, plan, self.pace.settles, now);
        match self.engine.decision(plan, asked, now) {
            Ok(again) if again.entries.is_empty() => {}
            Ok(again) => {
                let entries = format!("{:#?}", again.entries);
                self.fail(SimulationFault::AddsMore { at: now, entries });
            }
            Err(error) => self.fail(SimulationFault::Undecided { at: now, error }),
        }
    }

    /// When the engine has something to do next.
    pub(super) fn next_instant(&self, now: Timestamp) -> Option<Timestamp> {
        let reads = self.reading.values().map(|(_, done_at)| *done_at);
        let writing = self.writing.iter().map(WriteStage::next_at);
        let files = self.files.values().filter_map(|file| file.changes_at(self.pace.settles));
        let known = reads.chain(writing).chain(files.filter(|at| *at > now));
        match self.looks {
            Some(looks) => known.chain([looks.next_look(&self.engine.state, now)]).min(),
            None => known.chain(self.engine.wake_at(now)).min(),
        }
    }

    fn due_reads(&mut self, now: Timestamp) -> Vec<ReadOrder> {
        let Some(looks) = self.looks else { return self.engine.poll_reads(now) };
        let swept = self.engine.world.fleet.swept_at();
        let started = &self.started;
        self.engine.poll_reads_by(now, |read, at| match read {
            read if started.get(read) == Some(&now) => Timestamp::MAX,
            // Each look is for the ring that adopts; the others have time.
            Read::ProfileSweep(_) => now,
            Read::IncrementalSweep => swept.map_or(at, |swept| at.max(after(swept, looks.resting))),
            Read::Groups | Read::Group(_) | Read::Profiles | Read::Approvers(_) | Read::FullSweep => at,
        })
    }

    /// Starts what the log and the wants ask for.
    pub(super) fn start_work(&mut self, upstream: &Upstream, now: Timestamp) {
        if let Some(plan) = self.hurried.take() {
            let wanted = self.wants.get(&plan).into_iter().flatten();
            self.engine.reads.hurry(&wanted.map(|want| want.read.clone()).collect(), now);
        }
        for order in self.due_reads(now) {
            let since = after(now, -STORM_SPAN);
            let lately = upstream.journal.iter().rev().take_while(|request| request.at > since);
            let same = lately.filter(|request| request.asked == Call::Read(order.read.clone())).count();
            if same >= STORM {
                self.fail(SimulationFault::Storm { at: now, read: order.read.clone(), times: same });
            }
            self.started.insert(order.read.clone(), now);
            self.reading.insert(order.read.clone(), (order, after(now, self.pace.read)));
        }
        if let Some(order) = self.engine.poll_look(now) {
            self.writing = Some(WriteStage::Looking { order, done_at: after(now, self.pace.look) });
        }
    }
}

/// What the file of a plan asks for.
pub(super) fn desired<'a>(
    files: &'a BTreeMap<PlanName, File>,
    plan: &PlanName,
    settles: SignedDuration,
    now: Timestamp,
) -> Desired<'a> {
    files.get(plan).map_or(Desired::Missing, |file| file.desired(settles, now))
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
