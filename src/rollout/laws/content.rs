//! Nothing dropped unnamed: what a write makes of a group, and what a group must be that is entered without
//! one.
//!
//! **Invariant:** a write changes what its intent names, and nothing else.

use super::audit::{Audit, Law};
use super::case::Case;
use std::collections::BTreeSet;

use super::ledger::{Owned, PlanLine};
use super::proof::content::{offers, sorted, with_versions};
use crate::ids::{PlanName, PolicyId, RingName};
use crate::plan::model::{ProfileRef, RingPlan};
use crate::rollout::record::Group;
use crate::rollout::record::{Event, Purpose, SoakFact, WriteIntent};

const LAW: Law = Law::NothingDropped;

pub(super) fn check(audit: &mut Audit, case: &Case<'_>) {
    let (Some(line), Some(plan)) = (case.line, case.plan) else { return };
    match case.event {
        Event::WritePlanned { ring, intent } => match (&intent.purpose, line.ring_plan(ring)) {
            (Purpose::Target, Some(ring)) => {
                profiles(audit, ring, &intent.policies);
                target(audit, case, plan, ring, intent);
            }
            (Purpose::MoveOut { from, plan: other }, Some(ring)) => {
                profiles(audit, ring, &intent.policies);
                moved_out(
                    audit,
                    case,
                    (ring, other.is_some()),
                    (other.as_ref().unwrap_or(plan), from),
                    intent,
                );
            }
            (Purpose::PutBack { from, plan: other }, _) => {
                put_back(audit, case, (line, ring), (other.as_ref().unwrap_or(plan), from), intent);
            }
            (Purpose::Target | Purpose::MoveOut { .. } | Purpose::Restore | Purpose::Rollback { .. }, _) => {}
        },
        Event::RingAssigned { ring, group, .. } => {
            if let Some(plan) = line.ring_plan(ring) {
                on_offer(audit, plan, group);
            }
        }
        Event::RingRecognised { ring, group, soak } => {
            if let Some(plan) = line.ring_plan(ring) {
                on_offer(audit, plan, group);
                recognised(audit, case, plan, group, soak);
            }
        }
        _ => {}
    }
}

/// The ring's profiles as the intent resolved them.
fn profiles(audit: &mut Audit, plan: &RingPlan, policies: &BTreeSet<PolicyId>) {
    let law = Law::WriteAllowed;
    audit.require(policies.len() == plan.profiles.len(), law, || {
        format!("the ring names {} profiles, the intent {}", plan.profiles.len(), policies.len())
    });
    for profile in &plan.profiles {
        if let ProfileRef::Id(id) = profile {
            audit.require(policies.contains(id), law, || {
                format!("the intent leaves out profile {id}, which the ring names")
            });
        }
    }
}

fn target(audit: &mut Audit, case: &Case<'_>, plan: &PlanName, ring: &RingPlan, intent: &WriteIntent) {
    let wanted = with_versions(intent.before.as_ref(), &ring.targets);
    audit.require(sorted(&intent.after.versions) == wanted, LAW, || {
        "the versions after the write are not the plan's targets beside what was there unmanaged".into()
    });
    audit.require(intent.after.policies == intent.policies, LAW, || {
        "the profiles after the write are not the ring's".into()
    });
    let own = case.ledger.groups.of(plan, &ring.name).map(|owned| &owned.last.id);
    let Some(before) = &intent.before else {
        return audit.require(own.is_none(), Law::IntentFirst, || {
            format!("a group is created though the ring has {}", own.map_or("one", |id| id.as_str()))
        });
    };
    let (group, owned) = (before.id.as_str(), case.ledger.groups.get(&before.id));
    let is_free = owned.is_none_or(|owned| owned.is_of(plan, &ring.name) || !case.ledger.holds(owned));
    audit.require(is_free, LAW, || format!("group {group} belongs to another ring"));
    audit.require(own.is_none_or(|own| *own == before.id), LAW, || {
        format!("group {group} is written though the ring has another")
    });
    let ours = owned.map(|owned| &owned.last.content.policies);
    for policy in before.content.policies.difference(&intent.after.policies) {
        audit.require(ours.is_some_and(|ours| ours.contains(policy)), LAW, || {
            format!("profile {policy} is dropped, and ringward never put it there")
        });
    }
}

fn moved_out(
    audit: &mut Audit,
    case: &Case<'_>,
    (ring, is_of_another_plan): (&RingPlan, bool),
    (plan, from): (&PlanName, &RingName),
    intent: &WriteIntent,
) {
    let Some(before) = &intent.before else {
        return audit.breach(LAW, "a profile is to be moved out of a group that does not exist");
    };
    // What another plan's file names by the same word stays there, unless that plan is gone.
    let named = |owned: &Owned<'_>| {
        let line = case.ledger.plans.get(owned.plan);
        let rings = line.into_iter().flat_map(|line| &line.plan.rings);
        rings.flat_map(|ring| &ring.profiles).any(|profile| ring.profiles.contains(profile))
    };
    let lets_go = |owned: &Owned<'_>| !is_of_another_plan || !case.ledger.holds(owned) || !named(owned);
    let owned = case.ledger.groups.get(&before.id).filter(|owned| owned.is_of(plan, from));
    audit.require(owned.is_some_and(lets_go), LAW, || {
        format!("a profile is taken out of group {}, which is not {from}'s", before.id.as_str())
    });
    let left: BTreeSet<PolicyId> = before.content.policies.difference(&intent.policies).cloned().collect();
    let same = intent.after.offers_the_same_versions(&before.content) && intent.after.policies == left;
    audit.require(same, LAW, || "moving a profile out changes more than the ring's own profiles".into());
    let fewer = left.len() < before.content.policies.len();
    audit.require(fewer, LAW, || "nothing is moved out by this write".into());
}

/// What is put back is what was taken out, into the group that had it, and nothing else changes there.
fn put_back(
    audit: &mut Audit,
    case: &Case<'_>,
    (line, ring): (&PlanLine<'_>, &RingName),
    (plan, from): (&PlanName, &RingName),
    intent: &WriteIntent,
) {
    let Some(before) = &intent.before else {
        return audit.breach(LAW, "a profile is to be put back into no group");
    };
    let as_left =
        |owned: &Owned<'_>| owned.is_of(plan, from) && owned.last.content.offers_the_same(&before.content);
    audit.require(case.ledger.groups.get(&before.id).is_some_and(as_left), LAW, || {
        format!("a profile goes into group {}, which is not {from}'s as it left it", before.id.as_str())
    });
    let out = line.ring(ring).and_then(|ring| ring.between.get(&before.id));
    let added: BTreeSet<&PolicyId> = intent.after.policies.difference(&before.content.policies).collect();
    let sound = intent.after.versions == before.content.versions
        && intent.after.name == before.content.name
        && before.content.policies.is_subset(&intent.after.policies)
        && !added.is_empty()
        && out.is_some_and(|out| added.is_subset(out));
    audit.require(sound, LAW, || "more is put back than was taken out of the group".into());
}

/// A ring entered without a write: the group must have the targets and the ring's profiles.
fn on_offer(audit: &mut Audit, plan: &RingPlan, group: &Group) {
    for (environment, version) in &plan.targets {
        audit.require(offers(&group.content, *environment, *version), Law::WriteAllowed, || {
            format!("group {} does not offer {version} to {environment}", group.id.as_str())
        });
    }
    profiles(audit, plan, &group.content.policies);
}

fn recognised(audit: &mut Audit, case: &Case<'_>, plan: &RingPlan, group: &Group, soak: &SoakFact) {
    audit.require(case.ledger.soaks.contains(soak), Law::SoakProven, || {
        "the ring rests on a soak that the log does not have".into()
    });
    let same =
        soak.targets == plan.targets && soak.policies == group.content.policies && soak.group == group.id;
    audit.require(same, Law::SoakProven, || {
        "the soak was of other versions, profiles or another group".into()
    });
}
