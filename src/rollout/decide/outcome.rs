//! What became of a write: from the writer's word, or from reads about a write whose outcome is unknown.
//!
//! **Invariant:** a write whose outcome is unknown ends only by two agreeing reads that lie a minute apart; no
//! answer, however clear it looks, ends it.

use crate::rollout::decide::context::Context;
use crate::rollout::record::{
    Cancelled, DOUBT_READS_APART, Entry, Event, Finding, Group, WriteId, WriteIntent,
};
use crate::rollout::state::{PendingWrite, Ring, Rollout, State, UnknownOutcome};
use crate::rollout::world::{Observations, Observed, Read, Want};
use crate::time::{SignedDuration, Timestamp, after};

/// Step: ends a doubt by reads.
pub(crate) fn settle_outcome(context: &Context<'_>) -> Vec<Entry> {
    settle(context.rollout, context.world).into_iter().collect()
}

/// A write that the machine's clock overtook is not planned again before this.
const CLOCK_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// What the writer has to say about a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// It was not sent, because something overtook it.
    Overtaken(Cancelled),
    /// It certainly never reached Cloudflare.
    NotSent {
        /// What was said.
        message: String,
        /// When to come back.
        retry_at: Option<Timestamp>,
    },
    /// Cloudflare answered with a group.
    Answered(Group),
    /// Cloudflare refused it.
    Refused {
        /// HTTP status.
        status: u16,
        /// What was said.
        message: String,
    },
    /// Cloudflare asked to slow down.
    RateLimited {
        /// What was said.
        message: String,
        /// When to come back.
        retry_at: Option<Timestamp>,
    },
    /// No answer that says whether it was applied.
    NoAnswer {
        /// What happened instead.
        message: String,
    },
}

/// Why a planned write was not sent. Nothing went out, so whatever the reason it leaves no doubt: that a
/// read before it was refused or rate-limited says nothing about a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsent {
    pub why: Cancelled,
    /// When to come back.
    pub retry_at: Option<Timestamp>,
}

impl Unsent {
    /// The read before the write failed.
    pub const fn read_failed(message: String, retry_at: Option<Timestamp>) -> Self {
        Self { why: Cancelled::ReadFailed { message }, retry_at }
    }
}

impl From<Cancelled> for Unsent {
    fn from(why: Cancelled) -> Self {
        Self { why, retry_at: None }
    }
}

/// The event for a write that was not sent; `None` when the log has an outcome of it already, or the
/// write is in doubt.
#[must_use = "an entry that is not appended is lost"]
pub fn unsent_entry(state: &State, id: WriteId, Unsent { why, retry_at }: Unsent) -> Option<Entry> {
    let (rollout, ring, _) = answerable(state, id)?;
    let reason = why.to_string();
    let event = Event::WriteCancelled { ring: ring.name.clone(), write: id, why, retry_at };
    Some(Entry::engine(&rollout.id, reason, event))
}

/// The write of this number, while the log has no word on its outcome.
fn answerable(state: &State, id: WriteId) -> Option<(&Rollout, &Ring, &PendingWrite)> {
    state.pending_write().filter(|(_, _, write)| write.id() == id && write.doubt.is_none())
}

/// The event for a write's outcome; `None` when the log has one already, or the write is in doubt.
/// `counted`: the devices that were counted before it was sent.
#[must_use = "an entry that is not appended is lost"]
pub fn outcome_entry(
    state: &State,
    id: WriteId,
    outcome: SendOutcome,
    counted: Option<usize>,
) -> Option<Entry> {
    let (rollout, ring, write) = answerable(state, id)?;
    let (reason, event) = event_of(ring, write, outcome, counted);
    Some(Entry::engine(&rollout.id, reason, event))
}

fn event_of(
    ring: &Ring,
    write: &PendingWrite,
    outcome: SendOutcome,
    counted: Option<usize>,
) -> (String, Event) {
    let (ring, intent, planned_at) = (ring.name.clone(), &write.intent, write.planned_at);
    let write = intent.id;
    let cancelled = |why: Cancelled, retry_at| {
        (why.to_string(), Event::WriteCancelled { ring: ring.clone(), write, why, retry_at })
    };
    let doubted = |why: String| {
        let reason = "nobody can say whether the write was applied".to_owned();
        (reason, Event::WriteDoubted { ring: ring.clone(), write, why, counted })
    };
    match outcome {
        SendOutcome::Overtaken(why @ (Cancelled::ClockBehind | Cancelled::ClockDiffers { .. })) => {
            // The next answers say whether it stays so; asking them by planning anew would fill the log.
            cancelled(why, Some(after(planned_at, CLOCK_AGAIN_AFTER)))
        }
        SendOutcome::Overtaken(why) => cancelled(why, None),
        SendOutcome::NotSent { message, retry_at } => cancelled(Cancelled::NotSent { message }, retry_at),
        SendOutcome::Answered(group) if is_as_intended(intent, &group) => {
            let reason = "Cloudflare answered with what was intended".to_owned();
            (reason, Event::WriteConfirmed { ring: ring.clone(), write, group, counted })
        }
        SendOutcome::Answered(group) => doubted(format!(
            "the answer is not what was intended: {}",
            intent.after.difference(&group.content)
        )),
        SendOutcome::NoAnswer { message } => doubted(message),
        // After a doubtful write an error may be its echo: a 409 can be our own group.
        SendOutcome::Refused { message, .. } | SendOutcome::RateLimited { message, .. }
            if intent.after_doubt =>
        {
            doubted(message)
        }
        SendOutcome::Refused { status, message } => {
            let reason = "Cloudflare refused the write".to_owned();
            (reason, Event::WriteRefused { ring: ring.clone(), write, status, message })
        }
        SendOutcome::RateLimited { retry_at, .. } => cancelled(Cancelled::RateLimited, retry_at),
    }
}

fn is_as_intended(intent: &WriteIntent, group: &Group) -> bool {
    let same_group = intent.before.as_ref().is_none_or(|before| before.id == group.id);
    let same_name = intent.before.is_some() || group.content.name == intent.after.name;
    same_group && same_name && group.content.offers_the_same(&intent.after)
}

/// A daemon that takes over cannot know what became of a write without an outcome.
#[must_use = "an entry that is not appended is lost"]
pub fn doubt_after_restart(state: &State) -> Option<Entry> {
    let (_, _, write) = state.pending_write()?;
    let message = "the daemon ended before the answer was recorded".to_owned();
    outcome_entry(state, write.id(), SendOutcome::NoAnswer { message }, None)
}

/// The next event about a write whose outcome is unknown, when a read says something new.
#[must_use = "an entry that is not appended is lost"]
pub fn settle(rollout: &Rollout, world: &Observations) -> Option<Entry> {
    let (ring, pending) = rollout.pending_write()?;
    let doubt = pending.doubt.as_ref()?;
    let read = finding(&pending.intent, world)?;
    if read.as_of < next_read_at(doubt) {
        return None;
    }
    let (ring, write) = (ring.name.clone(), pending.id());
    let Observed { value: finding, as_of: read_at } = read;
    let (reason, event) = match &doubt.first_read {
        Some(first) if first.finding == finding => {
            let (first_read_at, second_read_at) = (first.read_at, read_at);
            ("two reads agree", Event::WriteSettled { ring, write, finding, first_read_at, second_read_at })
        }
        first => {
            let differs = "this read does not agree with the first";
            let reason = if first.is_some() { differs } else { "the first of two reads" };
            (reason, Event::DoubtRead { ring, write, finding, read_at })
        }
    };
    Some(Entry::engine(&rollout.id, reason, event))
}

/// What to read about a write whose outcome is unknown, and when.
pub fn doubt_want(pending: &PendingWrite) -> Option<Want> {
    let doubt = pending.doubt.as_ref()?;
    let read = match &pending.intent.before {
        Some(group) => Read::Group(group.id.clone()),
        None => Read::Groups,
    };
    Some(Want { read, at: next_read_at(doubt) })
}

fn next_read_at(doubt: &UnknownOutcome) -> Timestamp {
    match &doubt.first_read {
        None => doubt.since,
        Some(first) => after(first.read_at, DOUBT_READS_APART),
    }
}

/// What the newest read shows about a write.
pub(crate) fn finding(intent: &WriteIntent, world: &Observations) -> Option<Observed<Finding>> {
    let (value, as_of) = match &intent.before {
        Some(before) => {
            let read = world.single_groups.get(&before.id)?;
            let value = match &read.value {
                Some(group) if is_as_intended(intent, group) => Finding::Applied { group: group.clone() },
                Some(group) if group.content.offers_the_same(&before.content) => Finding::NotApplied {},
                seen => Finding::Overwritten { seen: seen.clone() },
            };
            (value, read.as_of)
        }
        None => {
            let read = world.groups.as_ref()?;
            let mut related = read.value.iter().filter(|group| group.is_in_the_way_of(&intent.after));
            let value = match (related.next().cloned(), related.next()) {
                (None, _) => Finding::NotApplied {},
                (Some(group), None) if is_as_intended(intent, &group) => Finding::Applied { group },
                (seen, _) => Finding::Overwritten { seen },
            };
            (value, read.as_of)
        }
    };
    Some(Observed { value, as_of })
}
