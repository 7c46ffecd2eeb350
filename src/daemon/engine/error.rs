//! Why the daemon ends by itself, and what of it may pass.
//!
//! **Invariant:** a log that cannot be believed never counts as one that cannot be written.

use crate::daemon::log::ReplayError;
use crate::store::{OpenError, StoreError, WriteFailure};

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
