//! A rollout: why it does not move, and what holds, waits, drifted, went back or was left of it.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed. What a person
//! needs to judge a halt stands here as it was when ringward halted; what is so now stands with the rings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{PlanName, RingName};
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};
use crate::web::json::ring::{GateJson, MovesJson, RingJson};

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
    pub paused: Option<AttributionJson>,
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
    /// Blocked versions: what the plan's rollbacks took back, until `unblock`.
    #[serde(default)]
    #[serde(rename = "held_out")]
    pub blocked_versions: Vec<BlockedVersionJson>,
    /// Whether the whole of it could go back now: `known`, `missing` (a ring has nowhere to go) or
    /// `nothing_moved`.
    #[serde(default)]
    #[serde(rename = "way_back")]
    pub rollback_target: String,
    /// The earliest instant at which it can move, where the clock alone can tell.
    pub earliest_move: Option<Timestamp>,
    /// When the daemon decides again at the latest.
    pub next_check: Option<Timestamp>,
    /// In the order in which they are entered.
    pub rings: Vec<RingJson>,
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

/// The engine's halt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HaltJson {
    /// The word of metrics: `drift`, `adoption_missed`, …
    pub cause: String,
    /// The cause with its values, for people.
    pub text: String,
    /// Since when.
    pub since: Timestamp,
    /// The ring that it is about.
    #[serde(default)]
    pub ring: Option<RingName>,
    /// What the gate said that halted it; `null` for causes without one.
    #[serde(default)]
    pub gate: Option<GateJson>,
    /// For how many devices a health gate failed; `null` for other causes. Who they were stands in the
    /// log.
    #[serde(default)]
    pub devices: Option<usize>,
    /// Whether its group offers a blocked version now: then `resume` is refused.
    #[serde(default)]
    #[serde(rename = "offers_held_out")]
    pub offers_blocked_version: bool,
    /// Whether the plan forbids what the rollout offers: then it cannot be resumed.
    #[serde(default)]
    pub offers_forbidden: bool,
}

/// One way in which a ring's group or devices differ from what ringward left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftJson {
    /// The ring.
    pub ring: RingName,
    /// `version_changed`, `policies_changed`, `group_deleted`, `profile_moved`, `other_updater`,
    /// `group_renamed`.
    pub kind: String,
    /// What becomes of it: `halts` (the rollout), `to_restore`, `accepted`, `noted` (it changes
    /// nothing).
    pub standing: String,
    /// What it is, for people. A group that drifted in two ways has two entries with the same text.
    pub text: String,
}

/// A revision of a plan's file that waits as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevisionWaitsJson {
    /// SHA-256 of the plan as written, in hex.
    pub digest: String,
    /// That of the revision in force; `null`: the plan is new.
    pub in_force: Option<String>,
    /// Since when it waits.
    pub since: Timestamp,
    /// What it waits for: `time`, `line_end`, `person`, `stability`, `another_version`, `predecessor`.
    pub waits_for: String,
    /// The same as a sentence.
    pub why: String,
    /// What it changes, a sentence each, without the full stop.
    pub changes: Vec<String>,
    /// A person's word that lets it take effect, as long as it counts; `null`: nobody confirmed it.
    pub confirmed: Option<AttributionJson>,
    /// The command that confirms it; `…` stands for the person's reason. `null`: it cannot be confirmed, or is.
    pub command: Option<String>,
    /// Where the devices of its rings come from, in the order of the rings; empty: the devices are not known.
    pub moves: Vec<RingMovesJson>,
}

/// Where the devices of one ring of a revision come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RingMovesJson {
    /// The ring.
    pub ring: RingName,
    /// By environment; empty: the devices of this ring are not known.
    pub environments: BTreeMap<Environment, MovesJson>,
}

/// A rollback under way or done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RollbackJson {
    /// What set it off: `person`.
    pub trigger: String,
    /// Who, why and when.
    pub by: AttributionJson,
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
    pub back: BTreeMap<Environment, RollbackTargetJson>,
}

/// The rollback target of one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RollbackTargetJson {
    /// What was on offer, and is blocked.
    pub from: ClientVersion,
    /// What is on offer instead.
    pub to: ClientVersion,
    /// Why that one, in words.
    pub ground: String,
}

/// A version that is blocked for a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockedVersionJson {
    /// The ring that was rolled back.
    pub ring: RingName,
    /// The profile, by policy ID.
    pub policy: String,
    /// The environment.
    pub environment: Environment,
    /// The version.
    pub version: ClientVersion,
    /// Who rolled back, why and when.
    pub by: AttributionJson,
}

/// A group that still offers what a rollout before this one wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SupersededJson {
    /// The ring whose group it is; it may be gone from the plan.
    pub ring: RingName,
    /// The number of the rollout that wrote it.
    pub rollout: u64,
    /// The group's name.
    pub group: String,
    /// The group's ID.
    pub group_id: String,
    /// Since when it is on offer.
    pub since: Timestamp,
    /// What is on offer, by environment.
    pub versions: BTreeMap<Environment, ClientVersion>,
    /// Whether the running rollout asks this ring for the same.
    pub asked_again: bool,
    /// Its devices by environment and by the version that they report.
    pub devices: BTreeMap<Environment, BTreeMap<String, usize>>,
    /// Its health gates, which go on.
    pub gates: Vec<GateJson>,
    /// Whether one of them fails: a person is needed, and the rollout is not held up by it.
    pub needs_you: bool,
    /// What is the case, as one sentence for people, without the full stop.
    pub headline: String,
    /// What lets it end.
    pub remedy: String,
    /// The command at the end of `remedy`; `…` stands for the person's reason.
    pub command: String,
}

/// A person's stop or pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttributionJson {
    /// Who: `local:<user>`, `access:<e-mail>`, `service:<client ID>`, `token:<name>/<e-mail>`, `loopback`.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}
