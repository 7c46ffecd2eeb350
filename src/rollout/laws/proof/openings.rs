//! Openings and freezes: whether a write may be now, second by second.
//!
//! **Invariant:** a schedule is asked what it says of an instant, and nothing else; how much of an opening must
//! be left, and what counts as its start, is said here.

use super::{Proof, ensure};
use crate::schedule::{Schedule, Writable};
use crate::time::{SignedDuration, Timestamp, after, since};

/// The minutes after an opening's start, or a freeze's end, that count as the start.
const MINUTES_OF_THE_START: i64 = 2;

/// Whether a schedule lets a write be at `at` with `needed` left.
pub(crate) fn is_open(schedule: &Schedule, at: Timestamp, needed: SignedDuration) -> Proof {
    if let Some(freeze) = schedule.freeze_at(at) {
        return Err(format!("a freeze is on: {}", freeze.reason));
    }
    match schedule.writable(at) {
        Writable::NotNow => Err("no opening is on".to_owned()),
        Writable::Until(end) => {
            ensure(since(at, end) >= needed || at_a_start(schedule, at, end, needed), || {
                format!("the opening ends at {end}, too soon to enter a ring")
            })
        }
        Writable::Unlimited => Ok(()),
    }
}

/// Whether writing became possible just before `at`, and stays so for `needed` from then on. That happens
/// on whole minutes only.
fn at_a_start(schedule: &Schedule, at: Timestamp, end: Timestamp, needed: SignedDuration) -> bool {
    let minute = at.as_second().div_euclid(60);
    (minute - MINUTES_OF_THE_START..=minute)
        .filter_map(|minute| Timestamp::from_second(minute * 60).ok())
        .any(|start| {
            let open = schedule.writable(start) == Writable::Until(end);
            let before = match schedule.writable(after(start, SignedDuration::from_millis(-1))) {
                Writable::NotNow => true,
                Writable::Until(until) => until <= start,
                Writable::Unlimited => false,
            };
            let lately = since(start, at) < SignedDuration::from_mins(MINUTES_OF_THE_START);
            open && before && lately && since(start, end) >= needed
        })
}
