//! What a gate looks at: one ring, with all that is known of it.
//!
//! **Invariant:** whatever gate asks, the same devices are the ring's.

use std::collections::BTreeSet;

use crate::fleet::{Census, RingScope};
use crate::ids::PolicyId;
use crate::plan::model::RingPlan;
use crate::rollout::record::Unknown;
use crate::rollout::state::{Assigned, Ring, Rollout, State};
use crate::rollout::world::{Known, Observations};
use crate::time::{Timestamp, since};

/// One ring as the gates see it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// All that the log says: what is known of the ring's group.
    pub state: &'a State,
    pub rollout: &'a Rollout,
    pub ring: &'a Ring,
    pub plan: &'a RingPlan,
    /// What is known from outside.
    pub world: &'a Observations,
    /// The instant of the decision.
    pub now: Timestamp,
}

impl<'a> Subject<'a> {
    /// What is known, whichever ring is asked about.
    pub(crate) const fn known(self) -> Known<'a> {
        Known { state: self.state, world: self.world, now: self.now }
    }

    /// Why devices that are known up to an instant cannot be seen; `None`: they can.
    pub(crate) fn unseeable(self, known_until: Option<Timestamp>) -> Option<Unknown> {
        match known_until {
            None => Some(Unknown::NotSwept),
            Some(at) if since(at, self.now) > self.world.watch_max_age() => Some(Unknown::StaleSweep),
            Some(_) => None,
        }
    }
}

/// A ring's devices as far as its profiles are known: under its assignment, or before it.
pub fn known_scope(ring: &Ring, plan: &RingPlan, world: &Observations) -> Option<RingScope> {
    match ring.stage.assigned() {
        Some(assigned) => Some(scope(ring, plan, assigned)),
        None => world.resolve(plan).ok().map(|policies| planned_scope(plan, policies)),
    }
}

pub(crate) fn planned_scope(plan: &RingPlan, policies: BTreeSet<PolicyId>) -> RingScope {
    RingScope {
        policies,
        targets: plan.targets.clone(),
        assigned_at: None,
        zone: plan.schedule.zone().clone(),
        stalled_after: plan.health.stalled.after.get(),
    }
}

/// The ring's devices under its assignment.
pub fn scope(ring: &Ring, plan: &RingPlan, assigned: &Assigned) -> RingScope {
    RingScope {
        targets: ring.stage.targets(&plan.targets),
        assigned_at: Some(assigned.at),
        ..planned_scope(plan, assigned.policies.clone())
    }
}

/// The ring's devices under its assignment, counted once for all gates that ask.
pub(crate) fn census(subject: Subject<'_>, assigned: &Assigned) -> Census {
    subject.world.fleet.census(&scope(subject.ring, subject.plan, assigned), subject.now)
}
