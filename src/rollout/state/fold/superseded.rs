//! What an event does to what earlier rollouts left on offer.
//!
//! **Invariant:** what is on offer somewhere is watched until it is no more.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ids::{GroupId, PlanName, RingName};
use crate::plan::model::{Plan, RingPlan};
use crate::rollout::record::{Acknowledged, Event, Purpose, Recorded, RollbackStep, RolloutId};
use crate::rollout::state::{
    Brought, Moved, OwnedGroup, Phase, PlanState, Ring, Rollout, State, Superseded, fold::Fits,
};
use crate::time::Timestamp;
use crate::version::Environment;

impl Brought {
    fn prove(&mut self, plan: &Plan) {
        for target in plan.rings.iter().flat_map(|ring| &ring.targets) {
            let target = (*target.0, *target.1);
            self.unproven.remove(&target);
            self.proven.insert(target);
        }
    }
}

impl Superseded {
    /// Ends what is offered no more, or what a newer rollout entered the ring with.
    pub(crate) fn trim(&mut self, groups: &BTreeMap<GroupId, OwnedGroup>, running: &Rollout) {
        let Some(assigned) = self.ring.stage.assigned_mut() else { return };
        let content = groups.get(&assigned.group).map(|owned| &owned.last.content);
        // A profile that was moved to another group is offered what that one has.
        assigned.policies.retain(|policy| content.is_some_and(|content| content.policies.contains(policy)));
        let content = content.filter(|_| !assigned.policies.is_empty());
        let group = &assigned.group;
        let entered = running
            .rings_with_plans()
            .find(|(ring, _)| ring.stage.assigned().is_some_and(|assigned| assigned.group == *group));
        self.plan.targets.retain(|environment, version| {
            let is_offered = content.is_some_and(|content| content.offers(*environment, *version));
            let is_taken_over = entered.is_some_and(|(_, plan)| plan.targets.contains_key(environment));
            is_offered && !is_taken_over
        });
    }
}

impl PlanState {
    /// What a newer rollout finds on offer from this one and those before it.
    pub(crate) fn leaves(&self) -> Vec<Superseded> {
        let rings = self.rollout.rings_with_plans();
        let own = rings.filter_map(|(ring, plan)| Superseded::of(&self.rollout, ring, plan, &self.brought));
        self.superseded.iter().cloned().chain(own).collect()
    }

    /// What was moved in a ring, as a newer rollout goes on with it.
    pub(crate) fn moved(&self, plan: &Plan, ring: &RingPlan) -> BTreeMap<Environment, Moved> {
        let known = self.rollout.ring(&ring.name).map(|ring| &ring.moved);
        let left = self.superseded.iter().rev().find(|left| left.ring.name == ring.name);
        let moved = known.or(left.map(|left| &left.ring.moved)).into_iter().flatten();
        let goes_on = goes_on_with(&self.rollout, plan);
        let carried = moved.filter(|(environment, moved)| {
            let unproven = self.brought.by(**environment, moved.version).is_some();
            unproven || goes_on && ring.targets.get(environment) == Some(&moved.version)
        });
        carried.map(|(environment, moved)| (*environment, moved.clone())).collect()
    }

    /// The ring in which an earlier rollout left devices on their way.
    pub(crate) fn adopting_left(&mut self, name: &RingName) -> Option<&mut Ring> {
        let entered = self.has_entered(name);
        let mut left = self.superseded.iter_mut().filter(|left| !entered && left.adopts());
        left.find(|left| left.ring.name == *name).map(|left| &mut left.ring)
    }

    /// Whether what a person accepts was found of what an earlier rollout left on offer.
    pub(crate) fn is_of_left_ring(&self, found: &Acknowledged) -> bool {
        let entered = self.has_entered(&found.ring);
        let left = self.superseded.iter().any(|left| left.ring.name == found.ring);
        !entered && found.gate.is_of_health() && left
    }

    /// A person accepts it.
    pub(crate) fn accept_left(&mut self, found: &[&Acknowledged], at: Timestamp) {
        for found in found {
            let left = self.superseded.iter_mut().filter(|left| left.ring.name == found.ring);
            left.for_each(|left| left.ring.accept(found, at));
        }
    }

    /// What becomes of the devices of a ring that an earlier rollout left on their way.
    pub(crate) fn take_of_left(&mut self, event: &Event, recorded: &Recorded) -> Fits {
        if self.rollout.phase != Phase::Running {
            return Err("the rollout does not run".to_owned());
        }
        let left = event.ring().and_then(|name| self.adopting_left(name));
        left.ok_or("nothing is left on offer there")?.apply(event, recorded)
    }

    /// A rollback takes rings back that the plan does not name any more: for that they are rings of
    /// the rollout again.
    pub(crate) fn with_gone_rings(&self, steps: &[RollbackStep]) -> Rollout {
        let mut rollout = self.rollout.clone();
        let named = self.of_gone_rings().filter(|left| steps.iter().any(|step| step.ring == left.ring.name));
        for Superseded { ring, plan, .. } in named {
            rollout.gone.insert(ring.name.clone());
            rollout.rings.push(ring.clone());
            Arc::make_mut(&mut rollout.revision).plan.rings.push(plan.clone());
        }
        rollout
    }
}

impl State {
    /// What an event makes of the versions that a plan brought, and of what is still on offer of them.
    pub(crate) fn keep_superseded(&mut self, id: &RolloutId, recorded: &Recorded) {
        let Some(plan) = self.plans.get_mut(&id.plan).map(Arc::make_mut) else { return };
        match &recorded.entry.event {
            Event::WritePlanned { intent, .. } if intent.purpose == Purpose::Target => {
                plan.brought.note(id, intent)
            }
            Event::RolloutCompleted {} => plan.brought.prove(&plan.rollout.revision.plan),
            _ => {}
        }
        self.end_superseded(&id.plan);
    }

    /// Forgets what is on offer no more.
    pub(crate) fn end_superseded(&mut self, name: &PlanName) {
        let Some(plan) = self.plans.get_mut(name).map(Arc::make_mut) else { return };
        let (groups, running) = (&self.groups, &plan.rollout);
        plan.superseded.iter_mut().for_each(|left| left.trim(groups, running));
        plan.superseded.retain(|left| !left.plan.targets.is_empty());
    }
}

/// Whether a newer rollout goes on with the one before it where both ask for the same: with an
/// unfinished one, and with a completed one when it asks no ring for another version.
fn goes_on_with(before: &Rollout, plan: &Plan) -> bool {
    let asks_the_same = |old: &RingPlan| {
        let new = plan.rings.iter().find(|new| new.name == old.name);
        new.is_none_or(|new| new.targets == old.targets)
    };
    match before.phase {
        Phase::Superseded => true,
        Phase::Completed => before.revision.plan.rings.iter().all(asks_the_same),
        Phase::Running | Phase::RollingBack | Phase::RolledBack | Phase::Withdrawn => false,
    }
}
