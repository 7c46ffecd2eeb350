//! Why a rollout is where it is: typed, and the one source of page, API, command line and metrics.
//!
//! **Invariant:** a rollout that does not move has at least one blocker.

use std::collections::BTreeMap;

use crate::ids::RingName;
use crate::plan::model::PlanDigest;
use crate::rollout::decide::{blocker::Blocker, context::Context, drift};
use crate::rollout::judge::{rollback_target, rollback_target::Scope};
use crate::rollout::people::subject::held_on_offer;
use crate::rollout::people::verbs::situation::{Offered, RollbackTargets};
use crate::rollout::record::{Cause, DriftFinding, RolloutId};
use crate::rollout::state::{Attribution, BlockedVersion, Phase, Rollback, WaitingTarget};
use crate::rollout::tell::ring_report::{RingReport, ring_report};
use crate::rollout::tell::{
    earliest::earliest_move, superseded, superseded::SupersededOffer, waiting_on::waiting_on,
};
use crate::rollout::world::{Read, Trouble, Want};
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// A rollout and all its reasons, at one instant.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an unread report explains nothing"]
pub struct Report {
    /// Which rollout.
    pub id: RolloutId,
    /// The plan that it follows.
    pub digest: PlanDigest,
    /// The plan's description.
    pub description: Option<String>,
    /// When this was true.
    pub at: Timestamp,
    /// Where it is.
    pub phase: Phase,
    /// Since when.
    pub phase_since: Timestamp,
    /// A person's pause.
    pub paused: Option<Attribution>,
    /// The engine's halt.
    pub halted: Option<(Cause, Timestamp)>,
    /// Its rings, in order.
    pub rings: Vec<RingReport>,
    /// What is in the way of the next move; empty only when the rollout is final.
    pub waiting_on: Vec<Blocker>,
    /// A newer target that waits until it is final.
    pub newer: Option<NewerTarget>,
    /// The earliest instant at which it can move, where the clock alone can tell.
    pub earliest_move: Option<Timestamp>,
    /// Reads that fail, and since when.
    pub troubles: Vec<(Read, Trouble)>,
    /// What it reads next, and when.
    pub reads: Vec<Want>,
    /// What somebody else did to its groups and devices, as it stands now.
    pub drifts: Vec<DriftFinding>,
    /// How far it went back, if somebody had it go back.
    pub rollback: Option<Rollback>,
    /// What earlier rollouts that were never completed still offer.
    pub superseded: Vec<SupersededOffer>,
    /// What the plan's rollbacks block.
    pub blocked_versions: Vec<BlockedVersion>,
    /// Whether the whole of it could go back, should somebody ask for it.
    pub rollback_targets: RollbackTargets,
    /// What the group offers that it is halted for.
    pub offered: Offered,
}

/// A newer target that waits until the rollout is final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewerTarget {
    /// The digest of the plan with it.
    pub digest: PlanDigest,
    /// Since when it waits.
    pub since: Timestamp,
    /// The rings of that plan and their targets, in order.
    pub rings: Vec<(RingName, BTreeMap<Environment, ClientVersion>)>,
}

impl NewerTarget {
    pub(crate) fn of(waiting: &WaitingTarget) -> Self {
        let rings = waiting.revision.plan.rings.iter();
        Self {
            digest: waiting.revision.digest.clone(),
            since: waiting.since,
            rings: rings.map(|ring| (ring.name.clone(), ring.targets.clone())).collect(),
        }
    }
}

/// The report on a rollout.
pub(crate) fn report(context: &Context<'_>, reads: &[Want]) -> Report {
    let rollout = context.rollout;
    let blocked_versions = context.state.blocked_versions.iter().filter(|held| held.plan == rollout.id.plan);
    Report {
        id: rollout.id.clone(),
        digest: rollout.revision.digest.clone(),
        description: rollout.revision.plan.description.clone(),
        at: context.now,
        phase: rollout.phase,
        phase_since: rollout.phase_since,
        paused: context.plan.paused.clone(),
        halted: rollout.halted.as_ref().map(|halt| (halt.cause.clone(), halt.since)),
        rings: rollout.rings_with_plans().map(|(ring, plan)| ring_report(context, ring, plan)).collect(),
        waiting_on: waiting_on(context),
        newer: rollout.waiting.as_ref().map(NewerTarget::of),
        earliest_move: earliest_move(context),
        troubles: context.world.troubles.clone().into_iter().collect(),
        reads: reads.to_vec(),
        drifts: if rollout.phase == Phase::Running { drift::findings(context) } else { Vec::new() },
        rollback: rollout.rollback.clone(),
        superseded: superseded::offers(context),
        blocked_versions: blocked_versions.cloned().collect(),
        rollback_targets: RollbackTargets::of(&rollback_target::steps(
            context.state,
            context.plan,
            &Scope::default(),
        )),
        offered: Offered::of(held_on_offer(context.known(), context.plan), rollout.forbidden().is_some()),
    }
}
