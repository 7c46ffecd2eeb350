//! The engine's present instant, and steps of the machine's clock: found by looking at it often, and
//! recorded.
//!
//! The loop looks at the clock at least once a minute. Where much more than that lies between two
//! looks, nobody looked: the machine slept, the process was stopped, or the clock was set forward. The
//! three cannot be told apart, so each is taken for the worst: that time counts for no soak, no deadline
//! and no `unknown_after`.
//!
//! While the clock is behind the present instant, that goes on at half the pace of the monotonic clock:
//! reads, ages and alerts go on, and the clock catches up all the same.
//!
//! **Invariant:** between two looks the present instant stands, so that nothing is decided, observed or
//! recorded at an instant whose step is not on record; it never goes back.

use std::time::Duration;

use crate::rollout::record::{Actor, Entry, Event};
use crate::time::{Clock, SignedDuration, Stopwatch, Timestamp, after, in_words, since};

/// More than this between two looks was not watched: five of the loop's longest sleeps. In wall time, so
/// that a fast clock's ordinary sleep is none; in the clock's own for one that is slower than the wall.
const UNWATCHED: Duration = Duration::from_secs(300);
/// A clock this far behind its last reading was set back, in wall time; less is time keeping at work.
const SET_BACK: Duration = Duration::from_secs(60);
/// While the clock is behind the present instant, that takes so many times as long to go on.
const PACE_BEHIND: u32 = 2;

/// The clock, what was seen of it, and the steps that are not on record yet.
#[derive(Debug)]
pub(crate) struct ClockWatch {
    pub(super) clock: Clock,
    /// At the last look.
    pub(super) seen: Timestamp,
    /// The latest that was ever seen.
    pub(super) latest: Timestamp,
    /// Since the present instant went on by itself.
    pub(super) looked: Stopwatch,
    pub(super) steps: Vec<(Timestamp, Timestamp)>,
}

impl ClockWatch {
    pub(super) fn new(clock: Clock) -> Self {
        let now = clock.now();
        Self { clock, seen: now, latest: now, looked: Stopwatch::start(), steps: Vec::new() }
    }

    /// The clock so long ago by a present instant that goes on by itself, at the latest.
    pub(super) fn passed_before(&self, ago: SignedDuration) -> Timestamp {
        let ago = i32::try_from(PACE_BEHIND).ok().and_then(|pace| ago.checked_mul(pace));
        after(self.seen, -ago.unwrap_or(SignedDuration::MAX))
    }

    /// How far the present instant has gone on by itself since it did last, in whole milliseconds: what is
    /// less, counts for the next look.
    pub(super) fn goes_on(&self) -> SignedDuration {
        // One that waits may go more slowly than its speed says, and nobody has set it back.
        if !self.clock.can_be_set() {
            return SignedDuration::ZERO;
        }
        let passed = SignedDuration::try_from(self.looked.passed() / PACE_BEHIND).unwrap_or_default();
        SignedDuration::from_millis(
            i64::try_from(self.clock.from_wall(passed).as_millis()).unwrap_or_default(),
        )
    }

    /// How long to sleep on the wall clock until `instant`, by a present instant of `now` that goes on by
    /// itself.
    pub(super) fn wall_until(&self, now: Timestamp, instant: Timestamp) -> Duration {
        self.clock.wall_length(since(now, instant)).saturating_mul(PACE_BEHIND)
    }

    /// Begins to watch a clock that may be behind the log's last record: then it was set back while no
    /// daemon ran. One that is ahead is as it should be, for nobody was there to look.
    pub(super) fn begin(&mut self, recorded: Option<Timestamp>) {
        let now = self.clock.now();
        self.seen = recorded.map_or(now, |recorded| recorded.max(now));
        self.latest = self.latest.max(now);
    }
}

/// The step between two readings of a clock, as the instants from and to which it went; `watched` is the
/// latest instant that was looked at or recorded.
pub(super) fn step(
    clock: &Clock,
    seen: Timestamp,
    watched: Timestamp,
    now: Timestamp,
) -> Option<(Timestamp, Timestamp)> {
    let length = |from, to| {
        let span = since(from, to);
        clock.wall_length(span).min(Duration::try_from(span).unwrap_or_default())
    };
    if length(now, seen) >= SET_BACK {
        return Some((seen, now));
    }
    let from = watched.max(seen);
    (length(from, now) > UNWATCHED).then_some((from, now))
}

pub(super) fn entry((from, to): (Timestamp, Timestamp)) -> Entry {
    let reason = if to < from {
        format!(
            "the clock was set back by {}; nothing is written until it has caught up, or a person confirms it",
            in_words(since(to, from))
        )
    } else {
        format!(
            "the daemon did not run for {}: the machine slept, the process was stopped, or the clock was set forward",
            in_words(since(from, to))
        )
    };
    Entry { actor: Actor::Engine, reason, rollout: None, event: Event::ClockStepped { from, to } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_what_the_loop_cannot_have_slept() {
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        let fast = Clock::fast_from(at(0), 60.0);
        // (row, clock, last look, watched until, now, step)
        let rows = [
            ("a tick", Clock::Real, 0, 0, 1, None),
            ("the longest sleep", Clock::Real, 0, 0, 60, None),
            ("a slow machine", Clock::Real, 0, 0, 300, None),
            ("a nap", Clock::Real, 0, 0, 301, Some((0, 301))),
            ("two hours forward", Clock::Real, 0, 0, 7_200, Some((0, 7_200))),
            ("a day asleep", Clock::Real, 0, -5, 86_400, Some((0, 86_400))),
            ("recorded later than the last look", Clock::Real, 0, 2, 7_200, Some((2, 7_200))),
            ("time keeping at work", Clock::Real, 0, 0, -59, None),
            ("two hours back", Clock::Real, 0, 0, -7_200, Some((0, -7_200))),
            ("right again after two hours back", Clock::Real, -7_200, 0, 1, None),
            ("a fast clock's longest sleep", fast, 0, 0, 3_600, None),
            ("a fast clock's nap", fast, 0, 0, 18_060, Some((0, 18_060))),
            ("a fast clock set back", fast, 0, 0, -3_600, Some((0, -3_600))),
        ];
        for (row, clock, seen, watched, now, expected) in rows {
            let found = step(&clock, at(seen), at(watched), at(now));
            assert_eq!(found, expected.map(|(from, to)| (at(from), at(to))), "{row}");
        }
    }

    /// What cannot be set back is only ever behind by what it waits for.
    #[test]
    fn the_present_goes_on_by_itself_beside_a_clock_that_can_be_set() {
        let epoch = Timestamp::from_second(1_800_000_000).unwrap();
        let (fast, waits) = (Clock::fast_from(epoch, 1e6), Clock::paced_from(epoch, 1e6));
        let (fast, waits) = (ClockWatch::new(fast), ClockWatch::new(waits));
        while fast.goes_on() < SignedDuration::from_secs(1) {}
        assert_eq!(waits.goes_on(), SignedDuration::ZERO);
    }
}
