//! How a rollout begins, is revised, meets a newer target, and ends with its file.
//!
//! **Invariant:** a change to an entered ring's versions or profiles is a new rollout; anything else
//! changes the running one from the next decision, keeping soak starts and deadlines.

use std::collections::BTreeMap;

use crate::ids::{PlanName, RingName};
use crate::plan::change::same_profiles;
use crate::plan::model::{OnNewTarget, Plan, Revision};
use crate::rollout::judge::predecessor::{Predecessor, own};
use crate::rollout::judge::revision::{dropped, followed, lets_go, moves_the_same, renamed};
use crate::rollout::judge::{plan_file, plan_file::Takes};
use crate::rollout::record::{Entry, Event, RolloutId};
use crate::rollout::state::{BlockedVersion, Phase, PlanState, Ring, RingState, Rollout, State};
use crate::rollout::world::{Desired, Known};
use crate::text::joined;
use crate::time::Timestamp;

/// What the plan's file makes of its rollout; nothing while a write has no outcome.
pub(crate) fn step(name: &PlanName, desired: Desired<'_>, known: Known<'_>, takes: Takes) -> Vec<Entry> {
    let Known { state, now, .. } = known;
    match (desired, state.plans.get(name)) {
        (Desired::Gone, Some(plan)) if plan.rollout.phase == Phase::Running => {
            let reason = "the plan's file is gone";
            vec![Entry::engine(&plan.rollout.id, reason, Event::RolloutWithdrawn {})]
        }
        (Desired::Gone, Some(plan)) if plan.rollout.phase.is_over() && !plan.file_gone => {
            let reason = "the plan's file is gone, and its rollout is finished";
            vec![Entry::engine(&plan.rollout.id, reason, Event::PlanFileGone {})]
        }
        (desired, _) => match desired.revision().map(|revision| (revision, own(revision, state))) {
            Some((revision, None)) if takes == Takes::Effect => begin(name, revision, state, now),
            Some((revision, Some(plan))) => present(plan, revision, takes, known),
            Some((_, None)) | None => Vec::new(),
        },
    }
}

/// A plan without a rollout on its way begins with one, or goes on with that of the plan that it says it was.
fn begin(name: &PlanName, revision: &Revision, state: &State, now: Timestamp) -> Vec<Entry> {
    let number = state.next_number(name);
    let plan = match Predecessor::of(revision, state) {
        None | Some(Predecessor::Unknown(_)) => return vec![accept(name, number, revision)],
        Some(Predecessor::Stays(..)) => return Vec::new(),
        Some(Predecessor::GoesOn(plan)) => plan,
    };
    let id = RolloutId { plan: name.clone(), number: state.number_under(name, &plan.rollout.id) };
    let from = plan.rollout.id.plan.clone();
    let reason = format!("`{from}` is named `{name}` now, and {} goes on", plan.rollout.id);
    let renamed = Entry::engine(&id, reason, Event::PlanRenamed { from });
    if !plan_file::changed(Some(plan), revision, now).is_empty() {
        return vec![renamed];
    }
    let goal = followed(&plan.rollout, revision);
    vec![renamed, revise(&id, "nothing but its name changed", (revision, &goal), true)]
}

fn present(plan: &PlanState, revision: &Revision, takes: Takes, known: Known<'_>) -> Vec<Entry> {
    let rollout = &plan.rollout;
    let (id, name) = (&rollout.id, &rollout.id.plan);
    let new_number = id.number + 1;
    // It goes back whatever the file says, and the file has its say afterwards. A superseded rollout is
    // followed by its successor in the same step.
    match rollout.phase {
        Phase::RollingBack => return Vec::new(),
        // A daemon that died in between may find another file than it read: that waits like any other.
        Phase::Superseded if takes == Takes::Effect => return vec![accept(name, new_number, revision)],
        Phase::Superseded => return Vec::new(),
        Phase::Running | Phase::Completed | Phase::RolledBack | Phase::Withdrawn => {}
    }
    let goal = followed(rollout, revision);
    let same = plan_file::changed(Some(plan), revision, known.now).is_empty();
    // What else the file changes since then waits like any other.
    if rollout.phase == Phase::RolledBack
        && (same || takes == Takes::Effect)
        && same_targets(&rollout.named(), &revision.plan)
        && !asks_for_blocked_version(known.state, name, &revision.plan)
    {
        let reason = if rollout.takes_its_own_back() {
            "what was rolled back is released, and the plan's file still asks for it"
        } else {
            "what an earlier rollout left on offer went back, and the plan's file is followed again"
        };
        return vec![accept_for(reason, name, new_number, revision)];
    }
    if same && rollout.phase == Phase::Withdrawn {
        return vec![returned(id)];
    }
    if rollout.phase == Phase::Running && *rollout.revision != *goal && lets_go(rollout, revision, &goal) {
        let verified = |ring: &Ring| matches!(ring.stage, RingState::Verified(_));
        let reason = match rollout.rings.iter().any(|ring| ring.is_free() && !verified(ring)) {
            true => "a ring that the file dropped is let go",
            false => "a ring that the file dropped is verified, and lets go",
        };
        return vec![revise(id, reason, (revision, &goal), false)];
    }
    if same {
        return asks_for_nothing_new(rollout, revision, &goal);
    }
    if takes != Takes::Effect {
        return Vec::new();
    }
    let renamed = renamed(rollout, &revision.plan);
    if !renamed.is_empty() && !finishes_later(plan, revision) {
        let names = renamed.iter().map(|(old, new)| format!("`{old}` is `{new}` now"));
        let how = match moves_the_same_profiles(rollout, &revision.plan, &renamed) {
            true => "the same profiles under another name",
            false => "the plan's file says which ring it was",
        };
        let reason = format!("{how}: {}", joined(names, ", "));
        return vec![Entry::engine(id, reason, Event::RingRenamed { renamed })];
    }
    match rollout.phase {
        Phase::Running | Phase::Withdrawn => match rollout.entered_ring_changed_by(&goal) {
            Some(ring) if finishes_first(plan, revision) => {
                if rollout.knows_waiting(revision) {
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
            None if rollout.phase == Phase::Withdrawn => vec![returned(id)],
            None => vec![revise(id, UNTOUCHED, (revision, &goal), false)],
        },
        Phase::Completed | Phase::RolledBack
            if same_targets(&rollout.named(), &revision.plan)
                && rollout.entered_ring_changed_by(&goal).is_none() =>
        {
            vec![revise(id, UNTOUCHED, (revision, &goal), false)]
        }
        Phase::Completed | Phase::RolledBack | Phase::RollingBack | Phase::Superseded => {
            vec![accept(name, new_number, revision)]
        }
    }
}

const UNTOUCHED: &str = "the plan's file changed where no entered ring is touched";

fn returned(id: &RolloutId) -> Entry {
    Entry::engine(id, "the plan's file is back", Event::RolloutReturned {})
}

/// The file asks for what is in force, or for what waits already.
fn asks_for_nothing_new(rollout: &Rollout, revision: &Revision, goal: &Revision) -> Vec<Entry> {
    if rollout.knows_waiting(revision) {
        return Vec::new();
    }
    if rollout.waiting.is_some() {
        let reason = "the plan's file asks for the targets of the running rollout again";
        return vec![Entry::engine(&rollout.id, reason, Event::NewTargetDropped {})];
    }
    if rollout.follows(&goal.digest) {
        return Vec::new();
    }
    let reason = "the plan's file changed, and nothing in it waits";
    vec![revise(&rollout.id, reason, (revision, goal), true)]
}

/// Ends a rollout in favour of a newer target.
pub(crate) fn take_over(id: &RolloutId, reason: &str, revision: &Revision) -> Vec<Entry> {
    let superseded = Event::RolloutSuperseded { by: revision.digest.clone() };
    vec![Entry::engine(id, reason, superseded), accept(&id.plan, id.number + 1, revision)]
}

/// Whether a newer target waits for the plan's rollout. The newer revision's word counts, so that an edit
/// is a way out. One whose file was taken away does not go on, and one that offers what is forbidden
/// never should: nobody waits for those.
fn finishes_first(plan: &PlanState, revision: &Revision) -> bool {
    let goes_on = plan.rollout.phase == Phase::Running && plan.rollout.forbidden().is_none();
    goes_on && revision.plan.on_new_target == OnNewTarget::Finish
}

/// Whether a plan that renames rings is a newer target besides, and waits with them.
fn finishes_later(plan: &PlanState, revision: &Revision) -> bool {
    finishes_first(plan, revision) && !moves_the_same(&plan.rollout, &revision.plan)
}

/// Whether a plan asks a ring for a version that its own rollbacks block.
fn asks_for_blocked_version(state: &State, name: &PlanName, plan: &Plan) -> bool {
    let asks = |held: &BlockedVersion| {
        plan.rings.iter().any(|ring| ring.targets.get(&held.environment) == Some(&held.version))
    };
    state.blocked_versions.iter().any(|held| held.plan == *name && asks(held))
}

fn accept(name: &PlanName, number: u64, revision: &Revision) -> Entry {
    let reason = if number == 1 { "a plan's file appeared" } else { "the plan has new targets or rings" };
    accept_for(reason, name, number, revision)
}

fn accept_for(reason: &str, name: &PlanName, number: u64, revision: &Revision) -> Entry {
    let id = RolloutId { plan: name.clone(), number };
    Entry::engine(&id, reason, Event::PlanAccepted { revision: Box::new(revision.clone()) })
}

fn revise(
    id: &RolloutId,
    reason: &str,
    (revision, goal): (&Revision, &Revision),
    restricts_only: bool,
) -> Entry {
    let (dropped, revision) = (dropped(revision, goal), Box::new(goal.clone()));
    let kept = joined(dropped.iter().map(|ring| format!("`{ring}`")), ", ");
    let reason = match kept.is_empty() {
        true => reason.to_owned(),
        false => format!("{reason}; until verified or let go these keep their place: {kept}"),
    };
    Entry::engine(id, reason, Event::PlanRevised { revision, restricts_only, dropped })
}

/// Whether rings have other names and nothing else that tells them apart.
fn moves_the_same_profiles(rollout: &Rollout, plan: &Plan, renamed: &BTreeMap<RingName, RingName>) -> bool {
    renamed.iter().all(|(old, new)| {
        let after = plan.rings.iter().find(|ring| ring.name == *new);
        rollout.ring_plan(old).zip(after).is_some_and(|(old, new)| same_profiles(old, new))
    })
}

/// Whether a plan asks each of another's rings for the same versions, whatever their names and order. A
/// ring that is gone asks for nothing.
fn same_targets(one: &Plan, other: &Plan) -> bool {
    other.rings.iter().all(|new| {
        let same = one.rings.iter().find(|old| same_profiles(old, new));
        same.is_some_and(|old| old.targets == new.targets)
    })
}
