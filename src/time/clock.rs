//! The daemon's clock.
//!
//! **Invariant:** its instants are whole milliseconds.

use std::{fmt, str::FromStr, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::paced::PacedClock;
use super::span::{MAX_SPAN, after, since, whole_millis};
use super::wall::wall_now;

/// The daemon's clock: real time, for tests a clock that runs fast, `EPOCH@ANCHOR*SPEED` (virtual now = EPOCH + SPEED
/// x (wall - ANCHOR)), or for the demo one that waits.
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
    /// A fast clock within one process, which crawls while its daemon does not keep up.
    Paced(&'static PacedClock),
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

    /// A fast clock that starts at `epoch` now and waits for the daemon of this process, which lives as long.
    pub fn paced_from(epoch: Timestamp, speed: f64) -> Self {
        Self::Paced(Box::leak(Box::new(PacedClock::new(epoch, speed))))
    }

    /// Nothing is missed before `instant`: a clock that waits may go on until then at full speed.
    pub fn run_until(&self, instant: Timestamp) {
        if let Self::Paced(clock) = self {
            clock.run_until(instant);
        }
    }

    /// As another process sees it from now on, which cannot wait with it.
    pub fn seen_from_outside(&self) -> Self {
        match self {
            Self::Real | Self::Fast { .. } => *self,
            Self::Paced(clock) => Self::fast_from(clock.now(), clock.speed),
        }
    }

    /// Whether anybody can set it back. One that waits may go more slowly than its speed says.
    pub const fn can_be_set(&self) -> bool {
        !matches!(self, Self::Paced(_))
    }

    /// The present instant, in whole milliseconds.
    pub fn now(&self) -> Timestamp {
        whole_millis(self.at_wall(wall_now()))
    }

    /// How long to sleep on the wall clock until `instant`; zero when it has come.
    pub fn wall_until(&self, instant: Timestamp) -> Duration {
        // A whole millisecond on top, so that the sleeper wakes at or after the instant, or looks at a clock that waits.
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
            _ => SignedDuration::try_from_secs_f64(span.as_secs_f64() * self.speed())
                .unwrap_or(if span.is_negative() { SignedDuration::MIN } else { SignedDuration::MAX }),
        }
    }

    /// Seconds of this clock per wall second, at most.
    const fn speed(&self) -> f64 {
        match self {
            Self::Real => 1.0,
            Self::Fast { speed, .. } => *speed,
            Self::Paced(clock) => clock.speed,
        }
    }

    fn at_wall(&self, wall: Timestamp) -> Timestamp {
        match self {
            Self::Real => wall,
            Self::Paced(clock) => clock.now(),
            Self::Fast { epoch, anchor, speed } => {
                let elapsed = since(*anchor, wall).as_secs_f64() * speed;
                let elapsed = SignedDuration::try_from_secs_f64(elapsed).unwrap_or(SignedDuration::MAX);
                after(*epoch, elapsed)
            }
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real => f.write_str("real"),
            // Always the same: a database is opened again on the clock that it was made on.
            Self::Paced(clock) => {
                let PacedClock { epoch, anchor, speed, .. } = clock;
                Self::Fast { epoch: *epoch, anchor: whole_millis(*anchor), speed: *speed }.fmt(f)
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_is_shared_through_its_text() {
        let clock: Clock = "2026-10-12T06:00:00Z@2026-11-21T10:00:00Z*3600".parse().unwrap();
        assert_eq!(clock.to_string().parse::<Clock>().unwrap(), clock);
        let wall: Timestamp = "2026-11-21T10:00:02Z".parse().unwrap();
        assert_eq!(clock.at_wall(wall), "2026-10-12T08:00:00Z".parse::<Timestamp>().unwrap());
        assert_eq!("real".parse::<Clock>().unwrap(), Clock::Real);
        // Of a clock that waits, the text stays what it was, and what another process reads goes on.
        let waits = Clock::paced_from(wall, 3600.0);
        let text = waits.to_string();
        while waits.now() == wall {}
        assert_eq!(waits.to_string(), text);
        assert!(
            matches!(text.parse().unwrap(), Clock::Fast { epoch, speed: 3600.0, .. } if epoch == wall),
            "{text}"
        );
        let seen = waits.seen_from_outside().to_string().parse::<Clock>().unwrap();
        assert!(matches!(seen, Clock::Fast { epoch, speed: 3600.0, .. } if epoch > wall), "{seen}");
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
