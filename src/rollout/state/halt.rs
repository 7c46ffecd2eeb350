//! What holds a rollout, or waits for its end.
//!
//! **Invariant:** each says since when.

use crate::plan::model::Revision;
use crate::rollout::record::Cause;
use crate::time::Timestamp;

/// A newer target that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingTarget {
    /// The plan with it, whole.
    pub revision: Revision,
    /// Since when.
    pub since: Timestamp,
}

/// A span in which deadlines stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standstill {
    /// Its begin.
    pub from: Timestamp,
    /// Its end; `None`: it runs.
    pub until: Option<Timestamp>,
}

/// The engine's hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// Why.
    pub cause: Cause,
    /// Since when.
    pub since: Timestamp,
}
