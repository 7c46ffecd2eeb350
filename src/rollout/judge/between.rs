//! Whether something was taken out of one group and is in none.
//!
//! **Invariant:** while the groups are not read, what was taken out counts as in none.

use std::collections::BTreeSet;

use crate::ids::{GroupId, PolicyId};
use crate::rollout::state::{Ring, TakenOut};
use crate::rollout::world::Known;

/// Whether something is between two groups for a ring, by what is known.
pub(crate) fn is_between(known: Known<'_>, ring: &Ring) -> bool {
    !ring.between.is_empty() && (known.world.groups.is_none() || !stranded(known, ring).is_empty())
}

/// What of it no group has, by the group that had it.
pub(crate) fn stranded<'a>(known: Known<'_>, ring: &'a Ring) -> Vec<(&'a GroupId, TakenOut)> {
    let groups = known.world.groups_now(known.state).map(|groups| groups.value).unwrap_or_default();
    let in_one: BTreeSet<PolicyId> = groups.into_iter().flat_map(|group| group.content.policies).collect();
    let left = ring.between.out.iter().map(|(id, out)| {
        let policies = out.policies.difference(&in_one).cloned().collect();
        (id, TakenOut { policies, ..out.clone() })
    });
    left.filter(|(_, left)| !left.policies.is_empty()).collect()
}
