//! What rollouts before the running one brought and left on offer.
//!
//! **Invariant:** an offer stands in the books until its group is on record with another, or a newer
//! rollout has entered its ring; a version is unproven until a rollout that asks for it is completed.

use std::collections::{BTreeMap, BTreeSet};

use super::groups::GroupBook;
use super::ring::{LedgerRingState, RingLine};
use crate::plan::model::RingPlan;
use crate::rollout::record::{GroupContent, Purpose, WriteIntent};
use crate::version::{ClientVersion, Environment};

pub(crate) struct LeftLine<'a> {
    pub(crate) ring: RingLine<'a>,
    pub(crate) plan: &'a RingPlan,
    /// What of its targets is still on offer.
    pub(crate) targets: BTreeMap<Environment, ClientVersion>,
}

impl<'a> LeftLine<'a> {
    pub(super) fn adopts(&self) -> bool {
        self.ring.state == LedgerRingState::Adopting
    }

    /// Its plan, with what is still on offer for targets.
    pub(crate) fn offered(&self) -> RingPlan {
        RingPlan { targets: self.targets.clone(), ..self.plan.clone() }
    }

    pub(super) fn trim(&mut self, groups: &GroupBook<'a>, rings: &[(&RingLine<'a>, &RingPlan)]) {
        let (group, policies) = (self.ring.group, self.ring.policies);
        let content = group.and_then(|id| groups.get(id)).map(|owned| &owned.last.content);
        let content = content
            .filter(|content| policies.is_some_and(|policies| !policies.is_disjoint(&content.policies)));
        let entered = rings.iter().find(|(ring, _)| ring.is_assigned() && ring.group == group);
        self.targets.retain(|environment, known| {
            let offered = content.and_then(|content| offered(content, *environment));
            let is_taken_over = entered.is_some_and(|(_, plan)| plan.targets.contains_key(environment));
            offered == Some(*known) && !is_taken_over
        });
    }
}

/// Unproven ones with the number of the rollout that brought them.
#[derive(Clone, Default)]
pub(crate) struct BroughtVersions {
    unproven: BTreeMap<(Environment, ClientVersion), u64>,
    proven: BTreeSet<(Environment, ClientVersion)>,
}

pub(super) fn offered(content: &GroupContent, environment: Environment) -> Option<ClientVersion> {
    content.target(environment)?.parse().ok()
}

impl BroughtVersions {
    pub(super) fn planned(&mut self, number: u64, intent: &WriteIntent) {
        if intent.purpose != Purpose::Target {
            return;
        }
        for environment in Environment::ALL {
            let before = intent.before.as_ref().and_then(|group| offered(&group.content, environment));
            let after = offered(&intent.after, environment);
            if before == after {
                continue;
            }
            if let Some(before) = before.filter(|before| !self.is_unproven(environment, *before)) {
                self.proven.insert((environment, before));
            }
            if let Some(after) = after.filter(|after| !self.proven.contains(&(environment, *after))) {
                self.unproven.entry((environment, after)).or_insert(number);
            }
        }
    }

    pub(super) fn is_unproven(&self, environment: Environment, version: ClientVersion) -> bool {
        self.unproven.contains_key(&(environment, version))
    }

    /// A rollout goes on under another name, and by another number.
    pub(super) fn renumber(&mut self, before: u64, now: u64) {
        self.unproven.values_mut().filter(|by| **by == before).for_each(|by| *by = now);
    }

    pub(super) fn completed(&mut self, rings: &[RingPlan]) {
        for (environment, version) in rings.iter().flat_map(|ring| &ring.targets) {
            self.unproven.remove(&(*environment, *version));
            self.proven.insert((*environment, *version));
        }
    }

    /// The rollout that brought a version and was not completed, another than this one.
    pub(crate) fn brought_before(
        &self,
        number: u64,
        environment: Environment,
        version: ClientVersion,
    ) -> Option<u64> {
        self.unproven.get(&(environment, version)).copied().filter(|by| *by != number)
    }
}
