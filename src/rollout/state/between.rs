//! What is between two groups: taken out of one for a ring, and in none until it goes into the ring's, or back.
//!
//! **Invariant:** whatever becomes of the ring meanwhile, it is remembered until a write has put it somewhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{GroupId, PlanName, PolicyId, RingName};
use crate::rollout::record::{Purpose, WriteIntent};
use crate::rollout::state::Attempts;
use crate::time::Timestamp;

/// The profiles of a ring that are between two groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Between {
    /// By the group that had them.
    pub out: BTreeMap<GroupId, TakenOut>,
    /// What became of the writes that should have put them back.
    pub back: Attempts,
    /// When the last of its writes ended; `None`: there was none.
    pub since: Option<Timestamp>,
    /// How often they were taken out and put back in a row.
    pub rounds: u32,
}

/// What was taken out of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOut {
    /// The plan of the group's ring, where it is another.
    pub plan: Option<PlanName>,
    /// The ring that the group was written for.
    pub ring: RingName,
    /// The profiles.
    pub policies: BTreeSet<PolicyId>,
}

impl Between {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    pub(crate) fn not_after(&mut self, now: Timestamp) {
        self.back.forget_instants();
        self.since = self.since.map(|since| now.min(since));
    }

    /// A person has seen what failed.
    pub(crate) fn forgive(&mut self) {
        self.back.forgive();
        self.rounds = 0;
    }

    /// A write was applied that takes profiles out of another group, if it is one.
    pub(crate) fn take_out(&mut self, intent: &WriteIntent, at: Timestamp) {
        let (Purpose::MoveOut { from, plan }, Some(before)) = (&intent.purpose, &intent.before) else {
            return;
        };
        let nothing = || TakenOut { plan: plan.clone(), ring: from.clone(), policies: BTreeSet::new() };
        let out = before.content.policies.difference(&intent.after.policies);
        self.out.entry(before.id.clone()).or_insert_with(nothing).policies.extend(out.cloned());
        let doubted = self.back.doubted;
        (self.back, self.since) = (Attempts { doubted, ..Attempts::default() }, Some(at));
    }

    /// A write that puts profiles back has its outcome.
    pub(crate) fn put_back(
        &mut self,
        intent: &WriteIntent,
        applied: bool,
        attempts: Attempts,
        at: Timestamp,
    ) {
        if let Some(before) = intent.before.as_ref().filter(|_| applied) {
            self.out.remove(&before.id);
            self.rounds += 1;
        }
        (self.back, self.since) = (attempts, Some(at));
    }
}
