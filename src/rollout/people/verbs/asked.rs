//! What a request is about, as state and world have it.
//!
//! **Invariant:** data alone; [`crate::rollout::people::subject`] finds it, and [`super::effect`] makes events of it.

use crate::ids::{Email, PlanName, UserGroupName};
use crate::plan::model::RingPlan;
use crate::rollout::judge::rollback_target::NoRollbackTarget;
use crate::rollout::people::verbs::situation::Claim;
use crate::rollout::record::{Gate, RollbackStep, RolloutId};
use crate::rollout::state::{BlockedVersion, PendingRevision, PlanState, Ring};
use crate::rollout::world::Known;
use crate::version::ClientVersion;

/// What a request is about.
pub(crate) struct Subject<'a> {
    pub(crate) known: Known<'a>,
    /// The plan that is named, perhaps one that has no rollout yet.
    pub(crate) name: Option<PlanName>,
    pub(crate) plan: Option<&'a PlanState>,
    pub(crate) ring: Option<&'a Ring>,
    pub(crate) gate: Option<Gate>,
    pub(crate) version: Option<ClientVersion>,
    pub(crate) paused: bool,
    /// The revision that waits, and the one that is named.
    pub(crate) waiting: Option<&'a PendingRevision>,
    pub(crate) named: String,
    /// What is blocked for what the group offers that the rollout is halted for.
    pub(crate) held: Option<&'a BlockedVersion>,
    /// The steps of a rollback, or what has nowhere to go.
    pub(crate) steps: Option<Result<Vec<RollbackStep>, NoRollbackTarget>>,
    pub(crate) word: Option<Spoken<'a>>,
}

/// A person's word on entering a ring.
pub(crate) struct Spoken<'a> {
    pub(crate) ring: &'a RingPlan,
    pub(crate) claim: Claim,
    /// In whose name it is given.
    pub(crate) groups: Vec<UserGroupName>,
    /// Who is asked.
    pub(crate) asked: String,
    /// Whose rejections it sets aside, should it be an approval.
    pub(crate) sets_aside: Vec<Email>,
}

impl Subject<'_> {
    /// The rollout that is on record with it; of a revision of a plan that is new, the first.
    pub(crate) fn rollout_id(&self) -> Option<RolloutId> {
        let name = self.name.as_ref()?;
        let new = || RolloutId { plan: name.clone(), number: self.known.state.next_number(name) };
        Some(self.plan.map_or_else(new, |plan| plan.rollout.id.clone()))
    }
}
