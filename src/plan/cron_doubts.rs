//! What in a good cron line is probably not meant.
//!
//! **Invariant:** a warning never makes a line unusable, and what it proposes reads as a line itself.

use crate::schedule::{CronField, Opening};

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
        Some(nth) if weekday.split(',').all(|name| CronField::Weekday.value(name).is_some()) => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{LEAST_OPENING, Schedule, Zone};
    use crate::time::{Span, Timestamp};

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
}
