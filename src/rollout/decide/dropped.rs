//! A ring that the plan's file dropped before it was verified: when it lets go by itself.
//!
//! **Invariant:** that takes two witnesses: no profile of the ring is listed any more, and no device has
//! one, each of them seen elsewhere or missing from two full sweeps.

use crate::rollout::decide::context::Context;
use crate::rollout::record::{Entry, Event};
use crate::rollout::state::{Assigned, Ring, RingState};
use crate::rollout::world::REST_MAX_AGE;
use crate::time::{Timestamp, since};

/// Lets the rings go of which nothing is left.
pub(crate) fn let_go(context: &Context<'_>) -> Vec<Entry> {
    let rings = context.rollout.rings.iter().filter(|ring| context.rollout.dropped.contains(&ring.name));
    rings.filter(|ring| !ring.is_free()).find_map(|ring| gone(context, ring)).into_iter().collect()
}

fn gone(context: &Context<'_>, ring: &Ring) -> Option<Entry> {
    let (RingState::Adopting(assigned) | RingState::Soaking(assigned, _)) = &ring.stage else { return None };
    let swept_at = nobody_is_left(context, assigned)?;
    let (ring, profiles) = (ring.name.clone(), assigned.policies.clone());
    let reason = "the plan's file dropped it, no profile of it exists any more, and no device has one";
    Some(Entry::engine(&context.rollout.id, reason, Event::RingLetGo { ring, profiles, swept_at }))
}

/// When the last full sweep began, where profiles and devices say that nobody is left.
fn nobody_is_left(context: &Context<'_>, assigned: &Assigned) -> Option<Timestamp> {
    let Context { world, now, .. } = context;
    let listed = world.profiles.as_ref().filter(|listed| since(listed.as_of, *now) <= REST_MAX_AGE)?;
    let swept_at = world.fleet.full_sweep_at().filter(|at| since(*at, *now) <= REST_MAX_AGE)?;
    let mut known = listed.value.listed.iter().map(|profile| &profile.id).chain(world.fleet.default_policy());
    let mut devices = world.fleet.devices().filter(|device| !device.has_left());
    let has_one = devices
        .any(|device| device.latest.policy.as_ref().is_some_and(|had| assigned.policies.contains(&had.id)));
    let exists = known.any(|known| assigned.policies.contains(known));
    (!exists && !has_one).then_some(swept_at)
}
