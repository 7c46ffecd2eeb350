//! What earlier rollouts of a plan left on offer, beside the running one.
//!
//! **Invariant:** a ring that the running rollout has entered has nothing left of an earlier one.

use std::collections::BTreeSet;

use super::groups::GroupBook;
use super::left::LeftLine;
use super::plan::PlanLine;
use super::ring::{LedgerRingState, RingLine};
use crate::ids::RingName;
use crate::plan::model::RingPlan;
use crate::rollout::record::{Acknowledged, Gate, RollbackStep};
use crate::version::{ClientVersion, Environment};

impl<'a> PlanLine<'a> {
    /// What a newer rollout finds on offer.
    pub(super) fn leaves(&mut self) -> Vec<LeftLine<'a>> {
        let mut left = std::mem::take(&mut self.left);
        for ring in self.rings.iter().filter(|ring| ring.is_assigned()) {
            let Some(plan) = self.ring_plan(ring.name) else { continue };
            let mut targets = plan.targets.clone();
            targets.retain(|at, version| self.versions.is_unproven(*at, *version));
            let mut ring = ring.clone();
            if matches!(ring.state, LedgerRingState::RollingBack | LedgerRingState::RolledBack) {
                ring.state = LedgerRingState::Verified;
            }
            left.push(LeftLine { ring, plan, targets });
        }
        left
    }

    pub(super) fn trim_left(&mut self, groups: &GroupBook<'a>) {
        let mut left = std::mem::take(&mut self.left);
        let rings: Vec<_> =
            self.rings.iter().filter_map(|ring| Some((ring, self.ring_plan(ring.name)?))).collect();
        left.iter_mut().for_each(|left| left.trim(groups, &rings));
        left.retain(|left| !left.targets.is_empty());
        self.left = left;
    }

    fn has_entered(&self, name: &RingName) -> bool {
        self.ring(name).is_some_and(RingLine::is_entered)
    }

    /// What is left in a ring that the running rollout has not entered; of two the one that adopts.
    pub(crate) fn left_in(&self, name: &RingName) -> Option<&LeftLine<'a>> {
        self.left.get(self.place_left_in(name)?)
    }

    pub(super) fn left_in_mut(&mut self, name: &RingName) -> Option<&mut LeftLine<'a>> {
        let place = self.place_left_in(name)?;
        self.left.get_mut(place)
    }

    fn place_left_in(&self, name: &RingName) -> Option<usize> {
        let left = self.left.iter().enumerate().filter(|(_, left)| left.ring.name == name);
        let mut left = left.filter(|_| !self.has_entered(name));
        let place = left.clone().find(|(_, left)| left.adopts()).or_else(|| left.next_back());
        place.map(|(place, _)| place)
    }

    /// Whether what is acknowledged was found of what is left in a ring.
    pub(crate) fn is_of_left(&self, found: &Acknowledged) -> bool {
        matches!(found.gate, Gate::Stalled | Gate::Dark) && self.left_in(&found.ring).is_some()
    }

    /// Rings that the plan does not name any more go back as rings of the rollout.
    pub(super) fn take_gone_back(&mut self, steps: &[RollbackStep]) {
        for step in steps {
            if self.ring(&step.ring).is_some() {
                continue;
            }
            if let Some(left) = self.left.iter().rev().find(|left| *left.ring.name == step.ring) {
                self.gone.push(left.plan);
                self.rings.push(left.ring.clone());
            }
        }
    }

    /// The place of a ring in the order in which rings are entered; one that is gone comes last.
    pub(crate) fn position(&self, name: &RingName) -> Option<usize> {
        let left = self.left.iter().map(|left| left.ring.name);
        self.rings.iter().map(|ring| ring.name).chain(left).position(|known| known == name)
    }

    /// Rings in which devices are on their way to what the running rollout offers, by what earlier
    /// ones left.
    pub(crate) fn adopting_left(&self) -> impl Iterator<Item = &str> {
        let entered = self.rings.iter().filter(|ring| ring.is_entered());
        let offered: Vec<&RingPlan> = entered.filter_map(|ring| self.ring_plan(ring.name)).collect();
        let same = move |left: &&LeftLine<'a>| {
            let on_offer = |(at, version): (&Environment, &ClientVersion)| {
                offered.iter().any(|plan| plan.targets.get(at) == Some(version))
            };
            left.targets.iter().any(on_offer)
        };
        let left = self.left.iter().filter(|left| left.adopts() && !self.has_entered(left.ring.name));
        left.filter(same).map(|left| left.ring.name.as_str())
    }

    /// Whether every ring that could be compared with offers what an earlier rollout left.
    pub(crate) fn is_without_control(&self) -> bool {
        let profiles = |plan: &RingPlan| plan.profiles.iter().cloned().collect::<BTreeSet<_>>();
        self.rings.iter().filter(|ring| !ring.is_entered()).all(|ring| {
            let plan = self.ring_plan(ring.name);
            let left = self.left.iter().find(|left| left.ring.name == ring.name);
            plan.zip(left).is_some_and(|(plan, left)| {
                let all = left.ring.policies.is_some_and(|policies| policies.len() == plan.profiles.len());
                all && profiles(plan) == profiles(left.plan)
            })
        })
    }
}
