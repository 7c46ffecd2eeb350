//! What the laws note while a log is read: violations, each at the event that it is found at.
//!
//! **Invariant:** what is noted stays, in the order in which it was found.

use super::violation::{Law, Violation};
use crate::rollout::record::Judgement;
use crate::time::{SignedDuration, Timestamp, in_words, since};

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
    /// The event that is looked at; `None`: the far end's journal is.
    pub(super) seq: Option<u64>,
    pub(super) found: Vec<Violation>,
}

impl Audit {
    pub(super) fn breach(&mut self, law: Law, text: impl Into<String>) {
        self.found.push(Violation { law, seq: self.seq, text: text.into() });
    }

    /// Notes a violation unless `holds`.
    pub(super) fn require<T: Into<String>>(&mut self, holds: bool, law: Law, text: impl FnOnce() -> T) {
        if !holds {
            self.breach(law, text());
        }
    }

    /// Notes why something is not borne out; `None`: it is.
    pub(super) fn note(&mut self, law: Law, why: Option<String>) {
        if let Some(why) = why {
            self.breach(law, why);
        }
    }

    /// An observation must be from before the decision, and not too long before.
    pub(super) fn fresh(
        &mut self,
        law: Law,
        decided_at: Timestamp,
        what: &str,
        as_of: Option<Timestamp>,
        max: SignedDuration,
    ) {
        let Some(as_of) = as_of else {
            return self.breach(law, format!("{what} rests on devices that were never read"));
        };
        let age = since(as_of, decided_at);
        self.require(!age.is_negative(), law, || {
            format!("{what} rests on a look at {as_of}, which is later than the decision")
        });
        self.require(age <= max, law, || {
            let (age, max) = (in_words(age), in_words(max));
            format!("{what} rests on a look that is {age} old; at most {max} is allowed")
        });
    }

    /// The same of a look at an entered ring's devices.
    pub(super) fn watched(&mut self, law: Law, decided_at: Timestamp, word: &Judgement) {
        self.fresh(law, decided_at, &word.name(), word.as_of, self.tolerance.watch_max_age);
    }

    /// An exemption by a waiver must have one on record.
    pub(super) fn waived(&mut self, on_record: bool, word: &Judgement) {
        self.require(on_record, Law::Grounded, || {
            format!("{} is exempt by a waiver that is not on record", word.name())
        });
    }
}
