//! What a value that cannot be read was probably meant to be: `7 days` is `7d`, `0.9` is 0.9% or 90%.
//!
//! **Invariant:** a guess is only ever shown, never taken; it can be read itself, and it means what was written. Of a
//! text that can be read in several ways all are told, and none of one that nobody can read.

use jiff::civil::Date;

use super::{fields::is_digits, model::Percent};
use crate::{time::Span, version::ClientVersion};

/// Lengths of time, as they would be written.
pub(super) fn spans(text: &str) -> Vec<String> {
    let text = text.trim();
    let readings = if is_digits(text) {
        ["s", "m", "h", "d"].iter().map(|unit| format!("{text}{unit}")).collect()
    } else if text.starts_with(['P', 'p']) {
        Vec::from_iter(iso_8601(text))
    } else {
        Vec::from_iter(in_words(text))
    };
    readings.into_iter().filter(|reading| reading.parse::<Span>().is_ok()).collect()
}

/// `7 days`, `1 week, 2 days`, `1 hour and 30 minutes`.
fn in_words(text: &str) -> Option<String> {
    let mut written = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let tail = tail.trim_start();
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (word, tail) = tail.split_at(letters);
        written.push_str(&format!("{number}{} ", unit(word)?));
        rest = tail.trim_start_matches([' ', ',']).trim_start_matches("and ");
    }
    Some(written.trim_end().to_owned())
}

fn unit(word: &str) -> Option<char> {
    // A capital M is a month to many.
    if word == "M" {
        return None;
    }
    match word.to_lowercase().as_str() {
        "w" | "wk" | "wks" | "week" | "weeks" => Some('w'),
        "d" | "day" | "days" => Some('d'),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some('h'),
        "m" | "min" | "mins" | "minute" | "minutes" => Some('m'),
        "s" | "sec" | "secs" | "second" | "seconds" => Some('s'),
        _ => None,
    }
}

/// `P3D`, `PT90M`; years and months have no length of their own.
fn iso_8601(text: &str) -> Option<String> {
    let span: jiff::Span = text.parse().ok()?;
    let whole = span.get_years() == 0 && span.get_months() == 0 && span.get_milliseconds() == 0;
    let parts: [(i64, char); 5] = [
        (span.get_weeks().into(), 'w'),
        (span.get_days().into(), 'd'),
        (span.get_hours().into(), 'h'),
        (span.get_minutes(), 'm'),
        (span.get_seconds(), 's'),
    ];
    let parts = parts.iter().filter(|(number, _)| *number != 0);
    let parts: Vec<String> = parts.map(|(number, unit)| format!("{number}{unit}")).collect();
    (whole && !parts.is_empty()).then(|| parts.join(" "))
}

/// Percentages, as they would be written.
pub(super) fn percents(text: &str) -> Vec<String> {
    let text = text.trim().to_lowercase();
    let signs = ["%", "percent", "per cent", "pct", "pct."];
    let signed = signs.iter().find_map(|sign| text.strip_suffix(sign));
    let Some(tenths) = tenths(signed.unwrap_or(&text).trim()) else { return Vec::new() };
    let readings = match signed {
        Some(_) => vec![tenths],
        // Above one it is no share of one.
        None if tenths.is_some_and(|tenths| tenths > 10) => vec![tenths],
        None => vec![tenths, hundredfold(&text)],
    };
    let shares = readings.into_iter().flatten().filter(|tenths| *tenths > 0);
    shares.filter_map(Percent::from_tenths).map(|share| share.to_string()).collect()
}

/// The tenths of a number such as `99.5`, `.9` or `0,9`; `Some(None)`: there are hundredths.
fn tenths(number: &str) -> Option<Option<u16>> {
    let (whole, decimals) = number.split_once(['.', ',']).unwrap_or((number, "0"));
    let is_number = (whole.is_empty() || is_digits(whole)) && is_digits(decimals);
    // Three decimals after a whole number may be thousands.
    if !is_number || (decimals.len() == 3 && !matches!(whole, "" | "0")) {
        return None;
    }
    let whole: u16 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let (tenth, rest) = decimals.split_at(1);
    let exact = rest.bytes().all(|digit| digit == b'0');
    let tenths = whole.checked_mul(10)?.checked_add(tenth.parse().ok()?);
    Some(tenths.filter(|_| exact))
}

/// The tenths of a per cent of a share of one.
fn hundredfold(share: &str) -> Option<u16> {
    let (whole, decimals) = share.split_once(['.', ',']).unwrap_or((share, "0"));
    let digits = format!("{decimals:0<3}");
    let (thousandths, rest) = digits.split_at(3);
    let whole: u16 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let exact = rest.bytes().all(|digit| digit == b'0');
    whole
        .checked_mul(1_000)?
        .checked_add(thousandths.parse().ok()?)
        .filter(|tenths| exact && *tenths <= 1_000)
}

/// A client version, as it would be written.
pub(super) fn version(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (text, channel) = match text.strip_suffix("beta") {
        Some(rest) => (rest.trim_end_matches([' ', '-']), "1"),
        None => (text.as_str(), "0"),
    };
    let text = text.strip_prefix("version").unwrap_or(text).trim_start();
    let text = text.strip_prefix('v').unwrap_or(text);
    let parts: Vec<&str> = text.split('.').collect();
    let numbers: Option<Vec<u32>> =
        parts.iter().map(|part| part.parse().ok().filter(|_| is_digits(part))).collect();
    let written = match numbers?.as_slice() {
        [year, month, build] => format!("{year}.{month}.{build}.{channel}"),
        [year, month, build, last] if channel == "0" || *last == 1 => {
            format!("{year}.{month}.{build}.{last}")
        }
        _ => return None,
    };
    let written: ClientVersion = written.parse().ok()?;
    written.follows_assignments().then(|| written.to_string())
}

/// Days of the calendar, as they would be written: two, where the order of day and month is not known, and where the
/// last of them is said to be over at its first instant.
pub(super) fn dates(text: &str, is_last: bool) -> Vec<String> {
    let text = text.trim();
    let (day, time) = match text
        .split_once(['T', ' '])
        .filter(|(day, _)| day.len() == 10 && day.get(..4).is_some_and(is_digits))
    {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let Some(time) = time else { return days(day) };
    match time.get(..5) {
        Some("23:59") if time.len() <= 8 && is_last => days(day),
        Some("00:00") if time.len() <= 8 => {
            let begun = days(day);
            let before =
                begun.iter().filter_map(|day| Some(day.parse::<Date>().ok()?.yesterday().ok()?.to_string()));
            before.filter(|_| is_last).chain(begun.clone()).collect()
        }
        _ => Vec::new(),
    }
}

fn days(day: &str) -> Vec<String> {
    let forms = [
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%Y.%m.%d",
        "%Y%m%d",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d-%m-%Y",
        "%m-%d-%Y",
        "%d %B %Y",
        "%d %b %Y",
        "%d. %B %Y",
        "%B %d, %Y",
        "%b %d, %Y",
        "%B %d %Y",
        "%b %d %Y",
        "%d-%b-%Y",
    ];
    let mut found: Vec<String> = Vec::new();
    for form in forms {
        let Ok(date) = Date::strptime(form, day) else { continue };
        let written = date.to_string();
        if (2000..2200).contains(&date.year()) && !found.contains(&written) {
            found.push(written);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_read_as_people_mean_them() {
        type Guess = fn(&str) -> Vec<String>;
        let (first, dates): (Guess, Guess) = (|text| dates(text, false), |text| dates(text, true));
        let version: Guess = |text| Vec::from_iter(version(text));
        let rows: [(Guess, &str, &[&str]); 61] = [
            (spans, "7 days", &["7d"]),
            (spans, "3D", &["3d"]),
            (spans, "P3D", &["3d"]),
            (spans, "PT90M", &["90m"]),
            (spans, "P1DT12H", &["1d 12h"]),
            (spans, "P1M", &[]),
            (spans, "1M", &[]),
            (spans, "1 month", &[]),
            (spans, "1 week, 2 days", &["1w 2d"]),
            (spans, "1 hour and 30 minutes", &["1h 30m"]),
            (spans, "72", &["72s", "72m", "72h", "72d"]),
            (spans, "480", &["480s", "480m", "480h"]),
            (spans, "1.5d", &[]),
            (spans, "-3d", &[]),
            (spans, "a week", &[]),
            (spans, "2 business days", &[]),
            (spans, "400 days", &[]),
            (percents, "90", &["90%"]),
            (percents, "0.9", &["0.9%", "90%"]),
            (percents, ".9", &["0.9%", "90%"]),
            (percents, "0,9", &["0.9%", "90%"]),
            (percents, ".9%", &["0.9%"]),
            (percents, "1", &["1%", "100%"]),
            (percents, "1.0", &["1%", "100%"]),
            (percents, "1.5", &["1.5%"]),
            (percents, "0.29", &["29%"]),
            (percents, "0.955", &["95.5%"]),
            (percents, "0.95%", &[]),
            (percents, "90 percent", &["90%"]),
            (percents, "99.99%", &[]),
            (percents, "99,5%", &["99.5%"]),
            (percents, "-10%", &[]),
            (percents, "all but 2%", &[]),
            (percents, "20‰", &[]),
            (percents, "2 devices", &[]),
            (percents, "150%", &[]),
            (percents, "25.000", &[]),
            (percents, "most", &[]),
            (version, "2026.8.2100", &["2026.8.2100.0"]),
            (version, "v2026.08.2100.0", &["2026.8.2100.0"]),
            (version, "2026.8.2033 beta", &["2026.8.2033.1"]),
            (version, "2026.8.2033.0-beta", &[]),
            (version, "2026.8.21OO.0", &[]),
            (version, "2026.8.21 00.0", &[]),
            (version, "2026.8", &[]),
            (version, "99999999999999999999", &[]),
            (dates, "18.12.2026", &["2026-12-18"]),
            (dates, "12/18/2026", &["2026-12-18"]),
            (dates, "04/01/2027", &["2027-01-04", "2027-04-01"]),
            (dates, "2026-7-1", &["2026-07-01"]),
            (first, "2026-12-18T00:00:00", &["2026-12-18"]),
            (dates, "2026-12-18T00:00", &["2026-12-17", "2026-12-18"]),
            (dates, "2026-12-18 23:59", &["2026-12-18"]),
            (first, "2026-12-18T12:00", &[]),
            (first, "2026-12-18T00:00:00Z", &[]),
            (dates, "18 December 2026", &["2026-12-18"]),
            (dates, "Dec 18, 2026", &["2026-12-18"]),
            (dates, "31.06.2026", &[]),
            (dates, "18.12.26", &[]),
            (dates, "next Friday", &[]),
            (dates, "12月18日 00:00", &[]),
        ];
        for (guess, text, expected) in rows {
            assert_eq!(guess(text), expected, "{text}");
        }
    }
}
