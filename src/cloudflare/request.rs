//! Requests as plain values, so that they can be checked against the contract without a socket.
//!
//! **Invariant:** every request that the client sends is built here, and none of them empties a
//! group's `version_config`.

mod operation;

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::wire::is_cut;
use crate::fleet::SweepScope;
use crate::ids::{AccountId, GroupId, PolicyId, UserGroupId, UserGroupName};
use crate::rollout::record::{GroupContent, VersionEntry};

pub use operation::Operation;

/// Deployment groups per page: the contract's maximum.
pub const GROUPS_PER_PAGE: u32 = 100;
/// Devices per page. The contract gives no maximum; 100 is what public code asks for.
pub const DEVICES_PER_PAGE: u32 = 100;
/// User Groups per page: the contract's maximum.
pub const USER_GROUPS_PER_PAGE: u32 = 500;
/// Members of a User Group per page: the contract's maximum.
pub const MEMBERS_PER_PAGE: u32 = 500;
/// Longest name of a deployment group, in characters (contract).
pub const MAX_NAME_CHARS: usize = 255;

/// The filter by device settings profile, and the extra that says which profile a device has.
/// The Python SDK sends the filter without `.id`; the contract has it with (cloudflare.md#profile-filter).
const POLICY: &str = "last_seen_registration.policy";
const POLICY_ID: &str = "last_seen_registration.policy.id";

/// One request, complete but for the base URL and the token.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What it is for.
    pub operation: Operation,
    /// GET, POST, PUT or PATCH.
    pub method: Method,
    /// The path after the base URL, percent-encoded.
    pub path: String,
    /// The query, not yet encoded.
    pub query: Vec<(&'static str, String)>,
    /// The JSON body.
    pub body: Option<Value>,
}

impl Request {
    pub(crate) fn get(operation: Operation, path: String) -> Self {
        Self { operation, method: Method::GET, path, query: Vec::new(), body: None }
    }

    pub(crate) fn sending(operation: Operation, method: Method, path: String, body: Value) -> Self {
        Self { operation, method, path, query: Vec::new(), body: Some(body) }
    }
}

/// A group or a change that must not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidContent {
    /// Neither array is named.
    #[error("the update names neither versions nor policies; there is nothing to send")]
    Nothing,
    /// `version_config` would become empty.
    #[error(
        "an empty version_config must not be sent, as its effect is unknown; name at least one environment"
    )]
    NoVersions,
    /// The name is empty or too long.
    #[error("a deployment group's name has 1 to {MAX_NAME_CHARS} characters")]
    Name,
    /// A text was longer than what is kept of it.
    #[error("an entry of version_config is too long to be written back as it was; shorten it at Cloudflare")]
    Cut,
    /// The intent renames the group.
    #[error("an update does not rename a group; keep its name")]
    Renamed,
}

/// A change of a group: whole arrays, as Cloudflare replaces them whole; an array that is left
/// out stays untouched there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupUpdate {
    versions: Option<Vec<VersionEntry>>,
    policies: Option<BTreeSet<PolicyId>>,
}

impl GroupUpdate {
    /// A change to the named arrays.
    ///
    /// # Errors
    /// When nothing is named, or `versions` is empty or holds what was cut.
    pub fn new(
        versions: Option<Vec<VersionEntry>>,
        policies: Option<BTreeSet<PolicyId>>,
    ) -> Result<Self, InvalidContent> {
        match (&versions, &policies) {
            (None, None) => Err(InvalidContent::Nothing),
            (Some(versions), _) if versions.is_empty() => Err(InvalidContent::NoVersions),
            (Some(versions), _) if versions.iter().any(has_cut) => Err(InvalidContent::Cut),
            _ => Ok(Self { versions, policies }),
        }
    }

    /// The smallest change that turns `before` into `after`: an array that is the same in both
    /// is left out.
    ///
    /// # Errors
    /// When both are the same, the versions would become empty, or the name differs.
    pub fn between(before: &GroupContent, after: &GroupContent) -> Result<Self, InvalidContent> {
        if before.name != after.name {
            return Err(InvalidContent::Renamed);
        }
        let versions = (before.versions != after.versions).then(|| after.versions.clone());
        let policies = (before.policies != after.policies).then(|| after.policies.clone());
        Self::new(versions, policies)
    }
}

/// Whether a text of an entry is not what Cloudflare has.
fn has_cut(entry: &VersionEntry) -> bool {
    is_cut(&entry.version) || entry.environment.as_deref().is_some_and(is_cut)
}

/// One page of deployment groups; `page` counts from 1.
pub fn list_groups(account: &AccountId, page: u32) -> Request {
    paged(Operation::ListGroups, groups_path(account), page, GROUPS_PER_PAGE)
}

/// One deployment group.
pub fn get_group(account: &AccountId, group: &GroupId) -> Request {
    Request::get(Operation::GetGroup, group_path(account, group))
}

/// A new deployment group.
///
/// # Errors
/// When the contract forbids the content: no version, or a name out of bounds.
pub fn create_group(account: &AccountId, content: &GroupContent) -> Result<Request, InvalidContent> {
    if content.versions.is_empty() {
        return Err(InvalidContent::NoVersions);
    }
    if content.versions.iter().any(has_cut) {
        return Err(InvalidContent::Cut);
    }
    if !(1..=MAX_NAME_CHARS).contains(&content.name.chars().count()) {
        return Err(InvalidContent::Name);
    }
    let body = json!({
        "name": content.name,
        "version_config": entries(&content.versions),
        "policy_ids": content.policies,
    });
    Ok(Request::sending(Operation::CreateGroup, Method::POST, groups_path(account), body))
}

/// A change of a deployment group.
pub fn update_group(account: &AccountId, group: &GroupId, update: &GroupUpdate) -> Request {
    let mut body = serde_json::Map::new();
    if let Some(versions) = &update.versions {
        body.insert("version_config".to_owned(), entries(versions));
    }
    if let Some(policies) = &update.policies {
        body.insert("policy_ids".to_owned(), json!(policies));
    }
    Request::sending(Operation::UpdateGroup, Method::PATCH, group_path(account, group), Value::Object(body))
}

/// All device settings profiles; the contract has no pages here.
pub fn list_profiles(account: &AccountId) -> Request {
    Request::get(Operation::ListProfiles, format!("{}/devices/policies", account_path(account)))
}

/// The default device settings profile.
pub fn default_profile(account: &AccountId) -> Request {
    Request::get(Operation::DefaultProfile, format!("{}/devices/policy", account_path(account)))
}

/// One page of physical devices; no cursor means the first. Sorted by ID, which no device changes
/// while the pages are read.
pub fn list_devices(account: &AccountId, scope: &SweepScope, cursor: Option<&str>) -> Request {
    let path = format!("{}/devices/physical-devices", account_path(account));
    let mut request = Request::get(Operation::ListDevices, path);
    request.query = vec![
        ("include", POLICY.to_owned()),
        ("per_page", DEVICES_PER_PAGE.to_string()),
        ("sort_by", "id".to_owned()),
        ("sort_order", "asc".to_owned()),
    ];
    match scope {
        SweepScope::Full => {}
        SweepScope::SeenAfter(instant) => request.query.push(("seen_after", instant.to_string())),
        SweepScope::Profile(policy) => request.query.push((POLICY_ID, policy.as_str().to_owned())),
    }
    if let Some(cursor) = cursor {
        request.query.push(("cursor", cursor.to_owned()));
    }
    request
}

/// The state of a token that a user owns.
pub fn verify_user_token() -> Request {
    Request::get(Operation::VerifyToken, "/user/tokens/verify".to_owned())
}

/// The state of a token that the account owns.
pub fn verify_account_token(account: &AccountId) -> Request {
    Request::get(Operation::VerifyToken, format!("{}/tokens/verify", account_path(account)))
}

/// One page of User Groups, of one name if one is given; `page` counts from 1.
pub fn list_user_groups(account: &AccountId, name: Option<&UserGroupName>, page: u32) -> Request {
    let path = iam_path(account, "user_groups");
    let mut request = paged(Operation::ListUserGroups, path, page, USER_GROUPS_PER_PAGE);
    request.query.extend(name.map(|name| ("name", name.as_str().to_owned())));
    request
}

/// One page of a User Group's members; `page` counts from 1.
pub fn list_members(account: &AccountId, group: &UserGroupId, page: u32) -> Request {
    let path = format!("{}/members", user_group_path(account, group));
    paged(Operation::ListMembers, path, page, MEMBERS_PER_PAGE)
}

pub(crate) fn paged(operation: Operation, path: String, page: u32, per_page: u32) -> Request {
    let query = vec![("page", page.to_string()), ("per_page", per_page.to_string())];
    Request { query, ..Request::get(operation, path) }
}

fn account_path(account: &AccountId) -> String {
    format!("/accounts/{}", segment(account.as_str()))
}

fn groups_path(account: &AccountId) -> String {
    format!("{}/devices/deployment-groups", account_path(account))
}

fn group_path(account: &AccountId, group: &GroupId) -> String {
    format!("{}/{}", groups_path(account), segment(group.as_str()))
}

pub(crate) fn iam_path(account: &AccountId, what: &str) -> String {
    format!("{}/iam/{what}", account_path(account))
}

pub(crate) fn user_group_path(account: &AccountId, group: &UserGroupId) -> String {
    format!("{}/{}", iam_path(account, "user_groups"), segment(group.as_str()))
}

fn entries(versions: &[VersionEntry]) -> Value {
    versions
        .iter()
        .map(|entry| json!({"target_environment": entry.environment, "version": entry.version}))
        .collect()
}

/// One path segment, so that no ID can reach another path.
fn segment(id: &str) -> String {
    let mut encoded = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
