//! A revision that waits: from the snapshot to the API's JSON, and from there to words.
//!
//! **Invariant:** command line and page tell it by the same function, so nobody confirms by the one what the
//! other tells differently.

use super::json::{
    MovesJson, NewPlanJson, RevisionWaitsJson, RingJson, RingMovesJson, RolloutJson, RolloutsAnswer, WordJson,
};
use super::present::{hold, moves};
use crate::ids::PlanName;
use crate::rollout::people::verbs::situation::Waits;
use crate::rollout::people::verbs::table;
use crate::rollout::people::verbs::table::Cell;
use crate::rollout::record::of_seen;
use crate::rollout::tell::explain::blocks::{confirm, waits_for};
use crate::rollout::tell::revision_waits::RevisionWaits;
use crate::time::Timestamp;
use crate::version::Environment;

/// What waits of `plan`, at `now`.
pub(super) fn revision_waits(plan: &PlanName, told: &RevisionWaits, now: Timestamp) -> RevisionWaitsJson {
    let RevisionWaits { waiting, confirmed, moves: rings } = told;
    let revision = &waiting.revision;
    let cell = table::confirm(Waits::of(Some(waiting), revision.digest.as_str(), now));
    let command = || confirm(plan.as_str(), revision.digest.short());
    let rings = rings.iter().map(|(ring, environments)| RingMovesJson {
        ring: ring.clone(),
        environments: environments.iter().map(|(environment, seen)| (*environment, moves(seen))).collect(),
    });
    RevisionWaitsJson {
        digest: revision.digest.as_str().to_owned(),
        in_force: revision.in_force.as_ref().map(|digest| digest.as_str().to_owned()),
        since: waiting.since,
        waits_for: revision.waits_for.as_str().to_owned(),
        why: waits_for(revision.waits_for).to_owned(),
        changes: revision.changes.clone(),
        confirmed: confirmed.as_ref().map(hold),
        command: matches!(cell, Cell::Done(_)).then(command),
        moves: rings.collect(),
    }
}

impl RolloutsAnswer {
    /// What waits of a plan, whether it has a rollout or is new.
    #[must_use]
    pub fn revision_of(&self, plan: &PlanName) -> Option<&RevisionWaitsJson> {
        let of_rollout = |rollout: &&RolloutJson| rollout.plan == *plan;
        let of_new = |new: &&NewPlanJson| new.plan == *plan;
        let rollout = self.rollouts.iter().find(of_rollout);
        let new = || self.new_plans.iter().find(of_new).and_then(|new| new.revision_waits.as_ref());
        rollout.and_then(|rollout| rollout.revision_waits.as_ref()).or_else(new)
    }
}

/// Where the devices of an environment come from, in words.
#[must_use]
pub fn told_moves(environment: Environment, moves: &MovesJson) -> String {
    of_seen(environment, moves.seen, &moves.text)
}

/// Which devices a revision would move, for each ring and environment; to be read after "it moves".
#[must_use]
pub fn told_moves_of(revision: &RevisionWaitsJson) -> Vec<String> {
    if revision.moves.is_empty() {
        return vec!["devices that are not known yet: ringward reads them once a rollout runs".to_owned()];
    }
    let of_ring = |RingMovesJson { ring, environments }: &RingMovesJson| -> Vec<String> {
        if environments.is_empty() {
            return vec![format!(
                "ring {ring}, devices that are not known: its profiles are not read, or do not exist"
            )];
        }
        let told = |(environment, moves): (&Environment, _)| {
            format!("ring {ring}, {}", told_moves(*environment, moves))
        };
        environments.iter().map(told).collect()
    };
    revision.moves.iter().flat_map(of_ring).collect()
}

/// The approvals that count for the revision in force, a sentence for each ring.
#[must_use]
pub fn told_approvals(rollout: &RolloutJson) -> Vec<String> {
    let of_ring = |ring: &RingJson| {
        let words = ring.approval.iter().flat_map(|approval| &approval.words);
        let counts = |word: &&WordJson| {
            let lasts = word.expires_at.is_none_or(|until| rollout.at < until);
            word.word == "approved" && word.voided_at.is_none() && lasts
        };
        let by: Vec<&str> = words.filter(counts).map(|word| word.by.as_str()).collect();
        (!by.is_empty()).then(|| format!("ring {}, by {}", ring.name, by.join(", ")))
    };
    rollout.rings.iter().filter_map(of_ring).collect()
}
