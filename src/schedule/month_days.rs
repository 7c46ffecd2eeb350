//! The days on which a cron line opens, a month at a time.
//!
//! **Invariant:** as croner says of each day. It goes by the day's number, its weekday and how long its month is: months
//! of one length that begin on the same weekday have the same days, and each of these shapes is asked about once.

use std::array;
use std::sync::{Arc, OnceLock};

use croner::{Cron, Weekday};
use jiff::civil::Date;

/// Months of 28 to 31 days, each from any weekday on.
const SHAPES: usize = 4 * 7;

/// The days of one line.
#[derive(Debug, Clone)]
pub(super) struct MonthDays {
    cron: Arc<Cron>,
    /// One bit for each month that it opens in, from 1 on.
    months: u16,
    /// One bit for each day, from 1 on, by the month's shape, once it was asked about.
    days: [OnceLock<u32>; SHAPES],
}

impl MonthDays {
    pub(super) fn of(cron: Cron) -> Self {
        let opens_in = |month: &u16| cron.pattern.month_match((*month).into()).unwrap_or(false);
        let months = (1..=12).filter(opens_in).fold(0, |bits, month| bits | 1 << month);
        Self { cron: Arc::new(cron), months, days: array::from_fn(|_| OnceLock::new()) }
    }

    /// Those of the month that `date` lies in: one bit for each, from 1 on.
    pub(super) fn in_month_of(&self, date: Date) -> u32 {
        #[cfg(test)]
        steps::count();
        if self.months >> date.month() & 1 == 0 {
            return 0;
        }
        let first = date.first_of_month().weekday().to_sunday_zero_offset().unsigned_abs();
        let shape =
            usize::from(date.days_in_month().unsigned_abs().saturating_sub(28)) * 7 + usize::from(first);
        // There is no other shape.
        let days = || self.asked(date, first);
        self.days.get(shape).map_or_else(days, |known| *known.get_or_init(days))
    }

    fn asked(&self, date: Date, first_weekday: u8) -> u32 {
        let (year, month) = (date.year().into(), date.month().unsigned_abs().into());
        let matches = |day: &u32| {
            let weekday = Weekday::from_days_from_sunday((u32::from(first_weekday) + day - 1) % 7);
            self.cron.pattern.day_match(year, month, *day, weekday).unwrap_or(false)
        };
        (1..=date.days_in_month().unsigned_abs().into()).filter(matches).fold(0, |bits, day| bits | 1 << day)
    }
}

/// How many months were looked at, for tests that measure work.
#[cfg(test)]
pub(super) mod steps {
    use std::cell::Cell;

    thread_local! {
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        COUNT.set(COUNT.get() + 1);
    }

    /// How many months `work` looks at.
    pub(in crate::schedule) fn of<T>(work: impl FnOnce() -> T) -> (T, u64) {
        let before = COUNT.get();
        let done = work();
        (done, COUNT.get() - before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::line::parsed;

    /// Each day of 28 years, and of centuries with and without a leap day, against croner asked about that very day.
    #[test]
    fn the_days_of_a_month_are_those_that_croner_names() {
        let lines = [
            "0 9 * * *",
            "0 9 15 * *",
            "0 9 31 * *",
            "0 9 29 2 *",
            "0 9 15W 2 *",
            "0 9 1W * *",
            "0 9 31W * *",
            "0 9 L * *",
            "0 9 LW * *",
            "0 9 * * Mon",
            "0 9 * * Fri#5",
            "0 9 * * Tue#1",
            "0 9 * * 5L",
            "0 9 * * Sun",
            "0 9 8-14 * Tue",
            "0 9 8-14 * +Tue",
            "0 9 1,15,L * Mon-Fri",
            "0 9 30W 2 Mon#2",
            "0 9 , * *",
            "0 9 * , *",
            "0 9 * Jan,Mar-May,12 *",
        ];
        let years = (2024..=2051).chain([1900, 1999, 2000, 2100]);
        let days: Vec<Date> = years
            .flat_map(|year| {
                Date::new(year, 1, 1)
                    .unwrap()
                    .series(jiff::Span::new().days(1))
                    .take_while(move |day| day.year() == year)
            })
            .collect();
        let mut opens = 0;
        for line in lines {
            let cron = parsed(line).unwrap();
            let months = MonthDays::of(cron.clone());
            for day in &days {
                let (year, month) = (day.year().into(), day.month().unsigned_abs().into());
                let weekday = Weekday::from_days_from_sunday(
                    day.weekday().to_sunday_zero_offset().unsigned_abs().into(),
                );
                let named = cron.pattern.month_match(month).unwrap()
                    && cron.pattern.day_match(year, month, day.day().unsigned_abs().into(), weekday).unwrap();
                assert_eq!(months.in_month_of(*day) >> day.day() & 1 == 1, named, "`{line}` on {day}");
                opens += usize::from(named);
            }
        }
        assert!(opens > 30_000, "{opens} days on which one opens");
    }
}
