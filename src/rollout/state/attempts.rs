//! What became of the writes and reads for a ring.
//!
//! **Invariant:** a read that failed is no write that came to nothing.

use std::fmt;

use crate::time::{SignedDuration, Timestamp, short};

/// With a longer pause between two of them, failed reads are not in a row: an opening closed
/// meanwhile, a person paused, no daemon ran.
pub(crate) const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(45);

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

impl Attempts {
    /// A person has seen it: what failed so far halts no more.
    pub(crate) fn forgive(&mut self) {
        (self.failed, self.not_before, self.refused, self.reads) = (0, None, None, None);
    }

    /// What was taken out for the ring was put back, so often by now: a move that came to nothing.
    pub(crate) fn came_back(&mut self, rounds: u32) {
        self.failed = (self.failed + 1).max(rounds);
        self.last.get_or_insert_with(|| "what was taken out of another group went back there".to_owned());
    }

    /// What the next one waits for, for people.
    pub fn trouble(&self) -> Option<String> {
        self.reads.as_ref().map(ToString::to_string).or_else(|| self.last.clone())
    }
}

/// What became of the writes for a ring that is being entered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Writes in a row that came to nothing.
    pub failed: u32,
    /// What the last of them met.
    pub last: Option<String>,
    /// No write is planned before this.
    pub not_before: Option<Timestamp>,
    /// Whether one of them was in doubt.
    pub doubted: bool,
    /// Set while a refusal waits for a person.
    pub refused: Option<Refusal>,
    /// Set while the read before a write fails: nothing was sent then.
    pub reads: Option<FailedReads>,
}

/// A write that Cloudflare refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// What was said.
    pub message: String,
}
