//! A ring's report as JSON.
//!
//! **Invariant:** everything is copied from one report; the numbers of a gate are those that it judged by.

use crate::fleet::{Census, Counts, Share};
use crate::rollout::record::{Dark, Evaluation, Evidence, Gate, Judgement, Moves, Stalled};
use crate::rollout::state::{Attribution, Validity};
use crate::rollout::tell::ring_report::{ApprovalReport, RingReport};
use crate::time::Timestamp;
use crate::version::Environment;
use crate::web::json::{
    ApprovalJson, AskJson, ClassesJson, DarkJson, EvaluationJson, GateJson, GroupJson, MovesJson, RingJson,
    ScheduleJson, SilentJson, StalledJson, VoteJson, WaiverJson,
};

/// The key of systems without assignments, beside the environments.
pub(in crate::web) const OTHER: &str = "other";

pub(super) fn ring(ring: &RingReport, at: Timestamp) -> RingJson {
    let (group_name, group_id) = ring.group.clone();
    let share = |on: &Environment| ring.census.as_ref().and_then(|census| adoption(census, *on));
    let waiver = |(gate, hold): (&Gate, &Attribution)| {
        let (actor, reason) = (hold.actor.to_string(), hold.reason.clone());
        WaiverJson { gate: *gate, actor, reason, since: hold.since }
    };
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
        adoption: ring.targets.keys().map(|on| (*on, share(on))).collect(),
        gates: ring.gates.iter().map(|judgement| gate(judgement, at)).collect(),
        dropped: ring.dropped,
        waived: ring.waived.iter().map(waiver).collect(),
        moves: ring.moves.iter().map(|(environment, seen)| (*environment, moves(seen))).collect(),
        approval: ring.approval.as_ref().map(approval),
        unmanaged: ring.unmanaged.clone(),
    }
}

pub(super) fn moves(seen: &Moves) -> MovesJson {
    let text = seen.to_string();
    MovesJson { to: seen.to, seen: seen.seen, from: seen.from.clone(), down: seen.down(), text }
}

/// A ring's counts by environment, `other` last.
pub(in crate::web) fn counts(census: &Census) -> Vec<(&'static str, &Counts)> {
    let environments =
        census.environments.iter().map(|(environment, one)| (environment.as_str(), &one.counts));
    environments.chain([(OTHER, &census.other)]).collect()
}

/// Arrived devices as a share of those seen; `None` while none was.
#[expect(clippy::cast_precision_loss, reason = "a fleet has far fewer than 2^52 devices")]
pub(in crate::web) fn adoption(census: &Census, environment: Environment) -> Option<f64> {
    let counts = &census.environments.get(&environment)?.counts;
    (counts.sighted() > 0).then(|| counts.arrived as f64 / counts.sighted() as f64)
}

const fn classes(counts: &Counts) -> ClassesJson {
    let Counts { arrived, due, stalled, unseen, too_old, untargeted, left } = *counts;
    ClassesJson { arrived, due, stalled, unseen, too_old, untargeted, left }
}

fn approval(report: &ApprovalReport) -> ApprovalJson {
    let ApprovalReport { judgement, asked_at, missing, words, hearing: _ } = report;
    let (tallies, lapsed) = match &judgement.evidence {
        Evidence::Approval(approved) => (approved.tallies.as_slice(), approved.lapsed.as_slice()),
        _ => (&[][..], &[][..]),
    };
    let asks = tallies.iter().map(|tally| AskJson {
        user_group: tally.ask.user_group.to_string(),
        count: tally.ask.count.get(),
        by: tally.ask.by.as_str().to_owned(),
        approved: tally.approved.iter().map(|given| given.by.to_string()).collect(),
        members: tally.members,
    });
    let approvals = words.approvals.iter().map(|(by, given)| {
        let (by, word, note) = (by.to_string(), "approved".to_owned(), given.note.clone());
        let voided_at = match given.standing {
            Validity::Stands => None,
            Validity::Voided(at) => Some(at),
        };
        let (at, expires_at) = (given.given_at, Some(given.expires_at));
        VoteJson { by, word, note, at, expires_at, voided_at, lapsed: false }
    });
    let rejections = words.rejections.iter().map(|(by, given)| {
        let lapsed = lapsed.contains(by);
        let (by, word, note) = (by.to_string(), "refused".to_owned(), given.note.clone());
        VoteJson { by, word, note, at: given.at, expires_at: None, voided_at: None, lapsed }
    });
    ApprovalJson {
        verdict: judgement.verdict.as_str().to_owned(),
        reason: judgement.verdict.reason_code().to_owned(),
        asked_at: *asked_at,
        asks: asks.collect(),
        missing: missing.iter().map(ToString::to_string).collect(),
        words: approvals.chain(rejections).collect(),
    }
}

pub(super) fn gate(judgement: &Judgement, at: Timestamp) -> GateJson {
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

fn look(look: &Evaluation) -> EvaluationJson {
    let silent = |share: Share| SilentJson { of: share.of, silent: share.silent };
    EvaluationJson {
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
