//! The patterns of single values in a plan file, for editors.
//!
//! **Invariant:** what the decoder takes matches. They hold only what ECMA 262 (with the flag `u`), Python and Rust
//! read alike, and none looks at a text more than a few times. Bounds and names are asked where they are known.

use strum::IntoEnumIterator as _;

use crate::plan::fields::is_invisible;
use crate::schedule::{CronField, WEEKS};
use crate::time::{MAX_SPAN, SignedDuration, Span};
use crate::version::ClientVersion;

/// White space that a line may have.
const BLANK: &str = r"[^\S\t\n]";
/// A number without leading zeros, of no more digits than any that is read has.
const PLAIN: &str = "(?:0|[1-9][0-9]{0,9})";

pub(super) fn line() -> String {
    format!(r"^(?!\s*$)[^\t\n{}]+$", unseen())
}

pub(super) fn prose() -> String {
    format!(r"^(?!\s*$)[^{}]+$", unseen())
}

/// A line that is not `default` in other letters.
pub(super) fn profile() -> String {
    let reserved = format!("(?!(?!default$){}$)", in_any_case("default"));
    line().replacen('^', &format!("^{reserved}"), 1)
}

pub(super) fn email() -> String {
    let part = format!(r"[^\s@{}]+", unseen());
    format!("^{part}@{part}$")
}

pub(super) fn version() -> String {
    let first = ClientVersion::FIRST_ASSIGNABLE.as_semver();
    let (year, month, later) = (first.major, numbers(first.minor, 12), numbers(first.major + 1, 2_099));
    let any_month = numbers(1, 12);
    format!(r"^(?:{year}\.{month}|{later}\.{any_month})\.{PLAIN}\.{PLAIN}$")
}

pub(super) fn range() -> String {
    format!("^(?:{})$", comparisons())
}

pub(super) fn downgrades() -> String {
    format!("^(?:{BLANK}*(?:true|false){BLANK}*|{})$", comparisons())
}

/// Only blanks proper stand beside a comparison, and a version begins with its year and month.
fn comparisons() -> String {
    let version = format!(r"20[0-9]{{2}}(?:\.{}(?:\.{PLAIN})?)?", numbers(0, 12));
    let one = format!("(?:=|[<>]=?) *{version}");
    format!(" *{one}(?: *, *{one})* *")
}

pub(super) fn share() -> String {
    format!(r"^0*(?:100(?:\.0)?|[1-9][0-9]?(?:\.[0-9])?|0\.[1-9]){BLANK}*%$")
}

/// Each unit by itself at most as long as all of them may be; one alone at least as long as the least.
pub(crate) fn span(least: Span) -> String {
    const UNITS: [(&str, u64); 5] =
        [("w", 7 * 24 * 3_600), ("d", 24 * 3_600), ("h", 3_600), ("m", 60), ("s", 1)];
    let seconds_of = |length: SignedDuration| length.as_secs().unsigned_abs();
    let (least, most) = (seconds_of(least.get()), seconds_of(MAX_SPAN));
    let number = |most: u64, unit: &str| format!("0*{}{unit}{BLANK}*", numbers(0, most));
    let units = UNITS.map(|(unit, seconds)| format!("(?:{})?", number(most / seconds, unit)));
    let too_short = (least > 0)
        .then(|| format!("(?!{}$)", any(UNITS.map(|(unit, seconds)| number((least - 1) / seconds, unit)))));
    format!("^{BLANK}*(?=[0-9]){}{}$", too_short.unwrap_or_default(), units.concat())
}

pub(super) fn count(most: u64) -> String {
    format!("^0*{}$", numbers(1, most))
}

pub(super) fn date() -> String {
    let two_digits = |most| format!("(?:0{}|{})", numbers(1, 9), numbers(10, most));
    format!("^[0-9]{{4}}-{}-{}$", two_digits(12), two_digits(31))
}

pub(super) fn cron() -> String {
    let fields: Vec<String> = CronField::iter().map(cron_field).collect();
    // A `+` before the weekday is read only where a day is given.
    let no_day = format!(r"(?!{BLANK}*(?:\S+{BLANK}+){{2}}\*{BLANK}+\S+{BLANK}+\+)");
    format!("^{no_day}{BLANK}*{}{BLANK}*$", fields.join(&format!("{BLANK}+")))
}

fn cron_field(field: CronField) -> String {
    let (least, most) = field.bounds();
    let (least, most) = (u64::from(least), u64::from(most));
    let steps = |most: u64| format!("/0{{0,3}}{}", numbers(1, most));
    let one_digit = format!("0?{}", numbers(least, most.min(9)));
    let number = any(std::iter::once(one_digit).chain((most > 9).then(|| numbers(10, most))));
    let names = field.names().iter().map(|name| in_any_case(name));
    let weeks = numbers((*WEEKS.start()).into(), (*WEEKS.end()).into());
    let (after_value, alone) = match field {
        CronField::Day => ("|W".to_owned(), Some("LW?".to_owned())),
        CronField::Weekday => (format!("|#{weeks}|L"), None),
        CronField::Minute | CronField::Hour | CronField::Month => (String::new(), None),
    };
    let named = (!field.names().is_empty()).then(|| any(names));
    // Both ends of a range are numbers, or both are names.
    let values = std::iter::once(number).chain(named);
    let values = values.map(|value| format!("{value}(?:-{value}(?:{})?{after_value})?", steps(most - least)));
    let stepped = format!(r"\*{}", steps(u64::from(field.cycle()) - 1));
    let entry = any(std::iter::once(stepped).chain(values).chain(alone));
    let both_days = if let CronField::Weekday = field { r"\+?" } else { "" };
    format!(r"{both_days}(?:\*|{entry}(?:,{entry})*)")
}

/// The whole numbers from one to another, without leading zeros.
fn numbers(least: u64, most: u64) -> String {
    let (least, most) = (least.to_string(), most.to_string());
    any((least.len()..=most.len()).map(|length| {
        let first =
            if length == least.len() { least.clone() } else { format!("1{}", "0".repeat(length - 1)) };
        let last = if length == most.len() { most.clone() } else { "9".repeat(length) };
        same_length(first.as_bytes(), last.as_bytes())
    }))
}

/// The numbers from one to another of as many digits.
fn same_length(least: &[u8], most: &[u8]) -> String {
    let (Some((first, least)), Some((last, most))) = (least.split_first(), most.split_first()) else {
        return String::new();
    };
    let digit = |digit: u8| char::from(digit);
    if first == last {
        return format!("{}{}", digit(*first), same_length(least, most));
    }
    let (zeros, nines) = (vec![b'0'; least.len()], vec![b'9'; least.len()]);
    let below = (least != zeros).then(|| format!("{}{}", digit(*first), same_length(least, &nines)));
    let above = (most != nines).then(|| format!("{}{}", digit(*last), same_length(&zeros, most)));
    let (from, to) = (first + u8::from(below.is_some()), last - u8::from(above.is_some()));
    let between =
        (from <= to).then(|| format!("[{}-{}]{}", digit(from), digit(to), "[0-9]".repeat(least.len())));
    any(below.into_iter().chain(between).chain(above))
}

fn any(patterns: impl IntoIterator<Item = String>) -> String {
    let patterns: Vec<String> = patterns.into_iter().collect();
    match patterns.as_slice() {
        [one] => one.clone(),
        _ => format!("(?:{})", patterns.join("|")),
    }
}

fn in_any_case(word: &str) -> String {
    word.chars().map(|char| format!("[{}{}]", char.to_ascii_uppercase(), char.to_ascii_lowercase())).collect()
}

/// What nobody sees, for a class of characters: as far as every language of patterns can write it, and without
/// those that join letters and emoji, and the mark of an emoji.
fn unseen() -> String {
    let refused = |char: char| is_invisible(char) && !matches!(char, '\u{200c}' | '\u{200d}' | '\u{fe0f}');
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for code in (0..=0xffff).filter(|code| char::from_u32(*code).is_some_and(refused)) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == code => *last = code,
            _ => runs.push((code, code)),
        }
    }
    runs.iter().map(|(from, to)| format!(r"\u{from:04x}-\u{to:04x}")).collect()
}
