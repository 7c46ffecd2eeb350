//! One cron line: on which days it opens and at which times, searched on the calendar.
//!
//! **Invariant:** no search looks at more months than lie between its bounds, whatever the line says: one
//! that matches nothing never comes.
//!
//! croner reads lines and says which days they match. It is not asked for the next or last time: of a line
//! without any minute, hour or day it would look for one for ever.

use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, JobType};
use jiff::civil::{Date, DateTime};

use super::{ScheduleError, month_days::MonthDays, zone::Zone};
use crate::time::{SignedDuration, Timestamp, after};

/// No clock change repeats more of a day than this.
const LONGEST_CHANGE: SignedDuration = SignedDuration::from_hours(24);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The years in which a line must match at least once. None of them is a leap year skipped, so
/// dates and weekdays repeat every 28 years, and a date that comes at all comes among them.
const PROBED_YEARS: std::ops::RangeInclusive<i16> = 2024..=2051;

/// A cron line as read.
#[derive(Debug, Clone)]
pub(super) struct CronLine {
    days: MonthDays,
    takes_either_day: bool,
    /// One bit for each minute of an hour.
    minutes: u64,
    /// One bit for each hour of a day.
    hours: u32,
    /// Whether it has one fixed time of day. Others skip and repeat with the clock.
    fixed: bool,
}

impl CronLine {
    /// Reads five fields as leniently as ever: logs hold such lines.
    pub(super) fn read(text: &str) -> Result<Self, ScheduleError> {
        let invalid = |why: String| ScheduleError::InvalidCron { found: text.to_owned(), why };
        let fields = text.split_whitespace().count();
        if fields != 5 {
            return Err(invalid(format!("it has {fields} fields instead of 5")));
        }
        let cron =
            parsed(text).map_err(|error| invalid(error.to_string().trim_end_matches('.').to_owned()))?;
        let minutes = cron.pattern.minutes.values().into_iter().fold(0, |bits, minute| bits | 1 << minute);
        let hours = cron.pattern.hours.values().into_iter().fold(0, |bits, hour| bits | 1 << hour);
        let fixed = cron.determine_job_type() == JobType::FixedTime;
        let pattern = &cron.pattern;
        let takes_either_day =
            !pattern.is_dom_wildcard() && !pattern.is_dow_wildcard() && !pattern.matches_dom_and_dow();
        Ok(Self { takes_either_day, minutes, hours, fixed, days: MonthDays::of(cron) })
    }

    /// Whether day of month and weekday are both given, so that either is enough.
    pub(super) fn takes_either_day(&self) -> bool {
        self.takes_either_day
    }

    /// Whether some date matches, and some time of day.
    pub(super) fn comes(&self) -> bool {
        let (first, last) = (PROBED_YEARS.start(), PROBED_YEARS.end());
        let (Ok(first), Ok(last)) = (Date::new(*first, 1, 1), Date::new(*last, 12, 31)) else { return false };
        self.time_from(0).is_some() && self.next_day(first, last).is_some()
    }

    /// The first instant after `at`, and not after `until`, at which it opens.
    pub(super) fn next_start(&self, at: Timestamp, until: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let at = whole_second(at)?;
        let start =
            if self.fixed { self.next_fixed(at, until, zone) } else { self.next_by_clock(at, until, zone) };
        start.filter(|start| *start <= until)
    }

    /// The last instant after `since`, and not after `at`, at which it opened.
    pub(super) fn last_start(&self, since: Timestamp, at: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let at = whole_second(at)?;
        let start =
            if self.fixed { self.last_fixed(since, at, zone) } else { self.last_by_clock(since, at, zone) };
        start.filter(|start| *start > since)
    }

    /// Of a fixed time, the wall clock alone is searched; what a change skips comes just after it.
    fn next_fixed(&self, at: Timestamp, until: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let last_day = zone.wall(until).date().tomorrow().ok()?;
        let mut wall = zone.wall(at);
        loop {
            wall = self.next_wall(next_minute(wall)?, last_day)?;
            let start = zone.first_instant(wall)?;
            // In the second pass of a repeated hour, later wall times have come already.
            if start > at {
                return Some(start);
            }
        }
    }

    fn last_fixed(&self, since: Timestamp, at: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let first_day = zone.wall(since).date().yesterday().ok()?;
        // In the second pass of a repeated hour, later wall times have come already.
        let mut wall = zone.wall(at).checked_add(LONGEST_CHANGE).ok()?;
        loop {
            wall = self.last_wall(wall, first_day)?;
            let start = zone.first_instant(wall)?;
            if start <= at {
                return Some(start);
            }
            wall = wall.checked_sub(MINUTE).ok()?;
        }
    }

    /// From one change of the clock to the next, in each of which wall and instants go alike.
    fn next_by_clock(&self, at: Timestamp, until: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let mut from = after(at, MINUTE - SignedDuration::from_secs(at.as_second().rem_euclid(60)));
        while from <= until {
            let change = zone.change_after(from);
            let offset = zone.offset(from);
            let last = change.map_or(until, |change| change.min(until));
            let wall = self.next_wall(offset.to_datetime(from), offset.to_datetime(last).date());
            let start = wall.and_then(|wall| offset.to_timestamp(wall).ok());
            match (start, change) {
                (Some(start), None) => return Some(start),
                (Some(start), Some(change)) if start < change => return Some(start),
                (_, change) => from = change?,
            }
        }
        None
    }

    fn last_by_clock(&self, since: Timestamp, at: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let mut to = at;
        while to > since {
            let change = zone.change_until(to);
            let offset = zone.offset(to);
            let first = change.map_or(since, |change| change.max(since));
            let wall = self.last_wall(offset.to_datetime(to), offset.to_datetime(first).date());
            let start = wall.and_then(|wall| offset.to_timestamp(wall).ok());
            match (start, change) {
                (Some(start), None) => return Some(start),
                (Some(start), Some(change)) if start >= change => return Some(start),
                (_, change) => to = after(change?, -SECOND),
            }
        }
        None
    }

    /// The first matching wall time from `from` on, up to the end of a day.
    fn next_wall(&self, from: DateTime, last_day: Date) -> Option<DateTime> {
        let first = self.time_from(0)?;
        let today = self.time_from(minute_of_day(from)).filter(|_| self.has(from.date()));
        if let Some(minute) = today.filter(|_| from.date() <= last_day) {
            return at_minute(from.date(), minute);
        }
        let day = self.next_day(from.date().tomorrow().ok()?, last_day)?;
        at_minute(day, first)
    }

    /// The last matching wall time up to `to`, from the beginning of a day on.
    fn last_wall(&self, to: DateTime, first_day: Date) -> Option<DateTime> {
        let last = self.time_up_to(MINUTES_OF_A_DAY - 1)?;
        let today = self.time_up_to(minute_of_day(to)).filter(|_| self.has(to.date()));
        if let Some(minute) = today.filter(|_| to.date() >= first_day) {
            return at_minute(to.date(), minute);
        }
        let day = self.last_day(to.date().yesterday().ok()?, first_day)?;
        at_minute(day, last)
    }

    /// The first day that it opens on, from one day up to another.
    fn next_day(&self, from: Date, last: Date) -> Option<Date> {
        let mut from = from;
        while from <= last {
            let left = self.days.in_month_of(from) & (u32::MAX << from.day());
            if left != 0 {
                return day_of_month(from, left.trailing_zeros()).filter(|day| *day <= last);
            }
            from = from.last_of_month().tomorrow().ok()?;
        }
        None
    }

    /// The last day that it opens on, from one day back to another.
    fn last_day(&self, from: Date, first: Date) -> Option<Date> {
        let mut from = from;
        while from >= first {
            let passed = self.days.in_month_of(from) & (u32::MAX >> (31 - from.day()));
            if passed != 0 {
                return day_of_month(from, passed.ilog2()).filter(|day| *day >= first);
            }
            from = from.first_of_month().yesterday().ok()?;
        }
        None
    }

    fn has(&self, date: Date) -> bool {
        self.days.in_month_of(date) >> date.day() & 1 == 1
    }

    /// The first time of day from a minute on.
    fn time_from(&self, minute: u32) -> Option<u32> {
        let (hour, minute) = (minute / 60, minute % 60);
        let left = self.minutes.checked_shr(minute).unwrap_or(0);
        if self.hours >> hour & 1 == 1 && left != 0 {
            return Some(hour * 60 + minute + left.trailing_zeros());
        }
        let later = self.hours.checked_shr(hour + 1).unwrap_or(0);
        (later != 0 && self.minutes != 0)
            .then(|| (hour + 1 + later.trailing_zeros()) * 60 + self.minutes.trailing_zeros())
    }

    /// The last time of day up to a minute.
    fn time_up_to(&self, minute: u32) -> Option<u32> {
        let (hour, minute) = (minute / 60, minute % 60);
        let passed = self.minutes & (u64::MAX >> (63 - minute));
        if self.hours >> hour & 1 == 1 && passed != 0 {
            return Some(hour * 60 + passed.ilog2());
        }
        let earlier = self.hours & ((1 << hour) - 1);
        (earlier != 0 && self.minutes != 0).then(|| earlier.ilog2() * 60 + self.minutes.ilog2())
    }
}

/// As croner reads it.
pub(super) fn parsed(text: &str) -> Result<Cron, CronError> {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build().parse(text)
}

const MINUTES_OF_A_DAY: u32 = 24 * 60;

fn minute_of_day(wall: DateTime) -> u32 {
    u32::from(wall.hour().unsigned_abs()) * 60 + u32::from(wall.minute().unsigned_abs())
}

fn day_of_month(month: Date, day: u32) -> Option<Date> {
    Date::new(month.year(), month.month(), i8::try_from(day).ok()?).ok()
}

/// Below [`MINUTES_OF_A_DAY`], as all that is asked here.
fn at_minute(day: Date, minute: u32) -> Option<DateTime> {
    let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
    Some(day.at(hour, minute, 0, 0))
}

/// The minute after the one of a wall time.
fn next_minute(wall: DateTime) -> Option<DateTime> {
    at_minute(wall.date(), minute_of_day(wall))?.checked_add(MINUTE).ok()
}

/// Openings start on whole minutes, so a search from within a second may start at its beginning.
fn whole_second(at: Timestamp) -> Option<Timestamp> {
    Timestamp::from_second(at.as_second()).ok()
}
