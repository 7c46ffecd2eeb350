//! `access.yaml`: from bytes to the policies that each User Group is to have, or to every error at once.
//!
//! It is written in the language of plan files and read with their tree.
//!
//! **Invariant:** a file with an error yields nothing to apply, and no group loses its policies by being
//! left empty: only a list without an entry says that there are to be none.

use std::{collections::BTreeMap, ops::Range};

use super::policies::Access;
use crate::ids::{AccountId, UserGroupName};
use crate::plan::fields::{too_many, wrong_value};
use crate::plan::tree::{self, FileKind, MappingEntry};
use crate::plan::typed_key::{Keys as _, key, keys, needed};
use crate::plan::values::{account, read as read_value};
use crate::plan::{Fields, Node, Other, PlanError, Problems, Text, Value, invisible, items, text};
use crate::text::is_hex;

const ACCESS_FILE: FileKind = FileKind {
    what: "access",
    begin: "begin with `groups:`, and below it a User Group's name with a list of its policies",
    instead_of_anchors: "",
};
/// The most roles of one policy, zones of one place, policies of one group, and groups of a file.
const MOST: usize = 500;
const POLICIES_EXAMPLE: &str =
    "a list, such as - {allow: [Billing], on: account}, or [] for no policy at all";
const ROLES_EXAMPLE: &str =
    "a list of roles, such as [Billing, Analytics]; `ringward access roles` shows them";
const ON_EXAMPLE: &str = "on: account, or on: {zones: [ID]}";
const ZONES_EXAMPLE: &str = "a list of zone IDs, such as [023e105f4ecef8ad9ca31a8372d0c353]";

/// A User Group and all the policies that it is to have.
#[derive(Debug, Clone)]
pub(crate) struct GroupWritten {
    pub(super) name: UserGroupName,
    pub(super) name_at: Range<usize>,
    pub(super) policies: Vec<PolicyWritten>,
}

/// A policy, with roles by name.
#[derive(Debug, Clone)]
pub(crate) struct PolicyWritten {
    pub(super) at: Range<usize>,
    pub(super) access: Access,
    pub(super) roles: Vec<RoleWritten>,
    pub(super) on: PolicyScope,
}

/// A role as it was written: a name, a label or an ID.
#[derive(Debug, Clone)]
pub(crate) struct RoleWritten {
    pub(super) text: String,
    pub(super) at: Range<usize>,
}

/// Where a policy holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PolicyScope {
    /// Everywhere in the account.
    Account,
    /// In these zones, by ID.
    Zones(Vec<String>),
}

/// A file that holds by itself, with what it takes to say where it does not fit the account.
pub(super) struct ValidFile<'a> {
    /// The account that it is for.
    pub(super) account: Option<AccountId>,
    /// In the order written.
    pub(super) groups: Vec<GroupWritten>,
    file: &'a str,
    text: Text<'a>,
}

impl ValidFile<'_> {
    /// Problems that were found later, as errors with their places.
    pub(super) fn errors(&self, problems: Problems) -> Vec<PlanError> {
        problems.into_errors(self.file, &self.text)
    }
}

/// Reads a file; `file` is the name that errors show.
///
/// # Errors
/// One syntax error, or all structural and semantic errors in file order.
pub(super) fn read<'a>(file: &'a str, bytes: &'a [u8]) -> Result<ValidFile<'a>, Vec<PlanError>> {
    let mut problems = Problems::default();
    let (text, root) = tree::read_bytes(bytes, &ACCESS_FILE, &mut problems);
    match root.and_then(|root| FileKeys::read(&root, "", &mut problems)) {
        Some(FileKeys { account, groups }) if problems.is_empty() => {
            let groups = groups.value.unwrap_or_default();
            Ok(ValidFile { account: account.value, groups, file, text })
        }
        _ => Err(problems.into_errors(file, &text)),
    }
}

keys! {
    /// Which permission policies each User Group has.
    FileKeys("an access file", "access") {
        /// Pins the file to one Cloudflare account.
        account: AccountId = key(|node, _, problems| account(node, problems)),
        /// Each User Group by its name, with a list of all its policies.
        groups: Vec<GroupWritten> = needed(
            "groups:, and below it each User Group by its name",
            |node, _, problems| Some(read_groups(node, problems)),
        ),
    }
    elsewhere |key| match key {
        "allow" | "deny" => Some("write it in a policy, below a group's name"),
        "members" => Some("members are never written; add them in the dashboard or at the identity provider"),
        _ => None,
    }
}

keys! {
    /// Roles that members have, or are denied, in a place.
    PolicyKeys("a policy", "policy") {
        /// Roles to give.
        allow: Node = key(|node, _, _| Some(node.clone())),
        /// Roles to take.
        deny: Node = key(|node, _, _| Some(node.clone())),
        /// Where: the word `account` for all of it, or some of its zones.
        on: PolicyScope = needed(ON_EXAMPLE, read_on),
    }
    elsewhere |key| match key {
        "access" | "roles" => Some("write the roles below `allow` or `deny`"),
        "permission_groups" => Some("write the roles by name, below `allow` or `deny`"),
        "resource_groups" => Some("write the place as `on`"),
        "zones" => Some("write it below `on`, as in on: {zones: [ID]}"),
        _ => None,
    }
}

keys! {
    /// A place that is not the whole account: parts of it.
    PlaceKeys("a place", "place") {
        /// IDs of zones.
        zones: Vec<String> = needed(ZONES_EXAMPLE, |node, _, problems| Some(read_zones(node, problems))),
    }
}

fn read_groups(node: &Node, problems: &mut Problems) -> Vec<GroupWritten> {
    let Value::Mapping(entries) = &node.value else {
        let instead = "write each User Group's name, a colon, and below it a list of its policies";
        wrong_value(node, "`groups` must be a mapping", instead, problems);
        return Vec::new();
    };
    if entries.is_empty() {
        problems.missing(&node.at, "there is no group", "write at least one, with a list of its policies");
    }
    if too_many(&node.at, entries.len(), MOST, "groups", "", problems) {
        return Vec::new();
    }
    entries.iter().filter_map(|entry| read_group(entry, problems)).collect()
}

fn read_group(entry: &MappingEntry, problems: &mut Problems) -> Option<GroupWritten> {
    let name = UserGroupName::new(entry.key.as_str()).ok();
    let name = name.filter(|name| !name.as_str().trim().is_empty() && invisible(name.as_str()).is_none());
    if name.is_none() {
        let instead = "write 1 to 255 characters that can be seen";
        problems.wrong(&entry.key_at, "not the name of a User Group", instead);
    }
    let policies = items(&entry.value, "a group's policies", POLICIES_EXAMPLE, problems);
    let policies =
        policies.filter(|items| !too_many(&entry.value.at, items.len(), MOST, "policies", "", problems));
    let policies = policies.unwrap_or_default();
    Some(GroupWritten {
        policies: policies.iter().filter_map(|node| read_policy(node, problems)).collect(),
        name: name?,
        name_at: entry.key_at.clone(),
    })
}

fn read_policy(node: &Node, problems: &mut Problems) -> Option<PolicyWritten> {
    let noted = problems.count();
    let fields = Fields::of(node, PolicyKeys::MAPPING, problems)?;
    let known = problems.count() == noted;
    let PolicyKeys { allow, deny, on } = PolicyKeys::of(&fields, problems);
    let (access, roles) = match (&allow.value, &deny.value) {
        (Some(allow), None) => (Access::Allow, read_roles(allow, problems)),
        (None, Some(deny)) => (Access::Deny, read_roles(deny, problems)),
        (Some(allow), Some(deny)) => {
            let other = Other::Here { at: allow.at.clone(), what: "`allow` is here".to_owned() };
            let problem = "a policy either allows or denies";
            problems.clash(&deny.at, problem, "write a policy of its own for what it denies", other);
            return None;
        }
        (None, None) => {
            // Of a key that is not known, one error is enough.
            if known {
                let instead = "write allow: and a list of roles, or deny:";
                problems.missing(&fields.at, "this policy neither allows nor denies", instead);
            }
            return None;
        }
    };
    Some(PolicyWritten { at: node.at.clone(), access, roles, on: on.value? })
}

fn read_roles(node: &Node, problems: &mut Problems) -> Vec<RoleWritten> {
    let roles =
        distinct(node, "role", ROLES_EXAMPLE, problems, |item, problems| text(item, "a role", problems));
    let role = |(text, item): (&str, &Node)| RoleWritten { text: text.to_owned(), at: item.at.clone() };
    roles.into_iter().map(role).collect()
}

fn read_on(node: &Node, what: &str, problems: &mut Problems) -> Option<PolicyScope> {
    if let Value::Scalar { .. } = &node.value {
        return read_value(node, what, problems, |text| match text {
            "account" => Ok(PolicyScope::Account),
            _ => Err(("not a place".to_owned(), format!("write {ON_EXAMPLE}"))),
        });
    }
    PlaceKeys::read(node, what, problems)?.zones.value.map(PolicyScope::Zones)
}

fn read_zones(zones: &Node, problems: &mut Problems) -> Vec<String> {
    let zones = distinct(zones, "zone", ZONES_EXAMPLE, problems, |item, problems| {
        let id = text(item, "a zone ID", problems)?;
        if !is_hex(id, 32) {
            problems.wrong(&item.at, "not a zone ID", "write its 32 digits 0-9 and a-f");
            return None;
        }
        Some(id)
    });
    zones.into_iter().map(|(id, _)| id.to_owned()).collect()
}

/// The texts of a list that must have some, and none of them twice.
fn distinct<'a>(
    node: &'a Node,
    thing: &str,
    example: &str,
    problems: &mut Problems,
    reader: impl Fn(&'a Node, &mut Problems) -> Option<&'a str>,
) -> Vec<(&'a str, &'a Node)> {
    let Some(items) = items(node, &format!("`{thing}s`"), example, problems) else { return Vec::new() };
    if items.is_empty() {
        problems.missing(&node.at, format!("there are no {thing}s"), format!("write {example}"));
    }
    if too_many(&node.at, items.len(), MOST, &format!("{thing}s"), "", problems) {
        return Vec::new();
    }
    let (mut seen, mut found) = (BTreeMap::new(), Vec::new());
    for item in items {
        let Some(text) = reader(item, problems) else { continue };
        match seen.insert(text, item) {
            None => found.push((text, item)),
            Some(first) => {
                let problem = format!("this {thing} is repeated");
                problems.clash(&item.at, problem, "keep one of them", Other::already(&first.at, text));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
