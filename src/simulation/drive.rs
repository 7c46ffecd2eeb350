//! The whole simulation: the account, the daemon and the script on one virtual clock.
//!
//! **Invariant:** an instant is passed only once nothing is left to happen at it.

use std::collections::BTreeMap;

use crate::engine::Engine;
use crate::fleet::Fleet;
use crate::plan::model::Revision;
use crate::rollout::people::answer::command;
use crate::rollout::people::command::Command;
use crate::rollout::record::{Actor, Cancelled, ClockDoubt, Event, Mode, Recorded};
use crate::rollout::state::State;
use crate::rollout::world::{Known, Observations};
use crate::simulation::daemon::SimulatedDaemon;
use crate::simulation::disk::{Disk, OnDisk};
use crate::simulation::fault::SimulationFault;
use crate::simulation::happening::{Happening, Note, Remembered};
use crate::simulation::looks::Looks;
use crate::simulation::pace::Pace;
use crate::simulation::upstream::Upstream;
use crate::time::{SignedDuration, Timestamp, after, since};

/// Steps at one instant: more is a livelock.
const MAX_STEPS_AT_ONCE: usize = 200;

/// Steps within an hour: more is a daemon that wakes up for nothing.
const MAX_STEPS_AN_HOUR: usize = 1_500;

/// The whole simulation.
#[derive(Debug, Clone)]
pub struct Drive {
    /// The virtual clock.
    pub now: Timestamp,
    /// The account.
    pub upstream: Upstream,
    /// The daemon; while it is down, what it left.
    pub daemon: SimulatedDaemon,
    /// What happened beside the log: when, after how many records, what.
    pub notes: Vec<(Timestamp, usize, Note)>,
    /// How often the daemon crashed.
    pub crashes: usize,
    disk: Disk,
    pace: Pace,
    mode: Mode,
    agenda: BTreeMap<(Timestamp, usize), Happening>,
    scheduled: usize,
    down_until: Option<Timestamp>,
    /// Set while the host sleeps: since when.
    asleep_since: Option<Timestamp>,
    stop_file: Option<(Actor, String, Timestamp)>,
    clock_doubt: Option<ClockDoubt>,
    /// What the machine's clock says while it is behind.
    clock_reset: Option<Timestamp>,
    /// The state that the log alone gives, up to so many of its records.
    replayed: State,
    replayed_to: usize,
    steps_at_once: usize,
    hour: (Timestamp, usize),
}

impl Drive {
    /// A daemon that starts on an empty log and these plan files, early enough for them to take effect at
    /// `now`.
    pub fn new(upstream: Upstream, plans: Vec<Revision>, pace: Pace, mode: Mode, now: Timestamp) -> Self {
        let now = after(now, -pace.settles);
        let good = |revision: Revision| (revision.plan.name.clone(), OnDisk::Good(Box::new(revision)));
        let disk = Disk { is_readable: true, files: plans.into_iter().map(good).collect() };
        let (log, before) = (Vec::new(), Engine::default());
        Self {
            now,
            upstream,
            daemon: SimulatedDaemon::start(log, before, Fleet::default(), (mode, pace), now),
            notes: Vec::new(),
            crashes: 0,
            disk,
            pace,
            mode,
            agenda: BTreeMap::new(),
            scheduled: 0,
            down_until: None,
            asleep_since: None,
            stop_file: None,
            clock_doubt: None,
            clock_reset: None,
            replayed: State::default(),
            replayed_to: 0,
            steps_at_once: 0,
            hour: (now, 0),
        }
    }

    /// A daemon in the middle of its work, which does not look at every minute.
    pub fn taken_over(
        upstream: Upstream,
        plan: Revision,
        (state, world): (State, Observations),
        looks: Looks,
        now: Timestamp,
    ) -> Self {
        let pace = Pace { settles: SignedDuration::ZERO, ..Pace::at_once() };
        let mut drive = Self::new(upstream, vec![plan], pace, Mode::Write, now);
        drive.daemon = SimulatedDaemon::take_over(state, world, looks, pace);
        drive
    }

    /// From now on it may write, whatever it was started as.
    pub fn may_write(&mut self) {
        self.mode = Mode::Write;
        self.daemon.engine.state.mode = Some(Mode::Write);
    }

    /// From now on it does not look at every minute: much faster, and exact to a look.
    pub fn spare(&mut self, looks: Looks) {
        self.pace = Pace::at_once();
        self.daemon.pace = self.pace;
        self.daemon.spare(looks);
    }

    /// Has something happen at an instant, after what was scheduled for it before.
    pub fn at(&mut self, instant: Timestamp, happening: Happening) {
        self.scheduled += 1;
        self.agenda.insert((instant, self.scheduled), happening);
    }

    /// Has the daemon die right after its log has so many records.
    pub fn crash_after(&mut self, records: usize) {
        self.daemon.crash_after = Some(records);
        self.daemon.crashed = self.daemon.log.len() >= records;
    }

    /// Runs until an instant.
    ///
    /// # Errors
    /// At the first fault of ringward itself.
    pub fn run_until(&mut self, until: Timestamp) -> Result<(), SimulationFault> {
        while self.step(until)? {}
        self.now = self.now.max(until);
        Ok(())
    }

    /// Goes to the next instant at which anything happens; false when there is none up to `until`.
    ///
    /// # Errors
    /// At the first fault of ringward itself.
    pub fn step(&mut self, until: Timestamp) -> Result<bool, SimulationFault> {
        let next = self.next_instant().map(|next| next.max(self.now));
        let Some(next) = next.filter(|next| *next <= until) else { return Ok(false) };
        self.steps_at_once = if next == self.now { self.steps_at_once + 1 } else { 0 };
        let (begun, steps) = self.hour;
        let same_hour = next < after(begun, SignedDuration::from_hours(1));
        self.hour = if same_hour { (begun, steps + 1) } else { (next, 1) };
        if self.steps_at_once >= MAX_STEPS_AT_ONCE || self.hour.1 >= MAX_STEPS_AN_HOUR {
            return Err(SimulationFault::Livelock { at: next, tail: self.tail() });
        }
        self.now = next;
        self.upstream.advance(next);
        self.come_up();
        self.daemon.engine.world.budget_spent_until = self.upstream.budget_spent_until(next);
        self.happen();
        if self.down_until.is_none() {
            self.run_daemon();
        }
        match self.daemon.fault.take() {
            Some(fault) => Err(fault),
            None => Ok(true),
        }
    }

    fn run_daemon(&mut self) {
        if self.daemon.looks.is_some() {
            // Nothing is exact to the second: what is read is there at once.
            self.daemon.start_work(&self.upstream, self.now);
        }
        self.daemon.finish_reads(&mut self.upstream, self.now);
        self.daemon.go_on_writing(&mut self.upstream, self.stop_file.is_some(), self.now);
        self.see_stop_file();
        self.daemon.look_at_files(&self.disk, self.now);
        if !self.daemon.crashed {
            self.daemon.decide(self.now);
        }
        if self.daemon.crashed {
            self.crash(Remembered::Devices);
        } else {
            self.daemon.start_work(&self.upstream, self.now);
        }
        self.check_replay();
    }

    fn next_instant(&self) -> Option<Timestamp> {
        let agenda = self.agenda.keys().map(|(at, _)| *at).next();
        let daemon = match self.down_until {
            Some(until) => Some(until),
            None if !self.daemon.has_decided => Some(self.now),
            None => self.daemon.next_instant(self.now),
        };
        let stop_file = self.unseen_stop_file().filter(|_| self.down_until.is_none());
        [agenda, daemon, stop_file, self.upstream.next_change()].into_iter().flatten().min()
    }

    fn unseen_stop_file(&self) -> Option<Timestamp> {
        let (_, _, since) = self.stop_file.as_ref()?;
        let unseen = self.daemon.engine.state.stop.is_none();
        unseen.then(|| after(*since, self.pace.stop_file_seen))
    }

    fn happen(&mut self) {
        while self.agenda.first_key_value().is_some_and(|((at, _), _)| *at <= self.now) {
            let Some((_, happening)) = self.agenda.pop_first() else { return };
            match (&happening, self.down_until) {
                (Happening::Command(..) | Happening::Explain(_), Some(until)) => self.at(until, happening),
                _ => self.happens(happening),
            }
        }
    }

    fn happens(&mut self, happening: Happening) {
        match &happening {
            Happening::Command(actor, reason, command) => return self.ask(actor, reason, command),
            Happening::Explain(plan) => {
                self.daemon.decide(self.now);
                let report = self.daemon.reports.get(plan).cloned().map(Box::new);
                return self.note(Note::Explained(plan.clone(), report));
            }
            Happening::StopFile(actor, reason) => {
                self.stop_file.get_or_insert((actor.clone(), reason.clone(), self.now));
            }
            Happening::Edit(name, Some(file)) => _ = self.disk.files.insert(name.clone(), file.clone()),
            Happening::Edit(name, None) => _ = self.disk.files.remove(name),
            Happening::Directory { is_readable } => self.disk.is_readable = *is_readable,
            Happening::Outside(edit) => self.upstream.outside(edit, self.now),
            Happening::Clock(doubt) => {
                self.clock_doubt = *doubt;
                self.show_clock();
            }
            Happening::ClockReset(machine) => {
                let behind = |machine| ClockDoubt::Differs { ahead: -since(machine, self.now).as_secs() };
                (self.clock_reset, self.clock_doubt) = (*machine, machine.map(behind));
                self.show_clock();
            }
            Happening::Crash(remembered) => self.crash(*remembered),
            Happening::Sleep(until) => {
                if self.down_until.is_none() && *until > self.now {
                    self.asleep_since = Some(self.now);
                    self.down_until = Some(*until);
                }
            }
        }
        self.note(Note::Happened(happening));
    }

    /// A person's request. What it comes to is one transaction.
    fn ask(&mut self, actor: &Actor, reason: &str, asked: &Command) {
        self.daemon.read_before(asked, &mut self.upstream, self.now);
        let Engine { state, world, .. } = &self.daemon.engine;
        match command(Known { state, world, now: self.now }, actor, reason, asked) {
            Ok(entries) => self.daemon.record(&entries, self.now),
            Err(refusal) => return self.note(Note::Refused(actor.clone(), asked.clone(), refusal)),
        }
        match asked {
            Command::Stop => {
                self.stop_file.get_or_insert((actor.clone(), reason.to_owned(), self.now));
            }
            Command::Start { .. } => self.stop_file = None,
            Command::CheckNow(plan) => self.daemon.hurried = Some(plan.clone()),
            // What others do is in the log.
            _ => {}
        }
    }

    /// What the engine sees of the machine's clock and Cloudflare's.
    fn show_clock(&mut self) {
        let world = &mut self.daemon.engine.world;
        (world.second_clock.doubt, world.second_clock.machine) = (self.clock_doubt, self.clock_reset);
        world.clock_behind = self.clock_reset.map(|_| self.now);
    }

    /// The file says stop even where the log does not yet. A writer that met it has seen it: the
    /// log says so before the next decision, which would plan the same write again.
    fn see_stop_file(&mut self) {
        let last = self.daemon.log.last().map(|recorded| &recorded.entry.event);
        let met = matches!(last, Some(Event::WriteCancelled { why: Cancelled::Stopped, .. }));
        let Some((actor, reason, since)) = self.stop_file.clone() else { return };
        let seen = met || after(since, self.pace.stop_file_seen) <= self.now;
        if seen && self.daemon.engine.state.stop.is_none() && !self.daemon.crashed {
            self.ask(&actor, &reason, &Command::Stop);
        }
    }

    fn note(&mut self, note: Note) {
        self.notes.push((self.now, self.daemon.log.len(), note));
    }

    /// The daemon dies: the log stays, and what is on its way at Cloudflare.
    pub fn crash(&mut self, remembered: Remembered) {
        if self.down_until.is_some() {
            return;
        }
        self.crashes += 1;
        self.daemon.crashed = false;
        self.daemon.crash_after = None;
        self.daemon.engine.world.fleet = match remembered {
            Remembered::Devices => Fleet::remembered(self.daemon.engine.world.fleet.devices().cloned()),
            Remembered::Nothing => Fleet::default(),
        };
        self.down_until = Some(after(self.now, self.pace.restart));
    }

    fn come_up(&mut self) {
        if self.down_until.is_none_or(|until| until > self.now) {
            return;
        }
        self.down_until = None;
        if let Some(from) = self.asleep_since.take() {
            self.daemon.wake(from, self.now);
            return;
        }
        let log = std::mem::take(&mut self.daemon.log);
        let fleet = std::mem::take(&mut self.daemon.engine.world.fleet);
        let before = std::mem::take(&mut self.daemon.engine);
        self.daemon = SimulatedDaemon::start(log, before, fleet, (self.mode, self.pace), self.now);
        self.show_clock();
        // A daemon looks for the stop file before anything else.
        let unseen = self.stop_file.clone().filter(|_| self.daemon.engine.state.stop.is_none());
        if let Some((actor, reason, _)) = unseen {
            self.ask(&actor, &reason, &Command::Stop);
        }
        self.note(Note::Restarted);
    }

    /// The log replays to the live state: what is new in it, on the state that the log before it gave.
    fn check_replay(&mut self) {
        let new = self.daemon.log.get(self.replayed_to..).filter(|_| self.daemon.looks.is_none());
        let Some(new) = new.filter(|new| !new.is_empty()) else { return };
        let folded = new.iter().try_for_each(|recorded| self.replayed.apply(recorded));
        self.replayed_to = self.daemon.log.len();
        match folded {
            Ok(()) if self.replayed == self.daemon.engine.state => {}
            Ok(()) => self.daemon.fail(SimulationFault::OtherState { at: self.now }),
            Err(error) => self.daemon.fail(SimulationFault::Replay { error }),
        }
    }

    /// The last events, for a failing test.
    pub fn tail(&self) -> String {
        let line = |recorded: &Recorded| {
            let Recorded { seq, at, entry } = recorded;
            format!("{seq} {at} {} {}: {}\n", entry.actor, entry.event.kind(), entry.reason)
        };
        let skipped = self.daemon.log.len().saturating_sub(60);
        self.daemon.log.iter().skip(skipped).map(line).collect()
    }
}
