//! What of a plan's file is in force at once, and what waits.
//!
//! **Invariant:** a loosening is announced before it takes effect, never with it.

use crate::plan::change::differences;
use crate::plan::model::{Revision, Revisions};
use crate::rollout::judge::predecessor::{Predecessor, own};
use crate::rollout::judge::revision::{followed, forbids_itself, lets_go};
use crate::rollout::record::{Block, BlockKind, WaitingRevision, WaitsFor};
use crate::rollout::state::{Phase, PlanState, State};
use crate::rollout::world::{Desired, Known, Unsettled};
use crate::time::Timestamp;

/// What becomes of the revision in a plan's file, should it do more than restrict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// It may take effect.
    Effect,
    /// It waits.
    Time(WaitsFor),
    /// There is none.
    Nothing,
}

/// What becomes of the revision in a plan's file.
pub(crate) fn takes(desired: Desired<'_>, known: Known<'_>) -> Takes {
    let Some(revision) = desired.revision() else { return Takes::Nothing };
    let takes = takes_by_itself(revision, desired, known);
    match predecessor(revision, known) {
        _ if takes == Takes::Time(WaitsFor::AnotherVersion) => takes,
        Some(Predecessor::Stays(..)) => Takes::Time(WaitsFor::Predecessor),
        Some(Predecessor::GoesOn(plan))
            if takes == Takes::Effect && !is_certain(plan, revision, known.state) =>
        {
            Takes::Time(WaitsFor::Predecessor)
        }
        _ => takes,
    }
}

/// The plan that a revision says its plan was; what its files are is in no log.
pub(crate) fn predecessor<'a>(revision: &'a Revision, known: Known<'a>) -> Option<Predecessor<'a>> {
    match Predecessor::of(revision, known.state)? {
        Predecessor::GoesOn(plan) if known.world.files.contains_key(&plan.rollout.id.plan) => {
            Some(Predecessor::Stays(plan, "which has a file of its own".to_owned()))
        }
        found => Some(found),
    }
}

/// Whether a plan is gone for certain, or it was announced that it goes on under this name while it waited for
/// something else: one look that misses its file is no reason.
fn is_certain(plan: &PlanState, revision: &Revision, state: &State) -> bool {
    let announced = state.waiting.get(&revision.plan.name).is_some_and(|waiting| {
        let WaitingRevision { digest, in_force, waits_for, .. } = &waiting.revision;
        let goes_on = in_force.as_ref() == Some(&plan.rollout.revision.digest);
        *digest == revision.digest && goes_on && *waits_for != WaitsFor::Predecessor
    });
    plan.is_gone() || announced
}

/// The same, whatever plan it says it was.
fn takes_by_itself(revision: &Revision, desired: Desired<'_>, known: Known<'_>) -> Takes {
    let Known { state, world, now } = known;
    let plan = own(revision, state).or_else(|| Predecessor::of(revision, state)?.goes_on());
    if forbids_itself(&revision.plan, plan.map(|plan| &plan.rollout)) {
        return Takes::Time(WaitsFor::AnotherVersion);
    }
    let waiting = state.waiting.get(&revision.plan.name);
    if waiting.is_some_and(|waiting| waiting.is_confirmed(&revision.digest, now)) {
        return Takes::Effect;
    }
    match desired {
        Desired::Unsettled(_, Unsettled::LineEnd) => Takes::Time(WaitsFor::LineEnd),
        _ if world.revisions == Revisions::Person => Takes::Time(WaitsFor::Person),
        _ if plan.is_some_and(|plan| plan.is_unstable(now)) => Takes::Time(WaitsFor::Stability),
        Desired::Unsettled(_, Unsettled::Until(_)) => Takes::Time(WaitsFor::Time),
        _ => Takes::Effect,
    }
}

/// The block that a plan's file is, if it is one.
pub(crate) fn block(plan: &PlanState, desired: Desired<'_>) -> Option<Block> {
    match desired {
        Desired::Invalid(invalid) => {
            Some(Block::PlanInvalid { file: invalid.file.clone(), errors: invalid.errors.clone() })
        }
        Desired::Unreadable(why) => Some(Block::FilesUnreadable { why: why.to_owned() }),
        Desired::Missing | Desired::Gone => Some(Block::FileMissing { file: plan.file.clone() }),
        Desired::Present(_) | Desired::Unsettled(..) | Desired::InForce => None,
    }
}

/// Whether the plan's file asks for anything that is not in force.
pub(crate) fn changes(desired: Desired<'_>, known: Known<'_>) -> bool {
    desired.revision().is_some_and(|revision| !asked(revision, known).is_empty())
}

/// What a plan's file asks for that is not in force.
pub(crate) fn asked(revision: &Revision, known: Known<'_>) -> Vec<String> {
    let now = known.now;
    if let Some(plan) = own(revision, known.state) {
        return changed(Some(plan), revision, now);
    }
    let anew = || changed(None, revision, now);
    match predecessor(revision, known) {
        None => anew(),
        Some(Predecessor::GoesOn(plan)) => {
            let named = format!("plan `{}` is named `{}`", plan.rollout.id.plan, revision.plan.name);
            [named].into_iter().chain(changed(Some(plan), revision, now)).collect()
        }
        Some(Predecessor::Stays(plan, why)) => {
            vec![format!("it says that it was plan `{}`, {why}", plan.rollout.id.plan)]
        }
        Some(Predecessor::Unknown(was)) => {
            let unknown = format!("it says that it was plan `{was}`, of which nothing is on record");
            anew().into_iter().chain([unknown]).collect()
        }
    }
}

/// What a revision would change of what is in force; empty: nothing that waits.
pub(crate) fn changed(plan: Option<&PlanState>, revision: &Revision, now: Timestamp) -> Vec<String> {
    let Some(plan) = plan else {
        let rings = revision.plan.rings.len();
        return vec![format!("a new plan with {rings} {}", if rings == 1 { "ring" } else { "rings" })];
    };
    let rollout = &plan.rollout;
    if rollout.phase == Phase::Superseded {
        let changes = differences(&rollout.revision.plan, &revision.plan, now);
        let anew = || vec!["the rollout that was superseded begins anew".to_owned()];
        return Some(changes).filter(|changes| !changes.is_empty()).unwrap_or_else(anew);
    }
    if *rollout.revision == *revision || rollout.knows_waiting(revision) {
        return Vec::new();
    }
    let goal = followed(rollout, revision);
    if !rollout.follows(&revision.digest) {
        // What it takes away keeps its place for a while; that it does is announced with the rest.
        return differences(&rollout.revision.plan, &revision.plan, now);
    }
    if lets_go(rollout, revision, &goal) {
        return Vec::new();
    }
    differences(&rollout.revision.plan, &goal.plan, now)
}

/// The kinds of blocks that stand before a plan's steps on account of its file, as it is now.
pub(crate) fn standing(plan: &PlanState, desired: Desired<'_>, known: Known<'_>) -> Option<BlockKind> {
    if let Some(block) = block(plan, desired) {
        return Some(block.kind());
    }
    let Takes::Time(waits_for) = takes(desired, known) else { return None };
    changes(desired, known).then(|| waits_for.kind())
}
