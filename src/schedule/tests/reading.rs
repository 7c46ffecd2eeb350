//! Two readers that know nothing of ringward's: of lines, by lists of all that the reference documents, and of the words
//! that are printed of a line.
//!
//! **Invariant:** both end in a [`Meaning`], which the oracle matches with dates.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use super::grammar::{Days, Meaning, times};

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// Of each field: its least and greatest number, the last that a `*` with a step reaches, and its names.
const FIELDS: [(u8, u8, u8, &[&str]); 5] =
    [(0, 59, 59, &[]), (0, 23, 23, &[]), (1, 31, 31, &[]), (1, 12, 12, &MONTHS), (0, 7, 6, &WEEKDAYS)];
const DAY: usize = 2;
const WEEKDAY: usize = 4;

/// What an entry without a step means.
#[derive(Clone, Copy)]
enum Entry {
    Value(u8),
    Range(u8, u8),
    Calendar(Days),
}

/// All entries of each field, names in small letters.
static ENTRIES: LazyLock<[HashMap<String, Entry>; 5]> = LazyLock::new(|| [0, 1, 2, 3, 4].map(entries));

fn entries(field: usize) -> HashMap<String, Entry> {
    let (least, most, _, names) = FIELDS[field];
    let digits =
        (least..=most).flat_map(|value| [(format!("{value}"), value), (format!("{value:02}"), value)]);
    let digits: Vec<(String, u8)> = digits.collect();
    let names: Vec<(String, u8)> = names.iter().map(|name| (*name).to_owned()).zip(least..).collect();
    let mut all = HashMap::new();
    for written in [&digits, &names] {
        for (text, value) in written {
            all.insert(text.clone(), Entry::Value(*value));
            for (other, last) in written.iter().filter(|(_, last)| last > value) {
                all.insert(format!("{text}-{other}"), Entry::Range(*value, *last));
            }
            let mut calendar = |text: String, days| all.insert(text, Entry::Calendar(days));
            if field == DAY {
                calendar(format!("{text}W"), Days::Nearest(*value));
            }
            if field == WEEKDAY {
                calendar(format!("{text}L"), Days::LastOf(value % 7));
                for week in 1..=5 {
                    calendar(format!("{text}#{week}"), Days::Nth(value % 7, week));
                }
            }
        }
    }
    if field == DAY {
        all.insert("L".to_owned(), Entry::Calendar(Days::Last));
        all.insert("LW".to_owned(), Entry::Calendar(Days::LastWorkday));
    }
    all
}

/// A field's text with names in small letters: of each run of letters the first three, if there are so many.
fn in_small_letters(text: &str) -> String {
    let mut run = 0;
    let mut chars: Vec<char> = text.chars().collect();
    for at in 0..chars.len() {
        run = if chars[at].is_ascii_alphabetic() { run + 1 } else { 0 };
        if run == 3 {
            chars[at - 2..=at].iter_mut().for_each(|char| *char = char.to_ascii_lowercase());
        }
    }
    chars.into_iter().collect()
}

/// The entries of a field, each value by itself.
fn field(field: usize, text: &str) -> Option<Vec<Entry>> {
    let (least, most, last, _) = FIELDS[field];
    if text == "*" {
        return Some((least..=most).map(Entry::Value).collect());
    }
    let mut found = Vec::new();
    for entry in in_small_letters(text).split(',') {
        let (range, step) = match entry.split_once('/') {
            None => (*ENTRIES[field].get(entry)?, 1),
            Some((range, step)) => {
                let digits = step.len() <= 4 && step.bytes().all(|byte| byte.is_ascii_digit());
                let range =
                    if range == "*" { Entry::Range(least, last) } else { *ENTRIES[field].get(range)? };
                let Entry::Range(from, to) = range else { return None };
                (
                    range,
                    step.parse::<usize>()
                        .ok()
                        .filter(|step| digits && (1..=usize::from(to - from)).contains(step))?,
                )
            }
        };
        match range {
            Entry::Range(from, to) => found.extend((from..=to).step_by(step).map(Entry::Value)),
            one => found.push(one),
        }
    }
    let has = |wanted: fn(&Days) -> bool| {
        found.iter().any(|entry| matches!(entry, Entry::Calendar(days) if wanted(days)))
    };
    let two_lasts = has(|days| matches!(days, Days::Last)) && has(|days| matches!(days, Days::LastWorkday));
    (!two_lasts).then_some(found)
}

fn plain(entries: &[Entry]) -> BTreeSet<u8> {
    let values =
        entries.iter().filter_map(|entry| if let Entry::Value(value) = entry { Some(*value) } else { None });
    values.collect()
}

/// A line; `None`: it is not of the grammar.
pub(super) fn line(text: &str) -> Option<Meaning> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields[..] else { return None };
    let (weekday, both) = match weekday.strip_prefix('+') {
        Some(rest) if day != "*" => (rest, true),
        _ => (weekday, false),
    };
    let (minutes, hours) = (plain(&field(0, minute)?), plain(&field(1, hour)?));
    let days = field(DAY, day)?.into_iter().map(|entry| match entry {
        Entry::Value(value) => Days::Day(value),
        Entry::Calendar(days) => days,
        Entry::Range(..) => unreachable!("ranges are values by now"),
    });
    let weekdays = field(WEEKDAY, weekday)?.into_iter().map(|entry| match entry {
        Entry::Value(value) => Days::Weekday(value % 7),
        Entry::Calendar(days) => days,
        Entry::Range(..) => unreachable!("ranges are values by now"),
    });
    Some(Meaning {
        times: times(&hours, &minutes),
        months: plain(&field(3, month)?),
        days: (day != "*").then(|| days.collect()),
        weekdays: (weekday != "*").then(|| weekdays.collect()),
        both,
    })
}

/// What words say, as somebody reads them who never saw the line; `None`: they say nothing.
pub(super) fn words(text: &str) -> Option<Meaning> {
    let first_time = || text.split(' ').find(|word| word.as_bytes().get(2) == Some(&b':'));
    let at = text.find(" at ").or_else(|| text.find(&format!(" {}", first_time()?)))?;
    let (days, told_times) = text.split_at(at);
    let days = days.trim_end_matches(',');
    let (days, months) = match days.split_once(", in ") {
        Some((days, months)) => (days, list(months, |name| named(name, &MONTHS, 1))?),
        None => (days, (1..=12).collect()),
    };
    let meaning = |days, weekdays, both| {
        Some(Meaning {
            times: times_of(told_times.trim())?,
            months: months.iter().copied().collect(),
            days,
            weekdays,
            both,
        })
    };
    if days == "every day" {
        return meaning(None, None, false);
    }
    for (between, both) in [(", if it is ", true), (", and also ", false)] {
        if let Some((days, weekdays)) = days.split_once(between) {
            return meaning(Some(of_month(days)?), Some(of_week(weekdays)?), both);
        }
    }
    match of_month(days) {
        Some(days) => meaning(Some(days), None, false),
        None => meaning(None, Some(of_week(days)?), false),
    }
}

fn pieces(text: &str) -> Vec<String> {
    text.replace(" and ", ", ").split(", ").map(str::to_owned).collect()
}

/// Values such as `1, 3 and 5 to 9`.
fn list(text: &str, value: impl Fn(&str) -> Option<u8>) -> Option<Vec<u8>> {
    let mut found = Vec::new();
    for piece in pieces(text) {
        match piece.split_once(" to ") {
            Some((from, to)) => found.extend(value(from)?..=value(to)?),
            None => found.push(value(&piece)?),
        }
    }
    Some(found)
}

fn named(name: &str, names: &[&str], least: u8) -> Option<u8> {
    let place = names.iter().position(|known| *known == name.to_lowercase())?;
    Some(least + u8::try_from(place).unwrap())
}

fn weekday(name: &str) -> Option<u8> {
    named(name, &WEEKDAYS, 0)
}

/// `2nd` and the like.
fn ordinal(text: &str) -> Option<u8> {
    let (number, ending) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let number: u8 = number.parse().ok()?;
    let right = match number {
        1 | 21 | 31 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    };
    (ending == right).then_some(number)
}

fn of_month(text: &str) -> Option<Vec<Days>> {
    let mut found = Vec::new();
    for piece in pieces(text) {
        match piece.as_str() {
            "the last day of the month" => found.push(Days::Last),
            "the last day from Mon to Fri of the month" => found.push(Days::LastWorkday),
            piece => match piece.strip_prefix("the day from Mon to Fri nearest to the ") {
                Some(day) => found.push(Days::Nearest(ordinal(day)?)),
                None => {
                    let days = piece.strip_prefix("the ").unwrap_or(piece);
                    let days = days.strip_suffix(" of the month").unwrap_or(days);
                    found.extend(list(days, ordinal)?.into_iter().map(Days::Day));
                }
            },
        }
    }
    Some(found)
}

fn of_week(text: &str) -> Option<Vec<Days>> {
    let mut found = Vec::new();
    for piece in pieces(text) {
        let of_month = piece.strip_prefix("the ").and_then(|rest| rest.strip_suffix(" of the month"));
        match of_month.map(|rest| rest.split_once(' ')) {
            Some(Some(("last", name))) => found.push(Days::LastOf(weekday(name)?)),
            Some(Some((nth, name))) => found.push(Days::Nth(weekday(name)?, ordinal(nth)?)),
            Some(None) => return None,
            None => found.extend(list(&piece, weekday)?.into_iter().map(Days::Weekday)),
        }
    }
    Some(found)
}

/// `09:00, 10:30 and 12:00`, or `at minutes 0 and 30 of hours 9 to 17`.
fn times_of(text: &str) -> Option<BTreeSet<u16>> {
    let Some(text) = text.strip_prefix("at ") else {
        let time = |piece: &String| {
            let (hour, minute) = piece.split_once(':')?;
            Some(hour.parse::<u16>().ok()? * 60 + minute.parse::<u16>().ok()?)
        };
        return pieces(text).iter().map(time).collect();
    };
    let (minutes, hours) = text.split_once(" of ")?;
    let part = |text: &str, one: &str, most: u8| -> Option<BTreeSet<u8>> {
        if text == format!("each {one}") {
            return Some((0..=most).collect());
        }
        let rest = text.strip_prefix(one)?;
        let rest = rest.strip_prefix('s').unwrap_or(rest).strip_prefix(' ')?;
        list(rest, |number| number.parse().ok()).map(|values| values.into_iter().collect())
    };
    Some(times(&part(hours, "hour", 23)?, &part(minutes, "minute", 59)?))
}
