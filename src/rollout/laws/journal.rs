//! Upstream's journal against the log: what arrived there, and whether it may have.
//!
//! **Invariant:** each request is matched to one intent, and each intent to one request.

use std::collections::BTreeSet;

use super::audit::{Audit, Law};
use super::ledger::{Ledger, plan_of};
use super::proof::openings::is_open;
use crate::ids::{GroupId, PlanName};
use crate::plan::model::RingPlan;
use crate::rollout::record::{Cancelled, Event, GroupContent, Recorded, WriteIntent};
use crate::time::{SignedDuration, Timestamp, after};

/// A changing request as upstream's journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamWrite {
    /// When it arrived.
    pub received_at: Timestamp,
    /// The group to be changed; `None`: to be created.
    pub group: Option<GroupId>,
    /// The body: what the group shall be.
    pub body: GroupContent,
    /// When it took effect; `None`: it never did.
    pub applied_at: Option<Timestamp>,
    /// Whether a fault between the two ends held it back, so that its arrival says nothing about
    /// when it was sent.
    pub held_back: bool,
    /// The devices that it offered something else, counted by who knows the truth about them, over
    /// the time between the look before it and its arrival; `None`: nobody knows.
    pub retargeted: Option<usize>,
}

/// An intent with what the log has about it.
pub(super) struct Planned<'a> {
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
struct Hindrance<'a> {
    plan: Option<&'a PlanName>,
    what: &'static str,
    from: Timestamp,
    until: Option<Timestamp>,
}

/// `planned`: all intents of the log.
pub(super) fn check(audit: &Audit, log: &[Recorded], planned: &[Planned<'_>], journal: &[UpstreamWrite]) {
    let hindrances = if journal.is_empty() { Vec::new() } else { hindrances(log) };
    let mut sent = BTreeSet::new();
    for write in journal {
        let breach = |law: Law, text: String| {
            audit.breach(law, None, format!("the write received at {}: {text}", write.received_at));
        };
        // The newest of equal intents that was open by then: an earlier equal one came to nothing.
        let Some(planned) = planned.iter().rev().find(|planned| is_of(write, planned)) else {
            breach(Law::IntentFirst, "no intent in the log says so".to_owned());
            continue;
        };
        let id = planned.intent.id;
        if !sent.insert(id) {
            breach(Law::IntentFirst, format!("{id} was sent before"));
        }
        match planned.ended.map(|(_, ended)| ended) {
            Some(Ended::NeverSent) => breach(Law::IntentFirst, format!("{id} is on record as not sent")),
            Some(Ended::NotApplied) if write.applied_at.is_some() => {
                breach(Law::IntentFirst, format!("{id} is on record as not applied, and was"));
            }
            Some(Ended::Applied) if write.applied_at.is_none() => {
                breach(Law::IntentFirst, format!("{id} is on record as applied, and was not"));
            }
            _ => {}
        }
        // Going back asks no limit and no schedule: it takes back what a rollout did.
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
        if let Some(Err(why)) =
            ring.map(|ring| is_open(&ring.schedule, write.received_at, SignedDuration::ZERO))
        {
            breach(Law::WriteAllowed, why);
        }
        hindered(audit, &hindrances, planned, write);
    }
}

fn hindered(audit: &Audit, hindrances: &[Hindrance<'_>], planned: &Planned<'_>, write: &UpstreamWrite) {
    let is_for_it = |plan: &PlanName| plan == planned.plan && !planned.second_half;
    for hindrance in hindrances.iter().filter(|hindrance| hindrance.plan.is_none_or(is_for_it)) {
        let from = after(hindrance.from, audit.tolerance.in_transit);
        if from < write.received_at && hindrance.until.is_none_or(|until| write.received_at < until) {
            let text = format!("it was sent while {} since {}", hindrance.what, hindrance.from);
            audit.breach(Law::WriteAllowed, None, text);
        }
    }
}

/// Whether a request may be what an intent sent. One that a fault held back may arrive after its intent's end,
/// another one not.
fn is_of(write: &UpstreamWrite, planned: &Planned<'_>) -> bool {
    let Planned { intent, at, ended, .. } = planned;
    let in_time = write.held_back || ended.is_none_or(|(ended_at, _)| write.received_at <= ended_at);
    let group = intent.before.as_ref().map(|group| &group.id);
    let same_name = group.is_some() || write.body.name == intent.after.name;
    let same = group == write.group.as_ref() && same_name && write.body.offers_the_same(&intent.after);
    same && *at <= write.received_at && in_time
}

/// Takes in what an event says of a write, by the books as they are before it.
pub(super) fn take<'a>(planned: &mut Vec<Planned<'a>>, ledger: &Ledger<'a>, recorded: &'a Recorded) {
    let Some(plan) = plan_of(recorded) else { return };
    let event = &recorded.entry.event;
    let (write, ended) = match event {
        Event::WritePlanned { ring, intent } => {
            let line = ledger.plans.get(plan);
            let ring = line.and_then(|line| line.ring_plan(ring));
            let second_half = line.is_some_and(|line| line.is_second_half(event));
            return planned.push(Planned { plan, ring, intent, second_half, at: recorded.at, ended: None });
        }
        // Upstream sees a request that it answers with its rate limit.
        Event::WriteCancelled { write, why: Cancelled::RateLimited, .. }
        | Event::WriteRefused { write, .. } => (write, Ended::NotApplied),
        Event::WriteCancelled { write, .. } => (write, Ended::NeverSent),
        Event::WriteConfirmed { write, .. } => (write, Ended::Applied),
        Event::WriteSettled { write, .. } => (write, Ended::Settled),
        _ => return,
    };
    if let Some(known) = planned.iter_mut().rev().find(|known| known.intent.id == *write) {
        known.ended = Some((recorded.at, ended));
    }
}

fn hindrances(log: &[Recorded]) -> Vec<Hindrance<'_>> {
    let mut hindrances: Vec<Hindrance<'_>> = Vec::new();
    for recorded in log {
        let plan = plan_of(recorded);
        let from = recorded.at;
        let mut begin = |plan, what| hindrances.push(Hindrance { plan, what, from, until: None });
        match &recorded.entry.event {
            Event::Stopped {} => begin(None, "stopped"),
            Event::Paused {} => begin(plan, "paused"),
            Event::Halted { .. } => begin(plan, "halted"),
            Event::PlanRenamed { from: old } => {
                // A halt of the new name's own rollout ends with it; of two pauses one stays.
                end(&mut hindrances, plan, "halted", from);
                let is_open =
                    |hindrance: &Hindrance<'_>| hindrance.until.is_none() && hindrance.plan == Some(old);
                if hindrances.iter().any(|hindrance| is_open(hindrance) && hindrance.what == "paused") {
                    end(&mut hindrances, plan, "paused", from);
                }
                let own = hindrances.iter_mut().filter(|hindrance| is_open(hindrance));
                own.for_each(|hindrance| hindrance.plan = plan);
            }
            Event::Started {} => end(&mut hindrances, None, "stopped", from),
            Event::PauseLifted {} => end(&mut hindrances, plan, "paused", from),
            // A halt belongs to a rollout, and a new one begins without it.
            Event::HaltLifted { .. } | Event::PlanAccepted { .. } => {
                end(&mut hindrances, plan, "halted", from);
            }
            _ => {}
        }
    }
    hindrances
}

fn end(hindrances: &mut [Hindrance<'_>], plan: Option<&PlanName>, what: &str, at: Timestamp) {
    let running = |hindrance: &&mut Hindrance<'_>| {
        hindrance.plan == plan && hindrance.what == what && hindrance.until.is_none()
    };
    if let Some(hindrance) = hindrances.iter_mut().rev().find(running) {
        hindrance.until = Some(at);
    }
}
