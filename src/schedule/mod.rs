//! Openings and freezes: when ringward may write for a ring, until when, and why not.
//!
//! **Invariant:** pure; a freeze always wins over an opening, and every answer holds until
//! [`Schedule::next_change`], save that a far closing comes into sight.
//!
//! All spans are half-open: an opening that closes at 16:00 is closed at 16:00.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::{SignedDuration, Timestamp, after, since};

mod parts;
#[cfg(test)]
mod tests;
mod within;

pub use parts::{Freeze, LEAST_OPENING, MAX_FREEZES, MAX_OPENINGS, Opening, ScheduleError, Zone};

/// How far [`Schedule::next_entry`] looks ahead: a year and a month, so that a yearly opening
/// is found.
pub const HORIZON: SignedDuration = SignedDuration::from_hours(400 * 24);

/// How far openings that touch are followed: past a week, so that a weekly gap is seen. Each
/// opening followed costs a search, and nothing is decided more than a week ahead.
pub const SIGHT: SignedDuration = SignedDuration::from_hours(8 * 24);

/// How many openings and freezes [`Schedule::next_entry`] tries: ten a day within [`HORIZON`].
const MAX_TRIES: usize = 4_000;

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
        let frozen = freeze
            .iter()
            .map(|freeze| Frozen {
                begins: zone.start_of_day(freeze.from()),
                ends: zone.end_of_day(freeze.until()),
            })
            .collect();
        Self { zone, open, freeze, frozen }
    }

    /// Open at all times, never frozen.
    #[must_use]
    pub fn always() -> Self {
        Self { zone: Zone::utc(), open: Vec::new(), freeze: Vec::new(), frozen: Vec::new() }
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

    /// Whether the openings let ringward write at `now`; freezes are a question of their own.
    #[must_use]
    pub fn openness(&self, now: Timestamp) -> Openness {
        if self.open.is_empty() {
            return Openness::AlwaysOpen;
        }
        let until = self.open_until(now);
        if until <= now {
            return Openness::Closed { opens_at: self.next_opening(now) };
        }
        Openness::Open { closes_at: Some(until).filter(|closing| *closing <= after(now, SIGHT)) }
    }

    /// Up to when the openings at `now` reach, those joined that overlap or touch: `now` when
    /// closed, and beyond [`SIGHT`] an instant before which nothing closes.
    fn open_until(&self, now: Timestamp) -> Timestamp {
        let sight = after(now, SIGHT);
        let mut until = now;
        // Bounded: of one line, every second step passes more than a whole length of it, because
        // the step before took the last start that was within reach.
        while until <= sight {
            match self.last_closing(until) {
                Some(closing) if closing > until => until = closing,
                _ => break,
            }
        }
        until
    }

    /// The freeze in force at `now`.
    #[must_use]
    pub fn freeze_at(&self, now: Timestamp) -> Option<FreezeNow<'_>> {
        let position = self.frozen.iter().position(|frozen| frozen.covers(now))?;
        let reason = self.freeze.get(position)?.reason();
        let mut ends_at = now;
        // Each round joins at least one more freeze, so there are at most as many rounds.
        while let Some(end) = self.frozen.iter().filter(|f| f.covers(ends_at)).map(|f| f.ends).max() {
            ends_at = end;
        }
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
        let end = match self.openness(now) {
            Openness::Closed { .. } => return Writable::NotNow,
            Openness::AlwaysOpen => freeze,
            Openness::Open { closes_at: Some(closes_at) } => earlier(Some(closes_at), freeze),
            // A freeze beyond sight may come after a closing that is not seen.
            Openness::Open { closes_at: None } => freeze.filter(|begins| *begins <= after(now, SIGHT)),
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
        let mut spans = self.frozen.clone();
        spans.sort_unstable();
        let mut counted_to = from;
        let mut total = SignedDuration::ZERO;
        for span in spans {
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
        let opening = match self.openness(now) {
            Openness::AlwaysOpen => None,
            Openness::Open { .. } => Some(self.open_until(now)),
            Openness::Closed { opens_at } => opens_at,
        };
        let freeze = self
            .frozen
            .iter()
            .flat_map(|frozen| [frozen.begins, frozen.ends])
            .filter(|edge| *edge > now)
            .min();
        earlier(opening, freeze)
    }

    /// The first instant from `now` on that is open and not frozen, and stays so for `needed`.
    /// `None`: there is none within [`HORIZON`]. `needed` is at most [`SIGHT`].
    #[must_use]
    pub fn next_entry(&self, now: Timestamp, needed: SignedDuration) -> Option<Timestamp> {
        let last = after(now, HORIZON);
        let mut at = now;
        for _ in 0..MAX_TRIES {
            let until = match self.writable(at) {
                Writable::Unlimited => return Some(at),
                Writable::Until(end) if since(at, end) >= needed => return Some(at),
                Writable::Until(end) => Some(end),
                Writable::NotNow => self.next_possible(at),
            };
            at = until.filter(|next| *next > at && *next <= last)?;
        }
        None
    }

    /// From a frozen or closed instant: when that first reason is over.
    fn next_possible(&self, at: Timestamp) -> Option<Timestamp> {
        if let Some(freeze) = self.freeze_at(at) {
            return Some(freeze.ends_at);
        }
        match self.openness(at) {
            Openness::Closed { opens_at } => opens_at,
            Openness::AlwaysOpen | Openness::Open { .. } => Some(at),
        }
    }

    /// The latest closing of the openings that opened at or before `at`. Of one cron line, the
    /// last opening closes last, because all of them are equally long.
    fn last_closing(&self, at: Timestamp) -> Option<Timestamp> {
        self.open
            .iter()
            .filter_map(|opening| Some(after(opening.last_start(at, &self.zone)?, opening.length().get())))
            .max()
    }

    fn next_opening(&self, at: Timestamp) -> Option<Timestamp> {
        self.open.iter().filter_map(|opening| opening.next_start(at, &self.zone)).min()
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

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}
