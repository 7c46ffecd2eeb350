//! Openings and freezes: when ringward may write for a ring, until when, and why not.
//!
//! **Invariant:** pure; a freeze always wins over an opening, and every answer holds until
//! [`Schedule::next_change`], save that a far closing comes into sight.
//!
//! All spans are half-open: an opening that closes at 16:00 is closed at 16:00.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::{SignedDuration, Timestamp, after, since};

mod entry;
mod follow;
mod line;
mod opening;
mod parts;
#[cfg(test)]
mod tests;
mod within;
mod zone;

use follow::{Follow, Reach};

pub use entry::START_GRACE;
pub use opening::{LEAST_OPENING, Opening};
pub use parts::{Freeze, MAX_FREEZES, MAX_OPENINGS, ScheduleError};
pub use zone::Zone;

/// How far openings are sought ahead: a year and a month, so that a yearly one is found. One that
/// comes later counts as one that never comes.
pub const HORIZON: SignedDuration = SignedDuration::from_hours(400 * 24);

/// How far openings that touch are followed: past a week, so that a weekly gap is seen. Each
/// opening followed costs a search, and nothing is decided more than a week ahead.
pub const SIGHT: SignedDuration = SignedDuration::from_hours(8 * 24);

/// Openings and freezes of one ring, in the ring's time zone.
///
/// It is kept in the log as written and worked out again when read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Schedule {
    zone: Zone,
    open: Vec<Opening>,
    freeze: Vec<Freeze>,
    /// The freezes as instants, in the order of `freeze`.
    frozen: Vec<Frozen>,
    /// The same in the order of time, those joined that overlap or touch.
    joined: Vec<Frozen>,
}

/// The form in the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    zone: Zone,
    open: Vec<Opening>,
    freeze: Vec<Freeze>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Frozen {
    begins: Timestamp,
    ends: Timestamp,
}

/// Whether the openings (freezes aside) let ringward write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openness {
    /// No openings are written, so it is always open.
    AlwaysOpen,
    /// Inside an opening; those that overlap or touch count as one.
    Open {
        /// The instant it closes. `None`: openings touch for longer than [`SIGHT`].
        closes_at: Option<Timestamp>,
    },
    /// Outside every opening.
    Closed {
        /// The next opening. `None`: there is none that can be computed.
        opens_at: Option<Timestamp>,
    },
}

/// The freeze in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreezeNow<'a> {
    /// As written; of several in force, the first in the plan.
    pub reason: &'a str,
    /// When nothing is frozen any more: freezes that overlap or touch count as one.
    pub ends_at: Timestamp,
}

/// Why ringward may write at an instant, or may not. A freeze is named before a closed opening,
/// because deny wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AlwaysOpen => "always_open",
            Self::InOpening => "in_opening",
            Self::OutsideOpenings => "outside_openings",
            Self::Frozen(_) => "frozen",
        }
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
    /// Checks the number of parts and works out the freezes; the parts are checked already.
    ///
    /// # Errors
    /// More than [`MAX_OPENINGS`] openings or [`MAX_FREEZES`] freezes.
    pub fn new(zone: Zone, open: Vec<Opening>, freeze: Vec<Freeze>) -> Result<Self, ScheduleError> {
        if open.len() > MAX_OPENINGS {
            return Err(ScheduleError::TooManyOpenings { found: open.len() });
        }
        if freeze.len() > MAX_FREEZES {
            return Err(ScheduleError::TooManyFreezes { found: freeze.len() });
        }
        Ok(Self::worked_out(zone, open, freeze))
    }

    fn worked_out(zone: Zone, open: Vec<Opening>, freeze: Vec<Freeze>) -> Self {
        let frozen: Vec<Frozen> = freeze
            .iter()
            .map(|freeze| Frozen {
                begins: zone.start_of_day(freeze.from()),
                ends: zone.end_of_day(freeze.until()),
            })
            .collect();
        let joined = joined(&frozen);
        Self { zone, open, freeze, frozen, joined }
    }

    /// Open at all times, never frozen.
    #[must_use]
    pub fn always() -> Self {
        let (frozen, joined) = (Vec::new(), Vec::new());
        Self { zone: Zone::utc(), open: Vec::new(), freeze: Vec::new(), frozen, joined }
    }

    /// The zone in which openings and freezes are read, and in which to show their instants.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The openings as written; none means always open.
    #[must_use]
    pub fn openings(&self) -> &[Opening] {
        &self.open
    }

    /// The freezes as written.
    #[must_use]
    pub fn freezes(&self) -> &[Freeze] {
        &self.freeze
    }

    /// The freezes that are not over, as written.
    pub fn freezes_after(&self, now: Timestamp) -> impl Iterator<Item = &Freeze> {
        let ahead = self.freeze.iter().zip(&self.frozen).filter(move |(_, frozen)| frozen.ends > now);
        ahead.map(|(freeze, _)| freeze)
    }

    /// Whether the openings let ringward write at `now`; freezes are a question of their own.
    #[must_use]
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

    /// The freeze in force at `now`.
    #[must_use]
    pub fn freeze_at(&self, now: Timestamp) -> Option<FreezeNow<'_>> {
        let position = self.frozen.iter().position(|frozen| frozen.covers(now))?;
        let reason = self.freeze.get(position)?.reason();
        let ends_at = self.joined.iter().find(|joined| joined.covers(now))?.ends;
        Some(FreezeNow { reason, ends_at })
    }

    /// The beginning of the first freeze after `now`.
    #[must_use]
    pub fn next_freeze(&self, now: Timestamp) -> Option<Timestamp> {
        self.frozen.iter().map(|frozen| frozen.begins).filter(|begins| *begins > now).min()
    }

    /// How long writing stays allowed from `now` on.
    #[must_use]
    pub fn writable(&self, now: Timestamp) -> Writable {
        if self.freeze_at(now).is_some() {
            return Writable::NotNow;
        }
        let freeze = self.next_freeze(now);
        let end = match self.reach(now) {
            _ if self.open.is_empty() => freeze,
            None => return Writable::NotNow,
            Some(reach) => reach.end(freeze),
        };
        end.map_or(Writable::Unlimited, Writable::Until)
    }

    /// Next opening, next closing and the reason, for people. Whether enough of the opening is left
    /// to enter a ring is [`Schedule::next_entry`]'s.
    #[must_use]
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

    /// The frozen time between two instants: what a deadline that stands still in freezes gains.
    /// Zero when `until` is not after `from`.
    #[must_use]
    pub fn frozen_between(&self, from: Timestamp, until: Timestamp) -> SignedDuration {
        let mut counted_to = from;
        let mut total = SignedDuration::ZERO;
        for span in &self.joined {
            let begins = span.begins.max(counted_to);
            let ends = span.ends.min(until);
            if begins < ends {
                total = total.saturating_add(since(begins, ends));
                counted_to = ends;
            }
        }
        total
    }

    /// The next instant at which any answer of this schedule changes: when to wake up. A closing
    /// out of [`SIGHT`] is not told yet; the answer is then an instant before it, to look again.
    /// Where freezes overlap, the edges of each are told, since the reason may change.
    #[must_use]
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
}

/// Two schedules are equal when they are written alike; the instants follow from that.
impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.zone == other.zone && self.open == other.open && self.freeze == other.freeze
    }
}

impl Eq for Schedule {}

impl Frozen {
    fn covers(&self, at: Timestamp) -> bool {
        self.begins <= at && at < self.ends
    }
}

/// The bounds are a plan file's: a log may hold more, where restrictions came on top.
impl From<Written> for Schedule {
    fn from(written: Written) -> Self {
        Self::worked_out(written.zone, written.open, written.freeze)
    }
}

impl From<Schedule> for Written {
    fn from(schedule: Schedule) -> Written {
        Written { zone: schedule.zone, open: schedule.open, freeze: schedule.freeze }
    }
}

/// Freezes in the order of time, those joined that overlap or touch.
fn joined(frozen: &[Frozen]) -> Vec<Frozen> {
    let mut sorted = frozen.to_vec();
    sorted.sort_unstable();
    let mut joined: Vec<Frozen> = Vec::new();
    for next in sorted {
        match joined.last_mut() {
            Some(last) if next.begins <= last.ends => last.ends = last.ends.max(next.ends),
            _ => joined.push(next),
        }
    }
    joined
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}
