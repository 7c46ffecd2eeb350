//! What to read next, and when to decide again.
//!
//! **Invariant:** every exact instant at which a verdict can change is a wake-up; a read that is
//! wanted has an instant too, so nothing waits for a tick.

use std::collections::BTreeSet;

use crate::ids::{PolicyId, UserGroupName};
use crate::plan::model::RingPlan;
use crate::rollout::decide::rollback::{Turn, turn};
use crate::rollout::decide::{
    backoff::not_before, between, context::Context, outcome, restore, write::budget_spent_until,
};
use crate::rollout::judge::{adoption, approval, back, last_check, opening::LEFT_TO_ENTER};
use crate::rollout::record::Evidence;
use crate::rollout::state::{Attempts, Phase, Restoring, Ring, RingState};
use crate::rollout::world::{
    APPROVERS_EVERY, Desired, ENTRY_MAX_AGE, FULL_SWEEP_EVERY, INCREMENTAL_SWEEP_EVERY, PROFILES_EVERY,
    READ_AHEAD, Read, Want,
};
use crate::schedule::Writable;
use crate::time::{Timestamp, after};

/// What the rollout wants to see.
pub(crate) fn wants(context: &Context<'_>) -> Vec<Want> {
    let (rollout, world, now) = (context.rollout, context.world, context.now);
    let mut wants = Vec::new();
    if let Some((_, pending)) = rollout.pending_write() {
        wants.extend(outcome::doubt_want(pending));
    }
    // Whoever was not back in time comes back later, and is told of then.
    if rollout.phase == Phase::RolledBack {
        return of_devices(context);
    }
    if !matches!(rollout.phase, Phase::Running | Phase::RollingBack) {
        return wants;
    }
    let profiles = world.profiles.as_ref().map(|profiles| profiles.as_of);
    wants.push(Want::renewed(Read::Groups, world.groups_read_at(), world.cadence.poll, now));
    wants.push(Want::renewed(Read::Profiles, profiles, PROFILES_EVERY, now));
    wants.extend(of_devices(context));
    if world.fleet.full_sweep_at().is_some() {
        // A look for silent devices is known with the first sweep after it.
        wants.extend(next_look(context).map(|at| Want { read: Read::IncrementalSweep, at }));
    }
    for id in last_check::missing_groups(context.state, &rollout.id.plan, world) {
        let last = world.single_groups.get(&id).map(|read| read.as_of);
        wants.push(Want::renewed(Read::Group(id), last, world.cadence.poll, now));
    }
    for policy in rollout.rings.iter().filter_map(moving).flatten() {
        let read = Read::ProfileSweep(policy.clone());
        let policy = std::iter::once(policy.clone()).collect();
        let last = world.fleet.known_until(&policy);
        wants.push(Want::renewed(read, last, world.cadence.poll, now));
    }
    // What is between two groups is put back by groups that are newer than the last attempt.
    wants.extend(between::between(context).map(|ring| {
        let failed_at = ring.between.since.filter(|_| ring.between.back.failed > 0);
        newer_groups(context, failed_at, now)
    }));
    if rollout.phase == Phase::RollingBack {
        wants.extend(turn(context).and_then(|turn| before_going_back(context, turn)));
        return wants;
    }
    wants.extend(approvers(context));
    if let Some(due) = restore::due(context) {
        let Restoring { attempts, since, .. } = &due.ring.restoring;
        wants.extend(before_a_write(context, due.plan, attempts, *since));
    }
    if let Some((Ring { stage: RingState::Entering(attempts), since, .. }, plan)) = context.current()
        && context.desired != Desired::Gone
    {
        wants.extend(before_a_write(context, plan, attempts, *since));
    }
    wants
}

/// The people who are asked about rings that are not entered.
pub(crate) fn approvers(context: &Context<'_>) -> Vec<Want> {
    let open = context.rollout.rings_with_plans().filter(|(ring, _)| !ring.stage.is_entered());
    let asks = open.map(|(ring, plan)| approval::asks_of(context.subject(ring, plan)));
    let want = |user_group: UserGroupName| {
        let last = context.world.user_groups.get(&user_group).map(|read| read.as_of);
        Want::renewed(Read::Approvers(user_group), last, APPROVERS_EVERY, context.now)
    };
    approval::groups_asked(asks).into_iter().map(want).collect()
}

/// All devices now and then, and more often those that were seen lately.
fn of_devices(context: &Context<'_>) -> Vec<Want> {
    let fleet = &context.world.fleet;
    let (full, swept) = (fleet.full_sweep_at(), fleet.swept_at());
    let mut wants = vec![Want::renewed(Read::FullSweep, full, FULL_SWEEP_EVERY, context.now)];
    if full.is_some() {
        wants.push(Want::renewed(Read::IncrementalSweep, swept, INCREMENTAL_SWEEP_EVERY, context.now));
    }
    wants
}

/// What a ring needs to see that goes back: groups that are newer than its last attempt.
fn before_going_back(context: &Context<'_>, turn: Turn<'_>) -> Option<Want> {
    if turn.ring.stage.is_back_at(&turn.step.to()) {
        return None;
    }
    let Restoring { attempts, since, .. } = &turn.ring.restoring;
    let failed_at = Some(*since).filter(|_| attempts.failed > 0);
    Some(newer_groups(context, failed_at, not_before(attempts, *since)))
}

/// Groups for a write that goes back; where the last one failed on groups that were read before, anew at `again`.
fn newer_groups(context: &Context<'_>, failed_at: Option<Timestamp>, again: Timestamp) -> Want {
    let at = match context.world.groups_read_at() {
        None => context.now,
        Some(read_at) if failed_at.is_some_and(|failed_at| read_at < failed_at) => again,
        Some(read_at) => after(read_at, ENTRY_MAX_AGE),
    };
    Want { read: Read::Groups, at }
}

/// The profiles of a ring whose devices are on the way to what is on offer.
fn moving(ring: &Ring) -> Option<&BTreeSet<PolicyId>> {
    match &ring.stage {
        RingState::Adopting(assigned) | RingState::RollingBack(assigned, _) => Some(&assigned.policies),
        RingState::Entering(_)
        | RingState::Pending
        | RingState::Deploying(_)
        | RingState::Soaking(..)
        | RingState::Verified(_)
        | RingState::RolledBack(..) => None,
    }
}

/// What the next write for a ring needs to see; `since`: when the last attempt ended.
fn before_a_write(
    context: &Context<'_>,
    plan: &RingPlan,
    attempts: &Attempts,
    since: Timestamp,
) -> Vec<Want> {
    let (world, now) = (context.world, context.now);
    let groups = world.groups_read_at();
    let profiles = world.profiles.as_ref().map(|profiles| profiles.as_of);
    let full = world.fleet.full_sweep_at();
    let mut wants = Vec::new();
    // A write that came to nothing rested on groups that may have changed: the next one rests on
    // a newer look, not on the same one until the next poll.
    if attempts.failed > 0 && groups.is_none_or(|at| at < since) {
        wants.push(Want { read: Read::Groups, at: now });
    }
    // What it needs is read shortly before the opening, so that it finds it fresh.
    let opens_at = plan.schedule.next_entry(now, LEFT_TO_ENTER);
    if let Some(enters_at) = opens_at.map(|at| at.max(not_before(attempts, since))) {
        let ahead = after(enters_at, -READ_AHEAD);
        for (read, last) in [(Read::FullSweep, full), (Read::Profiles, profiles), (Read::Groups, groups)] {
            wants.push(fresh_for(read, last, ahead, now));
        }
        for user_group in approval::groups_asked([approval::asks(plan, world, None)].into_iter()) {
            let last = world.user_groups.get(&user_group).map(|read| read.as_of);
            wants.push(fresh_for(Read::Approvers(user_group), last, ahead, now));
        }
    }
    wants
}

/// A read that an entry at `ahead` + [`READ_AHEAD`] needs fresh.
fn fresh_for(read: Read, last: Option<Timestamp>, ahead: Timestamp, now: Timestamp) -> Want {
    let at = match last {
        None => now,
        // Read again only once it is older than the look ahead: while an opening is on and
        // something else is in the way, the last look stays fresh for a while.
        Some(last) if last >= ahead => after(last, READ_AHEAD),
        Some(_) => ahead,
    };
    Want { read, at }
}

/// The next instant at which time alone can change the decision, or a read is due.
pub(crate) fn wake_at(context: &Context<'_>, wants: &[Want]) -> Option<Timestamp> {
    let (rollout, now) = (context.rollout, context.now);
    let mut instants: Vec<Timestamp> = wants.iter().map(|want| want.at).collect();
    if let Some(turn) = turn(context) {
        let Restoring { attempts, since, .. } = &turn.ring.restoring;
        instants.push(not_before(attempts, *since));
        instants.extend(budget_spent_until(context));
        if let RingState::RollingBack(_, back) = &turn.ring.stage {
            instants.push(back::step_ends_at(turn.plan, back));
        }
    }
    if let Some(ring) = between::between(context) {
        instants.push(between::not_before(ring));
        instants.extend(budget_spent_until(context));
    }
    if rollout.phase == Phase::Running {
        if let Some(due) = restore::due(context) {
            let Restoring { attempts, since, .. } = &due.ring.restoring;
            instants.extend(writable_at(context, due.plan, attempts, *since));
        }
        if context.world.devices_per_day.is_some() {
            instants.extend(context.state.day.next_end(now));
        }
        for (ring, plan) in rollout.rings_with_plans() {
            let limit = plan.unknown_after.get();
            instants.extend(ring.unknown.values().map(|unknown| after(unknown.since, limit)));
            match &ring.stage {
                RingState::Entering(attempts) => {
                    let given = ring.words.counting(&rollout.revision.digest, now);
                    instants.extend(given.map(|(_, approval)| approval.expires_at));
                    instants.extend(approval::ask_from(plan, now));
                    instants.extend(writable_at(context, plan, attempts, ring.since));
                }
                RingState::Adopting(assigned) => {
                    // A deadline that stands still never comes; the resume or the freeze's end wakes.
                    if !context.is_held() && plan.schedule.freeze_at(now).is_none() {
                        instants.push(adoption::deadline(rollout, plan, assigned, now));
                    }
                    instants.extend(plan.schedule.next_change(now));
                }
                RingState::Soaking(_, soak) => instants.push(after(soak.started_at, plan.soak.get())),
                RingState::Pending
                | RingState::Deploying(_)
                | RingState::Verified(_)
                | RingState::RollingBack(..)
                | RingState::RolledBack(..) => {}
            }
        }
    }
    instants.into_iter().filter(|instant| *instant > now).min()
}

/// When the clock alone can change whether a write for a ring may be planned.
fn writable_at(
    context: &Context<'_>,
    plan: &RingPlan,
    attempts: &Attempts,
    since: Timestamp,
) -> impl Iterator<Item = Timestamp> {
    let now = context.now;
    let by_schedule = [
        plan.schedule.next_change(now),
        plan.schedule.next_entry(now, LEFT_TO_ENTER),
        last_entry(plan, now),
        budget_spent_until(context),
    ];
    by_schedule.into_iter().flatten().chain([not_before(attempts, since)])
}

/// The next look for silent devices, or one that no sweep has reached yet.
fn next_look(context: &Context<'_>) -> Option<Timestamp> {
    let judged = context.rollout.rings.iter().flat_map(|ring| context.judged(ring));
    let judged = judged.chain(context.left().flat_map(|(_, words)| words));
    let looks = judged.filter_map(|judgement| match &judgement.evidence {
        Evidence::Dark(dark) => dark.next_at,
        _ => None,
    });
    looks.min()
}

/// When the present opening becomes too short to enter.
fn last_entry(plan: &RingPlan, now: Timestamp) -> Option<Timestamp> {
    match plan.schedule.enterable(now, LEFT_TO_ENTER) {
        Writable::Until(end) => Some(end),
        Writable::NotNow | Writable::Unlimited => None,
    }
}
