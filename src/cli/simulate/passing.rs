//! How far a simulation is, on a terminal: a large fleet takes its time.
//!
//! **Invariant:** nothing is written unless standard error is a terminal, and nothing stays there.

use crate::cli::transient;
use crate::time::{Timestamp, since};

/// A line that is written over.
pub(super) struct Passing {
    from: Timestamp,
    days: i64,
    shown: Option<i64>,
}

impl Passing {
    pub(super) fn of(from: Timestamp, days: i64) -> Self {
        Self { from, days, shown: None }
    }

    /// The simulation has come to an instant.
    pub(super) fn reached(&mut self, now: Timestamp) {
        let day = self.day(now);
        if self.shown != Some(day) {
            self.shown = Some(day);
            transient(&self.words(day));
        }
    }

    /// Wipes the line away.
    pub(super) fn end(self) {
        if self.shown.is_some() {
            transient("");
        }
    }

    fn day(&self, now: Timestamp) -> i64 {
        since(self.from, now).as_hours() / 24 + 1
    }

    fn words(&self, day: i64) -> String {
        format!("simulating day {} of at most {} ...", day.min(self.days), self.days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{SignedDuration, after};

    #[test]
    fn days_are_counted_from_the_first() {
        let from: Timestamp = "2026-10-12T00:00:00Z".parse().unwrap();
        let passing = Passing::of(from, 120);
        for (hours, words) in [(0, "day 1 of"), (23, "day 1 of"), (24, "day 2 of"), (24 * 120, "day 120 of")]
        {
            let day = passing.day(after(from, SignedDuration::from_hours(hours)));
            assert!(passing.words(day).contains(words), "{hours}: {}", passing.words(day));
        }
    }
}
