//! A daemon that cannot run, or had to end.
//!
//! **Invariant:** it says which part failed.

use crate::daemon::engine::EngineError;

/// A daemon that cannot run, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Database or log.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The wheel.
    #[error("the scheduler of wake-ups cannot start: {0}")]
    Wheel(#[from] tokio_cron_scheduler::JobSchedulerError),
    /// A thread.
    #[error("the daemon's thread cannot start or has died: {0}")]
    Thread(String),
}
