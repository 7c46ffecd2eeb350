//! Lists, page by page: records of the log, devices; and the plan that a record holds.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One device of a ring, as the daemon lists it.
pub use crate::daemon::view::RingDevice as DeviceJson;
use crate::ids::PlanName;
use crate::time::Timestamp;

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
    /// Who: `engine`, `local:<user>`, `access:<e-mail>`, `service:<client ID>`, `token:<name>/<e-mail>`, `loopback`.
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
