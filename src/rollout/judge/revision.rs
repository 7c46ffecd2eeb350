//! What a plan's file asks of the rollout that runs: which rings keep their place, which have another name.
//!
//! **Invariant:** with the same versions no revision shortens a proof: a ring that was entered and is not
//! verified keeps its place until it is, whatever the file says of its name and position.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::ids::RingName;
use crate::plan::change::{same_profiles, twin};
use crate::plan::model::{Forbid, Plan, Revision, RingPlan};
use crate::rollout::state::{Ring, Rollout};
use crate::version::ClientVersion;

/// The revision as the rollout can follow it: entered rings first, in their order, and among them those
/// that the file dropped before they were verified.
pub(crate) fn followed<'a>(rollout: &Rollout, revision: &'a Revision) -> Cow<'a, Revision> {
    let plan = &revision.plan;
    if !moves_the_same(rollout, plan) {
        return Cow::Borrowed(revision);
    }
    let mut rings: Vec<&RingPlan> = Vec::new();
    for (ring, old) in rollout.rings_with_plans().filter(|(ring, _)| ring.stage.is_entered()) {
        rings.extend(match twin(old, &rollout.revision.plan, plan) {
            Some(new) => Some(new),
            None if ring.is_free() => None,
            None => Some(old),
        });
    }
    let taken: BTreeSet<&RingName> = rings.iter().map(|ring| &ring.name).collect();
    rings.extend(plan.rings.iter().filter(|ring| !taken.contains(&ring.name)));
    // At nearly every decision: nothing is kept that the file does not name, and in its order.
    if rings.iter().copied().eq(&plan.rings) {
        return Cow::Borrowed(revision);
    }
    let rings = rings.into_iter().cloned().collect();
    Cow::Owned(Revision { plan: Plan { rings, ..plan.clone() }, ..revision.clone() })
}

/// The rings of a goal that the revision does not name: they keep their place for now.
pub(crate) fn dropped(revision: &Revision, goal: &Revision) -> BTreeSet<RingName> {
    let names = |plan: &Plan| plan.rings.iter().map(|ring| ring.name.clone()).collect::<BTreeSet<_>>();
    names(&goal.plan).difference(&names(&revision.plan)).cloned().collect()
}

/// Whether a plan that the rollout follows already only lets go of rings that its file dropped: they kept
/// their place until they were verified, and that was announced when it took effect.
pub(crate) fn lets_go(rollout: &Rollout, revision: &Revision, goal: &Revision) -> bool {
    let kept = |(ring, old): &(&Ring, &RingPlan)| {
        !ring.is_free() || twin(old, &rollout.revision.plan, &revision.plan).is_some()
    };
    let rings = rollout.rings_with_plans().filter(kept).map(|(_, plan)| plan.clone()).collect();
    rollout.follows(&revision.digest) && goal.plan == Plan { rings, ..rollout.revision.plan.clone() }
}

/// Whether a plan leaves each entered ring that it still has its versions and profiles.
pub(crate) fn moves_the_same(rollout: &Rollout, plan: &Plan) -> bool {
    let entered = rollout.rings_with_plans().filter(|(ring, _)| ring.stage.is_entered());
    entered.into_iter().all(|(_, old)| {
        let twin = twin(old, &rollout.revision.plan, plan);
        twin.is_none_or(|new| new.targets == old.targets && same_profiles(new, old))
    })
}

/// The rings that have another name in a plan: with the same profiles, or by the plan's own word.
pub(crate) fn renamed(rollout: &Rollout, plan: &Plan) -> BTreeMap<RingName, RingName> {
    let pairs = rollout.rings_with_plans().filter_map(|(ring, old)| {
        let new = twin(old, &rollout.revision.plan, plan)?;
        (new.name != ring.name).then(|| (ring.name.clone(), new.name.clone()))
    });
    let renamed: BTreeMap<RingName, RingName> = pairs.collect();
    // A name that a ring of other profiles keeps is not free; then it is no rename but another plan.
    let stays = |name: &RingName| rollout.ring(name).is_some() && !renamed.contains_key(name);
    if renamed.values().any(stays) { BTreeMap::new() } else { renamed }
}

/// Whether a plan forbids what it asks for itself, and a rollout is not asked for that already.
pub(crate) fn forbids_itself(plan: &Plan, rollout: Option<&Rollout>) -> bool {
    plan.rings.iter().any(|ring| {
        let known = || rollout?.revision.plan.rings.iter().find(|known| same_profiles(known, ring));
        ring.targets.iter().any(|(environment, version)| {
            let asked = || known().is_some_and(|known| known.targets.get(environment) == Some(version));
            forbid(plan, *version).is_some() && !asked()
        })
    })
}

/// The entry of a plan that forbids a version.
pub(crate) fn forbid(plan: &Plan, version: ClientVersion) -> Option<&Forbid> {
    plan.forbid.iter().find(|forbid| forbid.versions.matches(&version.as_semver()))
}
