//! What a person asks for, and the answer.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{PlanName, RingName};
use crate::rollout::people::verbs::arguments::Arguments;
use crate::rollout::record::Gate;
use crate::version::{ClientVersion, Environment};
use crate::web::json::SeenJson;

/// Longest reason of a verb, in characters: it stands in the log for ever and on every page.
pub const MAX_REASON_CHARS: usize = 2_000;

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
    /// `approve`, `reject`: which ring; needed there. `waive`: of which ring; absent: the one under way.
    /// `rollback`: from which ring on; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring: Option<RingName>,
    /// `rollback`: this environment alone; absent: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// `unblock`: which version; needed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ClientVersion>,
    /// `start`: whether every plan is left paused; absent: they go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// The revision that was read, by its digest or at least its first eight digits. `confirm`: the one that waits;
    /// needed there. `approve`, `resume`, `waive`, `rollback`: the one in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// `approve`, `resume`, `waive`, `rollback`: what was read, as the answer to `dry_run` has it. Without both of
    /// them nothing was read, which is refused with 409.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenJson>,
    /// `approve`, `resume`, `waive`, `rollback`: whether only what it rests on is answered; nothing is done then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
}

impl VerbRequest {
    /// Asks for a verb with these arguments; the plan stands in the path.
    pub fn of(reason: String, given: Arguments) -> Self {
        let Arguments { plan: _, gate, ring, environment, version, paused, revision } = given;
        Self { reason, gate, ring, environment, version, paused, revision, seen: None, dry_run: None }
    }

    /// The reason, and the arguments beside the plan.
    pub(in crate::web) fn parts(self, plan: Option<PlanName>) -> (String, Arguments) {
        let Self { reason, gate, ring, environment, version, paused, revision, seen: _, dry_run: _ } = self;
        (reason, Arguments { plan, gate, ring, environment, version, paused, revision })
    }
}

/// A verb that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerbAnswer {
    /// What was done, in words.
    pub done: String,
    /// `dry_run`: the revision in force, to be sent back.
    #[serde(default)]
    pub revision: Option<String>,
    /// `dry_run`: what the verb rests on, to be sent back.
    #[serde(default)]
    pub seen: Option<SeenJson>,
    /// `dry_run`: how many devices move, of those seen in the last 7 days, by ring and environment.
    #[serde(default)]
    pub devices: Option<BTreeMap<RingName, BTreeMap<Environment, usize>>>,
    /// `dry_run`: the same in words, a line each.
    #[serde(default)]
    pub lines: Option<Vec<String>>,
}

impl VerbAnswer {
    /// A verb that was carried out.
    pub const fn done(done: String) -> Self {
        Self { done, revision: None, seen: None, devices: None, lines: None }
    }
}
