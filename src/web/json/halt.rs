//! A halt and drift as JSON: what ringward found that a person must see.
//!
//! **Invariant:** what a person needs to judge a halt stands here as it was when ringward halted; what
//! is so now stands with the rings.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::health::GateJson;
use crate::ids::RingName;
use crate::time::Timestamp;

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
    /// Whether its group offers now what a rollback holds out: then `resume` is refused.
    #[serde(default)]
    pub offers_held_out: bool,
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
