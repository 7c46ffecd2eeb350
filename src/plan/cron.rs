//! What is said of a cron line that is refused, field by field, and the line that was probably meant.
//!
//! **Invariant:** it judges nothing: what a field may hold, the grammar of the schedule says.

use crate::plan::Advice;
use crate::schedule::{CronFault, CronField, FieldFault, WrittenCron, Zone};

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
pub(super) fn explain(line: &str, fault: &CronFault) -> (String, Advice) {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (field, found, why) = match fault {
        CronFault::Count(count) => {
            let plural = if *count == 1 { "field" } else { "fields" };
            let problem = format!("a cron line has 5 fields, and this one has {count} {plural}");
            return (problem, counted(&fields));
        }
        CronFault::Field { field, found, why } => (*field, found, why),
    };
    let (called, holds) = words(field);
    let not_of_field = format!("`{found}` is not {called} of a cron line");
    match why {
        FieldFault::Empty => (
            format!("`{found}` has nothing beside a comma, where a cron line has a value"),
            "write the value that is missing there, or take the comma away".into(),
        ),
        FieldFault::Backwards(range) => {
            let instead =
                forwards(field, range).map(|range| found.replace(range_of(found, &range.0), &range.1));
            let lines = instead.map(|found| with(&fields, &[(field, &found)])).filter(|line| reads(line));
            let lines: Vec<String> = lines.map(quoted).collect();
            match lines.is_empty() {
                true => (not_of_field, format!("a range runs from low to high; {holds}").into()),
                false => (not_of_field, Advice::write(lines).and("; a range runs from low to high")),
            }
        }
        FieldFault::StepTooLong { entry, first } => (
            format!("`{entry}` is {first} alone: its step is longer than what it steps through"),
            format!("write the times one by one, or a shorter step; {holds}").into(),
        ),
        FieldFault::TwoLastDays => (
            format!("`{found}` has both L and LW, and a cron line takes one of them"),
            "write two openings, one with L and one with LW".into(),
        ),
        FieldFault::OfField(other) => {
            let moved = with(&fields, &[(field, "*"), (*other, found)]);
            let (of_other, _) = words(*other);
            // Without them, an hour or minute would be any; and `mar` is a Tuesday to many.
            let is_clear =
                !matches!(field, CronField::Minute | CronField::Hour) && !found.eq_ignore_ascii_case("mar");
            let is_free = is_clear && fields.get(*other as usize) == Some(&"*");
            let instead = match is_free && reads(&moved) {
                true => Advice::write([quoted(moved)]),
                false => format!("{ALL_FIELDS}; {holds}").into(),
            };
            (format!("{not_of_field}, it is {of_other}"), instead)
        }
        FieldFault::Unknown => {
            let plain = with(&fields, &[(field, &in_our_words(field, found))]);
            let instead = match reads(&plain) {
                true => Advice::write([quoted(plain)]),
                false => format!("{holds}; {FORMS}").into(),
            };
            (not_of_field, instead)
        }
    }
}

/// What to write for a line that has another number of fields.
fn counted(fields: &[&str]) -> Advice {
    if let [alone] = fields
        && let Some((_, line)) = NICKNAMES.iter().find(|(nickname, _)| nickname == alone)
    {
        return Advice::write([quoted((*line).to_owned())]);
    }
    let joined = without_blanks(fields);
    if reads(&joined) {
        return Advice::write([quoted(joined)]).and("; a list has no blanks");
    }
    let zoned = match fields {
        [zone, rest @ ..] if zone.contains("TZ=") => {
            Some((zone.rsplit_once('=').map_or("", |(_, zone)| zone), rest))
        }
        [rest @ .., zone] if is_zone(zone) || zone.starts_with(['+', '-']) => Some((*zone, rest)),
        _ => None,
    };
    if let Some((zone, line)) =
        zoned.map(|(zone, rest)| (zone, rest.join(" "))).filter(|(_, line)| reads(line))
    {
        let zone = if is_zone(zone) { format!(": {zone}") } else { String::new() };
        return format!("write \"{line}\", and `timezone{zone}` next to `schedule`").into();
    }
    of_more(fields).unwrap_or_else(|| ALL_FIELDS.into())
}

/// What to write for a line with seconds before it, or a year behind it.
fn of_more(fields: &[&str]) -> Option<Advice> {
    let fields: Vec<&str> = fields.iter().map(|field| if *field == "?" { "*" } else { field }).collect();
    let (without_seconds, without_year) = (fields.get(1..6)?, fields.get(..5)?);
    let year = *fields.last()?;
    let any_second = matches!(fields.first(), Some(&("0" | "00")));
    let any_year = year == "*";
    let lines: Vec<&[&str]> = match fields.len() {
        6 => [(any_second, without_seconds), (any_year, without_year)]
            .into_iter()
            .filter_map(|(holds, line)| holds.then_some(line))
            .collect(),
        7 if any_second && any_year => vec![without_seconds],
        7 => Vec::new(),
        _ => return None,
    };
    let lines: Vec<&[&str]> = lines.into_iter().filter(|line| reads(&line.join(" "))).collect();
    if lines.is_empty() {
        return Some("seconds and years are not read: it would open in every year; write minute, hour, day, month and weekday".into());
    }
    // Who writes seconds or years counts weekdays from 1 for Sunday, mostly.
    if lines.iter().any(|line| line[4].bytes().any(|byte| byte.is_ascii_digit())) {
        return Some("seconds and years are not read, and weekdays count from 0 for Sunday; write names, such as \"0 9 * * Mon-Fri\"".into());
    }
    let lines = lines.into_iter().map(|line| quoted(line.join(" ")));
    Some(Advice::write(lines).and("; seconds and years are not read"))
}

/// Lines that other crons have a name for.
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 Jan *"),
    ("@annually", "0 0 1 Jan *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * Sun"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// The same, with what belongs together beside a comma or a dash.
fn without_blanks(fields: &[&str]) -> String {
    let mut line = String::new();
    for field in fields {
        let joins = line.ends_with([',', '-']) || field.starts_with([',', '-']);
        if !line.is_empty() && !joins {
            line.push(' ');
        }
        line.push_str(field);
    }
    line
}

/// A field as other crons, and people, write it.
fn in_our_words(field: CronField, found: &str) -> String {
    if found == "?" && matches!(field, CronField::Day | CronField::Weekday) {
        return "*".to_owned();
    }
    let (_, most) = cycle_of(field);
    if let Some((from, step)) = found.split_once('/')
        && from != "*"
        && field.value(from).is_some()
    {
        let (least, _) = field.bounds();
        return match field.value(from) {
            Some(value) if value == least => format!("*/{step}"),
            _ => format!("{from}-{most}/{step}"),
        };
    }
    let names = field.names();
    let short = |word: &str| {
        let name = names.iter().find(|name| {
            let long = long_name(name);
            // `Tues`, `Sept`: the beginning of a name.
            word.len() > 3 && long.len() >= word.len() && long[..word.len()].eq_ignore_ascii_case(word)
        });
        name.map_or_else(|| word.to_owned(), |name| (*name).to_owned())
    };
    let mut written = String::new();
    let mut word = String::new();
    for char in found.chars() {
        if char.is_ascii_alphabetic() {
            word.push(char);
            continue;
        }
        written.push_str(&short(&std::mem::take(&mut word)));
        written.push(char);
    }
    written + &short(&word)
}

const LONG_NAMES: [&str; 19] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

fn long_name(name: &str) -> &'static str {
    LONG_NAMES.iter().find(|long| long.starts_with(name)).copied().unwrap_or_default()
}

/// The least and greatest value of a field, of two Sundays the first.
const fn cycle_of(field: CronField) -> (u8, u8) {
    match field {
        CronField::Weekday => (0, 6),
        _ => field.bounds(),
    }
}

/// A range that runs backwards, the ways in which it can be meant: over the end, and turned round.
fn forwards(field: CronField, range: &str) -> impl Iterator<Item = (String, String)> {
    let (least, most) = cycle_of(field);
    let ends = range.split_once('-').filter(|(from, to)| field.value(from) != field.value(to));
    let told = |value: u8, like: &str| match field.names().get(usize::from(value - least)) {
        Some(name) if like.bytes().all(|byte| byte.is_ascii_alphabetic()) => (*name).to_owned(),
        _ => value.to_string(),
    };
    let span = |from: u8, to: u8, like: &str| match from == to {
        true => told(from, like),
        false => format!("{}-{}", told(from, like), told(to, like)),
    };
    let found = ends.and_then(|(from, to)| Some((field.value(from)?, field.value(to)?, from)));
    let readings = match (found, range.split_once('-')) {
        (Some((from, to, like)), _) if from <= most => {
            vec![format!("{},{}", span(from, most, like), span(least, to, like)), span(to, from, like)]
        }
        // Sunday is 0 in a range that it begins.
        (Some((_, to, like)), _) => vec![span(least, to, like)],
        (None, Some((from, _))) if field.value(from).is_some() => vec![from.to_owned()],
        _ => Vec::new(),
    };
    let range = range.to_owned();
    readings.into_iter().map(move |reading| (range.clone(), reading))
}

/// The range where it stands in a field.
fn range_of<'a>(found: &'a str, range: &str) -> &'a str {
    found.find(range).and_then(|at| found.get(at..at + range.len())).unwrap_or(found)
}

/// A line with some of its fields written anew.
fn with(fields: &[&str], instead: &[(CronField, &str)]) -> String {
    let of = |at: usize| instead.iter().find(|(field, _)| *field as usize == at).map(|(_, text)| *text);
    fields.iter().enumerate().map(|(at, field)| of(at).unwrap_or(field)).collect::<Vec<_>>().join(" ")
}

fn quoted(line: String) -> String {
    format!("\"{line}\"")
}

fn is_zone(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_alphabetic()) && Zone::new(text).is_ok()
}

fn reads(line: &str) -> bool {
    WrittenCron::read(line).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Opening, ScheduleError};
    use crate::time::Span;

    /// What is said of a line that is refused.
    fn told(line: &str) -> (String, Advice) {
        match Opening::new(line, Span::hours(1)) {
            Err(ScheduleError::NotCron { found, fault }) => explain(&found, &fault),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_line_is_proposed_where_it_means_the_same() {
        // (row, the line, a part of the problem, the lines that are proposed)
        let rows: [(&str, &str, &str, &[&str]); 40] = [
            ("seconds first", "0 0 9 * * Mon-Thu", "6 fields", &["0 9 * * Mon-Thu"]),
            ("seconds that count", "30 0 9 * * Mon", "6 fields", &[]),
            ("any year last", "0 9 * * MON-FRI *", "6 fields", &["0 9 * * MON-FRI"]),
            ("a year last", "0 9 * * Mon 2026", "6 fields", &[]),
            ("either end", "0 0 9 * * *", "6 fields", &["0 9 * * *", "0 0 9 * *"]),
            ("Quartz", "0 0 9 ? * MON-FRI *", "7 fields", &["0 9 * * MON-FRI"]),
            ("Quartz, Sunday is 1", "0 0 9 ? * 2-6", "6 fields", &[]),
            ("a nickname", "@weekly", "1 field", &["0 0 * * Sun"]),
            ("no line", "@reboot", "1 field", &[]),
            ("a zone last", "0 9 * * Mon Europe/Lisbon", "6 fields", &[]),
            ("an offset last", "0 9 * * Mon +0200", "6 fields", &[]),
            ("a zone first", "CRON_TZ=Europe/Lisbon 0 9 * * Mon", "6 fields", &[]),
            ("two weekdays", "0 9 1 * Mon Tue", "6 fields", &[]),
            ("a blank in a list", "0 9 * * Mon, Wed", "6 fields", &["0 9 * * Mon,Wed"]),
            ("blanks in a range", "0 9 * * Mon - Thu", "7 fields", &["0 9 * * Mon-Thu"]),
            ("one field short", "0 9 * *", "4 fields", &[]),
            ("nothing at the end", "0 9 * * Mon,", "nothing beside a comma", &[]),
            ("nothing at all", "0 , * * *", "nothing beside a comma", &[]),
            ("a long step", "*/90 9 * * *", "is 0 alone", &[]),
            ("a long step of a range", "0 9-17/9 * * *", "is 9 alone", &[]),
            ("weekdays as days", "0 9 Mon-Thu * *", "it is a weekday", &["0 9 * * Mon-Thu"]),
            ("weekdays as months", "0 9 * Mon-Thu *", "it is a weekday", &["0 9 * * Mon-Thu"]),
            ("a month as weekday", "0 9 * * Jan", "it is a month", &["0 9 * Jan *"]),
            ("a weekday as minute", "Mon 9 * * *", "it is a weekday", &[]),
            ("a weekday as hour", "0 Sat 9 * *", "it is a weekday", &[]),
            ("mardi", "0 9 * * mar", "it is a month", &[]),
            ("a step from the first", "0/15 9 * * *", "not a minute", &["*/15 9 * * *"]),
            ("months glued", "0 9 * JanFeb *", "not a month", &[]),
            ("a day and a name", "0 9 1Jan * *", "not a day", &[]),
            ("a step from a value", "10/15 9 * * *", "not a minute", &["10-59/15 9 * * *"]),
            ("a question mark", "0 9 ? * Mon", "not a day", &["0 9 * * Mon"]),
            ("a whole name", "0 9 * * Monday-Thursday", "not a weekday", &["0 9 * * Mon-Thu"]),
            ("the beginning of one", "0 9 * Sept Tues", "not a month", &[]),
            ("a name of another tongue", "0 9 * * Mo", "not a weekday", &[]),
            (
                "over the weekend",
                "0 9 * * Fri-Mon",
                "not a weekday",
                &["0 9 * * Fri-Sat,Sun-Mon", "0 9 * * Mon-Fri"],
            ),
            ("over midnight", "0 22-4 * * *", "not an hour", &["0 22-23,0-4 * * *", "0 4-22 * * *"]),
            (
                "over the year",
                "0 9 * Nov-Feb *",
                "not a month",
                &["0 9 * Nov-Dec,Jan-Feb *", "0 9 * Feb-Nov *"],
            ),
            ("from Saturday on", "0 9 * * 6-1", "not a weekday", &["0 9 * * 6,0-1", "0 9 * * 1-6"]),
            ("Sunday as 7", "0 9 * * 7-2", "not a weekday", &["0 9 * * 0-2"]),
            ("to itself", "0 9 * * Mon-Mon", "not a weekday", &["0 9 * * Mon"]),
        ];
        for (row, line, problem, lines) in rows {
            let (found, Advice { words, fixes }) = told(line);
            assert!(found.contains(problem), "{row}: {found}");
            let lines: Vec<String> = lines.iter().map(|line| format!("\"{line}\"")).collect();
            assert_eq!(fixes, lines, "{row}: {words}");
        }
    }

    #[test]
    fn each_field_says_what_it_takes() {
        let rows = [
            (
                "0 9 * * Mon Europe/Lisbon",
                "write \"0 9 * * Mon\", and `timezone: Europe/Lisbon` next to `schedule`",
            ),
            ("0 9 * * Mon +0200", "write \"0 9 * * Mon\", and `timezone` next to `schedule`"),
            ("0 0 9 ? * 2-6", "weekdays count from 0 for Sunday; write names"),
            ("*,5 9 * * *", "0-59"),
            ("*/0 9 * * *", "0-59"),
            ("0 9 * * Tue#6", "Sun-Sat"),
            ("60 9 * * *", "0-59"),
            ("0 24 * * *", "midnight is 0"),
            ("0 9 0 * *", "1-31"),
            ("0 9 * 13 *", "1-12"),
            ("0 9 * * 8", "0-7"),
            ("0 9 L,LW * *", "two openings, one with L"),
        ];
        for (line, instead) in rows {
            let (_, Advice { words, fixes }) = told(line);
            assert!(words.contains(instead) && fixes.is_empty(), "{line}: {words}");
        }
    }
}
