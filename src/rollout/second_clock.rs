//! Cloudflare's clock beside the machine's: whether the time that everything is decided by is right.
//!
//! Each answer of Cloudflare carries a `Date`. What the comparison of the two comes to is an observation
//! like any other; this is its shape, and what it stands in the way of.
//!
//! **Invariant:** a clock that was not compared is in doubt; only a person's word, which ends at a date,
//! lets anything be entered on a clock in doubt.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::ClockTrust;
use crate::time::{SignedDuration, Timestamp, rough, since};

/// Two clocks further apart than this differ.
pub const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(2);
/// So many answers must agree before a person's word on the clock counts.
pub const ANSWERS_TO_CONFIRM: usize = 3;
/// And none of them may be older.
pub const CONFIRM_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// Why the machine's clock is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockDoubt {
    /// No answer was compared since the daemon started, or since the machine's clock stepped.
    NotCompared,
    /// The newest answer has no `Date` that can be read.
    NoDate,
    /// They are more than [`CLOCKS_APART`] apart.
    Differs {
        /// Seconds that the machine's clock is ahead, in wall time; negative: behind.
        ahead: i64,
    },
}

impl ClockDoubt {
    /// All words of API and metrics.
    pub const CODES: [&str; 2] = ["clock_differs", "clock_unknown"];

    /// The word of API and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotCompared | Self::NoDate => "clock_unknown",
            Self::Differs { .. } => "clock_differs",
        }
    }
}

impl fmt::Display for ClockDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotCompared => {
                f.write_str("this machine's clock has not been compared with an answer of Cloudflare yet")
            }
            Self::NoDate => f.write_str(
                "the last answer of Cloudflare has no `Date`, so this machine's clock cannot be compared",
            ),
            Self::Differs { ahead } => {
                let apart = rough(SignedDuration::from_secs(ahead.saturating_abs()));
                let side = if *ahead > 0 { "ahead of" } else { "behind" };
                write!(f, "this machine's clock is {apart} {side} Cloudflare's")
            }
        }
    }
}

/// An answer of Cloudflare that agrees with the machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreedAnswer {
    /// When it came, by the machine's clock.
    pub at: Timestamp,
    /// Milliseconds that the machine's clock was ahead; negative: behind.
    pub ahead_ms: i64,
}

/// What is known of the machine's clock beside Cloudflare's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecondClock {
    /// Set while the machine's clock is in doubt.
    pub doubt: Option<ClockDoubt>,
    /// The machine's clock when they were compared last.
    pub machine: Option<Timestamp>,
    /// The last answers that agreed, oldest first, since one did not.
    pub agreed: Vec<AgreedAnswer>,
    /// What a person said of it.
    pub trust: Option<ClockTrust>,
}

impl SecondClock {
    /// The doubt that stands in the way at `now`; a person's word for the machine ends with its date.
    #[must_use]
    pub fn in_the_way(&self, now: Timestamp) -> Option<ClockDoubt> {
        self.doubt.filter(|_| self.trusted(now).is_none())
    }

    /// The word of a person that counts at `now`.
    #[must_use]
    pub fn trusted(&self, now: Timestamp) -> Option<&ClockTrust> {
        self.trust.as_ref().filter(|trust| now < trust.until)
    }

    /// The answers that a person's word on the clock may rest on at `now`, by the machine's clock.
    #[must_use]
    pub fn answers_to_confirm(&self, now: Timestamp) -> Vec<AgreedAnswer> {
        let fresh = |answer: &&AgreedAnswer| {
            let age = since(answer.at, now);
            !age.is_negative() && age <= CONFIRM_WITHIN
        };
        self.agreed.iter().filter(fresh).copied().collect()
    }
}
