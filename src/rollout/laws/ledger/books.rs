//! The books of the account: its plans, groups and writes, and what people said.
//!
//! **Invariant:** nothing here is an event's: what events make of the books stands beside them.

use std::collections::{BTreeMap, BTreeSet};

use super::groups::{GroupBook, Owned};
use super::plan::PlanLine;
use super::ring::{LedgerRingState, RingLine};
use super::waiting::WaitingLine;
use super::words::WordLine;
use super::writes::WriteBook;
use crate::ids::{PlanName, PolicyId, TokenName};
use crate::rollout::record::{Gate, RolloutId, SoakFact};
use crate::time::{SignedDuration, Timestamp};
use crate::version::{ClientVersion, Environment};

#[derive(Default)]
pub(crate) struct Ledger<'a> {
    pub(crate) last_seq: u64,
    pub(crate) last_at: Option<Timestamp>,
    /// Where the last span ended that nobody watched.
    pub(crate) watched_from: Option<Timestamp>,
    pub(crate) observing: bool,
    pub(crate) stopped: bool,
    pub(crate) plans: BTreeMap<&'a PlanName, PlanLine<'a>>,
    /// The last number under each name that a plan had once.
    pub(super) numbers: BTreeMap<&'a PlanName, u64>,
    pub(crate) waiting: BTreeMap<&'a PlanName, WaitingLine<'a>>,
    /// For so long a revision waits at least before it does more than restrict, by the daemon that runs.
    pub(crate) settles: Option<SignedDuration>,
    pub(crate) writes: WriteBook<'a>,
    pub(crate) groups: GroupBook<'a>,
    pub(crate) soaks: Vec<SoakFact>,
    pub(crate) blocked: Vec<LedgerBlockedVersion<'a>>,
    pub(crate) words: Vec<WordLine<'a>>,
    /// Whether each token still opens anything, its end aside.
    pub(crate) tokens: BTreeMap<&'a TokenName, bool>,
    /// Changes of access that are told, without what became of them.
    pub(crate) open_access: BTreeSet<u64>,
    /// Whether the log has words on health: the ringwards before that had none.
    pub(crate) judges_health: bool,
}

/// A version that a rollback blocked for a profile.
pub(crate) struct LedgerBlockedVersion<'a> {
    pub(crate) plan: &'a PlanName,
    pub(crate) policy: &'a PolicyId,
    pub(crate) environment: Environment,
    pub(crate) version: ClientVersion,
}

impl<'a> Ledger<'a> {
    /// The line of a rollout, if its plan is in it.
    pub(crate) fn line(&self, id: Option<&RolloutId>) -> Option<&PlanLine<'a>> {
        self.plans.get(&id?.plan).filter(|plan| Some(plan.number) == id.map(|id| id.number))
    }

    /// The number of the next rollout under a plan's name.
    pub(crate) fn next_number(&self, name: &PlanName) -> u64 {
        let known = self.plans.get(name).map(|line| line.number);
        known.or_else(|| self.numbers.get(name).copied()).unwrap_or(0) + 1
    }

    /// Whether the ring that a group was written for still holds it: one that is gone, and is not on its way,
    /// does not.
    pub(crate) fn holds(&self, owned: &Owned<'a>) -> bool {
        let Some(line) = self.plans.get(owned.plan) else { return true };
        let on_its_way = |ring: &RingLine<'_>| {
            use LedgerRingState::{Adopting, Deploying, RollingBack, Soaking};
            let moves = matches!(ring.state, Deploying | Adopting | Soaking | RollingBack);
            moves && !ring.waived.contains_key(&Gate::Ring)
        };
        let left = line.left.iter().any(|left| left.ring.name == owned.ring);
        left || line.ring(owned.ring).is_some_and(|ring| !line.is_gone() || on_its_way(ring))
    }
}
