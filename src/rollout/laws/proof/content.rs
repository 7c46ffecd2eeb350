//! What groups offer, and what a write is to make of them.
//!
//! **Invariant:** versions are compared as sets, and what a plan does not name counts with them.

use std::collections::BTreeMap;

use crate::rollout::record::{Group, GroupContent, VersionEntry};
use crate::version::{ClientVersion, Environment};

pub(crate) fn sorted(versions: &[VersionEntry]) -> Vec<VersionEntry> {
    let mut versions = versions.to_vec();
    versions.sort();
    versions
}

/// The versions of a group, sorted, with these in the place of what it offers to their environments.
pub(crate) fn with_versions(
    group: Option<&Group>,
    given: &BTreeMap<Environment, ClientVersion>,
) -> Vec<VersionEntry> {
    let is_given = |entry: &VersionEntry| {
        given.keys().any(|environment| entry.environment.as_deref() == Some(environment.as_str()))
    };
    let found = group.into_iter().flat_map(|group| &group.content.versions);
    let kept = found.filter(|entry| !is_given(entry)).cloned();
    let given = given.iter().map(|(environment, version)| VersionEntry::of(*environment, *version));
    sorted(&kept.chain(given).collect::<Vec<_>>())
}

pub(crate) fn offers(content: &GroupContent, environment: Environment, version: ClientVersion) -> bool {
    content.target(environment) == Some(version.to_string().as_str())
}

/// Whether a version is among those of a group, for whichever environment.
pub(crate) fn names(content: &GroupContent, version: ClientVersion) -> bool {
    let version = version.to_string();
    content.versions.iter().any(|entry| entry.version == version)
}
