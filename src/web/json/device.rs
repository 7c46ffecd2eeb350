//! The devices of a plan's rings.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fleet::Class;
use crate::ids::{DeviceId, PlanName, RingName};
use crate::rollout::record::Gate;
use crate::time::Timestamp;
use crate::version::Environment;

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

/// One device of a ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceJson {
    /// The ring.
    pub ring: RingName,
    /// Its class there.
    pub class: Class,
    /// Its ID at Cloudflare.
    pub id: DeviceId,
    /// The host's name.
    pub name: String,
    /// E-mail of the last seen user.
    pub user: Option<String>,
    /// `device_type` as Cloudflare has it.
    pub os: Option<String>,
    /// The version of that system.
    pub os_version: Option<String>,
    /// Its environment, where assignments can target it.
    pub environment: Option<Environment>,
    /// The client version that it reported last.
    pub client: Option<String>,
    /// When Cloudflare saw it last.
    pub last_seen_at: Option<Timestamp>,
    /// From when on it is silent, by the newest looks for devices that went dark; `null`: it is not, or
    /// was not looked for.
    pub dark_since: Option<Timestamp>,
    /// The health gates that a person has accepted it for by resuming.
    #[serde(default)]
    pub acknowledged: Vec<Gate>,
}
