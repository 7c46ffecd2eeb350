//! Freezes as written, and what is wrong with a part of a schedule.
//!
//! **Invariant:** a [`Freeze`] does not end before it begins.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::grammar::CronFault;
use crate::time::Span;

/// The most openings in one schedule; each costs a search per decision.
pub const MAX_OPENINGS: usize = 32;

/// The most freezes in one schedule: one for each day of a year.
pub const MAX_FREEZES: usize = 366;

/// A part of a schedule that cannot be used: what was found, as written, or how many of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not in the time zone database.
    #[error("`{found}` is not a time zone; write an IANA name, such as Europe/Lisbon or UTC")]
    UnknownZone { found: String },
    /// Of a log: not five fields that cron reads, and why.
    #[error(
        "`{found}` is not a cron line ({why}); write minute, hour, day, month, weekday, such as 0 9 * * Mon-Thu"
    )]
    InvalidCron { found: String, why: String },
    /// Not as a plan file writes one, and where it is not.
    #[error(
        "`{found}` is not a cron line ({fault}); write minute, hour, day, month, weekday, such as 0 9 * * Mon-Thu"
    )]
    NotCron { found: String, fault: CronFault },
    /// No date matches.
    #[error("`{found}` never comes: no date matches its day, month and weekday; name a day that exists")]
    NeverOpens { found: String },
    /// Too short to enter a ring in it.
    #[error(
        "an opening of {found} is too short: a ring is entered only with 15m of the opening left; write at least 15m"
    )]
    TooShort { found: Span },
    /// `until` before `from`.
    #[error(
        "this freeze ends on {until}, before it begins on {from}; both days are frozen, so name the first and the last"
    )]
    EndsBeforeItBegins { from: Date, until: Date },
    /// Bound on the work of one decision.
    #[error(
        "{found} openings are too many: a schedule has at most {MAX_OPENINGS}; join some, such as 0 9 * * Mon-Thu"
    )]
    TooManyOpenings { found: usize },
    /// Bound on the work of one decision.
    #[error(
        "{found} freezes are too many: a schedule has at most {MAX_FREEZES}; join neighbouring days, drop past ones"
    )]
    TooManyFreezes { found: usize },
}

/// Days on which ringward writes nothing, the first and the last included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenFreeze")]
pub struct Freeze {
    from: Date,
    until: Date,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFreeze {
    from: Date,
    until: Date,
    reason: String,
}

impl Freeze {
    /// A freeze of whole days in the ring's zone.
    ///
    /// # Errors
    /// When `until` is before `from`.
    pub fn new(from: Date, until: Date, reason: impl Into<String>) -> Result<Self, ScheduleError> {
        if until < from {
            return Err(ScheduleError::EndsBeforeItBegins { from, until });
        }
        Ok(Self { from, until, reason: reason.into() })
    }

    /// The first frozen day.
    pub fn from(&self) -> Date {
        self.from
    }

    /// The last frozen day.
    pub fn until(&self) -> Date {
        self.until
    }

    /// How many days are frozen.
    pub fn days(&self) -> i32 {
        let hours = self.from.duration_until(self.until).as_hours();
        i32::try_from(hours / 24 + 1).unwrap_or(i32::MAX)
    }

    /// Why, for people.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The same with a day more on both sides.
    pub fn widened(&self) -> Self {
        let from = self.from.yesterday().unwrap_or(self.from);
        let until = self.until.tomorrow().unwrap_or(self.until);
        Self { from, until, reason: self.reason.clone() }
    }
}

impl TryFrom<WrittenFreeze> for Freeze {
    type Error = ScheduleError;
    fn try_from(written: WrittenFreeze) -> Result<Self, ScheduleError> {
        Self::new(written.from, written.until, written.reason)
    }
}
