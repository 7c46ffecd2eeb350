//! What one listing of the account's devices says.
//!
//! **Invariant:** a sighting says only what Cloudflare answered; nothing is inferred here.

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, PolicyId};
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// One device as listed, with the profile of its last seen registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedDevice {
    /// Cloudflare's ID of the physical device.
    pub id: DeviceId,
    /// The host's name.
    pub name: String,
    /// E-mail of the last seen user.
    pub user: Option<String>,
    /// `device_type` as sent; free text in the API.
    pub device_type: Option<String>,
    /// `os_version` as sent.
    pub os_version: Option<String>,
    /// The client version that the device reported last.
    pub client: Reported,
    /// When Cloudflare last saw the device; legally null for one never seen.
    pub last_seen_at: Option<Timestamp>,
    /// The device settings profile of the last seen registration.
    pub policy: Option<ListedProfile>,
}

impl ListedDevice {
    /// The environment that assignments could target on this device.
    pub fn environment(&self) -> Option<Environment> {
        self.device_type.as_deref().and_then(Environment::of_device_type)
    }
}

/// A client version as a device reported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reported {
    /// Four numbers.
    Version(ClientVersion),
    /// A text that is not a version: never on target, never too old.
    Unreadable(String),
    /// A legal null.
    Null,
}

/// The profile on a device's last seen registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedProfile {
    /// The profile's ID.
    pub id: PolicyId,
    /// Whether it is the account's default profile: the fallback where the profile itself is
    /// answered without an ID (cloudflare.md#default-profile).
    pub default: bool,
}

/// What a sweep asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SweepScope {
    /// Every device of the account: the only sweep that can say that a device is missing.
    Full,
    /// Devices seen since an instant.
    SeenAfter(Timestamp),
    /// Devices of one profile, to poll the ring that adopts.
    Profile(PolicyId),
}

/// A sweep that reached its last cursor; one that did not is no sweep at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// What was asked for.
    pub scope: SweepScope,
    /// Just before the first page was asked for.
    pub started_at: Timestamp,
    /// When the last page had arrived.
    pub finished_at: Timestamp,
    /// De-duplicated by device ID; the later page wins.
    pub devices: Vec<ListedDevice>,
}
