//! When a rollout will be where.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{PlanName, RingName};
use crate::time::Timestamp;

/// `GET /api/v1/rollouts/{plan}/forecast`: when a rollout will be where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForecastJson {
    /// The plan.
    pub plan: PlanName,
    /// When it was made.
    pub at: Timestamp,
    /// The rollout stands still because of this, and no date holds until somebody lifts it; the dates
    /// are those of lifting it at once.
    pub held: Option<String>,
    /// When every ring is verified.
    pub done: WhenJson,
    /// In the order in which they are entered.
    pub rings: Vec<RingForecastJson>,
    /// Halts that came up in the runs.
    pub halts: Vec<HaltShareJson>,
    /// What would move the end.
    pub alternatives: Vec<AlternativeJson>,
    /// How often the rollout was run forward.
    pub runs: u64,
    /// How many devices were followed in each run.
    pub devices: usize,
}

/// An instant that was, or the range in which one is expected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhenJson {
    /// `was`, `expected`, or `open`: in fewer than half of the runs it came at all.
    pub state: String,
    /// When it was.
    pub at: Option<Timestamp>,
    /// In no run it came earlier.
    pub earliest: Option<Timestamp>,
    /// One run of ten had it before this.
    pub from: Option<Timestamp>,
    /// Half of the runs had it before this.
    pub middle: Option<Timestamp>,
    /// Nine runs of ten had it a day before this.
    pub until: Option<Timestamp>,
    /// Of a hundred runs, so many had it at all.
    pub percent: Option<u8>,
}

/// A ring's dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RingForecastJson {
    /// The ring.
    pub name: RingName,
    /// When its targets are on offer.
    pub entered: WhenJson,
    /// When it is verified.
    pub verified: WhenJson,
    /// What takes most of its time: `schedule`, `adoption` or `soak`; null once it is verified.
    pub mostly: Option<String>,
    /// From its turn to its write, in seconds: openings and freezes.
    pub entering_seconds: Option<i64>,
    /// From its write to adoption, in seconds.
    pub adopting_seconds: Option<i64>,
    /// From adoption to verified, in seconds.
    pub soaking_seconds: Option<i64>,
    /// When the schedule alone lets it be entered next; null once it is entered.
    pub next_opening: Option<Timestamp>,
}

/// A halt that came up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HaltShareJson {
    /// `cause (ring)`
    pub halt: String,
    /// In so many of a hundred runs.
    pub percent: u8,
}

/// A change that would move the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlternativeJson {
    /// What would be otherwise.
    pub change: String,
    /// When every ring would be verified then.
    pub done: WhenJson,
    /// By how much that is sooner, in seconds.
    pub sooner_seconds: i64,
}
