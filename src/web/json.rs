//! The JSON of the HTTP API, as plain structs for the server and for the command line.
//!
//! Keys are promises: they are added, never renamed. Words are snake_case, instants RFC 3339 in
//! UTC, lengths of time whole seconds in keys that end in `_seconds`. A key with nothing to say is
//! `null` or an empty list, never left out.
//!
//! **Invariant:** nothing here is computed: each value is copied from a report, a snapshot or the
//! log (`super::present`).

mod access;
mod approval;
mod clock;
mod halt;
mod health;
mod revision;
mod superseded;
mod tokens;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use access::{AccessIntentAnswer, AccessIntentJson, AccessOutcomeJson, AccessPolicyJson};
pub use approval::{ApprovalJson, AskJson, AwaitedRing, WordJson};
pub use clock::{ClockTroubleJson, ClockTrustJson};
pub use halt::{DriftJson, HaltJson};
pub use health::{DarkJson, GateJson, LookJson, SilentJson, StalledJson};
pub use revision::{RevisionWaitsJson, RingMovesJson};
pub use superseded::SupersededJson;
pub use tokens::{RevokeRequest, TokenJson, TokenMadeAnswer, TokenRequestJson, TokensAnswer};

use crate::fleet::Class;
use crate::ids::{AccountId, DeviceId, GroupId, PlanName, RingName};
use crate::plan::model::Revisions;
use crate::rollout::record::Gate;
use crate::rollout::record::Mode;
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// Longest reason of a verb, in characters: it stands in the log for ever and on every page.
pub const MAX_REASON_CHARS: usize = 2_000;
/// Most devices or events in one answer.
pub const MAX_PAGE: u32 = 1_000;
/// Devices or events in one answer where the request names no `limit`.
pub const DEFAULT_PAGE: u32 = 100;

/// `GET /api/v1`: what there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndexAnswer {
    /// ringward's own version.
    pub version: String,
    /// Where the API is described.
    pub openapi: String,
    /// Each path that the description has.
    pub paths: Vec<String>,
}

/// `GET /api/v1/rollouts`: the daemon and each plan's latest rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RolloutsAnswer {
    /// The last decision, by the daemon's clock; everything here was true then.
    pub at: Timestamp,
    /// The Cloudflare account.
    pub account: AccountId,
    /// `write`, or `observe` for a daemon that never writes.
    pub mode: Mode,
    /// Who lets revisions of plans take effect that do more than restrict; absent from older daemons.
    #[serde(default)]
    pub revisions: Option<Revisions>,
    /// `real`, or the text of a fast clock.
    pub clock: String,
    /// Set while all writes are stopped.
    pub stopped: Option<HoldJson>,
    /// By plan name.
    pub rollouts: Vec<RolloutJson>,
    /// Plans that no rollout was begun for, whose file waits to take effect.
    #[serde(default)]
    pub new_plans: Vec<NewPlanJson>,
    /// What is wrong with plan files.
    pub problems: Vec<FileProblemJson>,
    /// Reads that fail.
    pub troubles: Vec<TroubleJson>,
    /// Set while the log cannot be written: nothing is decided and nothing is sent to Cloudflare.
    pub log_unwritable: Option<LogTroubleJson>,
    /// What is wrong with the machine's clock: while anything is, no ring is entered.
    #[serde(default)]
    pub clock_troubles: Vec<ClockTroubleJson>,
    /// Set while the machine's clock is believed by a person's word, whatever Cloudflare's answers say.
    #[serde(default)]
    pub clock_trust: Option<ClockTrustJson>,
    /// Wall seconds since the last decision, however the clock was set; absent from older daemons.
    #[serde(default)]
    pub decided_ago_seconds: Option<u64>,
    /// Plans that a fault in ringward keeps from being decided.
    pub faults: Vec<FaultJson>,
    /// The end of the log.
    pub head: HeadJson,
    /// Requests left in the five-minute budget for Cloudflare.
    pub budget_remaining: u32,
    /// When the last full sweep of the devices began.
    pub full_sweep_at: Option<Timestamp>,
    /// When the last sweep of the devices began.
    pub swept_at: Option<Timestamp>,
    /// When the daemon decides again at the latest.
    pub next_check: Option<Timestamp>,
}

/// `GET /api/v1/rollouts/{plan}`: one rollout and all its reasons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RolloutJson {
    /// Plan and number: `client#3`.
    pub id: String,
    /// The plan.
    pub plan: PlanName,
    /// The n-th rollout of the plan, from 1.
    pub number: u64,
    /// SHA-256 of the plan as written, in hex.
    pub digest: String,
    /// The plan's description.
    pub description: Option<String>,
    /// When this was true.
    pub at: Timestamp,
    /// `running`, `completed`, `rolling_back`, `rolled_back`, `superseded`, `withdrawn`.
    pub phase: String,
    /// Since when.
    pub phase_since: Timestamp,
    /// A person's pause.
    pub paused: Option<HoldJson>,
    /// The engine's halt.
    pub halted: Option<HaltJson>,
    /// What is in the way of the next move; empty only when the rollout is final.
    pub waiting_on: Vec<BlockerJson>,
    /// A newer target that waits until this rollout is completed (`on_new_target: finish`).
    #[serde(default)]
    pub newer_target: Option<NewerTargetJson>,
    /// The revision of the plan's file that waits, with what it changes and whom it moves.
    #[serde(default)]
    pub revision_waits: Option<RevisionWaitsJson>,
    /// What somebody else did to its groups and devices, as it stands now.
    #[serde(default)]
    pub drifts: Vec<DriftJson>,
    /// What earlier rollouts that were never completed still offer, each with its health gates.
    #[serde(default)]
    pub superseded_offers: Vec<SupersededJson>,
    /// How far it went back, if somebody had it go back.
    #[serde(default)]
    pub rollback: Option<RollbackJson>,
    /// Versions that the plan's rollbacks hold out, until `release-hold`.
    #[serde(default)]
    pub held_out: Vec<HeldOutJson>,
    /// Whether the whole of it could go back now: `known`, `missing` (a ring has nowhere to go) or
    /// `nothing_moved`.
    #[serde(default)]
    pub way_back: String,
    /// The earliest instant at which it can move, where the clock alone can tell.
    pub earliest_move: Option<Timestamp>,
    /// When the daemon decides again at the latest.
    pub next_check: Option<Timestamp>,
    /// In the order in which they are entered.
    pub rings: Vec<RingJson>,
}

/// A newer target that waits until a rollout is completed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewerTargetJson {
    /// SHA-256 of the plan with it, as written, in hex.
    pub digest: String,
    /// Since when it waits.
    pub since: Timestamp,
    /// The rings of that plan, in order.
    pub rings: Vec<NewerRingJson>,
    /// What waits, as one sentence for people, without the full stop.
    pub headline: String,
    /// What that means, in sentences.
    pub detail: String,
    /// What lets it begin, as a person can do it, with the command if there is one.
    pub remedy: String,
    /// The command at the end of `remedy`; `…` stands for the person's reason.
    pub command: Option<String>,
}

/// One ring of a newer target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewerRingJson {
    /// Its name.
    pub name: RingName,
    /// The client version it shall have, by environment.
    pub targets: BTreeMap<Environment, ClientVersion>,
}

/// A rollback under way or done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RollbackJson {
    /// What set it off: `person`.
    pub trigger: String,
    /// Who, why and when.
    pub by: HoldJson,
    /// Its rings, in the order in which they go back.
    pub steps: Vec<RollbackStepJson>,
}

/// A ring of a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RollbackStepJson {
    /// The ring.
    pub ring: RingName,
    /// `due`, `begun`, `adopted` (enough devices are back), `out_of_time` (its time is over, and the next
    /// ring followed) or `no_group`.
    pub progress: String,
    /// Since when it is over; `null`: it is not.
    pub ended_at: Option<Timestamp>,
    /// What each environment goes back to.
    pub back: BTreeMap<Environment, WayBackJson>,
}

/// The way back of one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WayBackJson {
    /// What was on offer, and is held out.
    pub from: ClientVersion,
    /// What is on offer instead.
    pub to: ClientVersion,
    /// Why that one, in words.
    pub ground: String,
}

/// A version that is held out of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldOutJson {
    /// The ring that was rolled back.
    pub ring: RingName,
    /// The profile, by policy ID.
    pub policy: String,
    /// The environment.
    pub environment: Environment,
    /// The version.
    pub version: ClientVersion,
    /// Who rolled back, why and when.
    pub by: HoldJson,
}

/// A person's stop or pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldJson {
    /// Who: `local:<user>` or `loopback`.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// A plan that is new, and whose file waits to take effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewPlanJson {
    /// The plan.
    pub plan: PlanName,
    /// SHA-256 of the plan as written, in hex.
    pub digest: String,
    /// Since when it waits.
    pub since: Timestamp,
    /// What it waits for, as one sentence for people, without the full stop.
    pub headline: String,
    /// What that means, in sentences.
    pub detail: String,
    /// What lets it begin, with the command if there is one.
    pub remedy: String,
    /// The command of `remedy`.
    pub command: Option<String>,
    /// The same in parts, with whom it moves; absent from older daemons.
    #[serde(default)]
    pub revision_waits: Option<RevisionWaitsJson>,
}

/// One thing in the way of the next move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockerJson {
    /// Its word: `gate`, `stopped`, `write_in_doubt`, …
    pub code: String,
    /// Finer than `code`: a gate's reason code, a halt's cause, what is wrong with a group; else
    /// the same as `code`.
    pub reason: String,
    /// The ring it is about.
    pub ring: Option<RingName>,
    /// What it is, exactly and in short.
    pub text: String,
    /// What it is, as one sentence for people, without the full stop.
    pub headline: String,
    /// What that means and what follows, in sentences.
    pub detail: String,
    /// The value seen, where a gate has one.
    pub seen: Option<String>,
    /// What would be enough, where a gate has a threshold.
    pub asked: Option<String>,
    /// Since when it is in the way, as far as the log can tell.
    pub since: Option<Timestamp>,
    /// When what it depends on is read next; `null`: no read can change it.
    pub next_look: Option<Timestamp>,
    /// When the clock alone takes it out of the way; `null`: the clock does not.
    pub until: Option<Timestamp>,
    /// What would change it, as a person can do it, with the command if there is one.
    pub remedy: String,
    /// The command at the end of `remedy`; `…` stands for the person's reason.
    pub command: Option<String>,
}

/// One ring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RingJson {
    /// Its name.
    pub name: RingName,
    /// `pending`, `entering`, `deploying`, `adopting`, `soaking`, `verified`, `rolling_back`, `rolled_back`.
    pub state: String,
    /// What that means, as half a sentence for people.
    pub meaning: String,
    /// Since when.
    pub since: Timestamp,
    /// Its deployment group.
    pub group: GroupJson,
    /// Its profiles, in the plan's words.
    pub profiles: Vec<String>,
    /// The client version it shall have, by environment.
    pub targets: BTreeMap<Environment, ClientVersion>,
    /// Since when Cloudflare offers the targets.
    pub assigned_at: Option<Timestamp>,
    /// When it may be entered next; `null`: now, or it is entered.
    pub next_opening: Option<Timestamp>,
    /// What its schedule says; `null` once it is entered.
    pub schedule: Option<ScheduleJson>,
    /// Devices by environment (`windows`, `macos`, and `other` for systems without assignments)
    /// and class; `null` while the devices are not known.
    pub classes: Option<BTreeMap<String, ClassesJson>>,
    /// Arrived devices as a share of those sighted, 0 to 1; `null` while none was sighted.
    pub adoption: BTreeMap<Environment, Option<f64>>,
    /// The gates that matter now.
    pub gates: Vec<GateJson>,
    /// Whether the plan's file dropped it, and it keeps its place until it is verified: then gate `ring` can
    /// be waived.
    #[serde(default)]
    pub dropped: bool,
    /// Gates that a person waived.
    pub waived: Vec<WaiverJson>,
    /// Where its devices come from, by environment, while it is not entered; none while they are not known.
    #[serde(default)]
    pub moves: BTreeMap<Environment, MovesJson>,
    /// Who is asked to let it be entered, and what they said; `null`: nobody, or it is entered.
    pub approval: Option<ApprovalJson>,
    /// Versions in its group for environments that the plan does not name.
    pub unmanaged: Vec<String>,
}

/// Where the devices of a ring come from, of those seen in the last 7 days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MovesJson {
    /// The version that they are offered.
    pub to: ClientVersion,
    /// How many devices were seen.
    pub seen: usize,
    /// How many of them run another version, by version.
    pub from: BTreeMap<ClientVersion, usize>,
    /// How many of those go down to an older one.
    pub down: usize,
    /// The same in words.
    pub text: String,
}

/// A ring's schedule at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleJson {
    /// `always_open`, `in_opening`, `outside_openings` or `frozen`.
    pub state: String,
    /// The same as half a sentence, with a freeze's reason.
    pub because: String,
    /// When writing becomes possible next; `null`: it does not end before, or never within sight.
    pub next_open: Option<Timestamp>,
    /// When writing ends next; `null`: no end within sight.
    pub next_close: Option<Timestamp>,
}

/// A deployment group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupJson {
    /// Its name.
    pub name: String,
    /// Its ID, once there is one.
    pub id: Option<GroupId>,
}

/// Devices of one environment, by class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClassesJson {
    /// Sighted on the target after the assignment.
    pub arrived: usize,
    /// Sighted after its due instant, not there yet.
    pub due: usize,
    /// Still not there too long after that.
    pub stalled: usize,
    /// No sighting since its due instant.
    pub unseen: usize,
    /// A client that ignores assignments.
    pub too_old: usize,
    /// Another system, or an environment without a target here.
    pub untargeted: usize,
    /// Moved out of the ring, or gone.
    pub left: usize,
}

/// A gate that a person waived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaiverJson {
    /// Which gate.
    pub gate: Gate,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// Something wrong with a plan file or the plans directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileProblemJson {
    /// The file, or the directory.
    pub file: String,
    /// Each error, with its place.
    pub errors: Vec<String>,
}

/// A read at Cloudflare that failed and has not succeeded since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TroubleJson {
    /// What is read.
    pub read: String,
    /// Since when it fails.
    pub since: Timestamp,
    /// The newest error.
    pub message: String,
}

/// A log that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogTroubleJson {
    /// Since when.
    pub since: Timestamp,
    /// Why, and what to do.
    pub message: String,
}

/// A fault in ringward that keeps a plan from being decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FaultJson {
    /// The plan.
    pub plan: PlanName,
    /// What happened.
    pub message: String,
}

/// The end of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeadJson {
    /// The last record; 0 when there is none.
    pub seq: u64,
    /// Its hash, in hex.
    pub hash: String,
}

/// `GET /api/v1/rollouts/{plan}/devices?ring=&class=&dark=&limit=&offset=`, by ring and device ID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DevicesAnswer {
    /// The plan.
    pub plan: PlanName,
    /// Devices that match, over all pages.
    pub total: usize,
    /// One page of them.
    pub devices: Vec<DeviceJson>,
    /// The `offset` of the next page; `null` on the last one.
    pub next: Option<usize>,
}

/// One device of a ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceJson {
    /// The ring.
    pub ring: RingName,
    /// Its class there.
    pub class: Class,
    /// Its ID at Cloudflare.
    pub id: DeviceId,
    /// The host's name.
    pub name: String,
    /// E-mail of the last seen user.
    pub user: Option<String>,
    /// `device_type` as Cloudflare has it.
    pub os: Option<String>,
    /// The version of that system.
    pub os_version: Option<String>,
    /// Its environment, where assignments can target it.
    pub environment: Option<Environment>,
    /// The client version that it reported last.
    pub client: Option<String>,
    /// When Cloudflare saw it last.
    pub last_seen_at: Option<Timestamp>,
    /// From when on it is silent, by the newest looks for devices that went dark; `null`: it is not, or
    /// was not looked for.
    pub dark_since: Option<Timestamp>,
    /// The health gates that a person has accepted it for by resuming.
    #[serde(default)]
    pub acknowledged: Vec<Gate>,
}

/// `GET /api/v1/rollouts/{plan}/plan`: the plan that the latest rollout follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanAnswer {
    /// The plan.
    pub plan: PlanName,
    /// The number of the rollout within its plan.
    pub rollout: u64,
    /// The record that accepted it.
    pub seq: u64,
    /// When it was accepted.
    pub at: Timestamp,
    /// SHA-256 of the plan as written, in hex.
    pub digest: String,
    /// The plan as written, without comments and description: what the digest is over.
    pub written: serde_json::Value,
}

/// `GET /api/v1/rollouts/{plan}/events?after=&before=&limit=`: with `after`, oldest first; else
/// newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventsAnswer {
    /// One page.
    pub events: Vec<EventJson>,
    /// What to give as `after` (or else `before`) for the next page; `null` on the last one.
    pub next: Option<u64>,
}

/// One record of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventJson {
    /// Its place in the log, from 1.
    pub seq: u64,
    /// When it was recorded, by the daemon's clock.
    pub at: Timestamp,
    /// The plan; `null`: the account or the daemon.
    pub plan: Option<PlanName>,
    /// The number of the rollout within its plan.
    pub rollout: Option<u64>,
    /// What happened: `write_planned`, `ring_verified`, …
    pub kind: String,
    /// Who: `engine`, `local:<user>`, `loopback`.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// What happened, in a sentence.
    pub text: String,
    /// The whole fact, as recorded.
    pub payload: serde_json::Value,
    /// The record's hash, in hex.
    pub hash: String,
}

/// The body of every verb.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerbRequest {
    /// Why; needed, except by `check-now`.
    #[serde(default)]
    pub reason: String,
    /// `waive`: which gate; needed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// `waive`: of which ring; absent: the one under way. `approve`, `refuse`: which ring; absent: the
    /// first that is not entered. `rollback`: from which ring on; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring: Option<RingName>,
    /// `rollback`: this environment alone; absent: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// `release-hold`: which version; needed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ClientVersion>,
    /// `start`: whether every plan is left paused; absent: they go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// `confirm`: the revision that was read, by its digest or at least its first eight digits; needed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

/// A verb that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerbAnswer {
    /// What was done, in words.
    pub done: String,
}

/// Any failure: `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem: `urn:ringward:problem:refused`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here, why, and what would work.
    pub detail: String,
    /// The path that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}
