//! How a rollout begins, is revised, meets a newer target, and ends with its file.
//!
//! **Invariant:** a change to an entered ring is a new rollout; anything else changes the running
//! one from the next decision, keeping soak starts and deadlines.

use crate::ids::PlanName;
use crate::plan::model::{OnNewTarget, Plan, Revision};
use crate::rollout::event::{Entry, Event, RolloutId};
use crate::rollout::state::{HeldOut, Phase, PlanState, State, same_profiles};
use crate::rollout::world::Desired;

/// What the plan's file makes of its rollout; nothing while a write has no outcome.
#[must_use]
pub(super) fn step(name: &PlanName, desired: Desired<'_>, state: &State) -> Vec<Entry> {
    let known = state.plans.get(name);
    match (desired, known) {
        (Desired::Present(revision), None) => vec![accept(name, 1, revision)],
        (Desired::Present(revision), Some(plan)) => present(name, revision, plan, state),
        (Desired::Gone, Some(plan)) if plan.rollout.phase == Phase::Running => {
            let reason = "the plan's file is gone";
            vec![Entry::engine(&plan.rollout.id, reason, Event::RolloutWithdrawn {})]
        }
        (Desired::Gone | Desired::LastGood | Desired::Missing, _) => Vec::new(),
    }
}

fn present(name: &PlanName, revision: &Revision, plan: &PlanState, state: &State) -> Vec<Entry> {
    let rollout = &plan.rollout;
    let id = &rollout.id;
    let same_digest = rollout.follows(&revision.digest);
    let new_number = id.number + 1;
    match rollout.phase {
        Phase::Running if same_digest => match rollout.waiting {
            Some(_) => {
                let reason = "the plan's file asks for the targets of the running rollout again";
                vec![Entry::engine(id, reason, Event::NewTargetDropped {})]
            }
            None => Vec::new(),
        },
        Phase::Running | Phase::Withdrawn => match rollout.entered_ring_changed_by(revision) {
            Some(ring) if finishes_first(rollout.phase, revision) => {
                let known = rollout.waiting.as_ref();
                if known.is_some_and(|known| known.revision.digest == revision.digest) {
                    return Vec::new();
                }
                let reason = format!(
                    "the plan's new revision changes ring `{ring}`, which is entered, and says `on_new_target: finish`"
                );
                let event = Event::NewTargetWaits { revision: Box::new(revision.clone()) };
                vec![Entry::engine(id, reason, event)]
            }
            Some(ring) => {
                let reason = format!("the plan's new revision changes ring `{ring}`, which is entered");
                take_over(id, &reason, revision)
            }
            None if rollout.phase == Phase::Withdrawn => {
                vec![Entry::engine(id, "the plan's file is back", Event::RolloutReturned {})]
            }
            None => vec![revise(id, revision)],
        },
        Phase::Completed if same_targets(&rollout.revision.plan, &revision.plan) => {
            if same_digest {
                Vec::new()
            } else {
                vec![revise(id, revision)]
            }
        }
        // It goes back whatever the file says, and the file has its say afterwards.
        Phase::RollingBack => Vec::new(),
        Phase::RolledBack if same_targets(&rollout.named(), &revision.plan) => {
            if !asks_for_held_out(state, name, &revision.plan) {
                let reason = if rollout.takes_its_own_back() {
                    "what was rolled back is released, and the plan's file still asks for it"
                } else {
                    "what an earlier rollout left on offer went back, and the plan's file is followed again"
                };
                vec![accept_for(reason, name, new_number, revision)]
            } else if same_digest {
                Vec::new()
            } else {
                vec![revise(id, revision)]
            }
        }
        Phase::Completed | Phase::RolledBack => vec![accept(name, new_number, revision)],
        // A superseded rollout is followed by its successor in the same step.
        Phase::Superseded => vec![accept(name, new_number, revision)],
    }
}

/// Ends a rollout in favour of a newer target.
pub(super) fn take_over(id: &RolloutId, reason: &str, revision: &Revision) -> Vec<Entry> {
    let superseded = Event::RolloutSuperseded { by: revision.digest.clone() };
    vec![Entry::engine(id, reason, superseded), accept(&id.plan, id.number + 1, revision)]
}

/// Whether a newer target waits for a rollout in this phase. The newer revision's word counts, so
/// that an edit is a way out. One whose file was taken away does not go on, so nobody waits for it.
fn finishes_first(phase: Phase, revision: &Revision) -> bool {
    phase == Phase::Running && revision.plan.on_new_target == OnNewTarget::Finish
}

/// Whether a plan asks a ring for a version that its own rollbacks hold out.
fn asks_for_held_out(state: &State, name: &PlanName, plan: &Plan) -> bool {
    let asks = |held: &HeldOut| {
        plan.rings.iter().any(|ring| ring.targets.get(&held.environment) == Some(&held.version))
    };
    state.held_out.iter().any(|held| held.plan == *name && asks(held))
}

fn accept(name: &PlanName, number: u64, revision: &Revision) -> Entry {
    let reason = if number == 1 { "a plan's file appeared" } else { "the plan has new targets or rings" };
    accept_for(reason, name, number, revision)
}

fn accept_for(reason: &str, name: &PlanName, number: u64, revision: &Revision) -> Entry {
    let id = RolloutId { plan: name.clone(), number };
    Entry::engine(&id, reason, Event::PlanAccepted { revision: Box::new(revision.clone()) })
}

fn revise(id: &RolloutId, revision: &Revision) -> Entry {
    let reason = "the plan's file changed where no entered ring is touched";
    Entry::engine(id, reason, Event::PlanRevised { revision: Box::new(revision.clone()) })
}

/// Whether two plans move the same rings to the same versions.
fn same_targets(one: &Plan, other: &Plan) -> bool {
    one.rings.len() == other.rings.len()
        && one.rings.iter().zip(&other.rings).all(|(one, other)| {
            one.name == other.name && one.targets == other.targets && same_profiles(one, other)
        })
}
