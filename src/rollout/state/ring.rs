//! One ring of a rollout.
//!
//! **Invariant:** what was said, found and tried in it stays with it until it is entered anew.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{DeviceId, RingName};
use crate::plan::model::RingPlan;
use crate::rollout::record::{Gate, Unknown};
use crate::rollout::state::{Attempts, Attribution, Between, Moved, RingState, Votes};
use crate::time::Timestamp;
use crate::version::Environment;

/// One ring of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Ring {
    pub name: RingName,
    /// Where it is, with what belongs to that.
    pub stage: RingState,
    /// Since when.
    pub since: Timestamp,
    /// Gates that cannot tell, and since when.
    pub unknown: BTreeMap<(Gate, Option<Environment>), UnknownSince>,
    /// Gates that a person waived.
    pub waived: BTreeMap<Gate, Attribution>,
    /// Devices that have left since the assignment, as far as events have told.
    pub left: BTreeMap<Environment, usize>,
    /// Devices that a person has seen a health gate fail for, and accepted, and when they did last.
    pub acknowledged: BTreeMap<(Gate, Option<Environment>), BTreeMap<DeviceId, Timestamp>>,
    /// Up to when a person has accepted that most of an environment is silent: an outage or a
    /// holiday. No device is accepted with it: the next look judges them all, for as long as they
    /// are silent.
    pub silence_accepted: BTreeMap<Environment, Timestamp>,
    /// Environments whose silent devices were looked for, and few, when the ring was verified: while
    /// that cannot be said again, the next ring waits.
    pub looked: BTreeSet<Environment>,
    /// What people said about entering it.
    pub words: Votes,
    /// What became of writing its group back: after a drift, or in a rollback.
    pub restoring: Restoring,
    /// What was taken out of other groups for it and is in none.
    pub between: Between,
    /// What this rollout changed in what its devices are offered.
    pub moved: BTreeMap<Environment, Moved>,
}

/// The writes so far that were to put a ring's group back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restoring {
    /// What became of them.
    pub attempts: Attempts,
    /// When the last of them ended.
    pub since: Timestamp,
    /// How many of them put it back after a drift.
    pub done: u32,
}

/// Since when, and why, a gate cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownSince {
    pub why: Unknown,
    /// Since when.
    pub since: Timestamp,
}

impl Ring {
    pub(crate) fn pending(plan: &RingPlan, at: Timestamp) -> Self {
        Self {
            name: plan.name.clone(),
            stage: RingState::Pending,
            since: at,
            unknown: BTreeMap::new(),
            waived: BTreeMap::new(),
            left: BTreeMap::new(),
            restoring: Restoring { attempts: Attempts::default(), since: at, done: 0 },
            between: Between::default(),
            acknowledged: BTreeMap::new(),
            silence_accepted: BTreeMap::new(),
            looked: BTreeSet::new(),
            words: Votes::default(),
            moved: BTreeMap::new(),
        }
    }

    /// Whether nothing keeps it in a rollout whose file dropped it.
    pub fn is_free(&self) -> bool {
        matches!(self.stage, RingState::Verified(_)) || self.waived.contains_key(&Gate::Ring)
    }
}
