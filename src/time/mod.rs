//! Instants, durations in words, and the daemon's clock.
//!
//! **Invariant:** `wall.rs` alone reads the machine's clocks; everything below the daemon takes `now` as an argument.
//! Decided and recorded times are whole milliseconds.

mod clock;
mod paced;
mod span;
mod wall;

pub use clock::{Clock, InvalidClock};
pub use jiff::{SignedDuration, Timestamp};
pub use span::{InvalidSpan, MAX_SPAN, Span, after, distance, in_words, rough, short, since, whole_millis};
pub use wall::Stopwatch;
