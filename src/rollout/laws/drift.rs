//! Drift: what may be said about it, what may be written back, and what it keeps from going on.
//!
//! **Invariant:** a group is written back only as ringward left it, and only after its drift is on
//! record.

use super::audit::Law;
use super::case::Case;
use super::ledger::{Owned, enters};
use super::proof::content::offers;
use super::proof::drift::{RESTORES, forbidden, is_off_known, is_off_left, is_updater};
use super::proof::ensure;
use crate::plan::model::OnDrift;
use crate::rollout::record::{Drift, Event, Purpose};

/// Whether what is said about drift has its grounds in the books.
pub(super) fn check(case: &Case<'_>) {
    let Some(line) = case.line else { return };
    let on_drift = line.plan.on_drift;
    let proof = match case.event {
        Event::DriftFound { drift } if drift.never.is_some() => {
            Err("a drift that is never written back is on record as to be written back".to_owned())
        }
        Event::DriftFound { drift } if on_drift == OnDrift::Restore => is_off_left(case, drift),
        Event::DriftFound { .. } => Err("the plan does not have drift written back".to_owned()),
        Event::DriftAdopted { drift: Drift::Group(drift) } if on_drift == OnDrift::Accept => {
            is_off_known(case, drift)
        }
        Event::DriftAdopted { drift: Drift::OtherUpdater(updater) } if on_drift == OnDrift::Accept => {
            is_updater(case, line, updater)
        }
        Event::DriftAdopted { .. } => Err("the plan does not accept drift".to_owned()),
        Event::DriftEnded { group, .. } => {
            let off = |owned: &&Owned<'_>| {
                owned.drifted.is_some() || !owned.last.content.offers_the_same(owned.left)
            };
            let owned = case.ledger.groups.get(&group.id).filter(off);
            let sound = owned.is_some_and(|owned| group.content.offers_the_same(owned.left));
            ensure(sound, || "the group had not drifted, or is not as ringward left it")
        }
        Event::GroupRenamed { was, group, .. } => {
            let sound = case.ledger.groups.get(&group.id).is_some() && *was != group.content.name;
            ensure(sound, || "the group has the name that it had, or is not ringward's")
        }
        _ => Ok(()),
    };
    case.note(proof);
}

/// While a group is to be written back, nothing else is entered or ends for its plan.
pub(super) fn nothing_else(case: &Case<'_>) {
    let goes_on = match case.event {
        Event::WritePlanned { intent, .. } => enters(&intent.purpose),
        Event::RingAssigned { .. } | Event::RingRecognised { .. } | Event::RolloutCompleted {} => true,
        _ => false,
    };
    let (Some(line), Some(plan), true) = (case.line, case.plan, goes_on) else { return };
    let mut drifted = case.ledger.groups.drifted(plan).filter(|owned| line.ring(owned.ring).is_some());
    if let Some(owned) = drifted.next().filter(|_| line.plan.on_drift == OnDrift::Restore) {
        case.breach(format!("the group of {} drifted, and is to be written back first", owned.ring));
    }
}

/// A write that puts a group back.
pub(super) fn restored(case: &Case<'_>) {
    let (Event::WritePlanned { ring, intent }, Some(line)) = (case.event, case.line) else { return };
    if intent.purpose != Purpose::Restore || line.ring_plan(ring).is_none() {
        return;
    }
    case.require(line.plan.on_drift == OnDrift::Restore, || "the plan does not have drift written back");
    if let Some(version) = forbidden(line, &intent.after) {
        case.breach(format!("{version} is written back, which the plan forbids"));
    }
    let done = line.ring(ring).map_or(0, |ring| ring.restoring.done);
    case.require(done < RESTORES, || {
        format!("the group is written back, and was {done} times before in this rollout")
    });
    let Some(plan) = case.plan else { return };
    let mut drifted = case.ledger.groups.drifted(plan).filter(|owned| owned.ring == ring);
    let as_seen = |owned: &&Owned<'_>| match (owned.drifted.map(|drift| &drift.seen), &intent.before) {
        (Some(Some(seen)), Some(before)) => {
            seen.id == before.id && seen.content.offers_the_same(&before.content)
        }
        (Some(None), None) => true,
        _ => false,
    };
    let Some(owned) = drifted.find(as_seen) else {
        return case.breach("the drift that it undoes is not on record");
    };
    let case = case.under(Law::NothingDropped);
    let as_left = intent.after.offers_the_same(owned.left);
    case.require(as_left, || "the group is not written back as ringward left it");
    let same = intent.policies == intent.after.policies;
    case.require(same, || "the profiles that adopt are not those of the group");
}

/// A ring is verified only on a group that offers its targets, as far as the log can tell.
pub(super) fn verified(case: &Case<'_>) {
    let (Event::RingVerified { ring, .. }, Some(line)) = (case.event, case.line) else { return };
    let Some((ring, plan)) = line.planned_ring(ring) else { return };
    let name = ring.name;
    let Some(owned) = ring.group.and_then(|id| case.ledger.groups.get(id)) else {
        return case.breach(format!("{name} is verified though its group is gone"));
    };
    let content = &owned.last.content;
    let offered = plan.targets.iter().all(|(environment, version)| offers(content, *environment, *version));
    let to_all = ring.policies.is_none_or(|policies| policies.is_subset(&content.policies));
    case.require(offered && to_all, || {
        format!("{name} is verified though its group does not offer its targets")
    });
    let restores = line.plan.on_drift == OnDrift::Restore;
    case.require(!restores || owned.drifted.is_none(), || {
        format!("{name} is verified though its group is to be written back")
    });
}
