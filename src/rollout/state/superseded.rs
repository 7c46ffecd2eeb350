//! What rollouts that were never completed brought, and what of it is still on offer.
//!
//! **Invariant:** what a rollout left on offer is known, with all that its ring went through, until
//! its group offers something else or a newer rollout enters the ring; nothing else ends it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::PolicyId;
use crate::plan::model::RingPlan;
use crate::rollout::record::{GroupContent, RolloutId, WriteIntent};
use crate::rollout::state::{Ring, RingState, Rollout};
use crate::version::{ClientVersion, Environment};

/// What a ring's group still offers from a rollout that ended without being completed.
#[derive(Debug, Clone, PartialEq)]
pub struct Superseded {
    /// That rollout.
    pub rollout: RolloutId,
    /// The ring as that rollout left it: since when it is offered, and whom people accepted.
    pub ring: Ring,
    /// Its plan of then; of its targets those that are still on offer.
    pub plan: RingPlan,
}

/// The versions that a plan's rollouts brought to its rings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brought {
    /// By a rollout that is not completed, and by which.
    pub(crate) unproven: BTreeMap<(Environment, ClientVersion), RolloutId>,
    /// By one that was completed, or on offer before any of them.
    pub(crate) proven: BTreeSet<(Environment, ClientVersion)>,
}

impl Brought {
    /// The rollout that brought a version and was never completed; `None`: there is none.
    pub fn by(&self, environment: Environment, version: ClientVersion) -> Option<&RolloutId> {
        self.unproven.get(&(environment, version))
    }

    /// A write for a ring's targets is on its way: what it finds was there before, what it offers is new.
    pub(crate) fn note(&mut self, id: &RolloutId, intent: &WriteIntent) {
        for environment in Environment::ALL {
            let target = |content: &GroupContent| content.target(environment)?.parse().ok();
            let before: Option<ClientVersion> =
                intent.before.as_ref().and_then(|group| target(&group.content));
            let after: Option<ClientVersion> = target(&intent.after);
            if before == after {
                continue;
            }
            if let Some(found) = before.filter(|found| self.by(environment, *found).is_none()) {
                self.proven.insert((environment, found));
            }
            if let Some(offered) = after.filter(|offered| !self.proven.contains(&(environment, *offered))) {
                self.unproven.entry((environment, offered)).or_insert_with(|| id.clone());
            }
        }
    }

    /// A rollout goes on under another name.
    pub(crate) fn rename(&mut self, before: &RolloutId, now: &RolloutId) {
        self.unproven.values_mut().filter(|by| *by == before).for_each(|by| *by = now.clone());
    }
}

impl Superseded {
    /// What a ring of a rollout that ended leaves on offer; `None`: nothing that is unproven.
    pub(crate) fn of(rollout: &Rollout, ring: &Ring, plan: &RingPlan, brought: &Brought) -> Option<Self> {
        ring.stage.assigned()?;
        let mut plan = plan.clone();
        plan.targets = ring.stage.targets(&plan.targets);
        plan.targets.retain(|environment, version| brought.by(*environment, *version).is_some());
        let (rollout, ring) = (rollout.id.clone(), ring.clone());
        (!plan.targets.is_empty()).then_some(Self { rollout, ring, plan })
    }

    /// Whether its devices were on the way when its rollout ended, and have not adopted it since.
    pub const fn adopts(&self) -> bool {
        matches!(self.ring.stage, RingState::Adopting(_))
    }

    /// The profiles that it is still offered to.
    pub fn policies(&self) -> impl Iterator<Item = &PolicyId> {
        self.ring.stage.assigned().into_iter().flat_map(|assigned| &assigned.policies)
    }
}
