//! The start: the database is opened, the log replayed, and it is recorded that a daemon took over.
//!
//! **Invariant:** the first instant is never before the last record.

use crate::daemon::engine::clock::ClockWatch;
use crate::daemon::engine::error::EngineError;
use crate::daemon::engine::ledger::DurableEngine;
use crate::daemon::engine::loss::Losses;
use std::path::Path;

use crate::daemon::files::PlanFiles;
use crate::daemon::log::{self};
use crate::daemon::stop_file::StopFile;
use crate::engine::Engine;
use crate::ids::AccountId;
use crate::rollout::record::Mode;
use crate::rollout::tell::waits::Waits;
use crate::store::{Head, Store};
use crate::time::{Clock, Stopwatch};
impl DurableEngine {
    /// Opens the database, replays the log and records that a daemon took over.
    ///
    /// # Errors
    /// When the database cannot be opened, or the log cannot be replayed.
    pub(in crate::daemon) fn open(
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
            waits: Waits::default(),
        };
        let (head, eras) = (store.view().head()?, log::eras(store.view())?);
        let recorded = head.at.map(|at| eras.happened(head.seq.get(), at));
        engine.take_over(store, "a daemon took over the log")?;
        engine.watch.begin(recorded);
        engine.look_at_clock()?;
        Ok(engine)
    }
}
