//! What a plan's file may change, and when: nothing past a block, no loosening that was not announced.
//!
//! **Invariant:** what restricts is told apart from what loosens by arithmetic of the checker's own.

use super::audit::{Audit, Law};
use super::case::Case;
use std::collections::BTreeSet;

use super::ledger::{PlanLine, WaitingLine};
use super::proof::drift::forbidden;
use crate::ids::RingName;
use crate::plan::change::profile_set;
use crate::plan::model::{DeviceLimit, Forbid, Plan, ProfileRef, Revision, RingPlan};
use crate::rollout::record::GroupContent;
use crate::rollout::record::{BlockKind, Event, Purpose};
use crate::time::{SignedDuration, Timestamp, after, in_words, since};

/// A person's confirmation counts for so long.
const CONFIRMED_FOR: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn check(audit: &mut Audit, case: &Case<'_>) {
    let line = case.line;
    match case.event {
        Event::PlanAccepted { revision } | Event::NewTargetWaits { revision } => {
            announced(audit, case, revision);
            carried(audit, case, &revision.plan, &BTreeSet::new());
        }
        Event::PlanRevised { revision, restricts_only, dropped } => {
            match restricts_only {
                true => only_restricts(audit, case, &revision.plan),
                false => announced(audit, case, revision),
            }
            carried(audit, case, &revision.plan, dropped);
        }
        Event::PlanRenamed { .. } => {
            waited(audit, case, case.waiting(), "a plan has another name");
        }
        Event::PlanRestricted { plan, .. } => only_restricts(audit, case, plan),
        Event::WritePlanned { intent, .. } => match intent.purpose {
            Purpose::Target | Purpose::MoveOut { .. } | Purpose::Restore => {
                // What only takes profiles out offers nothing.
                if !matches!(intent.purpose, Purpose::MoveOut { .. }) {
                    unforbidden(audit, case, &intent.after);
                }
                // What was taken out of one group is put into the other, whatever stands there since.
                if !line.is_some_and(|line| line.is_second_half(case.event)) {
                    not_past_a_block(audit, case);
                }
            }
            // What goes back stands where it stood.
            Purpose::Rollback { .. } | Purpose::PutBack { .. } => {}
        },
        Event::RingAssigned { group, .. } | Event::RingRecognised { group, .. } => {
            unforbidden(audit, case, &group.content);
            not_past_a_block(audit, case);
        }
        Event::RingVerified { .. } | Event::RolloutCompleted {} => {
            not_past_a_block(audit, case);
        }
        Event::RevisionConfirmed { digest } => {
            let same = case.waiting().is_some_and(|waiting| waiting.revision.digest == *digest);
            audit.require(same, Law::Announced, || "a revision is confirmed that does not wait".into());
        }
        _ => {}
    }
}

/// Nothing is entered, written back or verified past a block on account of the plan's file.
fn not_past_a_block(audit: &mut Audit, case: &Case<'_>) {
    let Some(line) = case.line else { return };
    let waits = case.waiting().map(|waiting| waiting.revision.kind());
    let kinds: Vec<BlockKind> = line.blocks.iter().copied().chain(waits).collect();
    audit.require(kinds.is_empty(), Law::Blocked, || {
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        format!("{} though {} stands before it", case.event.kind(), kinds.join(", "))
    });
}

/// Nothing is offered that the plan in force forbids.
fn unforbidden(audit: &mut Audit, case: &Case<'_>, content: &GroupContent) {
    let Some(version) = case.line.and_then(|line| forbidden(line, content)) else { return };
    audit.breach(Law::HeldOut, format!("{version} is offered, and the plan forbids it"));
}

/// A revision that does more than restrict was announced for long enough, or a person let it.
fn announced(audit: &mut Audit, case: &Case<'_>, revision: &Revision) {
    let digest = &revision.digest;
    let Some(plan) = case.plan else { return };
    // A rollout that begins anew by a person's word, or follows one in the same step, has its revision, or
    // one that is no looser.
    let known = case.ledger.plans.get(plan).is_some_and(|line| {
        line.revision.digest == *digest
            || line.waiting.is_some_and(|waiting| waiting.digest == *digest)
            || is_no_looser(line, &revision.plan, case.at)
    });
    if !known {
        let waiting = case.waiting().filter(|waiting| waiting.revision.digest == *digest);
        waited(audit, case, waiting, &format!("revision {} takes effect", digest.short()));
    }
}

/// What takes effect waited long enough, or a person let it.
fn waited(audit: &mut Audit, case: &Case<'_>, waiting: Option<&WaitingLine<'_>>, what: &str) {
    let Some(settles) = case.ledger.settles else { return };
    let long_enough = waiting.is_some_and(|waiting| since(waiting.since, case.at) >= settles);
    let confirmed = |at: Timestamp| case.at < after(at, CONFIRMED_FOR);
    let confirmed = waiting.and_then(|waiting| waiting.confirmed_at).is_some_and(confirmed);
    let at_once = settles == SignedDuration::ZERO;
    audit.require(long_enough || confirmed || at_once, Law::Announced, || {
        format!("{what}, was not announced {} before, and nobody confirmed it", in_words(settles))
    });
}

/// A plan goes on under another name with the profiles that it had, rings aside that its files dropped.
fn carried(audit: &mut Audit, case: &Case<'_>, plan: &Plan, dropped: &BTreeSet<RingName>) {
    let Some(line) = case.line.filter(|line| line.carried) else { return };
    let profiles = |plan: &Plan, is_dropped: &dyn Fn(&RingName) -> bool| -> BTreeSet<ProfileRef> {
        let named = plan.rings.iter().filter(|ring| !is_dropped(&ring.name));
        named.flat_map(|ring| ring.profiles.iter().cloned()).collect()
    };
    let before = profiles(line.plan, &|ring| line.dropped.contains(ring));
    let same = before == profiles(plan, &|ring| dropped.contains(ring));
    audit.require(same, Law::Grounded, || {
        format!("{} went on under this name with other profiles", line.plan.name)
    });
}

/// A plan is no looser than the one in force, ring for ring.
fn only_restricts(audit: &mut Audit, case: &Case<'_>, plan: &Plan) {
    for what in case.line.into_iter().flat_map(|line| loosened(line, plan, case.at)) {
        audit.breach(Law::Announced, format!("{what}, and that only restricts"));
    }
}

/// Whether a plan has the rings of the one in force, and loosens nothing of it.
fn is_no_looser(line: &PlanLine<'_>, plan: &Plan, at: Timestamp) -> bool {
    let profiles = |plan: &Plan| plan.rings.iter().map(profile_set).collect::<Vec<_>>();
    profiles(line.plan) == profiles(plan) && loosened(line, plan, at).is_empty()
}

/// What of a plan is looser than the one in force.
fn loosened(line: &PlanLine<'_>, plan: &Plan, at: Timestamp) -> Vec<String> {
    let kept = |old: &Forbid| plan.forbid.iter().any(|new| new.versions == old.versions);
    let lifted = line.plan.forbid.iter().filter(|old| !kept(old));
    let mut found: Vec<String> =
        lifted.map(|old| format!("'{}' is not forbidden any more", old.versions)).collect();
    for ring in &plan.rings {
        match line.ring_plan(&ring.name) {
            None => found.push(format!("{} is new", ring.name)),
            Some(old) => found.extend(
                looser(old, ring, at).into_iter().map(|what| format!("{}: {what} is looser", ring.name)),
            ),
        }
    }
    found
}

/// What of a ring is looser than before.
fn looser(old: &RingPlan, new: &RingPlan, at: Timestamp) -> Vec<&'static str> {
    let most = |ring: &RingPlan| ring.max_devices.map_or(u32::MAX, DeviceLimit::get);
    let asked = |ring: &RingPlan| ring.approval.as_ref().map_or(0, |rule| rule.count.get());
    let frozen = |ring: &RingPlan, (begins, ends): (Timestamp, Timestamp)| {
        ring.schedule.frozen_between(begins, ends) == since(begins, ends)
    };
    let thawed = old.schedule.frozen_from(at).into_iter().any(|span| !frozen(new, span));
    let found = [
        ("its targets", old.targets != new.targets),
        ("its soak", new.soak < old.soak),
        ("max_devices", most(new) > most(old)),
        ("its approval", asked(new) < asked(old)),
        ("its freezes", thawed),
        ("its openings", !new.schedule.opens_only_within(&old.schedule, at)),
        ("its adoption", new.adoption != old.adoption),
        ("its health", new.health != old.health),
    ];
    found.into_iter().filter(|(_, looser)| *looser).map(|(what, _)| what).collect()
}
