//! The pass: every plan is decided from full state, one after the other, and what that adds is recorded.
//!
//! **Invariant:** the next plan is decided on what was recorded of the one before.

use crate::engine::orders::{Pass, Reports};
use crate::engine::owner::Engine;
use crate::ids::PlanName;
use crate::rollout::record::Entry;
use crate::rollout::state::IllegalEvent;
use crate::rollout::tell::decision::{Decision, decide, decide_unreported, look};
use crate::rollout::world::{Desired, Known};
use crate::time::Timestamp;

impl Engine {
    /// Begins a pass over the plans of the log and those of files.
    pub fn begin_pass<'a>(&mut self, files: impl IntoIterator<Item = &'a PlanName>) {
        self.pass = Pass::default();
        self.undecided = self.state.plans.keys().cloned().chain(files.into_iter().cloned()).collect();
    }

    /// What is to be recorded next; `None`: nothing, and the pass is at its end.
    pub fn poll_append<'a>(
        &mut self,
        desired: impl Fn(&PlanName) -> Desired<'a>,
        now: Timestamp,
    ) -> Option<Vec<Entry>> {
        if !self.outcome.is_empty() {
            return Some(std::mem::take(&mut self.outcome));
        }
        while let Some(plan) = self.undecided.pop_first() {
            match self.decision(&plan, desired(&plan), now) {
                Ok(Decision { entries, report, reads, wake_at }) => {
                    self.pass.wants.insert(plan, reads);
                    self.pass.wake_at = self.pass.wake_at.into_iter().chain(wake_at).min();
                    self.pass.reports.extend(report);
                    if !entries.is_empty() {
                        return Some(entries);
                    }
                }
                Err(fault) => self.pass.faults.push((plan, fault)),
            }
        }
        None
    }

    /// The plan that the pass under way came to last.
    pub fn decided(&self) -> Option<&PlanName> {
        self.pass.wants.last_key_value().map(|(plan, _)| plan)
    }

    /// Decides for one plan. While the log cannot be written it only looks.
    ///
    /// # Errors
    /// At a fault in ringward, which stops this plan and no other.
    pub fn decision(
        &self,
        plan: &PlanName,
        desired: Desired<'_>,
        now: Timestamp,
    ) -> Result<Decision, IllegalEvent> {
        if self.world.log_unwritable.is_some() {
            return Ok(look(plan, desired, Known { state: &self.seen_state(), world: &self.world, now }));
        }
        let decide = match self.reports {
            Reports::Made => decide,
            Reports::None => decide_unreported,
        };
        decide(plan, desired, Known { state: &self.state, world: &self.world, now })
    }

    /// Ends the pass: what it wants to see is what is wanted from now on.
    pub fn end_pass(&mut self) -> Pass {
        let mut pass = std::mem::take(&mut self.pass);
        // A plan that goes on under another name was told of under the old one.
        pass.reports.retain(|report| self.state.plans.contains_key(&report.id.plan));
        self.reads.want(pass.wants.values().flatten(), &mut self.world.troubles);
        self.wake_at = pass.wake_at;
        pass
    }
}
