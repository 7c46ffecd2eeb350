//! Log and state in one hand: what is appended, what happens when that fails, and how the log comes back.
//!
//! The way back is the one of a restart: open, check the file, verify the chain, replay, doubt a write
//! without an outcome, read outside. It is tried at once, for most failures pass, and then ever later.
//!
//! **Invariant:** state changes only through [`DurableEngine::append`], which commits before it applies; from the first write to the disk that fails until that way was gone to its end,
//! nothing is decided, recorded or sent; reports, page and the stop file go on.

use crate::daemon::engine::clock::ClockWatch;
use crate::daemon::engine::error::EngineError;
use crate::daemon::engine::loss::{Losses, Lost, Sound};
use crate::store::NotReopened;
use crate::text::in_full;

use crate::daemon::files::PlanFiles;
use crate::daemon::log::{self, ReplayError};
use crate::daemon::stop_file::StopFile;
use crate::engine::Engine;
use crate::failpoint::{self, Point};
use crate::ids::AccountId;
use crate::plan::model::ApprovalFloor;
use crate::rollout::record::{Entry, Event, Mode};
use crate::rollout::tell::waits::Waits;
use crate::rollout::world::Trouble;
use crate::store::{Head, Recovery, Store, StoreError};
use crate::time::{Stopwatch, Timestamp};
/// The wait before the log is opened again, in wall seconds; it doubles up to [`LAST_RETRY`].
const FIRST_RETRY: f64 = 1.0;
const LAST_RETRY: f64 = 30.0;
/// A log that is lost again within this time, in wall seconds, is not opened at once: each opening is an
/// event, and what lets it open and then fails would fill the log.
const CALM: f64 = 60.0;
/// Without a write, the database is verified on disk this often, in wall seconds: a damage is found while
/// a backup from before it is still kept.
const VERIFY_EVERY: f64 = 3_600.0;

/// What became of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::daemon) enum Appended {
    /// They are in the log and in the state.
    Recorded,
    /// They are not in the log: the commit failed and it was read again, or it cannot be written now.
    Dropped,
}

/// An engine whose log lies on a disk.
#[derive(Debug)]
pub(in crate::daemon) struct DurableEngine {
    /// `None`: it is lost.
    pub(in crate::daemon) store: Option<Store>,
    pub(in crate::daemon) lost: Option<Lost>,
    pub(in crate::daemon) losses: Losses,
    /// Since the database was last verified on disk.
    pub(in crate::daemon) verified: Stopwatch,
    pub(in crate::daemon) watch: ClockWatch,
    pub(in crate::daemon) account: AccountId,
    pub(in crate::daemon) mode: Mode,
    pub(in crate::daemon) head: Head,
    /// The loop.
    pub(in crate::daemon) engine: Engine,
    /// The plans directory.
    pub(in crate::daemon) files: PlanFiles,
    pub(in crate::daemon) stop_file: StopFile,
    pub(in crate::daemon) sampled_at: Option<Timestamp>,
    /// What the rollouts waited for so far.
    pub(in crate::daemon) waits: Waits,
}

impl DurableEngine {
    /// Folds a log that was just opened, and ends what a crash left open.
    pub(in crate::daemon) fn take_over(&mut self, store: Store, why: &str) -> Result<(), EngineError> {
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
    pub(in crate::daemon) fn append(
        &mut self,
        entries: Vec<Entry>,
        at: Timestamp,
    ) -> Result<Appended, EngineError> {
        if entries.is_empty() {
            return Ok(Appended::Recorded);
        }
        if self.is_lost() {
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

    /// Records what the engine has to record next; says whether there was anything.
    ///
    /// # Errors
    /// When the log cannot be believed any more.
    pub(in crate::daemon) fn append_next(&mut self) -> Result<bool, EngineError> {
        let now = self.now();
        let next = self.engine.poll_append(|plan| self.files.desired(plan), now);
        next.map_or(Ok(false), |entries| self.append(entries, now).map(|_| true))
    }

    /// [`DurableEngine::append`] without a second try.
    pub(in crate::daemon) fn record(&mut self, entries: &[Entry], at: Timestamp) -> Result<(), EngineError> {
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

    /// An observation alone may be lost; but what keeps it off the disk keeps the next record off it as
    /// well, and that one may be the outcome of a write.
    pub(in crate::daemon) fn after_saving(
        &mut self,
        saved: Result<(), StoreError>,
    ) -> Result<(), EngineError> {
        match saved {
            Ok(()) => Ok(()),
            Err(error @ StoreError::ObservationNotSaved { .. }) => self.lose(&error),
            Err(error) => {
                tracing::warn!(%error, "observations are kept in memory only");
                Ok(())
            }
        }
    }

    /// Whether the log cannot be written now.
    pub(in crate::daemon) const fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// Closes the log after a failure, and tries once to open it again.
    ///
    /// # Errors
    /// When the database is damaged, or is not the one that was open: nothing is done on its word.
    pub(in crate::daemon) fn lose(&mut self, error: &dyn std::error::Error) -> Result<(), EngineError> {
        let Some(store) = self.store.take() else { return Ok(()) };
        let message = in_full(error);
        tracing::error!(
            error = message,
            "the log failed: nothing is sent to Cloudflare until it was opened and read again"
        );
        let since = self.now();
        self.engine.world.log_unwritable = Some(Trouble { since, message });
        let again = self.losses.last.is_some_and(|last| last.seconds() < CALM);
        let wait = if again { (self.losses.wait * 2.0).min(LAST_RETRY) } else { FIRST_RETRY };
        self.losses = Losses { count: self.losses.count + 1, last: Some(Stopwatch::start()), wait };
        let lost = Lost { lock: store.into_lock(), since, tried: Stopwatch::start(), wait };
        if again {
            self.lost = Some(lost);
            return Ok(());
        }
        self.regain(lost)
    }

    /// Whether it is time to open a lost log again.
    pub(in crate::daemon) fn is_regain_due(&self) -> bool {
        self.lost.as_ref().is_some_and(|lost| lost.tried.seconds() >= lost.wait)
    }

    /// Makes it time to open a lost log again.
    #[cfg(test)]
    pub(in crate::daemon) fn hurry(&mut self) {
        if let Some(lost) = &mut self.lost {
            lost.wait = 0.0;
        }
    }

    /// Opens a lost log again when it is time.
    ///
    /// # Errors
    /// As [`DurableEngine::lose`].
    pub(in crate::daemon) fn regain_when_due(&mut self) -> Result<(), EngineError> {
        match self.lost.take_if(|lost| lost.tried.seconds() >= lost.wait) {
            Some(lost) => self.regain(lost),
            None => Ok(()),
        }
    }

    pub(in crate::daemon) fn regain(&mut self, lost: Lost) -> Result<(), EngineError> {
        let Lost { lock, since, wait, .. } = lost;
        let reopened = Store::reopen(lock, &self.account, &self.watch.clock, self.now(), &self.head);
        let (lock, error) = match reopened {
            Ok(store) => {
                let why = self.engine.world.log_unwritable.as_ref().map_or("", |trouble| &trouble.message);
                let reason =
                    format!("the log was opened again; it could not be written since {since}: {why}");
                let Err(error) = self.take_over(store, &reason) else {
                    tracing::warn!(%since, "the log was opened and read again; the daemon goes on");
                    return Ok(());
                };
                let Some(store) = self.store.take() else { return Err(error) };
                (store.into_lock(), error)
            }
            Err(failed) => {
                let NotReopened { lock, error } = *failed;
                (lock, error.into())
            }
        };
        if !error.may_pass() {
            return Err(error);
        }
        let wait = (wait * 2.0).min(LAST_RETRY);
        let message = in_full(&error);
        tracing::error!(error = message, "the log cannot be opened again yet; tried again in {wait} s");
        self.engine.world.log_unwritable = Some(Trouble { since, message });
        self.lost = Some(Lost { lock, since, tried: Stopwatch::start(), wait });
        Ok(())
    }

    /// Verifies the database as it lies on the disk: before each write at Cloudflare, and hourly.
    ///
    /// # Errors
    /// When it is damaged, a record is not as it was written, or it is another one than this daemon's.
    pub(in crate::daemon) fn verify_on_disk(&mut self) -> Result<Sound, EngineError> {
        self.verified = Stopwatch::start();
        let Some(store) = &self.store else { return Ok(Sound::Reopened) };
        match store.verify_on_disk() {
            Ok(_) => Ok(Sound::Yes),
            Err(error) if error.may_pass() => {
                self.lose(&error)?;
                Ok(Sound::Reopened)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The hourly look.
    ///
    /// # Errors
    /// As [`DurableEngine::verify_on_disk`].
    pub(in crate::daemon) fn verify_when_due(&mut self) -> Result<(), EngineError> {
        if self.verified.seconds() >= VERIFY_EVERY {
            self.verify_on_disk()?;
        }
        Ok(())
    }

    /// The present instant: the clock at the last look, but never behind one that was looked at or
    /// recorded, so that no wait and no age meets a clock that was set back.
    pub(in crate::daemon) fn now(&self) -> Timestamp {
        self.engine.state.last_at.map_or(self.watch.latest, |last| last.max(self.watch.latest))
    }

    /// Sets what no plan lowers of the approvals that are asked.
    pub(in crate::daemon) fn ask_at_least(&mut self, floor: Option<ApprovalFloor>) {
        self.engine.world.approval_floor = floor;
    }

    /// The stop file.
    pub(in crate::daemon) fn stop_file(&self) -> &StopFile {
        &self.stop_file
    }

    /// Closes the database tidily.
    ///
    /// # Errors
    /// When that fails; nothing that was recorded is lost by it.
    pub(in crate::daemon) fn close(self) -> Result<(), StoreError> {
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
