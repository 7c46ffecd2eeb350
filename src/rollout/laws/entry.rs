//! Entering a ring: was the write allowed, and does it drop nothing unnamed?
//!
//! **Invariant:** a gate's word counts only when the schedule, the books and the numbers beside
//! it say the same.

use std::collections::BTreeSet;

use super::ledger::{Course, Ledger, Owned, Place, PlanLine};
use super::{Audit, Law, approved, down, drift, rollback};
use crate::ids::{PlanName, PolicyId, RingName};
use crate::plan::model::{ProfileRef, RingPlan};
use crate::rollout::event::{Event, Purpose, Recorded, SoakFact, Today, WriteIntent};
use crate::rollout::remote::{Group, VersionEntry};
use crate::rollout::verdict::{Evidence, Gate, Judgement, Verdict};
use crate::schedule::{Schedule, Writable};
use crate::time::{SignedDuration, Timestamp, after, since};
use crate::version::Environment;

/// A ring is entered only with this much of the opening left, or at its start (DESIGN 3).
const LEFT_OF_OPENING: SignedDuration = SignedDuration::from_mins(15);

/// The minutes after an opening's start, or a freeze's end, that count as the start.
const MINUTES_OF_THE_START: i64 = 2;
/// The guard counts writes for so long.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The sweep that a ring is entered on is at most this old (DESIGN 5: a full sweep before each
/// entry).
const ENTRY_SWEEP_MAX_AGE: SignedDuration = SignedDuration::from_mins(30);

pub(super) fn check(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let Some(line) = ledger.line(recorded) else { return };
    match &recorded.entry.event {
        Event::RingReached { ring } => reached(audit, line, recorded, ring),
        Event::WritePlanned { ring, intent } => planned(audit, ledger, line, recorded, ring, intent),
        Event::RingAssigned { ring, group, judgements } => {
            may_enter(audit, ledger, line, recorded, ring, Law::WriteAllowed);
            if let Some(plan) = line.ring_plan(ring) {
                gates(audit, plan, recorded, judgements, 1);
                approved::entered(audit, ledger, line, recorded, plan, judgements);
                down::in_place(audit, plan, recorded, judgements);
                on_offer(audit, plan, recorded, group);
            }
        }
        Event::RingRecognised { ring, group, soak } => {
            may_enter(audit, ledger, line, recorded, ring, Law::SoakProven);
            if let Some(plan) = line.ring_plan(ring) {
                on_offer(audit, plan, recorded, group);
                recognised(audit, ledger, plan, recorded, group, soak);
            }
        }
        Event::ApprovalGiven { .. } | Event::ApprovalRefused { .. } => {
            approved::spoken(audit, ledger, recorded);
        }
        _ => {}
    }
}

fn reached(audit: &mut Audit, line: &PlanLine<'_>, recorded: &Recorded, ring: &RingName) {
    let law = Law::RingsInOrder;
    let earlier = line.rings.iter().take_while(|line| line.name != ring);
    for unverified in earlier.filter(|ring| ring.place != Place::Verified) {
        audit.breach(law, recorded.seq, format!("{ring} is reached before {} is verified", unverified.name));
    }
    let pending = line.ring(ring).is_some_and(|ring| ring.place == Place::Pending);
    audit.require(pending, law, recorded.seq, || format!("{ring} is not a pending ring of this rollout"));
    audit.require(line.course == Course::Running, law, recorded.seq, || {
        format!("{ring} is reached though the rollout does not run")
    });
}

/// What holds of everything that takes a ring out of `entering`.
fn may_enter(
    audit: &mut Audit,
    ledger: &Ledger<'_>,
    line: &PlanLine<'_>,
    recorded: &Recorded,
    ring: &RingName,
    law: Law,
) {
    let seq = recorded.seq;
    let turn = line.ring(ring).is_some_and(|ring| ring.place == Place::Entering);
    audit.require(turn, Law::RingsInOrder, seq, || format!("{ring} is entered though it is not its turn"));
    let mut earlier = line.rings.iter().take_while(|line| line.name != ring);
    audit.require(earlier.all(|ring| ring.place == Place::Verified), Law::RingsInOrder, seq, || {
        format!("{ring} is entered though an earlier ring is not verified")
    });
    let other = line.rings.iter().find(|other| other.name != ring && !other.between.is_empty());
    if let Some(other) = other {
        audit.breach(law, seq, format!("{ring} is entered while a profile of {} is in no group", other.name));
    }
    drift::nothing_else(audit, ledger, line, recorded);
    may_write(audit, ledger, line, recorded, law);
}

/// What holds of every write, and of entering without one.
pub(super) fn may_write(
    audit: &mut Audit,
    ledger: &Ledger<'_>,
    line: &PlanLine<'_>,
    recorded: &Recorded,
    law: Law,
) {
    audit
        .require(line.course == Course::Running, law, recorded.seq, || "the rollout does not run".to_owned());
    not_held(audit, ledger, line, recorded, law);
}

/// What holds of every write, one that goes back included.
fn not_held(audit: &mut Audit, ledger: &Ledger<'_>, line: &PlanLine<'_>, recorded: &Recorded, law: Law) {
    let seq = recorded.seq;
    audit.require(!ledger.stopped, law, seq, || "all writes are stopped".to_owned());
    // What was taken out of one group is put into the other: a hold leaves nobody between them.
    let half = line.is_second_half(recorded);
    audit.require(half || !line.paused, law, seq, || "the plan is paused".to_owned());
    audit.require(half || line.halted.is_none(), law, seq, || "the rollout is halted".to_owned());
    audit.require(ledger.open.is_none(), Law::IntentFirst, seq, || {
        "another write is in flight or in doubt".to_owned()
    });
}

fn planned(
    audit: &mut Audit,
    ledger: &Ledger<'_>,
    line: &PlanLine<'_>,
    recorded: &Recorded,
    ring: &RingName,
    intent: &WriteIntent,
) {
    let seq = recorded.seq;
    let restores = intent.purpose == Purpose::Restore;
    let goes_back = matches!(intent.purpose, Purpose::Rollback { .. });
    let puts_back = matches!(intent.purpose, Purpose::PutBack { .. });
    if goes_back || puts_back {
        not_held(audit, ledger, line, recorded, Law::WriteAllowed);
    } else if restores {
        may_write(audit, ledger, line, recorded, Law::WriteAllowed);
    } else {
        may_enter(audit, ledger, line, recorded, ring, Law::WriteAllowed);
    }
    audit.require(!ledger.observing, Law::WriteAllowed, seq, || "the daemon only observes".to_owned());
    audit.require(intent.id.0 == ledger.writes + 1, Law::IntentFirst, seq, || {
        format!("{} follows write {}", intent.id, ledger.writes)
    });
    audit.require(intent.digest == line.revision.digest, Law::WriteAllowed, seq, || {
        "the intent follows another revision of the plan than the rollout".to_owned()
    });
    let doubted = line.ring(ring).is_some_and(|ring| match intent.purpose {
        Purpose::Restore | Purpose::Rollback { .. } => ring.restoring.doubted,
        Purpose::PutBack { .. } => ring.doubted && ring.place == Place::Entering || ring.back.doubted,
        Purpose::Target | Purpose::MoveOut { .. } => ring.doubted,
    });
    audit.require(!doubted || intent.after_doubt, Law::DoubtSettled, seq, || {
        "an earlier write for this ring was in doubt, and the intent does not say so".to_owned()
    });
    if puts_back {
        return put_back(audit, (ledger, line), recorded, ring, intent);
    }
    if goes_back {
        return rollback::planned(audit, ledger, line, recorded, ring, intent);
    }
    let Some(plan) = line.ring_plan(ring) else { return };
    // A group without devices is written back as well: that moves nobody, and the next ring may wait.
    gates(audit, plan, recorded, &intent.judgements, usize::from(!restores));
    if !restores {
        approved::entered(audit, ledger, line, recorded, plan, &intent.judgements);
        down::planned(audit, plan, recorded, intent);
    }
    let counted = intent.judgements.iter().find_map(|judgement| match judgement.evidence {
        Evidence::Fleet { eligible, .. } => Some(eligible),
        _ => None,
    });
    audit.require(counted == Some(intent.devices), Law::WriteAllowed, seq, || {
        format!("the intent names {} devices, its fleet gate counted {counted:?}", intent.devices)
    });
    blast_limit(audit, plan, recorded, intent);
    guarded(audit, ledger, recorded, intent);
    match &intent.purpose {
        Purpose::Restore | Purpose::PutBack { .. } | Purpose::Rollback { .. } => {}
        Purpose::Target | Purpose::MoveOut { .. } => profiles(audit, plan, recorded, &intent.policies),
    }
    match &intent.purpose {
        Purpose::Restore => drift::restored(audit, ledger, line, recorded, plan, intent),
        Purpose::Target => target(audit, ledger, plan, recorded, intent),
        Purpose::MoveOut { from, plan: other } => {
            moved_out(audit, ledger, recorded, (plan, other.as_ref(), from), intent);
        }
        Purpose::PutBack { .. } | Purpose::Rollback { .. } => {}
    }
}

/// What is put back is what was taken out, into the group that had it, and nothing else changes there.
fn put_back(
    audit: &mut Audit,
    (ledger, line): (&Ledger<'_>, &PlanLine<'_>),
    recorded: &Recorded,
    ring: &RingName,
    intent: &WriteIntent,
) {
    let (Purpose::PutBack { from, plan: other }, Some(before)) = (&intent.purpose, &intent.before) else {
        audit.breach(Law::NothingDropped, recorded.seq, "a profile is to be put back into no group");
        return;
    };
    let plan = other.as_ref().or(recorded.entry.rollout.as_ref().map(|id| &id.plan));
    let as_left = |owned: &Owned<'_>| {
        Some(owned.plan) == plan && owned.ring == from && owned.last.content.offers_the_same(&before.content)
    };
    audit.require(
        ledger.groups.get(&before.id).is_some_and(as_left),
        Law::NothingDropped,
        recorded.seq,
        || format!("a profile goes into group {}, which is not {from}'s as it left it", before.id.as_str()),
    );
    let out = line.ring(ring).and_then(|ring| ring.between.get(&before.id));
    let added: BTreeSet<&PolicyId> =
        intent.after.policies.iter().filter(|policy| !before.content.policies.contains(*policy)).collect();
    let sound = intent.after.versions == before.content.versions
        && intent.after.name == before.content.name
        && before.content.policies.is_subset(&intent.after.policies)
        && !added.is_empty()
        && out.is_some_and(|out| added.is_subset(out));
    audit.require(sound, Law::NothingDropped, recorded.seq, || {
        "more is put back than was taken out of the group".to_owned()
    });
}

/// Law 5, by the intent's own count.
fn blast_limit(audit: &mut Audit, plan: &RingPlan, recorded: &Recorded, intent: &WriteIntent) {
    let Some(limit) = plan.max_devices else { return };
    let within = intent.retargets.is_some_and(|devices| !limit.is_exceeded_by(devices));
    audit.require(within, Law::BlastLimit, recorded.seq, || match intent.retargets {
        Some(devices) => {
            format!("the write offers something else to {devices} devices; at most {limit} may be")
        }
        None => format!("the devices are not counted, and at most {limit} may be offered something else"),
    });
}

/// The guard on devices per day, by the books' own count.
fn guarded(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded, intent: &WriteIntent) {
    let (Some(Today { before, at_most }), law) = (intent.today, Law::BlastLimit) else { return };
    let of_today = ledger.applied.iter().filter(|(at, _)| since(*at, recorded.at) < DAY);
    let counted: usize = of_today.map(|(_, devices)| devices).sum();
    audit.require(counted == before, law, recorded.seq, || {
        format!("{before} devices are said to have been written in 24 hours, and the log has {counted}")
    });
    let devices = intent.retargets.unwrap_or(intent.devices);
    audit.require(devices == 0 || !at_most.is_exceeded_by(counted + devices), law, recorded.seq, || {
        format!("{devices} devices after {counted} in 24 hours are more than the {at_most} of the guard")
    });
}

/// Each entry gate once, and each word borne out.
fn gates(audit: &mut Audit, plan: &RingPlan, recorded: &Recorded, judgements: &[Judgement], at_least: usize) {
    let law = Law::WriteAllowed;
    for gate in [Gate::Opening, Gate::Freeze, Gate::Fleet] {
        let words = judgements.iter().filter(|judgement| judgement.gate == gate).count();
        audit.require(words == 1, law, recorded.seq, || format!("gate {gate} has {words} verdicts, not one"));
    }
    for judgement in judgements {
        // No entry gate can be waived, so nothing but a pass lets a ring in.
        audit.require(judgement.verdict == Verdict::Pass, law, recorded.seq, || {
            format!("a gate does not pass: {judgement}")
        });
        if let (Gate::Fleet, Evidence::Fleet { eligible, full_sweep_at, unresolved }) =
            (judgement.gate, &judgement.evidence)
        {
            audit.require(*eligible >= at_least, law, recorded.seq, || "no device can be moved".to_owned());
            audit.require(unresolved.is_empty(), law, recorded.seq, || {
                format!("profiles are not resolved: {}", unresolved.join(", "))
            });
            audit.fresh(law, recorded, "the fleet gate", *full_sweep_at, ENTRY_SWEEP_MAX_AGE);
        }
    }
    if let Some(why) = closed(&plan.schedule, recorded.at, LEFT_OF_OPENING) {
        audit.breach(law, recorded.seq, why);
    }
}

/// Why a schedule forbids a write at `at` with `needed` left; `None`: it does not.
pub(super) fn closed(schedule: &Schedule, at: Timestamp, needed: SignedDuration) -> Option<String> {
    if let Some(freeze) = schedule.freeze_at(at) {
        return Some(format!("a freeze is on: {}", freeze.reason));
    }
    match schedule.writable(at) {
        Writable::NotNow => Some("no opening is on".to_owned()),
        Writable::Until(end) if since(at, end) < needed && !at_a_start(schedule, at, end, needed) => {
            Some(format!("the opening ends at {end}, too soon to enter a ring"))
        }
        Writable::Until(_) | Writable::Unlimited => None,
    }
}

/// Whether writing became possible just before `at`, and stays so for `needed` from then on. That happens
/// on whole minutes only.
fn at_a_start(schedule: &Schedule, at: Timestamp, end: Timestamp, needed: SignedDuration) -> bool {
    let minute = at.as_second().div_euclid(60);
    (minute - MINUTES_OF_THE_START..=minute)
        .filter_map(|minute| Timestamp::from_second(minute * 60).ok())
        .any(|start| {
            let open = schedule.writable(start) == Writable::Until(end);
            let before = match schedule.writable(after(start, SignedDuration::from_millis(-1))) {
                Writable::NotNow => true,
                Writable::Until(until) => until <= start,
                Writable::Unlimited => false,
            };
            let lately = since(start, at) < SignedDuration::from_mins(MINUTES_OF_THE_START);
            open && before && lately && since(start, end) >= needed
        })
}

/// The ring's profiles as the intent resolved them.
fn profiles(audit: &mut Audit, plan: &RingPlan, recorded: &Recorded, policies: &BTreeSet<PolicyId>) {
    let law = Law::WriteAllowed;
    audit.require(policies.len() == plan.profiles.len(), law, recorded.seq, || {
        format!("the ring names {} profiles, the intent {}", plan.profiles.len(), policies.len())
    });
    for profile in &plan.profiles {
        if let ProfileRef::Id(id) = profile {
            audit.require(policies.contains(id), law, recorded.seq, || {
                format!("the intent leaves out profile {id}, which the ring names")
            });
        }
    }
}

/// The versions that a group shall have: the plan's, and what the plan does not name untouched.
fn versions_wanted(plan: &RingPlan, before: Option<&Group>) -> Vec<VersionEntry> {
    let named = |entry: &&VersionEntry| {
        let environments = plan.targets.keys().map(|environment: &Environment| environment.as_str());
        environments.into_iter().any(|named| entry.environment.as_deref() == Some(named))
    };
    let kept = before.into_iter().flat_map(|group| &group.content.versions);
    let mut wanted: Vec<VersionEntry> = kept.filter(|entry| !named(entry)).cloned().collect();
    wanted.extend(plan.targets.iter().map(|(environment, version)| VersionEntry {
        environment: Some(environment.as_str().to_owned()),
        version: version.to_string(),
    }));
    wanted.sort();
    wanted
}

fn target(
    audit: &mut Audit,
    ledger: &Ledger<'_>,
    plan: &RingPlan,
    recorded: &Recorded,
    intent: &WriteIntent,
) {
    let (law, seq) = (Law::NothingDropped, recorded.seq);
    let mut after = intent.after.versions.clone();
    after.sort();
    audit.require(after == versions_wanted(plan, intent.before.as_ref()), law, seq, || {
        "the versions after the write are not the plan's targets beside what was there unmanaged".to_owned()
    });
    audit.require(intent.after.policies == intent.policies, law, seq, || {
        "the profiles after the write are not the ring's".to_owned()
    });
    let Some(id) = &recorded.entry.rollout else { return };
    let own = ledger.group_of(&id.plan, &plan.name);
    match &intent.before {
        None => audit.require(own.is_none(), Law::IntentFirst, seq, || {
            format!("a group is created though the ring has {}", own.map_or("one", |id| id.as_str()))
        }),
        Some(before) => {
            let owned = ledger.groups.get(&before.id);
            audit.require(
                owned.is_none_or(|owned| {
                    *owned.plan == id.plan && *owned.ring == plan.name || !ledger.holds(owned)
                }),
                law,
                seq,
                || format!("group {} belongs to another ring", before.id.as_str()),
            );
            audit.require(own.is_none_or(|own| *own == before.id), law, seq, || {
                format!("group {} is written though the ring has another", before.id.as_str())
            });
            let ours = owned.map(|owned| &owned.last.content.policies);
            for policy in before.content.policies.difference(&intent.after.policies) {
                audit.require(ours.is_some_and(|ours| ours.contains(policy)), law, seq, || {
                    format!("profile {policy} is dropped, and ringward never put it there")
                });
            }
        }
    }
}

fn moved_out(
    audit: &mut Audit,
    ledger: &Ledger<'_>,
    recorded: &Recorded,
    (ring_plan, other, from): (&RingPlan, Option<&PlanName>, &RingName),
    intent: &WriteIntent,
) {
    let (law, seq) = (Law::NothingDropped, recorded.seq);
    let Some(before) = &intent.before else {
        audit.breach(law, seq, "a profile is to be moved out of a group that does not exist");
        return;
    };
    let plan = recorded.entry.rollout.as_ref().map(|id| &id.plan);
    let owned = ledger.groups.get(&before.id);
    let own = |owned: &Owned<'_>| other.or(plan) == Some(owned.plan) && owned.ring == from;
    // What another plan's file names by the same word stays there, unless that plan is gone.
    let named = |owned: &Owned<'_>| {
        let line = ledger.plans.get(owned.plan);
        let rings = line.into_iter().flat_map(|line| &line.plan.rings);
        rings.flat_map(|ring| &ring.profiles).any(|profile| ring_plan.profiles.contains(profile))
    };
    let lets_go = |owned: &Owned<'_>| other.is_none() || !ledger.holds(owned) || !named(owned);
    audit.require(owned.is_some_and(|owned| own(owned) && lets_go(owned)), law, seq, || {
        format!("a profile is taken out of group {}, which is not {from}'s", before.id.as_str())
    });
    let left: BTreeSet<PolicyId> = before.content.policies.difference(&intent.policies).cloned().collect();
    let mut after = intent.after.versions.clone();
    let mut kept = before.content.versions.clone();
    after.sort();
    kept.sort();
    audit.require(after == kept && intent.after.policies == left, law, seq, || {
        "moving a profile out changes more than the ring's own profiles".to_owned()
    });
    audit.require(left.len() < before.content.policies.len(), law, seq, || {
        "nothing is moved out by this write".to_owned()
    });
}

/// A ring entered without a write: the group must have the targets and the ring's profiles.
fn on_offer(audit: &mut Audit, plan: &RingPlan, recorded: &Recorded, group: &Group) {
    for (environment, version) in &plan.targets {
        let mut offered = group
            .content
            .versions
            .iter()
            .filter(|entry| entry.environment.as_deref() == Some(environment.as_str()));
        let on_offer = offered.next().is_some_and(|entry| entry.version == version.to_string());
        audit.require(on_offer && offered.next().is_none(), Law::WriteAllowed, recorded.seq, || {
            format!("group {} does not offer {version} to {environment}", group.id.as_str())
        });
    }
    profiles(audit, plan, recorded, &group.content.policies);
}

fn recognised(
    audit: &mut Audit,
    ledger: &Ledger<'_>,
    plan: &RingPlan,
    recorded: &Recorded,
    group: &Group,
    soak: &SoakFact,
) {
    audit.require(ledger.soaks.contains(soak), Law::SoakProven, recorded.seq, || {
        "the ring rests on a soak that the log does not have".to_owned()
    });
    let same =
        soak.targets == plan.targets && soak.policies == group.content.policies && soak.group == group.id;
    audit.require(same, Law::SoakProven, recorded.seq, || {
        "the soak was of other versions, profiles or another group".to_owned()
    });
}
