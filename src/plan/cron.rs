//! Why a cron line cannot be read, field by field, and what in a good one is probably not meant.
//!
//! **Invariant:** it judges nothing: what a field may hold is asked of the schedule, which reads
//! cron lines.

use crate::schedule::{Opening, ScheduleError};
use crate::time::Span;

/// A field: what one of its values is called, what it may hold, and its least and its most.
const FIELDS: [(&str, &str, u16, u16); 5] = [
    ("a minute", "minutes are 0-59", 0, 59),
    ("an hour", "hours are 0-23, and midnight is 0", 0, 23),
    ("a day of the month", "days are 1-31", 1, 31),
    ("a month", "months are 1-12 or Jan-Dec, in three letters", 1, 12),
    ("a weekday", "weekdays are Sun-Sat, in three letters, or 0-7", 0, 7),
];
const FORMS: &str = "each one value, a list such as 1,3, a range such as 1-3, a step such as */2, or *";
const ALL_FIELDS: &str = "write minute, hour, day, month and weekday, such as \"0 9 * * Mon-Thu\"";

/// What is wrong with a line that the schedule refused as no cron line, and what would be right.
pub(super) fn explain(line: &str) -> (String, String) {
    let fields: Vec<&str> = line.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return wrong_count(&fields);
    }
    let mut known = fields.into_iter().zip(FIELDS).enumerate();
    let bad = known.find(|(index, (field, _))| !reads(&alone(*index, field)));
    let Some((index, (field, (called, holds, ..)))) = bad else {
        return ("not a cron line".to_owned(), ALL_FIELDS.to_owned());
    };
    let problem = format!("`{field}` is not {called} of a cron line");
    let ends: Vec<&str> = field.split('-').collect();
    let backwards = ends.len() == 2 && ends.iter().all(|end| reads(&alone(index, end)));
    let instead = if backwards {
        format!("a range runs from low to high, so write two, such as {}; {holds}", forwards(index))
    } else {
        format!("{holds}; {FORMS}")
    };
    (problem, instead)
}

/// What is wrong with a line that has an empty entry, and what would be right.
pub(super) fn explain_empty(line: &str) -> (String, String) {
    let empty = |field: &&str| field.split(',').any(str::is_empty);
    let field = line.split_whitespace().find(empty).unwrap_or(line);
    let entries: Vec<&str> = field.split(',').filter(|entry| !entry.is_empty()).collect();
    let problem = format!("`{field}` has nothing beside a comma, where a cron line has a value");
    let instead = match entries.as_slice() {
        [] => "write the values of this field, such as 0,30, or * for all".to_owned(),
        entries => format!("write {}", entries.join(",")),
    };
    (problem, instead)
}

/// What in a good line is probably not meant, each with what would be right.
pub(super) fn doubts(line: &str, opening: &Opening) -> Vec<(String, String)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let either = opening.takes_either_day().then(|| either_day(&fields)).flatten();
    let steps = fields
        .iter()
        .enumerate()
        .flat_map(|(index, field)| field.split(',').filter_map(move |entry| step_too_long(index, entry)));
    either.into_iter().chain(steps).collect()
}

/// Of day and weekday, cron takes either; who writes both mostly means both.
fn either_day(fields: &[&str]) -> Option<(String, String)> {
    let [minute, hour, day, month, weekday] = fields else { return None };
    let problem = format!(
        "this opens on every day {day} and on every {weekday}, since either is enough where both are given"
    );
    let instead = match nth(day) {
        Some(nth) if weekday.split(',').all(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric())) => {
            let both: Vec<String> = weekday.split(',').map(|name| format!("{name}#{nth}")).collect();
            let both = both.join(",");
            format!(
                "write \"{minute} {hour} * {month} {both}\": `{both}` is that weekday in days {day} alone"
            )
        }
        _ => "write one of the two: `Tue#2` is the second Tuesday of a month, `FriL` its last Friday"
            .to_owned(),
    };
    Some((problem, instead))
}

/// Which week of a month these days are.
fn nth(days: &str) -> Option<u8> {
    ["1-7", "8-14", "15-21", "22-28"].iter().zip(1..).find(|(week, _)| **week == days).map(|(_, nth)| nth)
}

/// A step that leaves nothing of its range but the first value.
fn step_too_long(index: usize, entry: &str) -> Option<(String, String)> {
    let (range, step) = entry.split_once('/')?;
    let (_, holds, least, most) = *FIELDS.get(index)?;
    let (from, to) = match range.split_once('-') {
        Some((from, to)) => (from.parse().ok()?, to.parse().ok()?),
        None => (least, most),
    };
    let step: u16 = step.parse().ok()?;
    (step > to - from).then(|| {
        let problem = format!("`{entry}` is {from} alone: its step is longer than what it steps through");
        (problem, format!("write {from}, or a shorter step; {holds}"))
    })
}

fn wrong_count(fields: &[&str]) -> (String, String) {
    let count = fields.len();
    let plural = if count == 1 { "field" } else { "fields" };
    let problem = format!("a cron line has 5 fields, and this one has {count} {plural}");
    let instead = match fields {
        [_, rest @ ..] if count == 6 && reads(&rest.join(" ")) => {
            format!("seconds are not read; write \"{}\"", rest.join(" "))
        }
        [rest @ .., _] if count == 6 && reads(&rest.join(" ")) => {
            format!("years are not read; write \"{}\"", rest.join(" "))
        }
        _ => ALL_FIELDS.to_owned(),
    };
    (problem, instead)
}

fn forwards(index: usize) -> &'static str {
    match index {
        4 => "Fri-Sat,Sun-Mon",
        1 => "22-23,0-5",
        _ => "10-12,1-2",
    }
}

/// A line with one field set.
fn alone(index: usize, field: &str) -> String {
    let fields: Vec<&str> = (0..FIELDS.len()).map(|at| if at == index { field } else { "*" }).collect();
    fields.join(" ")
}

fn reads(line: &str) -> bool {
    !matches!(Opening::new(line, Span::hours(1)), Err(ScheduleError::InvalidCron { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{LEAST_OPENING, Schedule, Zone};
    use crate::time::Timestamp;

    #[test]
    fn an_empty_entry_is_named() {
        let rows = [
            (", 9 * * *", "`,` has nothing beside", "or * for all"),
            ("0 , * * *", "`,` has nothing beside", "or * for all"),
            ("0,,30 9 * * *", "`0,,30` has nothing beside", "write 0,30"),
            ("0 9 * * Mon,", "`Mon,` has nothing beside", "write Mon"),
        ];
        for (line, problem, instead) in rows {
            let refused = Opening::new(line, Span::hours(1));
            assert!(matches!(refused, Err(ScheduleError::EmptyEntry { .. })), "{line}: {refused:?}");
            let (found, remedy) = explain_empty(line);
            assert!(found.contains(problem) && remedy.contains(instead), "{line}: {found}; {remedy}");
        }
    }

    #[test]
    fn what_is_probably_not_meant_is_told() {
        let rows = [
            ("patch Tuesday", "0 8 8-14 * Tue", &["write \"0 8 * * Tue#2\""][..]),
            ("two weekdays", "0 8 1-7 * Tue,Thu", &["\"0 8 * * Tue#1,Thu#1\""]),
            ("days of no week", "0 8 1,15 * Mon-Fri", &["`Tue#2` is the second Tuesday"]),
            ("a long step", "*/90 9 * * *", &["write 0, or a shorter step; minutes"]),
            ("of a range", "0 9-17/9 * * *", &["write 9, or a shorter step; hours"]),
            ("both", "*/60 8 8-14 * Tue", &["\"*/60 8 * * Tue#2\"", "write 0"]),
            ("a step that fits", "*/30 9-17/8 * * *", &[]),
            ("a weekday alone", "0 9 * * Tue#2", &[]),
            ("a day alone", "0 9 1-7 * *", &[]),
            ("both asked for", "0 9 1-7 * +Tue", &[]),
        ];
        for (row, line, expected) in rows {
            let opening = Opening::new(line, Span::hours(1)).unwrap();
            let found = doubts(line, &opening);
            assert_eq!(found.len(), expected.len(), "{row}: {found:?}");
            for ((_, instead), part) in found.iter().zip(expected) {
                assert!(instead.contains(part), "{row}: {instead}");
            }
        }
    }

    /// What the reference promises of `#`, `L` and `W`.
    #[test]
    fn weeks_and_ends_of_a_month_can_be_named() {
        let rows = [
            ("0 9 * * Tue#2", "2026-12-08"),
            ("0 9 * * Tue#2,Thu#1", "2026-12-03"),
            ("0 9 * * FriL", "2026-12-25"),
            ("0 9 L * *", "2026-12-31"),
            ("0 9 LW * *", "2026-12-31"),
            ("0 9 13W * *", "2026-12-14"),
            ("0 9 1-7 * +Tue", "2026-12-01"),
        ];
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        for (line, day) in rows {
            let opening = Opening::new(line, Span::hours(1)).unwrap();
            let schedule = Schedule::new(Zone::utc(), vec![opening], Vec::new()).unwrap();
            let entry = schedule.next_entry(now, LEAST_OPENING).unwrap();
            assert_eq!(entry.to_string(), format!("{day}T09:00:00Z"), "{line}");
        }
    }

    #[test]
    fn each_field_says_what_it_takes() {
        let rows = [
            ("seconds first", "0 0 9 * * Mon-Thu", "has 6 fields", "write \"0 9 * * Mon-Thu\""),
            ("a year last", "0 9 * * Mon 2026", "has 6 fields", "write \"0 9 * * Mon\""),
            ("one word", "@daily", "has 1 field", "write minute, hour"),
            ("the minute", "60 9 * * *", "`60` is not a minute", "0-59"),
            ("the hour", "0 24 * * *", "`24` is not an hour", "midnight is 0"),
            ("the day", "0 9 0 * *", "`0` is not a day", "1-31"),
            ("the month", "0 9 * 13 *", "`13` is not a month", "1-12"),
            ("the weekday", "0 9 * * Monday", "`Monday` is not a weekday", "three letters"),
            ("backwards", "0 9 * * Fri-Mon", "`Fri-Mon` is not a weekday", "Fri-Sat,Sun-Mon"),
            ("backwards over midnight", "0 22-5 * * *", "`22-5` is not an hour", "22-23,0-5"),
        ];
        for (row, line, problem, instead) in rows {
            assert!(!reads(line), "{row}: the schedule refuses it");
            let (found, remedy) = explain(line);
            assert!(found.contains(problem) && remedy.contains(instead), "{row}: {found}; {remedy}");
        }
        for remedy in ["0 9 * * Fri-Sat,Sun-Mon", "0 22-23,0-5 * * *", "0 9 10-12,1-2 * *"] {
            assert!(reads(remedy), "{remedy}");
        }
    }
}
