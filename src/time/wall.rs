//! The machine's clocks.
//!
//! **Invariant:** nothing else reads them.

use std::time::Duration;

use jiff::Timestamp;

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
pub(super) fn wall_now() -> Timestamp {
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
