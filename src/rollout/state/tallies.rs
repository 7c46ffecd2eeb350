//! Counts of rare facts, for metrics that a restart must not reset.
//!
//! **Invariant:** a count never goes down, and goes on under a plan's new name.

use std::collections::BTreeMap;

use crate::ids::PlanName;
use crate::rollout::record::Trigger;

/// Counts of rare facts, from the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tallies {
    /// Halts by plan and cause.
    pub halts: BTreeMap<(PlanName, &'static str), u64>,
    /// Rollbacks by plan and what set them off.
    pub rollbacks: BTreeMap<(PlanName, Trigger), u64>,
}

impl Tallies {
    /// What happened to a plan is told under its new name.
    pub(crate) fn rename(&mut self, from: &PlanName, to: &PlanName) {
        fn moved<T: Ord + Copy>(counts: &mut BTreeMap<(PlanName, T), u64>, from: &PlanName, to: &PlanName) {
            let of_plan: Vec<_> = counts.keys().filter(|(plan, _)| plan == from).cloned().collect();
            for key in of_plan {
                let count = counts.remove(&key).unwrap_or_default();
                *counts.entry((to.clone(), key.1)).or_default() += count;
            }
        }
        moved(&mut self.halts, from, to);
        moved(&mut self.rollbacks, from, to);
    }
}
