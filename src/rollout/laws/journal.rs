//! The far end's journal against the log: what arrived there, and whether it may have.
//!
//! **Invariant:** each request is matched to one intent, and each intent to one request.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::closed;
use super::{Audit, FarEndWrite, Law, Violation};
use crate::ids::{GroupId, PlanName, RingName};
use crate::plan::model::{PlanDigest, RingPlan};
use crate::rollout::event::{Cancelled, Event, Finding, Purpose, Recorded, WriteId, WriteIntent};
use crate::time::{SignedDuration, Timestamp, after};

/// An intent with what the log has about it.
struct Planned<'a> {
    plan: &'a PlanName,
    ring: Option<&'a RingPlan>,
    intent: &'a WriteIntent,
    /// Whether it puts in what was taken out of another group, or back: no hold of the plan leaves that between
    /// them.
    second_half: bool,
    at: Timestamp,
    ended: Option<(Timestamp, Ended)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    NeverSent,
    NotApplied,
    Applied,
    /// Two reads said what became of it, or of an equal one before it.
    Settled,
}

/// A span in which nothing may be sent: for one plan, or for all.
struct Hold<'a> {
    plan: Option<&'a PlanName>,
    what: &'static str,
    from: Timestamp,
    until: Option<Timestamp>,
}

pub(super) fn check(audit: &mut Audit, log: &[Recorded], journal: &[FarEndWrite]) {
    if journal.is_empty() {
        return;
    }
    let planned = planned(log);
    let holds = holds(log);
    let mut sent = BTreeSet::new();
    for write in journal {
        let mut breach = |law: Law, text: String| {
            let text = format!("the write received at {}: {text}", write.received_at);
            audit.found.push(Violation { law, seq: None, text });
        };
        // The newest of equal intents that was open by then: an earlier equal one came to nothing.
        let intent = planned.iter().rev().find(|planned| {
            planned.at <= write.received_at
                && is_of(write, planned.intent)
                && may_have_arrived(planned, write)
        });
        let Some(planned) = intent else {
            breach(Law::IntentFirst, "no intent in the log says so".to_owned());
            continue;
        };
        let id = planned.intent.id;
        if !sent.insert(id) {
            breach(Law::IntentFirst, format!("{id} was sent before"));
        }
        match planned.ended.map(|(_, ended)| ended) {
            Some(Ended::NeverSent) => {
                breach(Law::IntentFirst, format!("{id} is on record as not sent"));
            }
            Some(Ended::NotApplied) if write.applied_at.is_some() => {
                breach(Law::IntentFirst, format!("{id} is on record as not applied, and was"));
            }
            Some(Ended::Applied) if write.applied_at.is_none() => {
                breach(Law::IntentFirst, format!("{id} is on record as applied, and was not"));
            }
            _ => {}
        }
        // Going back asks no limit and no schedule (DESIGN 4).
        let goes_back = planned.intent.purpose.goes_back();
        let ring = planned.ring.filter(|_| !goes_back);
        if let Some((devices, limit)) = write.retargeted.zip(ring.and_then(|ring| ring.max_devices))
            && limit.is_exceeded_by(devices)
        {
            let text = format!("it offered something else to {devices} devices; at most {limit} may be");
            breach(Law::BlastLimit, text);
        }
        if write.held_back {
            continue;
        }
        if let Some(why) =
            ring.and_then(|ring| closed(&ring.schedule, write.received_at, SignedDuration::ZERO))
        {
            breach(Law::WriteAllowed, why);
        }
        let holds_it = |plan: &PlanName| plan == planned.plan && !planned.second_half;
        for hold in holds.iter().filter(|hold| hold.plan.is_none_or(holds_it)) {
            let from = after(hold.from, audit.limits.in_transit);
            if from < write.received_at && hold.until.is_none_or(|until| write.received_at < until) {
                let text = format!("it was sent while {} since {}", hold.what, hold.from);
                audit.found.push(Violation { law: Law::WriteAllowed, seq: None, text });
            }
        }
    }
}

fn is_of(write: &FarEndWrite, intent: &WriteIntent) -> bool {
    let group = intent.before.as_ref().map(|group| &group.id);
    let same_name = group.is_some() || write.body.name == intent.after.name;
    group == write.group.as_ref() && same_name && write.body.offers_the_same(&intent.after)
}

/// A request that a fault held back may arrive after its intent's end, another one not.
fn may_have_arrived(planned: &Planned<'_>, write: &FarEndWrite) -> bool {
    write.held_back || planned.ended.is_none_or(|(at, _)| write.received_at <= at)
}

fn planned(log: &[Recorded]) -> Vec<Planned<'_>> {
    let mut rings: BTreeMap<(&PlanName, &PlanDigest), &[RingPlan]> = BTreeMap::new();
    let mut in_force: BTreeMap<&PlanName, &PlanDigest> = BTreeMap::new();
    let mut planned: Vec<Planned<'_>> = Vec::new();
    let mut places: BTreeMap<WriteId, usize> = BTreeMap::new();
    // The groups that profiles of a ring were taken out of since it was written, by plan and ring.
    let mut between: BTreeMap<(&PlanName, &RingName), BTreeSet<&GroupId>> = BTreeMap::new();
    for recorded in log {
        let Some(id) = &recorded.entry.rollout else { continue };
        let ended = match &recorded.entry.event {
            Event::PlanAccepted { revision } | Event::PlanRevised { revision, .. } => {
                if let Event::PlanAccepted { .. } = recorded.entry.event {
                    between.retain(|(plan, _), _| **plan != id.plan);
                }
                rings.insert((&id.plan, &revision.digest), &revision.plan.rings);
                in_force.insert(&id.plan, &revision.digest);
                None
            }
            Event::PlanRenamed { from } => {
                if let Some(digest) = in_force.remove(from) {
                    in_force.insert(&id.plan, digest);
                    let known = rings.get(&(from, digest)).copied();
                    rings.extend(known.map(|known| ((&id.plan, digest), known)));
                }
                None
            }
            Event::PlanRestricted { plan, .. } => {
                if let Some(digest) = in_force.get(&id.plan) {
                    rings.insert((&id.plan, digest), &plan.rings);
                }
                None
            }
            Event::WritePlanned { ring: name, intent } => {
                let known = rings.get(&(&id.plan, &intent.digest));
                let ring = known.and_then(|rings| rings.iter().find(|plan| plan.name == *name));
                places.insert(intent.id, planned.len());
                let out = between.get(&(&id.plan, name)).filter(|out| !out.is_empty());
                let second_half = match intent.purpose {
                    Purpose::Target => out.is_some(),
                    Purpose::PutBack { .. } => {
                        let group = intent.before.as_ref().map(|group| &group.id);
                        group.is_some_and(|group| out.is_some_and(|out| out.contains(group)))
                    }
                    Purpose::MoveOut { .. } | Purpose::Restore | Purpose::Rollback { .. } => false,
                };
                let at = recorded.at;
                planned.push(Planned { plan: &id.plan, ring, intent, second_half, at, ended: None });
                None
            }
            // The far end sees a request that it answers with its rate limit.
            Event::WriteCancelled { write, why: Cancelled::RateLimited, .. }
            | Event::WriteRefused { write, .. } => Some((write, Ended::NotApplied)),
            Event::WriteCancelled { write, .. } => Some((write, Ended::NeverSent)),
            Event::WriteConfirmed { write, .. } => Some((write, Ended::Applied)),
            Event::WriteSettled { write, .. } => Some((write, Ended::Settled)),
            _ => None,
        };
        if let Some((write, ended)) = ended
            && let Some(planned) = places.get(write).and_then(|place| planned.get_mut(*place))
        {
            planned.ended = Some((recorded.at, ended));
            let applied = matches!(
                recorded.entry.event,
                Event::WriteConfirmed { .. } | Event::WriteSettled { finding: Finding::Applied { .. }, .. }
            );
            let (ring, before) = (recorded.entry.event.ring(), planned.intent.before.as_ref());
            if let Some(ring) = ring.filter(|_| applied) {
                let out = between.entry((planned.plan, ring)).or_default();
                match (&planned.intent.purpose, before) {
                    (Purpose::MoveOut { .. }, Some(before)) => drop(out.insert(&before.id)),
                    (Purpose::PutBack { .. }, Some(before)) => drop(out.remove(&before.id)),
                    (Purpose::Target, _) => out.clear(),
                    _ => {}
                }
            }
        }
    }
    planned
}

fn holds(log: &[Recorded]) -> Vec<Hold<'_>> {
    let mut holds: Vec<Hold<'_>> = Vec::new();
    for recorded in log {
        let plan = recorded.entry.rollout.as_ref().map(|id| &id.plan);
        let from = recorded.at;
        match &recorded.entry.event {
            Event::Stopped {} => holds.push(Hold { plan: None, what: "stopped", from, until: None }),
            Event::Paused {} => holds.push(Hold { plan, what: "paused", from, until: None }),
            Event::Halted { .. } => holds.push(Hold { plan, what: "halted", from, until: None }),
            Event::PlanRenamed { from: old } => {
                // A halt of the new name's own rollout ends with it; of two pauses one stays.
                end(&mut holds, plan, "halted", from);
                let open = |hold: &Hold<'_>| hold.until.is_none();
                if holds.iter().any(|hold| open(hold) && hold.plan == Some(old) && hold.what == "paused") {
                    end(&mut holds, plan, "paused", from);
                }
                let own = holds.iter_mut().filter(|hold| open(hold) && hold.plan == Some(old));
                own.for_each(|hold| hold.plan = plan);
            }
            Event::Started {} => end(&mut holds, None, "stopped", from),
            Event::PauseLifted {} => end(&mut holds, plan, "paused", from),
            Event::HaltLifted { .. } => end(&mut holds, plan, "halted", from),
            // A halt belongs to a rollout, and a new one begins without it.
            Event::PlanAccepted { .. } => end(&mut holds, plan, "halted", from),
            _ => {}
        }
    }
    holds
}

fn end(holds: &mut [Hold<'_>], plan: Option<&PlanName>, what: &str, at: Timestamp) {
    let running = |hold: &&mut Hold<'_>| hold.plan == plan && hold.what == what && hold.until.is_none();
    if let Some(hold) = holds.iter_mut().rev().find(running) {
        hold.until = Some(at);
    }
}
