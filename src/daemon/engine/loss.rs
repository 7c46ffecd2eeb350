//! What happens when the log cannot be written, and how it comes back.
//!
//! The way back is the one of a restart: open, check the file, verify the chain, replay, doubt a write
//! without an outcome, read outside. It is tried at once, for most failures pass, and then ever later.
//!
//! **Invariant:** from the first write to the disk that fails until that way was gone to its end, nothing is decided,
//! recorded or sent; reports, page and the stop file go on. The wait before the log is opened again only grows while
//! it fails.

use crate::daemon::engine::ledger::{DurableEngine, EngineError, Losses, Lost, Sound};
use crate::rollout::world::Trouble;
use crate::store::{NotReopened, Store, StoreError};
use crate::text::in_full;
use crate::time::Stopwatch;

/// The wait before the log is opened again, in wall seconds; it doubles up to [`LAST_RETRY`].
const FIRST_RETRY: f64 = 1.0;
const LAST_RETRY: f64 = 30.0;
/// A log that is lost again within this time, in wall seconds, is not opened at once: each opening is an
/// event, and what lets it open and then fails would fill the log.
const CALM: f64 = 60.0;
/// Without a write, the database is verified on disk this often, in wall seconds: a damage is found while
/// a backup from before it is still kept.
const VERIFY_EVERY: f64 = 3_600.0;

impl DurableEngine {
    /// An observation alone may be lost; but what keeps it off the disk keeps the next record off it as
    /// well, and that one may be the outcome of a write.
    pub(crate) fn after_saving(&mut self, saved: Result<(), StoreError>) -> Result<(), EngineError> {
        match saved {
            Ok(()) => Ok(()),
            Err(error @ StoreError::ObservationNotSaved { .. }) => self.lose(&error),
            Err(error) => {
                tracing::warn!(%error, "observations are kept in memory only");
                Ok(())
            }
        }
    }

    /// Closes the log after a failure, and tries once to open it again.
    ///
    /// # Errors
    /// When the database is damaged, or is not the one that was open: nothing is done on its word.
    pub(crate) fn lose(&mut self, error: &dyn std::error::Error) -> Result<(), EngineError> {
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
    pub(crate) fn is_regain_due(&self) -> bool {
        self.lost.as_ref().is_some_and(|lost| lost.tried.seconds() >= lost.wait)
    }

    /// Makes it time to open a lost log again.
    #[cfg(test)]
    pub(crate) fn hurry(&mut self) {
        if let Some(lost) = &mut self.lost {
            lost.wait = 0.0;
        }
    }

    /// Opens a lost log again when it is time.
    ///
    /// # Errors
    /// As [`DurableEngine::lose`].
    pub(crate) fn regain_when_due(&mut self) -> Result<(), EngineError> {
        match self.lost.take_if(|lost| lost.tried.seconds() >= lost.wait) {
            Some(lost) => self.regain(lost),
            None => Ok(()),
        }
    }

    pub(crate) fn regain(&mut self, lost: Lost) -> Result<(), EngineError> {
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
    pub(crate) fn verify_on_disk(&mut self) -> Result<Sound, EngineError> {
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
    pub(crate) fn verify_when_due(&mut self) -> Result<(), EngineError> {
        if self.verified.seconds() >= VERIFY_EVERY {
            self.verify_on_disk()?;
        }
        Ok(())
    }
}
