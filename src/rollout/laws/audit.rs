//! The laws, and what is noted of a log that breaks one.
//!
//! **Invariant:** a law has one name, and a number where it always had one (docs/development/laws.md); what is noted stays, in the
//! order in which it was found.

use std::cell::RefCell;
use std::fmt;

use crate::time::SignedDuration;

/// What must hold of every log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// Law 1: in a running rollout at most one ring is deploying or adopting.
    OneRingAtATime,
    /// Law 2: every write at Cloudflare has an earlier intent, and no intent is sent twice; one
    /// write of the account is in flight or without a known outcome at a time.
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
    BlockedVersion,
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
    /// A write whose outcome is unknown ends by two agreeing reads a minute apart, and by nothing else.
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
    /// Its number, where it always had one.
    pub const fn number(self) -> Option<u8> {
        self.told().0
    }

    /// The law in a few words.
    pub const fn as_str(self) -> &'static str {
        self.told().1
    }

    const fn told(self) -> (Option<u8>, &'static str) {
        match self {
            Self::OneRingAtATime => (Some(1), "one ring at a time"),
            Self::IntentFirst => (Some(2), "an intent before each write"),
            Self::WriteAllowed => (Some(3), "no write that is not allowed"),
            Self::NothingDropped => (Some(4), "nothing dropped unnamed"),
            Self::BlastLimit => (Some(5), "the blast limit"),
            Self::PeopleLift => (Some(6), "only people lift holds"),
            Self::BlockedVersion => (Some(7), "held out until released"),
            Self::ActorAndReason => (Some(8), "an actor and a reason"),
            Self::Chain => (None, "one chain of events"),
            Self::RingsInOrder => (None, "rings in order"),
            Self::AdoptionProven => (None, "adoption proven"),
            Self::SoakProven => (None, "soak proven"),
            Self::HealthProven => (None, "health proven"),
            Self::DoubtSettled => (None, "doubt ends by two reads"),
            Self::SoundRollback => (None, "a sound way back"),
            Self::Approved => (None, "approved by those who are asked"),
            Self::Blocked => (None, "nothing past a block"),
            Self::Announced => (None, "a loosening is announced"),
            Self::NotDown => (None, "nobody down unasked"),
            Self::Grounded => (None, "grounds on record"),
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
    /// The event that breaks it; `None`: a request in upstream's journal does.
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

/// Bounds that depend on how the daemon ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerance {
    /// The oldest look at an entered ring's devices that may support a verdict: three missed
    /// polls, at least an hour and a half. A daemon that polls a large fleet more slowly is
    /// checked with a longer one.
    pub watch_max_age: SignedDuration,
    /// How long a request may be under way: one sent just before a stop arrives after it.
    pub in_transit: SignedDuration,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { watch_max_age: SignedDuration::from_mins(90), in_transit: SignedDuration::from_secs(60) }
    }
}

/// Violations found so far.
pub(super) struct Audit {
    pub(super) tolerance: Tolerance,
    found: RefCell<Vec<Violation>>,
}

impl Audit {
    pub(super) const fn within(tolerance: Tolerance) -> Self {
        Self { tolerance, found: RefCell::new(Vec::new()) }
    }

    pub(super) fn breach(&self, law: Law, seq: Option<u64>, text: String) {
        self.found.borrow_mut().push(Violation { law, seq, text });
    }

    pub(super) fn into_found(self) -> Vec<Violation> {
        self.found.into_inner()
    }
}
