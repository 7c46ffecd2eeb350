//! One schedule held against another: what is frozen from an instant on, and whether its openings lie
//! inside the other's.
//!
//! **Invariant:** in doubt the answer is no: openings that cannot be followed to their end lie in nothing.

use crate::schedule::follow::{HORIZON, SIGHT};
use crate::time::{Timestamp, after};
use crate::{
    schedule::answers::Openness, schedule::opening::Opening, schedule::parts::Freeze,
    schedule::whole::Schedule,
};

/// How many openings are held against another schedule: ten a day within [`HORIZON`].
const MAX_COMPARED: usize = 4_000;

impl Schedule {
    /// The frozen spans that end after `from`, in order, those joined that overlap or touch.
    pub fn frozen_from(&self, from: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let left = self.joined.iter().filter(|span| span.ends > from);
        left.map(|span| (span.begins.max(from), span.ends)).collect()
    }

    /// Whether ringward may write by this schedule's openings only when it may by the other's, from an
    /// instant on; freezes aside.
    pub fn opens_only_within(&self, other: &Self, from: Timestamp) -> bool {
        // All lies within what is always open, and what is always open within nothing else.
        if self.open.is_empty() || other.open.is_empty() {
            return other.open.is_empty();
        }
        // One that is written in the other, and no longer, needs no search.
        let is_written = |opening: &Opening| {
            let same = |known: &Opening| known.cron() == opening.cron() && opening.length() <= known.length();
            self.zone == other.zone && other.open.iter().any(same)
        };
        self.open.iter().all(|opening| is_written(opening) || self.lies_within(opening, other, from))
    }

    fn lies_within(&self, opening: &Opening, other: &Self, from: Timestamp) -> bool {
        let (length, last) = (opening.length().get(), after(from, HORIZON));
        let mut at = after(from, -length);
        for _ in 0..MAX_COMPARED {
            let Some(begins) = opening.next_start(at, last, &self.zone) else { return true };
            let ends = after(begins, length);
            let inside = match other.openness(begins.max(from)) {
                Openness::AlwaysOpen => true,
                Openness::Open { closes_at } => closes_at.unwrap_or(after(begins, SIGHT)) >= ends,
                Openness::Closed { .. } => false,
            };
            if ends > from && !inside {
                return false;
            }
            at = begins;
        }
        false
    }

    /// The same with other openings, and with further freezes of its own zone. The bounds of a plan file
    /// do not apply: what restricts is never refused for its number.
    pub fn restricted(&self, open: Option<Vec<Opening>>, freezes: &[Freeze]) -> Self {
        let open = open.unwrap_or_else(|| self.open.clone());
        let freeze = self.freeze.iter().chain(freezes).cloned().collect();
        Self::worked_out(self.zone.clone(), open, freeze)
    }
}
