//! Random cron lines over the documented grammar against an oracle that knows nothing of it: each piece of a line is
//! written beside the values that it means.
//!
//! **Invariant:** the oracle matches dates one by one and searches for nothing.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};

use super::*;
use crate::schedule::{CronFault, FieldFault, WrittenCron};
use crate::time::{SignedDuration, Timestamp, after};

const LINES: u64 = 600;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// Which days a piece means.
#[derive(Debug, Clone, Copy)]
pub(super) enum Days {
    Day(u8),
    Last,
    LastWorkday,
    Nearest(u8),
    Weekday(u8),
    Nth(u8, u8),
    LastOf(u8),
}

fn sunday_zero(date: Date) -> u8 {
    date.weekday().to_sunday_zero_offset().unsigned_abs()
}

fn is_workday(date: Date) -> bool {
    !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

impl Days {
    fn matches(self, date: Date) -> bool {
        let day = date.day().unsigned_abs();
        let last = date.days_in_month().unsigned_abs();
        match self {
            Self::Day(wanted) => day == wanted,
            Self::Last => day == last,
            Self::LastWorkday => is_workday(date) && (day + 1..=last).all(|day| !is_workday(on(date, day))),
            Self::Nearest(wanted) if wanted > last => false,
            Self::Nearest(wanted) => {
                let nearest = (1..=last).filter(|day| is_workday(on(date, *day)));
                nearest.min_by_key(|day| day.abs_diff(wanted)) == Some(day)
            }
            Self::Weekday(wanted) => sunday_zero(date) == wanted,
            Self::Nth(wanted, week) => sunday_zero(date) == wanted && day.div_ceil(7) == week,
            Self::LastOf(wanted) => sunday_zero(date) == wanted && day + 7 > last,
        }
    }
}

fn on(date: Date, day: u8) -> Date {
    Date::new(date.year(), date.month(), day.cast_signed()).unwrap()
}

/// A line and what it means.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) meaning: Meaning,
}

#[derive(Debug, Clone)]
pub(super) struct Meaning {
    /// Minutes of a day.
    pub(super) times: BTreeSet<u16>,
    pub(super) months: BTreeSet<u8>,
    /// None: any day.
    pub(super) days: Option<Vec<Days>>,
    pub(super) weekdays: Option<Vec<Days>>,
    /// Whether it takes both days where both are given, and not either.
    pub(super) both: bool,
}

pub(super) fn times(hours: &BTreeSet<u8>, minutes: &BTreeSet<u8>) -> BTreeSet<u16> {
    let of_hour = |hour: &u8| {
        let first = u16::from(*hour) * 60;
        minutes.iter().map(move |minute| first + u16::from(*minute))
    };
    hours.iter().flat_map(of_hour).collect()
}

/// Draws by SplitMix64: the same lines on every machine.
pub(super) struct Writer(pub(super) u64);

impl Writer {
    pub(super) fn below(&mut self, bound: u64) -> u8 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        u8::try_from((mixed ^ mixed >> 31) % bound).unwrap()
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn name(&mut self, value: u8, least: u8, names: &[&str]) -> String {
        match names.get(usize::from(value - least)) {
            Some(name) if !self.one_in(3) => (*name).to_owned(),
            _ => value.to_string(),
        }
    }

    /// A piece of values from least to most, and what it means.
    fn piece(&mut self, least: u8, most: u8, names: &[&str]) -> (String, BTreeSet<u8>) {
        let width = u64::from(most - least);
        match self.below(4) {
            0 | 1 => {
                let value = least + self.below(width + 1);
                (self.name(value, least, names), BTreeSet::from([value]))
            }
            kind => {
                let from = least + self.below(width);
                let to = from + 1 + self.below(u64::from(most - from));
                let is_named = !names.is_empty() && usize::from(to - least) < names.len() && self.one_in(2);
                let end = |value: u8| match is_named {
                    true => names[usize::from(value - least)].to_owned(),
                    false => value.to_string(),
                };
                let range = format!("{}-{}", end(from), end(to));
                if kind == 2 {
                    return (range, (from..=to).collect());
                }
                let step = 1 + self.below(u64::from(to - from));
                (format!("{range}/{step}"), (from..=to).step_by(step.into()).collect())
            }
        }
    }

    fn field(&mut self, least: u8, most: u8, names: &[&str]) -> (String, BTreeSet<u8>) {
        if self.one_in(3) {
            return ("*".to_owned(), (least..=most).collect());
        }
        if self.one_in(4) {
            let step = 1 + self.below(u64::from(most - least));
            return (format!("*/{step}"), (least..=most).step_by(step.into()).collect());
        }
        let (mut texts, mut values) = (Vec::new(), BTreeSet::new());
        for _ in 0..=self.below(3) {
            let (text, more) = self.piece(least, most, names);
            texts.push(text);
            values.extend(more);
        }
        (texts.join(","), values)
    }

    fn days(&mut self) -> (String, Option<Vec<Days>>) {
        let day = 1 + self.below(31);
        match self.below(8) {
            0 => ("L".to_owned(), Some(vec![Days::Last])),
            1 => ("LW".to_owned(), Some(vec![Days::LastWorkday])),
            2 => (format!("{day}W"), Some(vec![Days::Nearest(day)])),
            3..=5 => ("*".to_owned(), None),
            _ => {
                let (text, values) = self.field(1, 31, &[]);
                if text == "*" {
                    return (text, None);
                }
                let mut days: Vec<Days> = values.into_iter().map(Days::Day).collect();
                let (more, meant) = match self.below(9) {
                    0 => (",L".to_owned(), Days::Last),
                    1 => (",LW".to_owned(), Days::LastWorkday),
                    2 => (format!(",{day}W"), Days::Nearest(day)),
                    _ => return (text, Some(days)),
                };
                days.push(meant);
                (text + &more, Some(days))
            }
        }
    }

    fn weekdays(&mut self) -> (String, Option<Vec<Days>>) {
        let weekday = self.below(7);
        let name = self.name(weekday, 0, &WEEKDAYS);
        match self.below(8) {
            0 => {
                let week = 1 + self.below(5);
                (format!("{name}#{week}"), Some(vec![Days::Nth(weekday, week)]))
            }
            1 => (format!("{name}L"), Some(vec![Days::LastOf(weekday)])),
            2 => ("*".to_owned(), None),
            3 => ("5-7".to_owned(), Some([5, 6, 0].map(Days::Weekday).to_vec())),
            _ => {
                let (text, values) = self.field(0, 6, &WEEKDAYS);
                if text == "*" {
                    return (text, None);
                }
                let mut weekdays: Vec<Days> = values.into_iter().map(Days::Weekday).collect();
                if self.one_in(4) {
                    weekdays.push(Days::LastOf(weekday));
                    return (format!("{name}L,{text}"), Some(weekdays));
                }
                (text, Some(weekdays))
            }
        }
    }

    pub(super) fn line(&mut self) -> Line {
        let ((minute, minutes), (hour, hours)) = (self.field(0, 59, &[]), self.field(0, 23, &[]));
        let ((day, days), (month, months)) = (self.days(), self.field(1, 12, &MONTHS));
        let (weekday, weekdays) = self.weekdays();
        let both = days.is_some() && weekdays.is_some() && self.one_in(2);
        let text = format!("{minute} {hour} {day} {month} {}{weekday}", if both { "+" } else { "" });
        Line { text, meaning: Meaning { times: times(&hours, &minutes), months, days, weekdays, both } }
    }
}

impl Meaning {
    pub(super) fn has(&self, date: Date) -> bool {
        let any = |days: &Vec<Days>| days.iter().any(|days| days.matches(date));
        self.months.contains(&date.month().unsigned_abs())
            && match (&self.days, &self.weekdays) {
                (None, None) => true,
                (Some(days), None) | (None, Some(days)) => any(days),
                (Some(days), Some(weekdays)) if self.both => any(days) && any(weekdays),
                (Some(days), Some(weekdays)) => any(days) || any(weekdays),
            }
    }

    /// The first starts after an instant, within so many days of it, in UTC.
    fn starts(&self, from: Timestamp, days: i64, count: usize) -> Vec<Timestamp> {
        let zone = jiff::tz::TimeZone::UTC;
        let first = from.to_zoned(zone.clone()).date();
        let dates = (0..days).map(|day| first.checked_add(SignedDuration::from_hours(24 * day)).unwrap());
        let starts = dates.filter(|date| self.has(*date)).flat_map(|date| {
            self.times.iter().map(move |time| {
                let (hour, minute) = ((time / 60) as i8, (time % 60) as i8);
                date.at(hour, minute, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp()
            })
        });
        starts.filter(|start| *start > from).take(count).collect()
    }
}

#[test]
fn the_grammar_and_an_oracle_agree_on_random_lines() {
    const DAYS: i64 = 800;
    let (mut come, mut seldom) = (0, 0);
    for seed in 1..=LINES {
        let mut writer = Writer(seed);
        let line = writer.line();
        let from = after(
            "2026-01-01T00:00:00Z".parse().unwrap(),
            SignedDuration::from_mins(i64::from(writer.below(200)) * 6_007),
        );
        let until = after(from, SignedDuration::from_hours(24 * (DAYS - 1)));
        let expected: Vec<Timestamp> =
            line.meaning.starts(from, DAYS, 2).into_iter().filter(|start| *start <= until).collect();
        let opening = match Opening::new(&line.text, Span::hours(1)) {
            Err(ScheduleError::NeverOpens { .. }) => {
                assert!(expected.is_empty(), "seed {seed}: `{}` comes on {expected:?}", line.text);
                seldom += 1;
                continue;
            }
            read => read.unwrap_or_else(|error| panic!("seed {seed}: {error}")),
        };
        let utc = Zone::utc();
        let first = opening.next_start(from, until, &utc);
        let second = first.and_then(|first| opening.next_start(first, until, &utc));
        let found: Vec<Timestamp> = first.into_iter().chain(second).collect();
        assert_eq!(found, expected, "seed {seed}: `{}` after {from}", line.text);
        come += usize::from(found.len() == 2);
    }
    println!("{LINES} lines: {come} come twice, {seldom} never");
    assert!(come > 400, "most lines come: {come}");
}

#[test]
fn what_is_not_of_the_grammar_is_refused() {
    for seed in 1..=LINES {
        let mut writer = Writer(seed);
        let line = writer.line();
        let mut fields: Vec<String> = line.text.split(' ').map(str::to_owned).collect();
        let at = usize::from(writer.below(5));
        let spoilt = match writer.below(9) {
            0 => format!("{},", fields[at]),
            1 => format!(",{}", fields[at]),
            2 => format!("{}/0", fields[at]),
            3 => format!("{}-", fields[at]),
            4 => "60".to_owned(),
            5 => "?".to_owned(),
            6 => format!("{}{}", fields[at], if at == 3 { "W" } else { "Foo" }),
            7 => "0/5".to_owned(),
            _ => format!("*,{}", fields[at]),
        };
        fields[at] = spoilt;
        let text = fields.join(" ");
        assert!(WrittenCron::read(&text).is_err(), "seed {seed}: `{text}`");
    }
}

#[test]
fn a_name_of_another_field_is_known_as_such() {
    for (line, name) in [
        ("0 9 Mon * *", "Mon"),
        ("0 9 * Mon-Thu *", "Mon-Thu"),
        ("0 Jan * * *", "Jan"),
        ("0 9 * * jan", "jan"),
    ] {
        match WrittenCron::read(line) {
            Err(CronFault::Field { why: FieldFault::OfField(_), found, .. }) => {
                assert_eq!(found, name, "{line}")
            }
            other => panic!("{line}: {other:?}"),
        }
    }
}
