//! A plan's line in the books: its rollout, its rings, and what keeps it.
//!
//! **Invariant:** nothing here is an event's: what events make of a line stands beside it.

use std::collections::{BTreeMap, BTreeSet};

use super::left::{BroughtVersions, LeftLine};
use super::ring::{LedgerRingState, RingLine};
use crate::ids::{PlanName, RingName};
use crate::plan::model::{Plan, Revision, RingPlan};
use crate::rollout::record::{BlockKind, Cause, Event, Purpose, Recorded, RollbackStep, RolloutId};
use crate::schedule::Schedule;
use crate::time::{SignedDuration, Timestamp, since};
use crate::version::ClientVersion;

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
        let puts_in = matches!(intent.purpose, Purpose::Target | Purpose::PutBack { .. });
        puts_in && self.ring(ring).is_some_and(|ring| !ring.between.is_empty())
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
