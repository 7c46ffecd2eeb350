//! A rollout's report, and a revision that waits, as JSON.
//!
//! **Invariant:** everything is copied from one report; whether a revision can be confirmed comes from the table of verbs.

use crate::ids::PlanName;
use crate::rollout::decide::blocker::Blocker;
use crate::rollout::people::verbs::situation::{Offered, Waits};
use crate::rollout::people::verbs::table;
use crate::rollout::people::verbs::table::Cell;
use crate::rollout::record::{Cause, DriftFinding, RollbackTarget};
use crate::rollout::state::{Attribution, BlockedVersion, Progress, Rollback, StepState};
use crate::rollout::tell::explain::blocks::{confirm, waits_for};
use crate::rollout::tell::report::{NewerTarget, Report};
use crate::rollout::tell::revision_waits::RevisionWaits;
use crate::rollout::tell::superseded::SupersededOffer;
use crate::text::in_shell;
use crate::time::Timestamp;
use crate::web::json::{
    AttributionJson, BlockedVersionJson, BlockerJson, DriftJson, HaltJson, NewerRingJson, NewerTargetJson,
    RevisionWaitsJson, RingMovesJson, RollbackJson, RollbackStepJson, RollbackTargetJson, RolloutJson,
    SupersededJson,
};
use crate::web::present::ring::{gate, moves, ring};

/// One rollout by itself.
pub fn rollout(report: &Report, next_check: Option<Timestamp>) -> RolloutJson {
    let left = report.superseded.iter().map(|offer| superseded(&report.id.plan, offer, report.at));
    RolloutJson {
        id: report.id.to_string(),
        plan: report.id.plan.clone(),
        number: report.id.number,
        digest: report.digest.as_str().to_owned(),
        description: report.description.clone(),
        at: report.at,
        phase: report.phase.as_str().to_owned(),
        phase_since: report.phase_since,
        paused: report.paused.as_ref().map(hold),
        halted: report.halted.as_ref().map(|(cause, since)| halt(cause, *since, report.offered)),
        waiting_on: report.waiting_on.iter().map(|one| blocker(report, one)).collect(),
        newer_target: report.newer.as_ref().map(|newer| newer_target(report, newer)),
        revision_waits: None,
        drifts: report.drifts.iter().map(drift).collect(),
        superseded_offers: left.collect(),
        rollback: report.rollback.as_ref().map(rollback),
        blocked_versions: report.blocked_versions.iter().map(blocked_version).collect(),
        rollback_target: report.rollback_targets.as_str().to_owned(),
        earliest_move: report.earliest_move,
        next_check,
        rings: report.rings.iter().map(|one| ring(one, report.at)).collect(),
    }
}

fn halt(cause: &Cause, since: Timestamp, offered: Offered) -> HaltJson {
    let (judgement, devices) = match cause {
        Cause::AdoptionMissed { judgement, .. } => (Some(judgement), None),
        Cause::Unhealthy { judgement, devices, .. } => (Some(judgement), Some(devices.len())),
        Cause::UnknownTooLong { .. }
        | Cause::WriteRefused { .. }
        | Cause::WritesKeepFailing { .. }
        | Cause::Forbidden { .. }
        | Cause::Drift(_)
        | Cause::OtherUpdater(_) => (None, None),
    };
    HaltJson {
        cause: cause.as_str().to_owned(),
        text: cause.to_string(),
        since,
        ring: Some(cause.ring().clone()),
        gate: judgement.map(|judgement| gate(judgement, since)),
        devices,
        offers_blocked_version: offered == Offered::BlockedVersion,
        offers_forbidden: offered == Offered::Forbidden,
    }
}

fn rollback(rollback: &Rollback) -> RollbackJson {
    let step = |StepState { step, progress }: &StepState| {
        let (progress, ended_at) = match progress {
            Progress::Due => ("due", None),
            Progress::Begun => ("begun", None),
            Progress::Done(how, at) => (how.as_str(), Some(*at)),
        };
        let way = |way: &RollbackTarget| RollbackTargetJson {
            from: way.from,
            to: way.to,
            ground: way.ground.to_string(),
        };
        let back = step.back.iter().map(|(environment, one)| (*environment, way(one))).collect();
        RollbackStepJson { ring: step.ring.clone(), progress: progress.to_owned(), ended_at, back }
    };
    RollbackJson {
        trigger: rollback.trigger.as_str().to_owned(),
        by: hold(&rollback.by),
        steps: rollback.steps.iter().map(step).collect(),
    }
}

fn blocked_version(held: &BlockedVersion) -> BlockedVersionJson {
    BlockedVersionJson {
        ring: held.ring.clone(),
        policy: held.policy.to_string(),
        environment: held.environment,
        version: held.version,
        by: hold(&held.by),
    }
}

fn superseded(plan: &PlanName, offer: &SupersededOffer, at: Timestamp) -> SupersededJson {
    let (group, id) = &offer.group;
    let command = format!("ringward rollback {plan} --ring {} --reason …", in_shell(offer.ring.as_str()));
    let failing = offer.failing();
    SupersededJson {
        ring: offer.ring.clone(),
        rollout: offer.rollout.number,
        group: group.clone(),
        group_id: id.to_string(),
        since: offer.since,
        versions: offer.versions.clone(),
        asked_again: offer.asked_again,
        devices: offer.devices.clone(),
        gates: offer.gates.iter().map(|judgement| gate(judgement, at)).collect(),
        needs_you: failing.is_some(),
        headline: match failing {
            Some(word) => format!("{}; {word}", offer.text()),
            None => offer.text(),
        },
        remedy: format!("it ends by itself once the ring is entered; to take it back now: {command}"),
        command,
    }
}

fn drift(finding: &DriftFinding) -> DriftJson {
    DriftJson {
        ring: finding.ring.clone(),
        kind: finding.kind.as_str().to_owned(),
        standing: finding.standing.as_str().to_owned(),
        text: finding.text.clone(),
    }
}

fn blocker(report: &Report, blocker: &Blocker) -> BlockerJson {
    let said = report.explain(blocker);
    BlockerJson {
        code: blocker.code().to_owned(),
        reason: said.reason.to_owned(),
        ring: blocker.ring().cloned(),
        text: blocker.to_string(),
        headline: said.headline,
        detail: said.detail,
        seen: said.seen,
        asked: said.asked,
        since: said.since,
        next_look: said.next_look,
        until: said.until,
        remedy: said.remedy.to_string(),
        command: said.remedy.command,
    }
}

fn newer_target(report: &Report, newer: &NewerTarget) -> NewerTargetJson {
    let said = report.explain_newer(newer);
    let rings = newer.rings.iter().cloned().map(|(name, targets)| NewerRingJson { name, targets });
    NewerTargetJson {
        digest: newer.digest.as_str().to_owned(),
        since: newer.since,
        rings: rings.collect(),
        headline: said.headline,
        detail: said.detail,
        remedy: said.remedy.to_string(),
        command: said.remedy.command,
    }
}

pub(super) fn hold(hold: &Attribution) -> AttributionJson {
    AttributionJson { actor: hold.actor.to_string(), reason: hold.reason.clone(), since: hold.since }
}

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
