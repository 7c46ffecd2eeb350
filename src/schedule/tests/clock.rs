//! The wall clock of a zone, minute by minute.
//!
//! **Invariant:** it steps over UTC and searches for nothing.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::time::{SignedDuration, Timestamp, after};

/// Minutes in a row.
pub(super) struct Minutes {
    pub(super) zone: &'static str,
    /// The first minute.
    from: Timestamp,
    pub(super) walls: Vec<Wall>,
}

/// The wall clock of one minute.
pub(super) struct Wall {
    pub(super) shown: DateTime,
    /// Whether it was never shown before.
    first_pass: bool,
    /// What was skipped just before it.
    skipped: Vec<DateTime>,
}

pub(super) fn minutes(count: usize) -> SignedDuration {
    SignedDuration::from_mins(i64::try_from(count).unwrap())
}

impl Minutes {
    pub(super) fn of(zone: &'static str, rules: &TimeZone, from: Timestamp, count: usize) -> Self {
        let mut highest = rules.to_datetime(after(from, -minutes(1)));
        let mut walls = Vec::with_capacity(count);
        for minute in 0..count {
            let shown = rules.to_datetime(after(from, minutes(minute)));
            let mut skipped = Vec::new();
            let mut next = highest.saturating_add(minutes(1));
            while next < shown {
                skipped.push(next);
                next = next.saturating_add(minutes(1));
            }
            walls.push(Wall { shown, first_pass: shown > highest, skipped });
            highest = highest.max(shown);
        }
        Self { zone, from, walls }
    }

    pub(super) fn at(&self, minute: usize) -> Timestamp {
        after(self.from, minutes(minute))
    }

    /// Whether a line opens at each minute: one with a fixed time of day once, and at the first instant after a gap
    /// that swallows it; any other as the clock shows.
    pub(super) fn starts(
        &self,
        fixed: bool,
        matches: impl Fn(DateTime) -> bool,
    ) -> impl Iterator<Item = bool> {
        self.walls.iter().map(move |wall| {
            let shown = matches(wall.shown);
            if fixed {
                (shown && wall.first_pass) || wall.skipped.iter().any(|skipped| matches(*skipped))
            } else {
                shown
            }
        })
    }
}
