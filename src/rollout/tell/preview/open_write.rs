//! The state that a plan would begin from, whatever becomes of a write that has no outcome.
//!
//! **Invariant:** the groups as read say what became of it.

use crate::ids::PlanName;
use crate::rollout::decide::lifecycle;
use crate::rollout::judge::plan_file::Takes;
use crate::rollout::record::Recorded;
use crate::rollout::state::{IllegalEvent, RingState, State};
use crate::rollout::world::Desired;
use crate::time::Timestamp;

/// What is supposed of a write that has no outcome yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenWrite {
    /// It was applied, so its ring is entered.
    Applied,
    /// It came to nothing, so its ring is not.
    Refused,
}

/// The state in which the plan's rollout runs on this revision: no write is open any more, and a
/// person has accepted the groups as they are.
pub(super) fn begun(
    name: &PlanName,
    desired: Desired<'_>,
    state: &State,
    now: Timestamp,
    open: OpenWrite,
) -> Result<State, IllegalEvent> {
    let entered = match open {
        OpenWrite::Applied => lifecycle::step(name, desired, state, Takes::Effect, now),
        OpenWrite::Refused => Vec::new(),
    };
    let mut state = state.clone();
    // The groups as read say what became of an open write.
    for ring in state.plans.values_mut().flat_map(|plan| &mut plan.rollout.rings) {
        if let RingState::Deploying(write) = &ring.stage {
            ring.stage = match write.origin.clone() {
                Some(origin) => origin.stage,
                None => RingState::Entering(write.attempts.clone()),
            };
        }
    }
    let mut entries =
        if entered.is_empty() { lifecycle::step(name, desired, &state, Takes::Effect, now) } else { entered };
    while !entries.is_empty() {
        for entry in entries {
            let at = state.last_at.map_or(now, |last| last.max(now));
            state.apply(&Recorded { seq: state.seq + 1, at, entry })?;
        }
        let waits = state.plans.get(name).is_some_and(|plan| plan.rollout.waiting.is_some());
        entries = if waits { Vec::new() } else { lifecycle::step(name, desired, &state, Takes::Effect, now) };
    }
    Ok(state)
}
