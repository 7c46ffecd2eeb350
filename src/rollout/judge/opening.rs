//! Gate `opening`: the schedule has an opening with enough time left.
//!
//! **Invariant:** it looks at the plan and the clock alone.

use crate::rollout::record::{Evidence, Gate, Judgement, Verdict, Waiting};
use crate::schedule::{LEAST_OPENING, Openness, Schedule, Writable};
use crate::time::{SignedDuration, Timestamp};

/// A ring is entered only with this much of the opening left, or at its start.
pub const LEFT_TO_ENTER: SignedDuration = LEAST_OPENING;

/// Whether the schedule has an opening with enough time left, or at its start.
pub fn opening(schedule: &Schedule, now: Timestamp) -> Judgement {
    let enterable = schedule.enterable(now, LEFT_TO_ENTER) != Writable::NotNow;
    let (verdict, closes_at) = match schedule.openness(now) {
        Openness::Closed { .. } => (Verdict::Wait(Waiting::OpeningClosed), None),
        Openness::AlwaysOpen | Openness::Open { .. } => match schedule.writable(now) {
            Writable::Until(end) if !enterable => (Verdict::Wait(Waiting::OpeningEndsSoon), Some(end)),
            Writable::Until(end) => (Verdict::Pass, Some(end)),
            // A freeze has a gate of its own.
            Writable::NotNow | Writable::Unlimited => (Verdict::Pass, None),
        },
    };
    let opens_at = if verdict.advances() { None } else { schedule.next_entry(now, LEFT_TO_ENTER) };
    let evidence = Evidence::Opening { closes_at, opens_at };
    Judgement { gate: Gate::Opening, environment: None, verdict, evidence, as_of: None }
}
