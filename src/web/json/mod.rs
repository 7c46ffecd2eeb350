//! The JSON of the HTTP API, as plain structs for the server and for the command line.
//!
//! Keys are promises: they are added, never renamed. Words are snake_case, instants RFC 3339 in
//! UTC, lengths of time whole seconds in keys that end in `_seconds`. A key with nothing to say is
//! `null` or an empty list, never left out.
//!
//! **Invariant:** nothing here is computed: each value is copied from a report, a snapshot or the
//! log (`super::present`).

mod access;
mod device;
mod forecast;
mod log;
mod lookup;
mod protocol;
mod ring;
mod rollout;
mod snapshot;
mod tokens;
mod verb;

pub use access::{AccessIntentAnswer, AccessIntentJson, AccessOutcomeJson, AccessPolicyJson};
pub use device::{DeviceJson, DevicesAnswer};
pub use forecast::{AlternativeJson, ForecastJson, HaltShareJson, RingForecastJson, WhenJson};
pub use log::{EventJson, EventsAnswer, PlanAnswer};
pub use lookup::AwaitedRing;
pub use protocol::{IndexAnswer, ProblemAnswer};
pub use ring::{
    ApprovalJson, AskJson, ClassesJson, DarkJson, EvaluationJson, GateJson, GroupJson, MovesJson, RingJson,
    ScheduleJson, SilentJson, StalledJson, VoteJson, WaiverJson,
};
pub use rollout::{
    AttributionJson, BlockedVersionJson, BlockerJson, DriftJson, HaltJson, NewerRingJson, NewerTargetJson,
    RevisionWaitsJson, RingMovesJson, RollbackJson, RollbackStepJson, RollbackTargetJson, RolloutJson,
    SupersededJson,
};
pub use snapshot::{
    ClockTroubleJson, ClockTrustJson, FaultJson, FileProblemJson, HeadJson, LogTroubleJson, NewPlanJson,
    RolloutsAnswer, TroubleJson,
};
pub use tokens::{RevokeRequest, TokenJson, TokenMadeAnswer, TokenRequestJson, TokensAnswer};
pub use verb::{MAX_REASON_CHARS, VerbAnswer, VerbRequest};

/// Most devices or events in one answer.
pub const MAX_PAGE: u32 = 1_000;
/// Devices or events in one answer where the request names no `limit`.
pub const DEFAULT_PAGE: u32 = 100;
