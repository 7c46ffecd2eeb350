//! What a schedule answers about an instant: whether writing is possible, until when, and why not; and when a ring
//! may be entered, the one answer for gate, report, preview, simulation and `check`.
//!
//! **Invariant:** a freeze always wins over an opening, and every answer holds until
//! [`Schedule::next_change`], save that a far closing comes into sight. A ring is entered only in a span of openings
//! without freeze that is long enough from its start, and then with enough of it left or just after that start.

use std::fmt;

use crate::schedule::follow::{Follow, HORIZON, Reach, SIGHT, earlier, spans};
use crate::schedule::whole::Schedule;
use crate::time::{SignedDuration, Timestamp, after, since};

/// "At the start" of a span for so long after it: an opening of the least length is entered by a daemon
/// that decides some seconds after it opens, reads once more and then writes. What begins a span is an
/// opening's start or a freeze's end.
pub const START_GRACE: SignedDuration = SignedDuration::from_mins(2);

/// The grain of recorded time.
const TICK: SignedDuration = SignedDuration::from_millis(1);

/// Whether the openings (freezes aside) let ringward write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openness {
    /// No openings are written, so it is always open.
    AlwaysOpen,
    /// Inside an opening, up to the instant it closes; those that overlap or touch count as one. `None`: openings
    /// touch for longer than [`SIGHT`].
    Open { closes_at: Option<Timestamp> },
    /// Outside every opening, up to the next one. `None`: there is none that can be computed.
    Closed { opens_at: Option<Timestamp> },
}

/// Why ringward may write at an instant, or may not. A freeze is named before a closed opening,
/// because deny wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Because<'a> {
    /// No openings are written, and nothing is frozen.
    AlwaysOpen,
    /// Inside an opening, and nothing is frozen.
    InOpening,
    /// Outside every opening.
    OutsideOpenings,
    /// Frozen, for this reason, as written.
    Frozen(&'a str),
}

impl Because<'_> {
    /// The word of API and metrics.
    pub const fn as_str(&self) -> &'static str {
        self.into_str()
    }
}

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlwaysOpen => f.write_str("open at all times"),
            Self::InOpening => f.write_str("open, in one of its openings"),
            Self::OutsideOpenings => f.write_str("closed, outside its openings"),
            Self::Frozen(reason) => write!(f, "frozen: {reason}"),
        }
    }
}

/// What to tell a person about an instant, openings and freezes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook<'a> {
    /// Why it is so now.
    pub because: Because<'a>,
    /// The next instant after now at which writing becomes possible. `None`: there is none within
    /// [`HORIZON`], or writing does not end before.
    pub next_open: Option<Timestamp>,
    /// The next instant after now at which writing ends: an opening closes or a freeze begins.
    /// `None`: there is none within [`SIGHT`] of now or of `next_open`.
    pub next_close: Option<Timestamp>,
}

/// How long writing stays allowed, openings and freezes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writable {
    /// Frozen or closed.
    NotNow,
    /// Up to this instant, when the opening closes or a freeze begins.
    Until(Timestamp),
    /// With no end within [`SIGHT`].
    Unlimited,
}

impl Schedule {
    /// Whether the openings let ringward write at `now`; freezes are a question of their own.
    pub fn openness(&self, now: Timestamp) -> Openness {
        if self.open.is_empty() {
            return Openness::AlwaysOpen;
        }
        match self.reach(now) {
            None => Openness::Closed { opens_at: self.next_opening(now, after(now, HORIZON)) },
            Some(reach) => Openness::Open { closes_at: reach.closing() },
        }
    }

    /// How far the openings at `now` reach, those joined that overlap or touch. `None`: closed.
    fn reach(&self, now: Timestamp) -> Option<Reach> {
        Follow::from(self, now).reach(now, after(now, SIGHT))
    }

    /// How long writing stays allowed from `now` on.
    pub fn writable(&self, now: Timestamp) -> Writable {
        if self.frozen_until(now).is_some() {
            return Writable::NotNow;
        }
        let freeze = self.freezes_next(now);
        let end = match self.reach(now) {
            _ if self.open.is_empty() => freeze,
            None => return Writable::NotNow,
            Some(reach) => reach.end(freeze),
        };
        end.map_or(Writable::Unlimited, Writable::Until)
    }

    /// Next opening, next closing and the reason, for people. Whether enough of the opening is left
    /// to enter a ring is [`Schedule::next_entry`]'s.
    pub fn outlook(&self, now: Timestamp) -> Outlook<'_> {
        let because = match (self.freeze_at(now), self.openness(now)) {
            (Some(freeze), _) => Because::Frozen(freeze.reason),
            (None, Openness::AlwaysOpen) => Because::AlwaysOpen,
            (None, Openness::Open { .. }) => Because::InOpening,
            (None, Openness::Closed { .. }) => Because::OutsideOpenings,
        };
        let from = |instant| self.next_entry(instant, SignedDuration::ZERO);
        let (next_open, next_close) = match self.writable(now) {
            Writable::Unlimited => (None, None),
            Writable::Until(end) => (from(end), Some(end)),
            Writable::NotNow => {
                let opens = from(now);
                let closes = opens.and_then(|opens| match self.writable(opens) {
                    Writable::Until(end) => Some(end),
                    Writable::NotNow | Writable::Unlimited => None,
                });
                (opens, closes)
            }
        };
        Outlook { because, next_open, next_close }
    }

    /// The next instant at which any answer of this schedule changes: when to wake up. A closing
    /// out of [`SIGHT`] is not told yet; the answer is then an instant before it, to look again.
    /// Where freezes overlap, the edges of each are told, since the reason may change.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let opening = match self.reach(now) {
            Some(reach) => Some(reach.known()),
            None => self.next_opening(now, after(now, HORIZON)),
        };
        let freeze = self
            .frozen
            .iter()
            .flat_map(|frozen| [frozen.begins, frozen.ends])
            .filter(|edge| *edge > now)
            .min();
        earlier(opening, freeze)
    }

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
