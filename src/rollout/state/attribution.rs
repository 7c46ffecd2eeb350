//! Who set a stop, a pause, a waiver or a block; why, and since when.
//!
//! **Invariant:** none is without who, why and since when.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rollout::record::{Actor, Recorded};
use crate::time::{Timestamp, short};

/// A person's stop or pause.
// Of a waiver and a block as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttributionJson)]
pub struct Attribution {
    /// Who: `local:<user>` or `loopback`.
    #[schema(value_type = String)]
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
