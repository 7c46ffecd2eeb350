//! The state that a plan would begin from, whatever becomes of a write that has no outcome.
//!
//! **Invariant:** the groups as read say what became of it.

use std::sync::Arc;

use crate::ids::PlanName;
use crate::rollout::decide::lifecycle;
use crate::rollout::judge::plan_file::Takes;
use crate::rollout::state::{IllegalEvent, RingState, State};
use crate::rollout::world::{Desired, Known};

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
    known: Known<'_>,
    open: OpenWrite,
) -> Result<State, IllegalEvent> {
    let step = |state: &State| lifecycle::step(name, desired, Known { state, ..known }, Takes::Effect);
    let mut entries = match open {
        OpenWrite::Applied => step(known.state),
        OpenWrite::Refused => Vec::new(),
    };
    let mut state = known.state.clone();
    // The groups as read say what became of an open write.
    let open = state.plans.values_mut().filter(|plan| plan.rollout.pending_write().is_some());
    for ring in open.flat_map(|plan| &mut Arc::make_mut(plan).rollout.rings) {
        if let RingState::Deploying(write) = &ring.stage {
            ring.stage = match write.origin.clone() {
                Some(origin) => origin.stage,
                None => RingState::Entering(write.attempts.clone()),
            };
        }
    }
    if entries.is_empty() {
        entries = step(&state);
    }
    while !entries.is_empty() {
        for entry in entries {
            state.append(entry, known.now)?;
        }
        let waits = state.plans.get(name).is_some_and(|plan| plan.rollout.waiting.is_some());
        entries = if waits { Vec::new() } else { step(&state) };
    }
    Ok(state)
}
