//! Instants, durations in words, and the daemon's clock.
//!
//! **Invariant:** this is the only file that reads the machine's clock; everything below it takes
//! `now` as an argument. Decided and recorded times are whole milliseconds.

use std::{fmt, str::FromStr, time::Duration};

pub use jiff::{SignedDuration, Timestamp};

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

/// The daemon's clock: real time, or for demo and tests a clock that runs fast,
/// `EPOCH@ANCHOR*SPEED` (virtual now = EPOCH + SPEED x (wall - ANCHOR)).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clock {
    /// The machine's clock.
    Real,
    /// A clock that two processes can share, because it is a function of the machine's clock.
    Fast {
        /// The virtual instant at the anchor.
        epoch: Timestamp,
        /// The wall instant that the epoch is tied to.
        anchor: Timestamp,
        /// Virtual seconds per wall second, above 0 and at most [`Clock::MAX_SPEED`].
        speed: f64,
    },
}

/// A text that is not a clock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is not a clock; write EPOCH@ANCHOR*SPEED, such as 2026-10-12T06:00:00Z@2026-11-21T10:00:00Z*20000, as `ringward sandbox` prints it"
)]
pub struct InvalidClock {
    found: String,
}

impl Clock {
    /// Above this, an opening of an hour passes between two looks at the wall clock.
    pub const MAX_SPEED: f64 = 1_000_000.0;

    /// A fast clock that starts at `epoch` now.
    pub fn fast_from(epoch: Timestamp, speed: f64) -> Self {
        Self::Fast { epoch, anchor: whole_millis(wall_now()), speed }
    }

    /// The present instant, in whole milliseconds.
    pub fn now(&self) -> Timestamp {
        whole_millis(self.at_wall(wall_now()))
    }

    /// How long to sleep on the wall clock until `instant`; zero when it has come.
    pub fn wall_until(&self, instant: Timestamp) -> Duration {
        // A whole millisecond on top, so that the sleeper wakes at or after the instant.
        self.wall_length(since(self.at_wall(wall_now()), instant)) + Duration::from_millis(1)
    }

    /// How long ago `instant` was on the wall clock; zero when it has not come.
    pub fn wall_since(&self, instant: Timestamp) -> Duration {
        self.wall_length(since(instant, self.at_wall(wall_now())))
    }

    /// How long a span of this clock lasts on the wall clock; zero for a negative one.
    pub fn wall_length(&self, span: SignedDuration) -> Duration {
        Duration::from_secs_f64((span.as_secs_f64().max(0.0) / self.speed()).min(MAX_SPAN.as_secs_f64()))
    }

    /// How long so many wall seconds last on this clock.
    pub fn length_of(&self, wall_seconds: f64) -> SignedDuration {
        SignedDuration::try_from_secs_f64(wall_seconds * self.speed()).unwrap_or(MAX_SPAN)
    }

    /// How long a span of the wall clock lasts on this clock.
    pub fn from_wall(&self, span: SignedDuration) -> SignedDuration {
        match self {
            Self::Real => span,
            Self::Fast { speed, .. } => SignedDuration::try_from_secs_f64(span.as_secs_f64() * speed)
                .unwrap_or(if span.is_negative() { SignedDuration::MIN } else { SignedDuration::MAX }),
        }
    }

    /// Seconds of this clock per wall second.
    const fn speed(&self) -> f64 {
        match self {
            Self::Real => 1.0,
            Self::Fast { speed, .. } => *speed,
        }
    }

    fn at_wall(&self, wall: Timestamp) -> Timestamp {
        match self {
            Self::Real => wall,
            Self::Fast { epoch, anchor, speed } => {
                let elapsed = since(*anchor, wall).as_secs_f64() * speed;
                let elapsed = SignedDuration::try_from_secs_f64(elapsed).unwrap_or(SignedDuration::MAX);
                after(*epoch, elapsed)
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
fn wall_now() -> Timestamp {
    Timestamp::now()
}

/// Wall time since an instant, by the clock that is never set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Wall time since the start, whatever becomes of the machine's clock.
    pub fn passed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Wall seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real => f.write_str("real"),
            Self::Fast { epoch, anchor, speed } => write!(f, "{epoch}@{anchor}*{speed}"),
        }
    }
}

impl FromStr for Clock {
    type Err = InvalidClock;

    fn from_str(text: &str) -> Result<Self, InvalidClock> {
        let fast = || {
            let (epoch, rest) = text.split_once('@')?;
            let (anchor, speed) = rest.split_once('*')?;
            let (epoch, anchor, speed) = (epoch.parse().ok()?, anchor.parse().ok()?, speed.parse().ok()?);
            (speed > 0.0 && speed <= Self::MAX_SPEED).then_some(Self::Fast { epoch, anchor, speed })
        };
        if text == "real" {
            return Ok(Self::Real);
        }
        fast().ok_or_else(|| InvalidClock { found: text.chars().take(120).collect() })
    }
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

    #[test]
    fn a_fast_clock_is_shared_through_its_text() {
        let clock: Clock = "2026-10-12T06:00:00Z@2026-11-21T10:00:00Z*3600".parse().unwrap();
        assert_eq!(clock.to_string().parse::<Clock>().unwrap(), clock);
        let wall: Timestamp = "2026-11-21T10:00:02Z".parse().unwrap();
        assert_eq!(clock.at_wall(wall), "2026-10-12T08:00:00Z".parse::<Timestamp>().unwrap());
        assert_eq!("real".parse::<Clock>().unwrap(), Clock::Real);
        for bad in [
            "",
            "2026-10-12T06:00:00Z",
            "a@b*c",
            "2026-10-12T06:00:00Z@2026-11-21T10:00:00Z*0",
            "2026-10-12T06:00:00Z@2026-11-21T10:00:00Z*NaN",
        ] {
            assert!(bad.parse::<Clock>().is_err(), "{bad}");
        }
    }
}
