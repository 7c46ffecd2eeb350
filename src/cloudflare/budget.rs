//! How many requests may still be sent. Pure: `now` is an argument.
//!
//! Cloudflare counts 1,200 requests per five minutes over everything that a user's tokens, keys
//! and dashboard do, and refuses all of them for the next five minutes above that
//! (cloudflare.md#rate-limit). So a daemon that shares its user takes half, counted over a sliding window
//! of the same length.
//!
//! **Invariant:** in no five minutes are more than the configured requests sent, the last
//! [`WRITE_REQUESTS`] of them only for a write, and nothing at all before a back-off has ended.

use std::collections::VecDeque;

use crate::time::{SignedDuration, Timestamp, after};

/// The window that Cloudflare counts over.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(5);
/// Half of what Cloudflare allows in a window.
pub const DEFAULT_REQUESTS: u32 = 600;
/// What one write may need: a fresh read, the write, and reads to settle it when in doubt.
pub const WRITE_REQUESTS: u32 = 6;
/// The silence after a 429 that names none: Cloudflare refuses for the next five minutes.
pub const DEFAULT_BACK_OFF: SignedDuration = SignedDuration::from_mins(5);
/// The largest budget that can be configured: ten times Cloudflare's default.
pub const MAX_REQUESTS: u32 = 12_000;
/// A `Ratelimit` header that names a longer window is not understood, and is not heeded.
const LONGEST_TOLD: i64 = 3_600;

/// Who asks for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Sweeps, listings, checks: waits for budget, and leaves room for a write.
    Routine,
    /// A write, the fresh read before it and the reads that settle it: never waits.
    Write,
}

/// A budget that could never let a write through beside reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a budget of {found} requests in 5 minutes is out of range; use {least} to {MAX_REQUESTS} (Cloudflare's own limit is 1200)",
    least = 2 * WRITE_REQUESTS
)]
pub struct InvalidBudget {
    found: u32,
}

/// What the server said is left, until it resets.
#[derive(Debug, Clone, Copy)]
struct ToldLimits {
    left: usize,
    until: Timestamp,
}

/// The requests of the last five minutes and what the server said about the next ones.
#[derive(Debug, Clone)]
pub struct Budget {
    requests: usize,
    /// When each counted request was sent, oldest first; at most `requests` of them.
    sent: VecDeque<Timestamp>,
    silent_until: Option<Timestamp>,
    told: Option<ToldLimits>,
    last: Option<Timestamp>,
}

impl Budget {
    /// A budget of `requests` per [`WINDOW`].
    ///
    /// # Errors
    /// When there would be no room for a write beside reads, or beyond [`MAX_REQUESTS`].
    pub fn new(requests: u32) -> Result<Self, InvalidBudget> {
        if !(2 * WRITE_REQUESTS..=MAX_REQUESTS).contains(&requests) {
            return Err(InvalidBudget { found: requests });
        }
        Ok(Self {
            requests: count(requests),
            sent: VecDeque::new(),
            silent_until: None,
            told: None,
            last: None,
        })
    }

    /// Counts one request as sent at `now`, if there is room for it.
    ///
    /// # Errors
    /// The earliest instant at which to ask again; always after `now`.
    pub fn take(&mut self, now: Timestamp, priority: Priority) -> Result<(), Timestamp> {
        let reserve = match priority {
            Priority::Routine => count(WRITE_REQUESTS),
            Priority::Write => 0,
        };
        self.room(now, reserve + 1)?;
        self.sent.push_back(now);
        if let Some(told) = &mut self.told {
            told.left = told.left.saturating_sub(1);
        }
        Ok(())
    }

    /// Whether a whole write fits, with so many routine requests `before` it: to be asked before its
    /// fresh read. Because one write is under way at a time and reads leave [`WRITE_REQUESTS`] alone,
    /// the room stays until it is used. Of the requests before it, at most half the budget is waited
    /// for: the rest is sent as the budget allows.
    ///
    /// # Errors
    /// The earliest instant at which to ask again; always after `now`.
    pub fn room_for_write(&mut self, now: Timestamp, before: u32) -> Result<(), Timestamp> {
        let before = count(before).min((self.requests - count(WRITE_REQUESTS)) / 2);
        self.room(now, count(WRITE_REQUESTS) + before)
    }

    /// Requests that could be sent at `now`, the reserve included: 0 during a back-off.
    pub fn remaining(&mut self, now: Timestamp) -> u32 {
        self.advance(now);
        if self.silent_until.is_some() {
            return 0;
        }
        let own = self.requests - self.sent.len();
        let left = self.told.map_or(own, |told| own.min(told.left));
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    /// Obeys a 429 (or a `Retry-After` on any answer): nothing is sent for `pause`, or for
    /// [`DEFAULT_BACK_OFF`] when the answer named none. Answers the end of the silence. A later
    /// end that is already known stands.
    pub fn back_off(&mut self, now: Timestamp, pause: Option<SignedDuration>) -> Timestamp {
        self.advance(now);
        let until = after(now, pause.unwrap_or(DEFAULT_BACK_OFF));
        let until = self.silent_until.map_or(until, |known| known.max(until));
        self.silent_until = Some(until);
        until
    }

    /// Heeds a `Ratelimit` header, such as `"default";r=50;t=30`: a list of limits with r requests
    /// left and t seconds to the reset, parameters in any order. The tightest limit counts;
    /// items that cannot be read are passed over, as the header is optional anyway.
    pub fn told(&mut self, now: Timestamp, header: &str) {
        self.advance(now);
        let limits = header.split(',').filter_map(|item| {
            let value = |key: &str| {
                item.split(';').filter_map(|part| part.trim().split_once('=')).find(|(k, _)| *k == key)
            };
            let left: usize = value("r")?.1.parse().ok()?;
            let seconds: i64 = value("t")?.1.parse().ok()?;
            let until = after(now, SignedDuration::from_secs(seconds));
            (0..=LONGEST_TOLD).contains(&seconds).then_some(ToldLimits { left, until })
        });
        if let Some(tightest) = limits.min_by_key(|told| (told.left, std::cmp::Reverse(told.until))) {
            self.told = Some(tightest);
        }
    }

    /// Whether `wanted` more requests would fit into the window at `now`.
    fn room(&mut self, now: Timestamp, wanted: usize) -> Result<(), Timestamp> {
        self.advance(now);
        if let Some(until) = self.silent_until {
            return Err(until);
        }
        if let Some(told) = self.told.filter(|told| told.left < wanted) {
            return Err(told.until);
        }
        let free = self.requests - self.sent.len();
        // That many of the oldest requests must leave the window first.
        match wanted.saturating_sub(free).checked_sub(1).and_then(|index| self.sent.get(index)) {
            Some(oldest) => Err(after(*oldest, WINDOW)),
            None => Ok(()),
        }
    }

    /// Forgets what no longer counts at `now`. A clock that was set back takes everything with
    /// it, so that a step of a day does not silence the client for a day.
    fn advance(&mut self, now: Timestamp) {
        if let Some(last) = self.last.filter(|last| *last > now) {
            let back = |instant: Timestamp| after(instant, now.duration_since(last));
            self.sent.iter_mut().for_each(|sent| *sent = back(*sent));
            self.silent_until = self.silent_until.map(back);
            self.told = self.told.map(|told| ToldLimits { until: back(told.until), ..told });
        }
        self.last = Some(now);
        while self.sent.front().is_some_and(|sent| after(*sent, WINDOW) <= now) {
            self.sent.pop_front();
        }
        self.silent_until = self.silent_until.filter(|until| *until > now);
        self.told = self.told.filter(|told| told.until > now);
    }
}

/// Small configured numbers as lengths; `usize` has at least 32 bits wherever this runs.
fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_760_000_000 + seconds).unwrap()
    }

    fn seconds(instant: Timestamp) -> i64 {
        instant.as_second() - 1_760_000_000
    }

    #[test]
    fn budgets_have_a_range() {
        for (requests, accepted) in [
            (0, false),
            (11, false),
            (12, true),
            (600, true),
            (MAX_REQUESTS, true),
            (MAX_REQUESTS + 1, false),
        ] {
            assert_eq!(Budget::new(requests).is_ok(), accepted, "{requests}");
        }
    }

    #[test]
    fn reads_give_way_and_writes_use_the_rest() {
        // Twenty a window: fourteen reads, one a second from 0, then six for a write.
        let mut budget = Budget::new(20).unwrap();
        for second in 0..14 {
            assert_eq!(budget.take(at(second), Priority::Routine), Ok(()), "read {second}");
        }
        assert_eq!(budget.remaining(at(14)), WRITE_REQUESTS);
        assert_eq!(budget.take(at(14), Priority::Routine).map_err(seconds), Err(300));
        assert_eq!(budget.room_for_write(at(14), 0), Ok(()));
        for step in 0..WRITE_REQUESTS {
            assert_eq!(budget.take(at(14), Priority::Write), Ok(()), "write step {step}");
        }
        assert_eq!(budget.take(at(15), Priority::Write).map_err(seconds), Err(300));
        assert_eq!(budget.remaining(at(15)), 0);
        // A whole write needs six to leave; the sixth was sent at second 5.
        assert_eq!(budget.room_for_write(at(15), 0).map_err(seconds), Err(305));
        assert_eq!(budget.room_for_write(at(304), 0).map_err(seconds), Err(305));
        assert_eq!(budget.room_for_write(at(305), 0), Ok(()));
        // A read needs seven.
        assert_eq!(budget.take(at(305), Priority::Routine).map_err(seconds), Err(306));
        assert_eq!(budget.take(at(306), Priority::Routine), Ok(()));
    }

    #[test]
    fn a_write_waits_for_room_for_the_count_before_it() {
        let mut budget = Budget::new(46).unwrap();
        for second in 0..20 {
            budget.take(at(second), Priority::Routine).unwrap();
        }
        // 26 are left, and a write keeps six of them.
        let rows = [
            ("no count", 0, Ok(())),
            ("it just fits", 20, Ok(())),
            // Never more than half of what routine reads may use: 20 of 40.
            ("a count beyond all budgets", 5_000, Ok(())),
        ];
        for (row, before, said) in rows {
            assert_eq!(budget.room_for_write(at(20), before).map_err(seconds), said, "{row}");
        }
        budget.take(at(20), Priority::Routine).unwrap();
        assert_eq!(budget.room_for_write(at(21), 19), Ok(()));
        for before in [20, 5_000] {
            assert_eq!(budget.room_for_write(at(21), before).map_err(seconds), Err(300), "{before}");
        }
        assert_eq!(budget.room_for_write(at(300), 5_000), Ok(()));
    }

    #[test]
    fn silence_is_kept() {
        let rows: [(&str, Option<i64>, i64); 4] = [
            ("named", Some(30), 30),
            ("not named", None, 300),
            ("longer than a window", Some(7_200), 7_200),
            ("shorter than the one known", Some(1), 10),
        ];
        for (row, pause, end) in rows {
            let mut budget = Budget::new(600).unwrap();
            if row.starts_with("shorter") {
                budget.back_off(at(0), Some(SignedDuration::from_secs(10)));
            }
            let until = budget.back_off(at(0), pause.map(SignedDuration::from_secs));
            assert_eq!(seconds(until), end, "{row}");
            for priority in [Priority::Routine, Priority::Write] {
                assert_eq!(budget.take(at(end - 1), priority).map_err(seconds), Err(end), "{row}");
            }
            assert_eq!(budget.remaining(at(end - 1)), 0, "{row}");
            assert_eq!(budget.take(at(end), Priority::Write), Ok(()), "{row}");
        }
    }

    #[test]
    fn the_server_may_say_less() {
        // (row, header, a read waits until, a write waits until)
        let rows: [(&str, &str, Option<i64>, Option<i64>); 9] = [
            ("plenty", r#""default";r=50;t=30"#, None, None),
            ("only the reserve is left", r#""default";r=6;t=30"#, Some(30), None),
            ("nothing is left", r#""default";r=0;t=30"#, Some(30), Some(30)),
            ("other order, spaces", r#""default"; t=7 ; r=0"#, Some(7), Some(7)),
            ("the tightest of a list", r#""default";r=900;t=200, "burst";r=0;t=5"#, Some(5), Some(5)),
            ("two as tight: the longer", r#""a";r=0;t=5,"b";r=0;t=9"#, Some(9), Some(9)),
            ("a part is missing", r#""default";r=0"#, None, None),
            ("absurd", r#""default";r=0;t=99999999"#, None, None),
            ("nonsense", "soon", None, None),
        ];
        for (row, header, read, write) in rows {
            for (priority, expected) in [(Priority::Routine, read), (Priority::Write, write)] {
                let mut budget = Budget::new(600).unwrap();
                budget.told(at(0), header);
                assert_eq!(budget.take(at(0), priority).err().map(seconds), expected, "{row} {priority:?}");
                if let Some(reset) = expected {
                    assert_eq!(budget.take(at(reset), priority), Ok(()), "{row} {priority:?}");
                }
            }
        }
    }

    #[test]
    fn what_was_told_is_counted_down() {
        let mut budget = Budget::new(600).unwrap();
        budget.told(at(0), r#""default";r=2;t=30"#);
        assert_eq!(budget.remaining(at(0)), 2);
        assert_eq!(budget.take(at(0), Priority::Write), Ok(()));
        assert_eq!(budget.take(at(1), Priority::Write), Ok(()));
        assert_eq!(budget.take(at(2), Priority::Write).map_err(seconds), Err(30));
    }

    #[test]
    fn a_clock_set_back_does_not_silence_for_the_step() {
        let mut budget = Budget::new(12).unwrap();
        let day = 86_400;
        for _ in 0..12 {
            budget.take(at(day), Priority::Write).unwrap();
        }
        budget.back_off(at(day), Some(SignedDuration::from_secs(400)));
        assert_eq!(budget.take(at(0), Priority::Write).map_err(seconds), Err(400));
        assert_eq!(budget.take(at(400), Priority::Write), Ok(()));
    }

    #[test]
    fn no_window_holds_more_than_the_budget() {
        let seed = 0x5eed_u64;
        println!("seed {seed}");
        let mut random = seed;
        let mut next = |bound: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % bound
        };
        let mut budget = Budget::new(40).unwrap();
        let mut sent: Vec<(i64, Priority)> = Vec::new();
        let mut now = 0;
        for _ in 0..20_000 {
            now += i64::try_from(next(9)).unwrap();
            let priority = if next(4) == 0 { Priority::Write } else { Priority::Routine };
            let in_window = sent.iter().rev().take_while(|(at, _)| now - at < 300).count();
            let allowed = if priority == Priority::Write { 40 } else { 34 };
            let outcome = budget.take(at(now), priority);
            assert_eq!(outcome.is_ok(), in_window < allowed, "at {now}, seed {seed}");
            match outcome {
                Ok(()) => sent.push((now, priority)),
                Err(until) => assert!(seconds(until) > now, "at {now}, seed {seed}"),
            }
        }
        assert!(sent.len() > 1_000, "the walk must send something");
    }
}
