//! An event of the log, the law that it is held against, and the books as they are before it.
//!
//! **Invariant:** the books do not have the event yet.

use super::audit::{Audit, Law};
use super::ledger::{Ledger, PlanLine, WaitingLine};
use super::proof::Proof;
use crate::ids::PlanName;
use crate::rollout::record::{Entry, Event, Judgement, Recorded};
use crate::time::{SignedDuration, Timestamp, in_words, since};

#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    audit: &'a Audit,
    law: Law,
    pub(super) ledger: &'a Ledger<'a>,
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) entry: &'a Entry,
    pub(super) event: &'a Event,
    /// The plan that it is about.
    pub(super) plan: Option<&'a PlanName>,
    /// The line of the rollout that it names, if its plan is in it.
    pub(super) line: Option<&'a PlanLine<'a>>,
}

impl<'a> Case<'a> {
    pub(super) fn new(audit: &'a Audit, law: Law, ledger: &'a Ledger<'a>, recorded: &'a Recorded) -> Self {
        let Recorded { seq, at, entry } = recorded;
        let plan = entry.rollout.as_ref().map(|id| &id.plan);
        let line = ledger.line(entry.rollout.as_ref());
        Self { audit, law, ledger, seq: *seq, at: *at, entry, event: &entry.event, plan, line }
    }

    /// The same under another law.
    pub(super) const fn under(&self, law: Law) -> Self {
        Self { law, ..*self }
    }

    /// The revision that waits of the plan that it is about.
    pub(super) fn waiting(&self) -> Option<&'a WaitingLine<'a>> {
        self.ledger.waiting.get(self.plan?)
    }

    /// How long a request may be under way.
    pub(super) const fn in_transit(&self) -> SignedDuration {
        self.audit.tolerance.in_transit
    }

    pub(super) fn breach(&self, text: impl Into<String>) {
        self.audit.breach(self.law, Some(self.seq), text.into());
    }

    /// Notes a violation unless `holds`.
    pub(super) fn require<T: Into<String>>(&self, holds: bool, text: impl FnOnce() -> T) {
        if !holds {
            self.breach(text());
        }
    }

    /// Notes why something is not borne out.
    pub(super) fn note(&self, proof: Proof) {
        if let Err(why) = proof {
            self.breach(why);
        }
    }

    /// An observation must be from before the decision, and not too long before.
    pub(super) fn fresh(&self, what: &str, as_of: Option<Timestamp>, max: SignedDuration) {
        let Some(as_of) = as_of else {
            return self.breach(format!("{what} rests on devices that were never read"));
        };
        let age = since(as_of, self.at);
        self.require(!age.is_negative(), || {
            format!("{what} rests on a read at {as_of}, which is later than the decision")
        });
        self.require(age <= max, || {
            let (age, max) = (in_words(age), in_words(max));
            format!("{what} rests on a read that is {age} old; at most {max} is allowed")
        });
    }

    /// The same of a look at an entered ring's devices.
    pub(super) fn watched(&self, word: &Judgement) {
        self.watched_as(&word.name(), word);
    }

    pub(super) fn watched_as(&self, what: &str, word: &Judgement) {
        self.fresh(what, word.as_of, self.audit.tolerance.watch_max_age);
    }

    /// An exemption by a waiver must have one on record.
    pub(super) fn waived(&self, on_record: bool, word: &Judgement) {
        self.under(Law::Grounded)
            .require(on_record, || format!("{} is exempt by a waiver that is not on record", word.name()));
    }
}
