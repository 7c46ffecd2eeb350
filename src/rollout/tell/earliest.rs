//! When the clock alone could let a rollout move.
//!
//! **Invariant:** no instant is told while anything else is in the way.

use crate::plan::model::RingPlan;
use crate::rollout::decide::{
    backoff::not_before, context::Context, drift, planned::WriteBlock, restore, superseded,
    write::budget_spent_until,
};
use crate::rollout::judge::opening;
use crate::rollout::record::{Evidence, Judgement, Verdict, Waiting};
use crate::rollout::state::{Phase, Restoring, Ring, RingState};
use crate::time::Timestamp;

/// Whether nothing but the schedule and a wait is in the way of entering a ring.
fn clock_alone(context: &Context<'_>, ring: &Ring, plan: &RingPlan) -> bool {
    let left_ails = !superseded::ailing(context, plan).is_empty();
    if !wait_for_the_clock(context.judged(ring)) || context.ailing().next().is_some() || left_ails {
        return false;
    }
    context.entering().is_some_and(|entering| entering.is_blocked_only_by(is_of_the_clock))
}

/// Whether the clock alone ends it, gates aside.
fn is_of_the_clock(block: &WriteBlock) -> bool {
    match block {
        WriteBlock::Gates => true,
        WriteBlock::Other(blocker) => blocker.ends_by_the_clock(),
        WriteBlock::Block(_) | WriteBlock::Drifted => false,
    }
}

/// Whether of some gates only the schedule's wait.
fn wait_for_the_clock(judgements: &[Judgement]) -> bool {
    judgements.iter().all(|word| word.verdict.advances() || word.gate.is_of_schedule())
}

/// When the clock alone lets a group be written back.
fn earliest_restore(context: &Context<'_>) -> Option<Timestamp> {
    let due = restore::due(context)?;
    let by_the_clock = restore::writing_back(context, &due).is_blocked_only_by(is_of_the_clock);
    let Restoring { attempts, since, .. } = &due.ring.restoring;
    let budget = budget_spent_until(context).unwrap_or(context.now);
    let ready = not_before(attempts, *since).max(context.now).max(budget);
    let opens = due.plan.schedule.next_entry(ready, opening::LEFT_TO_ENTER);
    opens.filter(|_| by_the_clock && wait_for_the_clock(&due.judgements))
}

/// When the clock alone could let it move.
pub(crate) fn earliest_move(context: &Context<'_>) -> Option<Timestamp> {
    let unwritable = context.world.log_unwritable.is_some();
    if context.rollout.phase != Phase::Running || context.is_held() || unwritable {
        return None;
    }
    if !drift::bars(context).is_empty() {
        return earliest_restore(context);
    }
    let (ring, plan) = context.current()?;
    match &ring.stage {
        RingState::Entering(attempts) => {
            if !clock_alone(context, ring, plan) {
                return None;
            }
            let budget = budget_spent_until(context).unwrap_or(context.now);
            let ready = not_before(attempts, ring.since).max(context.now).max(budget);
            plan.schedule.next_entry(ready, opening::LEFT_TO_ENTER)
        }
        RingState::Soaking(..) => {
            let at = |judgement: &Judgement| match (&judgement.verdict, &judgement.evidence) {
                (Verdict::Wait(Waiting::SoakRunning), Evidence::Soak { ends_at, .. }) => Some(*ends_at),
                (Verdict::Wait(Waiting::TooSoon), Evidence::Dark(dark)) => dark.next_at,
                _ => None,
            };
            context.judged(ring).iter().filter_map(at).max()
        }
        RingState::Pending
        | RingState::Deploying(_)
        | RingState::Adopting(_)
        | RingState::Verified(_)
        | RingState::RollingBack(..)
        | RingState::RolledBack(..) => None,
    }
}
