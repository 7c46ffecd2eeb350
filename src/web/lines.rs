//! Parts of the API's answer as lines for people.
//!
//! **Invariant:** command line and page tell them by the same function, so nobody confirms by the one what the
//! other tells differently.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::RingName;
use crate::rollout::record::of_seen;
use crate::text::joined;
use crate::time::short;
use crate::version::{ClientVersion, Environment};
use crate::web::json::{
    AttributionJson, MovesJson, RevisionWaitsJson, RingJson, RingMovesJson, RollbackStepJson,
    RollbackTargetJson, RolloutJson, VoteJson,
};

/// Drift that keeps nothing from moving, with what became of it: accepted, or noted. What keeps
/// something stands among the reasons.
pub fn told_drifts(rollout: &RolloutJson) -> Vec<(&str, &str)> {
    let mut told: Vec<(&str, &str)> = Vec::new();
    for drift in &rollout.drifts {
        let one = (drift.standing.as_str(), drift.text.as_str());
        // A group that drifted in two ways is told once.
        if matches!(one.0, "accepted" | "noted") && !told.contains(&one) {
            told.push(one);
        }
    }
    told
}

/// How far a rollback is and what it blocks, a line for each ring and for each version.
pub fn told_rollback(rollout: &RolloutJson) -> Vec<String> {
    let step = |step: &RollbackStepJson| {
        let way = |(environment, way): (&Environment, &RollbackTargetJson)| {
            format!("{environment} {} back to {} ({})", way.from, way.to, way.ground)
        };
        let ways = joined(step.back.iter().map(way), ", ");
        let far = match (step.progress.as_str(), step.ended_at) {
            ("due", _) => "a later ring goes first".to_owned(),
            ("begun", _) => "under way".to_owned(),
            ("no_group", _) => "it has no deployment group".to_owned(),
            ("out_of_time", Some(at)) => {
                format!("its time has passed since {}, and not all followed", short(at))
            }
            (_, Some(at)) => format!("back since {}", short(at)),
            (other, None) => other.to_owned(),
        };
        format!("Ring {}: {ways}; {far}", step.ring)
    };
    let steps = rollout.rollback.iter().flat_map(|rollback| &rollback.steps).map(step);
    let mut held: BTreeMap<(Environment, ClientVersion), (BTreeSet<&RingName>, &AttributionJson)> =
        BTreeMap::new();
    for one in &rollout.blocked_versions {
        held.entry((one.environment, one.version))
            .or_insert_with(|| (BTreeSet::new(), &one.by))
            .0
            .insert(&one.ring);
    }
    let held = held.into_iter().map(|((environment, version), (rings, by))| {
        let (plan, rings, since) = (&rollout.plan, joined(rings, ", "), short(by.since));
        let AttributionJson { actor, reason, .. } = by;
        format!(
            "Blocked: {environment} {version} for {rings}, by {actor} since {since}: {reason}; ringward unblock {plan} --version {version} --reason … unblocks it"
        )
    });
    steps.chain(held).collect()
}

/// Where the devices of an environment come from, in words.
pub fn told_moves(environment: Environment, moves: &MovesJson) -> String {
    of_seen(environment, moves.seen, &moves.text)
}

/// Which devices a revision would move, for each ring and environment; to be read after "it moves".
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
pub fn told_approvals(rollout: &RolloutJson) -> Vec<String> {
    let of_ring = |ring: &RingJson| {
        let words = ring.approval.iter().flat_map(|approval| &approval.words);
        let counts = |word: &&VoteJson| {
            let lasts = word.expires_at.is_none_or(|until| rollout.at < until);
            word.word == "approved" && word.voided_at.is_none() && lasts
        };
        let by: Vec<&str> = words.filter(counts).map(|word| word.by.as_str()).collect();
        (!by.is_empty()).then(|| format!("ring {}, by {}", ring.name, by.join(", ")))
    };
    rollout.rings.iter().filter_map(of_ring).collect()
}
