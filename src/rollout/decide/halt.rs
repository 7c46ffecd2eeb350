//! Step: halts for drift, a refused or ever failing write, a failing gate, or too long an unknown.
//!
//! **Invariant:** a halt names a cause that a person can judge.

use crate::plan::model::RingPlan;
use crate::rollout::decide::{backoff::MAX_ATTEMPTS, context::Context, drift, rollback, superseded};
use crate::rollout::judge::{health, subject};
use crate::rollout::record::{Cause, Entry, Event, Gate, Judgement, Unknown, Verdict};
use crate::rollout::state::{Attempts, Refusal, Ring, RingState};
use crate::time::{SignedDuration, Timestamp, since};

/// Halts for writes alone: what takes a rollout back asks nothing else.
pub(crate) fn halt_writes(context: &Context<'_>) -> Vec<Entry> {
    let turn = rollback::turn(context).filter(|_| context.rollout.halted.is_none());
    halt_for(context, turn.and_then(|turn| came_to_nothing(turn.ring, &turn.ring.restoring.attempts)))
}

/// Halts for drift, a refused or ever failing write, a failing gate, or too long an unknown.
pub(crate) fn halt(context: &Context<'_>) -> Vec<Entry> {
    if context.rollout.halted.is_some() {
        return Vec::new();
    }
    let unhealthy = || failing(context).or_else(|| superseded::failing(context));
    let forbidden = forbidden(context).or_else(|| drift::halting(context));
    halt_for(context, forbidden.or_else(unhealthy).or_else(|| unknown_too_long(context)))
}

fn halt_for(context: &Context<'_>, cause: Option<Cause>) -> Vec<Entry> {
    let halt = |cause: Cause| context.entry(cause.to_string(), Event::Halted { cause });
    cause.map(halt).unwrap_or_default()
}

/// That the plan forbids what the rollout offers or is about to offer.
pub(crate) fn forbidden(context: &Context<'_>) -> Option<Cause> {
    let (ring, version, forbid) = context.rollout.forbidden()?;
    let asked = context.rollout.rings_with_plans().filter(|(_, plan)| plan.asks_for(version));
    let offered = asked.map(|(ring, plan)| {
        let scope =
            subject::known_scope(ring, plan, context.world).filter(|_| ring.stage.assigned().is_some());
        let devices = scope.map_or(0, |scope| context.world.fleet.census(&scope, context.now).eligible());
        (ring.name.clone(), devices)
    });
    let (ring, reason) = (ring.name.clone(), forbid.reason.clone());
    Some(Cause::Forbidden { ring, version, reason, offered: offered.collect() })
}

fn failing(context: &Context<'_>) -> Option<Cause> {
    context.rollout.rings.iter().find_map(|ring| {
        if let Some(cause) = writing(ring).find_map(|attempts| came_to_nothing(ring, attempts)) {
            return Some(cause);
        }
        let failing = |judgement: &&Judgement| matches!(judgement.verdict, Verdict::Fail(_));
        let failed = context.judged(ring).iter().find(failing)?;
        let (name, judgement) = (ring.name.clone(), Box::new(failed.clone()));
        if !failed.gate.is_of_health() {
            return Some(Cause::AdoptionMissed { ring: name, judgement });
        }
        let plan = context.rollout.ring_plan(&ring.name)?;
        let devices = health::failing_devices(context.subject(ring, plan), failed);
        Some(Cause::Unhealthy { ring: name, judgement, devices })
    })
}

/// What became of the writes for a ring: its own, those that put profiles back, and those that put it back.
fn writing(ring: &Ring) -> impl Iterator<Item = &Attempts> {
    ring.stage.entering().into_iter().chain([&ring.between.back, &ring.restoring.attempts])
}

/// Why writes for a ring need a person, if they do.
fn came_to_nothing(ring: &Ring, attempts: &Attempts) -> Option<Cause> {
    let ring = ring.name.clone();
    match attempts {
        Attempts { failed, last: Some(last), .. } if *failed >= MAX_ATTEMPTS => {
            Some(Cause::WritesKeepFailing { ring, attempts: *failed, last: last.clone() })
        }
        Attempts { refused: Some(Refusal { status, message }), .. } => {
            Some(Cause::WriteRefused { ring, status: *status, message: message.clone() })
        }
        _ => None,
    }
}

fn unknown_too_long(context: &Context<'_>) -> Option<Cause> {
    // Nobody judges the ring that a write is under way for; what its gates could not tell before is old.
    let judged = |(ring, _): &(&Ring, &RingPlan)| !matches!(ring.stage, RingState::Deploying(_));
    context.rollout.rings_with_plans().filter(judged).find_map(|(ring, plan)| {
        let limit = plan.unknown_after.get();
        if let Some(since) = unread_too_long(ring, limit) {
            let (ring, gate, why) = (ring.name.clone(), Gate::Fleet, Unknown::ReadFails);
            return Some(Cause::UnknownTooLong { ring, gate, environment: None, why, since });
        }
        let ((gate, environment), unknown) =
            ring.unknown.iter().find(|(_, unknown)| since(unknown.since, context.now) >= limit)?;
        Some(Cause::UnknownTooLong {
            ring: ring.name.clone(),
            gate: *gate,
            environment: *environment,
            why: unknown.why,
            since: unknown.since,
        })
    })
}

/// Since when the read before each write of a ring fails, if that is too long.
fn unread_too_long(ring: &Ring, limit: SignedDuration) -> Option<Timestamp> {
    let mut reads = writing(ring).filter_map(|attempts| attempts.reads.as_ref());
    reads.find(|reads| since(reads.since, reads.until) >= limit).map(|reads| reads.since)
}
