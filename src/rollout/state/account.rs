//! All that the log says.
//!
//! **Invariant:** state is the fold of events and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ids::{GroupId, PlanName, PolicyId, RingName};
use crate::rollout::record::{BlockKind, Eras, GroupContent, GroupDrift, Mode, Purpose, RolloutId, SoakFact};
use crate::rollout::state::{
    Attribution, BlockedVersion, Day, OwnedGroup, PendingRevision, PendingWrite, Phase, PlanState, Ring,
    Rollout, Tallies, Tokens,
};
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// All that the log says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// The last event folded in; 0 before the first.
    pub seq: u64,
    /// When that was.
    pub last_at: Option<Timestamp>,
    /// Whether a release wrote it that read files named `*.yaml` alone, and told nothing of how long files
    /// must be unchanged.
    pub read_yaml_alone: bool,
    /// Whether the daemon that runs may write.
    pub mode: Option<Mode>,
    /// Set while somebody has stopped all writes.
    pub stop: Option<Attribution>,
    /// The latest rollout of each plan. A decision copies the state: what it does not change is shared.
    pub plans: BTreeMap<PlanName, Arc<PlanState>>,
    /// The number of the last rollout under each name that a plan had once and has no more.
    pub numbers: BTreeMap<PlanName, u64>,
    /// Revisions that wait, by plan; a plan that is new has no rollout yet.
    pub waiting: BTreeMap<PlanName, PendingRevision>,
    /// Deployment groups that ringward has written, and whose they are.
    pub groups: BTreeMap<GroupId, OwnedGroup>,
    /// Groups that somebody deleted, and a person or the plan accepted so: by plan and ring, until
    /// the ring has another.
    pub lost: BTreeMap<(PlanName, RingName), OwnedGroup>,
    /// Rings in which another updater was accepted, and up to when its moves are.
    pub updaters: BTreeMap<(PlanName, RingName), Timestamp>,
    /// How many devices the writes of the last 24 hours offered something else.
    pub day: Day,
    /// What rollbacks block, whatever a plan asks for, until a person unblocks it.
    pub blocked_versions: Vec<BlockedVersion>,
    /// What has soaked on what; it spares a ring a second soak.
    pub soaks: Vec<SoakFact>,
    /// Bearer tokens.
    pub tokens: Tokens,
    /// Changes of access whose outcome nobody has told, by the number of their record.
    pub open_access: BTreeSet<u64>,
    /// How the log's rows are dated.
    pub eras: Eras,
    /// Writes planned so far.
    pub writes: u64,
    /// How often each kind of fact happened, for metrics that a restart must not reset.
    pub tallies: Tallies,
}

impl State {
    /// The write of this account that has no outcome yet: there is at most one.
    pub fn pending_write(&self) -> Option<(&Rollout, &Ring, &PendingWrite)> {
        self.plans.values().find_map(|plan| {
            let (ring, write) = plan.rollout.pending_write()?;
            Some((&plan.rollout, ring, write))
        })
    }

    /// The group that a ring of a plan owns.
    pub fn group_of(&self, plan: &PlanName, ring: &RingName) -> Option<(&GroupId, &OwnedGroup)> {
        self.groups.iter().find(|(_, owned)| owned.plan == *plan && owned.ring == *ring)
    }

    /// The drifts of a plan that are to be written back.
    pub fn to_restore<'a>(&'a self, plan: &'a PlanName) -> impl Iterator<Item = &'a GroupDrift> {
        let owned = self.groups.values().chain(self.lost.values());
        owned.filter(move |owned| owned.plan == *plan).filter_map(|owned| owned.drifted.as_deref())
    }

    /// The number of the next rollout under a plan's name.
    pub fn next_number(&self, name: &PlanName) -> u64 {
        let running = self.plans.get(name).map(|plan| plan.rollout.id.number);
        running.or_else(|| self.numbers.get(name).copied()).map_or(1, |number| number + 1)
    }

    /// The number under which a plan's rollout goes on under another name: no lower than it was, so that what
    /// its earlier rollouts brought is told apart from it.
    pub fn number_under(&self, name: &PlanName, rollout: &RolloutId) -> u64 {
        self.next_number(name).max(rollout.number)
    }

    /// Why the rollout of a plan that is on record cannot go on under another name now; `None`: it can.
    pub fn keeps_its_name(&self, name: &PlanName) -> Option<&'static str> {
        let plan = self.plans.get(name)?;
        let rollout = &plan.rollout;
        let is_named = !plan.is_gone() && !plan.blocks.contains_key(&BlockKind::FileMissing);
        let is_between = || rollout.rings.iter().any(|ring| !ring.between.is_empty());
        match rollout.phase {
            _ if is_named => Some("which has a file of its own"),
            Phase::RollingBack => Some("which goes back"),
            Phase::Superseded => Some("which is being superseded"),
            _ if self.waiting.contains_key(name) => Some("of which a revision waits"),
            _ if rollout.pending_write().is_some() => Some("of which a write has no outcome"),
            _ if is_between() => Some("of which a profile is between two groups"),
            _ if self.is_taken_from(name) => Some("of which another plan takes a profile over"),
            _ => None,
        }
    }

    /// Whether another plan has taken a profile out of a group of this one, or is about to, and it is in none.
    fn is_taken_from(&self, name: &PlanName) -> bool {
        let is_moved = |write: &PendingWrite| match &write.intent.purpose {
            Purpose::MoveOut { plan, .. } => plan.as_ref() == Some(name),
            Purpose::Target | Purpose::PutBack { .. } | Purpose::Restore | Purpose::Rollback { .. } => false,
        };
        let is_out = |ring: &Ring| ring.between.out.values().any(|out| out.plan.as_ref() == Some(name));
        self.pending_write().is_some_and(|(_, _, write)| is_moved(write))
            || self.plans.values().flat_map(|plan| &plan.rollout.rings).any(is_out)
    }

    /// Whether the rollouts of a plan that is on record have never entered a ring.
    pub fn is_untouched(&self, name: &PlanName) -> bool {
        let Some(plan) = self.plans.get(name) else { return true };
        let begun = matches!(plan.rollout.phase, Phase::Running | Phase::Withdrawn);
        let entered =
            plan.rollout.rings.iter().any(|ring| ring.stage.is_entered() || !ring.between.is_empty());
        let owns = || self.groups.values().chain(self.lost.values()).any(|owned| owned.plan == *name);
        let holds_out = || self.blocked_versions.iter().any(|held| held.plan == *name);
        begun && !entered && plan.superseded.is_empty() && !owns() && !holds_out()
    }

    /// What is blocked for what a group offers to its own profiles.
    pub fn held_of<'a>(&'a self, group: &'a GroupContent) -> impl Iterator<Item = &'a BlockedVersion> {
        self.blocked_versions.iter().filter(|held| held.is_on_offer(group))
    }

    /// Whether a version is blocked for a profile's devices of an environment.
    pub fn is_blocked(&self, policy: &PolicyId, environment: Environment, version: ClientVersion) -> bool {
        self.blocked_versions.iter().any(|held| held.key() == (policy, environment, version))
    }

    /// The versions that a plan's rollbacks block.
    pub fn held_by(&self, plan: &PlanName) -> BTreeMap<ClientVersion, Vec<&BlockedVersion>> {
        let mut held: BTreeMap<ClientVersion, Vec<&BlockedVersion>> = BTreeMap::new();
        for known in self.blocked_versions.iter().filter(|known| known.plan == *plan) {
            held.entry(known.version).or_default().push(known);
        }
        held
    }
}
