//! The last word before a write is sent: is everything as it was when it was planned?
//!
//! **Invariant:** what was not looked at just before is not sent.

use crate::ids::{GroupId, PlanName};
use crate::plan::model::RingPlan;
use crate::rollout::judge::{
    approval, between, freeze, grouping, opening, plan_file, revision::forbid, subject::Subject,
};
use crate::rollout::record::{Ask, BlockKind, Cancelled, Group, Purpose, Step, Verdict, WriteIntent};
use crate::rollout::state::{BlockedVersion, PendingWrite, Phase, PlanState, Rollout, State};
use crate::rollout::world::{Desired, ENTRY_MAX_AGE, Known, LIST_SETTLES_IN, Observations, Observed};
use crate::schedule::Schedule;
use crate::time::{Timestamp, since};
use crate::version::ClientVersion;

/// Owned groups of a plan that the list does not show: they are to be read one by one.
pub fn missing_groups(state: &State, plan: &PlanName, world: &Observations) -> Vec<GroupId> {
    let Some(listed) = &world.groups else { return Vec::new() };
    let owned = state.groups.iter().filter(|(id, owned)| {
        owned.plan == *plan
            && since(owned.last.updated_at, listed.as_of) > LIST_SETTLES_IN
            && !listed.value.iter().any(|group| group.id == **id)
    });
    owned.map(|(id, _)| id.clone()).collect()
}

/// What is read just before a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FreshRead {
    /// The group of an update; `None`: not found.
    Group(Option<Group>),
    /// All groups, before a create.
    Groups(Vec<Group>),
}

/// The last word before a planned write is sent, from state, the plan's file and a fresh look.
/// `counted`: the devices
/// that it would offer something else, by [`blast::count`](crate::rollout::judge::blast::count) over a fresh
/// listing; needed for a ring with `max_devices`, whatever the planner counted.
///
/// # Errors
/// With the reason why it must not be sent.
pub fn clear_to_send(
    known: Known<'_>,
    plan: &PlanName,
    desired: Desired<'_>,
    look: &Observed<FreshRead>,
    counted: Option<&Observed<usize>>,
) -> Result<(), Cancelled> {
    let Known { state, world, now } = known;
    let plan_state = state.plans.get(plan).ok_or(Cancelled::PlanChanged)?;
    let rollout = &plan_state.rollout;
    let (ring, write) = rollout.pending_write().ok_or(Cancelled::PlanChanged)?;
    let intent = &write.intent;
    let step = match intent.purpose {
        Purpose::Rollback { .. } => Step::Rollback,
        Purpose::Target if between::is_between(known, ring) => Step::SecondHalf,
        Purpose::PutBack { .. } => Step::SecondHalf,
        Purpose::Target | Purpose::MoveOut { .. } | Purpose::Restore => Step::Entry,
    };
    nothing_holds(known, plan_state, write, step)?;
    if step == Step::Rollback && rollout.phase != Phase::RollingBack {
        return Err(Cancelled::PlanChanged);
    }
    // A rollback asks for no opening, no freeze, no limit and no plan file: it takes back what a rollout did.
    // What is put back goes to the ring that had it, and changes nothing of what that ring is offered.
    if intent.purpose.goes_back() {
        fresh(look, now)?;
        return as_intended(intent, &look.value);
    }
    if rollout.phase == Phase::RollingBack {
        return Err(Cancelled::RolledBack);
    }
    if rollout.phase != Phase::Running || !rollout.follows(&intent.digest) {
        return Err(Cancelled::PlanChanged);
    }
    let standing = plan_file::standing(plan_state, desired, known);
    if let Some(block) = standing.filter(|kind| kind.stops(step)) {
        return Err(Cancelled::Blocked { block });
    }
    if step == Step::Entry && plan_file::changes(desired, known) {
        return Err(Cancelled::PlanChanged);
    }
    // Who held it may have come back since it was planned.
    if grouping::is_held_elsewhere(known, (plan, &ring.name), intent) {
        return Err(Cancelled::GroupInTheWay);
    }
    if let Some(version) = forbidden(rollout, intent) {
        return Err(Cancelled::Forbidden { version });
    }
    if let Some(doubt) = world.second_clock.in_the_way(now).filter(|_| BlockKind::ClockDoubted.stops(step)) {
        return Err(Cancelled::ClockDiffers { doubt });
    }
    let ring_plan = rollout.ring_plan(&ring.name).ok_or(Cancelled::PlanChanged)?;
    is_open(&ring_plan.schedule, now)?;
    if let Some(held) = blocked_version(state, intent) {
        return Err(Cancelled::BlockedVersion { version: held.version });
    }
    fresh(look, now)?;
    as_intended(intent, &look.value)?;
    approved(Subject { state, rollout, ring, plan: ring_plan, world, now }, write)?;
    within_limits(known, ring_plan, counted)
}

/// The limits on the devices of one write, and of all plans' writes in a day.
fn within_limits(
    known: Known<'_>,
    ring: &RingPlan,
    counted: Option<&Observed<usize>>,
) -> Result<(), Cancelled> {
    let Known { state, world, now } = known;
    if let Some(at_most) = ring.max_devices {
        let counted = fresh_count(counted, now)?;
        if at_most.is_exceeded_by(counted) {
            return Err(Cancelled::TooManyDevices { counted, at_most });
        }
    }
    // All plans together stay within the guard.
    if let Some(at_most) = world.devices_per_day {
        let (counted, before) = (fresh_count(counted, now)?, state.day.devices(now));
        // A write that moves nobody adds nothing.
        if counted > 0 && at_most.is_exceeded_by(before.saturating_add(counted)) {
            return Err(Cancelled::TooManyToday { counted, before, at_most });
        }
    }
    Ok(())
}

/// What stands against any write at all.
fn nothing_holds(
    known: Known<'_>,
    plan: &PlanState,
    write: &PendingWrite,
    step: Step,
) -> Result<(), Cancelled> {
    if known.state.stop.is_some() {
        return Err(Cancelled::Stopped);
    }
    // A daemon that had to read its log again doubts the write; then only reads may follow.
    if write.doubt.is_some() {
        return Err(Cancelled::Held);
    }
    if known.world.clock_behind.is_some() && BlockKind::ClockBehind.stops(step) {
        return Err(Cancelled::ClockBehind);
    }
    let held = plan.paused.is_some() || plan.rollout.halted.is_some();
    if held && step != Step::SecondHalf { Err(Cancelled::Held) } else { Ok(()) }
}

fn is_open(schedule: &Schedule, now: Timestamp) -> Result<(), Cancelled> {
    if !freeze::freeze(schedule, now).verdict.advances() {
        return Err(Cancelled::FreezeBegun);
    }
    let opening = opening::opening(schedule, now);
    if opening.verdict.advances() { Ok(()) } else { Err(Cancelled::OpeningClosed) }
}

/// What a write would offer that the plan forbids. One that only takes profiles out offers nothing.
pub(crate) fn forbidden(rollout: &Rollout, intent: &WriteIntent) -> Option<ClientVersion> {
    if intent.purpose.is_of_another_group() {
        return None;
    }
    let versions = intent.after.versions.iter().filter_map(|entry| entry.version.parse().ok());
    versions.into_iter().find(|version| forbid(&rollout.revision.plan, *version).is_some())
}

/// What a write would offer that is blocked there. One that only takes profiles out offers nothing.
pub(crate) fn blocked_version<'a>(state: &'a State, intent: &'a WriteIntent) -> Option<&'a BlockedVersion> {
    match intent.purpose {
        Purpose::MoveOut { .. } | Purpose::PutBack { .. } => None,
        Purpose::Target | Purpose::Restore | Purpose::Rollback { .. } => state.held_of(&intent.after).next(),
    }
}

/// Whether the approvals hold by members that were read after the write was planned.
fn approved(subject: Subject<'_>, write: &PendingWrite) -> Result<(), Cancelled> {
    let asks: Vec<Ask> = write.intent.asks().cloned().collect();
    if asks.is_empty() {
        return Ok(());
    }
    let (verdict, approved) = approval::tallied(subject, &asks, write.planned_at);
    match verdict {
        Verdict::Unknown(_) => Err(Cancelled::ReadFailed { message: approved.value(&verdict) }),
        verdict if verdict.advances() => Ok(()),
        verdict => Err(Cancelled::ApprovalVoid { seen: approved.value(&verdict) }),
    }
}

fn fresh(look: &Observed<FreshRead>, now: Timestamp) -> Result<(), Cancelled> {
    if since(look.as_of, now) > ENTRY_MAX_AGE {
        return Err(unread("the read before the write is too old"));
    }
    Ok(())
}

fn unread(message: &str) -> Cancelled {
    Cancelled::ReadFailed { message: message.to_owned() }
}

/// The fresh count, when it is there and fresh.
fn fresh_count(counted: Option<&Observed<usize>>, now: Timestamp) -> Result<usize, Cancelled> {
    match counted {
        None => Err(unread("its devices were not counted before the write")),
        Some(counted) if since(counted.as_of, now) > ENTRY_MAX_AGE => {
            Err(unread("the count of its devices before the write is too old"))
        }
        Some(counted) => Ok(counted.value),
    }
}

/// Whether Cloudflare is as the intent has it.
fn as_intended(intent: &WriteIntent, look: &FreshRead) -> Result<(), Cancelled> {
    match (&intent.before, look) {
        (Some(before), FreshRead::Group(Some(group))) => {
            let same = group.id == before.id
                && group.updated_at == before.updated_at
                && group.content.offers_the_same(&before.content);
            if same { Ok(()) } else { Err(Cancelled::ConcurrentEdit) }
        }
        (Some(_), FreshRead::Group(None)) => Err(Cancelled::GroupGone),
        (None, FreshRead::Groups(groups)) => {
            let in_the_way = groups.iter().any(|group| group.is_in_the_way_of(&intent.after));
            if in_the_way { Err(Cancelled::GroupInTheWay) } else { Ok(()) }
        }
        (Some(_), FreshRead::Groups(_)) | (None, FreshRead::Group(_)) => {
            Err(unread("the wrong thing was read"))
        }
    }
}
