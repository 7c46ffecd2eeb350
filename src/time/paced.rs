//! A fast clock in one process that waits for who lives by it.
//!
//! **Invariant:** it never goes back, and goes on a little with each look at it: as far as the daemon lets it run at
//! full speed, and beyond at a crawl, so that a busy machine makes the demo slower and no answer late.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::span::{MAX_SPAN, after, since};
use super::wall::{Stopwatch, wall_now};

/// How much slower it crawls.
const CRAWL: f64 = 100.0;
/// It crawls no further in one look: of a process that was stopped, the time has stopped too.
const CRAWLS_AT_MOST: SignedDuration = SignedDuration::from_secs(60);

/// The clock; one for a process, which all its copies share.
#[derive(Debug)]
pub struct PacedClock {
    /// What it begins at, and the wall instant of that.
    pub(super) epoch: Timestamp,
    pub(super) anchor: Timestamp,
    /// Its seconds in a wall second, at most.
    pub(super) speed: f64,
    stand: Mutex<Stand>,
}

#[derive(Debug)]
struct Stand {
    at: Timestamp,
    /// Since it was looked at last.
    looked: Stopwatch,
    /// As far as it goes at full speed.
    until: Timestamp,
}

impl PacedClock {
    pub(super) fn new(epoch: Timestamp, speed: f64) -> Self {
        let stand = Stand { at: epoch, looked: Stopwatch::start(), until: epoch };
        Self { epoch, anchor: wall_now(), speed, stand: Mutex::new(stand) }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.looked_at().at
    }

    /// Goes on at full speed until then; that may be less than was asked for before.
    pub(super) fn run_until(&self, instant: Timestamp) {
        self.looked_at().until = instant;
    }

    fn looked_at(&self) -> MutexGuard<'_, Stand> {
        let mut stand = self.stand.lock().unwrap_or_else(PoisonError::into_inner);
        // The stopwatch is read before it begins anew: never too much passes.
        let passed = stand.looked.passed();
        stand.looked = Stopwatch::start();
        stand.at = goes_on(stand.at, passed, self.speed, stand.until);
        stand
    }
}

impl PartialEq for PacedClock {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

/// Where a clock is that was at `at` so long ago.
fn goes_on(at: Timestamp, passed: Duration, speed: f64, until: Timestamp) -> Timestamp {
    let length = |seconds: f64| SignedDuration::try_from_secs_f64(seconds).unwrap_or(MAX_SPAN);
    let full = passed.as_secs_f64() * speed;
    let asked = since(at, until).as_secs_f64().max(0.0);
    let crawled = length((full - asked).max(0.0) / CRAWL).min(CRAWLS_AT_MOST);
    after(after(at, length(full.min(asked))), crawled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_as_far_as_it_was_asked_to_and_crawls_from_there() {
        // At 1,000 times real speed: how far it may go, what passed on the wall, how far it went.
        let rows = [
            ("less than it was asked to", 60, 0.05, 50.0),
            ("to the very end", 60, 0.06, 60.0),
            ("the rest a hundred times slower", 60, 1.06, 70.0),
            ("a busy machine", 60, 6.06, 120.0),
            ("a process that was stopped", 60, 3_600.0, 120.0),
            ("the end has passed", -5, 1.0, 10.0),
            ("nothing passed", 60, 0.0, 0.0),
        ];
        let at: Timestamp = "2026-11-30T08:00:00Z".parse().unwrap();
        for (row, asked, passed, expected) in rows {
            let until = after(at, SignedDuration::from_secs(asked));
            let went = since(at, goes_on(at, Duration::from_secs_f64(passed), 1_000.0, until)).as_secs_f64();
            assert!((went - expected).abs() < 1e-3, "{row}: {went}");
        }
    }
}
