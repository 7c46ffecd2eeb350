//! Halts, what people acknowledge of them, and waivers: each has its grounds on record.
//!
//! **Invariant:** a halt says what the books say, a gate that cannot tell for too long halts, and a waiver is of a gate
//! that the ring still has before it.

use std::collections::BTreeSet;

use super::case::Case;
use super::ledger::{LedgerRingState, LeftLine, PlanLine, PlanPhase, PlannedRing, is_of_health};
use super::proof::adoption::is_adopted;
use super::proof::{Proof, drift, ensure, health};
use crate::ids::{DeviceId, RingName};
use crate::plan::model::OnDrift;
use crate::rollout::record::{Cause, Event, Evidence, Failing, Gate, Judgement, Unknown, Verdict};
use crate::time::{Timestamp, after, since};

/// Writes in a row that may come to nothing before a person must look.
const FAILURES_TO_HALT: u32 = 6;

pub(super) fn check(case: &Case<'_>) {
    let Some(line) = case.line else { return };
    match case.event {
        Event::Halted { cause } => {
            case.require(line.halted.is_none(), || "the rollout is halted already");
            case.note(is_grounded(case, line, cause));
        }
        Event::HaltLifted { cause, acknowledged } => {
            let same = line.halted == Some(cause);
            case.require(same, || "what is acknowledged is not what halted the rollout");
            for found in acknowledged {
                let of_health = is_of_health(found.gate);
                let reached = line.ring(&found.ring).is_some_and(|ring| !ring.is(LedgerRingState::Pending));
                let reached = reached || line.is_of_left(found);
                case.require(reached && (of_health || found.devices.is_empty()), || {
                    format!("gate {} of {} has nothing to acknowledge", found.gate, found.ring)
                });
            }
        }
        Event::WriteConfirmed { .. } | Event::WriteRefused { .. } | Event::WriteSettled { .. } => {
            overdue(case, line);
        }
        _ => {}
    }
}

/// Whether a halt has its grounds in the books.
fn is_grounded(case: &Case<'_>, line: &PlanLine<'_>, cause: &Cause) -> Proof {
    let of_ring = || {
        let known = line.planned_ring(cause.ring());
        known.ok_or_else(|| format!("the rollout has no ring {}", cause.ring()))
    };
    match cause {
        Cause::Drift(drift) => drift::halts(case, line, drift),
        Cause::OtherUpdater(updater) => {
            ensure(line.plan.on_drift != OnDrift::Accept, || "the plan accepts drift")?;
            drift::is_updater(case, line, updater)
        }
        Cause::Unhealthy { ring, judgement, devices } if line.left_in(ring).is_some() => {
            is_grounded_by_left(case, line, ring, (judgement, devices))
        }
        Cause::AdoptionMissed { judgement, .. } => is_missed(case, line, of_ring()?, judgement),
        Cause::Unhealthy { judgement, devices, .. } => {
            health::halts(case, of_ring()?, judgement, devices)?;
            drift::is_offered(case, of_ring()?, judgement)
        }
        Cause::UnknownTooLong { gate: Gate::Fleet, why: Unknown::ReadFails, since: from, .. } => {
            let (ring, plan) = of_ring()?;
            let long = |unread: &[Timestamp]| {
                let last = unread.last().filter(|_| unread.contains(from));
                last.is_some_and(|last| since(*from, *last) >= plan.unknown_after.get())
            };
            let long = long(&ring.entering.unread) || long(&ring.restoring.unread);
            ensure(long, || "the reads before its writes are not on record as failing for that long")
        }
        Cause::UnknownTooLong { gate, environment, why, since: from, .. } => {
            let (ring, plan) = of_ring()?;
            let noted = ring.unknown.get(&(*gate, *environment)) == Some(&(*why, *from));
            ensure(noted && since(*from, case.at) >= plan.unknown_after.get(), || {
                format!("gate {gate} is not on record as unknown for that long")
            })
        }
        Cause::Forbidden { version, .. } => {
            let (_, plan) = of_ring()?;
            ensure(line.forbids(*version) && plan.asks_for(*version), || {
                format!("the plan does not forbid {version}, or does not ask this ring for it")
            })
        }
        Cause::WriteRefused { status, .. } => {
            let (ring, _) = of_ring()?;
            ensure(ring.all_tries().iter().any(|tries| tries.refused == Some(*status)), || {
                format!("no refusal with {status} of a write for this ring is on record")
            })
        }
        Cause::WritesKeepFailing { attempts, .. } => {
            let (ring, _) = of_ring()?;
            let mut counts = ring.all_tries().map(|tries| tries.failures).into_iter();
            let counted = counts.find(|count| *count >= FAILURES_TO_HALT).unwrap_or_default();
            ensure(counted == *attempts && counted >= FAILURES_TO_HALT, || {
                format!("{counted} writes in a row came to nothing, by the log")
            })
        }
    }
}

/// Whether a halt for what is left on offer in a ring has its grounds. Several rollouts may have left something
/// there, and a halt does not say whose it is for.
fn is_grounded_by_left(
    case: &Case<'_>,
    line: &PlanLine<'_>,
    ring: &RingName,
    (judgement, devices): (&Judgement, &BTreeSet<DeviceId>),
) -> Proof {
    let current = line.rings.iter().find(|ring| !ring.is(LedgerRingState::Verified));
    let current = current.and_then(|ring| line.ring_plan(ring.name));
    let by_one = |left: &LeftLine<'_>| {
        let Some(environment) = judgement.environment else { return Ok(()) };
        let offered = left.targets.get(&environment);
        let same = offered.is_some() && current.and_then(|plan| plan.targets.get(&environment)) == offered;
        ensure(same, || "no ring whose turn it is would be offered what it fails for")?;
        health::halts(case, (&left.ring, &left.offered()), judgement, devices)
    };
    let mut proofs = line.left.iter().filter(|left| left.ring.name == ring).map(by_one);
    let first = proofs.next().unwrap_or(Ok(()));
    first.or_else(|why| if proofs.any(|other| other.is_ok()) { Ok(()) } else { Err(why) })
}

fn is_missed(
    case: &Case<'_>,
    line: &PlanLine<'_>,
    (ring, plan): PlannedRing<'_>,
    judgement: &Judgement,
) -> Proof {
    let Evidence::Adoption { census, deadline_at, .. } = &judgement.evidence else {
        return Err("a missed adoption has no counts".to_owned());
    };
    let fails =
        ring.is(LedgerRingState::Adopting) && judgement.verdict == Verdict::Fail(Failing::DeadlineMissed);
    ensure(fails, || "the ring is not adopting, or its gate does not fail")?;
    // Freezes, holds, a file that was gone and time that nobody watched push the deadline back;
    // nothing else does, and nothing pulls it forward.
    let Some(from) = ring.deadline_from else { return Ok(()) };
    let pushed_by = |until| {
        let still = line.stood_still(&plan.schedule, from, until);
        after(after(from, plan.adoption.within.get()), still)
    };
    let earliest = pushed_by(judgement.as_of.unwrap_or(from).clamp(from, case.at.max(from)));
    let latest = pushed_by(case.at.max(from));
    ensure((earliest..=latest).contains(deadline_at) && case.at >= *deadline_at, || {
        format!("the deadline is {deadline_at}, and must lie from {earliest} to {latest}")
    })?;
    ensure(is_adopted(plan, census).is_err(), || "the counts are an adoption")
}

/// A gate that cannot tell for too long halts, whatever else is under way: what became of a write may
/// take days to find out.
fn overdue(case: &Case<'_>, line: &PlanLine<'_>) {
    if line.halted.is_some() || !line.is_running() {
        return;
    }
    for ring in line.rings.iter().filter(|ring| ring.state != LedgerRingState::Deploying) {
        let Some(plan) = line.ring_plan(ring.name) else { continue };
        // What ends a write is told before a halt of the same instant.
        let limit = plan.unknown_after.get() + case.in_transit();
        let late = ring.unknown.iter().find(|(_, (_, begun))| since(*begun, case.at) > limit);
        if let Some(((gate, _), (_, begun))) = late {
            case.breach(format!("gate {gate} of {} is unknown since {begun}, and nothing halted", ring.name));
        }
    }
}

/// Gates that cannot tell or are waived, and rings that are let go.
pub(super) fn waivers(case: &Case<'_>) {
    let Some(line) = case.line else { return };
    match case.event {
        Event::GateWaived { ring, gate } => {
            let of_health = is_of_health(*gate);
            let gone = line.phase == PlanPhase::Withdrawn || line.dropped.contains(ring);
            let dropped = *gate == Gate::Ring && gone;
            let waivable = of_health || dropped || matches!(gate, Gate::Adoption | Gate::Soak);
            case.require(waivable, || format!("gate {gate} cannot be waived"));
            let reached = line.ring(ring).is_some_and(|ring| {
                ring.state != LedgerRingState::Pending
                    && (ring.state != LedgerRingState::Verified || of_health)
                    && !ring.waived.contains_key(gate)
            });
            case.require(reached, || format!("{ring} has no gate {gate} to waive now"));
        }
        Event::RingLetGo { ring, profiles, .. } => {
            let dropped = line.dropped.contains(ring);
            let had = line
                .ring(ring)
                .filter(|ring| matches!(ring.state, LedgerRingState::Adopting | LedgerRingState::Soaking));
            let whole = had.and_then(|ring| ring.policies) == Some(profiles);
            case.require(dropped && whole, || {
                format!("{ring} is let go, and the plan's file names it, or it had other profiles")
            });
        }
        Event::GateUnknown { ring, gate, environment, why } => {
            let noted = line.ring(ring).map(|ring| ring.unknown.get(&(*gate, *environment)));
            let news = noted.is_some_and(|noted| noted.is_none_or(|(noted, _)| noted != why));
            case.require(news, || format!("gate {gate} of {ring} is unknown already"));
        }
        Event::GateKnown { ring, gate, environment } => {
            let of = (*gate, *environment);
            let unknown = line.ring(ring).is_some_and(|ring| ring.unknown.contains_key(&of));
            case.require(unknown, || format!("gate {gate} of {ring} was not unknown"));
        }
        _ => {}
    }
}
