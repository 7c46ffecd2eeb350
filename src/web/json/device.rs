//! The devices of a plan's rings.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One device of a ring, as the daemon lists it.
pub use crate::daemon::view::RingDevice as DeviceJson;
use crate::ids::PlanName;

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
