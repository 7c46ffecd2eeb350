//! From snapshot, report and log to the JSON of the API.
//!
//! **Invariant:** every answer is a copy of one snapshot or of the log, so two parts of an answer
//! never contradict each other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::clock;
use super::json::{
    ApprovalJson, BlockerJson, ClassesJson, DarkJson, DeviceJson, DriftJson, EventJson, FaultJson,
    FileProblemJson, GateJson, GroupJson, HaltJson, HeadJson, HeldOutJson, HoldJson, LogTroubleJson,
    LookJson, MovesJson, NewPlanJson, NewerRingJson, NewerTargetJson, PlanAnswer, RingJson, RollbackJson,
    RollbackStepJson, RolloutJson, RolloutsAnswer, ScheduleJson, SilentJson, StalledJson, SupersededJson,
    TroubleJson, WaiverJson, WayBackJson,
};
use super::revision::revision_waits;
use super::words::sentence;
use crate::daemon::log::from_record;
use crate::daemon::view::{RingDevice, View};
use crate::fleet::{Census, Counts, Share};
use crate::ids::{PlanName, RingName};
use crate::rollout::downgrade::Moves;
use crate::rollout::drift::DriftFinding;
use crate::rollout::era::Eras;
use crate::rollout::event::{Cause, Event};
use crate::rollout::explain::explain_new;
use crate::rollout::health::{Dark, Look, Stalled};
use crate::rollout::report::{Blocker, NewerTarget, Report, RevisionWaits, RingReport};
use crate::rollout::rollback::WayBack;
use crate::rollout::state::{HeldOut, Hold, Progress, Rollback, StepState};
use crate::rollout::superseded::SupersededOffer;
use crate::rollout::verbs::Offered;
use crate::rollout::verdict::{Evidence, Judgement, short};
use crate::rollout::world::Read;
use crate::store::Record;
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// The key of systems without assignments, beside the environments.
pub(super) const OTHER: &str = "other";

/// The whole snapshot.
pub(super) fn rollouts(view: &View) -> RolloutsAnswer {
    RolloutsAnswer {
        at: view.at,
        account: view.account.clone(),
        mode: view.mode,
        revisions: Some(view.revisions),
        clock: view.clock.to_string(),
        stopped: view.stop.as_ref().map(hold),
        rollouts: view.reports.iter().map(|report| of_view(report, view)).collect(),
        new_plans: view.new_plans().map(|(plan, waits)| new_plan(plan, waits, view.at)).collect(),
        problems: view
            .problems
            .iter()
            .map(|problem| FileProblemJson { file: problem.file.clone(), errors: problem.errors.clone() })
            .collect(),
        troubles: view
            .troubles
            .iter()
            .map(|(read, trouble)| TroubleJson {
                read: read_name(read),
                since: trouble.since,
                message: trouble.message.clone(),
            })
            .collect(),
        log_unwritable: view
            .log_unwritable
            .as_ref()
            .map(|trouble| LogTroubleJson { since: trouble.since, message: trouble.message.clone() }),
        clock_troubles: clock::troubles(view),
        clock_trust: clock::trust(view),
        decided_ago_seconds: Some(view.taken.passed().as_secs()),
        faults: view
            .faults
            .iter()
            .map(|(plan, message)| FaultJson { plan: plan.clone(), message: message.clone() })
            .collect(),
        head: HeadJson { seq: view.head.seq.get(), hash: view.head.hash.to_string() },
        budget_remaining: view.budget_remaining,
        full_sweep_at: view.full_sweep_at,
        swept_at: view.swept_at,
        next_check: view.next_check,
    }
}

/// One rollout of the snapshot, with what waits of its plan.
pub(super) fn of_view(report: &Report, view: &View) -> RolloutJson {
    let plan = &report.id.plan;
    let revision_waits = view.waiting.get(plan).map(|waits| revision_waits(plan, waits, view.at));
    RolloutJson { revision_waits, ..rollout(report, view.next_check) }
}

/// One rollout by itself.
#[must_use]
pub fn rollout(report: &Report, next_check: Option<Timestamp>) -> RolloutJson {
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
        superseded_offers: report
            .superseded
            .iter()
            .map(|offer| superseded(&report.id.plan, offer, report.at))
            .collect(),
        rollback: report.rollback.as_ref().map(rollback),
        held_out: report.held_out.iter().map(held_out).collect(),
        way_back: report.ways_back.as_str().to_owned(),
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
        offers_held_out: offered == Offered::HeldOut,
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
        let way = |way: &WayBack| WayBackJson { from: way.from, to: way.to, ground: way.ground.to_string() };
        let back = step.back.iter().map(|(environment, one)| (*environment, way(one))).collect();
        RollbackStepJson { ring: step.ring.clone(), progress: progress.to_owned(), ended_at, back }
    };
    RollbackJson {
        trigger: rollback.trigger.as_str().to_owned(),
        by: hold(&rollback.by),
        steps: rollback.steps.iter().map(step).collect(),
    }
}

fn held_out(held: &HeldOut) -> HeldOutJson {
    HeldOutJson {
        ring: held.ring.clone(),
        policy: held.policy.to_string(),
        environment: held.environment,
        version: held.version,
        by: hold(&held.by),
    }
}

fn superseded(plan: &PlanName, offer: &SupersededOffer, at: Timestamp) -> SupersededJson {
    SupersededJson::of(plan, offer, offer.gates.iter().map(|judgement| gate(judgement, at)).collect())
}

fn drift(finding: &DriftFinding) -> DriftJson {
    DriftJson {
        ring: finding.ring.clone(),
        kind: finding.kind.as_str().to_owned(),
        standing: finding.standing.as_str().to_owned(),
        text: finding.text.clone(),
    }
}

/// Drift that keeps nothing from moving, with what became of it: accepted, or noted. What keeps
/// something stands among the reasons.
#[must_use]
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

/// How far a rollback is and what it holds out, a line for each ring and for each version.
#[must_use]
pub fn told_rollback(rollout: &RolloutJson) -> Vec<String> {
    let step = |step: &RollbackStepJson| {
        let way = |(environment, way): (&Environment, &WayBackJson)| {
            format!("{environment} {} back to {} ({})", way.from, way.to, way.ground)
        };
        let ways: Vec<String> = step.back.iter().map(way).collect();
        let far = match (step.progress.as_str(), step.ended_at) {
            ("due", _) => "a later ring goes first".to_owned(),
            ("begun", _) => "under way".to_owned(),
            ("no_group", _) => "it has no deployment group".to_owned(),
            ("out_of_time", Some(at)) => format!("over since {}, and not all followed", short(at)),
            (_, Some(at)) => format!("back since {}", short(at)),
            (other, None) => other.to_owned(),
        };
        format!("Ring {}: {}; {far}", step.ring, ways.join(", "))
    };
    let steps = rollout.rollback.iter().flat_map(|rollback| &rollback.steps).map(step);
    let mut held: BTreeMap<(Environment, ClientVersion), (BTreeSet<&RingName>, &HoldJson)> = BTreeMap::new();
    for one in &rollout.held_out {
        held.entry((one.environment, one.version))
            .or_insert_with(|| (BTreeSet::new(), &one.by))
            .0
            .insert(&one.ring);
    }
    let held = held.into_iter().map(|((environment, version), (rings, by))| {
        let rings: Vec<&str> = rings.into_iter().map(RingName::as_str).collect();
        format!(
            "Held out: {environment} {version} of {}, by {} since {}: {}; ringward release-hold {} --version {version} --reason … ends that",
            rings.join(", "),
            by.actor,
            short(by.since),
            by.reason,
            rollout.plan
        )
    });
    steps.chain(held).collect()
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
        remedy: said.way_out.to_string(),
        command: said.way_out.command,
    }
}

fn new_plan(plan: &PlanName, waits: &RevisionWaits, now: Timestamp) -> NewPlanJson {
    let waiting = &waits.waiting;
    let said = explain_new(plan, &waiting.revision);
    NewPlanJson {
        plan: plan.clone(),
        digest: waiting.revision.digest.as_str().to_owned(),
        since: waiting.since,
        headline: said.headline,
        detail: said.detail,
        remedy: said.way_out.to_string(),
        command: said.way_out.command,
        revision_waits: Some(revision_waits(plan, waits, now)),
    }
}

fn newer_target(report: &Report, newer: &NewerTarget) -> NewerTargetJson {
    let said = report.explain_newer(newer);
    let rings = newer.rings.iter();
    NewerTargetJson {
        digest: newer.digest.as_str().to_owned(),
        since: newer.since,
        rings: rings
            .map(|(name, targets)| NewerRingJson { name: name.clone(), targets: targets.clone() })
            .collect(),
        headline: said.headline,
        detail: said.detail,
        remedy: said.way_out.to_string(),
        command: said.way_out.command,
    }
}

fn ring(ring: &RingReport, at: Timestamp) -> RingJson {
    let (group_name, group_id) = ring.group.clone();
    RingJson {
        name: ring.name.clone(),
        state: ring.state.to_owned(),
        meaning: ring.meaning.to_owned(),
        since: ring.since,
        group: GroupJson { name: group_name, id: group_id },
        profiles: ring.profiles.clone(),
        targets: ring.targets.clone(),
        assigned_at: ring.assigned_at,
        next_opening: ring.next_opening,
        schedule: ring.schedule.as_ref().map(|schedule| ScheduleJson {
            state: schedule.state.to_owned(),
            because: schedule.because.clone(),
            next_open: schedule.next_open,
            next_close: schedule.next_close,
        }),
        classes: ring.census.as_ref().map(|census| {
            counts(census).into_iter().map(|(name, counts)| (name.to_owned(), classes(counts))).collect()
        }),
        adoption: ring
            .targets
            .keys()
            .map(|environment| {
                (*environment, ring.census.as_ref().and_then(|census| adoption(census, *environment)))
            })
            .collect(),
        gates: ring.gates.iter().map(|judgement| gate(judgement, at)).collect(),
        dropped: ring.dropped,
        waived: ring
            .waived
            .iter()
            .map(|(gate, hold)| WaiverJson {
                gate: *gate,
                actor: hold.actor.to_string(),
                reason: hold.reason.clone(),
                since: hold.since,
            })
            .collect(),
        moves: ring.moves.iter().map(|(environment, seen)| (*environment, moves(seen))).collect(),
        approval: ring.approval.as_ref().map(ApprovalJson::of),
        unmanaged: ring.unmanaged.clone(),
    }
}

pub(super) fn moves(seen: &Moves) -> MovesJson {
    let text = seen.to_string();
    MovesJson { to: seen.to, seen: seen.seen, from: seen.from.clone(), down: seen.down(), text }
}

/// A ring's counts by environment, `other` last.
pub(super) fn counts(census: &Census) -> Vec<(&'static str, &Counts)> {
    let environments =
        census.environments.iter().map(|(environment, one)| (environment.as_str(), &one.counts));
    environments.chain([(OTHER, &census.other)]).collect()
}

/// Arrived devices as a share of those sighted; `None` while none was.
#[expect(clippy::cast_precision_loss, reason = "a fleet has far fewer than 2^52 devices")]
pub(super) fn adoption(census: &Census, environment: Environment) -> Option<f64> {
    let counts = &census.environments.get(&environment)?.counts;
    (counts.sighted() > 0).then(|| counts.arrived as f64 / counts.sighted() as f64)
}

const fn classes(counts: &Counts) -> ClassesJson {
    ClassesJson {
        arrived: counts.arrived,
        due: counts.due,
        stalled: counts.stalled,
        unseen: counts.unseen,
        too_old: counts.too_old,
        untargeted: counts.untargeted,
        left: counts.left,
    }
}

fn gate(judgement: &Judgement, at: Timestamp) -> GateJson {
    let reason = judgement.verdict.reason_code();
    GateJson {
        gate: judgement.gate,
        environment: judgement.environment,
        verdict: judgement.verdict.as_str().to_owned(),
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
        value: judgement.value(),
        threshold: judgement.threshold(),
        as_of: judgement.as_of,
        age_seconds: judgement.age(at).map(|age| age.as_secs()),
        stalled: match &judgement.evidence {
            Evidence::Stalled(seen) => Some(stalled(seen)),
            _ => None,
        },
        dark: match &judgement.evidence {
            Evidence::Dark(seen) => Some(dark(seen)),
            _ => None,
        },
    }
}

fn stalled(seen: &Stalled) -> StalledJson {
    StalledJson {
        stalled: seen.stalled(),
        sighted: seen.sighted(),
        acknowledged: seen.acknowledged,
        at_most_per_mille: seen.at_most.into(),
        after_seconds: seen.after.get().as_secs(),
        min_devices: seen.min_devices,
    }
}

fn dark(seen: &Dark) -> DarkJson {
    DarkJson {
        arrived: seen.arrived,
        control_active: seen.control_active,
        acknowledged: seen.acknowledged,
        looks: seen.looks.iter().map(look).collect(),
        next_look: seen.next_at,
        at_most_per_mille: seen.at_most.into(),
        after_seconds: seen.after.get().as_secs(),
        min_devices: seen.min_devices,
    }
}

fn look(look: &Look) -> LookJson {
    let silent = |share: Share| SilentJson { of: share.of, silent: share.silent };
    LookJson {
        look: look.look,
        at: look.at,
        since: look.since,
        day: look.day,
        ring: silent(look.ring),
        control: silent(look.control),
        p_per_billion: look.p.0,
        p_at_most_per_billion: look.p_at_most.0,
    }
}

pub(super) fn hold(hold: &Hold) -> HoldJson {
    HoldJson { actor: hold.actor.to_string(), reason: hold.reason.clone(), since: hold.since }
}

fn read_name(read: &Read) -> String {
    match read {
        Read::Group(id) => format!("{} ({id})", read.as_str()),
        Read::ProfileSweep(id) => format!("{} ({id})", read.as_str()),
        Read::Approvers(name) => format!("{} (`{name}`)", read.as_str()),
        Read::Groups | Read::Profiles | Read::FullSweep | Read::IncrementalSweep => read.as_str().to_owned(),
    }
}

/// One device.
pub(super) fn device(row: RingDevice) -> DeviceJson {
    DeviceJson {
        ring: row.ring,
        class: row.class,
        id: row.id,
        name: row.name,
        user: row.user,
        os: row.os,
        os_version: row.os_version,
        environment: row.environment,
        client: row.client,
        last_seen_at: row.last_seen_at,
        dark_since: row.dark_since,
        acknowledged: row.acknowledged,
    }
}

/// Whether a record holds a revision of its plan.
pub(super) fn holds_a_revision(record: &Record) -> bool {
    matches!(record.record.kind.as_str(), "plan_accepted" | "plan_revised")
}

/// The name that a plan had before a record, if that says so.
pub(super) fn name_before(record: &Record) -> Option<PlanName> {
    let recorded = from_record(record, &Eras::default()).ok()?;
    match recorded.entry.event {
        Event::PlanRenamed { from } => Some(from),
        _ => None,
    }
}

/// The revision in such a record.
pub(super) fn plan(record: &Record, eras: &Eras) -> Option<PlanAnswer> {
    let recorded = from_record(record, eras).ok()?;
    let (Event::PlanAccepted { revision } | Event::PlanRevised { revision, .. }) = recorded.entry.event
    else {
        return None;
    };
    Some(PlanAnswer {
        plan: record.record.plan.clone()?,
        rollout: record.record.rollout?,
        seq: record.seq.get(),
        at: recorded.at,
        digest: revision.digest.as_str().to_owned(),
        written: serde_json::from_str(&revision.written).ok()?,
    })
}

/// One record of the log. A kind that this ringward does not know is shown by its name.
#[must_use]
pub fn event(record: &Record, eras: &Eras) -> EventJson {
    let fields = &record.record;
    let text = match from_record(record, eras) {
        Ok(recorded) => sentence(&recorded.entry.event),
        Err(_) => format!("{} (of a version that this ringward does not know)", fields.kind),
    };
    EventJson {
        seq: record.seq.get(),
        at: eras.happened(record.seq.get(), fields.at),
        plan: fields.plan.clone(),
        rollout: fields.rollout,
        kind: fields.kind.clone(),
        actor: fields.actor.clone(),
        reason: fields.reason.clone(),
        text,
        payload: serde_json::from_str(&fields.payload)
            .unwrap_or_else(|_| Value::String(fields.payload.clone())),
        hash: record.hash.to_string(),
    }
}
