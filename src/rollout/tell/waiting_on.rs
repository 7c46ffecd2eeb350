//! Everything in the way of the next move, in the order of the pipeline.
//!
//! **Invariant:** empty only when the rollout is final.

use crate::rollout::decide::blocker::{BlockReport, Blocker};
use crate::rollout::decide::rollback::{Turn, going_back, turn};
use crate::rollout::decide::{
    between, context::Context, drift, drift::Bar, outcome, planned::PlannedStep, restore, restore::Due,
    superseded,
};
use crate::rollout::judge::{back, drift::lacks};
use crate::rollout::record::{Block, WaitsFor};
use crate::rollout::state::{Phase, RingState};
use crate::rollout::world::{Desired, Unsettled};

/// What stands before every step on account of the plan's file.
fn block_report(context: &Context<'_>) -> Option<BlockReport> {
    let file = context.plan.blocks.values().next();
    if let Some((block, since)) = file {
        return Some(BlockReport { block: block.clone(), since: *since, until: None });
    }
    let waiting = context.state.waiting.get(context.name)?;
    let until = match (waiting.revision.waits_for, context.desired) {
        (WaitsFor::Time, Desired::Unsettled(_, Unsettled::Until(at))) => Some(at),
        _ => None,
    };
    let block = Block::RevisionWaits(waiting.revision.clone());
    Some(BlockReport { block, since: waiting.since, until })
}

/// What there is to say of a rollout that is finished: that its file waits to begin another one, and that it
/// offers what is forbidden by now.
pub(crate) fn over(context: &Context<'_>, mut blockers: Vec<Blocker>) -> Vec<Blocker> {
    if context.rollout.phase == Phase::Completed {
        let forbidden = context.rollout.forbidden().map(|(ring, version, _)| (ring.name.clone(), version));
        blockers.extend(forbidden.map(|(ring, version)| Blocker::OffersForbidden(ring, version)));
    }
    blockers.extend(block_report(context).map(Box::new).map(Blocker::Block));
    blockers.extend(between::told(context));
    blockers
}

/// Everything in the way of the next move, in the order of the ladder.
pub(crate) fn waiting_on(context: &Context<'_>) -> Vec<Blocker> {
    let rollout = context.rollout;
    match rollout.phase {
        Phase::Running | Phase::RollingBack => {}
        Phase::RolledBack => return over(context, vec![rolled_back(context)]),
        Phase::Withdrawn => return over(context, vec![Blocker::Withdrawn(rollout.phase_since)]),
        Phase::Completed => return over(context, Vec::new()),
        // It has its successor in its place.
        Phase::Superseded => return Vec::new(),
    }
    let mut blockers = Vec::new();
    blockers.extend(context.world.log_unwritable.clone().map(Blocker::LogUnwritable));
    blockers.extend(context.state.stop.clone().map(Blocker::Stopped));
    blockers.extend(context.world.clock_behind.map(Blocker::ClockBehind));
    if rollout.phase == Phase::Running {
        blockers.extend(context.world.second_clock.in_the_way(context.now).map(Blocker::ClockDoubted));
    }
    blockers.extend(context.plan.paused.clone().map(Blocker::Paused));
    blockers.extend(rollout.halted.as_ref().map(|halt| Blocker::Halted(halt.cause.clone())));
    blockers.extend(block_report(context).map(Box::new).map(Blocker::Block));
    if let Some((ring, pending)) = rollout.pending_write() {
        let (ring, write) = (ring.name.clone(), pending.id());
        blockers.push(match &pending.doubt {
            None => Blocker::InFlight(ring, write),
            Some(doubt) => Blocker::OutcomeUnknown {
                ring,
                write,
                why: doubt.why.clone(),
                read_at: outcome::doubt_want(pending).map(|want| want.at),
            },
        });
        return blockers;
    }
    blockers.extend(between::told(context));
    if rollout.phase == Phase::RollingBack {
        blockers.extend(turn(context).map(|turn| rollback_blockers(context, turn)).unwrap_or_default());
        if blockers.is_empty() {
            blockers.push(Blocker::Moving);
        }
        return blockers;
    }
    let drifted = drift_blockers(context);
    let is_drifted = !drifted.is_empty();
    blockers.extend(drifted);
    // A ring is not entered past a drift; what else its entry would wait for is not in the way yet.
    let next =
        context.current().filter(|(ring, _)| !(is_drifted && matches!(ring.stage, RingState::Entering(_))));
    if let Some((ring, plan)) = next {
        let holding = context.leaving(ring).filter(|judgement| !judgement.verdict.advances());
        blockers.extend(holding.map(|judgement| Blocker::gate(&ring.name, judgement)));
        let elsewhere = context.ailing().filter(|(ailing, judgement)| {
            ailing.name != ring.name || !context.leaving(ring).any(|leaving| leaving == *judgement)
        });
        blockers.extend(elsewhere.map(|(ailing, judgement)| Blocker::gate(&ailing.name, judgement)));
        if let Some(entering) = context.entering() {
            let left = superseded::ailing(context, plan).into_iter();
            blockers.extend(left.map(|(ring, word)| Blocker::Gate(ring, Box::new(word))));
            blockers.extend(entering.clone().blockers(context.state.mode, ring));
        }
    }
    if blockers.is_empty() {
        blockers.push(Blocker::Moving);
    }
    blockers
}

/// What somebody else's change keeps the rollout waiting for.
fn drift_blockers(context: &Context<'_>) -> Vec<Blocker> {
    let due = restore::due(context);
    let mut blockers = Vec::new();
    for bar in drift::bars(context) {
        match bar {
            Bar::NotOffered(ring) => {
                let lacks = lacks(context.state, context.rollout, &ring);
                blockers.push(Blocker::NotOffered { ring, lacks });
            }
            Bar::ToRestore(drift) => {
                let due = due.as_ref().filter(|due| due.drift.expected.id == drift.expected.id);
                blockers.push(Blocker::Drifted(drift));
                blockers.extend(due.map(|due| restore_blockers(context, due)).unwrap_or_default());
            }
        }
    }
    blockers
}

fn restore_blockers(context: &Context<'_>, due: &Due<'_>) -> Vec<Blocker> {
    let holding = due.judgements.iter().filter(|judgement| !judgement.verdict.advances());
    let mut blockers: Vec<Blocker> = holding.map(|word| Blocker::gate(&due.ring.name, word)).collect();
    blockers.extend(restore::writing_back(context, due).blockers(context.state.mode, due.ring));
    blockers
}

/// Where a rollout is that went back, with who did not.
fn rolled_back(context: &Context<'_>) -> Blocker {
    let rings = context.rollout.rings.iter();
    let missing = rings.flat_map(|ring| {
        let is_back = matches!(ring.stage, RingState::RolledBack(..));
        let words = context.judged(ring).iter().filter(move |word| is_back && !word.verdict.advances());
        words.map(|word| (ring.name.clone(), word.clone()))
    });
    Blocker::RolledBack { since: context.rollout.phase_since, missing: missing.collect() }
}

/// What the ring waits for that goes back now.
fn rollback_blockers(context: &Context<'_>, turn: Turn<'_>) -> Vec<Blocker> {
    match (going_back(context, &turn), &turn.ring.stage) {
        (PlannedStep::Waits, RingState::RollingBack(_, back)) => {
            let words = context.judged(turn.ring).iter();
            let missing = words.filter(|word| !word.verdict.advances()).cloned().collect();
            let until = back::step_ends_at(turn.plan, back);
            vec![Blocker::Returning { ring: turn.ring.name.clone(), missing, until }]
        }
        (planned, _) => planned.blockers(context.state.mode, turn.ring),
    }
}
