//! Questions to an answer that is there: which rings wait for people, which revision waits, how far an approval is.
//!
//! **Invariant:** computed from the API's answer alone, so that command line and page find the same.

use crate::ids::PlanName;
use crate::time::Timestamp;
use crate::web::json::ring::{ApprovalJson, AskJson, RingJson};
use crate::web::json::rollout::{RevisionWaitsJson, RolloutJson};
use crate::web::json::snapshot::{NewPlanJson, RolloutsAnswer};

/// A ring that waits for people.
#[derive(Debug, Clone, Copy)]
pub struct AwaitedRing<'a> {
    /// Its rollout.
    pub rollout: &'a RolloutJson,
    /// Its place, from 1.
    pub number: usize,
    /// The ring.
    pub ring: &'a RingJson,
    /// What it waits for.
    pub approval: &'a ApprovalJson,
    /// Since when.
    pub since: Timestamp,
}

impl RolloutsAnswer {
    /// The rings that wait for people, the longest wait first.
    pub fn awaited_rings(&self) -> Vec<AwaitedRing<'_>> {
        let rings = self.rollouts.iter().flat_map(|rollout| {
            rollout.rings.iter().enumerate().map(move |(index, ring)| (rollout, index + 1, ring))
        });
        let awaited = rings.filter_map(|(rollout, number, ring)| {
            let approval = ring.approval.as_ref()?;
            let since = approval.waited_for_since()?;
            Some(AwaitedRing { rollout, number, ring, approval, since })
        });
        let mut found: Vec<_> = awaited.collect();
        found.sort_by_key(|one| one.since);
        found
    }

    /// What waits of a plan, whether it has a rollout or is new.
    pub fn revision_of(&self, plan: &PlanName) -> Option<&RevisionWaitsJson> {
        let of_rollout = |rollout: &&RolloutJson| rollout.plan == *plan;
        let of_new = |new: &&NewPlanJson| new.plan == *plan;
        let rollout = self.rollouts.iter().find(of_rollout);
        let new = || self.new_plans.iter().find(of_new).and_then(|new| new.revision_waits.as_ref());
        rollout.and_then(|rollout| rollout.revision_waits.as_ref()).or_else(new)
    }
}

impl ApprovalJson {
    /// Since when people are waited for; `None`: they are not, or not yet.
    pub fn waited_for_since(&self) -> Option<Timestamp> {
        self.asked_at.filter(|_| self.verdict != "pass")
    }

    /// Who has refused and not taken it back, and counts.
    pub fn refused_by(&self) -> impl Iterator<Item = &str> {
        let refused = self.words.iter().filter(|word| word.word == "refused" && !word.lapsed);
        refused.map(|word| word.by.as_str())
    }

    /// How far it is, for people: group by group, how many of how many.
    pub fn so_far(&self) -> String {
        let one = |ask: &AskJson| {
            format!("{} of {} of `{}` approved", ask.approved.len(), ask.count, ask.user_group)
        };
        let mut told: Vec<String> = self.asks.iter().map(one).collect();
        told.extend(self.refused_by().map(|by| format!("{by} rejected it")));
        if self.verdict == "unknown" {
            told.push(self.reason.replace('_', " "));
        }
        told.join(", ")
    }
}
