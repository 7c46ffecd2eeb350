//! What people said: is each entry that a plan asks people for borne out by the log?
//!
//! **Invariant:** the words are counted anew from their own events, and not taken from what the gate
//! says of them.

use std::collections::BTreeMap;

use super::case::Case;
use super::ledger::{PlanLine, WordLine, enters};
use crate::ids::UserGroupName;
use crate::plan::model::RingPlan;
use crate::rollout::record::{Event, Evidence, Gate, Judgement};

/// A word that is spoken.
pub(super) fn spoken(case: &Case<'_>) {
    let Some(line) = case.line else { return };
    let (ring, digest, groups) = match case.event {
        Event::ApprovalGiven { ring, digest, groups, .. }
        | Event::ApprovalRefused { ring, digest, groups } => (ring, digest, groups),
        _ => return,
    };
    let own = line.plan.author.as_ref().is_some_and(|author| case.entry.actor.email() == Some(author));
    case.require(!own, || "the plan's author speaks on it");
    let same = *digest == line.revision.digest;
    case.require(same, || "the approval or rejection is for another revision than the rollout's");
    case.require(!groups.is_empty(), || "the approval or rejection is in the name of no group");
    case.require(line.ring(ring).is_some_and(|ring| !ring.is_entered()), || {
        format!("{ring} is entered, or not there")
    });
    if let Event::ApprovalGiven { targets, expires_at, set_aside, .. } = case.event {
        let rejected = case.ledger.words.iter().filter(|word| {
            let is_of = Some(word.plan) == case.plan && word.ring == ring && word.expires_at.is_none();
            is_of && case.entry.actor.email() != Some(word.by)
        });
        let is_known = set_aside.iter().all(|by| rejected.clone().any(|word| word.by == by));
        case.require(is_known, || "it sets aside a rejection that nobody else gave");
        let same = line.ring_plan(ring).is_some_and(|plan| plan.targets == *targets);
        case.require(same, || format!("{ring} has other versions than were approved"));
        case.require(*expires_at > case.at, || "the approval had expired when given");
    }
}

/// A ring is entered: the plan's own ask is met, and so is each that the gate tells of.
pub(super) fn entered(case: &Case<'_>) {
    let Some(line) = case.line else { return };
    let (ring, judgements) = match case.event {
        Event::WritePlanned { ring, intent } if enters(&intent.purpose) => (ring, &intent.judgements),
        Event::RingAssigned { ring, judgements, .. } => (ring, judgements),
        _ => return,
    };
    if let Some(plan) = line.ring_plan(ring) {
        asks_met(case, line, plan, judgements);
    }
}

fn asks_met(case: &Case<'_>, line: &PlanLine<'_>, plan: &RingPlan, judgements: &[Judgement]) {
    let of_gate = judgements.iter().filter_map(|word| match &word.evidence {
        Evidence::Approval(approved) if word.gate == Gate::Approval => Some(approved),
        _ => None,
    });
    let told: Vec<_> = of_gate.clone().flat_map(|approved| &approved.tallies).collect();
    let lapsed: Vec<_> = of_gate.flat_map(|approved| &approved.lapsed).collect();
    let words =
        case.ledger.words.iter().filter(|word| Some(word.plan) == case.plan && *word.ring == plan.name);
    let words: Vec<&WordLine<'_>> = words.filter(|word| *word.digest == line.revision.digest).collect();
    let mut asks: BTreeMap<&UserGroupName, usize> = BTreeMap::new();
    let of_plan = plan.approval.iter().map(|rule| (&rule.user_group, rule.count));
    for (group, count) in of_plan.chain(told.iter().map(|tally| (&tally.ask.user_group, tally.ask.count))) {
        let most = asks.entry(group).or_default();
        *most = (*most).max(usize::from(count.get()));
    }
    if asks.is_empty() {
        return;
    }
    case.require(!told.is_empty(), || {
        format!("{} asks people, and no gate says that they approved", plan.name)
    });
    // Who is a member is not in the log: the gate says whose no does not count any more.
    let refusal = words.iter().find(|word| word.expires_at.is_none() && !lapsed.contains(&word.by));
    if let Some(WordLine { by, .. }) = refusal {
        case.breach(format!("{} is entered, and {by} refused it", plan.name));
    }
    let author = line.plan.author.as_ref();
    for (group, count) in asks {
        let given = words.iter().filter(|word| {
            let counts = word.expires_at.is_some_and(|until| case.at < until);
            counts && author != Some(word.by) && word.groups.contains(group)
        });
        let given = given.count();
        case.require(given >= count, || {
            format!("{} is entered with {given} approvals of `{group}`, and {count} are asked", plan.name)
        });
    }
}
