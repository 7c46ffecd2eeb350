//! Whether something was taken out of one group and is in none.
//!
//! **Invariant:** while the groups are not read, what was taken out counts as in none.

use std::collections::BTreeSet;

use crate::ids::{GroupId, PolicyId};
use crate::rollout::state::{Ring, State, TakenOut};
use crate::rollout::world::Observations;

/// Whether something is between two groups for a ring, by what is known.
pub(crate) fn is_between(state: &State, world: &Observations, ring: &Ring) -> bool {
    !ring.between.is_empty() && (world.groups.is_none() || stranded(state, world, ring).next().is_some())
}

/// What of it no group has, by the group that had it.
pub(crate) fn stranded<'a>(
    state: &State,
    world: &Observations,
    ring: &'a Ring,
) -> impl Iterator<Item = (&'a GroupId, TakenOut)> + use<'a> {
    let groups = world.groups_now(state).map(|groups| groups.value).unwrap_or_default();
    let in_one: BTreeSet<PolicyId> = groups.into_iter().flat_map(|group| group.content.policies).collect();
    let left = ring.between.out.iter().map(move |(id, out)| {
        let policies = out.policies.difference(&in_one).cloned().collect();
        (id, TakenOut { policies, ..out.clone() })
    });
    left.filter(|(_, left)| !left.policies.is_empty())
}
