//! A ring or a plan under another name, with all that belongs to it.
//!
//! **Invariant:** a name is a label: no ring changes its place, its group or its clocks by it, and no number
//! of a rollout is used twice under one name.

use std::collections::{BTreeMap, BTreeSet};

use super::{OwnedGroup, PendingWrite, Phase, Ring, State};
use crate::ids::{PlanName, RingName};
use crate::plan::change::same_profiles;
use crate::rollout::block::BlockKind;
use crate::rollout::event::{Purpose, RolloutId};
use crate::time::Timestamp;

impl State {
    /// The number of the next rollout under a plan's name.
    #[must_use]
    pub fn next_number(&self, name: &PlanName) -> u64 {
        let running = self.plans.get(name).map(|plan| plan.rollout.id.number);
        running.or_else(|| self.numbers.get(name).copied()).map_or(1, |number| number + 1)
    }

    /// The number under which a plan's rollout goes on under another name: no lower than it was, so that what
    /// its earlier rollouts brought is told apart from it.
    #[must_use]
    pub fn number_under(&self, name: &PlanName, rollout: &RolloutId) -> u64 {
        self.next_number(name).max(rollout.number)
    }

    /// Why the rollout of a plan that is on record cannot go on under another name now; `None`: it can.
    #[must_use]
    pub fn keeps_its_name(&self, name: &PlanName) -> Option<&'static str> {
        let plan = self.plans.get(name)?;
        let rollout = &plan.rollout;
        let is_named = !plan.is_gone() && !plan.blocks.contains_key(&BlockKind::FileMissing);
        let is_between = || rollout.rings.iter().any(|ring| !ring.between.is_empty());
        match rollout.phase {
            _ if is_named => Some("which has a file of its own"),
            Phase::RollingBack => Some("which goes back"),
            Phase::Superseded => Some("which is being superseded"),
            _ if self.waiting.contains_key(name) => Some("of which a revision waits"),
            _ if rollout.pending_write().is_some() => Some("of which a write has no outcome"),
            _ if is_between() => Some("of which a profile is between two groups"),
            _ if self.is_taken_from(name) => Some("of which another plan takes a profile over"),
            _ => None,
        }
    }

    /// Whether another plan has taken a profile out of a group of this one, or is about to, and it is in none.
    fn is_taken_from(&self, name: &PlanName) -> bool {
        let is_moved = |write: &PendingWrite| match &write.intent.purpose {
            Purpose::MoveOut { plan, .. } => plan.as_ref() == Some(name),
            Purpose::Target | Purpose::PutBack { .. } | Purpose::Restore | Purpose::Rollback { .. } => false,
        };
        let is_out = |ring: &Ring| ring.between.out.values().any(|out| out.plan.as_ref() == Some(name));
        self.pending_write().is_some_and(|(_, _, write)| is_moved(write))
            || self.plans.values().flat_map(|plan| &plan.rollout.rings).any(is_out)
    }

    /// Whether the rollouts of a plan that is on record have never entered a ring.
    #[must_use]
    pub fn is_untouched(&self, name: &PlanName) -> bool {
        let Some(plan) = self.plans.get(name) else { return true };
        let begun = matches!(plan.rollout.phase, Phase::Running | Phase::Withdrawn);
        let entered =
            plan.rollout.rings.iter().any(|ring| ring.stage.is_entered() || !ring.between.is_empty());
        let owns = || self.groups.values().chain(self.lost.values()).any(|owned| owned.plan == *name);
        let holds_out = || self.held_out.iter().any(|held| held.plan == *name);
        begun && !entered && plan.superseded.is_empty() && !owns() && !holds_out()
    }

    /// A plan under another name, with its rollout and all that belongs to it.
    pub(super) fn rename_plan(
        &mut self,
        id: &RolloutId,
        from: &PlanName,
        at: Timestamp,
    ) -> Result<(), String> {
        if id.plan == *from || !self.is_untouched(&id.plan) {
            return Err("the plan has a rollout of its own".to_owned());
        }
        if let Some(why) = self.keeps_its_name(from) {
            return Err(format!("it was plan {from}, {why}"));
        }
        let known = self.plans.get(from).ok_or("no such plan")?;
        let number = self.number_under(&id.plan, &known.rollout.id);
        if id.number != number {
            return Err(format!("it goes on as number {number}"));
        }
        let mut plan = self.plans.remove(from).ok_or("no such plan")?;
        self.numbers.insert(from.clone(), plan.rollout.id.number);
        let before = std::mem::replace(&mut plan.rollout.id, id.clone());
        plan.brought.rename(&before, id);
        plan.rollout.revision.plan.name = id.plan.clone();
        (plan.was, plan.file) = (Some(from.clone()), None);
        plan.note_change(at);
        // A person's no stands, whichever of the two names it was said of.
        if let Some(untouched) = self.plans.remove(&id.plan) {
            let digest = &plan.rollout.revision.digest;
            for (ring, ring_plan) in untouched.rollout.rings_with_plans() {
                let of_plan = plan.rollout.revision.plan.rings.iter();
                let same =
                    of_plan.zip(&mut plan.rollout.rings).find(|(own, _)| same_profiles(own, ring_plan));
                if let Some((_, own)) = same {
                    own.words.refuse_as(&ring.words, digest);
                }
            }
            plan.paused = plan.paused.or(untouched.paused);
        }
        self.plans.insert(id.plan.clone(), plan);
        let new = |plan: PlanName| if plan == *from { id.plan.clone() } else { plan };
        self.groups.values_mut().for_each(|owned| owned.plan = new(owned.plan.clone()));
        let lost = std::mem::take(&mut self.lost).into_iter();
        self.lost = lost
            .map(|((plan, ring), owned)| {
                let plan = new(plan);
                ((plan.clone(), ring), OwnedGroup { plan, ..owned })
            })
            .collect();
        let updaters = std::mem::take(&mut self.updaters).into_iter();
        self.updaters = updaters.map(|((plan, ring), at)| ((new(plan), ring), at)).collect();
        self.held_out.iter_mut().for_each(|held| held.plan = new(held.plan.clone()));
        self.tallies.rename(from, &id.plan);
        Ok(())
    }

    /// Rings under other names, with all that belongs to them.
    pub(super) fn rename_rings(
        &mut self,
        id: &RolloutId,
        renamed: &BTreeMap<RingName, RingName>,
        at: Timestamp,
    ) -> Result<(), String> {
        let plan = self.plans.get_mut(&id.plan).ok_or("no such plan")?;
        let rollout = &mut plan.rollout;
        let new = |name: &RingName| renamed.get(name).unwrap_or(name).clone();
        if let Some(unknown) = renamed.keys().find(|name| rollout.ring(name).is_none()) {
            return Err(format!("the rollout has no ring {unknown}"));
        }
        let names: BTreeSet<RingName> = rollout.rings.iter().map(|ring| new(&ring.name)).collect();
        if names.len() != rollout.rings.len() {
            return Err("two rings would have one name".to_owned());
        }
        for ring in &mut rollout.rings {
            if renamed.contains_key(&ring.name) {
                ring.words.rename(at);
            }
            ring.name = new(&ring.name);
        }
        for ring in &mut rollout.revision.plan.rings {
            ring.name = new(&ring.name);
        }
        for left in &mut plan.superseded {
            left.ring.name = new(&left.ring.name);
            left.plan.name = new(&left.plan.name);
        }
        if let Some(rollback) = &mut rollout.rollback {
            rollback.steps.iter_mut().for_each(|step| step.step.ring = new(&step.step.ring));
        }
        let owned = self.groups.values_mut().filter(|owned| owned.plan == id.plan);
        owned.for_each(|owned| owned.rename(&new));
        let lost = std::mem::take(&mut self.lost);
        let rename = |((plan, ring), mut owned): ((PlanName, RingName), OwnedGroup)| {
            let own = plan == id.plan;
            if own {
                owned.rename(&new);
            }
            ((plan, if own { new(&ring) } else { ring }), owned)
        };
        self.lost = lost.into_iter().map(rename).collect();
        let updaters = std::mem::take(&mut self.updaters);
        let moved = |((plan, ring), at): ((PlanName, RingName), Timestamp)| {
            let ring = if plan == id.plan { new(&ring) } else { ring };
            ((plan, ring), at)
        };
        self.updaters = updaters.into_iter().map(moved).collect();
        let held = self.held_out.iter_mut().filter(|held| held.plan == id.plan);
        held.for_each(|held| held.ring = new(&held.ring));
        Ok(())
    }
}
