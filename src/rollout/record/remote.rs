//! Deployment groups and device settings profiles as Cloudflare has them.
//!
//! **Invariant:** what Cloudflare said is kept whole, entries of unknown environments included,
//! because a write replaces whole arrays and must not drop them (cloudflare.md#whole-arrays).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{Email, GroupId, PolicyId, UserGroupId};
use crate::text::joined;
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// What a deployment group offers and to whom: the part that a write replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupContent {
    /// The group's name; not unique at Cloudflare.
    pub name: String,
    /// `version_config`, sorted; compared as a set.
    pub versions: Vec<VersionEntry>,
    /// `policy_ids`; a null or missing list is an empty one.
    pub policies: BTreeSet<PolicyId>,
}

impl GroupContent {
    /// The version on offer to an environment. `None` when there is no entry, or more than one:
    /// what two entries for one environment mean is not documented (cloudflare.md#version-entries).
    pub fn target(&self, environment: Environment) -> Option<&str> {
        let mut entries = self.entries(environment);
        let first = entries.next()?;
        entries.next().is_none().then_some(first.version.as_str())
    }

    /// Whether it offers this version to an environment, and no other.
    pub fn offers(&self, environment: Environment, version: ClientVersion) -> bool {
        self.target(environment) == Some(version.to_string().as_str())
    }

    /// The entries for an environment: one, unless somebody wrote several.
    pub fn entries(&self, environment: Environment) -> impl Iterator<Item = &VersionEntry> {
        self.versions.iter().filter(move |entry| entry.environment.as_deref() == Some(environment.as_str()))
    }

    /// Whether the part that a write replaces is the same: both arrays, as sets. A rename alone
    /// changes nothing that devices follow.
    pub fn offers_the_same(&self, other: &Self) -> bool {
        self.policies == other.policies && self.offers_the_same_versions(other)
    }

    /// Whether `version_config` is the same, as a set.
    pub fn offers_the_same_versions(&self, other: &Self) -> bool {
        let sorted = |versions: &[VersionEntry]| {
            let mut versions = versions.to_vec();
            versions.sort();
            versions
        };
        sorted(&self.versions) == sorted(&other.versions)
    }

    /// What `other` has that this has not, in words.
    pub fn difference(&self, other: &Self) -> String {
        let name = (self.name != other.name).then(|| format!("name `{}` is `{}`", self.name, other.name));
        let lacks = |content: &Self, entry: &VersionEntry| !content.versions.contains(entry);
        let gone =
            self.versions.iter().filter(|entry| lacks(other, entry)).map(|entry| format!("{entry} is gone"));
        let new =
            other.versions.iter().filter(|entry| lacks(self, entry)).map(|entry| format!("{entry} is new"));
        let left = self.policies.difference(&other.policies).map(|policy| format!("profile {policy} is out"));
        let came = other.policies.difference(&self.policies).map(|policy| format!("profile {policy} is in"));
        let words = joined(name.into_iter().chain(gone).chain(new).chain(left).chain(came), ", ");
        if words.is_empty() { "no difference".to_owned() } else { words }
    }
}

/// One entry of `version_config`, in Cloudflare's own free text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionEntry {
    /// `target_environment`; legally null.
    pub environment: Option<String>,
    /// `version`.
    pub version: String,
}

impl VersionEntry {
    /// The entry that offers `version` to `environment`.
    pub fn of(environment: Environment, version: ClientVersion) -> Self {
        Self { environment: Some(environment.as_str().to_owned()), version: version.to_string() }
    }
}

impl fmt::Display for VersionEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.environment.as_deref().unwrap_or("(no environment)"), self.version)
    }
}

/// A deployment group as read at Cloudflare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The ID that ringward goes by.
    pub id: GroupId,
    /// What it offers and to whom.
    pub content: GroupContent,
    /// The only revision there is: no ETag, no generation (cloudflare.md#no-revision).
    pub updated_at: Timestamp,
}

impl Group {
    /// Whether it has the name, or a profile, of a group that is to be created.
    pub fn is_in_the_way_of(&self, created: &GroupContent) -> bool {
        self.content.name == created.name || !self.content.policies.is_disjoint(&created.policies)
    }
}

/// A User Group: account members who may, say, approve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserGroup {
    pub id: UserGroupId,
    /// Its name; not promised to be unique.
    pub name: String,
}

/// A member of a User Group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The e-mail address; Cloudflare may leave it out, or answer something that is none.
    pub email: Option<Email>,
    /// Whether they took the invitation.
    pub standing: Standing,
}

/// A member's status in the account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// `accepted`, or not told, as older answers do.
    Accepted,
    /// `pending`.
    Pending,
    /// A word that is not known here: not accepted.
    Other(String),
}

/// A device settings profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The ID that deployment groups name.
    pub id: PolicyId,
    /// Its name; the default profile may have none.
    pub name: Option<String>,
    /// Whether it is the account's default profile.
    pub is_default: bool,
    /// A disabled profile does not apply to any device.
    pub enabled: bool,
}

/// What the account has of device settings profiles. The default profile is asked for on its
/// own and may come without an ID (cloudflare.md#default-profile).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profiles {
    /// All profiles with an ID, the default one included when it has one.
    pub listed: Vec<Profile>,
}
