//! Gate `freeze`: no freeze.
//!
//! **Invariant:** it looks at the plan and the clock alone.

use crate::rollout::record::{Evidence, Gate, Judgement, Verdict, Waiting};
use crate::schedule::Schedule;
use crate::time::Timestamp;

/// Whether no freeze is on.
pub fn freeze(schedule: &Schedule, now: Timestamp) -> Judgement {
    let on = schedule.freeze_at(now);
    let verdict = if on.is_some() { Verdict::Wait(Waiting::Frozen) } else { Verdict::Pass };
    let (reason, ends_at) = on.map(|freeze| (freeze.reason.to_owned(), freeze.ends_at)).unzip();
    let evidence = Evidence::Freeze { reason, ends_at };
    Judgement { gate: Gate::Freeze, environment: None, verdict, evidence, as_of: None }
}
