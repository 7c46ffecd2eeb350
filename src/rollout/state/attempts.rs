//! What became of the writes for a ring: those that were sent, and those that were not since the
//! read before them failed. The two are counted apart.
//!
//! **Invariant:** a read that fails is no write that failed: it never counts towards those that come
//! to nothing, and it leaves no doubt.

use std::fmt;

use super::PendingWrite;
use super::ring::Attempts;
use crate::rollout::event::Cancelled;
use crate::rollout::verdict::short;
use crate::time::{SignedDuration, Timestamp, after};

/// With a longer pause between two of them, failed reads are not in a row: an opening closed
/// meanwhile, a person paused, no daemon ran.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(45);

/// Reads before a write that failed in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedReads {
    /// How many.
    pub times: u32,
    /// When the first of them did.
    pub since: Timestamp,
    /// When the last of them did.
    pub until: Timestamp,
    /// What that one met.
    pub last: String,
}

impl fmt::Display for FailedReads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { times, since, last, .. } = self;
        write!(f, "the read before the write failed: {last}")?;
        if *times > 1 {
            write!(f, " ({times} times since {})", short(*since))?;
        }
        Ok(())
    }
}

impl PendingWrite {
    /// The attempts after this write, which was not sent and is no failure of its own.
    pub(super) fn unsent(&self, why: &Cancelled, not_before: Option<Timestamp>, at: Timestamp) -> Attempts {
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

impl Attempts {
    /// A person has seen it: what failed so far halts no more.
    pub(super) fn forgive(&mut self) {
        self.failed = 0;
        self.not_before = None;
        self.refused = None;
        self.reads = None;
    }

    /// What was taken out for the ring was put back, so often by now: a move that came to nothing.
    pub(super) fn came_back(&mut self, rounds: u32) {
        self.failed = (self.failed + 1).max(rounds);
        self.last.get_or_insert_with(|| "what was taken out of another group went back there".to_owned());
    }

    /// What the next one waits for, for people.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.reads.as_ref().map(ToString::to_string).or_else(|| self.last.clone())
    }
}
