//! Nothing dropped unnamed: what a write makes of a group, and what a group must be that is entered without
//! one.
//!
//! **Invariant:** a write changes what its intent names, and nothing else.

use std::collections::BTreeSet;

use super::audit::Law;
use super::case::Case;
use super::ledger::{Owned, PlanLine};
use super::proof::content::{offers, sorted, with_versions};
use crate::ids::{PlanName, PolicyId, RingName};
use crate::plan::model::{ProfileRef, RingPlan};
use crate::rollout::record::{Event, Group, Purpose, SoakFact, WriteIntent};

pub(super) fn check(case: &Case<'_>) {
    let (Some(line), Some(plan)) = (case.line, case.plan) else { return };
    match case.event {
        Event::WritePlanned { ring, intent } => match (&intent.purpose, line.ring_plan(ring)) {
            (Purpose::Target, Some(ring)) => {
                profiles(&case.under(Law::WriteAllowed), ring, &intent.policies);
                target(case, plan, ring, intent);
            }
            (Purpose::MoveOut { from, plan: other }, Some(ring)) => {
                profiles(&case.under(Law::WriteAllowed), ring, &intent.policies);
                let of = (other.as_ref().unwrap_or(plan), from);
                moved_out(case, (ring, other.is_some()), of, intent);
            }
            (Purpose::PutBack { from, plan: other }, _) => {
                put_back(case, (line, ring), (other.as_ref().unwrap_or(plan), from), intent);
            }
            (Purpose::Target | Purpose::MoveOut { .. } | Purpose::Restore | Purpose::Rollback { .. }, _) => {}
        },
        Event::RingAssigned { ring, group, .. } | Event::RingRecognised { ring, group, .. } => {
            let Some(plan) = line.ring_plan(ring) else { return };
            on_offer(&case.under(Law::WriteAllowed), plan, group);
            if let Event::RingRecognised { soak, .. } = case.event {
                recognised(&case.under(Law::SoakProven), plan, group, soak);
            }
        }
        _ => {}
    }
}

/// The ring's profiles as the intent resolved them.
fn profiles(case: &Case<'_>, plan: &RingPlan, policies: &BTreeSet<PolicyId>) {
    case.require(policies.len() == plan.profiles.len(), || {
        format!("the ring names {} profiles, the intent {}", plan.profiles.len(), policies.len())
    });
    for profile in &plan.profiles {
        if let ProfileRef::Id(id) = profile {
            case.require(policies.contains(id), || {
                format!("the intent leaves out profile {id}, which the ring names")
            });
        }
    }
}

fn target(case: &Case<'_>, plan: &PlanName, ring: &RingPlan, intent: &WriteIntent) {
    let wanted = with_versions(intent.before.as_ref(), &ring.targets);
    case.require(
        sorted(&intent.after.versions) == wanted,
        || "the versions after the write are not the plan's targets beside what was there unmanaged",
    );
    let same = intent.after.policies == intent.policies;
    case.require(same, || "the profiles after the write are not the ring's");
    let own = case.ledger.groups.of(plan, &ring.name).map(|owned| &owned.last.id);
    let Some(before) = &intent.before else {
        return case.under(Law::IntentFirst).require(own.is_none(), || {
            format!("a group is created though the ring has {}", own.map_or("one", |id| id.as_str()))
        });
    };
    let (group, owned) = (before.id.as_str(), case.ledger.groups.get(&before.id));
    let is_free = owned.is_none_or(|owned| owned.is_of(plan, &ring.name) || !case.ledger.holds(owned));
    case.require(is_free, || format!("group {group} belongs to another ring"));
    case.require(own.is_none_or(|own| *own == before.id), || {
        format!("group {group} is written though the ring has another")
    });
    let ours = owned.map(|owned| &owned.last.content.policies);
    for policy in before.content.policies.difference(&intent.after.policies) {
        case.require(ours.is_some_and(|ours| ours.contains(policy)), || {
            format!("profile {policy} is dropped, and ringward never put it there")
        });
    }
}

fn moved_out(
    case: &Case<'_>,
    (ring, is_of_another_plan): (&RingPlan, bool),
    (plan, from): (&PlanName, &RingName),
    intent: &WriteIntent,
) {
    let Some(before) = &intent.before else {
        return case.breach("a profile is to be moved out of a group that does not exist");
    };
    // What another plan's file names by the same word stays there, unless that plan is gone.
    let named = |owned: &Owned<'_>| {
        let line = case.ledger.plans.get(owned.plan);
        let rings = line.into_iter().flat_map(|line| &line.plan.rings);
        rings.flat_map(|ring| &ring.profiles).any(|profile| ring.profiles.contains(profile))
    };
    let lets_go = |owned: &Owned<'_>| !is_of_another_plan || !case.ledger.holds(owned) || !named(owned);
    let owned = case.ledger.groups.get(&before.id).filter(|owned| owned.is_of(plan, from));
    case.require(owned.is_some_and(lets_go), || {
        format!("a profile is taken out of group {}, which is not {from}'s", before.id.as_str())
    });
    let left: BTreeSet<PolicyId> = before.content.policies.difference(&intent.policies).cloned().collect();
    let same = intent.after.offers_the_same_versions(&before.content) && intent.after.policies == left;
    case.require(same, || "moving a profile out changes more than the ring's own profiles");
    case.require(left.len() < before.content.policies.len(), || "nothing is moved out by this write");
}

/// What is put back is what was taken out, into the group that had it, and nothing else changes there.
fn put_back(
    case: &Case<'_>,
    (line, ring): (&PlanLine<'_>, &RingName),
    (plan, from): (&PlanName, &RingName),
    intent: &WriteIntent,
) {
    let Some(before) = &intent.before else {
        return case.breach("a profile is to be put back into no group");
    };
    let as_left =
        |owned: &Owned<'_>| owned.is_of(plan, from) && owned.last.content.offers_the_same(&before.content);
    case.require(case.ledger.groups.get(&before.id).is_some_and(as_left), || {
        format!("a profile goes into group {}, which is not {from}'s as it left it", before.id.as_str())
    });
    let out = line.ring(ring).and_then(|ring| ring.between.get(&before.id));
    let added: BTreeSet<&PolicyId> = intent.after.policies.difference(&before.content.policies).collect();
    let sound = intent.after.versions == before.content.versions
        && intent.after.name == before.content.name
        && before.content.policies.is_subset(&intent.after.policies)
        && !added.is_empty()
        && out.is_some_and(|out| added.is_subset(out));
    case.require(sound, || "more is put back than was taken out of the group");
}

/// A ring entered without a write: the group must have the targets and the ring's profiles.
fn on_offer(case: &Case<'_>, plan: &RingPlan, group: &Group) {
    for (environment, version) in &plan.targets {
        case.require(offers(&group.content, *environment, *version), || {
            format!("group {} does not offer {version} to {environment}", group.id.as_str())
        });
    }
    profiles(case, plan, &group.content.policies);
}

fn recognised(case: &Case<'_>, plan: &RingPlan, group: &Group, soak: &SoakFact) {
    case.require(case.ledger.soaks.contains(soak), || "the ring rests on a soak that the log does not have");
    let same =
        soak.targets == plan.targets && soak.policies == group.content.policies && soak.group == group.id;
    case.require(same, || "the soak was of other versions, profiles or another group");
}
