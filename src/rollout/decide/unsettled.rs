//! What of a plan's file is in force at once, and what waits: noted before anything else is decided.
//!
//! **Invariant:** whatever else is wrong, a restriction that can be read is in force from the first
//! decision on; and a loosening is announced before it takes effect, never with it.

use crate::ids::PlanName;
use crate::plan::change::{Restrictions, differences, restricted};
use crate::plan::model::PlanDigest;
use crate::rollout::judge::plan_file::{Takes, asked, block, changes, predecessor, takes};
use crate::rollout::judge::predecessor::own;
use crate::rollout::record::{Block, Entry, Event, RolloutId, WaitingRevision};
use crate::rollout::state::{Phase, PlanState};
use crate::rollout::world::{Desired, Known, Observations};
use crate::time::Timestamp;

/// Notes what the plan's file means before any step: its name, blocks, restrictions, what waits.
pub(crate) fn note(name: &PlanName, desired: Desired<'_>, known: Known<'_>) -> Vec<Entry> {
    let plan = known.state.plans.get(name).filter(|plan| plan.rollout.phase != Phase::Superseded);
    let Some(plan) = plan else { return waits(name, desired, known) };
    let steps: [&dyn Fn() -> Vec<Entry>; 4] = [
        &|| file_named(name, plan, desired, known.world),
        &|| blocks(plan, desired),
        &|| restricts(plan, desired, known.now),
        &|| waits(name, desired, known),
    ];
    steps.iter().map(|step| step()).find(|entries| !entries.is_empty()).unwrap_or_default()
}

fn file_named(name: &PlanName, plan: &PlanState, desired: Desired<'_>, world: &Observations) -> Vec<Entry> {
    let file = desired.revision().and_then(|_| world.files.get(name));
    let news = file.filter(|file| plan.file_gone || plan.file.as_ref() != Some(file));
    let Some(file) = news.cloned() else { return Vec::new() };
    vec![Entry::engine(&plan.rollout.id, format!("the plan is in {file}"), Event::PlanFileNamed { file })]
}

pub(crate) fn blocks(plan: &PlanState, desired: Desired<'_>) -> Vec<Entry> {
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
    let narrower = match (desired, desired.revision()) {
        (Desired::Invalid(invalid), _) => restricted(in_force, &invalid.restrictions, now),
        (_, Some(revision)) => restricted(in_force, &Restrictions::of(&revision.plan), now),
        (_, None) => return Vec::new(),
    };
    if narrower == *in_force {
        return Vec::new();
    }
    let restricts = differences(in_force, &narrower, now);
    let reason = format!("in force at once, for it only restricts: {}", restricts.join(" · "));
    let event = Event::PlanRestricted { plan: Box::new(narrower), restricts };
    vec![Entry::engine(&plan.rollout.id, reason, event)]
}

fn waits(name: &PlanName, desired: Desired<'_>, known: Known<'_>) -> Vec<Entry> {
    let state = known.state;
    let wanted = desired.revision().and_then(|revision| {
        let Takes::Time(waits_for) = takes(desired, known) else { return None };
        let changes = asked(revision, known);
        let plan = own(revision, state).or_else(|| predecessor(revision, known)?.goes_on());
        let in_force = plan.map(|plan| plan.rollout.revision.digest.clone());
        let digest = revision.digest.clone();
        (!changes.is_empty()).then_some(WaitingRevision { digest, in_force, changes, waits_for })
    });
    let plan = state.plans.get(name);
    let number = plan.map_or_else(|| state.next_number(name), |plan| plan.rollout.id.number);
    let id = RolloutId { plan: name.clone(), number };
    match (wanted, state.waiting.get(name)) {
        (Some(wanted), waiting) if waiting.is_none_or(|waiting| waiting.revision != wanted) => {
            let block = Block::RevisionWaits(wanted);
            vec![Entry::engine(&id, block.to_string(), Event::BlockBegun { block })]
        }
        (None, Some(waiting)) if !takes_effect(desired, &waiting.revision.digest, known) => {
            let block = waiting.revision.kind();
            let reason = "the file does not ask for it any more";
            vec![Entry::engine(&id, reason, Event::BlockEnded { block })]
        }
        _ => Vec::new(),
    }
}

/// Whether what waits is about to take effect: then it waits no more by doing so.
fn takes_effect(desired: Desired<'_>, digest: &PlanDigest, known: Known<'_>) -> bool {
    let same = desired.revision().is_some_and(|revision| revision.digest == *digest);
    same && changes(desired, known) && takes(desired, known) == Takes::Effect
}
