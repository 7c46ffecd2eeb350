//! The one owner of state and observations, of the reads and of the write under way.
//!
//! **Invariant:** state is what the log leads to.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::engine::orders::{Pass, Reports};
use crate::engine::reads::ReadQueue;
use crate::fleet::Fleet;
use crate::ids::PlanName;
use crate::rollout::decide::outcome::doubt_after_restart;
use crate::rollout::judge::last_check::FreshRead;
use crate::rollout::record::{Actor, ClockDoubt, Entry, Event, Mode, Recorded, WriteId};
use crate::rollout::state::{Attribution, IllegalEvent, State};
use crate::rollout::world::{Observations, Observed};
use crate::time::{SignedDuration, Timestamp};

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
}
