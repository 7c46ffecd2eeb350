//! The plan that a file says its plan was, and whether its rollout goes on under the new name.
//!
//! **Invariant:** a rollout goes on as a whole, at rest, and with all its profiles; and only while no readable
//! file names the old plan: nobody's running plan is taken from them.

use std::collections::BTreeSet;

use crate::ids::{PlanName, RingName};
use crate::plan::model::{Plan, ProfileRef, Revision};
use crate::rollout::state::{PlanState, Rollout, State};

/// The plan that a plan says it was.
pub(crate) enum Predecessor<'a> {
    /// Its rollout goes on.
    GoesOn(&'a PlanState),
    /// It is on record, and does not go on: why, as the end of a sentence that names it.
    Stays(&'a PlanState, String),
    /// None of that name is on record.
    Unknown(&'a PlanName),
}

/// What is in force of the plan that a revision is of; `None`: it is new, or goes on with another's rollout,
/// for its own has entered no ring.
pub(crate) fn own<'a>(revision: &Revision, state: &'a State) -> Option<&'a PlanState> {
    let Plan { name, was, .. } = &revision.plan;
    let plan = state.plans.get(name)?;
    let goes_on = was.as_ref().filter(|was| plan.was.as_ref() != Some(was) && *was != name);
    let replaced = goes_on.is_some_and(|was| state.plans.contains_key(was)) && state.is_untouched(name);
    (!replaced).then_some(plan)
}

impl<'a> Predecessor<'a> {
    /// The one that a revision names, unless its own plan is on its way.
    pub(crate) fn of(revision: &'a Revision, state: &'a State) -> Option<Self> {
        let was = revision.plan.was.as_ref().filter(|_| own(revision, state).is_none())?;
        let Some(plan) = state.plans.get(was) else { return Some(Self::Unknown(was)) };
        let others = other_profiles(&plan.rollout, &revision.plan);
        let stays = match state.keeps_its_name(was) {
            Some(why) => why.to_owned(),
            None if others.is_empty() => return Some(Self::GoesOn(plan)),
            None => format!("whose profiles are not the same: {}", others.join(", ")),
        };
        Some(Self::Stays(plan, stays))
    }

    /// Its rollout, should it go on.
    pub(crate) fn goes_on(self) -> Option<&'a PlanState> {
        match self {
            Self::GoesOn(plan) => Some(plan),
            Self::Stays(..) | Self::Unknown(_) => None,
        }
    }
}

/// The profiles that one of two plans has and the other has not.
fn other_profiles(rollout: &Rollout, plan: &Plan) -> Vec<String> {
    let left_out = |name: &RingName| rollout.dropped.contains(name) || rollout.gone.contains(name);
    let named = rollout.revision.plan.rings.iter().filter(|ring| !left_out(&ring.name));
    let old: BTreeSet<&ProfileRef> = named.flat_map(|ring| &ring.profiles).collect();
    let new: BTreeSet<&ProfileRef> = plan.rings.iter().flat_map(|ring| &ring.profiles).collect();
    old.symmetric_difference(&new).map(ToString::to_string).collect()
}
