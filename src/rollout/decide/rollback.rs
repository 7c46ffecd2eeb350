//! What a decision adds while a rollout goes back.
//!
//! **Invariant:** one ring at a time, one write at a time; a ring takes from its group the versions
//! that the rollback names, and leaves everything else in it as it was read.

use crate::plan::model::RingPlan;
use crate::rollout::decide::planned::{PlannedStep, WriteBlock};
use crate::rollout::decide::write::{WriteDraft, budget_spent, not_now_for};
use crate::rollout::decide::{blocker::Blocker, context::Context};
use crate::rollout::judge::{back, drift, grouping};
use crate::rollout::record::{
    Entry, Event, Group, GroupContent, HowBack, Purpose, RollbackStep, Step, VersionEntry,
};
use crate::rollout::state::{Ring, RingState};
use crate::rollout::world::ENTRY_MAX_AGE;
use crate::time::since;

/// A ring that goes back next.
#[derive(Debug, Clone)]
pub(crate) struct Turn<'a> {
    /// What is left to do.
    pub(crate) step: RollbackStep,
    pub(crate) ring: &'a Ring,
    /// The ring's plan.
    pub(crate) plan: &'a RingPlan,
}

/// The ring whose turn it is.
pub(crate) fn turn<'a>(context: &Context<'a>) -> Option<Turn<'a>> {
    let step = context.rollout.next_step()?;
    let mut rings = context.rollout.rings_with_plans();
    let (ring, plan) = rings.find(|(ring, _)| ring.name == step.ring)?;
    Some(Turn { step, ring, plan })
}

/// What that turn comes to.
pub(crate) fn going_back(context: &Context<'_>, turn: &Turn<'_>) -> PlannedStep {
    let Turn { step, ring, plan } = turn;
    match &ring.stage {
        RingState::Deploying(_) => PlannedStep::Waits,
        // A second word may have added an environment meanwhile: then there is a write to come.
        stage @ RingState::RollingBack(_, back) if stage.is_back_at(&step.to()) => {
            let words = context.judged(ring);
            let (reason, how) = if words.iter().all(|word| word.verdict.advances()) {
                ("enough of its devices are back", HowBack::Adopted)
            } else if context.now >= back::step_ends_at(plan, back) {
                ("`rollback.step` has passed; who is missing comes back later, or not", HowBack::OutOfTime)
            } else {
                return PlannedStep::Waits;
            };
            let (ring, judgements) = (ring.name.clone(), words.to_vec());
            PlannedStep::Fact(reason, Box::new(Event::RingRolledBack { ring, how, judgements }))
        }
        _ => write(context, turn),
    }
}

/// The write that takes a ring back, if it needs one.
fn write(context: &Context<'_>, turn: &Turn<'_>) -> PlannedStep {
    let Turn { step, ring, plan } = turn;
    let attempts = &ring.restoring.attempts;
    let mut blocks = not_now_for(context, Step::Rollback, &ring.name, ring.restoring.since, attempts);
    let groups = context.world.groups_now(context.state);
    let groups = groups.filter(|groups| since(groups.as_of, context.now) <= ENTRY_MAX_AGE);
    let before = match groups.map(|groups| find(context, turn, groups.value)) {
        None | Some(Found::Hidden) => {
            blocks.push(WriteBlock::Other(Blocker::GroupsUnread(ring.name.clone())));
            return PlannedStep::Blocked(blocks);
        }
        Some(Found::None) => {
            let (how, judgements) = (HowBack::NoGroup, Vec::new());
            let event = Event::RingRolledBack { ring: ring.name.clone(), how, judgements };
            return PlannedStep::Fact("it has no deployment group that could be taken back", Box::new(event));
        }
        Some(Found::Group(group)) => group,
    };
    let after = taken_back(&before.content, step);
    let (name, to) = (ring.name.clone(), step.to());
    if after.offers_the_same(&before.content) {
        let event = Event::RollbackInPlace { ring: name, group: before, to };
        return PlannedStep::Fact("its group offers already what it goes back to", Box::new(event));
    }
    blocks.extend(budget_spent(context, &ring.name).map(WriteBlock::Other));
    if !blocks.is_empty() {
        return PlannedStep::Blocked(blocks);
    }
    WriteDraft {
        plan,
        purpose: Purpose::Rollback { to },
        policies: after.policies.clone(),
        before: Some(before),
        after,
        judgements: Vec::new(),
        after_doubt: attempts.doubted,
    }
    .planned(context)
}

/// A group as a step leaves it: everything as read but the versions that go back.
fn taken_back(content: &GroupContent, step: &RollbackStep) -> GroupContent {
    let mut after = content.clone();
    for (environment, way) in &step.back {
        after.versions.retain(|entry| entry.environment.as_deref() != Some(environment.as_str()));
        after.versions.push(VersionEntry::of(*environment, way.to));
    }
    after.versions.sort();
    after
}

/// What is found of a ring's group.
enum Found {
    Group(Group),
    /// There is none, or none that is ringward's to write.
    None,
    /// The list lacks it, and no read of its own has said that it is gone.
    Hidden,
}

fn find(context: &Context<'_>, turn: &Turn<'_>, groups: Vec<Group>) -> Found {
    let Turn { step, ring, plan } = turn;
    let name = &context.rollout.id.plan;
    if let Some((id, owned)) = context.state.group_of(name, &ring.name) {
        return match groups.into_iter().find(|group| group.id == *id) {
            Some(group) => Found::Group(group),
            None if drift::is_gone(context.world, id, &owned.last) => Found::None,
            None => Found::Hidden,
        };
    }
    // A create that was in doubt may have been applied after all.
    match grouping::find_own(context.known(), name, plan, &step.policies, &groups) {
        Ok(Some(group)) => Found::Group(group.clone()),
        Ok(None) | Err(_) => Found::None,
    }
}

/// Goes on with the ring whose turn it is.
pub(crate) fn step(context: &Context<'_>) -> Vec<Entry> {
    let Some(turn) = turn(context) else { return Vec::new() };
    going_back(context, &turn).entries(context, turn.ring, format!("going back: {}", turn.step))
}

/// Ends the rollback.
pub(crate) fn complete(context: &Context<'_>) -> Vec<Entry> {
    if context.rollout.next_step().is_some() {
        return Vec::new();
    }
    context.entry("every ring has gone back as far as was asked", Event::RollbackCompleted {})
}
