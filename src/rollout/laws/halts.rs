//! Halts, what people acknowledge of them, and waivers: each has its grounds on record.
//!
//! **Invariant:** a halt says what the books say, a gate that cannot tell for too long halts, and a waiver is of a gate
//! that the ring still has before it.

use std::collections::BTreeSet;

use super::audit::{Audit, Law};
use super::case::Case;
use super::ledger::{LedgerRingState, LeftLine, PlanLine, PlanPhase, RingLine};
use super::proof::adoption::not_adopted;
use super::proof::{drift, health};
use crate::ids::{DeviceId, RingName};
use crate::plan::model::{OnDrift, RingPlan};
use crate::rollout::record::{Cause, Event};
use crate::rollout::record::{Evidence, Failing, Gate, Judgement, Unknown, Verdict};
use crate::time::{SignedDuration, Timestamp, after, since};

const LAW: Law = Law::Grounded;

/// Writes in a row that may come to nothing before a person must look.
const FAILURES_TO_HALT: u32 = 6;

pub(super) fn check(audit: &mut Audit, case: &Case<'_>) {
    let Some(line) = case.line else { return };
    match case.event {
        Event::Halted { cause } => {
            audit.require(line.halted.is_none(), LAW, || "the rollout is halted already".into());
            audit.note(LAW, ungrounded(case, line, cause));
        }
        Event::HaltLifted { cause, acknowledged } => {
            audit.require(line.halted == Some(cause), LAW, || {
                "what is acknowledged is not what halted the rollout".into()
            });
            for found in acknowledged {
                let of_health = matches!(found.gate, Gate::Stalled | Gate::Dark);
                let reached =
                    line.ring(&found.ring).is_some_and(|ring| ring.state != LedgerRingState::Pending);
                let reached = reached || line.is_of_left(found);
                audit.require(reached && (of_health || found.devices.is_empty()), LAW, || {
                    format!("gate {} of {} has nothing to acknowledge", found.gate, found.ring)
                });
            }
        }
        Event::WriteConfirmed { .. } | Event::WriteRefused { .. } | Event::WriteSettled { .. } => {
            overdue(audit, case, line);
        }
        _ => {}
    }
}

/// Why a halt has no grounds in the books; `None`: it has.
fn ungrounded(case: &Case<'_>, line: &PlanLine<'_>, cause: &Cause) -> Option<String> {
    let ring = line.ring(cause.ring());
    let plan = line.ring_plan(cause.ring());
    match cause {
        Cause::Drift(drift) => drift::ungrounded_halt(case, line, drift),
        Cause::OtherUpdater(_) if line.plan.on_drift == OnDrift::Accept => {
            Some("the plan accepts drift".to_owned())
        }
        Cause::OtherUpdater(updater) => drift::no_updater(case, line, updater),
        Cause::Unhealthy { ring, judgement, devices } if line.left_in(ring).is_some() => {
            left_ungrounded(case, line, ring, judgement, devices)
        }
        _ if ring.is_none() || plan.is_none() => Some(format!("the rollout has no ring {}", cause.ring())),
        Cause::AdoptionMissed { judgement, .. } => missed(case, line, (ring?, plan?), judgement),
        Cause::Unhealthy { judgement, devices, .. } => {
            health::ungrounded(case, (ring?, plan?), judgement, devices)
                .or_else(|| drift::not_offered(case, (ring?, plan?), judgement))
        }
        Cause::UnknownTooLong { gate: Gate::Fleet, why: Unknown::ReadFails, since: from, .. } => {
            let long = |unread: &Vec<Timestamp>| {
                let last = unread.last().filter(|_| unread.contains(from));
                last.is_some_and(|last| {
                    since(*from, *last) >= plan.map_or(SignedDuration::MAX, |plan| plan.unknown_after.get())
                })
            };
            (!long(&ring?.entering.unread) && !long(&ring?.restoring.unread))
                .then(|| "the reads before its writes are not on record as failing for that long".to_owned())
        }
        Cause::UnknownTooLong { gate, environment, why, since: from, .. } => {
            let noted = ring?.unknown.get(&(*gate, *environment)) == Some(&(*why, *from));
            let long = since(*from, case.at) >= plan?.unknown_after.get();
            (!(noted && long)).then(|| format!("gate {gate} is not on record as unknown for that long"))
        }
        Cause::Forbidden { version, .. } => (!(line.forbids(*version) && plan?.asks_for(*version)))
            .then(|| format!("the plan does not forbid {version}, or does not ask this ring for it")),
        Cause::WriteRefused { status, .. } => ring?
            .all_tries()
            .iter()
            .all(|tries| tries.refused != Some(*status))
            .then(|| format!("no refusal with {status} of a write for this ring is on record")),
        Cause::WritesKeepFailing { attempts, .. } => {
            let mut counts = ring?.all_tries().map(|tries| tries.failures).into_iter();
            let counted = counts.find(|count| *count >= FAILURES_TO_HALT).unwrap_or_default();
            (counted != *attempts || counted < FAILURES_TO_HALT)
                .then(|| format!("{counted} writes in a row came to nothing, by the log"))
        }
    }
}

/// Why a halt for what is left on offer in a ring has no grounds; `None`: it has. Several rollouts may have
/// left something there, and a halt does not say whose it is for.
fn left_ungrounded(
    case: &Case<'_>,
    line: &PlanLine<'_>,
    ring: &RingName,
    judgement: &Judgement,
    devices: &BTreeSet<DeviceId>,
) -> Option<String> {
    let left = line.left.iter().filter(|left| left.ring.name == ring);
    let mut found = left.map(|left| left_by_one(case, line, left, (judgement, devices)));
    let first = found.next()?;
    if found.any(|why| why.is_none()) { None } else { first }
}

fn left_by_one(
    case: &Case<'_>,
    line: &PlanLine<'_>,
    left: &LeftLine<'_>,
    (judgement, devices): (&Judgement, &BTreeSet<DeviceId>),
) -> Option<String> {
    let current = line.rings.iter().find(|ring| ring.state != LedgerRingState::Verified);
    let current = current.and_then(|ring| line.ring_plan(ring.name));
    let environment = judgement.environment?;
    let offered = left.targets.get(&environment);
    let same = current.is_some_and(|plan| offered.is_some() && plan.targets.get(&environment) == offered);
    if !same {
        return Some("no ring whose turn it is would be offered what it fails for".to_owned());
    }
    health::ungrounded(case, (&left.ring, &left.offered()), judgement, devices)
}

fn missed(
    case: &Case<'_>,
    line: &PlanLine<'_>,
    (ring, plan): (&RingLine<'_>, &RingPlan),
    judgement: &Judgement,
) -> Option<String> {
    let Evidence::Adoption { census, deadline_at, .. } = &judgement.evidence else {
        return Some("a missed adoption has no counts".to_owned());
    };
    if ring.state != LedgerRingState::Adopting || judgement.verdict != Verdict::Fail(Failing::DeadlineMissed)
    {
        return Some("the ring is not adopting, or its gate does not fail".to_owned());
    }
    // Freezes, holds, a file that was gone and time that nobody watched push the deadline back;
    // nothing else does, and nothing pulls it forward.
    let from = ring.deadline_from?;
    let pushed_by = |until| {
        let still = line.stood_still(&plan.schedule, from, until);
        after(after(from, plan.adoption.within.get()), still)
    };
    let earliest = pushed_by(judgement.as_of.unwrap_or(from).clamp(from, case.at.max(from)));
    let latest = pushed_by(case.at.max(from));
    if !(earliest..=latest).contains(deadline_at) || case.at < *deadline_at {
        return Some(format!("the deadline is {deadline_at}, and must lie from {earliest} to {latest}"));
    }
    not_adopted(plan, census).is_none().then(|| "the counts are an adoption".to_owned())
}

/// A gate that cannot tell for too long halts, whatever else is under way: what became of a write may
/// take days to find out.
fn overdue(audit: &mut Audit, case: &Case<'_>, line: &PlanLine<'_>) {
    if line.halted.is_some() || !line.is_running() {
        return;
    }
    for ring in line.rings.iter().filter(|ring| ring.state != LedgerRingState::Deploying) {
        let Some(plan) = line.ring_plan(ring.name) else { continue };
        // What ends a write is case before a halt of the same instant.
        let limit = plan.unknown_after.get() + audit.tolerance.in_transit;
        let late = ring.unknown.iter().find(|(_, (_, begun))| since(*begun, case.at) > limit);
        if let Some(((gate, _), (_, begun))) = late {
            let text = format!("gate {gate} of {} is unknown since {begun}, and nothing halted", ring.name);
            audit.breach(LAW, text);
        }
    }
}

/// Gates that cannot tell or are waived, and rings that are let go.
pub(super) fn waivers(audit: &mut Audit, case: &Case<'_>) {
    let Some(line) = case.line else { return };
    match case.event {
        Event::GateWaived { ring, gate } => {
            let of_health = matches!(gate, Gate::Stalled | Gate::Dark);
            let gone = line.phase == PlanPhase::Withdrawn || line.dropped.contains(ring);
            let dropped = *gate == Gate::Ring && gone;
            let waivable = of_health || dropped || matches!(gate, Gate::Adoption | Gate::Soak);
            audit.require(waivable, LAW, || format!("gate {gate} cannot be waived"));
            let reached = line.ring(ring).is_some_and(|ring| {
                ring.state != LedgerRingState::Pending
                    && (ring.state != LedgerRingState::Verified || of_health)
                    && !ring.waived.contains_key(gate)
            });
            audit.require(reached, LAW, || format!("{ring} has no gate {gate} to waive now"));
        }
        Event::RingLetGo { ring, profiles, .. } => {
            let dropped = line.dropped.contains(ring);
            let had = line
                .ring(ring)
                .filter(|ring| matches!(ring.state, LedgerRingState::Adopting | LedgerRingState::Soaking));
            let whole = had.and_then(|ring| ring.policies) == Some(profiles);
            audit.require(dropped && whole, LAW, || {
                format!("{ring} is let go, and the plan's file names it, or it had other profiles")
            });
        }
        Event::GateUnknown { ring, gate, environment, why } => {
            let noted = line.ring(ring).map(|ring| ring.unknown.get(&(*gate, *environment)));
            let news = noted.is_some_and(|noted| noted.is_none_or(|(noted, _)| noted != why));
            audit.require(news, LAW, || format!("gate {gate} of {ring} is unknown already"));
        }
        Event::GateKnown { ring, gate, environment } => {
            let unknown =
                line.ring(ring).is_some_and(|ring| ring.unknown.contains_key(&(*gate, *environment)));
            audit.require(unknown, LAW, || format!("gate {gate} of {ring} was not unknown"));
        }
        _ => {}
    }
}
