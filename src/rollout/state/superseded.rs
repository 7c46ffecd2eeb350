//! What rollouts that were never completed brought, and what of it is still on offer.
//!
//! **Invariant:** what a rollout left on offer is known, with all that its ring went through, until
//! its group offers something else or a newer rollout enters the ring; nothing else ends it.

use std::collections::{BTreeMap, BTreeSet};

use super::ring::{Ring, Stage};
use super::rollback::Moved;
use super::{OwnedGroup, Phase, PlanState, Rollout, State};
use crate::ids::{GroupId, PlanName, PolicyId, RingName};
use crate::plan::model::{Plan, RingPlan};
use crate::rollout::event::{Acknowledged, Event, Recorded, RollbackStep, RolloutId, WriteIntent};
use crate::rollout::remote::GroupContent;
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// What a ring's group still offers from a rollout that ended without being completed.
#[derive(Debug, Clone, PartialEq)]
pub struct Superseded {
    /// That rollout.
    pub rollout: RolloutId,
    /// The ring as that rollout left it: since when it is offered, and whom people accepted.
    pub ring: Ring,
    /// Its plan of then; of its targets those that are still on offer.
    pub plan: RingPlan,
}

/// The versions that a plan's rollouts brought to its rings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brought {
    /// By a rollout that is not completed, and by which.
    unproven: BTreeMap<(Environment, ClientVersion), RolloutId>,
    /// By one that was completed, or on offer before any of them.
    proven: BTreeSet<(Environment, ClientVersion)>,
}

impl Brought {
    /// The rollout that brought a version and was never completed; `None`: there is none.
    #[must_use]
    pub fn by(&self, environment: Environment, version: ClientVersion) -> Option<&RolloutId> {
        self.unproven.get(&(environment, version))
    }

    /// A write for a ring's targets is on its way: what it finds was there before, what it offers is new.
    fn note(&mut self, id: &RolloutId, intent: &WriteIntent) {
        for environment in Environment::ALL {
            let target = |content: &GroupContent| content.target(environment)?.parse().ok();
            let before: Option<ClientVersion> =
                intent.before.as_ref().and_then(|group| target(&group.content));
            let after: Option<ClientVersion> = target(&intent.after);
            if before == after {
                continue;
            }
            if let Some(found) = before.filter(|found| self.by(environment, *found).is_none()) {
                self.proven.insert((environment, found));
            }
            if let Some(offered) = after.filter(|offered| !self.proven.contains(&(environment, *offered))) {
                self.unproven.entry((environment, offered)).or_insert_with(|| id.clone());
            }
        }
    }

    /// A rollout goes on under another name.
    pub(super) fn rename(&mut self, before: &RolloutId, now: &RolloutId) {
        self.unproven.values_mut().filter(|by| *by == before).for_each(|by| *by = now.clone());
    }

    fn prove(&mut self, plan: &Plan) {
        for target in plan.rings.iter().flat_map(|ring| &ring.targets) {
            let target = (*target.0, *target.1);
            self.unproven.remove(&target);
            self.proven.insert(target);
        }
    }
}

impl Superseded {
    /// What a ring of a rollout that ended leaves on offer; `None`: nothing that is unproven.
    fn of(rollout: &Rollout, ring: &Ring, plan: &RingPlan, brought: &Brought) -> Option<Self> {
        ring.stage.assigned()?;
        let mut plan = plan.clone();
        plan.targets = ring.stage.targets(&plan.targets);
        plan.targets.retain(|environment, version| brought.by(*environment, *version).is_some());
        let (rollout, ring) = (rollout.id.clone(), ring.clone());
        (!plan.targets.is_empty()).then_some(Self { rollout, ring, plan })
    }

    /// Whether its devices were on the way when its rollout ended, and have not adopted it since.
    #[must_use]
    pub const fn adopts(&self) -> bool {
        matches!(self.ring.stage, Stage::Adopting(_))
    }

    /// Its group, by the newest record; `None`: gone.
    #[must_use]
    pub fn group<'a>(&self, state: &'a State) -> Option<(&'a GroupId, &'a OwnedGroup)> {
        state.groups.get_key_value(&self.ring.stage.assigned()?.group)
    }

    /// The profiles that it is still offered to.
    pub fn policies(&self) -> impl Iterator<Item = &PolicyId> {
        self.ring.stage.assigned().into_iter().flat_map(|assigned| &assigned.policies)
    }

    /// Ends what is offered no more, or what a newer rollout entered the ring with.
    fn trim(&mut self, groups: &BTreeMap<GroupId, OwnedGroup>, running: &Rollout) {
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
            let offered = content.and_then(|content| content.target(*environment));
            let is_taken_over = entered.is_some_and(|(_, plan)| plan.targets.contains_key(environment));
            offered == Some(version.to_string().as_str()) && !is_taken_over
        });
    }
}

impl PlanState {
    /// What earlier rollouts left on offer in rings that the running one's plan does not name: the
    /// newest of each ring, which remembers what those before it found.
    pub fn of_gone_rings(&self) -> impl Iterator<Item = &Superseded> {
        let newer = move |index: usize, name: &RingName| {
            self.superseded.iter().skip(index + 1).any(|later| later.ring.name == *name)
        };
        let gone = move |(index, left): &(usize, &Superseded)| {
            self.rollout.ring(&left.ring.name).is_none() && !newer(*index, &left.ring.name)
        };
        self.superseded.iter().enumerate().filter(gone).map(|(_, left)| left)
    }

    /// What a newer rollout finds on offer from this one and those before it.
    pub(super) fn leaves(&self) -> Vec<Superseded> {
        let rings = self.rollout.rings_with_plans();
        let own = rings.filter_map(|(ring, plan)| Superseded::of(&self.rollout, ring, plan, &self.brought));
        self.superseded.iter().cloned().chain(own).collect()
    }

    /// What was moved in a ring, as a newer rollout goes on with it.
    pub(super) fn moved(&self, plan: &Plan, ring: &RingPlan) -> BTreeMap<Environment, Moved> {
        let known = self.rollout.ring(&ring.name).map(|ring| &ring.moved);
        let left = self.superseded.iter().rev().find(|left| left.ring.name == ring.name);
        let moved = known.or(left.map(|left| &left.ring.moved)).into_iter().flatten();
        let goes_on = Moved::goes_on(&self.rollout, plan);
        let carried = moved.filter(|(environment, moved)| {
            let unproven = self.brought.by(**environment, moved.version).is_some();
            unproven || goes_on && ring.targets.get(environment) == Some(&moved.version)
        });
        carried.map(|(environment, moved)| (*environment, moved.clone())).collect()
    }

    /// Whether the running rollout has entered a ring.
    #[must_use]
    pub fn has_entered(&self, name: &RingName) -> bool {
        self.rollout.ring(name).is_some_and(|ring| ring.stage.is_entered())
    }

    /// The ring in which an earlier rollout left devices on their way.
    pub(super) fn adopting_left(&mut self, name: &RingName) -> Option<&mut Ring> {
        let entered = self.has_entered(name);
        let mut left = self.superseded.iter_mut().filter(|left| !entered && left.adopts());
        left.find(|left| left.ring.name == *name).map(|left| &mut left.ring)
    }

    /// Whether what a person accepts was found of what an earlier rollout left on offer.
    pub(super) fn is_of_left_ring(&self, found: &Acknowledged) -> bool {
        let entered = self.has_entered(&found.ring);
        let left = self.superseded.iter().any(|left| left.ring.name == found.ring);
        !entered && found.gate.is_of_health() && left
    }

    /// A person accepts it.
    pub(super) fn accept_left(&mut self, found: &[&Acknowledged], at: Timestamp) {
        for found in found {
            let left = self.superseded.iter_mut().filter(|left| left.ring.name == found.ring);
            left.for_each(|left| left.ring.accept(found, at));
        }
    }

    /// What becomes of the devices of a ring that an earlier rollout left on their way.
    pub(super) fn take_of_left(&mut self, event: &Event, recorded: &Recorded) -> Result<(), String> {
        if self.rollout.phase != Phase::Running {
            return Err("the rollout does not run".to_owned());
        }
        let left = event.ring().and_then(|name| self.adopting_left(name));
        left.ok_or("nothing is left on offer there")?.apply(event, recorded)
    }

    /// A rollback takes rings back that the plan does not name any more: for that they are rings of
    /// the rollout again.
    pub(super) fn with_gone_rings(&self, steps: &[RollbackStep]) -> Rollout {
        let mut rollout = self.rollout.clone();
        let named = self.of_gone_rings().filter(|left| steps.iter().any(|step| step.ring == left.ring.name));
        for Superseded { ring, plan, .. } in named {
            rollout.gone.insert(ring.name.clone());
            rollout.rings.push(ring.clone());
            rollout.revision.plan.rings.push(plan.clone());
        }
        rollout
    }
}

impl State {
    /// What an event makes of the versions that a plan brought, and of what is still on offer of them.
    pub(super) fn keep_superseded(&mut self, id: &RolloutId, recorded: &Recorded) {
        let Some(plan) = self.plans.get_mut(&id.plan) else { return };
        match &recorded.entry.event {
            Event::WritePlanned { intent, .. } if intent.purpose.is_target() => plan.brought.note(id, intent),
            Event::RolloutCompleted {} => plan.brought.prove(&plan.rollout.revision.plan),
            _ => {}
        }
        self.end_superseded(&id.plan);
    }

    /// Forgets what is on offer no more.
    pub(super) fn end_superseded(&mut self, name: &PlanName) {
        let Some(plan) = self.plans.get_mut(name) else { return };
        let (groups, running) = (&self.groups, &plan.rollout);
        plan.superseded.iter_mut().for_each(|left| left.trim(groups, running));
        plan.superseded.retain(|left| !left.plan.targets.is_empty());
    }
}
