//! Upstream's journal against the log: what arrived there, and whether it may have.
//!
//! **Invariant:** each request is matched to one intent, and each intent to one request.

use std::collections::{BTreeMap, BTreeSet};

use super::audit::{Audit, Law};
use super::ledger::plan_of;
use super::proof::openings::closed;
use crate::ids::{GroupId, PlanName, RingName};
use crate::plan::model::{PlanDigest, RingPlan};
use crate::rollout::record::GroupContent;
use crate::rollout::record::{Cancelled, Event, Finding, Purpose, Recorded, WriteId, WriteIntent};
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
struct Hindrance<'a> {
    plan: Option<&'a PlanName>,
    what: &'static str,
    from: Timestamp,
    until: Option<Timestamp>,
}

pub(super) fn check(audit: &mut Audit, log: &[Recorded], journal: &[UpstreamWrite]) {
    if journal.is_empty() {
        return;
    }
    audit.seq = None;
    let mut intents = Intents::default();
    for recorded in log {
        if let Some(plan) = plan_of(recorded) {
            intents.take(plan, recorded);
        }
    }
    let hindrances = hindrances(log);
    let mut sent = BTreeSet::new();
    for write in journal {
        let mut breach = |law: Law, text: String| {
            audit.breach(law, format!("the write received at {}: {text}", write.received_at));
        };
        // The newest of equal intents that was open by then: an earlier equal one came to nothing.
        let mut planned = intents.planned.iter().rev();
        let Some(planned) = planned.find(|planned| is_of(write, planned)) else {
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
        let why = ring.and_then(|ring| closed(&ring.schedule, write.received_at, SignedDuration::ZERO));
        if let Some(why) = why {
            breach(Law::WriteAllowed, why);
        }
        hindered(audit, &hindrances, planned, write);
    }
}

fn hindered(audit: &mut Audit, hindrances: &[Hindrance<'_>], planned: &Planned<'_>, write: &UpstreamWrite) {
    let is_for_it = |plan: &PlanName| plan == planned.plan && !planned.second_half;
    for hindrance in hindrances.iter().filter(|hindrance| hindrance.plan.is_none_or(is_for_it)) {
        let from = after(hindrance.from, audit.tolerance.in_transit);
        if from < write.received_at && hindrance.until.is_none_or(|until| write.received_at < until) {
            let text = format!("it was sent while {} since {}", hindrance.what, hindrance.from);
            audit.breach(Law::WriteAllowed, text);
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

/// The writes that a log speaks of, while it is read.
#[derive(Default)]
struct Intents<'a> {
    rings: BTreeMap<(&'a PlanName, &'a PlanDigest), &'a [RingPlan]>,
    in_force: BTreeMap<&'a PlanName, &'a PlanDigest>,
    planned: Vec<Planned<'a>>,
    places: BTreeMap<WriteId, usize>,
    /// The groups that profiles of a ring were taken out of since it was written, by plan and ring.
    between: BTreeMap<(&'a PlanName, &'a RingName), BTreeSet<&'a GroupId>>,
}

impl<'a> Intents<'a> {
    fn take(&mut self, of: &'a PlanName, recorded: &'a Recorded) {
        let event = &recorded.entry.event;
        match event {
            Event::PlanAccepted { revision } | Event::PlanRevised { revision, .. } => {
                if let Event::PlanAccepted { .. } = event {
                    self.between.retain(|(plan, _), _| *plan != of);
                }
                self.rings.insert((of, &revision.digest), &revision.plan.rings);
                self.in_force.insert(of, &revision.digest);
            }
            Event::PlanRenamed { from } => {
                if let Some(digest) = self.in_force.remove(from) {
                    self.in_force.insert(of, digest);
                    let known = self.rings.get(&(from, digest)).copied();
                    self.rings.extend(known.map(|known| ((of, digest), known)));
                }
            }
            Event::PlanRestricted { plan, .. } => {
                if let Some(digest) = self.in_force.get(of) {
                    self.rings.insert((of, digest), &plan.rings);
                }
            }
            Event::WritePlanned { ring, intent } => self.plan((of, ring), intent, recorded.at),
            // Upstream sees a request that it answers with its rate limit.
            Event::WriteCancelled { write, why: Cancelled::RateLimited, .. }
            | Event::WriteRefused { write, .. } => self.end(*write, Ended::NotApplied, recorded),
            Event::WriteCancelled { write, .. } => self.end(*write, Ended::NeverSent, recorded),
            Event::WriteConfirmed { write, .. } => self.end(*write, Ended::Applied, recorded),
            Event::WriteSettled { write, .. } => self.end(*write, Ended::Settled, recorded),
            _ => {}
        }
    }

    fn plan(&mut self, of: (&'a PlanName, &'a RingName), intent: &'a WriteIntent, at: Timestamp) {
        let (plan, name) = of;
        let known = self.rings.get(&(plan, &intent.digest));
        let ring = known.and_then(|rings| rings.iter().find(|ring| ring.name == *name));
        let out = self.between.get(&of).filter(|out| !out.is_empty());
        let second_half = match intent.purpose {
            Purpose::Target => out.is_some(),
            Purpose::PutBack { .. } => {
                let group = intent.before.as_ref().map(|group| &group.id);
                group.is_some_and(|group| out.is_some_and(|out| out.contains(group)))
            }
            Purpose::MoveOut { .. } | Purpose::Restore | Purpose::Rollback { .. } => false,
        };
        self.places.insert(intent.id, self.planned.len());
        self.planned.push(Planned { plan, ring, intent, second_half, at, ended: None });
    }

    fn end(&mut self, write: WriteId, ended: Ended, recorded: &'a Recorded) {
        let place = self.places.get(&write);
        let Some(planned) = place.and_then(|place| self.planned.get_mut(*place)) else { return };
        planned.ended = Some((recorded.at, ended));
        let (Event::WriteConfirmed { ring, .. }
        | Event::WriteSettled { ring, finding: Finding::Applied { .. }, .. }) = &recorded.entry.event
        else {
            return;
        };
        let out = self.between.entry((planned.plan, ring)).or_default();
        match (&planned.intent.purpose, &planned.intent.before) {
            (Purpose::MoveOut { .. }, Some(before)) => _ = out.insert(&before.id),
            (Purpose::PutBack { .. }, Some(before)) => _ = out.remove(&before.id),
            (Purpose::Target, _) => out.clear(),
            _ => {}
        }
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
                let open = |hindrance: &Hindrance<'_>| hindrance.until.is_none();
                if hindrances.iter().any(|hindrance| {
                    open(hindrance) && hindrance.plan == Some(old) && hindrance.what == "paused"
                }) {
                    end(&mut hindrances, plan, "paused", from);
                }
                let own =
                    hindrances.iter_mut().filter(|hindrance| open(hindrance) && hindrance.plan == Some(old));
                own.for_each(|hindrance| hindrance.plan = plan);
            }
            Event::Started {} => end(&mut hindrances, None, "stopped", from),
            Event::PauseLifted {} => end(&mut hindrances, plan, "paused", from),
            Event::HaltLifted { .. } => end(&mut hindrances, plan, "halted", from),
            // A halt belongs to a rollout, and a new one begins without it.
            Event::PlanAccepted { .. } => end(&mut hindrances, plan, "halted", from),
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
