//! Who set a stop, a pause, a waiver or a block; why, and since when.
//!
//! **Invariant:** none is without who, why and since when.

use std::fmt;

use crate::rollout::record::{Actor, Recorded};
use crate::time::{Timestamp, short};

/// Who, why, since when: of a stop, a pause, a waiver, a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribution {
    /// Who.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

impl Attribution {
    pub(crate) fn of(recorded: &Recorded) -> Self {
        let entry = &recorded.entry;
        Self { actor: entry.actor.clone(), reason: entry.reason.clone(), since: recorded.at }
    }
}

impl fmt::Display for Attribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "by {} since {}: {}", self.actor, short(self.since), self.reason)
    }
}
