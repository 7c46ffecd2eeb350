//! A preview for programs.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::ids::{GroupId, PlanName, PolicyId, RingName};
use crate::plan::model::{PlanDigest, Revision};
use crate::rollout::record::{GroupContent, Moves, Purpose, VersionEntry};
use crate::rollout::tell::preview::{Course, Outcome, Preview, PreviewedWrite, RingPreview};
use crate::version::{ClientVersion, Environment};
use crate::{rollout::decide::blocker::Blocker, rollout::judge::rollback_target::Stuck, time::Timestamp};

/// What a plan would change at Cloudflare.
#[derive(Debug, Serialize)]
pub(super) struct Diff<'a> {
    plan: &'a PlanName,
    digest: &'a PlanDigest,
    at: Timestamp,
    /// The rollout that would do it, as `plan#number`.
    rollout: String,
    course: Course,
    /// What is in the way of the next move now.
    now: Vec<InTheWay>,
    /// Writes that put drifted groups back, before anything else.
    restores: Vec<WriteJson<'a>>,
    rings: Vec<RingDiffJson<'a>>,
    /// Writes that would be made before the first blocked ring; 0: nothing would change.
    writes: usize,
}

#[derive(Debug, Serialize)]
struct RingDiffJson<'a> {
    name: &'a RingName,
    /// `entered`, `in_place`, `written` or `blocked`.
    outcome: &'static str,
    /// The state of a ring that is entered.
    state: Option<&'static str>,
    /// Whether no ring before it is blocked.
    reachable: bool,
    writes: Vec<WriteJson<'a>>,
    /// What blocks it until somebody does something.
    blocked: Vec<InTheWay>,
    /// What its schedule says against entering it now.
    waits: Vec<WaitJson>,
    /// Environments that could not be rolled back once this is written.
    #[serde(rename = "no_way_back")]
    no_rollback_target: &'a [Stuck],
    /// Devices that are offered another version, by environment.
    retargeted: &'a BTreeMap<Environment, usize>,
    /// Devices that are offered none any more, by environment.
    released: &'a BTreeMap<Environment, usize>,
    /// Where the devices seen in the last 7 days come from, by environment; of a ring that is not entered.
    moves: BTreeMap<Environment, MovedDevicesJson<'a>>,
}

#[derive(Debug, Serialize)]
struct MovedDevicesJson<'a> {
    /// The version that they are offered.
    to: ClientVersion,
    /// How many were seen.
    seen: usize,
    /// How many run another version, by version.
    from: &'a BTreeMap<ClientVersion, usize>,
    /// How many of those go down.
    down: usize,
}

#[derive(Debug, Serialize)]
struct WriteJson<'a> {
    /// `create`, `update`, `move_out` or `restore`.
    kind: &'static str,
    /// The ring that owns the group of a `move_out`.
    from_ring: Option<&'a RingName>,
    group: Option<&'a GroupId>,
    before: Option<Content<'a>>,
    after: Content<'a>,
}

#[derive(Debug, Serialize)]
struct Content<'a> {
    name: &'a str,
    versions: &'a [VersionEntry],
    policy_ids: &'a BTreeSet<PolicyId>,
}

#[derive(Debug, Serialize)]
struct InTheWay {
    code: &'static str,
    text: String,
    remedy: String,
}

#[derive(Debug, Serialize)]
struct WaitJson {
    gate: &'static str,
    reason: &'static str,
    text: String,
}

pub(super) fn diff<'a>(preview: &'a Preview, revision: &'a Revision, now: Timestamp) -> Diff<'a> {
    let plan = &preview.rollout.plan;
    let reachable = preview.reachable().count();
    let rings = preview.rings.iter().enumerate();
    Diff {
        plan,
        digest: &revision.digest,
        at: now,
        rollout: preview.rollout.to_string(),
        course: preview.course,
        now: preview.now.iter().map(|blocker| in_the_way(blocker, plan)).collect(),
        restores: preview.restores.iter().map(write).collect(),
        rings: rings.map(|(index, one)| ring(one, index < reachable, plan)).collect(),
        writes: preview.writes().count(),
    }
}

fn ring<'a>(ring: &'a RingPreview, reachable: bool, plan: &PlanName) -> RingDiffJson<'a> {
    let (outcome, state, blocked) = match &ring.outcome {
        Outcome::Entered(state) => ("entered", Some(*state), &[][..]),
        Outcome::InPlace => ("in_place", None, &[][..]),
        Outcome::Written => ("written", None, &[][..]),
        Outcome::Blocked(blockers) => ("blocked", None, blockers.as_slice()),
    };
    let waits = ring.waits.iter().map(|word| WaitJson {
        gate: word.gate.as_str(),
        reason: word.verdict.reason_code(),
        text: word.value(),
    });
    RingDiffJson {
        name: &ring.name,
        outcome,
        state,
        reachable,
        writes: ring.writes.iter().map(write).collect(),
        blocked: blocked.iter().map(|blocker| in_the_way(blocker, plan)).collect(),
        waits: waits.collect(),
        no_rollback_target: &ring.no_rollback_target,
        retargeted: &ring.retargeted,
        released: &ring.released,
        moves: ring.moves.iter().map(|(environment, moves)| (*environment, moved(moves))).collect(),
    }
}

fn moved(moves: &Moves) -> MovedDevicesJson<'_> {
    MovedDevicesJson { to: moves.to, seen: moves.seen, from: &moves.from, down: moves.down() }
}

fn write(write: &PreviewedWrite) -> WriteJson<'_> {
    let (kind, from_ring) = match (&write.purpose, &write.before) {
        (Purpose::MoveOut { from, .. }, _) => ("move_out", Some(from)),
        (Purpose::PutBack { from, .. }, _) => ("put_back", Some(from)),
        (Purpose::Restore, _) => ("restore", None),
        (Purpose::Rollback { .. }, _) => ("rollback", None),
        (Purpose::Target, None) => ("create", None),
        (Purpose::Target, Some(_)) => ("update", None),
    };
    WriteJson {
        kind,
        from_ring,
        group: write.before.as_ref().map(|group| &group.id),
        before: write.before.as_ref().map(|group| content(&group.content)),
        after: content(&write.after),
    }
}

fn content(content: &GroupContent) -> Content<'_> {
    Content { name: &content.name, versions: &content.versions, policy_ids: &content.policies }
}

fn in_the_way(blocker: &Blocker, plan: &PlanName) -> InTheWay {
    InTheWay { code: blocker.code(), text: blocker.to_string(), remedy: blocker.remedy(plan.as_str()) }
}
