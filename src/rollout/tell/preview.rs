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
use crate::rollout::decide::enter::{devices, recognised};
use crate::rollout::decide::write::{Need, blocked_version, need, too_many};
use crate::rollout::decide::{blocker::Blocker, context::Context, lifecycle, restore};
use crate::rollout::judge::grouping::{GroupStep, GroupSteps};
use crate::rollout::judge::rollback_target::{Stuck, foreseen};
use crate::rollout::judge::{downgrade, drift, gates, predecessor::Predecessor};
use crate::rollout::record::{
    AllMoves, Asks, Gate, Group, GroupContent, GroupDrift, Judgement, Mode, Purpose, RolloutId,
};
use crate::rollout::state::{IllegalEvent, Phase, Rollout, State};
use crate::rollout::tell::preview::devices::{DeviceCounts, moved};
use crate::rollout::tell::{
    decision::decide,
    preview::open_write::{OpenWrite, begun},
};
use crate::rollout::world::{Desired, Known, Observations};
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
pub fn preview(name: &PlanName, revision: &Revision, known: Known<'_>) -> Result<Preview, IllegalEvent> {
    let Known { state, world, now } = known;
    let desired = Desired::Present(revision);
    let before = match Predecessor::of(revision, state).and_then(Predecessor::goes_on) {
        Some(old) => {
            Some(RolloutId { plan: name.clone(), number: state.number_under(name, &old.rollout.id) })
        }
        None => state.plans.get(name).map(|plan| plan.rollout.id.clone()),
    };
    let waiting_on = waiting_on(name, desired, known)?;
    let refused = begun(name, desired, known, OpenWrite::Refused)?;
    let other = refused.plans.get(name).map(|plan| &plan.rollout.id);
    let mut ahead = PlanAhead { name, state: begun(name, desired, known, OpenWrite::Applied)?, world, now };
    let (restores, blocked) = ahead.undrifted();
    let waits = ahead.rollout().is_some_and(|rollout| rollout.waiting.is_some());
    if waits {
        ahead.finish_running(revision)?;
    }
    let Some((rollout, phase)) = ahead.rollout().map(|rollout| (rollout.id.clone(), rollout.phase)) else {
        return Ok(Preview {
            rollout: RolloutId { plan: name.clone(), number: state.next_number(name) },
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
        _ if other != Some(&rollout) => Course::HangsOnWrite,
        _ if before.as_ref() == Some(&rollout) => Course::GoesOn,
        _ => Course::Begins,
    };
    let rings = revision.plan.rings.iter();
    let mut rings: Vec<RingPreview> = rings.filter_map(|ring| ahead.ring(ring)).collect();
    if let Some((drifted, blocker)) = blocked {
        wait_for_drift(&mut rings, &drifted, blocker);
    }
    Ok(Preview { rollout, course, now: waiting_on, restores, rings })
}

/// What the daemon would wait for with this revision: its own report, that of one who observes.
fn waiting_on(name: &PlanName, desired: Desired<'_>, known: Known<'_>) -> Result<Vec<Blocker>, IllegalEvent> {
    let observing = State { mode: Some(Mode::Observe), ..known.state.clone() };
    let report = decide(name, desired, Known { state: &observing, ..known })?.report;
    let mut waiting_on = report.map(|report| report.waiting_on).unwrap_or_default();
    waiting_on.retain(|blocker| !matches!(blocker, Blocker::Observing(..) | Blocker::Moving));
    Ok(waiting_on)
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

/// What a plan does ahead of its time, folded into a state of its own.
struct PlanAhead<'a> {
    name: &'a PlanName,
    state: State,
    world: &'a Observations,
    now: Timestamp,
}

/// The next thing that happens to a ring.
enum Next {
    Write(PreviewedWrite),
    InPlace(Group),
    End(Outcome),
}

impl PlanAhead<'_> {
    const fn known(&self) -> Known<'_> {
        Known { state: &self.state, world: self.world, now: self.now }
    }

    fn context(&self) -> Option<Context<'_>> {
        Context::of(self.name, Desired::InForce, self.known())
    }

    fn rollout(&self) -> Option<&Rollout> {
        self.state.plans.get(self.name).map(|plan| &plan.rollout)
    }

    fn groups(&self) -> Vec<Group> {
        self.world.groups_now(&self.state).map(|groups| groups.value).unwrap_or_default()
    }

    /// Has the running rollout write all that it can, and the newer target begin.
    fn finish_running(&mut self, revision: &Revision) -> Result<(), IllegalEvent> {
        let Some(running) = self.rollout().cloned() else { return Ok(()) };
        for ring in &running.revision.plan.rings {
            let outcome = self.ring(ring).map(|ring| ring.outcome);
            if matches!(outcome, None | Some(Outcome::Blocked(_))) {
                break;
            }
        }
        let reason = "the running rollout is completed by then";
        let mut entries = lifecycle::take_over(&running.id, reason, revision).into_iter();
        entries.try_for_each(|entry| self.state.append(entry, self.now))
    }

    /// Deals with drift as the plan has it: what can be written back is, and a person accepts the rest. The groups
    /// that are written back; and the ring whose group cannot be until somebody does something, and why.
    fn undrifted(&mut self) -> (Vec<PreviewedWrite>, Option<(RingName, Blocker)>) {
        let mut writes = Vec::new();
        let Some(rollout) = self.rollout() else { return (writes, None) };
        let id = rollout.id.clone();
        let restores = rollout.revision.plan.on_drift == OnDrift::Restore && rollout.phase == Phase::Running;
        // Each group is written back once at most, and accepted once at most.
        for _ in 0..2 * (self.state.groups.len() + self.state.lost.len()) {
            let all = drift::groups(self.known(), self.name);
            let free = drift::first_to_restore(&all).filter(|_| restores).cloned();
            let accepted = || all.iter().find(|drift| !drift::is_accepted(&self.state, drift)).cloned();
            if let Some(drift) = free {
                let too_many = self.context().and_then(|context| {
                    let plan = context.rollout.ring_plan(&drift.ring)?;
                    too_many(plan, restore::devices(&context, plan, &drift))
                });
                if let Some(blocker) = too_many {
                    return (writes, Some((drift.ring, blocker)));
                }
                let after = restore::put_back(&drift);
                let GroupDrift { ring, seen, .. } = drift;
                let write = PreviewedWrite { purpose: Purpose::Restore, before: seen, after };
                let written = as_written(&write, self.state.groups.len(), self.now);
                self.state.own(&id, &ring, &written, self.now);
                writes.push(write);
            } else if let Some(drift) = accepted() {
                self.state.accept_drift(&drift, self.now);
            } else {
                break;
            }
        }
        (writes, None)
    }

    /// What becomes of one ring, folded into the state; `None`: the rollout has no such ring.
    fn ring(&mut self, plan: &RingPlan) -> Option<RingPreview> {
        let before = self.groups();
        let (mut writes, mut no_rollback_target, mut moves) = (Vec::new(), Vec::new(), AllMoves::new());
        let (outcome, waits) = loop {
            let (next, waits) = self.next(plan, &mut moves)?;
            match next {
                Next::End(outcome) => break (outcome, waits),
                Next::InPlace(group) => {
                    let rollout = self.rollout()?.id.clone();
                    self.state.own(&rollout, &plan.name, &group, self.now);
                    break (Outcome::InPlace, waits);
                }
                Next::Write(write) => {
                    let rollout = self.rollout()?;
                    let is_last = write.purpose == Purpose::Target;
                    if is_last {
                        let group = write.before.as_ref().map(|group| &group.content);
                        let (of, policies) = (&rollout.revision.plan, &write.after.policies);
                        no_rollback_target = foreseen(&self.state, of, plan, policies, group);
                    }
                    let rollout = rollout.id.clone();
                    let written = as_written(&write, self.state.groups.len(), self.now);
                    match is_last {
                        true => self.state.own(&rollout, &plan.name, &written, self.now),
                        false => self.state.moved_out_of(&written, self.now),
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
        let (retargeted, released) = moved(plan, (&before, &self.groups()), self.world, self.now);
        let name = plan.name.clone();
        Some(RingPreview { name, outcome, writes, retargeted, released, waits, no_rollback_target, moves })
    }

    /// The next thing that happens to a ring, with what its schedule says against it now.
    fn next(&self, plan: &RingPlan, moves: &mut AllMoves) -> Option<(Next, Vec<Judgement>)> {
        let context = self.context()?;
        let ring = context.rollout.ring(&plan.name)?;
        let end = |outcome| Some((Next::End(outcome), Vec::new()));
        let entered = ring.stage.is_entered().then(|| Outcome::Entered(ring.stage.as_str()));
        if matches!(context.rollout.phase, Phase::RollingBack | Phase::RolledBack) {
            let (since, missing) = (context.rollout.phase_since, Vec::new());
            let blocked = || Outcome::Blocked(vec![Blocker::RolledBack { since, missing }]);
            return end(entered.unwrap_or_else(blocked));
        }
        if !drift::offers_targets(&self.state, self.name, ring, plan) {
            let lacks = drift::lacks(&self.state, context.rollout, &plan.name);
            return end(Outcome::Blocked(vec![Blocker::NotOffered { ring: plan.name.clone(), lacks }]));
        }
        if let Some(entered) = entered {
            return end(entered);
        }
        let need = need(&context, plan);
        let judgements = gates::entry(context.subject(ring, plan));
        *moves = downgrade::moves_of(&judgements).unwrap_or_default();
        let goes_down =
            judgements.iter().any(|word| word.gate == Gate::Downgrade && !word.verdict.advances());
        if let Need::Steps(steps, policies) = &need
            && let step @ GroupStep::InPlace(group) = &steps.next
            && blocked_version(&self.state, plan, policies, step).is_none()
            && !goes_down
            && recognised(&context, plan, policies, step).is_some()
        {
            return Some((Next::InPlace(group.clone()), Vec::new()));
        }
        let blockers = blockers(&context, plan, &judgements, &need);
        let by_schedule = |word: &Judgement| !is_standing(word.gate) && !word.verdict.advances();
        let waits = judgements.into_iter().filter(by_schedule).collect();
        let next = match need {
            Need::Steps(steps, _) if blockers.is_empty() => match steps.next {
                GroupStep::InPlace(group) => Next::InPlace(group),
                GroupStep::Write { purpose, before, after } => {
                    Next::Write(PreviewedWrite { purpose, before, after })
                }
            },
            _ => Next::End(Outcome::Blocked(blockers)),
        };
        Some((next, waits))
    }
}

/// Whether a gate on entering stays shut until somebody does something.
const fn is_standing(gate: Gate) -> bool {
    matches!(gate.asks(), Asks::Sight | Asks::Plan)
}

/// What keeps a ring from being entered however long it waits: not its schedule.
fn blockers(context: &Context<'_>, plan: &RingPlan, judgements: &[Judgement], need: &Need) -> Vec<Blocker> {
    let ring = || plan.name.clone();
    let standing = |word: &&Judgement| is_standing(word.gate) && !word.verdict.advances();
    let gates = judgements.iter().filter(standing).map(|word| Blocker::gate(&plan.name, word));
    let mut blockers: Vec<Blocker> = gates.collect();
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
    let (id, read_at) = match &write.before {
        Some(group) => (group.id.clone(), group.updated_at.max(now)),
        None => (GroupId::to_be_created(groups), now),
    };
    Group { id, content: write.after.clone(), updated_at: after(read_at, SignedDuration::from_nanos(1)) }
}
