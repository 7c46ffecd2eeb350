//! What has drifted, by the newest reads.
//!
//! **Invariant:** what ringward wrote itself is never a drift, a list alone never says that a group
//! is gone, and a read that is older than what ringward knows says nothing.

use std::collections::BTreeSet;

use crate::fleet::KnownOffers;
use crate::ids::{GroupId, PlanName, PolicyId, RingName};
use crate::plan::model::{OnDrift, Plan, RingPlan};
use crate::rollout::judge::revision::forbid;
use crate::rollout::judge::subject::{Subject, known_scope};
use crate::rollout::record::{
    Cause, Elsewhere, Group, GroupContent, GroupDrift, MovedTo, Never, OtherUpdater, RESTORES_AT_MOST,
    UPDATER_DEVICES, UPDATER_ONE_IN, UPDATER_WITHIN, VersionEntry,
};
use crate::rollout::state::{Assigned, OwnedGroup, Ring, RingState, Rollout, State};
use crate::rollout::world::{Known, LIST_SETTLES_IN, Observations};
use crate::time::{Timestamp, after, since};
use crate::version::{ClientVersion, Environment};

/// The groups of a plan that drifted, by ring. Under `restore` they are held against what ringward
/// left, else against what it left or somebody accepted since.
pub(crate) fn groups(known: Known<'_>, plan: &PlanName) -> Vec<GroupDrift> {
    let Known { state, world, .. } = known;
    let Some(rollout) = state.plans.get(plan).map(|plan| &plan.rollout) else { return Vec::new() };
    let restores = rollout.revision.plan.on_drift == OnDrift::Restore;
    let pending = state.pending_write().and_then(|(_, _, write)| write.intent.before.as_ref());
    let at_rest = |id: &GroupId| pending.is_none_or(|group| group.id != *id);
    let mut drifts = Vec::new();
    for ring in &rollout.rings {
        let own = |owned: &OwnedGroup| owned.plan == *plan && owned.ring == ring.name;
        for (id, owned) in state.groups.iter().filter(|(id, owned)| own(owned) && at_rest(id)) {
            drifts.extend(off(world, id, owned, restores).map(|seen| drift(known, owned, seen, restores)));
        }
        if let Some(lost) = state.lost.get(&(plan.clone(), ring.name.clone())).filter(|_| restores) {
            drifts.push(drift(known, lost, None, restores));
        }
        for drift in drifts.iter_mut().filter(|drift| restores && drift.ring == ring.name) {
            drift.never = never(state, &rollout.revision.plan, ring, &drift.expected.content);
        }
    }
    drifts
}

/// The group as read, when it is not as ringward left it; nor, unless it is to be written back, as somebody
/// accepted it.
fn off(world: &Observations, id: &GroupId, owned: &OwnedGroup, restores: bool) -> Option<Option<Group>> {
    let Some(seen) = world.group(id)?.value else { return is_gone(world, id, &owned.last).then_some(None) };
    let as_left = seen.content.offers_the_same(&owned.left);
    let is_off = match restores {
        true => seen.updated_at >= owned.last.updated_at && !as_left,
        false => {
            let accepted = seen.content.offers_the_same(&owned.last.content);
            seen.updated_at > owned.last.updated_at && !as_left && !accepted
        }
    };
    is_off.then(|| Some(seen.clone()))
}

/// Only a read of the group itself says that it is gone: a list may be stale.
pub(crate) fn is_gone(world: &Observations, id: &GroupId, last: &Group) -> bool {
    let single = world.single_groups.get(id);
    single.is_some_and(|read| read.value.is_none() && since(last.updated_at, read.as_of) > LIST_SETTLES_IN)
}

/// How a group drifted: `from_left`, from what ringward left; else from what is accepted.
pub(crate) fn drift(
    known: Known<'_>,
    owned: &OwnedGroup,
    seen: Option<Group>,
    from_left: bool,
) -> GroupDrift {
    let mut expected = owned.last.clone();
    if from_left {
        expected.content = owned.left.clone();
    }
    let elsewhere = elsewhere(known, &expected, seen.as_ref());
    GroupDrift { ring: owned.ring.clone(), expected, seen, elsewhere, never: None }
}

/// Why a ring's group is never written back to `left`, if it is not.
fn never(state: &State, plan: &Plan, ring: &Ring, left: &GroupContent) -> Option<Never> {
    let forbidden = left.versions.iter().find_map(|entry| {
        let version: ClientVersion = entry.version.parse().ok()?;
        let forbid = forbid(plan, version)?;
        let of = entry.environment.as_deref().map(|environment| format!("{environment} "));
        let version = format!("{}{version}", of.unwrap_or_default());
        Some(Never::Forbidden { version, reason: forbid.reason.clone() })
    });
    let times = ring.restoring.done;
    let held = state.held_of(left).next();
    let held = held.map(|held| Never::BlockedVersion { version: held.version, plan: held.plan.clone() });
    let superseded = superseded(state, plan, ring, left);
    let too_often = (times >= RESTORES_AT_MOST).then_some(Never::TooOften { times });
    forbidden.or(held).or(superseded).or(too_often)
}

/// What a newer target replaced in a ring that its rollout has not entered is offered to nobody anew.
fn superseded(state: &State, plan: &Plan, ring: &Ring, left: &GroupContent) -> Option<Never> {
    let known = state.plans.get(&plan.name)?;
    let mut offers = known.superseded.iter().filter(|known| known.ring.name == ring.name);
    offers.find_map(|known| {
        let offered =
            |(at, version): (&Environment, &ClientVersion)| left.offers(*at, *version).then_some(*version);
        let version = known.plan.targets.iter().find_map(offered).filter(|_| !ring.stage.is_entered())?;
        Some(Never::Superseded { version, rollout: known.rollout.number })
    })
}

/// The groups that hold what a drifted one lost.
fn elsewhere(known: Known<'_>, expected: &Group, seen: Option<&Group>) -> Vec<Elsewhere> {
    let here = seen.map(|group| group.content.policies.clone()).unwrap_or_default();
    let lost: BTreeSet<PolicyId> = expected.content.policies.difference(&here).cloned().collect();
    let groups = known.world.groups_now(known.state).map(|groups| groups.value).unwrap_or_default();
    let others = groups.into_iter().filter(|group| group.id != expected.id);
    let holding = others.filter_map(|group| {
        let policies: BTreeSet<PolicyId> = group.content.policies.intersection(&lost).cloned().collect();
        let same_name = seen.is_none() && group.content.name == expected.content.name;
        let Group { id, content: GroupContent { name, .. }, .. } = group;
        (same_name || !policies.is_empty()).then_some(Elsewhere { id, name, policies })
    });
    holding.collect()
}

/// The drifted group to be written back first: one that nothing stands against.
pub(crate) fn first_to_restore(all: &[GroupDrift]) -> Option<&GroupDrift> {
    all.iter().find(|drift| drift.never.is_none() && drift.elsewhere.is_empty())
}

/// Whether a drifted group can never be written back by itself: its plan does not have it, or somebody else's group
/// is in the way, from which ringward takes nothing. A group of ours lets go of the profiles when it is written back
/// itself; but groups that only wait for each other would wait for ever.
pub(crate) fn is_hopeless(state: &State, drift: &GroupDrift, all: &[GroupDrift]) -> bool {
    let lets_go = |other: &Elsewhere| {
        let own = all.iter().find(|known| known.expected.id == other.id);
        let left = own.map(|own| &own.expected.content.policies);
        !other.policies.is_empty()
            && state.groups.contains_key(&other.id)
            && left.is_some_and(|left| left.is_disjoint(&other.policies))
    };
    let waits_for_ours = || drift.elsewhere.iter().all(lets_go) && first_to_restore(all).is_some();
    drift.never.is_some() || !drift.elsewhere.is_empty() && !waits_for_ours()
}

/// The first drifted group that cannot be written back, and that nobody has accepted so.
pub(crate) fn first_hopeless<'a>(state: &State, all: &'a [GroupDrift]) -> Option<&'a GroupDrift> {
    all.iter().find(|drift| is_hopeless(state, drift, all) && !is_accepted(state, drift))
}

/// Whether a person, or the plan, took the group as it is.
pub(crate) fn is_accepted(state: &State, drift: &GroupDrift) -> bool {
    match (state.groups.get(&drift.expected.id), &drift.seen) {
        (Some(owned), Some(seen)) => owned.last.content.offers_the_same(&seen.content),
        (Some(_), None) => false,
        (None, _) => true,
    }
}

/// Whether the group of an entered ring offers its targets to its profiles, as far as is recorded.
/// It does not once a person or the plan has accepted a drift that took them away.
pub(crate) fn offers_targets(state: &State, name: &PlanName, ring: &Ring, plan: &RingPlan) -> bool {
    let Some(assigned) = ring.stage.assigned() else { return true };
    let Some((_, owned)) = state.group_of(name, &ring.name) else { return false };
    let content = &owned.last.content;
    assigned.policies.is_subset(&content.policies)
        && plan.targets.iter().all(|(environment, version)| content.offers(*environment, *version))
}

/// Whether a ring's group does not offer the target of an environment to the ring's profiles: somebody
/// changed it. From the read on that shows it, or the halt for it; recorded and accepted drift, too.
pub(crate) fn is_withdrawn(subject: Subject<'_>, assigned: &Assigned, environment: Environment) -> bool {
    let Subject { state, rollout, ring, plan, world, .. } = subject;
    let Some(target) = plan.targets.get(&environment) else { return false };
    let offers = |content: &GroupContent| {
        assigned.policies.is_subset(&content.policies) && content.offers(environment, *target)
    };
    match state.groups.get(&assigned.group) {
        Some(owned) => {
            let is_off = |seen: Option<&Group>| !seen.is_some_and(|seen| offers(&seen.content));
            let found_off = owned.drifted.as_deref().is_some_and(|drift| is_off(drift.seen.as_ref()));
            let seen_off = match world.group(&assigned.group).map(|read| read.value) {
                Some(Some(seen)) => seen.updated_at > owned.last.updated_at && is_off(Some(seen)),
                Some(None) if is_gone(world, &assigned.group, &owned.last) => true,
                // Nobody has looked since: what it was halted for stands.
                _ => halted_for(rollout, &assigned.group).is_some_and(|drift| is_off(drift.seen.as_ref())),
            };
            found_off || seen_off || !offers(&owned.last.content)
        }
        None => state.lost.contains_key(&(rollout.id.plan.clone(), ring.name.clone())),
    }
}

/// The drift of a group that a rollout is halted for.
fn halted_for<'a>(rollout: &'a Rollout, group: &GroupId) -> Option<&'a GroupDrift> {
    match &rollout.halted.as_ref()?.cause {
        Cause::Drift(drift) if drift.expected.id == *group => Some(drift),
        _ => None,
    }
}

/// What the group of a ring lacks for its targets, in words.
pub(crate) fn lacks(state: &State, rollout: &Rollout, name: &RingName) -> String {
    let (Some(ring), Some(plan)) = (rollout.ring(name), rollout.ring_plan(name)) else {
        return String::new();
    };
    let Some(assigned) = ring.stage.assigned() else { return String::new() };
    let Some((_, owned)) = state.group_of(&rollout.id.plan, name) else {
        return "the group was deleted".to_owned();
    };
    let content = &owned.last.content;
    let mut words = Vec::new();
    for (environment, version) in &plan.targets {
        let asked = version.to_string();
        match content.target(*environment) {
            Some(offered) if offered == asked => {}
            Some(offered) => words.push(format!("{environment} {offered} instead of {asked}")),
            None => words.push(format!("no {environment} {asked}")),
        }
    }
    let policies = assigned.policies.difference(&content.policies);
    words.extend(policies.map(|policy| format!("profile {policy} is out")));
    words.join(", ")
}

/// What a ring's devices may have been told to run: by ringward's own writes, by those that may
/// still be under way, and by whatever group holds one of the ring's profiles.
pub(crate) fn offers(
    Known { state, world, now }: Known<'_>,
    plan: &PlanName,
    ring: &Ring,
    policies: &BTreeSet<PolicyId>,
) -> KnownOffers {
    let mut offers = KnownOffers::new();
    let lost = state.lost.get(&(plan.clone(), ring.name.clone()));
    let owned = state.groups.values().filter(|owned| owned.plan == *plan && owned.ring == ring.name);
    for owned in owned.chain(lost) {
        add(&mut offers, &owned.last.content.versions);
        add(&mut offers, owned.offered_until(now));
    }
    if let RingState::Deploying(write) = &ring.stage {
        add(&mut offers, &write.intent.after.versions);
    }
    let listed = world.groups.iter().flat_map(|groups| &groups.value);
    let singles = world.single_groups.values().filter_map(|read| read.value.as_ref());
    for group in listed.chain(singles).filter(|group| !group.content.policies.is_disjoint(policies)) {
        add(&mut offers, &group.content.versions);
    }
    offers
}

fn add<'a>(offers: &mut KnownOffers, entries: impl IntoIterator<Item = &'a VersionEntry>) {
    offers.extend(entries.into_iter().filter_map(|entry| {
        let named = |known: &Environment| entry.environment.as_deref() == Some(known.as_str());
        Some((Environment::ALL.into_iter().find(named)?, entry.version.parse().ok()?))
    }));
}

/// Another updater at work in a ring, by the changes seen after an instant and within a day.
pub(crate) fn updater_of(subject: Subject<'_>, seen_until: Option<Timestamp>) -> Option<OtherUpdater> {
    let Subject { rollout, ring, plan, world, now, .. } = subject;
    // Most rings have none, and what they offer is not worth the search.
    if !world.fleet.has_strays() {
        return None;
    }
    // Without the groups nobody can say that none of them explains it.
    let groups_read_at = world.groups_read_at()?;
    let a_day_ago = after(now, -UPDATER_WITHIN);
    let since = seen_until.map_or(a_day_ago, |seen| seen.max(a_day_ago));
    let policies = known_scope(ring, plan, world)?.policies;
    let offers = offers(subject.known(), &rollout.id.plan, ring, &policies);
    let strays = world.fleet.strays(&policies, (since, groups_read_at), &offers);
    let moved = strays.devices();
    if moved < UPDATER_DEVICES || moved * UPDATER_ONE_IN <= strays.of {
        return None;
    }
    let to = |(&(environment, version), &devices)| MovedTo { environment, version, devices };
    let versions = strays.moved.iter().map(to).collect();
    Some(OtherUpdater { ring: ring.name.clone(), of: strays.of, moved, versions, since })
}
