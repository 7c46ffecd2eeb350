//! User Groups with their permission policies, and what a policy can name.
//!
//! **Invariant:** what upstream left out or said in words that are not known here is kept as such, and is
//! never taken for something known.

use std::{collections::BTreeSet, fmt};

use serde::Serialize;

use crate::ids::{AccountId, PermissionGroupId, ResourceGroupId};
use crate::rollout::record::UserGroup;

/// A User Group and what its members may do by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicedGroup {
    /// The group.
    pub group: UserGroup,
    /// Its policies, in the order in which they were answered.
    pub policies: Vec<PermissionPolicy>,
}

/// A policy as upstream has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionPolicy {
    /// The policy's own ID, where it was told.
    pub id: Option<String>,
    /// What it does.
    pub access: AnsweredAccess,
    /// The roles that it is about.
    pub roles: Vec<GrantedRole>,
    /// Where it holds.
    pub on: Vec<ResourceGroup>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Access {
    /// Gives its roles.
    Allow,
    /// Takes them, whatever other policies give.
    Deny,
}

/// The same as answered, where the contract neither requires it nor says what a missing one means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnsweredAccess {
    /// A word that is known.
    Known(Access),
    /// Another word.
    Other(String),
    /// Left out.
    Untold,
}

/// A permission group, as a policy names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedRole {
    /// The permission group.
    pub id: PermissionGroupId,
    /// Its name, where it was told.
    pub name: Option<String>,
}

/// A permission group: a role in the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// What a policy is about. One made of an inline scope is answered without ID and name
/// (cloudflare.md#permission-policies).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceGroup {
    /// Its ID.
    pub id: Option<ResourceGroupId>,
    /// Its name.
    pub name: Option<String>,
    /// What belongs to it.
    pub scope: Option<ResourceScope>,
}

/// Parts of an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceScope {
    /// `com.cloudflare.api.account.<account ID>`.
    pub key: String,
    /// `*` for all of it, or `com.cloudflare.api.account.zone.<zone ID>`.
    pub objects: BTreeSet<String>,
}

impl Access {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

impl fmt::Display for AnsweredAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(access) => f.write_str(access.as_str()),
            Self::Other(word) => f.write_str(word),
            Self::Untold => f.write_str("(access not told)"),
        }
    }
}

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
