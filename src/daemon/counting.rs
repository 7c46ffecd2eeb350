//! The fresh count of devices before a write, for rings with `max_devices` and under a guard: what it
//! costs, and how it is taken.
//!
//! **Invariant:** a ring without either costs no request, and the pages of a count never use what the
//! budget keeps for the write itself.

use crate::cloudflare::{ApiError, CloudflareClient};
use crate::fleet::{Sighting, Sweep, SweepScope};
use crate::rollout::judge::{blast, subject};

use crate::rollout::record::WriteIntent;

use crate::rollout::state::{Phase, Stage, State};
use crate::rollout::world::{Observations, Observed};
use crate::time::Timestamp;

/// Devices on a page, as everybody asks for them.
const PAGE: usize = 100;

/// Whether a write's devices are counted before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counting {
    /// The ring has a limit.
    Needed,
    /// It has none.
    NotNeeded,
}

/// Devices that a write offers something else, and the sweeps that list them.
#[derive(Debug)]
pub(super) struct Counted {
    /// How many, as of the first sweep's begin.
    pub(super) devices: Observed<usize>,
    /// One for each profile concerned: observations like any other.
    pub(super) sweeps: Vec<Sweep>,
}

impl Counting {
    /// What the write without an outcome needs.
    pub(super) fn of_pending(state: &State, world: &Observations) -> Self {
        let limited = state.pending_write().is_some_and(|(rollout, ring, write)| {
            let limited = || rollout.ring_plan(&ring.name).is_some_and(|plan| plan.max_devices.is_some());
            let counts = write.intent.purpose.counts_against_limits();
            counts && (world.devices_per_day.is_some() || limited())
        });
        if limited { Self::Needed } else { Self::NotNeeded }
    }
}

/// Lists the devices of each profile that a write concerns, and counts them.
pub(super) async fn count(
    client: &CloudflareClient,
    intent: &WriteIntent,
    as_of: Timestamp,
) -> Result<Counted, ApiError> {
    let mut sweeps = Vec::new();
    for policy in blast::profiles(intent) {
        sweeps.push(client.sweep(SweepScope::Profile(policy)).await?);
    }
    let listed: Vec<&Sighting> = sweeps.iter().flat_map(|sweep| &sweep.devices).collect();
    let value = blast::count(intent, listed);
    Ok(Counted { devices: Observed { value, as_of }, sweeps })
}

/// The requests that the largest count may need that an entry could ask for now, by what is known of
/// the devices.
pub(super) fn requests(state: &State, world: &Observations) -> u32 {
    let running = state.plans.values().map(|plan| &plan.rollout).filter(|one| one.phase == Phase::Running);
    let rings = running.flat_map(|rollout| rollout.rings_with_plans());
    let limited = rings.filter(|(ring, plan)| {
        let is_limited = plan.max_devices.is_some() || world.devices_per_day.is_some();
        matches!(ring.stage, Stage::Entering(_) | Stage::Deploying(_)) && is_limited
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
