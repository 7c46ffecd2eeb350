//! Answers in Cloudflare's own shape, and their way into ringward's types.
//!
//! As strict as the contract and no stricter: what ringward reads and the contract requires must
//! be there, a null that the contract allows is a case of its own, and all other fields are let
//! pass. A field that the contract requires but ringward does not read is not demanded.
//!
//! **Invariant:** a value is never made up for a required field that is missing.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::Value;

use crate::fleet::{Reported, SightedPolicy, Sighting};
use crate::ids::{DeviceId, GroupId, PolicyId};
use crate::rollout::remote::{Group, GroupContent, VersionEntry};
use crate::time::Timestamp;

/// The part of every 2xx answer that says whether it is one.
#[derive(Debug, Deserialize)]
struct Head {
    success: bool,
}

/// An answer with one result.
#[derive(Debug, Deserialize)]
pub(super) struct Single<T> {
    pub(super) result: T,
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
    #[serde(default)]
    result_info: Option<CursorInfo>,
}

#[derive(Debug, Deserialize)]
struct CursorInfo {
    #[serde(default)]
    cursor: Option<String>,
}

impl DevicePage {
    /// Where the next page begins; an empty or missing cursor ends the listing (FACTS 2).
    pub(super) fn next(&self) -> Option<&str> {
        let cursor = self.result_info.as_ref()?.cursor.as_deref()?;
        (!cursor.is_empty()).then_some(cursor)
    }
}

/// `teams-devices_deployment_group`.
#[derive(Debug, Deserialize)]
pub(super) struct WireGroup {
    id: GroupId,
    name: String,
    version_config: Vec<WireVersion>,
    #[serde(default)]
    policy_ids: Option<BTreeSet<PolicyId>>,
    updated_at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct WireVersion {
    #[serde(deserialize_with = "present")]
    target_environment: Option<String>,
    version: String,
}

impl From<WireGroup> for Group {
    fn from(wire: WireGroup) -> Self {
        let mut versions: Vec<VersionEntry> = wire
            .version_config
            .into_iter()
            .map(|entry| VersionEntry { environment: entry.target_environment, version: entry.version })
            .collect();
        versions.sort();
        let policies = wire.policy_ids.unwrap_or_default();
        let content = GroupContent { name: wire.name, versions, policies };
        Self { id: wire.id, content, updated_at: wire.updated_at }
    }
}

/// `teams-devices_physical_device`, asked with `include=last_seen_registration.policy`.
#[derive(Debug, Deserialize)]
pub(super) struct WireDevice {
    id: DeviceId,
    name: String,
    #[serde(deserialize_with = "present")]
    last_seen_at: Option<Timestamp>,
    #[serde(default)]
    client_version: Option<String>,
    #[serde(default)]
    device_type: Option<String>,
    #[serde(default)]
    os_version: Option<String>,
    #[serde(default)]
    last_seen_user: Option<WireUser>,
    #[serde(default)]
    last_seen_registration: Option<WireRegistration>,
}

#[derive(Debug, Deserialize)]
struct WireUser {
    #[serde(default)]
    email: Option<String>,
}

#[derive(Debug, Deserialize)]
struct WireRegistration {
    #[serde(default)]
    policy: Option<WirePolicy>,
}

#[derive(Debug, Deserialize)]
struct WirePolicy {
    id: PolicyId,
    default: bool,
}

impl From<WireDevice> for Sighting {
    fn from(wire: WireDevice) -> Self {
        let client = match wire.client_version {
            None => Reported::Null,
            Some(text) => text.parse().map_or(Reported::Unreadable(text), Reported::Version),
        };
        let policy = wire.last_seen_registration.and_then(|registration| registration.policy);
        Self {
            id: wire.id,
            name: wire.name,
            user: wire.last_seen_user.and_then(|user| user.email),
            device_type: wire.device_type,
            os_version: wire.os_version,
            client,
            last_seen_at: wire.last_seen_at,
            policy: policy.map(|policy| SightedPolicy { id: policy.id, default: policy.default }),
        }
    }
}

/// `teams-devices_device_settings_policy` and its default form: nothing in it is required, and
/// the contract gives what a missing flag means.
#[derive(Debug, Deserialize)]
pub(super) struct WireProfile {
    #[serde(default)]
    pub(super) policy_id: Option<PolicyId>,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) default: bool,
    #[serde(default = "yes")]
    pub(super) enabled: bool,
}

fn yes() -> bool {
    true
}

/// The result of token verification.
#[derive(Debug, Deserialize)]
pub(super) struct WireToken {
    pub(super) status: WireTokenStatus,
    #[serde(default)]
    pub(super) expires_on: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WireTokenStatus {
    Active,
    Disabled,
    Expired,
}

/// A field that must be present and may be null: serde would otherwise take a missing one as null.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer)
}

/// Why the body of a 2xx answer is no answer. Texts are not redacted yet.
#[derive(Debug)]
pub(super) enum Undecodable {
    /// Not JSON, cut off, nested too deep.
    NotJson(String),
    /// JSON with a field missing or of a wrong kind, named by its path.
    Field(String),
    /// `success` is false.
    Unsuccessful(Complaint),
}

/// Reads the body of a 2xx answer. serde_json refuses JSON nested deeper than 128; the size was
/// bounded while reading.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Undecodable> {
    let head: Head = decode_as(body)?;
    if !head.success {
        return Err(Undecodable::Unsuccessful(Complaint::read(body)));
    }
    decode_as(body)
}

fn decode_as<T: DeserializeOwned>(body: &[u8]) -> Result<T, Undecodable> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.into_inner();
        match problem.classify() {
            serde_json::error::Category::Data if path == "." => Undecodable::Field(problem.to_string()),
            serde_json::error::Category::Data => Undecodable::Field(format!("`{path}`: {problem}")),
            _ => Undecodable::NotJson(problem.to_string()),
        }
    })?;
    reader.end().map_err(|error| Undecodable::NotJson(error.to_string()))?;
    Ok(value)
}

/// What the body of a failure says, as far as it can be read: the envelope, or RFC 9457 as the
/// edge sends it (FACTS 6). Not redacted yet.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    /// The first code of the envelope; there is no official list of codes.
    pub(super) code: Option<i64>,
    /// The first message.
    pub(super) message: Option<String>,
    /// Whether the API's envelope was there: a page of a proxy has none.
    pub(super) enveloped: bool,
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
            enveloped: value["success"] == Value::Bool(false),
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
mod tests {
    use serde_json::json;

    use super::*;

    fn field_error<T: DeserializeOwned>(row: &str, answer: &Value) -> String {
        match decode::<T>(answer.to_string().as_bytes()) {
            Err(Undecodable::Field(text)) => text,
            Err(other) => panic!("{row}: {other:?}"),
            Ok(_) => panic!("{row}: was accepted"),
        }
    }

    fn group() -> Value {
        json!({
            "id": "g1", "name": "Ring 0", "policy_ids": ["p2", "p1"],
            "version_config": [
                {"target_environment": "windows", "version": "2026.8.2100.0"},
                {"target_environment": null, "version": "free text"},
            ],
            "created_at": "2026-02-14T13:17:00Z", "updated_at": "2026-10-08T09:00:00.000000001Z",
        })
    }

    fn device() -> Value {
        json!({
            "id": "d1", "name": "ENG-1", "client_version": "2026.8.2100.0", "device_type": "windows",
            "last_seen_at": "2026-10-08T09:20:00Z", "os_version": "10.0", "tags": {},
            "last_seen_user": {"email": "user@example.com"},
            "last_seen_registration": {"policy": {"id": "p1", "default": true}},
        })
    }

    fn enveloped(result: &Value) -> Value {
        json!({"success": true, "errors": null, "messages": null, "result": result})
    }

    fn devices(row: Value) -> Value {
        enveloped(&json!([row]))
    }

    fn without(mut value: Value, pointer: &str) -> Value {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        value.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
        value
    }

    fn with(mut value: Value, pointer: &str, new: Value) -> Value {
        *value.pointer_mut(pointer).unwrap() = new;
        value
    }

    #[test]
    fn a_group_is_kept_whole() {
        let answer = enveloped(&group()).to_string();
        let group: Group = decode::<Single<WireGroup>>(answer.as_bytes()).unwrap().result.into();
        assert_eq!(group.updated_at.to_string(), "2026-10-08T09:00:00.000000001Z");
        let ids: Vec<&str> = group.content.policies.iter().map(PolicyId::as_str).collect();
        assert_eq!(ids, ["p1", "p2"]);
        let environments: Vec<_> = group.content.versions.iter().map(|v| v.environment.as_deref()).collect();
        assert_eq!(environments, [None, Some("windows")]);
    }

    #[test]
    fn a_legal_null_is_a_case_of_its_own() {
        let read = |row: &str, answer: Value| -> Sighting {
            let page: DevicePage = decode(devices(answer).to_string().as_bytes())
                .unwrap_or_else(|error| panic!("{row}: {error:?}"));
            page.result.into_iter().next().unwrap().into()
        };
        assert!(read("whole", device()).policy.unwrap().default);
        let never = read("never seen", with(device(), "/last_seen_at", Value::Null));
        assert_eq!(never.last_seen_at, None);
        let rows = [
            ("null version", with(device(), "/client_version", Value::Null), Reported::Null),
            ("no version", without(device(), "/client_version"), Reported::Null),
            (
                "odd version",
                with(device(), "/client_version", json!("1.0.0")),
                Reported::Unreadable("1.0.0".to_owned()),
            ),
        ];
        for (row, answer, expected) in rows {
            assert_eq!(read(row, answer).client, expected, "{row}");
        }
        for (row, pointer) in
            [("no registration", "/last_seen_registration"), ("no profile", "/last_seen_registration/policy")]
        {
            assert_eq!(read(row, with(device(), pointer, Value::Null)).policy, None, "null: {row}");
            assert_eq!(read(row, without(device(), pointer)).policy, None, "missing: {row}");
        }
        let nobody = read("no user", with(device(), "/last_seen_user", Value::Null));
        assert_eq!(nobody.user, None);
        for (row, group) in [
            ("null", with(group(), "/policy_ids", Value::Null)),
            ("missing", without(group(), "/policy_ids")),
        ] {
            let single: Single<WireGroup> = decode(enveloped(&group).to_string().as_bytes()).unwrap();
            assert!(Group::from(single.result).content.policies.is_empty(), "{row}");
        }
    }

    #[test]
    fn what_is_missing_is_named_by_its_path() {
        let page = |groups: Value| json!({"success": true, "result": groups, "result_info": {"page": 1, "total_count": 1}});
        let groups = [
            ("group id", "/id", "`result[0]`: missing field `id`"),
            ("group name", "/name", "`result[0]`: missing field `name`"),
            ("versions", "/version_config", "`result[0]`: missing field `version_config`"),
            ("updated_at", "/updated_at", "`result[0]`: missing field `updated_at`"),
            (
                "version",
                "/version_config/0/version",
                "`result[0].version_config[0]`: missing field `version`",
            ),
            (
                "environment, though nullable",
                "/version_config/1/target_environment",
                "`result[0].version_config[1]`: missing field `target_environment`",
            ),
        ];
        for (row, pointer, expected) in groups {
            let text = field_error::<GroupPage>(row, &page(json!([without(group(), pointer)])));
            assert!(text.starts_with(expected), "{row}: {text}");
        }
        let sightings = [
            ("device id", "/id", "`result[0]`: missing field `id`"),
            ("device name", "/name", "`result[0]`: missing field `name`"),
            ("last_seen_at, though nullable", "/last_seen_at", "`result[0]`: missing field `last_seen_at`"),
            (
                "policy id",
                "/last_seen_registration/policy/id",
                "`result[0].last_seen_registration.policy`: missing field `id`",
            ),
            (
                "policy default",
                "/last_seen_registration/policy/default",
                "`result[0].last_seen_registration.policy`: missing field `default`",
            ),
        ];
        for (row, pointer, expected) in sightings {
            let text = field_error::<DevicePage>(row, &devices(without(device(), pointer)));
            assert!(text.starts_with(expected), "{row}: {text}");
        }
        let whole = page(json!([group()]));
        for (row, pointer, expected) in [
            ("result", "/result", "missing field `result`"),
            ("result_info", "/result_info", "missing field `result_info`"),
            ("page", "/result_info/page", "`result_info`: missing field `page`"),
            ("total_count", "/result_info/total_count", "`result_info`: missing field `total_count`"),
            ("success", "/success", "missing field `success`"),
        ] {
            let text = field_error::<GroupPage>(row, &without(whole.clone(), pointer));
            assert!(text.starts_with(expected), "{row}: {text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_path() {
        let rows = [
            ("empty ID", with(device(), "/id", json!("")), "`result[0].id`"),
            ("odd instant", with(device(), "/last_seen_at", json!("yesterday")), "`result[0].last_seen_at`"),
            ("null name", with(device(), "/name", Value::Null), "`result[0].name`"),
        ];
        for (row, device, expected) in rows {
            let text = field_error::<DevicePage>(row, &devices(device));
            assert!(text.starts_with(expected), "{row}: {text}");
        }
        let text =
            field_error::<Single<WireToken>>("token", &enveloped(&json!({"id": "t", "status": "asleep"})));
        assert!(text.starts_with("`result.status`: unknown variant `asleep`"), "{text}");
    }

    #[test]
    fn what_is_not_json_is_refused() {
        let deep = format!("{{\"success\":true,\"result\":{}{}}}", "[".repeat(200), "]".repeat(200));
        let rows = [
            ("nothing", String::new()),
            ("HTML", "<html></html>".to_owned()),
            ("cut off", "{\"success\":true,\"result\":[{\"id\":".to_owned()),
            ("more after the end", "{\"success\":true,\"result\":[]} x".to_owned()),
            ("too deep", deep),
        ];
        for (row, text) in rows {
            let outcome = decode::<Single<Value>>(text.as_bytes());
            assert!(matches!(outcome, Err(Undecodable::NotJson(_))), "{row}: {outcome:?}");
        }
    }

    #[test]
    fn no_part_of_an_answer_is_an_answer() {
        let whole = enveloped(&group()).to_string();
        assert!(decode::<Single<WireGroup>>(whole.as_bytes()).is_ok());
        for end in 0..whole.len() {
            let outcome = decode::<Single<WireGroup>>(&whole.as_bytes()[..end]);
            assert!(outcome.is_err(), "the first {end} bytes were accepted");
        }
    }

    #[test]
    fn complaints_are_read_as_far_as_they_can_be() {
        let rows = [
            (
                "envelope",
                r#"{"success":false,"errors":[{"code":971,"message":"slow down"}],"result":null}"#,
                "code 971: slow down",
                true,
            ),
            ("null errors", r#"{"success":false,"errors":null}"#, "no reason given", true),
            ("no errors", r#"{"success":false,"errors":[]}"#, "no reason given", true),
            ("odd code", r#"{"success":false,"errors":[{"code":"x","message":"m"}]}"#, "m", true),
            (
                "edge problem",
                r#"{"title":"Bad gateway","detail":"origin down","status":502}"#,
                "origin down",
                false,
            ),
            ("HTML", "<html>502</html>", "no reason given", false),
            ("a list", "[1]", "no reason given", false),
        ];
        for (row, body, text, enveloped) in rows {
            let complaint = Complaint::read(body.as_bytes());
            assert_eq!((complaint.to_string().as_str(), complaint.enveloped), (text, enveloped), "{row}");
        }
    }

    #[test]
    fn the_last_page_of_devices_has_no_cursor() {
        let rows = [
            ("a cursor", json!({"cursor": "c1"}), Some("c1")),
            ("empty", json!({"cursor": ""}), None),
            ("null", json!({"cursor": null}), None),
            ("missing", json!({}), None),
            ("no result_info", Value::Null, None),
        ];
        for (row, info, expected) in rows {
            let answer = json!({"success": true, "result": [], "result_info": info}).to_string();
            assert_eq!(decode::<DevicePage>(answer.as_bytes()).unwrap().next(), expected, "{row}");
        }
    }
}
