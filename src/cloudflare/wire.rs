//! Answers in Cloudflare's own shape, and their way into ringward's types.
//!
//! As strict as the contract and no stricter: what ringward reads and the contract requires must
//! be there, a null that the contract allows is a case of its own, and all other fields are let
//! pass. A field that the contract requires but ringward does not read is not demanded.
//!
//! **Invariant:** a value is never made up for a required field that is missing; every text has an end.

mod text;
mod user_groups;

use std::{collections::BTreeSet, fmt};

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::Value;

use super::error::Silence;
use crate::fleet::{ListedDevice, ListedProfile, Reported};
use crate::ids::{DeviceId, GroupId, PolicyId};
use crate::rollout::record::{Group, GroupContent, Profile, VersionEntry};
use crate::time::Timestamp;

use text::BoundedText;
pub(super) use text::is_cut;
pub(super) use user_groups::{NumberedPage, WireMember, WireUserGroup};

/// The part of every 2xx answer that says whether it is one.
#[derive(Debug, Deserialize)]
struct Success {
    success: bool,
}

/// An answer with one result.
#[derive(Debug, Deserialize)]
pub(crate) struct Single<T> {
    pub(crate) result: T,
}

/// A page of deployment groups.
#[derive(Debug, Deserialize)]
pub(super) struct GroupPage {
    pub(super) result: Vec<WireGroup>,
    pub(super) result_info: PageInfo,
}

/// `teams-devices_pagination_info`; `total_pages` is optional and not read.
#[derive(Debug, Deserialize)]
pub(super) struct PageInfo {
    pub(super) page: u64,
    pub(super) total_count: usize,
}

/// A page of devices.
#[derive(Debug, Deserialize)]
pub(super) struct DevicePage {
    pub(super) result: Vec<WireDevice>,
    /// Optional in the contract: without it this is the last page.
    result_info: Option<CursorInfo>,
}

#[derive(Debug, Deserialize)]
struct CursorInfo {
    cursor: Option<String>,
}

impl DevicePage {
    /// Where the next page begins; an empty or missing cursor ends the listing.
    pub(super) fn next(&self) -> Option<&str> {
        let cursor = self.result_info.as_ref()?.cursor.as_deref()?;
        (!cursor.is_empty()).then_some(cursor)
    }
}

/// `teams-devices_deployment_group`.
#[derive(Debug, Deserialize)]
pub(super) struct WireGroup {
    id: GroupId,
    name: BoundedText,
    version_config: Vec<WireVersion>,
    policy_ids: Option<BTreeSet<PolicyId>>,
    updated_at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct WireVersion {
    #[serde(deserialize_with = "present")]
    target_environment: Option<BoundedText>,
    version: BoundedText,
}

impl From<WireGroup> for Group {
    fn from(wire: WireGroup) -> Self {
        let mut versions: Vec<VersionEntry> = wire
            .version_config
            .into_iter()
            .map(|entry| VersionEntry {
                environment: entry.target_environment.map(|text| text.0),
                version: entry.version.0,
            })
            .collect();
        versions.sort();
        let policies = wire.policy_ids.unwrap_or_default();
        let content = GroupContent { name: wire.name.0, versions, policies };
        Self { id: wire.id, content, updated_at: wire.updated_at }
    }
}

/// `teams-devices_physical_device`, asked with `include=last_seen_registration.policy`.
#[derive(Debug, Deserialize)]
pub(super) struct WireDevice {
    id: DeviceId,
    name: BoundedText,
    #[serde(deserialize_with = "present")]
    last_seen_at: Option<Timestamp>,
    client_version: Option<BoundedText>,
    device_type: Option<BoundedText>,
    os_version: Option<BoundedText>,
    last_seen_user: Option<WireUser>,
    last_seen_registration: Option<WireRegistration>,
}

#[derive(Debug, Deserialize)]
struct WireUser {
    email: Option<BoundedText>,
}

#[derive(Debug, Deserialize)]
struct WireRegistration {
    policy: Option<WireDevicePolicy>,
}

#[derive(Debug, Deserialize)]
struct WireDevicePolicy {
    id: PolicyId,
    default: bool,
}

impl From<WireDevice> for ListedDevice {
    fn from(wire: WireDevice) -> Self {
        let client = match wire.client_version {
            None => Reported::Null,
            Some(BoundedText(text)) => text.parse().map_or(Reported::Unreadable(text), Reported::Version),
        };
        let policy = wire.last_seen_registration.and_then(|registration| registration.policy);
        Self {
            id: wire.id,
            name: wire.name.0,
            user: wire.last_seen_user.and_then(|user| user.email).map(|text| text.0),
            device_type: wire.device_type.map(|text| text.0),
            os_version: wire.os_version.map(|text| text.0),
            client,
            last_seen_at: wire.last_seen_at,
            policy: policy.map(|policy| ListedProfile { id: policy.id, default: policy.default }),
        }
    }
}

/// `teams-devices_device_settings_policy` and its default form: nothing in it is required, and
/// the contract gives what a missing flag means.
#[derive(Debug, Deserialize)]
pub(super) struct WireProfile {
    policy_id: Option<PolicyId>,
    name: Option<BoundedText>,
    #[serde(default)]
    pub(super) default: bool,
    #[serde(default = "yes")]
    enabled: bool,
}

impl WireProfile {
    /// The profile, where it has an ID that can name it.
    pub(super) fn named(self) -> Option<Profile> {
        let Self { policy_id, name, default: is_default, enabled } = self;
        let name = name.map(|text| text.0);
        policy_id.map(|id| Profile { id, name, is_default, enabled })
    }
}

fn yes() -> bool {
    true
}

/// A field that must be present and may be null: serde would otherwise take a missing one as null.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::<T>::deserialize(deserializer)
}

/// Reads the body of a 2xx answer, or says why it is none; texts are not redacted yet. serde_json refuses
/// JSON nested deeper than 128; the size was bounded while reading.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, (Silence, String)> {
    let said: Success = decode_as(body)?;
    if !said.success {
        let detail = format!("it says success: false ({})", Complaint::read(body));
        return Err((Silence::Incomplete, detail));
    }
    decode_as(body)
}

/// Not JSON, cut off, nested too deep; or JSON with a field missing or of a wrong kind, named by its path.
fn decode_as<T: DeserializeOwned>(body: &[u8]) -> Result<T, (Silence, String)> {
    let not_json =
        |problem: serde_json::Error| (Silence::Unreadable, format!("its body is not whole JSON: {problem}"));
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.into_inner();
        match problem.classify() {
            serde_json::error::Category::Data if path == "." => (Silence::Incomplete, problem.to_string()),
            serde_json::error::Category::Data => (Silence::Incomplete, format!("`{path}`: {problem}")),
            _ => not_json(problem),
        }
    })?;
    reader.end().map_err(not_json)?;
    Ok(value)
}

/// What the body of a failure says, as far as it can be read: the envelope, or RFC 9457 as the
/// edge sends it (cloudflare.md#edge-errors). Not redacted yet.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    /// The first code of the envelope; there is no official list of codes.
    pub(super) code: Option<i64>,
    /// The first message.
    pub(super) message: Option<String>,
}

impl Complaint {
    /// Reads what can be read; never fails, because the status has decided already.
    pub(super) fn read(body: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        let first = &value["errors"][0];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            code: first["code"].as_i64(),
            message: text(&first["message"])
                .or_else(|| text(&value["detail"]))
                .or_else(|| text(&value["title"])),
        }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, &self.message) {
            (Some(code), Some(message)) => write!(f, "code {code}: {message}"),
            (Some(code), None) => write!(f, "code {code}"),
            (None, Some(message)) => f.write_str(message),
            (None, None) => f.write_str("no reason given"),
        }
    }
}

#[cfg(test)]
mod tests;
