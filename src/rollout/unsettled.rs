//! What of a plan's file is in force at once, and what waits: noted before anything else is decided.
//!
//! **Invariant:** whatever else is wrong, a restriction that can be read is in force from the first
//! decision on; and a loosening is announced before it takes effect, never with it.

use crate::ids::PlanName;
use crate::plan::change::{Restrictions, differences, restricted};
use crate::plan::model::{Revision, Revisions};
use crate::rollout::block::{Block, BlockKind, WaitingRevision, WaitsFor};
use crate::rollout::event::{Entry, Event, RolloutId};
use crate::rollout::predecessor::{Predecessor, own};
use crate::rollout::revision::{followed, forbids_itself, lets_go};
use crate::rollout::state::{Phase, PlanState, State};
use crate::rollout::world::{Desired, Observations, Unsettled};
use crate::time::Timestamp;

/// What becomes of the revision in a plan's file, should it do more than restrict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// It may take effect.
    Effect,
    /// It waits.
    Time(WaitsFor),
    /// There is none.
    Nothing,
}

/// What becomes of the revision in a plan's file.
pub(super) fn takes(
    name: &PlanName,
    desired: Desired<'_>,
    state: &State,
    world: &Observations,
    now: Timestamp,
) -> Takes {
    let Some(revision) = desired.revision() else { return Takes::Nothing };
    let takes = takes_by_itself(name, revision, desired, state, world, now);
    match predecessor(revision, state, world) {
        _ if takes == Takes::Time(WaitsFor::AnotherVersion) => takes,
        Some(Predecessor::Stays(..)) => Takes::Time(WaitsFor::Predecessor),
        Some(Predecessor::GoesOn(plan)) if takes == Takes::Effect && !is_certain(plan, revision, state) => {
            Takes::Time(WaitsFor::Predecessor)
        }
        _ => takes,
    }
}

/// The plan that a revision says its plan was; what its files are is in no log.
fn predecessor<'a>(
    revision: &'a Revision,
    state: &'a State,
    world: &Observations,
) -> Option<Predecessor<'a>> {
    match Predecessor::of(revision, state)? {
        Predecessor::GoesOn(plan) if world.files.contains_key(&plan.rollout.id.plan) => {
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
fn takes_by_itself(
    name: &PlanName,
    revision: &Revision,
    desired: Desired<'_>,
    state: &State,
    world: &Observations,
    now: Timestamp,
) -> Takes {
    let plan = own(revision, state).or_else(|| Predecessor::that_goes_on(revision, state));
    if forbids_itself(&revision.plan, plan.map(|plan| &plan.rollout)).is_some() {
        return Takes::Time(WaitsFor::AnotherVersion);
    }
    let waiting = state.waiting.get(name);
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

/// Notes what the plan's file means before any step: its name, blocks, restrictions, what waits.
pub(super) fn note(
    name: &PlanName,
    desired: Desired<'_>,
    state: &State,
    world: &Observations,
    now: Timestamp,
) -> Vec<Entry> {
    let Some(plan) = state.plans.get(name) else { return waits(name, None, desired, state, world, now) };
    if plan.rollout.phase == Phase::Superseded {
        return waits(name, Some(plan), desired, state, world, now);
    }
    let steps: [&dyn Fn() -> Vec<Entry>; 4] = [
        &|| file_named(name, plan, desired, world),
        &|| blocks(plan, desired),
        &|| restricts(plan, desired, now),
        &|| waits(name, Some(plan), desired, state, world, now),
    ];
    steps.iter().map(|step| step()).find(|entries| !entries.is_empty()).unwrap_or_default()
}

fn file_named(name: &PlanName, plan: &PlanState, desired: Desired<'_>, world: &Observations) -> Vec<Entry> {
    let file = desired.revision().and_then(|_| world.files.get(name));
    match file.filter(|file| plan.file_gone || plan.file.as_ref() != Some(file)) {
        Some(file) => {
            let event = Event::PlanFileNamed { file: file.clone() };
            vec![Entry::engine(&plan.rollout.id, format!("the plan is in {file}"), event)]
        }
        None => Vec::new(),
    }
}

/// The block that a plan's file is, if it is one.
fn block(plan: &PlanState, desired: Desired<'_>) -> Option<Block> {
    match desired {
        Desired::Invalid(invalid) => {
            Some(Block::PlanInvalid { file: invalid.file.clone(), errors: invalid.errors.clone() })
        }
        Desired::Unreadable(why) => Some(Block::FilesUnreadable { why: why.to_owned() }),
        Desired::Missing | Desired::Gone => Some(Block::FileMissing { file: plan.file.clone() }),
        Desired::Present(_) | Desired::Unsettled(..) | Desired::InForce => None,
    }
}

fn blocks(plan: &PlanState, desired: Desired<'_>) -> Vec<Entry> {
    let rollout = &plan.rollout;
    if !matches!(rollout.phase, Phase::Running | Phase::RollingBack) {
        return Vec::new();
    }
    let wanted = block(plan, desired);
    let ended = plan.blocks.keys().filter(|kind| wanted.as_ref().map(Block::kind) != Some(**kind));
    let mut entries: Vec<Entry> = ended
        .map(|kind| Entry::engine(&rollout.id, format!("{kind} no more"), Event::BlockEnded { block: *kind }))
        .collect();
    let known = |block: &Block| plan.blocks.get(&block.kind()).is_some_and(|(known, _)| known == block);
    if let Some(block) = wanted.filter(|block| !known(block)) {
        entries.push(Entry::engine(&rollout.id, block.to_string(), Event::BlockBegun { block }));
    }
    entries
}

fn restricts(plan: &PlanState, desired: Desired<'_>, now: Timestamp) -> Vec<Entry> {
    let in_force = &plan.rollout.revision.plan;
    if desired.revision() == Some(&plan.rollout.revision) {
        return Vec::new();
    }
    let of_file;
    let by = match (desired, desired.revision()) {
        (Desired::Invalid(invalid), _) => &invalid.restrictions,
        (_, Some(revision)) => {
            of_file = Restrictions::of(&revision.plan);
            &of_file
        }
        (_, None) => return Vec::new(),
    };
    let narrower = restricted(in_force, by, now);
    if narrower == *in_force {
        return Vec::new();
    }
    let restricts = differences(in_force, &narrower, now);
    let reason = format!("in force at once, for it only restricts: {}", restricts.join(" · "));
    let event = Event::PlanRestricted { plan: Box::new(narrower), restricts };
    vec![Entry::engine(&plan.rollout.id, reason, event)]
}

/// Whether the plan's file asks for anything that is not in force.
pub(super) fn changes(desired: Desired<'_>, state: &State, world: &Observations, now: Timestamp) -> bool {
    desired.revision().is_some_and(|revision| !asked(revision, state, world, now).is_empty())
}

/// What a plan's file asks for that is not in force.
fn asked(revision: &Revision, state: &State, world: &Observations, now: Timestamp) -> Vec<String> {
    if let Some(plan) = own(revision, state) {
        return changed(Some(plan), revision, now);
    }
    let named = |plan: &PlanState| format!("it says that it was plan `{}`", plan.rollout.id.plan);
    let anew = || changed(None, revision, now);
    match predecessor(revision, state, world) {
        None => anew(),
        Some(Predecessor::GoesOn(plan)) => {
            let named = format!("plan `{}` is named `{}`", plan.rollout.id.plan, revision.plan.name);
            [named].into_iter().chain(changed(Some(plan), revision, now)).collect()
        }
        Some(Predecessor::Stays(plan, why)) => vec![format!("{}, {why}", named(plan))],
        Some(Predecessor::Unknown(was)) => {
            let unknown = format!("it says that it was plan `{was}`, of which nothing is on record");
            anew().into_iter().chain([unknown]).collect()
        }
    }
}

/// What a revision would change of what is in force; empty: nothing that waits.
pub(super) fn changed(plan: Option<&PlanState>, revision: &Revision, now: Timestamp) -> Vec<String> {
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
    if rollout.revision == *revision {
        return Vec::new();
    }
    let is_known = rollout.waiting.as_ref().is_some_and(|known| known.revision.digest == revision.digest);
    if is_known {
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

fn waits(
    name: &PlanName,
    plan: Option<&PlanState>,
    desired: Desired<'_>,
    state: &State,
    world: &Observations,
    now: Timestamp,
) -> Vec<Entry> {
    let wanted = desired.revision().and_then(|revision| {
        let Takes::Time(waits_for) = takes(name, desired, state, world, now) else { return None };
        let changes = asked(revision, state, world, now);
        let goes_on = match predecessor(revision, state, world) {
            Some(Predecessor::GoesOn(plan)) => Some(plan),
            Some(Predecessor::Stays(..) | Predecessor::Unknown(_)) | None => None,
        };
        let known = own(revision, state).or(goes_on);
        let in_force = known.map(|plan| plan.rollout.revision.digest.clone());
        let digest = revision.digest.clone();
        (!changes.is_empty()).then_some(WaitingRevision { digest, in_force, changes, waits_for })
    });
    let number = plan.map_or_else(|| state.next_number(name), |plan| plan.rollout.id.number);
    let id = RolloutId { plan: name.clone(), number };
    match (wanted, state.waiting.get(name)) {
        (Some(wanted), known) if known.is_none_or(|known| known.revision != wanted) => {
            let block = Block::RevisionWaits(wanted);
            vec![Entry::engine(&id, block.to_string(), Event::BlockBegun { block })]
        }
        (None, Some(known))
            if !takes_effect(name, desired, known.revision.digest.as_str(), state, world, now) =>
        {
            let block = known.revision.kind();
            let reason = "the file does not ask for it any more";
            vec![Entry::engine(&id, reason, Event::BlockEnded { block })]
        }
        _ => Vec::new(),
    }
}

/// Whether what waits is about to take effect: then it waits no more by doing so.
fn takes_effect(
    name: &PlanName,
    desired: Desired<'_>,
    digest: &str,
    state: &State,
    world: &Observations,
    now: Timestamp,
) -> bool {
    let same = desired.revision().is_some_and(|revision| revision.digest.as_str() == digest);
    same && changes(desired, state, world, now) && takes(name, desired, state, world, now) == Takes::Effect
}

/// The kinds of blocks that stand before a plan's steps on account of its file, as it is now.
pub(super) fn standing(
    name: &PlanName,
    plan: &PlanState,
    desired: Desired<'_>,
    state: &State,
    world: &Observations,
    now: Timestamp,
) -> Option<BlockKind> {
    if let Some(block) = block(plan, desired) {
        return Some(block.kind());
    }
    let waits = || changes(desired, state, world, now);
    match takes(name, desired, state, world, now) {
        Takes::Time(WaitsFor::Stability) if waits() => Some(BlockKind::PlanUnstable),
        Takes::Time(_) if waits() => Some(BlockKind::RevisionWaits),
        Takes::Time(_) | Takes::Effect | Takes::Nothing => None,
    }
}
