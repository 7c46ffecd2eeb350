//! Random cron lines: the words that are printed of a line, the next two openings and an oracle that goes minute by
//! minute say the same, and what is not of the grammar is refused.
//!
//! `RINGWARD_CRON_LINES=N` asks for more lines, `RINGWARD_CRON_SEED=N` for others.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::clock::Minutes;
use super::grammar::{Meaning, Writer};
use super::{Opening, ScheduleError, Zone, reading};
use crate::schedule::WrittenCron;
use crate::time::Span;

const LINES: u64 = 100;
/// Lines that are one character away, for each line.
const NEAR_MISSES: usize = 12;
/// February, a leap of an hour forwards in two of these zones, and half an hour back in the third.
const ZONES: [&str; 3] = ["Europe/Lisbon", "America/New_York", "Australia/Lord_Howe"];
const FIRST_DAY: &str = "2026-02-01T00:00:00Z";
const DAYS: usize = 66;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The minutes of a zone, and the dates that they are of.
struct Clock {
    minutes: Minutes,
    dates: BTreeSet<Date>,
}

fn clocks() -> [Clock; 3] {
    ZONES.map(|zone| {
        let rules = TimeZone::get(zone).unwrap();
        let minutes = Minutes::of(zone, &rules, FIRST_DAY.parse().unwrap(), DAYS * 24 * 60);
        let dates = minutes.walls.iter().map(|wall| wall.shown.date()).collect();
        Clock { minutes, dates }
    })
}

/// The minutes at which a line of a meaning opens.
fn starts(meaning: &Meaning, clock: &Clock) -> Vec<usize> {
    let dates: BTreeSet<Date> = clock.dates.iter().copied().filter(|date| meaning.has(*date)).collect();
    let mut times = [false; 24 * 60];
    for time in &meaning.times {
        times[usize::from(*time)] = true;
    }
    let matches = |wall: DateTime| {
        times[usize::from(wall.hour().unsigned_abs()) * 60 + usize::from(wall.minute().unsigned_abs())]
            && dates.contains(&wall.date())
    };
    let starts = clock.minutes.starts(meaning.times.len() == 1, matches).enumerate();
    starts.filter_map(|(minute, starts)| starts.then_some(minute)).collect()
}

/// The words of a line and its openings, against what it means.
fn compare(text: &str, meaning: &Meaning, clocks: &[Clock], writer: &mut Writer) {
    let told = WrittenCron::read(text).unwrap_or_else(|fault| panic!("`{text}`: {fault}")).words();
    let by_words = reading::words(&told).unwrap_or_else(|| panic!("`{text}`: nobody can read `{told}`"));
    let opening = match Opening::new(text, Span::hours(1)) {
        Err(ScheduleError::NeverOpens { .. }) => None,
        read => Some(read.unwrap_or_else(|error| panic!("{error}"))),
    };
    for clock in clocks {
        let minutes = &clock.minutes;
        let expected = starts(meaning, clock);
        assert_eq!(starts(&by_words, clock), expected, "`{text}` in {}: `{told}`", minutes.zone);
        let Some(opening) = &opening else {
            assert!(expected.is_empty(), "`{text}` never comes, and comes");
            continue;
        };
        let zone = Zone::new(minutes.zone).unwrap();
        let until = minutes.at(minutes.walls.len() - 1);
        for _ in 0..4 {
            let from = usize::from(writer.below(60)) * 24 * 60 + usize::from(writer.below(240)) * 6;
            let next = expected.iter().filter(|minute| **minute > from).take(2);
            let next: Vec<_> = next.map(|minute| minutes.at(*minute)).collect();
            let first = opening.next_start(minutes.at(from), until, &zone);
            let second = first.and_then(|first| opening.next_start(first, until, &zone));
            let found: Vec<_> = first.into_iter().chain(second).collect();
            assert_eq!(found, next, "`{text}` in {} after {}", minutes.zone, minutes.at(from));
        }
    }
}

#[test]
fn words_openings_and_oracle_agree_on_random_lines() {
    let (lines, first) = (number("RINGWARD_CRON_LINES", LINES), number("RINGWARD_CRON_SEED", 1));
    println!("seeds {first} to {}", first + lines - 1);
    let clocks = clocks();
    for seed in first..first + lines {
        let mut writer = Writer(seed);
        let line = writer.line();
        println!("seed {seed}: `{}`", line.text);
        let listed = reading::line(&line.text).unwrap_or_else(|| panic!("`{}` is not listed", line.text));
        assert_eq!(listed.times, line.meaning.times, "`{}`", line.text);
        let differs = clocks[0].dates.iter().find(|date| listed.has(**date) != line.meaning.has(**date));
        assert_eq!(differs, None, "`{}`", line.text);
        compare(&line.text, &line.meaning, &clocks, &mut writer);
    }
}

/// One character more, less, or another.
fn near_miss(text: &str, writer: &mut Writer) -> String {
    const OTHERS: &str = "0123456789*/,-+#LW? JanFebMonTueSx";
    let others: Vec<char> = OTHERS.chars().collect();
    let mut chars: Vec<char> = text.chars().collect();
    let at = usize::from(writer.below(chars.len() as u64));
    let other = others[usize::from(writer.below(others.len() as u64))];
    match writer.below(3) {
        0 => chars.insert(at, other),
        1 => chars[at] = other,
        _ => drop(chars.remove(at)),
    }
    chars.into_iter().collect()
}

#[test]
fn a_line_one_character_away_is_refused_or_means_what_the_grammar_says() {
    let (lines, first) = (number("RINGWARD_CRON_LINES", LINES), number("RINGWARD_CRON_SEED", 1));
    println!("seeds {first} to {}", first + lines - 1);
    let clocks = clocks();
    let (mut refused, mut read) = (0, 0);
    for seed in first..first + lines {
        let mut writer = Writer(seed);
        let line = writer.line();
        for turn in 0..NEAR_MISSES {
            let text = near_miss(&line.text, &mut writer);
            println!("seed {seed}: `{text}`");
            match reading::line(&text) {
                None => {
                    assert!(WrittenCron::read(&text).is_err(), "`{text}` is not of the grammar");
                    refused += 1;
                }
                Some(meaning) => {
                    assert!(WrittenCron::read(&text).is_ok(), "`{text}` is of the grammar");
                    // Each comparison takes many minutes of many days.
                    if turn < 2 {
                        compare(&text, &meaning, &clocks[..1], &mut writer);
                    }
                    read += 1;
                }
            }
        }
    }
    println!("{refused} refused, {read} read");
    assert!(refused > lines && read > lines, "{refused} refused, {read} read");
}

/// Lines that random ones seldom are, each a way to write what another field or entry says as well.
#[test]
fn words_tell_lines_apart_that_differ_only_in_how_all_is_written() {
    let clocks = clocks();
    let rows = [
        ("all days listed, and weekdays", "0 9 1-31 * Mon"),
        ("each day as a step, and weekdays", "0 9 */1 * Mon"),
        ("both asked for", "0 9 1-31 * +Mon"),
        ("all weekdays as a range, and days", "0 9 15 * 0-7"),
        ("all weekdays as a step", "0 9 15 * */1"),
        ("all weekdays by name", "0 9 15 * Sun-Sat"),
        ("no day, all weekdays", "0 9 * * 0-7"),
        ("a plus before all", "0 9 15 * +*"),
        ("one time twice", "5,5 9,09 * * *"),
        ("a range as one time", "0 9 * 2-3 Sun,7"),
        ("days that February lacks", "30 1 29,30W * *"),
        ("the end of a month and others", "30 1 L,15W,1-3 * 5L,Tue#2"),
        ("its last workday and others", "30 1 LW,1W,31W * +Fri,7#4"),
    ];
    for (row, text) in rows {
        println!("{row}: `{text}`");
        let meaning = reading::line(text).unwrap();
        compare(text, &meaning, &clocks, &mut Writer(1));
    }
}
