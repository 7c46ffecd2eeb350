//! Policies in words, for the terminal, for programs and for the daemon's log.
//!
//! **Invariant:** nothing that Cloudflare answered is said unsafe.

use std::collections::BTreeMap;

use super::compare::{PolicyPlace, Shape, parts};
use super::policies::{PermissionGroup, PolicedGroup, ResourceScope};
use crate::cli::safe;
use crate::ids::{AccountId, PermissionGroupId};
use crate::rollout::record::{AccessPolicy, Standing};

/// What roles are called.
#[derive(Debug)]
pub(super) struct RoleNames {
    /// Where they are roles.
    account: AccountId,
    names: BTreeMap<PermissionGroupId, String>,
    /// The labels of roles that share their name with another one.
    shared: BTreeMap<PermissionGroupId, String>,
}

impl RoleNames {
    /// As the account lists them, and as policies name them.
    pub(super) fn of(account: &AccountId, roles: &[PermissionGroup], groups: &[PolicedGroup]) -> Self {
        let in_policies = groups.iter().flat_map(|group| &group.policies).flat_map(|policy| &policy.roles);
        let in_policies = in_policies.filter_map(|role| Some((role.id.clone(), role.name.clone()?)));
        let listed = roles.iter().filter_map(|role| Some((role.id.clone(), role.name.clone()?)));
        let mut counts: BTreeMap<&Option<String>, usize> = BTreeMap::new();
        for role in roles {
            *counts.entry(&role.name).or_default() += 1;
        }
        let shared = roles.iter().filter(|role| counts.get(&role.name).is_some_and(|count| *count > 1));
        Self {
            account: account.clone(),
            names: in_policies.chain(listed).collect(),
            shared: shared.filter_map(|role| Some((role.id.clone(), role.label.clone()?))).collect(),
        }
    }

    /// The name of a role, or none.
    pub(super) fn name(&self, role: &PermissionGroupId) -> Option<&str> {
        self.names.get(role).map(String::as_str)
    }

    /// The roles of a policy, for people, in order.
    pub(super) fn of_shape(&self, shape: &Shape) -> Vec<String> {
        let mut roles: Vec<String> = shape.roles.iter().map(|role| self.shown(role)).collect();
        roles.sort();
        roles
    }

    fn shown(&self, role: &PermissionGroupId) -> String {
        let name = safe(self.name(role).unwrap_or(role.as_str()));
        self.shared.get(role).map_or_else(|| name.clone(), |label| format!("{name} ({})", safe(label)))
    }
}

/// A standing in a word.
pub(super) fn standing(standing: &Standing) -> String {
    match standing {
        Standing::Accepted => "accepted".to_owned(),
        Standing::Pending => "pending".to_owned(),
        Standing::Other(word) => safe(word),
    }
}

/// A policy for the log.
pub(super) fn in_words(shape: &Shape, names: &RoleNames) -> AccessPolicy {
    let place = Where::of(shape, names);
    let on = if place.lines.is_empty() { vec![place.head] } else { place.lines };
    AccessPolicy { access: safe(&shape.access.to_string()), roles: names.of_shape(shape), on }
}

/// Where a policy holds, in words.
pub(super) struct Where {
    pub(super) head: String,
    pub(super) lines: Vec<String>,
}

impl Where {
    pub(super) fn of(shape: &Shape, names: &RoleNames) -> Self {
        let key = ResourceScope::key(&names.account);
        if shape.on.iter().cloned().eq(parts(&ResourceScope::account(&names.account))) {
            return Self { head: "the whole account".to_owned(), lines: Vec::new() };
        }
        let lines = shape.on.iter().map(|place| match place {
            PolicyPlace::Part { key: known, object } => {
                match ResourceScope::zone(object).filter(|_| *known == key) {
                    Some(zone) => format!("zone {}", safe(zone)),
                    None => format!("{} of {}", safe(object), safe(known)),
                }
            }
            PolicyPlace::Untold(Some(id)) => format!("resource group {} (scope not told)", safe(id.as_str())),
            PolicyPlace::Untold(None) => "a resource group that Cloudflare does not tell".to_owned(),
        });
        let lines: Vec<String> = lines.collect();
        let zones = lines.iter().all(|line| line.starts_with("zone "));
        let head = match lines.len() {
            0 => "nothing that Cloudflare tells".to_owned(),
            1 if zones => "one zone".to_owned(),
            count if zones => format!("{count} zones"),
            1 => "one part of an account".to_owned(),
            count => format!("{count} parts of accounts"),
        };
        Self { head, lines }
    }
}
