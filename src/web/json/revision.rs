//! A revision that waits, for whoever is to confirm it.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{HoldJson, MovesJson};
use crate::ids::RingName;
use crate::time::Timestamp;
use crate::version::Environment;

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
    pub confirmed: Option<HoldJson>,
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
