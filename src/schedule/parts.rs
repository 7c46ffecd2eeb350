//! The parts of a schedule as written, each checked when made: zone, opening, freeze.
//!
//! **Invariant:** an [`Opening`] comes at least once, and a [`Freeze`] does not end before it
//! begins.

use std::fmt;

use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, JobType};
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use serde::{Deserialize, Serialize};

use crate::time::{SignedDuration, Span, Timestamp};

/// The most openings in one schedule; each costs a search per decision.
pub const MAX_OPENINGS: usize = 32;

/// The most freezes in one schedule: one for each day of a year.
pub const MAX_FREEZES: usize = 366;

/// The shortest opening: a ring is entered only with 15 minutes of the opening left (DESIGN 3),
/// so a shorter one could never be used.
pub const LEAST_OPENING: SignedDuration = SignedDuration::from_mins(15);

/// The years in which an opening must come at least once. None of them is a leap year skipped, so
/// dates and weekdays repeat every 28 years, and a date that comes at all comes among them.
const PROBED_YEARS: &str = "2024-2051";
/// 2024-01-01T00:00:00Z.
const PROBED_FROM: i64 = 1_704_067_200;

/// No clock change repeats more of a day than this.
const LONGEST_CHANGE: SignedDuration = SignedDuration::from_hours(24);

/// Names that some machines' databases have and others read otherwise.
const MACHINE_NAMES: [&str; 3] = ["localtime", "posixrules", "Factory"];

/// A part of a schedule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not in the time zone database.
    #[error("`{found}` is not a time zone; write an IANA name, such as Europe/Lisbon or UTC")]
    UnknownZone {
        /// As written.
        found: String,
    },
    /// Not five fields that cron reads.
    #[error(
        "`{found}` is not a cron line ({why}); write minute, hour, day, month, weekday, such as 0 9 * * Mon-Thu"
    )]
    InvalidCron {
        /// As written.
        found: String,
        /// What is wrong with it.
        why: String,
    },
    /// No date matches.
    #[error("`{found}` never comes: no date matches its day, month and weekday; name a day that exists")]
    NeverOpens {
        /// The cron line as written.
        found: String,
    },
    /// Too short to enter a ring in it.
    #[error(
        "an opening of {found} is too short: a ring is entered only with 15m of the opening left; write at least 15m"
    )]
    TooShort {
        /// As written.
        found: Span,
    },
    /// `until` before `from`.
    #[error(
        "this freeze ends on {until}, before it begins on {from}; both days are frozen, so name the first and the last"
    )]
    EndsBeforeItBegins {
        /// The first day.
        from: Date,
        /// The last day.
        until: Date,
    },
    /// Bound on the work of one decision.
    #[error(
        "{found} openings are too many: a schedule has at most {MAX_OPENINGS}; join some, such as 0 9 * * Mon-Thu"
    )]
    TooManyOpenings {
        /// How many are written.
        found: usize,
    },
    /// Bound on the work of one decision.
    #[error(
        "{found} freezes are too many: a schedule has at most {MAX_FREEZES}; join neighbouring days, drop past ones"
    )]
    TooManyFreezes {
        /// How many are written.
        found: usize,
    },
}

/// A time zone by its IANA name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// Looks a name up in the machine's time zone database, else in the one built in. Case does
    /// not matter; the database's spelling is kept.
    ///
    /// # Errors
    /// When the database has no such zone.
    pub fn new(name: &str) -> Result<Self, ScheduleError> {
        let unknown = || ScheduleError::UnknownZone { found: name.to_owned() };
        if MACHINE_NAMES.iter().any(|machine| machine.eq_ignore_ascii_case(name)) {
            return Err(unknown());
        }
        let rules = TimeZone::get(name).map_err(|_| unknown())?;
        // `Etc/Unknown` is read by jiff as a zone of no known rules.
        if rules.is_unknown() {
            return Err(unknown());
        }
        let name = rules.iana_name().ok_or_else(unknown)?.to_owned();
        Ok(Self { name, rules })
    }

    /// UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// The IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `instant` on the clocks of this zone, for people.
    #[must_use]
    pub fn local(&self, instant: Timestamp) -> jiff::Zoned {
        instant.to_zoned(self.rules.clone())
    }

    /// The wall clock at `instant`.
    fn wall(&self, instant: Timestamp) -> DateTime {
        self.rules.to_datetime(instant)
    }

    /// The first instant at which the wall clock shows `wall` or, where a clock change skips it,
    /// something later. It never goes back while `wall` goes on.
    fn first_instant(&self, wall: DateTime) -> Option<Timestamp> {
        match self.rules.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(wall).ok(),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(wall).ok(),
            AmbiguousOffset::Gap { after, .. } => {
                // With the offset of after the change, a skipped time lies before the change.
                let before_it = after.to_timestamp(wall).ok()?;
                self.rules.following(before_it).next().map(|change| change.timestamp())
            }
        }
    }

    /// The first instant of a day. A date beyond what can be told is the first or last instant.
    pub(super) fn start_of_day(&self, date: Date) -> Timestamp {
        let start = date.to_zoned(self.rules.clone()).and_then(|midnight| midnight.start_of_day());
        match start {
            Ok(start) => start.timestamp(),
            Err(_) if date.year() < 0 => Timestamp::MIN,
            Err(_) => Timestamp::MAX,
        }
    }

    /// The first instant after a day.
    #[must_use]
    pub fn end_of_day(&self, date: Date) -> Timestamp {
        date.tomorrow().map_or(Timestamp::MAX, |next| self.start_of_day(next))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl TryFrom<String> for Zone {
    type Error = ScheduleError;
    fn try_from(name: String) -> Result<Self, ScheduleError> {
        Self::new(&name)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.name
    }
}

/// A repeated span of time in which a ring may be entered: when it opens, and for how long.
///
/// An opening belongs to the instant it opens; its length is elapsed time, also across midnight
/// and clock changes. A line with one fixed time of day that falls into the hour that a clock
/// change skips opens at the first instant after it; one in the repeated hour opens once, at
/// its first pass. Lines with several times a day skip and repeat with the clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "WrittenOpening", into = "WrittenOpening")]
pub struct Opening {
    written: String,
    length: Span,
    cron: Cron,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
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
    /// When the line cannot be read, no date matches it, or the opening is shorter than
    /// [`LEAST_OPENING`].
    pub fn new(cron: &str, length: Span) -> Result<Self, ScheduleError> {
        if length.get() < LEAST_OPENING {
            return Err(ScheduleError::TooShort { found: length });
        }
        Ok(Self { written: cron.to_owned(), length, cron: read_cron(cron)? })
    }

    /// The cron line as written.
    #[must_use]
    pub fn cron(&self) -> &str {
        &self.written
    }

    /// How long it stays open.
    #[must_use]
    pub fn length(&self) -> Span {
        self.length
    }

    /// The last instant at or before `at` at which this opening opened.
    pub(super) fn last_start(&self, at: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let at = whole_second(at)?;
        if self.cron.determine_job_type() == JobType::IntervalWildcard {
            return Some(self.cron.find_previous_occurrence(&zone.local(at), true).ok()?.timestamp());
        }
        // In the second pass of a repeated hour, later wall times have come already.
        let mut wall = zone.wall(at).checked_add(LONGEST_CHANGE).ok()?;
        loop {
            wall = self.cron.find_previous_occurrence(&as_if_utc(wall)?, true).ok()?.datetime();
            let start = zone.first_instant(wall)?;
            if start <= at {
                return Some(start);
            }
            wall = wall.checked_sub(jiff::Span::new().minutes(1)).ok()?;
        }
    }

    /// The first instant after `at` at which this opening opens.
    pub(super) fn next_start(&self, at: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let at = whole_second(at)?;
        if self.cron.determine_job_type() == JobType::IntervalWildcard {
            return Some(self.cron.find_next_occurrence(&zone.local(at), false).ok()?.timestamp());
        }
        let mut wall = zone.wall(at);
        loop {
            wall = self.cron.find_next_occurrence(&as_if_utc(wall)?, false).ok()?.datetime();
            let start = zone.first_instant(wall)?;
            // In the second pass of a repeated hour, later wall times have come already.
            if start > at {
                return Some(start);
            }
        }
    }
}

/// A wall time without its zone, for a search on the wall clock alone: croner drops a fixed time
/// whose gap ends on a day that its line does not name (`30 23 * * Sat` in America/Nuuk).
fn as_if_utc(wall: DateTime) -> Option<jiff::Zoned> {
    wall.to_zoned(TimeZone::UTC).ok()
}

/// Openings start on whole minutes, so a search from within a second may start at its beginning.
fn whole_second(at: Timestamp) -> Option<Timestamp> {
    Timestamp::from_second(at.as_second()).ok()
}

fn read_cron(text: &str) -> Result<Cron, ScheduleError> {
    let invalid = |why: String| ScheduleError::InvalidCron { found: text.to_owned(), why };
    let fields = text.split_whitespace().count();
    if fields != 5 {
        return Err(invalid(format!("it has {fields} fields instead of 5")));
    }
    let cron = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
        .parse(text)
        .map_err(|error| invalid(error.to_string().trim_end_matches('.').to_owned()))?;
    if comes(text) { Ok(cron) } else { Err(ScheduleError::NeverOpens { found: text.to_owned() }) }
}

/// Whether some date matches. Years are named because croner would look for one until 5000.
fn comes(text: &str) -> bool {
    let with_years = CronParser::builder().seconds(Seconds::Required).year(Year::Required).build();
    // Each date has each time of the day, so midnight stands for all of them.
    let days: Vec<&str> = text.split_whitespace().skip(2).collect();
    let probed = with_years.parse(&format!("0 0 0 {} {PROBED_YEARS}", days.join(" ")));
    let from = Timestamp::from_second(PROBED_FROM).map(|from| from.to_zoned(TimeZone::UTC));
    match (probed, from) {
        (Ok(probed), Ok(from)) => probed.find_next_occurrence(&from, true).is_ok(),
        _ => false,
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
        Self::new(&written.cron, written.r#for)
    }
}

impl From<Opening> for WrittenOpening {
    fn from(opening: Opening) -> WrittenOpening {
        WrittenOpening { cron: opening.written, r#for: opening.length }
    }
}

/// Days on which ringward writes nothing, the first and the last included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenFreeze", into = "WrittenFreeze")]
pub struct Freeze {
    from: Date,
    until: Date,
    reason: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
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
    #[must_use]
    pub fn from(&self) -> Date {
        self.from
    }

    /// The last frozen day.
    #[must_use]
    pub fn until(&self) -> Date {
        self.until
    }

    /// Why, for people.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The same with a day more on both sides.
    #[must_use]
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

impl From<Freeze> for WrittenFreeze {
    fn from(freeze: Freeze) -> WrittenFreeze {
        WrittenFreeze { from: freeze.from, until: freeze.until, reason: freeze.reason }
    }
}
