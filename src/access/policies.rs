//! User Groups with their permission policies, and what a policy can name.
//!
//! **Invariant:** what upstream left out or said in words that are not known here is kept as such, and is
//! never taken for something known.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::ids::{AccountId, PermissionGroupId, ResourceGroupId, UserGroupId};
use crate::text::worded;

/// A User Group and what its members may do by it: `iam_user_group`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PolicedGroup {
    /// Its ID.
    pub id: UserGroupId,
    /// Its name; not promised to be unique.
    pub name: String,
    /// Its policies, in the order in which they were answered.
    #[serde(default, deserialize_with = "or_none")]
    pub policies: Vec<PermissionPolicy>,
}

/// A policy as upstream has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PermissionPolicy {
    /// The policy's own ID, where it was told.
    pub id: Option<String>,
    /// What it does.
    #[serde(default)]
    pub access: AnsweredAccess,
    /// The roles that it is about; of most of them, it tells no more than ID and name.
    #[serde(rename = "permission_groups", default, deserialize_with = "or_none")]
    pub roles: Vec<PermissionGroup>,
    /// Where it holds.
    #[serde(rename = "resource_groups", default, deserialize_with = "or_none")]
    pub on: Vec<ResourceGroup>,
}

/// A list that may be null as well.
fn or_none<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A policy that a User Group is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyIntent {
    /// What it does.
    pub access: Access,
    /// The roles that it is about.
    pub roles: BTreeSet<PermissionGroupId>,
    /// Where it holds.
    pub on: ResourceScope,
}

/// Whether a policy gives or takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::Display, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Access {
    /// Gives its roles.
    Allow,
    /// Takes them, whatever other policies give.
    Deny,
}

/// The same as answered, where the contract neither requires it nor says what a missing one means.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, strum::Display)]
#[serde(from = "Option<String>")]
pub enum AnsweredAccess {
    /// A word that is known.
    #[strum(transparent)]
    Known(Access),
    /// Another word.
    #[strum(transparent)]
    Other(String),
    /// Left out.
    #[default]
    #[strum(to_string = "(access not told)")]
    Untold,
}

impl From<Option<String>> for AnsweredAccess {
    fn from(word: Option<String>) -> Self {
        match word.as_deref() {
            Some("allow") => Self::Known(Access::Allow),
            Some("deny") => Self::Known(Access::Deny),
            Some(word) => Self::Other(word.to_owned()),
            None => Self::Untold,
        }
    }
}

/// A permission group: a role in the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WirePermissionGroup")]
pub struct PermissionGroup {
    /// The ID that policies name.
    pub id: PermissionGroupId,
    /// Its name; not promised to be there, nor to be unique.
    pub name: Option<String>,
    /// A word for programs, such as `cf_zero_trust`.
    pub label: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What it can be given on: `com.cloudflare.api.account` or `com.cloudflare.api.account.zone`.
    pub scopes: Option<String>,
    /// Whether Cloudflare says that it is on its way out.
    #[serde(rename = "deprecated")]
    pub is_deprecated: bool,
}

/// `iam_permission_group`.
#[derive(Deserialize)]
struct WirePermissionGroup {
    id: PermissionGroupId,
    name: Option<String>,
    meta: Option<Map<String, Value>>,
}

impl From<WirePermissionGroup> for PermissionGroup {
    fn from(wire: WirePermissionGroup) -> Self {
        let meta = wire.meta.unwrap_or_default();
        let word = |key: &str| meta.get(key).and_then(Value::as_str).map(str::to_owned);
        let flag = |key: &str| meta.get(key).is_some_and(|value| *value == "true" || *value == true);
        Self {
            id: wire.id,
            name: wire.name,
            label: word("label"),
            description: word("description"),
            scopes: word("scopes"),
            is_deprecated: flag("deprecated"),
        }
    }
}

/// What a policy is about: `iam_resource_group`. One made of an inline scope is answered without ID and name
/// (cloudflare.md#permission-policies).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ResourceGroup {
    /// Its ID.
    pub id: Option<ResourceGroupId>,
    /// Its name.
    pub name: Option<String>,
    /// What belongs to it.
    pub scope: Option<ResourceScope>,
}

/// Parts of an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct ResourceScope {
    /// `com.cloudflare.api.account.<account ID>`.
    pub key: String,
    /// `*` for all of it, or `com.cloudflare.api.account.zone.<zone ID>`.
    #[serde(deserialize_with = "keys_of")]
    pub objects: BTreeSet<String>,
}

fn keys_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    #[derive(Deserialize)]
    struct WireObject {
        key: String,
    }
    let objects: Vec<WireObject> = Vec::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|object| object.key).collect())
}

worded!(Access);

/// What zones are called in a scope, before their ID.
const ZONE: &str = "com.cloudflare.api.account.zone.";
/// Everything in the account.
const EVERYTHING: &str = "*";

impl ResourceScope {
    /// The whole account.
    pub fn account(account: &AccountId) -> Self {
        Self { key: Self::key(account), objects: BTreeSet::from([EVERYTHING.to_owned()]) }
    }

    /// Some of the account's zones.
    pub fn zones<'a>(account: &AccountId, zones: impl IntoIterator<Item = &'a str>) -> Self {
        let objects = zones.into_iter().map(|zone| format!("{ZONE}{zone}")).collect();
        Self { key: Self::key(account), objects }
    }

    /// The zone that an object of a scope names.
    pub fn zone(object: &str) -> Option<&str> {
        object.strip_prefix(ZONE)
    }

    /// The key that stands for the account.
    pub fn key(account: &AccountId) -> String {
        format!("com.cloudflare.api.account.{account}")
    }
}
