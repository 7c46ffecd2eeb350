//! A hold or a stop.
//!
//! **Invariant:** none is without who, why and since when.

use crate::rollout::record::{Actor, Recorded};
use crate::time::Timestamp;

/// A hold or a stop: who, why, since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Who.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

impl Hold {
    pub(crate) fn of(recorded: &Recorded) -> Self {
        let entry = &recorded.entry;
        Self { actor: entry.actor.clone(), reason: entry.reason.clone(), since: recorded.at }
    }
}
