//! What a plan would change at Cloudflare, ring by ring, if nothing but time were in its way.
//!
//! It asks [`need`], which decisions ask as well, and folds each answer into a copy of the state:
//! so a later ring sees what the earlier ones did, and execution makes the writes listed here.
//!
//! **Invariant:** the writes up to the first blocked ring are those that execution makes, in this
//! order, as long as the account and the plan stay as they are.

pub mod devices;
mod open_write;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::ids::{GroupId, PlanName, RingName};
use crate::plan::model::{OnDrift, Revision, RingPlan};
use crate::rollout::decide::blocker::Blocker;
use crate::rollout::decide::context::Context;
use crate::rollout::decide::enter::{devices, recognised};
use crate::rollout::decide::write::{Need, blocked_version, need, too_many};
use crate::rollout::decide::{lifecycle, restore};
use crate::rollout::judge::grouping::{GroupStep, GroupSteps};
use crate::rollout::judge::predecessor::Predecessor;
use crate::rollout::judge::rollback_target::{Stuck, foreseen};
use crate::rollout::judge::{downgrade, drift, gates};
use crate::rollout::record::{
    AllMoves, Asks, Gate, Group, GroupContent, GroupDrift, Judgement, Mode, Purpose, Recorded, RolloutId,
};
use crate::rollout::state::{IllegalEvent, Phase, State};
use crate::rollout::tell::decision::decide;
use crate::rollout::tell::preview::devices::{DeviceCounts, moved};
use crate::rollout::tell::preview::open_write::{OpenWrite, begun};
use crate::rollout::world::{Desired, Observations};
use crate::time::{SignedDuration, Timestamp, after};

/// What a plan would change.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an unread preview warns nobody"]
pub struct Preview {
    /// The rollout that would do it.
    pub rollout: RolloutId,
    /// What the plan means to that rollout.
    pub course: Course,
    /// What stands against the next move now, in the order of the ladder; empty when it goes on by
    /// itself.
    pub now: Vec<Blocker>,
    /// Groups that drifted and are written back, before anything else.
    pub restores: Vec<PreviewedWrite>,
    /// Its rings, in order of entry.
    pub rings: Vec<RingPreview>,
}

/// What a plan means to its rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// It begins a rollout.
    Begins,
    /// A write without an outcome decides: if it was applied, it begins this rollout; otherwise the
    /// one before goes on.
    HangsOnWrite,
    /// Its rollout goes on, under this revision or the same.
    GoesOn,
    /// It waits until the running rollout is completed (`on_new_target: finish`); its rings show what it
    /// changes then, should nothing keep the running one from its end.
    Waits,
    /// Its rollout is completed, and this revision asks for nothing else.
    Completed,
    /// Its rollout goes back, and this revision has its say afterwards.
    RollingBack,
    /// Its rollout went back, and what this revision asks for is blocked.
    RolledBack,
}

/// What would happen to one ring.
#[derive(Debug, Clone, PartialEq)]
pub struct RingPreview {
    pub name: RingName,
    /// What it comes to.
    pub outcome: Outcome,
    /// The writes for it, in order.
    pub writes: Vec<PreviewedWrite>,
    /// Devices that are offered another version by them.
    pub retargeted: DeviceCounts,
    /// Devices that are offered none any more: their profile leaves the group, and no ring up to
    /// here takes it.
    pub released: DeviceCounts,
    /// What its schedule says against entering it now.
    pub waits: Vec<Judgement>,
    /// What of it could not be rolled back.
    pub no_rollback_target: Vec<Stuck>,
    /// Where its devices come from, while it is not entered; none while they are not known.
    pub moves: AllMoves,
}

/// What a ring comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is entered already and gets no further write; the word of its state.
    Entered(&'static str),
    /// Its group already offers the targets.
    InPlace,
    /// It is written.
    Written,
    /// These keep it from being entered until somebody does something; later rings wait for it.
    Blocked(Vec<Blocker>),
}

/// A write that would be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewedWrite {
    /// What for.
    pub purpose: Purpose,
    /// The group before it; `None`: it is created.
    pub before: Option<Group>,
    /// The group as it shall be.
    pub after: GroupContent,
}

impl Preview {
    /// The writes that execution would make before it stands: all up to the first blocked ring.
    pub fn writes(&self) -> impl Iterator<Item = &PreviewedWrite> {
        self.restores.iter().chain(self.reachable().flat_map(|ring| &ring.writes))
    }

    /// The rings up to the first blocked one, which is included.
    pub fn reachable(&self) -> impl Iterator<Item = &RingPreview> {
        let blocked = self.rings.iter().position(|ring| matches!(ring.outcome, Outcome::Blocked(_)));
        self.rings.iter().take(blocked.map_or(self.rings.len(), |index| index + 1))
    }
}

/// What `revision` would change at Cloudflare, by what is known of the account at `now`.
///
/// # Errors
/// When an event that the ladder made does not fit the state: a fault in ringward.
pub fn preview(
    name: &PlanName,
    revision: &Revision,
    state: &State,
    world: &Observations,
    now: Timestamp,
) -> Result<Preview, IllegalEvent> {
    let desired = Desired::Present(revision);
    let goes_on = Predecessor::that_goes_on(revision, state).map(|plan| &plan.rollout.id);
    let before = match goes_on {
        Some(old) => Some(RolloutId { plan: name.clone(), number: state.number_under(name, old) }),
        None => state.plans.get(name).map(|plan| plan.rollout.id.clone()),
    };
    let first = state.next_number(name);
    let waiting_on = waiting_on(name, desired, state, world, now)?;
    let refused = begun(name, desired, state, now, OpenWrite::Refused)?;
    let other = refused.plans.get(name).map(|plan| plan.rollout.id.clone());
    let mut state = begun(name, desired, state, now, OpenWrite::Applied)?;
    let Undrifted { writes: restores, blocked } = undrifted(name, &mut state, world, now);
    let waits = state.plans.get(name).is_some_and(|plan| plan.rollout.waiting.is_some());
    if waits {
        finish_running(name, revision, &mut state, world, now)?;
    }
    let Some((rollout, phase)) =
        state.plans.get(name).map(|plan| (plan.rollout.id.clone(), plan.rollout.phase))
    else {
        return Ok(Preview {
            rollout: RolloutId { plan: name.clone(), number: first },
            course: Course::Begins,
            now: waiting_on,
            restores,
            rings: Vec::new(),
        });
    };
    let course = match phase {
        _ if waits => Course::Waits,
        Phase::Completed => Course::Completed,
        Phase::RollingBack => Course::RollingBack,
        Phase::RolledBack => Course::RolledBack,
        _ if other.as_ref() != Some(&rollout) => Course::HangsOnWrite,
        _ if before.as_ref() == Some(&rollout) => Course::GoesOn,
        _ => Course::Begins,
    };
    let rings = revision.plan.rings.iter();
    let mut rings: Vec<RingPreview> =
        rings.filter_map(|ring| ring_preview(name, ring, &mut state, world, now)).collect();
    if let Some((drifted, blocker)) = blocked {
        wait_for_drift(&mut rings, &drifted, blocker);
    }
    Ok(Preview { rollout, course, now: waiting_on, restores, rings })
}

/// Has the running rollout write all that it can, and the newer target begin.
fn finish_running(
    name: &PlanName,
    revision: &Revision,
    state: &mut State,
    world: &Observations,
    now: Timestamp,
) -> Result<(), IllegalEvent> {
    let Some(running) = state.plans.get(name).map(|plan| plan.rollout.clone()) else { return Ok(()) };
    for ring in &running.revision.plan.rings {
        let outcome = ring_preview(name, ring, state, world, now).map(|ring| ring.outcome);
        if matches!(outcome, None | Some(Outcome::Blocked(_))) {
            break;
        }
    }
    for entry in lifecycle::take_over(&running.id, "the running rollout is completed by then", revision) {
        let at = state.last_at.map_or(now, |last| last.max(now));
        state.apply(&Recorded { seq: state.seq + 1, at, entry })?;
    }
    Ok(())
}

/// What the daemon would wait for with this revision: its own report, that of one who observes.
pub(crate) fn waiting_on(
    name: &PlanName,
    desired: Desired<'_>,
    state: &State,
    world: &Observations,
    now: Timestamp,
) -> Result<Vec<Blocker>, IllegalEvent> {
    let observing = State { mode: Some(Mode::Observe), ..state.clone() };
    let report = decide(name, desired, &observing, world, now)?.report;
    let mut waiting_on = report.map(|report| report.waiting_on).unwrap_or_default();
    waiting_on.retain(|blocker| !matches!(blocker, Blocker::Observing(..) | Blocker::Moving));
    Ok(waiting_on)
}

/// What becomes of drift.
#[derive(Default)]
struct Undrifted {
    /// The groups that are written back.
    writes: Vec<PreviewedWrite>,
    /// The ring whose group cannot be, and why: until somebody does something.
    blocked: Option<(RingName, Blocker)>,
}

/// Until a drifted group is written back no ring is entered, and its own ring is not verified.
fn wait_for_drift(rings: &mut [RingPreview], drifted: &RingName, blocker: Blocker) {
    let waits =
        |ring: &&mut RingPreview| !matches!(ring.outcome, Outcome::Entered(_)) || ring.name == *drifted;
    if let Some(ring) = rings.iter_mut().find(waits) {
        ring.outcome = Outcome::Blocked(vec![blocker]);
        ring.writes.clear();
        ring.retargeted.clear();
        ring.released.clear();
    }
}

/// Deals with drift as the plan has it: what can be written back is, and a person accepts the rest.
fn undrifted(name: &PlanName, state: &mut State, world: &Observations, now: Timestamp) -> Undrifted {
    let mut undrifted = Undrifted::default();
    let Some(rollout) = state.plans.get(name).map(|plan| &plan.rollout) else { return undrifted };
    let id = rollout.id.clone();
    let restores = rollout.revision.plan.on_drift == OnDrift::Restore && rollout.phase == Phase::Running;
    // Each group is written back once at most, and accepted once at most.
    for _ in 0..2 * (state.groups.len() + state.lost.len()) {
        let all = drift::groups(state, name, world);
        let free = drift::first_to_restore(state, &all).filter(|_| restores).cloned();
        let accepted = || all.iter().find(|drift| !drift::is_accepted(state, drift)).cloned();
        if let Some(drift) = free {
            let too_many = Context::of(name, Desired::InForce, state, world, now).and_then(|context| {
                let plan = context.rollout.ring_plan(&drift.ring)?;
                too_many(plan, restore::devices(&context, plan, &drift))
            });
            if let Some(blocker) = too_many {
                undrifted.blocked = Some((drift.ring, blocker));
                break;
            }
            let after = restore::put_back(&drift);
            let GroupDrift { ring, seen, .. } = drift;
            let write = PreviewedWrite { purpose: Purpose::Restore, before: seen, after };
            let written = as_written(&write, state.groups.len(), now);
            state.own(&id, &ring, &written, now);
            undrifted.writes.push(write);
        } else if let Some(drift) = accepted() {
            state.accept_drift(&drift, now);
        } else {
            break;
        }
    }
    undrifted
}

/// What becomes of one ring, folded into `state`; `None`: the rollout has no such ring.
fn ring_preview(
    name: &PlanName,
    plan: &RingPlan,
    state: &mut State,
    world: &Observations,
    now: Timestamp,
) -> Option<RingPreview> {
    let groups = |state: &State| world.groups_now(state).map(|groups| groups.value).unwrap_or_default();
    let before = groups(state);
    let (mut writes, mut no_rollback_target, mut moves) = (Vec::new(), Vec::new(), AllMoves::new());
    let (outcome, waits) = loop {
        match next(name, plan, state, world, now, &mut moves)? {
            Next::End(outcome, waits) => break (outcome, waits),
            Next::InPlace(group, waits) => {
                let rollout = state.plans.get(name)?.rollout.id.clone();
                state.own(&rollout, &plan.name, &group, now);
                break (Outcome::InPlace, waits);
            }
            Next::Write(write, waits) => {
                let rollout = &state.plans.get(name)?.rollout;
                let is_last = write.purpose == Purpose::Target;
                if is_last {
                    let group = write.before.as_ref().map(|group| &group.content);
                    no_rollback_target =
                        foreseen(state, &rollout.revision.plan, plan, &write.after.policies, group);
                }
                let rollout = rollout.id.clone();
                let written = as_written(&write, state.groups.len(), now);
                match is_last {
                    true => state.own(&rollout, &plan.name, &written, now),
                    false => state.moved_out_of(&written, now),
                }
                writes.push(write);
                // Each write but the last takes a group out of the way; one that did not would be a
                // fault, and is told rather than repeated for ever.
                if is_last || writes.len() > before.len() + 1 {
                    break (Outcome::Written, waits);
                }
            }
        }
    };
    let (retargeted, released) = moved(plan, (&before, &groups(state)), world, now);
    let name = plan.name.clone();
    Some(RingPreview { name, outcome, writes, retargeted, released, waits, no_rollback_target, moves })
}

/// The next thing that happens to a ring, with what its schedule says against it now.
enum Next {
    Write(PreviewedWrite, Vec<Judgement>),
    InPlace(Group, Vec<Judgement>),
    End(Outcome, Vec<Judgement>),
}

fn next(
    name: &PlanName,
    plan: &RingPlan,
    state: &State,
    world: &Observations,
    now: Timestamp,
    moves: &mut AllMoves,
) -> Option<Next> {
    let context = Context::of(name, Desired::InForce, state, world, now)?;
    let ring = context.rollout.ring(&plan.name)?;
    if matches!(context.rollout.phase, Phase::RollingBack | Phase::RolledBack) {
        let (since, missing) = (context.rollout.phase_since, Vec::new());
        return Some(Next::End(
            match ring.stage.is_entered() {
                true => Outcome::Entered(ring.stage.as_str()),
                false => Outcome::Blocked(vec![Blocker::RolledBack { since, missing }]),
            },
            Vec::new(),
        ));
    }
    if !drift::offers_targets(state, name, ring, plan) {
        let lacks = drift::lacks(state, context.rollout, &plan.name);
        let blocked = vec![Blocker::NotOffered { ring: plan.name.clone(), lacks }];
        return Some(Next::End(Outcome::Blocked(blocked), Vec::new()));
    }
    if ring.stage.is_entered() {
        return Some(Next::End(Outcome::Entered(ring.stage.as_str()), Vec::new()));
    }
    let need = need(&context, plan);
    let judgements = gates::entry(context.subject(ring, plan));
    *moves = downgrade::moves_of(&judgements).unwrap_or_default();
    let goes_down = judgements.iter().any(|word| word.gate == Gate::Downgrade && !word.verdict.advances());
    if let Need::Steps(steps, policies) = &need
        && let step @ GroupStep::InPlace(group) = &steps.next
        && blocked_version(state, plan, policies, step).is_none()
        && !goes_down
        && recognised(&context, plan, policies, step).is_some()
    {
        return Some(Next::InPlace(group.clone(), Vec::new()));
    }
    let blockers = blockers(&context, plan, &judgements, &need);
    let by_schedule = |word: &Judgement| !is_standing(word.gate) && !word.verdict.advances();
    let waits = judgements.into_iter().filter(by_schedule).collect();
    Some(match need {
        Need::Steps(steps, _) if blockers.is_empty() => match steps.next {
            GroupStep::InPlace(group) => Next::InPlace(group, waits),
            GroupStep::Write { purpose, before, after } => {
                Next::Write(PreviewedWrite { purpose, before, after }, waits)
            }
        },
        _ => Next::End(Outcome::Blocked(blockers), waits),
    })
}

/// Whether a gate on entering stays shut until somebody does something.
const fn is_standing(gate: Gate) -> bool {
    matches!(gate.asks(), Asks::Sight | Asks::Plan)
}

/// What keeps a ring from being entered however long it waits: not its schedule.
fn blockers(context: &Context<'_>, plan: &RingPlan, judgements: &[Judgement], need: &Need) -> Vec<Blocker> {
    let ring = || plan.name.clone();
    let standing = |word: &&Judgement| is_standing(word.gate) && !word.verdict.advances();
    let mut blockers: Vec<Blocker> = judgements
        .iter()
        .filter(standing)
        .map(|word| Blocker::Gate(ring(), Box::new(word.clone())))
        .collect();
    match need {
        Need::Unread => blockers.push(Blocker::GroupsUnread(ring())),
        Need::Veto(veto) => blockers.push(Blocker::Veto(ring(), veto.clone())),
        Need::Steps(steps, policies) => {
            let GroupSteps { next, last } = &**steps;
            let held = blocked_version(context.state, plan, policies, last).cloned();
            blockers.extend(held.map(|held| Blocker::BlockedVersion(ring(), Box::new(held))));
            let mut each = [next, last].into_iter().map(|step| devices(context, plan, step));
            blockers.extend(each.find_map(|devices| too_many(plan, devices)));
        }
        Need::Unresolved => {}
    }
    blockers
}

/// The group as it would be answered: newer than anything read.
fn as_written(write: &PreviewedWrite, groups: usize, now: Timestamp) -> Group {
    let read_at = write.before.as_ref().map_or(now, |group| group.updated_at.max(now));
    Group {
        id: write.before.as_ref().map_or_else(|| GroupId::to_be_created(groups), |group| group.id.clone()),
        content: write.after.clone(),
        updated_at: after(read_at, SignedDuration::from_nanos(1)),
    }
}
