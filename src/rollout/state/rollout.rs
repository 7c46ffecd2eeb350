//! One run of a plan: its rings, its halt, the target that waits, and how long deadlines stood still.
//!
//! **Invariant:** its rings stand beside the rings of its plan, one for one and in order.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ids::{Email, RingName};
use crate::plan::change::same_profiles;
use crate::plan::model::{Forbid, Plan, PlanDigest, Revision, RingPlan};
use crate::rollout::record::{Cause, RollbackStep, RolloutId};
use crate::rollout::state::{PendingWrite, Phase, Ring, RingState, Rollback};
use crate::time::Timestamp;
use crate::version::ClientVersion;

/// One run of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    /// Which.
    pub id: RolloutId,
    /// The plan that it follows. An event copies the rollout that it changes, and of its plan only what it changes.
    pub revision: Arc<Revision>,
    /// Where it is.
    pub phase: Phase,
    /// Since when.
    pub phase_since: Timestamp,
    /// The engine's hold.
    pub halted: Option<Halt>,
    /// Its rings, in order.
    pub rings: Vec<Ring>,
    /// A newer target that waits until it is final.
    pub waiting: Option<WaitingTarget>,
    /// Spans in which it was paused, halted, stopped or withdrawn, or nobody watched; the last may
    /// still run.
    pub standstills: Vec<Standstill>,
    /// Set once it goes back.
    pub rollback: Option<Rollback>,
    /// Rings that its plan does not name: it takes back what an earlier rollout left on offer there.
    pub gone: BTreeSet<RingName>,
    /// Rings that its plan's file dropped, and that keep their place until they are verified or let go.
    pub dropped: BTreeSet<RingName>,
    /// Whom a revision of it named as the plan's author: who writes another name there has written it all the same.
    pub authors: BTreeSet<Email>,
}

impl Rollout {
    /// All that is left to do in the ring whose turn it is to go back.
    pub fn next_step(&self) -> Option<RollbackStep> {
        self.rollback.as_ref()?.next(&self.rings)
    }

    pub fn ring_plan(&self, name: &RingName) -> Option<&RingPlan> {
        self.revision.plan.rings.iter().find(|ring| ring.name == *name)
    }

    pub fn ring(&self, name: &RingName) -> Option<&Ring> {
        self.rings.iter().find(|ring| ring.name == *name)
    }

    /// Its rings beside their plans.
    pub fn rings_with_plans(&self) -> impl Iterator<Item = (&Ring, &RingPlan)> {
        self.rings.iter().zip(&self.revision.plan.rings)
    }

    /// The first of its targets that its plan forbids by now.
    pub fn forbidden(&self) -> Option<(&RingPlan, ClientVersion, &Forbid)> {
        let plan = &self.revision.plan;
        let forbid = |version: ClientVersion| {
            plan.forbid.iter().find(|forbid| forbid.versions.matches(&version.as_semver()))
        };
        plan.rings.iter().find_map(|ring| {
            ring.targets.values().find_map(|version| Some((ring, *version, forbid(*version)?)))
        })
    }

    /// Whether the plan's file does not name one of its rings, or is gone.
    pub fn is_dropped(&self, ring: &RingName) -> bool {
        self.phase == Phase::Withdrawn || self.dropped.contains(ring)
    }

    /// The write without an outcome.
    pub fn pending_write(&self) -> Option<(&Ring, &PendingWrite)> {
        self.rings.iter().find_map(|ring| match &ring.stage {
            RingState::Deploying(write) => Some((ring, &**write)),
            _ => None,
        })
    }

    /// Its plan as its file says, without rings that it only takes back.
    pub fn named(&self) -> Plan {
        let mut plan = self.revision.plan.clone();
        plan.rings.retain(|ring| !self.gone.contains(&ring.name));
        plan
    }

    /// Whether it takes back, or took, something that its plan asks for.
    pub fn takes_its_own_back(&self) -> bool {
        let steps = self.rollback.iter().flat_map(|rollback| &rollback.steps);
        let asked = |ring: &RingName| self.ring_plan(ring).filter(|_| !self.gone.contains(ring));
        steps.into_iter().any(|state| {
            let asked = asked(&state.step.ring).map(|plan| &plan.targets);
            let back = &state.step.back;
            back.iter().any(|(at, way)| asked.is_some_and(|asked| asked.get(at) == Some(&way.from)))
        })
    }

    /// Whether it is this revision that waits until the rollout is final.
    pub fn knows_waiting(&self, revision: &Revision) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| waiting.revision.digest == revision.digest)
    }

    /// Whether a digest is the one it follows.
    pub fn follows(&self, digest: &PlanDigest) -> bool {
        self.revision.digest == *digest
    }

    /// The first entered ring whose profiles or targets a revision changes, or that it lacks before the
    /// ring is verified: then the revision is a new rollout. A position alone changes nothing.
    pub fn entered_ring_changed_by(&self, revision: &Revision) -> Option<&RingName> {
        let same =
            |ring: &Ring, old: &RingPlan| match revision.plan.rings.iter().find(|new| new.name == old.name) {
                Some(new) => new.targets == old.targets && same_profiles(new, old),
                None => ring.is_free(),
            };
        let mut entered = self.rings_with_plans().filter(|(ring, _)| ring.stage.is_entered());
        entered.find(|(ring, old)| !same(ring, old)).map(|(ring, _)| &ring.name)
    }
}

/// A newer target that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingTarget {
    /// The plan with it, whole.
    pub revision: Revision,
    /// Since when.
    pub since: Timestamp,
}

/// A span in which deadlines stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standstill {
    /// Its begin.
    pub from: Timestamp,
    /// Its end; `None`: it runs.
    pub until: Option<Timestamp>,
}

/// The engine's hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// Why.
    pub cause: Cause,
    /// Since when.
    pub since: Timestamp,
}
