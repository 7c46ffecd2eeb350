//! Log and state in one hand: how the log is opened, and what is appended; what is known of one that was lost, which
//! `loss` brings back.
//!
//! **Invariant:** state changes only through [`DurableEngine::append`], which commits before it applies. The first
//! instant is never before the last record. A log that cannot be believed never counts as one that cannot be written.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::daemon::engine::clock::ClockWatch;
use crate::daemon::files::PlanFiles;
use crate::daemon::log::{self, ReplayError};
use crate::daemon::stop_file::StopFile;
use crate::engine::Engine;
use crate::failpoint::{self, Point};
use crate::ids::AccountId;
use crate::rollout::record::{Entry, Event, Mode};
use crate::rollout::tell::waits::Waits;
use crate::store::{Head, OpenError, Recovery, Store, StoreError, WriteFailure, WriteLock};
use crate::time::{Clock, Stopwatch, Timestamp};

/// A reason for the daemon to end.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The log cannot be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The log is not as it was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EngineError {
    /// Whether the log can be opened later, once somebody has fixed what is around it.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Open(error) => error.may_pass(),
            Self::Store(StoreError::NotWritten { source, .. }) => WriteFailure::of(source).may_pass(),
            Self::Store(_) | Self::Replay(_) => false,
        }
    }
}

/// What became of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    /// They are in the log and in the state.
    Recorded,
    /// They are not in the log: the commit failed and it was read again, or it cannot be written now.
    Dropped,
}

/// A log that is not open.
#[derive(Debug)]
pub(crate) struct Lost {
    pub(super) lock: WriteLock,
    pub(super) since: Timestamp,
    pub(super) tried: Stopwatch,
    pub(super) wait: f64,
}

/// How often the log was lost, and how patient that has made us.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    pub(super) count: u64,
    pub(super) last: Option<Stopwatch>,
    pub(super) wait: f64,
}

/// What a look at the database on disk came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sound {
    /// Every page and row is as it was written.
    Yes,
    /// It could not be read; the log was closed, and perhaps opened again.
    Reopened,
}

/// An engine whose log lies on a disk.
#[derive(Debug)]
pub(in crate::daemon) struct DurableEngine {
    /// `None`: it is lost.
    pub(crate) store: Option<Store>,
    pub(crate) lost: Option<Lost>,
    pub(crate) losses: Losses,
    /// Since the database was last verified on disk.
    pub(crate) verified: Stopwatch,
    pub(crate) watch: ClockWatch,
    pub(crate) account: AccountId,
    pub(crate) mode: Mode,
    pub(crate) head: Head,
    /// The loop.
    pub(crate) engine: Engine,
    /// The plans directory.
    pub(crate) files: PlanFiles,
    pub(crate) stop_file: StopFile,
    pub(crate) sampled_at: Option<Timestamp>,
    /// The daemon is to end: a pass is broken off before its next plan.
    pub(crate) end: CancellationToken,
    /// What the rollouts waited for so far.
    pub(crate) waits: Waits,
}

impl DurableEngine {
    /// Opens the database, replays the log and records that a daemon took over.
    ///
    /// # Errors
    /// When the database cannot be opened, or the log cannot be replayed.
    pub(crate) fn open(
        database: &Path,
        account: AccountId,
        clock: Clock,
        mode: Mode,
        files: PlanFiles,
    ) -> Result<Self, EngineError> {
        let watch = ClockWatch::new(clock);
        let store = Store::open_for_writing(database, &account, &clock, clock.now())?;
        let mut engine = Self {
            store: None,
            lost: None,
            losses: Losses::default(),
            verified: Stopwatch::start(),
            watch,
            account,
            mode,
            head: Head::EMPTY,
            engine: Engine::default(),
            files,
            stop_file: StopFile::beside(database),
            sampled_at: None,
            end: CancellationToken::new(),
            waits: Waits::default(),
        };
        let (head, eras) = (store.view().head()?, log::eras(store.view())?);
        let recorded = head.at.map(|at| eras.happened(head.seq.get(), at));
        engine.take_over(store, "a daemon took over the log")?;
        engine.watch.begin(recorded);
        engine.look_at_clock()?;
        Ok(engine)
    }

    /// Folds a log that was just opened, and ends what a crash left open.
    pub(crate) fn take_over(&mut self, store: Store, why: &str) -> Result<(), EngineError> {
        let replayed = log::replay_all(store.view())?;
        self.waits = replayed.waits;
        self.head = store.view().head()?;
        self.engine.take_over(replayed.state, log::remembered(store.view()));
        self.store = Some(store);
        let entries = self.engine.started(why, self.mode, self.files.settles.shown);
        self.record(&entries, self.now())
    }

    /// Appends entries as facts of the instant `at`, at which they were decided, and folds them in. After a
    /// failed commit the log is opened and replayed anew, and the entries are dropped: the next pass decides
    /// from what the log really says.
    ///
    /// # Errors
    /// When the log cannot be believed any more.
    pub(crate) fn append(&mut self, entries: Vec<Entry>, at: Timestamp) -> Result<Appended, EngineError> {
        if entries.is_empty() {
            return Ok(Appended::Recorded);
        }
        if self.lost.is_some() {
            return Ok(Appended::Dropped);
        }
        match self.record(&entries, at) {
            Err(EngineError::Store(error)) if error.recovery() == Recovery::Reopen => {
                self.lose(&error)?;
                Ok(Appended::Dropped)
            }
            recorded => recorded.map(|()| Appended::Recorded),
        }
    }

    /// Records what the engine has to record next, of one plan; says whether the pass goes on.
    ///
    /// # Errors
    /// When the log cannot be believed any more.
    pub(crate) fn append_next(&mut self) -> Result<bool, EngineError> {
        let now = self.now();
        let next = self.engine.poll_append(|plan| self.files.desired(plan), now);
        next.map_or(Ok(false), |entries| self.append(entries, now).map(|_| true))
    }

    /// [`DurableEngine::append`] without a second try.
    pub(crate) fn record(&mut self, entries: &[Entry], at: Timestamp) -> Result<(), EngineError> {
        let folded = self.engine.fold(entries, at).map_err(|unfit| ReplayError::from(unfit.error))?;
        let Some(store) = &mut self.store else { return Err(StoreError::Discarded.into()) };
        let records: Vec<_> = entries.iter().map(|entry| log::to_record(entry, folded.dated())).collect();
        failpoint::reach_each(entries.iter().map(|entry| &entry.event), Point::Decided);
        let stored = store.append(self.head.seq, &records)?;
        failpoint::reach_each(entries.iter().map(|entry| &entry.event), Point::Recorded);
        if let Some(last) = stored.last() {
            self.head = last.as_head();
        }
        for recorded in &folded.recorded {
            self.waits.settle_before(&recorded.entry, &self.engine.state, recorded.at);
        }
        for recorded in self.engine.handle_appended(folded) {
            tell(&recorded.entry);
        }
        Ok(())
    }

    /// The present instant: the clock at the last look, but never behind one that was looked at or
    /// recorded, so that no wait and no age meets a clock that was set back.
    pub(crate) fn now(&self) -> Timestamp {
        self.engine.state.last_at.map_or(self.watch.latest, |last| last.max(self.watch.latest))
    }

    /// Closes the database tidily.
    ///
    /// # Errors
    /// When that fails; nothing that was recorded is lost by it.
    pub(crate) fn close(self) -> Result<(), StoreError> {
        self.store.map_or(Ok(()), Store::close)
    }
}

fn tell(entry: &Entry) {
    let rollout = entry.rollout.as_ref().map(ToString::to_string).unwrap_or_default();
    let ring = entry.event.ring().map(ToString::to_string).unwrap_or_default();
    let (kind, actor, reason) = (entry.event.kind(), &entry.actor, &entry.reason);
    match &entry.event {
        Event::Halted { .. } => tracing::warn!(rollout, ring, %actor, reason, "{kind}"),
        _ => tracing::info!(rollout, ring, %actor, reason, "{kind}"),
    }
}
