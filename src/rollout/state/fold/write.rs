//! What a write's outcome makes of the ring that it was for.
//!
//! **Invariant:** a write whose outcome is unknown ends by what two reads agree on, and by nothing else.

use crate::rollout::record::{Cancelled, Event, Finding, Group, Purpose};
use crate::rollout::state::{
    Assigned, Attempts, FailedReads, FirstRead, PendingWrite, Refusal, RingState, UnknownOutcome,
    attempts::LONGEST_PAUSE,
};
use crate::time::{Timestamp, after};

pub(crate) enum Outcome {
    RingState(RingState),
    /// The ring is where it was before the write, with what became of the writes so far.
    Nothing(Attempts),
    Unknown(UnknownOutcome),
}

impl PendingWrite {
    /// What an event makes of a write without an outcome.
    pub(crate) fn outcome(&self, event: &Event, at: Timestamp) -> Result<Outcome, String> {
        let names = match event {
            Event::WriteCancelled { write, .. }
            | Event::WriteConfirmed { write, .. }
            | Event::WriteRefused { write, .. }
            | Event::WriteDoubted { write, .. }
            | Event::DoubtRead { write, .. }
            | Event::WriteSettled { write, .. } => *write,
            _ => return Err("a write has no outcome yet".to_owned()),
        };
        if names != self.intent.id {
            return Err(format!("the write without an outcome is {}", self.intent.id));
        }
        match (&self.doubt, event) {
            (None, Event::WriteCancelled { why, retry_at, .. }) => Ok(self.back(why, *retry_at, at)),
            (None, Event::WriteRefused { status, message, .. }) => {
                let refused = Some(Refusal { status: *status, message: message.clone() });
                let last = format!("refused with {status}: {message}");
                Ok(Outcome::Nothing(Attempts { refused, ..self.failed(last, None, false) }))
            }
            (None, Event::WriteConfirmed { group, .. }) => self.applied(group, at),
            (None, Event::WriteDoubted { why, .. }) => {
                Ok(Outcome::Unknown(UnknownOutcome { why: why.clone(), since: at, first_read: None }))
            }
            (Some(doubt), Event::DoubtRead { finding, read_at, .. }) => {
                let first_read = Some(FirstRead { finding: finding.clone(), read_at: *read_at });
                Ok(Outcome::Unknown(UnknownOutcome { first_read, ..doubt.clone() }))
            }
            (Some(doubt), Event::WriteSettled { finding, first_read_at, .. }) => {
                let first = doubt.first_read.as_ref();
                if !first.is_some_and(|first| first.finding == *finding && first.read_at == *first_read_at) {
                    return Err("the two reads do not agree".to_owned());
                }
                match finding {
                    Finding::Applied { group } => self.applied(group, at),
                    Finding::NotApplied {} => Ok(self.doubted("not applied, by two reads")),
                    Finding::Overwritten { .. } => Ok(self.doubted("overwritten by somebody else")),
                }
            }
            (None, _) => Err("the write's outcome is not unknown".to_owned()),
            (Some(_), _) => Err("the write's outcome is unknown".to_owned()),
        }
    }

    fn applied(&self, group: &Group, at: Timestamp) -> Result<Outcome, String> {
        if !group.content.offers_the_same(&self.intent.after) {
            return Err("the group is not as intended".to_owned());
        }
        // What was once in doubt may still arrive.
        let doubted = self.attempts.doubted || self.doubt.is_some();
        let done = || Attempts { doubted, ..Attempts::default() };
        let adopting = || RingState::Adopting(Assigned::of(group, &self.intent.policies));
        Ok(match (&self.intent.purpose, &self.origin) {
            (Purpose::Target, _) => Outcome::RingState(adopting()),
            // Its targets are on offer anew.
            (Purpose::Restore, Some(origin)) if origin.stage.is_entered() => Outcome::RingState(adopting()),
            (Purpose::Rollback { to }, origin) => {
                let assigned = Assigned::of(group, &self.intent.policies);
                let before = origin.as_ref().map_or(&RingState::Pending, |origin| &origin.stage);
                Outcome::RingState(RingState::RollingBack(assigned, before.back(to, at)))
            }
            // The ring's own write is still to come.
            (Purpose::MoveOut { .. } | Purpose::PutBack { .. } | Purpose::Restore, _) => {
                Outcome::Nothing(done())
            }
        })
    }

    fn back(&self, why: &Cancelled, retry_at: Option<Timestamp>, at: Timestamp) -> Outcome {
        Outcome::Nothing(match why.is_a_failure() {
            true => self.failed(why.to_string(), retry_at, false),
            false => self.unsent(why, retry_at, at),
        })
    }

    fn doubted(&self, last: &str) -> Outcome {
        Outcome::Nothing(self.failed(last.to_owned(), None, true))
    }

    /// The attempts after this write, which came to nothing.
    fn failed(&self, last: String, not_before: Option<Timestamp>, doubted: bool) -> Attempts {
        Attempts {
            failed: self.attempts.failed + 1,
            last: Some(last),
            not_before,
            doubted: doubted || self.attempts.doubted,
            refused: None,
            reads: None,
        }
    }

    /// The attempts after this write, which was not sent and is no failure of its own.
    fn unsent(&self, why: &Cancelled, not_before: Option<Timestamp>, at: Timestamp) -> Attempts {
        let before = self.attempts.reads.as_ref();
        let reads = match why {
            Cancelled::ReadFailed { message } => {
                let in_a_row = |reads: &&FailedReads| {
                    let ready = self.attempts.not_before.map_or(reads.until, |at| at.max(reads.until));
                    self.planned_at <= after(ready, LONGEST_PAUSE)
                };
                let before = before.filter(in_a_row);
                Some(FailedReads {
                    times: before.map_or(0, |reads| reads.times).saturating_add(1),
                    since: before.map_or(at, |reads| reads.since),
                    until: at,
                    last: message.clone(),
                })
            }
            // The daemon ended in the middle of a read.
            Cancelled::Ending => before.cloned(),
            // The read says why.
            _ => None,
        };
        Attempts { not_before, reads, ..self.attempts.clone() }
    }
}
