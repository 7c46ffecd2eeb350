//! Which profile belongs to which ring of all rollouts.
//!
//! **Invariant:** a profile that two rings name belongs to the one that offered something last.

use std::cmp::Reverse;

use crate::fleet::Membership;
use crate::ids::PlanName;
use crate::plan::model::RingPlan;
use crate::rollout::judge::{drift, subject::known_scope};
use crate::rollout::state::{Ring, State};
use crate::rollout::world::{Known, Observations};
use crate::time::Timestamp;

/// Which profile belongs to which ring of all rollouts, and what is on offer there.
pub fn membership(state: &State, world: &Observations, now: Timestamp) -> Membership {
    // What an earlier rollout left on offer to a ring's devices counts until the ring is entered.
    let mut rings: Vec<(&PlanName, &Ring, &RingPlan)> = Vec::new();
    for (name, plan) in &state.plans {
        rings.extend(plan.rollout.rings_with_plans().map(|(ring, plan)| (name, ring, plan)));
        rings.extend(plan.superseded.iter().rev().map(|left| (name, &left.ring, &left.plan)));
    }
    // Where two name a profile, as a plan does that took over from a withdrawn one, what was offered last.
    rings.sort_by_key(|(_, ring, _)| Reverse(ring.stage.assigned().map(|assigned| assigned.at)));
    let offered = rings.into_iter().filter_map(|(name, ring, plan)| {
        let scope = known_scope(ring, plan, world)?;
        let offers = drift::offers(Known { state, world, now }, name, ring, &scope.policies);
        Some((scope, offers))
    });
    let (scopes, offers) = offered.unzip();
    Membership::new(scopes).offering(offers)
}
