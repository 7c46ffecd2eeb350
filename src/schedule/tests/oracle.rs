//! The schedule against an oracle: every clock change of 2026 to 2030, minute by minute.
//!
//! The oracle knows nothing of croner and searches for nothing. It steps over UTC, reads the wall
//! clock of each minute, and counts down what is left of each opening:
//!
//! - a line with one fixed time of day opens at the first instant after a gap that swallows it, and
//!   once, at the first pass, in a repeated hour; any other line follows the clock;
//! - where day and weekday are both given, either is enough;
//! - `for` is elapsed time; freezes are whole days on the wall clock, and win.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::clock::{Minutes, minutes};
use super::*;
use crate::time::{SignedDuration, Timestamp, after};

/// One southern with a change of half an hour, one with an offset of half an hour, one southern
/// that changes at midnight, one whose gap ends the day, one with changes around Ramadan.
const ZONES: [&str; 8] = [
    "Europe/Lisbon",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "America/Santiago",
    "Pacific/Auckland",
    "America/Nuuk",
    "Africa/Casablanca",
];

/// The zones whose rules are plain: two changes a year.
const TWICE_A_YEAR: usize = 7;

const FIRST_YEAR: i16 = 2026;
const LAST_YEAR: i16 = 2030;

/// Minutes that the oracle knows before and after a change: the longest opening reaches in, and
/// weekly ones show their next.
const BEFORE: usize = 4 * 24 * 60;
const AFTER: usize = 9 * 24 * 60;
/// Minutes on each side of a change of which each is asked whether it is open or frozen, and what
/// comes next.
const DENSE: usize = 75;
/// Minutes on each side of a change within which everything is asked at each edge of the oracle,
/// just before it, and now and then.
const WIDE: usize = 26 * 60;
const NOW_AND_THEN: usize = 287;

/// The freezes of a case, by days from the day of the change, first and last included.
type Freezes = &'static [(i64, i64)];

/// A name, openings as (line, minutes), freezes.
type Case = (&'static str, &'static [(&'static str, i64)], Freezes);

const CASES: &[Case] = &[
    ("fixed, early in the changed hour", &[("0 2 * * *", 45)], &[]),
    ("fixed, in the changed hour", &[("30 1 * * *", 45)], &[]),
    ("fixed, late in the changed hour", &[("45 2 * * *", 120)], &[]),
    ("fixed, in the changed half hour", &[("10 2 * * Sun", 15)], &[]),
    ("fixed, in the last hour of the day", &[("30 23 * * Sat", 60)], &[]),
    ("fixed, in the first hour of the day", &[("15 0 * * Sun", 90)], &[]),
    ("midnight", &[("0 0 * * *", 60)], &[]),
    ("fixed, in the gap and just after it", &[("30 2 * * *", 20), ("0 3 * * *", 30)], &[]),
    ("follows the clock, by half hours", &[("0,30 0-3 * * *", 15)], &[]),
    ("follows the clock, two hours", &[("15 1,2 * * *", 30)], &[]),
    ("follows the clock, every hour", &[("20 * * * Sat,Sun", 25)], &[]),
    ("follows the clock, with steps", &[("*/20 22-23 * * 6", 15), ("5-50/15 0-2/2 * * 7", 15)], &[]),
    ("across the change", &[("0 20 * * Sat", 720)], &[]),
    ("a day of 23 or 25 hours", &[("0 0 * * Sun", 24 * 60)], &[]),
    ("across midnight, touching the next", &[("0 22 * * Sat", 240), ("0 2 * * Sun", 60)], &[]),
    ("touching at midnight", &[("0 12 * * Sat", 720), ("0 0 * * Sun", 180)], &[]),
    ("overlapping", &[("0 21 * * *", 300), ("30 0 * * *", 150), ("0 1 * * Sun", 360)], &[]),
    ("one inside the other", &[("0 18 * * Fri", 60 * 60), ("30 2 * * Sun", 45)], &[]),
    ("working hours", &[("0 9 * * Mon-Thu", 420)], &[]),
    ("day or weekday", &[("30 2 1-7 * Sun", 60)], &[]),
    ("day and month", &[("0 1 25-31 3,10 *", 200)], &[]),
    ("months by name", &[("45 1 * Mar-Apr,Sep-Nov *", 90)], &[]),
    ("always open, frozen that day", &[], &[(0, 0)]),
    ("always open, frozen before and after", &[], &[(-1, -1), (1, 1)]),
    ("frozen that day", &[("0 20 * * *", 600)], &[(0, 0)]),
    ("frozen up to the day before", &[("30 1 * * *", 240)], &[(-3, -1)]),
    ("frozen from the day after", &[("0 18 * * Sun", 720)], &[(1, 2)]),
    ("freezes that overlap and touch", &[("0 0 * * *", 180)], &[(-1, 0), (0, 1), (2, 2)]),
    ("an opening wholly inside a freeze", &[("30 2 * * Sun", 60), ("0 9 * * Mon", 60)], &[(0, 0)]),
];

/// One cron line as the oracle reads it: the set bits of each field.
struct Line {
    fields: [u64; 5],
    day_given: bool,
    weekday_given: bool,
    fixed: bool,
    minutes: i64,
}

const NAMES: [&str; 19] = [
    "sun", "mon", "tue", "wed", "thu", "fri", "sat", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug",
    "sep", "oct", "nov", "dec",
];

fn number(text: &str) -> u64 {
    let name = NAMES.iter().position(|name| name.eq_ignore_ascii_case(text));
    match name {
        // Weekdays count from 0, months from 1.
        Some(place @ 0..7) => place as u64,
        Some(place) => place as u64 - 6,
        None => text.parse().unwrap(),
    }
}

fn field(text: &str, least: u64, most: u64) -> u64 {
    let mut bits = 0;
    for part in text.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((first, last)) => (number(first), number(last)),
            None => (number(range), number(range)),
        };
        for value in (first..=last).step_by(number(step) as usize) {
            bits |= 1 << value;
        }
    }
    bits
}

impl Line {
    fn read(text: &str, minutes: i64) -> Self {
        let words: Vec<&str> = text.split(' ').collect();
        let mut weekdays = field(words[4], 0, 7);
        // Sunday has two numbers.
        weekdays |= weekdays >> 7 & 1;
        Self {
            fields: [
                field(words[0], 0, 59),
                field(words[1], 0, 23),
                field(words[2], 1, 31),
                field(words[3], 1, 12),
                weekdays,
            ],
            day_given: words[2] != "*",
            weekday_given: words[4] != "*",
            fixed: [words[0], words[1]].iter().all(|word| word.parse::<u8>().is_ok()),
            minutes,
        }
    }

    fn matches(&self, wall: DateTime) -> bool {
        let has = |field: usize, value: i8| self.fields[field] >> value & 1 == 1;
        let day = has(2, wall.day());
        let weekday = has(4, wall.date().weekday().to_sunday_zero_offset());
        let day = match (self.day_given, self.weekday_given) {
            (true, true) => day || weekday,
            _ => day && weekday,
        };
        has(0, wall.minute()) && has(1, wall.hour()) && day && has(3, wall.month())
    }
}

/// The minutes around one change.
struct Around {
    minutes: Minutes,
    /// The day of the change on the wall clock.
    day: Date,
}

/// A fact about each minute, with the next minutes at which it is so and is not.
struct Facts {
    holds: Vec<bool>,
    next: [Vec<Option<usize>>; 2],
}

impl Facts {
    fn new(holds: Vec<bool>) -> Self {
        let next = [false, true].map(|wanted| {
            let mut ahead = None;
            let mut next: Vec<Option<usize>> = holds
                .iter()
                .enumerate()
                .rev()
                .map(|(minute, holds)| {
                    ahead = if *holds == wanted { Some(minute) } else { ahead };
                    ahead
                })
                .collect();
            next.reverse();
            next
        });
        Self { holds, next }
    }

    /// The first minute from `from` on at which it is as wanted.
    fn first(&self, from: usize, wanted: bool) -> Option<usize> {
        self.next[usize::from(wanted)][from]
    }

    /// Whether it is otherwise than in the minute before.
    fn turns(&self, minute: usize) -> bool {
        self.holds[minute] != self.holds[minute - 1]
    }
}

/// What the oracle says of each minute.
struct Expected {
    open: Facts,
    frozen: Facts,
    /// Open and not frozen.
    may: Facts,
    /// Open, not frozen, and so for a quarter of an hour.
    enter: Facts,
}

impl Around {
    fn new(zone: &'static str, rules: &TimeZone, change: Timestamp) -> Self {
        let from = after(change, -minutes(BEFORE));
        let minutes = Minutes::of(zone, rules, from, BEFORE + AFTER);
        Self { minutes, day: rules.to_datetime(change).date() }
    }

    fn expect(&self, lines: &[Line], freezes: &[(Date, Date)]) -> Expected {
        let walls = &self.minutes.walls;
        let mut open = vec![lines.is_empty(); walls.len()];
        for line in lines {
            let mut left = 0;
            for (open, starts) in
                open.iter_mut().zip(self.minutes.starts(line.fixed, |wall| line.matches(wall)))
            {
                left = if starts { line.minutes } else { left - 1 };
                *open |= left > 0;
            }
        }
        let frozen_on = |day: Date| freezes.iter().any(|(from, until)| *from <= day && day <= *until);
        let frozen: Vec<bool> = walls.iter().map(|wall| frozen_on(wall.shown.date())).collect();
        let may: Vec<bool> = open.iter().zip(&frozen).map(|(open, frozen)| *open && !*frozen).collect();
        // What lies beyond the last minute is not known, and taken as allowed.
        let mut run = 15;
        let long: Vec<bool> = may
            .iter()
            .rev()
            .map(|may| {
                run = if *may { run + 1 } else { 0 };
                run >= 15
            })
            .collect();
        let long = |minute: usize| long[long.len() - 1 - minute];
        // Of a span that is long enough, the first two minutes are its start.
        let starts = |minute: usize| minute > 0 && may[minute] && !may[minute - 1] && long(minute);
        let enter: Vec<bool> = (0..may.len())
            .map(|minute| {
                let second = minute > 0 && may[minute] && starts(minute - 1);
                long(minute) || starts(minute) || second
            })
            .collect();
        Expected {
            open: Facts::new(open),
            frozen: Facts::new(frozen),
            may: Facts::new(may),
            enter: Facts::new(enter),
        }
    }
}

/// The instants at which a zone's offset changes, found by looking at every quarter of an hour.
fn changes(rules: &TimeZone) -> Vec<Timestamp> {
    let quarter = SignedDuration::from_mins(15);
    let mut now = date(FIRST_YEAR, 1, 1).to_zoned(TimeZone::UTC).unwrap().timestamp();
    let end = date(LAST_YEAR + 1, 1, 1).to_zoned(TimeZone::UTC).unwrap().timestamp();
    let mut found = Vec::new();
    let mut offset = rules.to_offset(now);
    while now < end {
        now = after(now, quarter);
        let next = rules.to_offset(now);
        if next != offset {
            found.push(now);
        }
        offset = next;
    }
    found
}

/// One schedule around one change.
struct Comparison<'a> {
    name: &'a str,
    around: &'a Around,
    expected: Expected,
    schedule: Schedule,
}

impl Comparison<'_> {
    /// Compares all; the number of minutes asked.
    fn run(&self) -> usize {
        let mut asked = 0;
        for minute in BEFORE - WIDE..BEFORE + WIDE {
            let edge = |minute| self.expected.open.turns(minute) || self.expected.frozen.turns(minute);
            let all = edge(minute) || edge(minute + 1) || minute % NOW_AND_THEN == 0;
            if all || minute.abs_diff(BEFORE) < DENSE {
                self.parts(minute);
                asked += 1;
            }
            if all {
                self.together(minute);
            }
        }
        asked
    }

    fn row(&self, minute: usize) -> String {
        format!("{}, {}, {}", self.name, self.around.minutes.zone, self.around.minutes.at(minute))
    }

    /// Beyond what the oracle knows it only says that nothing comes before.
    fn agrees(&self, minute: usize, what: &str, found: Option<Timestamp>, expected: Option<usize>) {
        let known_until = self.around.minutes.at(self.around.minutes.walls.len());
        match expected {
            Some(expected) => {
                let expected = Some(self.around.minutes.at(expected));
                assert_eq!(found, expected, "{}: {what}", self.row(minute));
            }
            None => {
                let later = found.is_none_or(|found| found >= known_until);
                assert!(later, "{}: {what}: {found:?}", self.row(minute));
            }
        }
    }

    /// Openings and freezes, each for itself.
    fn parts(&self, minute: usize) {
        let (schedule, now) = (&self.schedule, self.around.minutes.at(minute));
        let Expected { open, frozen, .. } = &self.expected;
        let (is_open, found) = match schedule.openness(now) {
            Openness::AlwaysOpen => (schedule.openings().is_empty(), None),
            Openness::Open { closes_at } => (true, closes_at),
            Openness::Closed { opens_at } => (false, opens_at),
        };
        assert_eq!(is_open, open.holds[minute], "{}: open", self.row(minute));
        self.agrees(minute, "opens or closes", found, open.first(minute, !is_open));
        let ends_at = schedule.freeze_at(now).map(|freeze| freeze.ends_at);
        assert_eq!(ends_at.is_some(), frozen.holds[minute], "{}: frozen", self.row(minute));
        if ends_at.is_some() {
            self.agrees(minute, "thaws", ends_at, frozen.first(minute, false));
        }
    }

    /// Openings and freezes together: next open, next close, why, and when a ring can be entered.
    fn together(&self, minute: usize) {
        let (schedule, now) = (&self.schedule, self.around.minutes.at(minute));
        let Expected { open, frozen, may, enter } = &self.expected;
        let because = match (frozen.holds[minute], open.holds[minute], schedule.openings().is_empty()) {
            (true, ..) => Because::Frozen("Freeze"),
            (false, true, true) => Because::AlwaysOpen,
            (false, true, false) => Because::InOpening,
            (false, false, _) => Because::OutsideOpenings,
        };
        let outlook = schedule.outlook(now);
        assert_eq!(outlook.because, because, "{}", self.row(minute));
        let (opens, closes) = if may.holds[minute] {
            let closes = may.first(minute, false);
            (closes.and_then(|closes| may.first(closes, true)), closes)
        } else {
            let opens = may.first(minute, true);
            (opens, opens.and_then(|opens| may.first(opens, false)))
        };
        self.agrees(minute, "next open", outlook.next_open, opens);
        self.agrees(minute, "next close", outlook.next_close, closes);
        let entry = schedule.next_entry(now, LEAST_OPENING);
        self.agrees(minute, "entry", entry, enter.first(minute, true));
    }
}

/// One zone: the number of changes, and of minutes at which everything was asked.
fn compare_zone(zone: &'static str) -> (usize, usize) {
    let rules = TimeZone::get(zone).unwrap();
    let changes = changes(&rules);
    let mut asked = 0;
    for change in &changes {
        let around = Around::new(zone, &rules, *change);
        for (name, lines, freezes) in CASES {
            let read: Vec<Line> = lines.iter().map(|(line, minutes)| Line::read(line, *minutes)).collect();
            let day = |days: i64| around.day.checked_add(jiff::Span::new().days(days)).unwrap();
            let freezes: Vec<(Date, Date)> =
                freezes.iter().map(|(from, until)| (day(*from), day(*until))).collect();
            let expected = around.expect(&read, &freezes);
            let schedule = Schedule::new(
                Zone::new(zone).unwrap(),
                lines.iter().map(|(line, minutes)| opening(line, &format!("{minutes}m"))).collect(),
                freezes.iter().map(|(from, until)| Freeze::new(*from, *until, "Freeze").unwrap()).collect(),
            )
            .unwrap();
            asked += Comparison { name, around: &around, expected, schedule }.run();
        }
    }
    (changes.len(), asked)
}

#[test]
fn every_minute_around_every_clock_change_agrees_with_the_oracle() {
    let years = usize::try_from(LAST_YEAR - FIRST_YEAR + 1).unwrap();
    // Zones do not depend on each other.
    let threads = ZONES.map(|zone| (zone, std::thread::spawn(move || compare_zone(zone))));
    let mut all = (0, 0);
    for (place, (zone, thread)) in threads.into_iter().enumerate() {
        let (changes, asked) = thread.join().unwrap();
        if place < TWICE_A_YEAR {
            assert_eq!(changes, 2 * years, "{zone}: two changes a year");
        } else {
            assert!(changes > 0, "{zone}: its changes move with the moon, but there are some");
        }
        all = (all.0 + changes, all.1 + asked);
    }
    println!("{} clock changes, {} schedules, {} minutes compared", all.0, CASES.len(), all.1);
}
