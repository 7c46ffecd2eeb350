//! When a ring may be entered: the one answer for gate, report, preview, simulation and `check`.
//!
//! **Invariant:** a ring is entered only in a span of openings without freeze that is long enough from its
//! start, and then with enough of it left or just after that start.

use crate::schedule::follow::{HORIZON, spans};
use crate::time::{SignedDuration, Timestamp, after, since};
use crate::{schedule::answers::Writable, schedule::whole::Schedule};

/// "At the start" of a span for so long after it: an opening of the least length is entered by a daemon
/// that decides some seconds after it opens, reads once more and then writes. What begins a span is an
/// opening's start or a freeze's end.
pub const START_GRACE: SignedDuration = SignedDuration::from_mins(2);

/// The grain of recorded time.
const TICK: SignedDuration = SignedDuration::from_millis(1);

impl Schedule {
    /// Whether a ring that needs so much of an opening may be entered at `now`, and up to when. Any span
    /// that is writable is long enough for an entry that needs nothing.
    pub fn enterable(&self, now: Timestamp, needed: SignedDuration) -> Writable {
        let end = match self.writable(now) {
            Writable::Until(end) => end,
            other => return other,
        };
        // With exactly this much left it may still be entered.
        let enough_left = after(after(end, TICK), -needed);
        let begins = self.begun_within(now, START_GRACE).filter(|begins| since(*begins, end) >= needed);
        let at_the_start = begins.map(|begins| after(begins, START_GRACE));
        let last = at_the_start.map_or(enough_left, |at_the_start| at_the_start.max(enough_left)).min(end);
        if last > now { Writable::Until(last) } else { Writable::NotNow }
    }

    /// The first instant from `now` on at which a ring may be entered that needs so much of an opening.
    /// `None`: there is none within [`HORIZON`]. `needed` is at most [`super::SIGHT`].
    pub fn next_entry(&self, now: Timestamp, needed: SignedDuration) -> Option<Timestamp> {
        match self.enterable(now, needed) {
            Writable::Until(_) | Writable::Unlimited => Some(now),
            Writable::NotNow => self.entries(now, needed).next().map(|(begins, _)| begins),
        }
    }

    /// The spans from `now` on in which a ring may be entered that needs so much of an opening: each with
    /// its begin, and its end where that is in sight. The first may have begun before `now`.
    pub fn entries(
        &self,
        now: Timestamp,
        needed: SignedDuration,
    ) -> impl Iterator<Item = (Timestamp, Option<Timestamp>)> {
        spans(self, now, after(now, HORIZON))
            .filter(move |(begins, ends)| ends.is_none_or(|ends| since(*begins, ends) >= needed))
    }

    /// The begin of the span that is on at `now`, if it lies less than so long ago.
    fn begun_within(&self, now: Timestamp, ago: SignedDuration) -> Option<Timestamp> {
        let before = after(now, -ago);
        let (begins, _) = spans(self, before, now).find(|(_, ends)| ends.is_none_or(|ends| ends > now))?;
        (begins > before && begins <= now).then_some(begins)
    }
}
