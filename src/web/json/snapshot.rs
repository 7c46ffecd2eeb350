//! The daemon as a whole, with each plan's latest rollout.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{AccountId, PlanName};
use crate::plan::model::Revisions;
use crate::rollout::record::Mode;
use crate::time::Timestamp;
use crate::web::json::rollout::{AttributionJson, RevisionWaitsJson, RolloutJson};

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
    pub stopped: Option<AttributionJson>,
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

/// Why nothing is entered on the machine's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClockTroubleJson {
    /// `clock_behind`: it was set back; `clock_differs`: it is not Cloudflare's; `clock_unknown`: it cannot be
    /// compared.
    pub code: String,
    /// The same in a sentence.
    pub message: String,
    /// What would change it, as a person can do it.
    pub remedy: String,
}

/// A person's word for the machine's clock, from `ringward.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClockTrustJson {
    /// From when on it does not count any more.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}
