//! When a device is awake: office hours with jitter, days off, weekends, machines that never sleep.
//!
//! **Invariant:** presence is a closed form of the device's habits and the instant; nothing is stored, so
//! asking for Tuesday before Monday gives the same answer.

use std::iter::successors;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::dice::Dice;
use crate::time::{SignedDuration, Timestamp, after, since};

/// How many days are searched for a device's last or next waking. Habits leave no gap near this long; a
/// device beyond it counts as asleep for good.
const SEARCHED_DAYS: usize = 60;

/// The office's calendar: the days on which [`WakingHabits`] are kept.
#[derive(Debug, Clone)]
pub(crate) struct OfficeCalendar {
    zone: TimeZone,
}

impl OfficeCalendar {
    /// Lisbon: office days that change with DST. The zone database is part of the program.
    pub(crate) fn office() -> Self {
        Self { zone: TimeZone::get("Europe/Lisbon").unwrap_or(TimeZone::UTC) }
    }

    /// An office of another zone.
    pub(crate) fn of(zone: TimeZone) -> Self {
        Self { zone }
    }

    fn day_of(&self, instant: Timestamp) -> Date {
        instant.to_zoned(self.zone.clone()).date()
    }

    fn midnight(&self, day: Date) -> Timestamp {
        day.to_zoned(self.zone.clone()).map_or(Timestamp::MAX, |start| start.timestamp())
    }
}

/// When one device is awake.
#[derive(Debug, Clone)]
pub(crate) struct WakingHabits {
    pub(crate) dice: Dice,
    pub(crate) rhythm: Rhythm,
    /// Seconds between two check-ins while awake.
    pub(crate) check_in: i64,
}

/// The kinds of presence in a fleet.
#[derive(Debug, Clone)]
pub(crate) enum Rhythm {
    /// A laptop: opened in the morning and closed in the evening of the days it is used.
    Office {
        /// Seconds after midnight at which it is usually opened.
        opens: i64,
        /// Seconds for which it usually stays open.
        stays: i64,
        /// Whether it is used at weekends too.
        weekends: bool,
        /// Per mille of days on which it stays closed.
        absent_day: u16,
        /// Per mille of whole weeks in which it stays closed.
        away_week: u16,
    },
    /// A server or a desktop that is never shut down; its service restarts once a day.
    AlwaysOn {
        /// Seconds after midnight of the daily restart.
        restarts: i64,
    },
    /// Not awake any more: in a drawer since this instant.
    Gone(Timestamp),
    /// Enrolled, never seen.
    Never,
}

/// A stretch of wakefulness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Awake {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

impl WakingHabits {
    /// The last check-in at or before `now`.
    pub(crate) fn last_seen(&self, calendar: &OfficeCalendar, now: Timestamp) -> Option<Timestamp> {
        if let Rhythm::Gone(since) = self.rhythm {
            return Some(since.min(now));
        }
        let days = successors(Some(calendar.day_of(now)), |day| day.yesterday().ok()).take(SEARCHED_DAYS);
        let awake = days.filter_map(|day| self.awake_on(calendar, day)).find(|awake| awake.from <= now)?;
        let elapsed = since(awake.from, now.min(awake.until)).as_secs();
        let checked_in = elapsed - elapsed % self.check_in.max(1);
        Some(after(awake.from, SignedDuration::from_secs(checked_in)))
    }

    /// The stretch of wakefulness that holds `instant`, or else the next one.
    pub(crate) fn awake_at_or_after(&self, calendar: &OfficeCalendar, instant: Timestamp) -> Option<Awake> {
        // Yesterday's stretch of a machine that never sleeps ends today.
        let yesterday = calendar.day_of(instant).yesterday().ok()?;
        self.awake_from(calendar, yesterday).find(|awake| awake.until > instant)
    }

    /// The first stretch that begins after `instant`: the next waking or service start.
    pub(crate) fn next_waking(&self, calendar: &OfficeCalendar, instant: Timestamp) -> Option<Awake> {
        self.awake_from(calendar, calendar.day_of(instant)).find(|awake| awake.from > instant)
    }

    /// All stretches that begin on the days from `from` on and before `until`, in order.
    pub(crate) fn stretches(
        &self,
        calendar: &OfficeCalendar,
        from: Timestamp,
        until: Timestamp,
    ) -> Vec<Awake> {
        let last = calendar.day_of(until);
        let days = calendar.day_of(from).series(jiff::Span::new().days(1)).take_while(|day| *day < last);
        days.filter_map(|day| self.awake_on(calendar, day)).collect()
    }

    fn awake_from(&self, calendar: &OfficeCalendar, day: Date) -> impl Iterator<Item = Awake> {
        let days = successors(Some(day), |day| day.tomorrow().ok()).take(SEARCHED_DAYS);
        days.filter_map(|day| self.awake_on(calendar, day))
    }

    fn awake_on(&self, calendar: &OfficeCalendar, day: Date) -> Option<Awake> {
        let at = |day: Date, seconds: i64| after(calendar.midnight(day), SignedDuration::from_secs(seconds));
        match &self.rhythm {
            Rhythm::Gone(_) | Rhythm::Never => None,
            Rhythm::AlwaysOn { restarts } => {
                Some(Awake { from: at(day, *restarts), until: at(day.tomorrow().ok()?, *restarts) })
            }
            Rhythm::Office { opens, stays, weekends, absent_day, away_week } => {
                let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
                let week = day.iso_week_date();
                let week = (i64::from(week.year()) * 100 + i64::from(week.week())).unsigned_abs();
                let date = (i64::from(day.year()) * 1_000 + i64::from(day.day_of_year())).unsigned_abs();
                let today = self.dice.of("day").nth(date);
                if (weekend && !weekends)
                    || today.of("absent").happens(*absent_day)
                    || self.dice.of("week").nth(week).happens(*away_week)
                {
                    return None;
                }
                let opens = opens + today.of("opens").between(-15 * 60, 15 * 60);
                let stays = stays + today.of("stays").between(-30 * 60, 30 * 60);
                Some(Awake { from: at(day, opens), until: at(day, opens + stays) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn office(weekends: bool) -> WakingHabits {
        let rhythm =
            Rhythm::Office { opens: 9 * 3600, stays: 8 * 3600, weekends, absent_day: 0, away_week: 0 };
        WakingHabits { dice: Dice::seeded(3), rhythm, check_in: 300 }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_laptop_is_seen_in_office_hours_only() {
        let calendar = OfficeCalendar::office();
        let habits = office(false);
        // Friday 2026-10-16 at noon in Lisbon (UTC+1); then the same Friday from Sunday's point of view.
        let noon = at("2026-10-16T11:00:00Z");
        let seen = habits.last_seen(&calendar, noon).unwrap();
        assert!(since(seen, noon) < SignedDuration::from_secs(300), "{seen}");
        let sunday = at("2026-10-18T15:00:00Z");
        let seen = habits.last_seen(&calendar, sunday).unwrap();
        assert_eq!(calendar.day_of(seen).weekday(), Weekday::Friday);
        let next = habits.awake_at_or_after(&calendar, sunday).unwrap();
        assert_eq!(calendar.day_of(next.from).weekday(), Weekday::Monday);
        assert_eq!(habits.next_waking(&calendar, sunday), Some(next));
    }

    #[test]
    fn the_office_keeps_its_local_hours_across_the_change_of_clocks() {
        let calendar = OfficeCalendar::office();
        let habits = office(true);
        // Clocks go back on 2026-10-25: the same local hour is an hour later in UTC.
        let before = habits.next_waking(&calendar, at("2026-10-22T22:00:00Z")).unwrap().from;
        let later = habits.next_waking(&calendar, at("2026-10-26T22:00:00Z")).unwrap().from;
        let drift = since(before, later).as_secs() - 4 * 86_400;
        assert!((3_600 - 1_800..=3_600 + 1_800).contains(&drift), "{drift}");
    }

    #[test]
    fn a_machine_that_never_sleeps_has_no_gap() {
        let calendar = OfficeCalendar::office();
        let habits = WakingHabits {
            dice: Dice::seeded(3),
            rhythm: Rhythm::AlwaysOn { restarts: 4 * 3600 },
            check_in: 120,
        };
        let mut instant = at("2026-10-20T00:00:30Z");
        for _ in 0..500 {
            let seen = habits.last_seen(&calendar, instant).unwrap();
            assert!(since(seen, instant) < SignedDuration::from_secs(120), "{instant}");
            let awake = habits.awake_at_or_after(&calendar, instant).unwrap();
            assert!(awake.from <= instant && instant < awake.until, "{instant}");
            instant = after(instant, SignedDuration::from_mins(37));
        }
    }

    #[test]
    fn a_device_in_a_drawer_is_never_seen_again() {
        let calendar = OfficeCalendar::office();
        let gone = at("2026-09-01T10:00:00Z");
        let habits = WakingHabits { dice: Dice::seeded(3), rhythm: Rhythm::Gone(gone), check_in: 120 };
        assert_eq!(habits.last_seen(&calendar, at("2026-11-01T10:00:00Z")), Some(gone));
        assert_eq!(habits.awake_at_or_after(&calendar, gone), None);
        let never = WakingHabits { rhythm: Rhythm::Never, ..habits };
        assert_eq!(never.last_seen(&calendar, gone), None);
    }
}
