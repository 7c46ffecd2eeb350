//! What the log keeps of Cloudflare's clock beside the machine's.
//!
//! **Invariant:** a doubt says in which way the two differ, or why nobody can tell.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::{SignedDuration, Timestamp, rough};

/// Two clocks further apart than this differ.
pub const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(2);

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
