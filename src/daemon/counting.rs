//! What the fresh count of devices before a write costs, for rings with `max_devices` and under a guard.
//!
//! **Invariant:** a ring without either costs no request, and the pages of a count never use what the
//! budget keeps for the write itself.

use crate::rollout::judge::subject;
use crate::rollout::state::{Phase, RingState, State};
use crate::rollout::world::Observations;

/// Devices on a page, as everybody asks for them.
const PAGE: usize = 100;

/// The requests that the largest count may need that an entry could ask for now, by what is known of
/// the devices.
pub(super) fn requests(state: &State, world: &Observations) -> u32 {
    let running = state.plans.values().map(|plan| &plan.rollout).filter(|one| one.phase == Phase::Running);
    let rings = running.flat_map(|rollout| rollout.rings_with_plans());
    let limited = rings.filter(|(ring, plan)| {
        let is_limited = plan.max_devices.is_some() || world.devices_per_day.is_some();
        matches!(ring.stage, RingState::Entering(_) | RingState::Deploying(_)) && is_limited
    });
    let pages = limited.filter_map(|(ring, plan)| {
        let scope = subject::known_scope(ring, plan, world)?;
        let known = world.fleet.devices().filter_map(|device| device.latest.policy.as_ref());
        let devices = known.filter(|policy| scope.policies.contains(&policy.id)).count();
        // A profile without devices takes a page too.
        Some(devices.div_ceil(PAGE) + scope.policies.len())
    });
    u32::try_from(pages.max().unwrap_or(0)).unwrap_or(u32::MAX)
}
