//! Finds what a decision rests on, and whether it still is what a person has read.
//!
//! **Invariant:** what is shown and what is compared are found by one function; a decision that rests on something
//! is carried out on what was read, or refused with the difference.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{PlanName, RingName};
use crate::plan::model::RingPlan;
use crate::rollout::judge::{downgrade, gates};
use crate::rollout::people::command::Command;
use crate::rollout::people::refusal::Refusal;
use crate::rollout::people::seen::{FromTo, Look, ReadBefore, Seen};
use crate::rollout::people::verbs::{
    asked::Subject, definition::Aim, refused::Refused, table::Cell, verb::Verb,
};
use crate::rollout::record::{Actor, AllMoves, RollbackStep};
use crate::rollout::state::{PlanState, RingState};
use crate::rollout::world::Known;
use crate::text::joined;
use crate::version::{ClientVersion, Environment};

/// What a decision would rest on now; `None`: it rests on nothing.
///
/// # Errors
/// When the decision would be refused as things are.
pub fn look(known: Known<'_>, actor: &Actor, command: &Command) -> Result<Option<Look>, Refusal> {
    let verb = command.verb();
    let subject = Subject::of(known, actor, command)?;
    match verb.cell(&subject.columns(verb.definition().columns)) {
        // Who is a member is read anew with the word.
        Cell::Done(_) | Cell::Refused(Refused::MembersUnread | Refused::NoMember) => {
            Ok(rests_on(&subject, verb))
        }
        Cell::Refused(refused) => Err(subject.refusal(refused)),
    }
}

/// # Errors
/// When a decision rests on something else by now than a person has read; what differs is told.
pub fn is_as_read(verb: Verb, read: &ReadBefore, now: &Look) -> Result<(), Refusal> {
    let differences = differences(verb, read, now);
    if differences.is_empty() {
        return Ok(());
    }
    let why = format!("it is not what you have read: {}", joined(differences, "; "));
    Err(Refusal::not_now(
        why,
        "look at what it is now (`--dry-run`, or `\"dry_run\": true`), then say it again",
    ))
}

fn rests_on(subject: &Subject<'_>, verb: Verb) -> Option<Look> {
    let (name, plan) = (subject.name.as_ref()?, subject.plan.filter(|_| verb.rests_on_reading())?);
    let mut look = Look {
        revision: plan.rollout.revision.digest.clone(),
        seen: Seen::default(),
        devices: BTreeMap::new(),
    };
    if verb.aim() == Aim::RollbackTarget {
        let steps = subject.steps.as_ref()?.as_ref().ok()?;
        steps.iter().for_each(|step| goes_back(&mut look, subject.known, name, step));
        return Some(look);
    }
    let is_meant = |ring: &RingName, stage: &RingState| match subject.ring {
        Some(meant) => meant.name == *ring,
        None => !matches!(stage, RingState::Pending | RingState::Verified(_)),
    };
    let rings = plan.rollout.rings_with_plans().filter(|(ring, _)| is_meant(&ring.name, &ring.stage));
    rings.for_each(|(_, ring)| goes_on(&mut look, subject.known, plan, ring));
    if !matches!(verb.aim(), Aim::RingToEnter(_)) {
        look.seen.findings = findings(subject.known, plan);
    }
    look.seen.findings.insert(format!("rollout {}", plan.rollout.id));
    Some(look)
}

/// What a ring shall be offered.
fn goes_on(look: &mut Look, known: Known<'_>, plan: &PlanState, ring: &RingPlan) {
    let of = &plan.rollout.revision.plan;
    look.seen.rings.insert(ring.name.clone(), ways(known, &of.name, &ring.name, &ring.targets));
    if let Some(moves) = downgrade::known_moves(known, of, ring) {
        look.devices.insert(ring.name.clone(), counted(moves));
    }
}

fn goes_back(look: &mut Look, known: Known<'_>, plan: &PlanName, step: &RollbackStep) {
    let to = step.to();
    look.seen.rings.insert(step.ring.clone(), ways(known, plan, &step.ring, &to));
    if known.world.fleet.full_sweep_at().is_some() {
        look.devices.insert(step.ring.clone(), counted(downgrade::moves(known, &to, &step.policies)));
    }
}

/// How many devices run something else than they shall.
fn counted(moves: AllMoves) -> BTreeMap<Environment, usize> {
    moves.into_iter().map(|(environment, moves)| (environment, moves.from.values().sum())).collect()
}

fn ways(
    known: Known<'_>,
    plan: &PlanName,
    ring: &RingName,
    to: &BTreeMap<Environment, ClientVersion>,
) -> BTreeMap<Environment, FromTo> {
    let group = known.state.group_of(plan, ring).map(|(_, owned)| &owned.last.content);
    let from = |environment| group.and_then(|group| group.target(environment)).map(str::to_owned);
    to.iter().map(|(environment, to)| (*environment, FromTo { from: from(*environment), to: *to })).collect()
}

/// The pause, the halt, and what its lifting would accept.
fn findings(known: Known<'_>, plan: &PlanState) -> BTreeSet<String> {
    let rollout = &plan.rollout;
    let pause = plan.paused.iter().map(|pause| format!("paused {pause}"));
    let halt = rollout
        .halted
        .iter()
        .map(|halt| format!("halted since {}: {}", crate::time::short(halt.since), halt.cause.as_str()));
    let found = rollout.halted.iter().flat_map(|_| gates::findings(known, rollout)).map(|found| {
        let on = found.environment.map(|environment| format!("/{environment}")).unwrap_or_default();
        format!("gate {}{on} of ring `{}` finds something", found.gate, found.ring)
    });
    pause.chain(halt).chain(found).collect()
}

/// What is other than it was read, in words. What was found and is no more is nobody's worry.
fn differences(verb: Verb, read: &ReadBefore, now: &Look) -> Vec<String> {
    let mut all = Vec::new();
    // A rollback is asked of rings and versions alone: nothing else may keep it.
    let is_rollback = verb.aim() == Aim::RollbackTarget;
    let named = read.revision.len() >= PLAN_DIGITS && now.revision.as_str().starts_with(&read.revision);
    if !is_rollback && !named {
        all.push(format!("the plan's revision in force is {}", now.revision.short()));
    }
    let names: BTreeSet<_> = read.seen.rings.keys().chain(now.seen.rings.keys()).collect();
    for name in names {
        match (read.seen.rings.get(name), now.seen.rings.get(name)) {
            (Some(before), Some(after)) if before == after => {}
            (_, None) => all.push(format!("ring `{name}` is not concerned any more")),
            (before, Some(after)) => {
                let told = |of: &BTreeMap<Environment, FromTo>| {
                    joined(of.iter().map(|(environment, way)| way.told(*environment)), ", ")
                };
                let before = before.map_or("nothing of it".to_owned(), told);
                all.push(format!("ring `{name}` goes {}, and you read {before}", told(after)));
            }
        }
    }
    if !is_rollback {
        let new = now.seen.findings.difference(&read.seen.findings);
        all.extend(new.map(|finding| format!("new since: {finding}")));
    }
    all
}

/// So many digits name a revision.
const PLAN_DIGITS: usize = 8;
