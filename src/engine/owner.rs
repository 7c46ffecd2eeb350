//! The one owner of state and observations, of the reads and of the write under way. Every plan is decided from full
//! state, one after the other, and what that adds is recorded; what was read is taken in: by a read that was due, and by
//! the look before a write, in the same way.
//!
//! **Invariant:** state is what the log leads to, and the next plan is decided on what was recorded of the one before. An
//! observation is dated by the instant at which it was ordered.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::engine::orders::{Pass, ReadAnswer, ReadFailed, ReadOrder, Reports};
use crate::engine::reads::ReadQueue;
use crate::fleet::{Fleet, SWEEP_OVERLAP, SweepChanges};
use crate::ids::PlanName;
use crate::rollout::decide::outcome::doubt_after_restart;
use crate::rollout::judge::last_check::FreshRead;
use crate::rollout::judge::membership::membership;
use crate::rollout::record::{Actor, ClockDoubt, Entry, Event, Mode, Recorded, WriteId};
use crate::rollout::state::{Attribution, IllegalEvent, State};
use crate::rollout::tell::decision::{Decision, decide, decide_unreported, look};
use crate::rollout::world::{Desired, Known, Observations, Observed, Read};
use crate::time::{SignedDuration, Timestamp, after};

/// State, observations, reads and the write under way.
#[derive(Debug, Clone, Default)]
pub struct Engine {
    /// The log, folded.
    pub state: State,
    /// What was read from outside.
    pub world: Observations,
    /// A stop that the log does not have yet.
    pub unrecorded_stop: Option<Attribution>,
    /// Whether decisions come with reports.
    pub reports: Reports,
    /// Reads that are wanted, under way or failing.
    pub reads: ReadQueue,
    pub(super) write: Option<WriteUnderWay>,
    /// What became of a write, to be recorded before anything is decided.
    pub(super) outcome: Vec<Entry>,
    /// The pass under way, and the plans that it has not come to.
    pub(super) pass: Pass,
    pub(super) undecided: BTreeSet<PlanName>,
    pub(super) wake_at: Option<Timestamp>,
}

/// How far the write under way is.
#[derive(Debug, Clone)]
pub(super) enum WriteUnderWay {
    /// Upstream is looked at, its devices too where they are counted; nothing is sent.
    Looking { write: WriteId, is_counted: bool },
    /// It was looked at, and the last word is to be said.
    Looked {
        write: WriteId,
        fresh: Observed<FreshRead>,
        counted: Option<Observed<usize>>,
        doubt: Option<ClockDoubt>,
    },
    /// It is sent, after so many devices were counted where the ring has a limit.
    Sent { counted: Option<usize> },
}

/// Entries as the log is to have them, and the state that they lead to.
#[derive(Debug)]
#[must_use = "what is not recorded did not happen"]
pub struct Folded {
    pub recorded: Vec<Recorded>,
    at: Timestamp,
    state: State,
}

impl Folded {
    /// What their rows are dated by: never before those of an era that a person ended.
    pub fn dated(&self) -> Timestamp {
        self.state.eras.dated(self.state.seq, self.at)
    }
}

/// An event that does not fit the state.
#[derive(Debug)]
pub struct DoesNotFold {
    pub error: IllegalEvent,
    pub recorded: Box<Recorded>,
}

impl Engine {
    /// Goes on from a log that was just opened and the devices that are remembered; what the configuration says
    /// outlives the log that was open.
    pub fn take_over(&mut self, state: State, fleet: Fleet) {
        self.state = state;
        self.outcome.clear();
        self.world = Observations {
            fleet,
            approval_floor: self.world.approval_floor.take(),
            devices_per_day: self.world.devices_per_day,
            revisions: self.world.revisions,
            second_clock: std::mem::take(&mut self.world.second_clock),
            ..Observations::default()
        };
    }

    /// What is on record first once a daemon took over: that it did, and that nobody knows what became of a write
    /// without an outcome.
    #[must_use = "an entry that is not appended is lost"]
    pub fn started(&self, why: &str, mode: Mode, settles: SignedDuration) -> Vec<Entry> {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let settles_seconds = u64::try_from(settles.as_secs()).ok();
        let event = Event::DaemonStarted { version, mode, settles_seconds };
        let started = Entry { actor: Actor::Engine, reason: why.to_owned(), rollout: None, event };
        [started].into_iter().chain(doubt_after_restart(&self.state)).collect()
    }

    /// Entries as facts of the instant `at`, at which they were decided: evidence names that instant, and the log
    /// must say the same: a soak is counted from there.
    ///
    /// # Errors
    /// At the first one that does not fit.
    pub fn fold(&self, entries: &[Entry], at: Timestamp) -> Result<Folded, DoesNotFold> {
        let confirms = entries.iter().any(|entry| matches!(entry.event, Event::ClockConfirmed { .. }));
        let at = self.state.last_at.filter(|_| !confirms).map_or(at, |last| last.max(at));
        let (mut state, mut recorded) = (self.state.clone(), Vec::with_capacity(entries.len()));
        for entry in entries {
            let next = Recorded { seq: state.seq + 1, at, entry: entry.clone() };
            if let Err(error) = state.apply(&next) {
                return Err(DoesNotFold { error, recorded: Box::new(next) });
            }
            recorded.push(next);
        }
        Ok(Folded { recorded, at, state })
    }

    /// The log has them.
    pub fn handle_appended(&mut self, folded: Folded) -> Vec<Recorded> {
        self.state = folded.state;
        folded.recorded
    }

    /// Whether writes are stopped, by the log or by what it shall have as soon as it can.
    pub const fn is_stopped(&self) -> bool {
        self.state.stop.is_some() || self.unrecorded_stop.is_some()
    }

    /// What is true to people: the log, and while it cannot be written the stop that it does not have.
    /// Nothing is appended to it.
    pub fn seen_state(&self) -> Cow<'_, State> {
        match &self.unrecorded_stop {
            Some(hold) if self.world.log_unwritable.is_some() && self.state.stop.is_none() => {
                Cow::Owned(State { stop: Some(hold.clone()), ..self.state.clone() })
            }
            _ => Cow::Borrowed(&self.state),
        }
    }

    /// When to ask again at the latest.
    pub fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.wake_at.filter(|at| *at > now).into_iter().chain(self.reads.next()).min()
    }

    /// Begins a pass over the plans of the log and those of files.
    pub fn begin_pass<'a>(&mut self, files: impl IntoIterator<Item = &'a PlanName>) {
        self.pass = Pass::default();
        self.undecided = self.state.plans.keys().cloned().chain(files.into_iter().cloned()).collect();
    }

    /// What is to be recorded next: of one plan, which may be nothing; `None`: the pass is at its end.
    pub fn poll_append<'a>(
        &mut self,
        desired: impl Fn(&PlanName) -> Desired<'a>,
        now: Timestamp,
    ) -> Option<Vec<Entry>> {
        if !self.outcome.is_empty() {
            return Some(std::mem::take(&mut self.outcome));
        }
        let plan = self.undecided.pop_first()?;
        match self.decision(&plan, desired(&plan), now) {
            Ok(Decision { entries, report, reads, wake_at }) => {
                self.pass.wants.insert(plan, reads);
                self.pass.wake_at = self.pass.wake_at.into_iter().chain(wake_at).min();
                self.pass.reports.extend(report);
                Some(entries)
            }
            Err(fault) => {
                self.pass.faults.push((plan, fault));
                Some(Vec::new())
            }
        }
    }

    /// The plan that the pass under way came to last.
    pub fn decided(&self) -> Option<&PlanName> {
        self.pass.wants.last_key_value().map(|(plan, _)| plan)
    }

    /// Decides for one plan. While the log cannot be written it only looks.
    ///
    /// # Errors
    /// At a fault in ringward, which stops this plan and no other.
    pub fn decision(
        &self,
        plan: &PlanName,
        desired: Desired<'_>,
        now: Timestamp,
    ) -> Result<Decision, IllegalEvent> {
        if self.world.log_unwritable.is_some() {
            return Ok(look(plan, desired, Known { state: &self.seen_state(), world: &self.world, now }));
        }
        let decide = match self.reports {
            Reports::Made => decide,
            Reports::None => decide_unreported,
        };
        decide(plan, desired, Known { state: &self.state, world: &self.world, now })
    }

    /// Leaves the plans that the pass has not come to.
    pub fn break_off_pass(&mut self) {
        self.pass = Pass::default();
        self.undecided.clear();
    }

    /// Ends the pass: what it wants to see is what is wanted from now on.
    pub fn end_pass(&mut self) -> Pass {
        let mut pass = std::mem::take(&mut self.pass);
        // A plan that goes on under another name was told of under the old one.
        pass.reports.retain(|report| self.state.plans.contains_key(&report.id.plan));
        self.reads.want(pass.wants.values().flatten(), &mut self.world.troubles);
        self.wake_at = pass.wake_at;
        pass
    }

    /// The reads that are due; they count as under way from here on.
    pub fn poll_reads(&mut self, now: Timestamp) -> Vec<ReadOrder> {
        self.poll_reads_by(now, |_, at| at)
    }

    /// The same for whoever looks by a grid of its own: `due` says when a read is due that is wanted at an instant.
    pub fn poll_reads_by(
        &mut self,
        now: Timestamp,
        due: impl Fn(&Read, Timestamp) -> Timestamp,
    ) -> Vec<ReadOrder> {
        let seen_after = after(self.world.fleet.swept_at().unwrap_or(now), -SWEEP_OVERLAP);
        let due = self.reads.start_due(now, due).into_iter();
        due.map(|read| ReadOrder { read, seen_after, at: now }).collect()
    }

    /// A read ended that was ordered at `as_of`. Of a sweep: what changed of the devices.
    pub fn handle_read(
        &mut self,
        read: &Read,
        as_of: Timestamp,
        result: Result<ReadAnswer, ReadFailed>,
        now: Timestamp,
    ) -> Option<SweepChanges> {
        match result {
            Ok(answer) => {
                self.reads.succeeded(read, &mut self.world.troubles);
                self.take_in(answer, as_of, now)
            }
            Err(failed) => {
                self.reads.failed(read.clone(), failed, now, &mut self.world.troubles);
                None
            }
        }
    }

    pub(super) fn take_in(
        &mut self,
        answer: ReadAnswer,
        as_of: Timestamp,
        now: Timestamp,
    ) -> Option<SweepChanges> {
        // A person may have confirmed a clock that was behind since.
        let as_of = now.min(as_of);
        let world = &mut self.world;
        match answer {
            ReadAnswer::Groups(value) => world.groups = Some(Observed { value, as_of }),
            ReadAnswer::Group(id, value) => _ = world.single_groups.insert(id, Observed { value, as_of }),
            ReadAnswer::Profiles(value) => world.profiles = Some(Observed { value, as_of }),
            ReadAnswer::Approvers(name, value) => {
                _ = world.user_groups.insert(name, Observed { value, as_of })
            }
            ReadAnswer::Sweep(mut sweep) => {
                sweep.started_at = as_of;
                let membership = membership(&self.state, world, as_of);
                return Some(world.fleet.observe(sweep, &membership));
            }
        }
        None
    }
}
