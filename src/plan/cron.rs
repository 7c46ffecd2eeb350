//! What is said of a cron line that is refused, field by field, and what in a good one is probably not meant.
//!
//! **Invariant:** it judges nothing: what a field may hold, the grammar of the schedule says.

use crate::schedule::{CronFault, CronField, FieldFault, Opening, WrittenCron, Zone};

const FORMS: &str = "each one value, a list such as 1,3, a range such as 1-3, a step such as */2, or *";
const ALL_FIELDS: &str = "write minute, hour, day, month and weekday, such as \"0 9 * * Mon-Thu\"";

/// What one of a field's values is called, and what it may hold.
const fn words(field: CronField) -> (&'static str, &'static str) {
    match field {
        CronField::Minute => ("a minute", "minutes are 0-59"),
        CronField::Hour => ("an hour", "hours are 0-23, and midnight is 0"),
        CronField::Day => ("a day of the month", "days are 1-31"),
        CronField::Month => ("a month", "months are 1-12 or Jan-Dec, in three letters"),
        CronField::Weekday => ("a weekday", "weekdays are Sun-Sat, in three letters, or 0-7"),
    }
}

/// What is wrong with a line that is refused, and what would be right.
pub(super) fn explain(line: &str, fault: &CronFault) -> (String, String) {
    let (field, found, why) = match fault {
        CronFault::Count(_) => return wrong_count(&line.split_whitespace().collect::<Vec<_>>()),
        CronFault::Field { field, found, why } => (*field, found, why),
    };
    let (called, holds) = words(field);
    let not_of_field = format!("`{found}` is not {called} of a cron line");
    match why {
        FieldFault::Empty => {
            let entries: Vec<&str> = found.split(',').filter(|entry| !entry.is_empty()).collect();
            let instead = match entries.as_slice() {
                [] => "write the values of this field, such as 0,30, or * for all".to_owned(),
                entries => format!("write {}", entries.join(",")),
            };
            (format!("`{found}` has nothing beside a comma, where a cron line has a value"), instead)
        }
        FieldFault::Backwards(_) => {
            let two = forwards(field);
            (not_of_field, format!("a range runs from low to high, so write two, such as {two}; {holds}"))
        }
        FieldFault::StepTooLong { entry, first } => (
            format!("`{entry}` is {first} alone: its step is longer than what it steps through"),
            format!("write {first}, or a shorter step; {holds}"),
        ),
        FieldFault::OfField(other) => {
            let (other, _) = words(*other);
            (not_of_field, format!("it is {other}; {ALL_FIELDS}; {holds}"))
        }
        FieldFault::Unknown => (not_of_field, format!("{holds}; {FORMS}")),
    }
}

/// What in a good line is probably not meant, each with what would be right.
pub(super) fn doubts(line: &str, opening: &Opening) -> Vec<(String, String)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let either = opening.takes_either_day().then(|| either_day(&fields)).flatten();
    let uneven = [(CronField::Minute, 60, "hour"), (CronField::Hour, 24, "day")].into_iter().zip(&fields);
    let uneven = uneven.filter_map(|((_, cycle, of), field)| uneven_step(field, cycle, of));
    either.into_iter().chain(uneven).collect()
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

/// A step over a whole field that does not go into it: the last is shorter.
fn uneven_step(field: &str, cycle: u16, of: &str) -> Option<(String, String)> {
    let step: u16 = field.strip_prefix("*/")?.parse().ok()?;
    if cycle.is_multiple_of(step) {
        return None;
    }
    let values: Vec<String> = (0..cycle).step_by(step.into()).map(|value| value.to_string()).collect();
    let problem = format!("`{field}` begins anew with each {of}, and {step} does not go into {cycle}");
    Some((problem, format!("write what is meant, such as {}, which is what this says", values.join(","))))
}

fn wrong_count(fields: &[&str]) -> (String, String) {
    let count = fields.len();
    let plural = if count == 1 { "field" } else { "fields" };
    let problem = format!("a cron line has 5 fields, and this one has {count} {plural}");
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let instead = match fields {
        [rest @ .., zone] if count == 6 && reads(rest) && is_zone(zone) => {
            let line = rest.join(" ");
            format!("write \"{line}\", and `timezone: {zone}` next to `schedule`")
        }
        [rest @ .., year] if count == 6 && reads(rest) && year.len() == 4 && digits(year) => {
            format!("years are not read; write \"{}\"", rest.join(" "))
        }
        [seconds, rest @ ..] if count == 6 && reads(rest) && (digits(seconds) || *seconds == "*") => {
            format!("seconds are not read; write \"{}\"", rest.join(" "))
        }
        _ => ALL_FIELDS.to_owned(),
    };
    (problem, instead)
}

fn is_zone(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_alphabetic()) && Zone::new(text).is_ok()
}

const fn forwards(field: CronField) -> &'static str {
    match field {
        CronField::Weekday => "Fri-Sat,Sun-Mon",
        CronField::Hour => "22-23,0-5",
        CronField::Minute | CronField::Day | CronField::Month => "10-12,1-2",
    }
}

fn reads(fields: &[&str]) -> bool {
    WrittenCron::read(&fields.join(" ")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{LEAST_OPENING, Schedule, ScheduleError};
    use crate::time::{Span, Timestamp};

    /// What is said of a line that is refused.
    fn told(line: &str) -> (String, String) {
        match Opening::new(line, Span::hours(1)) {
            Err(ScheduleError::NotCron { found, fault }) => explain(&found, &fault),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn an_empty_entry_is_named() {
        let rows = [
            (", 9 * * *", "`,` has nothing beside", "or * for all"),
            ("0 , * * *", "`,` has nothing beside", "or * for all"),
            ("0,,30 9 * * *", "`0,,30` has nothing beside", "write 0,30"),
            ("0 9 * * Mon,", "`Mon,` has nothing beside", "write Mon"),
        ];
        for (line, problem, instead) in rows {
            let (found, remedy) = told(line);
            assert!(found.contains(problem) && remedy.contains(instead), "{line}: {found}; {remedy}");
        }
    }

    #[test]
    fn what_is_probably_not_meant_is_told() {
        let rows = [
            ("patch Tuesday", "0 8 8-14 * Tue", &["write \"0 8 * * Tue#2\""][..]),
            ("two weekdays", "0 8 1-7 * Tue,Thu", &["\"0 8 * * Tue#1,Thu#1\""]),
            ("days of no week", "0 8 1,15 * Mon-Fri", &["`Tue#2` is the second Tuesday"]),
            ("a step that does not fit", "*/25 9 * * *", &["such as 0,25,50, which"]),
            ("of hours", "0 */5 * * *", &["such as 0,5,10,15,20, which"]),
            ("both", "*/25 8 8-14 * Tue", &["\"*/25 8 * * Tue#2\"", "0,25,50"]),
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
            (
                "a zone last",
                "0 9 * * Mon Europe/Lisbon",
                "has 6 fields",
                "write \"0 9 * * Mon\", and `timezone: Europe/Lisbon`",
            ),
            ("six of the calendar", "0 9 1 * Mon Tue", "has 6 fields", "write minute, hour"),
            ("a long step", "*/90 9 * * *", "`*/90` is 0 alone", "write 0, or a shorter step; minutes"),
            (
                "a long step of a range",
                "0 9-17/9 * * *",
                "`9-17/9` is 9 alone",
                "write 9, or a shorter step; hours",
            ),
            (
                "weekdays as days",
                "0 9 Mon-Thu * *",
                "`Mon-Thu` is not a day",
                "it is a weekday; write minute, hour",
            ),
            ("weekdays as months", "0 9 * Mon-Thu *", "`Mon-Thu` is not a month", "it is a weekday"),
            ("a month as weekday", "0 9 * * Jan", "`Jan` is not a weekday", "it is a month"),
            ("months glued", "0 9 * JanFeb *", "`JanFeb` is not a month", "1-12"),
            ("a day and a name", "0 9 1Jan * *", "`1Jan` is not a day", "1-31"),
            ("a step from a value", "0/5 9 * * *", "`0/5` is not a minute", "*/2"),
            ("a question mark", "0 9 ? * Mon", "`?` is not a day", "or *"),
            ("all and one", "*,5 9 * * *", "`*,5` is not a minute", "0-59"),
            ("a step of nothing", "*/0 9 * * *", "`*/0` is not a minute", "0-59"),
            ("a sixth week", "0 9 * * Tue#6", "`Tue#6` is not a weekday", "Sun-Sat"),
            ("the minute", "60 9 * * *", "`60` is not a minute", "0-59"),
            ("the hour", "0 24 * * *", "`24` is not an hour", "midnight is 0"),
            ("the day", "0 9 0 * *", "`0` is not a day", "1-31"),
            ("the month", "0 9 * 13 *", "`13` is not a month", "1-12"),
            ("the weekday", "0 9 * * Monday", "`Monday` is not a weekday", "three letters"),
            ("backwards", "0 9 * * Fri-Mon", "`Fri-Mon` is not a weekday", "Fri-Sat,Sun-Mon"),
            ("backwards over midnight", "0 22-5 * * *", "`22-5` is not an hour", "22-23,0-5"),
        ];
        for (row, line, problem, instead) in rows {
            let (found, remedy) = told(line);
            assert!(found.contains(problem) && remedy.contains(instead), "{row}: {found}; {remedy}");
        }
        for remedy in ["0 9 * * Fri-Sat,Sun-Mon", "0 22-23,0-5 * * *", "0 9 10-12,1-2 * *"] {
            assert!(WrittenCron::read(remedy).is_ok(), "{remedy}");
        }
    }
}
