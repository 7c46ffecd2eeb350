//! A ring's group that offers what a rollout before the running one wrote.
//!
//! **Invariant:** an offer stands in the books until its group is on record with another, or a newer
//! rollout has entered its ring.

use std::collections::BTreeMap;

use super::groups::Groups;
use super::ring::{RingLine, RingState};
use super::versions::offered;
use crate::plan::model::RingPlan;
use crate::version::{ClientVersion, Environment};

pub(crate) struct LeftLine<'a> {
    pub(crate) ring: RingLine<'a>,
    pub(crate) plan: &'a RingPlan,
    /// What of its targets is still on offer.
    pub(crate) targets: BTreeMap<Environment, ClientVersion>,
}

impl<'a> LeftLine<'a> {
    pub(super) fn adopts(&self) -> bool {
        self.ring.state == RingState::Adopting
    }

    /// Its plan, with what is still on offer for targets.
    pub(crate) fn offered(&self) -> RingPlan {
        RingPlan { targets: self.targets.clone(), ..self.plan.clone() }
    }

    pub(super) fn trim(&mut self, groups: &Groups<'a>, rings: &[(&RingLine<'a>, &RingPlan)]) {
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
