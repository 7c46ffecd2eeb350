//! What a value that cannot be read was probably meant to be: `7 days` is `7d`, `0.9` is `90%`.
//!
//! **Invariant:** a guess is only ever shown, never taken, and it can be read itself.

use super::{fields::is_digits, model::Percent};
use crate::{time::Span, version::ClientVersion};

/// A length of time, as it would be written.
pub(super) fn span(text: &str) -> Option<String> {
    let text = text.to_lowercase();
    let text = text.trim().trim_start_matches("pt").trim_start_matches('p');
    if is_digits(text) {
        let hours = format!("{text}h");
        hours.parse::<Span>().ok()?;
        return Some(format!("{hours} if hours are meant"));
    }
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
    let written = written.trim_end().to_owned();
    written.parse::<Span>().ok()?;
    Some(written)
}

fn unit(word: &str) -> Option<char> {
    match word {
        "w" | "wk" | "wks" | "week" | "weeks" => Some('w'),
        "d" | "day" | "days" => Some('d'),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some('h'),
        "m" | "min" | "mins" | "minute" | "minutes" => Some('m'),
        "s" | "sec" | "secs" | "second" | "seconds" => Some('s'),
        _ => None,
    }
}

/// A percentage, as it would be written; cut to tenths, never rounded up.
pub(super) fn percent(text: &str) -> Option<String> {
    let marked = text.contains('%') || text.to_lowercase().contains("p");
    let text = text.replace(',', ".");
    let number = text.trim_matches(|char: char| !char.is_ascii_digit());
    let number: f64 = number.parse().ok()?;
    let percent = if !marked && number > 0.0 && number < 1.0 { number * 100.0 } else { number };
    // A tenth of a tenth on top: 0.29 * 1000 is a little below 290.
    let tenths = (percent * 10.0 + 0.01).floor();
    if !(1.0..=1000.0).contains(&tenths) {
        return None;
    }
    // At most 1000, and whole.
    Percent::from_tenths(tenths as u16).map(|share| share.to_string())
}

/// A client version, as it would be written.
pub(super) fn version(text: &str) -> Option<String> {
    let text = text.trim_start_matches(|char: char| !char.is_ascii_digit());
    let text = text.split(|char: char| !char.is_ascii_digit() && char != '.').next()?;
    let numbers: Vec<u32> = text.split('.').map(|number| number.parse().ok()).collect::<Option<_>>()?;
    let written: ClientVersion = match numbers.as_slice() {
        [year, month, build] => format!("{year}.{month}.{build}.0").parse().ok()?,
        [year, month, build, channel] => format!("{year}.{month}.{build}.{channel}").parse().ok()?,
        _ => return None,
    };
    written.follows_assignments().then(|| written.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_read_as_people_mean_them() {
        type Guess = fn(&str) -> Option<String>;
        let rows: [(Guess, &str, Option<&str>); 24] = [
            (span, "7 days", Some("7d")),
            (span, "3D", Some("3d")),
            (span, "P3D", Some("3d")),
            (span, "PT90M", Some("90m")),
            (span, "1 week, 2 days", Some("1w 2d")),
            (span, "1 hour and 30 minutes", Some("1h 30m")),
            (span, "72", Some("72h if hours are meant")),
            (span, "1.5d", None),
            (span, "-3d", None),
            (span, "a week", None),
            (span, "400 days", None),
            (percent, "90", Some("90%")),
            (percent, "0.9", Some("90%")),
            (percent, "0.29", Some("29%")),
            (percent, "0.9%", Some("0.9%")),
            (percent, "90 percent", Some("90%")),
            (percent, "99.99%", Some("99.9%")),
            (percent, "99,5%", Some("99.5%")),
            (percent, "150%", None),
            (percent, "most", None),
            (version, "2026.8.2100", Some("2026.8.2100.0")),
            (version, "v2026.08.2100.0", Some("2026.8.2100.0")),
            (version, "2026.8", None),
            (version, "99999999999999999999", None),
        ];
        for (guess, text, expected) in rows {
            assert_eq!(guess(text).as_deref(), expected, "{text}");
        }
    }
}
