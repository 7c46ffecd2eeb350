//! A time zone by its IANA name.
//!
//! **Invariant:** what it says follows from the time zone database alone, and a name means the same on
//! every machine.

use std::{fmt, str::FromStr};

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::ScheduleError;
use crate::text::kept_as_text;
use crate::time::{SignedDuration, Timestamp, after};

/// Names that some machines' databases have and others read otherwise.
const MACHINE_NAMES: [&str; 3] = ["localtime", "posixrules", "Factory"];

/// A time zone by its IANA name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}
kept_as_text!(Zone);

impl Zone {
    /// Looks a name up in the machine's time zone database, else in the one built in. Case does
    /// not matter; the database's spelling is kept.
    ///
    /// # Errors
    /// When the database has no such zone.
    pub fn new(name: &str) -> Result<Self, ScheduleError> {
        let known = !MACHINE_NAMES.iter().any(|machine| machine.eq_ignore_ascii_case(name));
        // `Etc/Unknown` is read by jiff as a zone of no known rules.
        let rules = TimeZone::get(name).ok().filter(|rules| known && !rules.is_unknown());
        let zone = rules.and_then(|rules| Some(Self { name: rules.iana_name()?.to_owned(), rules }));
        zone.ok_or_else(|| ScheduleError::UnknownZone { found: name.to_owned() })
    }

    /// UTC.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `instant` on the clocks of this zone, for people.
    pub fn local(&self, instant: Timestamp) -> jiff::Zoned {
        instant.to_zoned(self.rules.clone())
    }

    /// The wall clock at `instant`.
    pub(super) fn wall(&self, instant: Timestamp) -> DateTime {
        self.rules.to_datetime(instant)
    }

    /// The first instant at which the wall clock shows `wall` or, where a clock change skips it,
    /// something later. It never goes back while `wall` goes on.
    pub(super) fn first_instant(&self, wall: DateTime) -> Option<Timestamp> {
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

    /// How far the wall clock is from UTC at an instant.
    pub(super) fn offset(&self, instant: Timestamp) -> Offset {
        self.rules.to_offset(instant)
    }

    /// The first change of the clock after an instant.
    pub(super) fn change_after(&self, instant: Timestamp) -> Option<Timestamp> {
        self.rules.following(instant).next().map(|change| change.timestamp())
    }

    /// The last change of the clock up to an instant.
    pub(super) fn change_until(&self, instant: Timestamp) -> Option<Timestamp> {
        let just_after = after(instant, SignedDuration::from_nanos(1));
        self.rules.preceding(just_after).next().map(|change| change.timestamp())
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
    pub fn end_of_day(&self, date: Date) -> Timestamp {
        date.tomorrow().map_or(Timestamp::MAX, |next| self.start_of_day(next))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Zone {
    type Err = ScheduleError;
    fn from_str(name: &str) -> Result<Self, ScheduleError> {
        Self::new(name)
    }
}
