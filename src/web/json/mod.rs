//! The JSON of the HTTP API, as plain structs for the server and for the command line.
//!
//! Keys are promises: they are added, never renamed. Words are snake_case, instants RFC 3339 in
//! UTC, lengths of time whole seconds in keys that end in `_seconds`. A key with nothing to say is
//! `null` or an empty list, never left out.
//!
//! **Invariant:** nothing here is computed: each value is copied from a report, a snapshot or the
//! log (`super::present`).

mod forecast;
mod lists;
mod lookup;
mod ring;
mod rollout;
mod seen;
mod snapshot;
mod socket_only;
mod verb;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use forecast::{AlternativeJson, ForecastJson, HaltShareJson, RingForecastJson, WhenJson};
pub use lists::{DeviceJson, DevicesAnswer, EventJson, EventsAnswer, PlanAnswer};
pub use lookup::AwaitedRing;
pub use ring::{
    ApprovalJson, AskJson, ClassesJson, DarkJson, EvaluationJson, GateJson, GroupJson, MovesJson, RingJson,
    ScheduleJson, SilentJson, StalledJson, VoteJson, WaiverJson,
};
pub use rollout::{
    AttributionJson, BlockedVersionJson, BlockerJson, DriftJson, HaltJson, NewerRingJson, NewerTargetJson,
    RevisionWaitsJson, RingMovesJson, RollbackJson, RollbackStepJson, RollbackTargetJson, RolloutJson,
    SupersededJson,
};
pub use seen::{FromToJson, SeenJson};
pub use snapshot::{
    ClockTroubleJson, ClockTrustJson, FaultJson, FileProblemJson, HeadJson, LogTroubleJson, NewPlanJson,
    RolloutsAnswer, TroubleJson,
};
pub use socket_only::{
    AccessIntentAnswer, AccessIntentJson, AccessOutcomeJson, AccessPolicyJson, RevokeRequest, TokenJson,
    TokenMadeAnswer, TokenRequestJson, TokensAnswer,
};
pub use verb::{MAX_REASON_CHARS, VerbAnswer, VerbRequest};

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

/// Any failure: `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemAnswer {
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
