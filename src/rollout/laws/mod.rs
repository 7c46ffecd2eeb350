//! The law checker: recomputes the laws of DESIGN 4 from a whole log and the far end's journal.
//!
//! It serves every test and `ringward history --verify`, so its texts are for auditors. It knows
//! the events and the words in them, but neither `decide` nor `gate` nor `state`: it keeps books
//! of its own and does its own arithmetic, so that a fault in those cannot hide itself here.
//!
//! **Invariant:** what is checked here is computed here, from the log and the journal alone.
//!
//! Laws 9 (replay) and 10 (deciding again adds nothing) need the engine, so the suites that run it
//! check them.

use std::fmt;

use crate::ids::GroupId;
use crate::rollout::event::Recorded;
use crate::rollout::remote::GroupContent;
use crate::time::{SignedDuration, Timestamp, in_words, since};

mod approved;
mod down;
mod drift;
mod entry;
mod era;
mod exit;
mod grounds;
mod health;
mod journal;
mod ledger;
mod outcomes;
mod revisions;
mod rollback;
mod shrink;
mod superseded;
#[cfg(test)]
mod tests;

use ledger::Ledger;

/// What must hold of every log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// Law 1: in a running rollout at most one ring is deploying or adopting.
    OneRingAtATime,
    /// Law 2: every write at Cloudflare has an earlier intent, and no intent is sent twice; one
    /// write of the account is in flight or in doubt at a time.
    IntentFirst,
    /// Law 3: no write while stopped, held, frozen, outside an opening, or with a verdict that
    /// does not advance or that its own numbers do not support.
    WriteAllowed,
    /// Law 4: a write drops no environment and no profile that its intent does not name.
    NothingDropped,
    /// Law 5: no write offers something else to more devices than the ring's `max_devices`.
    BlastLimit,
    /// Law 6: only people lift a stop, a pause or a halt.
    PeopleLift,
    /// Law 7: what a rollback took away is not offered there again before a person released it.
    HeldOut,
    /// Law 8: every event has an actor who may do it, and a reason.
    ActorAndReason,
    /// The log is one chain: numbers without gaps, times that never go back, each event about
    /// the rollout that its plan is in.
    Chain,
    /// Rings are reached in order, each after all earlier ones are verified.
    RingsInOrder,
    /// Adoption is counted in every target environment of the ring, freshly, and is enough.
    AdoptionProven,
    /// A ring is verified after its soak, with devices that came back, and not while held.
    SoakProven,
    /// A ring is verified with few stalled and few dark devices by their own numbers, in every
    /// environment, and nothing is written while a ring's health cannot be told.
    HealthProven,
    /// A write in doubt ends by two agreeing reads a minute apart, and by nothing else.
    DoubtSettled,
    /// A rollback goes where the log or the plan says, ring by ring, the latest first, and changes
    /// nothing else.
    SoundRollback,
    /// What a plan asks people for was given in the log, for this revision, by enough different people
    /// who did not write the plan, and had not expired.
    Approved,
    /// Nothing is entered, written back or verified while a plan's file is unusable or missing, or a
    /// revision waits.
    Blocked,
    /// What does more than restrict was announced before it took effect, for long enough or until a
    /// person confirmed it.
    Announced,
    /// A ring takes no more devices down to an older version than the plan allows.
    NotDown,
    /// A halt, an acknowledgement and a waiver have their recorded grounds.
    Grounded,
}

impl Law {
    /// Its number in DESIGN 4, where it has one.
    #[must_use]
    pub const fn number(self) -> Option<u8> {
        match self {
            Self::OneRingAtATime => Some(1),
            Self::IntentFirst => Some(2),
            Self::WriteAllowed => Some(3),
            Self::NothingDropped => Some(4),
            Self::BlastLimit => Some(5),
            Self::PeopleLift => Some(6),
            Self::HeldOut => Some(7),
            Self::ActorAndReason => Some(8),
            Self::Chain
            | Self::RingsInOrder
            | Self::AdoptionProven
            | Self::SoakProven
            | Self::HealthProven
            | Self::DoubtSettled
            | Self::SoundRollback
            | Self::Approved
            | Self::Blocked
            | Self::Announced
            | Self::NotDown
            | Self::Grounded => None,
        }
    }

    /// The law in a few words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneRingAtATime => "one ring at a time",
            Self::IntentFirst => "an intent before each write",
            Self::WriteAllowed => "no write that is not allowed",
            Self::NothingDropped => "nothing dropped unnamed",
            Self::BlastLimit => "the blast limit",
            Self::PeopleLift => "only people lift holds",
            Self::HeldOut => "held out until released",
            Self::ActorAndReason => "an actor and a reason",
            Self::Chain => "one chain of events",
            Self::RingsInOrder => "rings in order",
            Self::AdoptionProven => "adoption proven",
            Self::SoakProven => "soak proven",
            Self::HealthProven => "health proven",
            Self::DoubtSettled => "doubt ends by two reads",
            Self::SoundRollback => "a sound way back",
            Self::Approved => "approved by those who are asked",
            Self::Blocked => "nothing past a block",
            Self::Announced => "a loosening is announced",
            Self::NotDown => "nobody down unasked",
            Self::Grounded => "grounds on record",
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number() {
            Some(number) => write!(f, "law {number} ({})", self.as_str()),
            None => write!(f, "law of {}", self.as_str()),
        }
    }
}

/// A law that a log or a journal breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The law.
    pub law: Law,
    /// The event that breaks it; `None`: a request in the far end's journal does.
    pub seq: Option<u64>,
    /// What is wrong, for auditors.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seq {
            Some(seq) => write!(f, "event {seq} breaks {}: {}", self.law, self.text),
            None => write!(f, "a request breaks {}: {}", self.law, self.text),
        }
    }
}

/// A changing request as the far end's journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FarEndWrite {
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

/// Bounds that depend on how the daemon ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The oldest look at an entered ring's devices that may support a verdict: three missed
    /// polls, at least an hour and a half. A daemon that polls a large fleet more slowly is
    /// checked with a longer one.
    pub watch_max_age: SignedDuration,
    /// How long a request may be under way: one sent just before a stop arrives after it.
    pub in_transit: SignedDuration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { watch_max_age: SignedDuration::from_mins(90), in_transit: SignedDuration::from_secs(60) }
    }
}

/// The laws that a log and, where given, the far end's journal break; none of a sound one. An
/// empty journal means that there is none to compare with.
#[must_use]
pub fn check(log: &[Recorded], journal: &[FarEndWrite]) -> Vec<Violation> {
    check_within(log, journal, Limits::default())
}

/// [`check`] with bounds of the caller's.
#[must_use]
pub fn check_within(log: &[Recorded], journal: &[FarEndWrite], limits: Limits) -> Vec<Violation> {
    let mut audit = Audit { limits, found: Vec::new() };
    let mut ledger = Ledger::default();
    for recorded in log {
        grounds::chain(&mut audit, &ledger, recorded);
        grounds::clock(&mut audit, &ledger, recorded);
        era::check(&mut audit, &ledger, recorded);
        grounds::actor(&mut audit, recorded);
        grounds::halts_and_waivers(&mut audit, &ledger, recorded);
        grounds::overdue(&mut audit, &ledger, recorded);
        drift::check(&mut audit, &ledger, recorded);
        entry::check(&mut audit, &ledger, recorded);
        outcomes::check(&mut audit, &ledger, recorded);
        exit::check(&mut audit, &ledger, recorded);
        shrink::check(&mut audit, &ledger, recorded);
        rollback::check(&mut audit, &ledger, recorded);
        revisions::check(&mut audit, &ledger, recorded);
        superseded::check(&mut audit, &ledger, recorded);
        health::in_sight(&mut audit, &ledger, recorded);
        ledger.take(recorded);
        grounds::one_ring_at_a_time(&mut audit, &ledger, recorded);
    }
    journal::check(&mut audit, log, journal);
    audit.found
}

/// Violations found so far.
struct Audit {
    limits: Limits,
    found: Vec<Violation>,
}

impl Audit {
    fn breach(&mut self, law: Law, seq: u64, text: impl Into<String>) {
        self.found.push(Violation { law, seq: Some(seq), text: text.into() });
    }

    /// Notes a violation unless `holds`.
    fn require(&mut self, holds: bool, law: Law, seq: u64, text: impl FnOnce() -> String) {
        if !holds {
            self.breach(law, seq, text());
        }
    }

    /// An observation must be from before the decision, and not too long before.
    fn fresh(
        &mut self,
        law: Law,
        recorded: &Recorded,
        what: &str,
        as_of: Option<Timestamp>,
        max: SignedDuration,
    ) {
        let Some(as_of) = as_of else {
            self.breach(law, recorded.seq, format!("{what} rests on devices that were never read"));
            return;
        };
        let age = since(as_of, recorded.at);
        self.require(!age.is_negative(), law, recorded.seq, || {
            format!("{what} rests on a look at {as_of}, which is later than the decision")
        });
        self.require(age <= max, law, recorded.seq, || {
            format!(
                "{what} rests on a look that is {} old; at most {} is allowed",
                in_words(age),
                in_words(max)
            )
        });
    }
}
