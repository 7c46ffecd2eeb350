//! Lengths of time, what lies between instants, and both in words.
//!
//! **Invariant:** a [`Span`] is not negative and at most [`MAX_SPAN`] long, and what is told of one is read back as the same.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};

use crate::text::kept_as_text;

/// The longest duration a plan may name. Longer ones are typing errors, and the bound keeps all
/// arithmetic on instants inside jiff's range.
pub const MAX_SPAN: SignedDuration = SignedDuration::from_hours(366 * 24);

/// `base + span`, at most the last instant that can be told.
pub fn after(base: Timestamp, span: SignedDuration) -> Timestamp {
    base.saturating_add(span).unwrap_or(Timestamp::MAX)
}

/// How long ago `then` was at `now`; negative when `then` lies ahead.
pub fn since(then: Timestamp, now: Timestamp) -> SignedDuration {
    now.duration_since(then)
}

/// `instant` cut to whole milliseconds, as the log keeps it.
pub fn whole_millis(instant: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(instant.as_millisecond()).unwrap_or(instant)
}

/// A length of time in a plan: elapsed time, never calendar time. Written `72h`, `7d`, `1h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(SignedDuration);
kept_as_text!(Span);

/// A text that is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is not a length of time; write whole numbers with w, d, h, m or s, such as 72h, 7d or 1h 30m (at most 366d)"
)]
pub struct InvalidSpan {
    found: String,
}

impl Span {
    /// A span of whole hours, for defaults in code.
    pub const fn hours(hours: i64) -> Self {
        Self(SignedDuration::from_hours(hours))
    }

    /// A span of whole minutes, for defaults in code.
    pub const fn minutes(minutes: i64) -> Self {
        Self(SignedDuration::from_mins(minutes))
    }

    /// The length itself.
    pub const fn get(self) -> SignedDuration {
        self.0
    }
}

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        let seconds = seconds(text).filter(|seconds| *seconds <= MAX_SPAN.as_secs());
        let span = seconds.map(|seconds| Self(SignedDuration::from_secs(seconds)));
        span.ok_or_else(|| InvalidSpan { found: text.chars().take(40).collect() })
    }
}

/// The seconds of a text that is a length of time.
fn seconds(text: &str) -> Option<i64> {
    let (mut total, mut last_unit, mut rest) = (0, i64::MAX, text.trim());
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let mut tail = tail.chars();
        let unit = match tail.next()? {
            'w' => 7 * 24 * 3600,
            'd' => 24 * 3600,
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        // Units fall from left to right, each at most once: `30m 1h` is a slip, not a sum.
        if unit >= last_unit {
            return None;
        }
        last_unit = unit;
        total = number.parse::<i64>().ok()?.checked_mul(unit)?.checked_add(total)?;
        rest = tail.as_str().trim_start();
    }
    Some(total)
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&in_words(self.0))
    }
}

/// A duration as people say it: `3d`, `1h 30m`, `45s`. Exact to the second, and [`Span`] reads it
/// back; a negative one has a leading `-`.
pub fn in_words(duration: SignedDuration) -> String {
    let mut seconds = duration.as_secs().unsigned_abs();
    if seconds == 0 {
        return "0s".to_owned();
    }
    let mut words = Vec::new();
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        let count = seconds / length;
        seconds %= length;
        if count > 0 {
            words.push(format!("{count}{unit}"));
        }
    }
    let sign = if duration.is_negative() { "-" } else { "" };
    format!("{sign}{}", words.join(" "))
}

/// A duration as exact as people need it, in the smaller of two neighbouring units: `2d 3h`, `1h 5m`.
pub fn rough(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let grain = match seconds.unsigned_abs() {
        86_400.. => 3_600,
        3_600.. => 60,
        _ => 1,
    };
    in_words(SignedDuration::from_secs(seconds - seconds % grain))
}

/// An instant to the minute, in UTC, for people.
pub fn short(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// How far from `now`: `3h 5m ago`, `in 2d 3h`, `now`.
pub fn distance(then: Timestamp, now: Timestamp) -> String {
    let elapsed = since(then, now);
    match elapsed.as_secs() {
        0 => "now".to_owned(),
        1.. => format!("{} ago", rough(elapsed)),
        _ => format!("in {}", rough(-elapsed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written() {
        let rows = [
            ("hours", "72h", Some("3d")),
            ("a week", "1w", Some("7d")),
            ("two units", "1h 30m", Some("1h 30m")),
            ("no space", "1h30m", Some("1h 30m")),
            ("zero", "0h", Some("0s")),
            ("a bare number", "72", None),
            ("months", "1mo", None),
            ("negative", "-1h", None),
            ("fractions", "1.5h", None),
            ("units out of order", "30m 1h", None),
            ("a unit twice", "1h 1h", None),
            ("over a year", "367d", None),
            ("overflow", "99999999999999999999h", None),
            ("empty", "  ", None),
        ];
        for (row, text, expected) in rows {
            let read = text.parse::<Span>().ok().map(|span| span.to_string());
            assert_eq!(read.as_deref(), expected, "{row}");
        }
    }
}
