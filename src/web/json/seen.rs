//! What a verb rests on, as JSON.
//!
//! **Invariant:** what is answered is what is to be sent back, key by key.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::RingName;
use crate::rollout::people::seen::{FromTo, Seen};
use crate::version::{ClientVersion, Environment};

/// What a verb rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeenJson {
    /// What each ring goes from and to, by ring and environment.
    #[serde(default)]
    pub rings: BTreeMap<RingName, BTreeMap<Environment, FromToJson>>,
    /// What is held, and what the gates found.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub findings: Vec<String>,
}

/// What an environment of a ring is offered, and shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FromToJson {
    /// What its group offers; `null`: nothing that ringward wrote, or no single version.
    pub from: Option<String>,
    /// What it shall offer.
    pub to: ClientVersion,
}

impl From<&Seen> for SeenJson {
    fn from(seen: &Seen) -> Self {
        let way = |way: &FromTo| FromToJson { from: way.from.clone(), to: way.to };
        let ring = |environments: &BTreeMap<Environment, FromTo>| {
            environments.iter().map(|(environment, one)| (*environment, way(one))).collect()
        };
        Self {
            rings: seen.rings.iter().map(|(name, environments)| (name.clone(), ring(environments))).collect(),
            findings: seen.findings.iter().cloned().collect(),
        }
    }
}

impl From<SeenJson> for Seen {
    fn from(SeenJson { rings, findings }: SeenJson) -> Self {
        let way = |FromToJson { from, to }| FromTo { from, to };
        let ring = |environments: BTreeMap<Environment, FromToJson>| {
            environments.into_iter().map(|(environment, one)| (environment, way(one))).collect()
        };
        Self {
            rings: rings.into_iter().map(|(name, environments)| (name, ring(environments))).collect(),
            findings: BTreeSet::from_iter(findings),
        }
    }
}
