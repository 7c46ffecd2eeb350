//! Permission policies and resource groups, as the documented samples have them.
//!
//! **Invariant:** a resource group without a name was made of an inline scope.

use serde::Serialize;
use serde_json::{Value, json};

use crate::synthetic::Dice;

/// A policy of a group.
#[derive(Debug, Clone)]
pub(super) struct IamPolicy {
    pub(super) id: String,
    pub(super) access: AllowOrDeny,
    /// IDs of permission groups, sorted.
    pub(super) roles: Vec<String>,
    pub(super) on: Vec<PolicyScope>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub(super) enum AllowOrDeny {
    Allow,
    Deny,
}

/// A resource group as a policy came to it.
#[derive(Debug, Clone)]
pub(super) enum PolicyScope {
    /// By the ID of a resource group: answered whole.
    Named(String),
    /// By an inline scope: answered without ID and name, as in the docs' sample.
    Inline(String),
}

/// What a policy can be about, as it is answered.
#[derive(Debug, Clone, Serialize)]
pub(super) struct IamResourceGroup {
    pub(super) id: String,
    /// `None`: made of an inline scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) scope: Value,
}

/// The resource groups that the account begins with: all of it, and one zone.
pub(super) fn named(dice: Dice, key: &str) -> Vec<IamResourceGroup> {
    let zone = dice.of("zone").hex(32);
    let group = |name: &str, object: &str| IamResourceGroup {
        id: dice.of(name).hex(32),
        name: Some(name.to_owned()),
        scope: scope(key, &[object]),
    };
    vec![group(key, "*"), group("Public web site", &format!("com.cloudflare.api.account.zone.{zone}"))]
}

/// These objects of an account, as an answer names them.
pub(super) fn scope(key: &str, objects: &[&str]) -> Value {
    let objects: Vec<Value> = objects.iter().map(|object| json!({ "key": object })).collect();
    json!({ "key": key, "objects": objects })
}

/// A policy, read; nothing is stored yet.
pub(super) struct PolicyDraft {
    pub(super) id: Option<String>,
    pub(super) access: AllowOrDeny,
    pub(super) roles: Vec<String>,
    pub(super) on: Vec<DraftScope>,
}

pub(super) enum DraftScope {
    Named(String),
    Inline(Value),
}
