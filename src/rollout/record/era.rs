//! Eras of the log: what its rows are dated by, and what happened when.
//!
//! The rows of the log are dated in order for ever. Where the machine's clock was ahead, they are dated in
//! the future, and a person's `confirm clock` begins an era: from that record on each row is dated as much
//! later than it happened as the clock had been ahead. What is folded, shown and judged goes by when things
//! happened; only the rows' own dates are later.
//!
//! **Invariant:** rows are dated in order; what happened goes back at the begin of an era and nowhere else.

use crate::rollout::record::event::Event;
use crate::time::{SignedDuration, Timestamp, after, since};

/// The eras that a person began, oldest first: from which record on, and how much later its rows are dated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Eras(Vec<(u64, SignedDuration)>);

impl Eras {
    /// How much later the row of record `seq` is dated than it happened.
    pub fn later_at(&self, seq: u64) -> SignedDuration {
        let begun = self.0.iter().rev().find(|(first, _)| *first <= seq);
        begun.map_or(SignedDuration::ZERO, |(_, later)| *later)
    }

    /// When record `seq` happened, whose row is dated `dated`.
    pub fn happened(&self, seq: u64, dated: Timestamp) -> Timestamp {
        after(dated, -self.later_at(seq))
    }

    /// How to date the row of record `seq`, which happened at `at`.
    pub fn dated(&self, seq: u64, at: Timestamp) -> Timestamp {
        after(at, self.later_at(seq))
    }

    /// Takes in an event that is to be record `seq`: what begins an era counts for its own row.
    pub fn follow(&mut self, seq: u64, event: &Event) {
        if let Event::ClockConfirmed { was, now, .. } = event {
            self.0.push((seq, self.later_at(seq) + since(*now, *was)));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rollout::record::era::*;

    #[test]
    fn rows_are_dated_in_order_and_tell_when_things_happened() {
        let at = |hours: i64| Timestamp::from_second(1_800_000_000 + hours * 3_600).unwrap();
        let confirmed = |was, now| Event::ClockConfirmed { was: at(was), now: at(now), answers: Vec::new() };
        let mut eras = Eras::default();
        // (record, when it happened, in hours, how its row is dated, what it is)
        let rows = [
            (1, 0, 0, None),
            (2, 960, 960, None),
            (3, 1, 961, Some(confirmed(961, 1))),
            (4, 2, 962, None),
            (5, 50, 1_010, None),
            (6, 4, 1_012, Some(confirmed(52, 4))),
            (7, 5, 1_013, None),
        ];
        for (seq, happened, dated, event) in rows {
            if let Some(event) = event {
                eras.follow(seq, &event);
            }
            assert_eq!(eras.dated(seq, at(happened)), at(dated), "record {seq}");
            assert_eq!(eras.happened(seq, at(dated)), at(happened), "record {seq}");
        }
        assert_eq!(eras.happened(2, at(960)), at(960), "an era changes nothing before it");
    }
}
