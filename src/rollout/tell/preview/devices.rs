//! How many devices a write would move, and from which version.
//!
//! **Invariant:** a device counts once, in the group that offers it something else.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::RingScope;
use crate::ids::PolicyId;
use crate::plan::model::RingPlan;
use crate::rollout::judge::subject::planned_scope;
use crate::rollout::record::Group;
use crate::rollout::world::Observations;
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// Devices that an assignment can move; an environment without any is left out.
pub type DeviceCounts = BTreeMap<Environment, usize>;

/// How many devices are offered another version after the writes than before them, and how many
/// none.
pub(crate) fn moved(
    plan: &RingPlan,
    (before, after): (&[Group], &[Group]),
    world: &Observations,
    now: Timestamp,
) -> (DeviceCounts, DeviceCounts) {
    let (mut retargeted, mut released) = (DeviceCounts::new(), DeviceCounts::new());
    let policies: BTreeSet<&PolicyId> =
        before.iter().chain(after).flat_map(|group| &group.content.policies).collect();
    for policy in policies {
        for environment in Environment::ALL {
            let offers = offered(after, policy, environment);
            if offers == offered(before, policy, environment) {
                continue;
            }
            let scope = RingScope {
                // Any version will do: before an assignment, a device counts if it can be moved.
                targets: BTreeMap::from([(environment, ClientVersion::FIRST_ASSIGNABLE)]),
                ..planned_scope(plan, BTreeSet::from([policy.clone()]))
            };
            let eligible = world.fleet.census(&scope, now).eligible();
            if eligible > 0 {
                let counts = if offers.is_some() { &mut retargeted } else { &mut released };
                *counts.entry(environment).or_default() += eligible;
            }
        }
    }
    (retargeted, released)
}

/// What the groups offer to the devices of a profile.
fn offered<'a>(groups: &'a [Group], policy: &PolicyId, environment: Environment) -> Option<&'a str> {
    let group = groups.iter().find(|group| group.content.policies.contains(policy))?;
    group.content.target(environment)
}
