//! What rollouts and writes are called.
//!
//! **Invariant:** a number is given once and never again.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::PlanName;

/// A rollout: the n-th run of a plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolloutId {
    pub plan: PlanName,
    /// Counts from 1.
    pub number: u64,
}

impl fmt::Display for RolloutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.plan, self.number)
    }
}

/// A write at Cloudflare, numbered over the whole log from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WriteId(pub u64);

impl fmt::Display for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "write {}", self.0)
    }
}
