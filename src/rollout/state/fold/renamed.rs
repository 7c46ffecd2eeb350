//! A ring or a plan under another name, with all that belongs to it.
//!
//! **Invariant:** a name is a label: no ring changes its place, its group or its clocks by it, and no number
//! of a rollout is used twice under one name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ids::{PlanName, RingName};
use crate::plan::change::same_profiles;
use crate::rollout::record::RolloutId;
use crate::rollout::state::{State, fold::Fits};
use crate::time::Timestamp;

impl State {
    /// A plan under another name, with its rollout and all that belongs to it.
    pub(crate) fn rename_plan(&mut self, id: &RolloutId, from: &PlanName, at: Timestamp) -> Fits {
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
        let mut plan = Arc::unwrap_or_clone(self.plans.remove(from).ok_or("no such plan")?);
        self.numbers.insert(from.clone(), plan.rollout.id.number);
        let before = std::mem::replace(&mut plan.rollout.id, id.clone());
        plan.brought.rename(&before, id);
        Arc::make_mut(&mut plan.rollout.revision).plan.name = id.plan.clone();
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
            plan.paused = plan.paused.or_else(|| untouched.paused.clone());
        }
        self.plans.insert(id.plan.clone(), Arc::new(plan));
        let new = |plan: PlanName| if plan == *from { id.plan.clone() } else { plan };
        let owned = self.groups.values_mut().chain(self.lost.values_mut());
        owned.for_each(|owned| owned.plan = new(owned.plan.clone()));
        rekey(&mut self.lost, |(plan, ring)| (new(plan), ring));
        rekey(&mut self.updaters, |(plan, ring)| (new(plan), ring));
        self.blocked_versions.iter_mut().for_each(|held| held.plan = new(held.plan.clone()));
        self.tallies.rename(from, &id.plan);
        Ok(())
    }

    /// Rings under other names, with all that belongs to them.
    pub(crate) fn rename_rings(
        &mut self,
        id: &RolloutId,
        renamed: &BTreeMap<RingName, RingName>,
        at: Timestamp,
    ) -> Fits {
        let plan = self.plans.get_mut(&id.plan).map(Arc::make_mut).ok_or("no such plan")?;
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
                ring.words.forget_approvals(at);
            }
            ring.name = new(&ring.name);
        }
        for ring in &mut Arc::make_mut(&mut rollout.revision).plan.rings {
            ring.name = new(&ring.name);
        }
        for left in &mut plan.superseded {
            left.ring.name = new(&left.ring.name);
            left.plan.name = new(&left.plan.name);
        }
        if let Some(rollback) = &mut rollout.rollback {
            rollback.steps.iter_mut().for_each(|step| step.step.ring = new(&step.step.ring));
        }
        let owned = self.groups.values_mut().chain(self.lost.values_mut());
        owned.filter(|owned| owned.plan == id.plan).for_each(|owned| owned.rename(&new));
        let renamed = |(plan, ring): (PlanName, RingName)| {
            let ring = if plan == id.plan { new(&ring) } else { ring };
            (plan, ring)
        };
        rekey(&mut self.lost, renamed);
        rekey(&mut self.updaters, renamed);
        let held = self.blocked_versions.iter_mut().filter(|held| held.plan == id.plan);
        held.for_each(|held| held.ring = new(&held.ring));
        Ok(())
    }
}

/// Has what is known by plan and ring known by other names.
fn rekey<T>(
    known: &mut BTreeMap<(PlanName, RingName), T>,
    renamed: impl Fn((PlanName, RingName)) -> (PlanName, RingName),
) {
    *known = std::mem::take(known).into_iter().map(|(key, value)| (renamed(key), value)).collect();
}
