//! Plans and rings that go on under other names.
//!
//! **Invariant:** all that was a name's before is the new name's after, and nothing else is.

use std::collections::BTreeMap;

use super::books::Ledger;
use super::words;
use crate::ids::{PlanName, RingName};
use crate::plan::change::profile_set;
use crate::rollout::record::RolloutId;

impl<'a> Ledger<'a> {
    /// All that was a plan's is another's.
    pub(super) fn rename_plan(&mut self, id: &'a RolloutId, from: &'a PlanName) {
        let Some(mut line) = self.plans.remove(from) else { return };
        self.numbers.insert(from, line.number);
        line.versions.renumber(line.number, id.number);
        (line.number, line.carried) = (id.number, true);
        let untouched = self.plans.remove(&id.plan);
        line.paused |= untouched.as_ref().is_some_and(|untouched| untouched.paused);
        // Who refused a ring under the new name refuses the one of the same profiles.
        let same = |ring: &RingName| -> Option<&'a RingName> {
            let refused = profile_set(untouched.as_ref()?.ring_plan(ring)?);
            let mut rings = line.rings.iter().map(|ring| ring.name);
            rings.find(|name| line.ring_plan(name).is_some_and(|plan| profile_set(plan) == refused))
        };
        words::rename(&mut self.words, (from, &id.plan), &line.revision.digest, same);
        self.plans.insert(&id.plan, line);
        let rename = |plan: &mut &'a PlanName| {
            if *plan == from {
                *plan = &id.plan;
            }
        };
        self.groups.rename(|owned| rename(&mut owned.plan));
        self.blocked.iter_mut().for_each(|blocked| rename(&mut blocked.plan));
        self.writes.planned.values_mut().for_each(|((plan, _), _)| rename(plan));
    }

    /// Groups and writes keep their rings under other names.
    pub(super) fn rename_rings(&mut self, of: &PlanName, renamed: &'a BTreeMap<RingName, RingName>) {
        let rename = |plan: &PlanName, ring: &mut &'a RingName| {
            if plan == of {
                *ring = renamed.get(*ring).unwrap_or(ring);
            }
        };
        self.groups.rename(|owned| rename(owned.plan, &mut owned.ring));
        self.writes.planned.values_mut().for_each(|((plan, ring), _)| rename(plan, ring));
    }
}
