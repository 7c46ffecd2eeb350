//! A plan's line in the books: its rollout, its rings, and what keeps it.
//!
//! **Invariant:** nothing here is an event's: what events make of a line stands beside it. A ring that the running rollout
//! has entered has nothing left of an earlier one.

use std::collections::{BTreeMap, BTreeSet};

use super::groups::GroupBook;
use super::kinds::is_of_health;
use super::left::{BroughtVersions, LeftLine};
use super::ring::{LedgerRingState, RingLine};
use crate::ids::{PlanName, RingName};
use crate::plan::model::{Plan, Revision, RingPlan};
use crate::rollout::record::{
    Acknowledged, BlockKind, Cause, Event, Purpose, Recorded, RollbackStep, RolloutId,
};
use crate::schedule::Schedule;
use crate::time::{SignedDuration, Timestamp, since};
use crate::version::{ClientVersion, Environment};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlanPhase {
    Running,
    Completed,
    RollingBack,
    RolledBack,
    Superseded,
    Withdrawn,
}

/// A ring of the rollout, with what the plan in force says of it.
pub(crate) type PlannedRing<'a> = (&'a RingLine<'a>, &'a RingPlan);

/// A ring of a rollback.
pub(crate) struct StepLine<'a> {
    pub(crate) step: &'a RollbackStep,
    pub(super) is_begun: bool,
    pub(crate) is_done: bool,
}

pub(crate) struct PlanLine<'a> {
    pub(crate) number: u64,
    pub(crate) revision: &'a Revision,
    /// The plan in force: that of the revision, with what restricts it since.
    pub(crate) plan: &'a Plan,
    /// The names that rings had in that plan, by those that they have now.
    pub(super) was: BTreeMap<&'a RingName, &'a RingName>,
    /// What stands before its steps on account of its file.
    pub(crate) blocks: BTreeSet<BlockKind>,
    pub(crate) phase: PlanPhase,
    pub(crate) paused: bool,
    pub(crate) halted: Option<&'a Cause>,
    /// A newer target that waits.
    pub(crate) waiting: Option<&'a Revision>,
    /// Whether it went on under this name, and has not had a revision of its file since.
    pub(crate) carried: bool,
    /// Whether a newer target took over while it ran.
    pub(crate) was_replaced: bool,
    /// Since when its file is gone, while it is.
    pub(super) withdrawn_at: Option<Timestamp>,
    /// Whether its file is gone since it was over.
    pub(crate) file_gone: bool,
    /// When its holds, the stop, its withdrawal and the spans that nobody watched began and ended.
    pub(super) still: Vec<(Timestamp, Option<Timestamp>)>,
    pub(crate) rings: Vec<RingLine<'a>>,
    /// What goes back, once it does.
    pub(crate) steps: Vec<StepLine<'a>>,
    /// What earlier rollouts that were never completed still offer.
    pub(crate) left: Vec<LeftLine<'a>>,
    /// Rings that the plan does not name, and that go back.
    pub(super) gone: Vec<&'a RingPlan>,
    /// Rings that its plan's file dropped, and that keep their place.
    pub(crate) dropped: BTreeSet<&'a RingName>,
    pub(crate) versions: BroughtVersions,
}

impl<'a> PlanLine<'a> {
    /// A rollout that begins; `before`: what the plan was in.
    pub(super) fn accepted(id: &RolloutId, revision: &'a Revision, before: Option<&mut Self>) -> Self {
        let paused = before.as_ref().is_some_and(|plan| plan.paused);
        let (left, versions) = before.map(|plan| (plan.leaves(), plan.versions.clone())).unwrap_or_default();
        Self {
            number: id.number,
            revision,
            plan: &revision.plan,
            was: BTreeMap::new(),
            blocks: BTreeSet::new(),
            phase: PlanPhase::Running,
            paused,
            halted: None,
            waiting: None,
            carried: false,
            was_replaced: false,
            withdrawn_at: None,
            file_gone: false,
            still: Vec::new(),
            rings: revision.plan.rings.iter().map(|ring| RingLine::pending(&ring.name)).collect(),
            steps: Vec::new(),
            left,
            gone: Vec::new(),
            dropped: BTreeSet::new(),
            versions,
        }
    }

    pub(crate) fn ring(&self, name: &RingName) -> Option<&RingLine<'a>> {
        self.rings.iter().find(|ring| ring.name == name)
    }

    pub(super) fn ring_mut(&mut self, name: &RingName) -> Option<&mut RingLine<'a>> {
        self.rings.iter_mut().find(|ring| ring.name == name)
    }

    pub(crate) fn ring_plan(&self, name: &RingName) -> Option<&'a RingPlan> {
        let name = self.was.get(name).copied().unwrap_or(name);
        let named = self.plan.rings.iter().find(|ring| ring.name == *name);
        named.or_else(|| self.gone.iter().find(|ring| ring.name == *name).copied())
    }

    /// A ring of the rollout, with what the plan in force says of it.
    pub(crate) fn planned_ring(&self, name: &RingName) -> Option<(&RingLine<'a>, &'a RingPlan)> {
        self.ring(name).zip(self.ring_plan(name))
    }

    pub(crate) const fn is_running(&self) -> bool {
        matches!(self.phase, PlanPhase::Running)
    }

    pub(crate) const fn goes_back(&self) -> bool {
        matches!(self.phase, PlanPhase::RollingBack)
    }

    /// Whether its file is gone for certain.
    pub(crate) const fn is_gone(&self) -> bool {
        self.file_gone || matches!(self.phase, PlanPhase::Withdrawn)
    }

    /// Whether the plan in force forbids a version.
    pub(crate) fn forbids(&self, version: ClientVersion) -> bool {
        self.forbids_build(&version.as_semver())
    }

    pub(crate) fn forbids_build(&self, build: &semver::Version) -> bool {
        self.plan.forbid.iter().any(|forbid| forbid.versions.matches(build))
    }

    /// Whether a write puts a profile in, or back, that is in no group, for it was taken out of one.
    pub(crate) fn is_second_half(&self, event: &Event) -> bool {
        let Event::WritePlanned { ring, intent } = event else { return false };
        let Some(ring) = self.ring(ring) else { return false };
        match &intent.purpose {
            Purpose::Target => !ring.between.is_empty(),
            // Into the group that it was taken out of, and no other.
            Purpose::PutBack { .. } => {
                intent.before.as_ref().is_some_and(|group| ring.between.contains_key(&group.id))
            }
            Purpose::MoveOut { .. } | Purpose::Restore | Purpose::Rollback { .. } => false,
        }
    }

    /// What goes back next: all that is left of a ring that has begun, else of the latest ring.
    pub(crate) fn next_step(&self) -> Option<RollbackStep> {
        let open = || self.steps.iter().filter(|step| !step.is_done);
        let position = |step: &&StepLine<'_>| self.rings.iter().position(|ring| *ring.name == step.step.ring);
        let first = open().find(|step| step.is_begun).or_else(|| open().max_by_key(position))?;
        RollbackStep::joined(open().map(|line| line.step).filter(|step| step.ring == first.step.ring))
    }

    /// How long deadlines stood still between two instants: each moment once, freezes included.
    pub(crate) fn stood_still(&self, schedule: &Schedule, from: Timestamp, to: Timestamp) -> SignedDuration {
        let mut spans: Vec<(Timestamp, Timestamp)> =
            self.still.iter().map(|(begin, end)| ((*begin).max(from), end.unwrap_or(to).min(to))).collect();
        spans.sort_unstable();
        let mut total = schedule.frozen_between(from, to);
        let mut counted = from;
        for (begin, end) in spans {
            let begin = begin.max(counted);
            if begin < end {
                total += since(begin, end) - schedule.frozen_between(begin, end);
                counted = end;
            }
        }
        total
    }

    /// Rings that are not verified, of those before one; of all where it is none.
    pub(crate) fn unverified_before(&self, name: &RingName) -> impl Iterator<Item = &RingLine<'a>> {
        let earlier = self.rings.iter().take_while(move |line| line.name != name);
        earlier.filter(|ring| ring.state != LedgerRingState::Verified)
    }

    /// What a newer rollout finds on offer.
    pub(super) fn leaves(&mut self) -> Vec<LeftLine<'a>> {
        let mut left = std::mem::take(&mut self.left);
        for ring in self.rings.iter().filter(|ring| ring.is_assigned()) {
            let Some(plan) = self.ring_plan(ring.name) else { continue };
            let mut targets = plan.targets.clone();
            targets.retain(|at, version| self.versions.is_unproven(*at, *version));
            let mut ring = ring.clone();
            if matches!(ring.state, LedgerRingState::RollingBack | LedgerRingState::RolledBack) {
                ring.state = LedgerRingState::Verified;
            }
            left.push(LeftLine { ring, plan, targets });
        }
        left
    }

    pub(super) fn trim_left(&mut self, groups: &GroupBook<'a>) {
        let mut left = std::mem::take(&mut self.left);
        let rings: Vec<_> =
            self.rings.iter().filter_map(|ring| Some((ring, self.ring_plan(ring.name)?))).collect();
        left.iter_mut().for_each(|left| left.trim(groups, &rings));
        left.retain(|left| !left.targets.is_empty());
        self.left = left;
    }

    fn has_entered(&self, name: &RingName) -> bool {
        self.ring(name).is_some_and(RingLine::is_entered)
    }

    /// What is left in a ring that the running rollout has not entered; of two the one that adopts.
    pub(crate) fn left_in(&self, name: &RingName) -> Option<&LeftLine<'a>> {
        self.left.get(self.place_left_in(name)?)
    }

    pub(super) fn left_in_mut(&mut self, name: &RingName) -> Option<&mut LeftLine<'a>> {
        let place = self.place_left_in(name)?;
        self.left.get_mut(place)
    }

    fn place_left_in(&self, name: &RingName) -> Option<usize> {
        let left = self.left.iter().enumerate().filter(|(_, left)| left.ring.name == name);
        let mut left = left.filter(|_| !self.has_entered(name));
        let place = left.clone().find(|(_, left)| left.adopts()).or_else(|| left.next_back());
        place.map(|(place, _)| place)
    }

    /// Whether what is acknowledged was found of what is left in a ring.
    pub(crate) fn is_of_left(&self, found: &Acknowledged) -> bool {
        is_of_health(found.gate) && self.left_in(&found.ring).is_some()
    }

    /// Rings that the plan does not name any more go back as rings of the rollout.
    pub(super) fn take_gone_back(&mut self, steps: &[RollbackStep]) {
        for step in steps {
            if self.ring(&step.ring).is_some() {
                continue;
            }
            if let Some(left) = self.left.iter().rev().find(|left| *left.ring.name == step.ring) {
                self.gone.push(left.plan);
                self.rings.push(left.ring.clone());
            }
        }
    }

    /// The place of a ring in the order in which rings are entered; one that is gone comes last.
    pub(crate) fn position(&self, name: &RingName) -> Option<usize> {
        let left = self.left.iter().map(|left| left.ring.name);
        self.rings.iter().map(|ring| ring.name).chain(left).position(|known| known == name)
    }

    /// Rings in which devices are on their way to what the running rollout offers, by what earlier
    /// ones left.
    pub(crate) fn adopting_left(&self) -> impl Iterator<Item = &str> {
        let entered = self.rings.iter().filter(|ring| ring.is_entered());
        let offered: Vec<&RingPlan> = entered.filter_map(|ring| self.ring_plan(ring.name)).collect();
        let same = move |left: &&LeftLine<'a>| {
            let on_offer = |(at, version): (&Environment, &ClientVersion)| {
                offered.iter().any(|plan| plan.targets.get(at) == Some(version))
            };
            left.targets.iter().any(on_offer)
        };
        let left = self.left.iter().filter(|left| left.adopts() && !self.has_entered(left.ring.name));
        left.filter(same).map(|left| left.ring.name.as_str())
    }

    /// Whether every ring that could be compared with offers what an earlier rollout left.
    pub(crate) fn is_without_control(&self) -> bool {
        let profiles = |plan: &RingPlan| plan.profiles.iter().cloned().collect::<BTreeSet<_>>();
        self.rings.iter().filter(|ring| !ring.is_entered()).all(|ring| {
            let plan = self.ring_plan(ring.name);
            let left = self.left.iter().find(|left| left.ring.name == ring.name);
            plan.zip(left).is_some_and(|(plan, left)| {
                let all = left.ring.policies.is_some_and(|policies| policies.len() == plan.profiles.len());
                all && profiles(plan) == profiles(left.plan)
            })
        })
    }
}

/// Whether two plans move a ring to the same versions, and the same profiles.
pub(crate) fn same_offer(old: &RingPlan, new: &RingPlan) -> bool {
    let sorted = |ring: &RingPlan| {
        let mut profiles = ring.profiles.clone();
        profiles.sort();
        profiles
    };
    old.targets == new.targets && sorted(old) == sorted(new)
}

/// The plan that an event is about.
pub(crate) fn plan_of(recorded: &Recorded) -> Option<&PlanName> {
    recorded.entry.rollout.as_ref().map(|id| &id.plan)
}
