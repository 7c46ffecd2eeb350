//! What a plan's file may change, and when: nothing past a block, no loosening that was not announced.
//!
//! **Invariant:** what restricts is told apart from what loosens by arithmetic of the checker's own.

use std::collections::BTreeSet;

use super::audit::Law;
use super::case::Case;
use super::ledger::{PlanLine, WaitingLine};
use super::proof::drift::forbidden;
use crate::ids::RingName;
use crate::plan::change::profile_set;
use crate::plan::model::{
    ApprovalRule, DeviceLimit, Forbid, Plan, ProfileRef, Revision, RingPlan, RollbackRules,
};
use crate::rollout::record::{BlockKind, Event, GroupContent, Purpose};
use crate::time::{SignedDuration, Timestamp, after, in_words, since};

/// A person's confirmation counts for so long.
const CONFIRMED_FOR: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn check(case: &Case<'_>) {
    match case.event {
        Event::PlanAccepted { revision } | Event::NewTargetWaits { revision } => {
            announced(case, revision);
            carried(case, &revision.plan, &BTreeSet::new());
        }
        Event::PlanRevised { revision, restricts_only, dropped } => {
            match restricts_only {
                true => only_restricts(case, &revision.plan),
                false => announced(case, revision),
            }
            carried(case, &revision.plan, dropped);
        }
        Event::PlanRenamed { .. } => waited(case, case.waiting(), "a plan has another name"),
        Event::PlanRestricted { plan, .. } => only_restricts(case, plan),
        Event::WritePlanned { intent, .. } => match intent.purpose {
            Purpose::Target | Purpose::MoveOut { .. } | Purpose::Restore => {
                // What only takes profiles out offers nothing.
                if !matches!(intent.purpose, Purpose::MoveOut { .. }) {
                    unforbidden(case, &intent.after);
                }
                // What was taken out of one group is put into the other, whatever stands there since.
                if !case.line.is_some_and(|line| line.is_second_half(case.event)) {
                    not_past_a_block(case);
                }
            }
            // What goes back stands where it stood.
            Purpose::Rollback { .. } | Purpose::PutBack { .. } => {}
        },
        Event::RingAssigned { group, .. } | Event::RingRecognised { group, .. } => {
            unforbidden(case, &group.content);
            not_past_a_block(case);
        }
        Event::RingVerified { .. } | Event::RolloutCompleted {} => not_past_a_block(case),
        Event::RevisionConfirmed { digest } => {
            let same = case.waiting().is_some_and(|waiting| waiting.revision.digest == *digest);
            case.require(same, || "a revision is confirmed that does not wait");
        }
        _ => {}
    }
}

/// Nothing is entered, written back or verified past a block on account of the plan's file.
fn not_past_a_block(case: &Case<'_>) {
    let Some(line) = case.line else { return };
    let waits = case.waiting().map(|waiting| waiting.revision.kind());
    let kinds: Vec<BlockKind> = line.blocks.iter().copied().chain(waits).collect();
    case.under(Law::Blocked).require(kinds.is_empty(), || {
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        format!("{} though {} stands before it", case.event.kind(), kinds.join(", "))
    });
}

/// Nothing is offered that the plan in force forbids.
fn unforbidden(case: &Case<'_>, content: &GroupContent) {
    let Some(version) = case.line.and_then(|line| forbidden(line, content)) else { return };
    case.under(Law::BlockedVersion).breach(format!("{version} is offered, and the plan forbids it"));
}

/// A revision that does more than restrict was announced for long enough, or a person let it.
fn announced(case: &Case<'_>, revision: &Revision) {
    let digest = &revision.digest;
    // A rollout that begins anew by a person's word, or follows one in the same step, has its revision, or
    // one that is no looser.
    let known = case.plan.and_then(|plan| case.ledger.plans.get(plan)).is_some_and(|line| {
        line.revision.digest == *digest
            || line.waiting.is_some_and(|waiting| waiting.digest == *digest)
            || is_no_looser(line, &revision.plan, case.at)
    });
    if !known {
        let waiting = case.waiting().filter(|waiting| waiting.revision.digest == *digest);
        waited(case, waiting, &format!("revision {} takes effect", digest.short()));
    }
}

/// What takes effect waited long enough, or a person let it.
fn waited(case: &Case<'_>, waiting: Option<&WaitingLine<'_>>, what: &str) {
    let Some(settles) = case.ledger.settles else { return };
    let long_enough = waiting.is_some_and(|waiting| since(waiting.since, case.at) >= settles);
    let confirmed = |at: Timestamp| case.at < after(at, CONFIRMED_FOR);
    let confirmed = waiting.and_then(|waiting| waiting.confirmed_at).is_some_and(confirmed);
    let at_once = settles == SignedDuration::ZERO;
    case.require(long_enough || confirmed || at_once, || {
        format!("{what}, was not announced {} before, and nobody confirmed it", in_words(settles))
    });
}

/// A plan goes on under another name with the profiles that it had, rings aside that its files dropped.
fn carried(case: &Case<'_>, plan: &Plan, dropped: &BTreeSet<RingName>) {
    let Some(line) = case.line.filter(|line| line.carried) else { return };
    let profiles = |plan: &Plan, is_dropped: &dyn Fn(&RingName) -> bool| -> BTreeSet<ProfileRef> {
        let named = plan.rings.iter().filter(|ring| !is_dropped(&ring.name));
        named.flat_map(|ring| ring.profiles.iter().cloned()).collect()
    };
    let before = profiles(line.plan, &|ring| line.dropped.contains(ring));
    let same = before == profiles(plan, &|ring| dropped.contains(ring));
    case.under(Law::Grounded)
        .require(same, || format!("{} went on under this name with other profiles", line.plan.name));
}

/// A plan is no looser than the one in force, ring for ring.
fn only_restricts(case: &Case<'_>, plan: &Plan) {
    for what in case.line.into_iter().flat_map(|line| loosened(line, plan, case.at)) {
        case.breach(format!("{what}, and that only restricts"));
    }
}

/// Whether a plan has the rings of the one in force, and loosens nothing of it.
fn is_no_looser(line: &PlanLine<'_>, plan: &Plan, at: Timestamp) -> bool {
    let profiles = |plan: &Plan| plan.rings.iter().map(profile_set).collect::<Vec<_>>();
    profiles(line.plan) == profiles(plan) && loosened(line, plan, at).is_empty()
}

/// What of a plan is looser than the one in force.
fn loosened(line: &PlanLine<'_>, plan: &Plan, at: Timestamp) -> Vec<String> {
    looser_plan(line.plan, &|ring| line.ring_plan(ring), plan, at)
}

/// The same, of any two plans; `known`: the ring of the older one that a name stands for.
fn looser_plan<'a>(
    old: &Plan,
    known: &dyn Fn(&RingName) -> Option<&'a RingPlan>,
    plan: &Plan,
    at: Timestamp,
) -> Vec<String> {
    // A new key does not compile until it is held against what was announced, or named as one that never is.
    let Plan { name: _, was: _, description: _, account, author, forbid, on_new_target, on_drift, rings } =
        plan;
    let kept = |old: &Forbid| forbid.iter().any(|new| new.versions == old.versions);
    let lifted = old.forbid.iter().filter(|old| !kept(old));
    let mut found: Vec<String> =
        lifted.map(|old| format!("'{}' is not forbidden any more", old.versions)).collect();
    // None of their words is stricter than another.
    let others = [
        ("on_drift", *on_drift != old.on_drift),
        ("on_new_target", *on_new_target != old.on_new_target),
        ("its author", *author != old.author),
        ("its account", old.account.is_some() && *account != old.account),
    ];
    found
        .extend(others.into_iter().filter(|(_, other)| *other).map(|(what, _)| format!("{what} is another")));
    for ring in rings {
        match known(&ring.name) {
            None => found.push(format!("{} is new", ring.name)),
            Some(old) => found.extend(
                looser(old, ring, at).into_iter().map(|what| format!("{}: {what} is looser", ring.name)),
            ),
        }
    }
    found
}

/// What of a ring is looser than before. `rollback_to` is not held against it: it is in force at once.
fn looser(old: &RingPlan, new: &RingPlan, at: Timestamp) -> Vec<&'static str> {
    // A new key does not compile until it is held against what was announced, or named as one that never is.
    let RingPlan {
        name: _,
        was: _,
        group: _,
        profiles: _,
        targets,
        schedule,
        adoption,
        soak,
        health,
        unknown_after,
        on_failure,
        max_devices,
        rollback: RollbackRules { step, to: _ },
        allow_downgrade,
        approval,
    } = old;
    let most = |limit: Option<DeviceLimit>| limit.map_or(u32::MAX, DeviceLimit::get);
    let asks_less = |old: &ApprovalRule| {
        new.approval.as_ref().is_none_or(|new| {
            new.count < old.count || new.user_group != old.user_group || new.expires != old.expires
        })
    };
    let frozen = |ring: &RingPlan, (begins, ends): (Timestamp, Timestamp)| {
        ring.schedule.frozen_between(begins, ends) == since(begins, ends)
    };
    let thawed = schedule.frozen_from(at).into_iter().any(|span| !frozen(new, span));
    let found = [
        ("its targets", *targets != new.targets),
        ("its soak", new.soak < *soak),
        ("max_devices", most(new.max_devices) > most(*max_devices)),
        ("its approval", approval.as_ref().is_some_and(asks_less)),
        ("its freezes", thawed),
        ("its openings", !new.schedule.opens_only_within(schedule, at)),
        ("its adoption", new.adoption != *adoption),
        ("its health", new.health != *health),
        ("unknown_after", new.unknown_after != *unknown_after),
        ("on_failure", new.on_failure != *on_failure),
        ("allow_downgrade", new.allow_downgrade != *allow_downgrade && !new.allow_downgrade.is_nothing()),
        ("rollback.step", new.rollback.step != *step),
    ];
    found.into_iter().filter(|(_, looser)| *looser).map(|(what, _)| what).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    const IN_FORCE: &str = "
plan: client
account: 023e105f4ecef8ad9ca31a8372d0c353
versions: {windows: 2026.8.2100.0}
on_drift: halt
on_new_target: finish
forbid:
  - {versions: '=2026.7.1343', reason: broken}
rings:
  - name: First
    profiles: [default]
    soak: 72h
    max_devices: 10
    unknown_after: 6h
    on_failure: halt
    allow_downgrade: '<=2026.8.2200'
    adoption: {at_least: 80%}
    health: {stalled: {at_most: 5%}}
    rollback: {step: 4h}
    approval: {user_group: Leads, count: 2, expires: 3d}
";

    fn in_force(text: &str) -> Plan {
        plan::read("plan.yaml", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors:?}\n{text}")).plan
    }

    /// Each key, once looser and once no looser than before.
    #[test]
    fn what_is_looser_is_found_key_by_key() {
        // (what is written, what instead, what is looser)
        let rows = [
            ("windows: 2026.8.2100.0", "windows: 2026.8.2033.0", Some("First: its targets")),
            ("account: 023e105f4ecef8ad9ca31a8372d0c353\n", "", Some("its account")),
            ("on_drift: halt", "on_drift: restore", Some("on_drift")),
            ("on_new_target: finish", "on_new_target: replace", Some("on_new_target")),
            ("=2026.7.1343", "=2026.7.1344", Some("'=2026.7.1343' is not forbidden any more")),
            ("soak: 72h", "soak: 71h", Some("First: its soak")),
            ("soak: 72h", "soak: 73h", None),
            ("max_devices: 10", "max_devices: 11", Some("First: max_devices")),
            ("max_devices: 10", "max_devices: 9", None),
            ("unknown_after: 6h", "unknown_after: 7h", Some("First: unknown_after")),
            ("'<=2026.8.2200'", "true", Some("First: allow_downgrade")),
            ("    allow_downgrade: '<=2026.8.2200'\n", "", None),
            ("at_least: 80%", "at_least: 70%", Some("First: its adoption")),
            ("at_most: 5%", "at_most: 6%", Some("First: its health")),
            ("step: 4h", "step: 3h", Some("First: rollback.step")),
            ("count: 2", "count: 1", Some("First: its approval")),
            ("count: 2", "count: 3", None),
            ("user_group: Leads", "user_group: Everybody", Some("First: its approval")),
            ("expires: 3d", "expires: 4d", Some("First: its approval")),
            ("nothing", "nothing", None),
        ];
        let (at, old) = ("2026-11-23T10:00:00Z".parse().unwrap(), in_force(IN_FORCE));
        let known = |name: &RingName| old.rings.iter().find(|ring| ring.name == *name);
        for (written, instead, expected) in rows {
            let found = looser_plan(&old, &known, &in_force(&IN_FORCE.replace(written, instead)), at);
            let is_found = |what: &str| found.iter().any(|found| found.starts_with(what));
            match expected {
                Some(what) => assert!(is_found(what), "{instead}: {found:?}"),
                None => assert!(found.is_empty(), "{instead}: {found:?}"),
            }
        }
    }
}
