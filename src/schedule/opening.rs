//! An opening: a repeated span of time in which a ring may be entered.
//!
//! **Invariant:** one that a plan file writes comes at least once; one that a log holds may never come.

use serde::{Deserialize, Serialize};

use super::{ScheduleError, grammar::WrittenCron, line::CronLine, zone::Zone};
use crate::time::{SignedDuration, Span, Timestamp, after};

/// The shortest opening: a ring is entered only with so much of the opening left, or at its start.
pub const LEAST_OPENING: SignedDuration = SignedDuration::from_mins(15);

/// A repeated span of time in which a ring may be entered: when it opens, and for how long.
///
/// An opening belongs to the instant it opens; its length is elapsed time, also across midnight
/// and clock changes. A line with one fixed time of day that falls into the hour that a clock
/// change skips opens at the first instant after it; one in the repeated hour opens once, at
/// its first pass. Lines with several times a day skip and repeat with the clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "WrittenOpening")]
pub struct Opening {
    #[serde(rename = "cron")]
    written: String,
    #[serde(rename = "for")]
    length: Span,
    #[serde(skip)]
    line: CronLine,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenOpening {
    cron: String,
    r#for: Span,
}

impl Opening {
    /// Reads a cron line of five fields (minute, hour, day, month, weekday; names such as
    /// `Mon-Thu` are read; where day and weekday are both given, either is enough).
    ///
    /// # Errors
    /// When the line is not of the grammar, no date matches it, or the opening is shorter than
    /// [`LEAST_OPENING`].
    pub fn new(cron: &str, length: Span) -> Result<Self, ScheduleError> {
        let found = cron.to_owned();
        if let Err(fault) = WrittenCron::read(cron) {
            return Err(ScheduleError::NotCron { found, fault });
        }
        let opening = Self::recorded(cron, length)?;
        if opening.line.comes() { Ok(opening) } else { Err(ScheduleError::NeverOpens { found }) }
    }

    /// One of a log, which holds whatever an earlier release accepted. It may never come.
    fn recorded(cron: &str, length: Span) -> Result<Self, ScheduleError> {
        if length.get() < LEAST_OPENING {
            return Err(ScheduleError::TooShort { found: length });
        }
        Ok(Self { written: cron.to_owned(), length, line: CronLine::read(cron)? })
    }

    /// The cron line as written.
    pub fn cron(&self) -> &str {
        &self.written
    }

    /// How long it stays open.
    pub fn length(&self) -> Span {
        self.length
    }

    /// When it opens and for how long, in words: `Mon to Thu 09:00 for 7h`.
    pub fn words(&self) -> String {
        // Only a log holds another line.
        let when = WrittenCron::read(&self.written)
            .map_or_else(|_| format!("by the cron line {}", self.written), |line| line.words());
        format!("{when} for {}", self.length)
    }

    /// Whether its line names days of the month and weekdays, so that it opens on each of either.
    pub fn takes_either_day(&self) -> bool {
        self.line.takes_either_day()
    }

    /// The latest closing of what opened after `since` and not after `at`. The last opening closes last,
    /// because all of them are equally long.
    pub(super) fn last_closing(&self, since: Timestamp, at: Timestamp, zone: &Zone) -> Option<Timestamp> {
        Some(after(self.line.last_start(since, at, zone)?, self.length.get()))
    }

    /// The first instant after `at`, and not after `until`, at which it opens.
    pub(super) fn next_start(&self, at: Timestamp, until: Timestamp, zone: &Zone) -> Option<Timestamp> {
        self.line.next_start(at, until, zone)
    }
}

impl PartialEq for Opening {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written && self.length == other.length
    }
}

impl Eq for Opening {}

impl TryFrom<WrittenOpening> for Opening {
    type Error = ScheduleError;
    fn try_from(written: WrittenOpening) -> Result<Self, ScheduleError> {
        Self::recorded(&written.cron, written.r#for)
    }
}
