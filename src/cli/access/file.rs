//! `access.yaml`: from bytes to the policies that each User Group is to have, or to every error at once.
//!
//! It is written in the language of plan files and read with their tree.
//!
//! **Invariant:** a file with an error yields nothing to apply, and no group loses its policies by being
//! left empty: only a list without an entry says that there are to be none.

use std::collections::BTreeMap;
use std::ops::Range;

use super::keys::{FILE, MOST, PLACE, POLICY};
use crate::cloudflare::Access;
use crate::ids::{AccountId, UserGroupName};
use crate::plan::error::{Other, Problems};
use crate::plan::fields::{Fields, items, text, wrong_value};
use crate::plan::places::{Text, first_line};
use crate::plan::tree::{self, FileKind, MappingEntry, Node, Value};
use crate::plan::values::{account, read as read_value};
use crate::plan::{PlanError, is_invisible};

const ACCESS_FILE: FileKind = FileKind {
    what: "access",
    begin: "begin with `groups:`, and below it a User Group's name with a list of its policies",
    instead_of_anchors: "",
};
const POLICIES_EXAMPLE: &str =
    "a list, such as - {allow: [Billing], on: account}, or [] for no policy at all";
const ROLES_EXAMPLE: &str =
    "a list of roles, such as [Billing, Analytics]; `ringward access roles` shows them";
const ON_EXAMPLE: &str = "on: account, or on: {zones: [ID]}";
const ZONES_EXAMPLE: &str = "a list of zone IDs, such as [023e105f4ecef8ad9ca31a8372d0c353]";

/// What a file says.
#[derive(Debug)]
pub(super) struct AccessFile {
    /// The account that the file is for.
    pub(super) account: Option<AccountId>,
    /// In the order written.
    pub(super) groups: Vec<GroupWritten>,
}

/// A User Group and all the policies that it is to have.
#[derive(Debug)]
pub(super) struct GroupWritten {
    pub(super) name: UserGroupName,
    pub(super) name_at: Range<usize>,
    pub(super) policies: Vec<PolicyWritten>,
}

/// A policy, with roles by name.
#[derive(Debug)]
pub(super) struct PolicyWritten {
    pub(super) at: Range<usize>,
    pub(super) access: Access,
    pub(super) roles: Vec<RoleWritten>,
    pub(super) on: PolicyScope,
}

/// A role as it was written: a name, a label or an ID.
#[derive(Debug)]
pub(super) struct RoleWritten {
    pub(super) text: String,
    pub(super) at: Range<usize>,
}

/// Where a policy holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PolicyScope {
    /// Everywhere in the account.
    Account,
    /// In these zones, by ID.
    Zones(Vec<String>),
}

/// A file that holds by itself, with what it takes to say where it does not fit the account.
pub(super) struct ValidFile<'a> {
    pub(super) says: AccessFile,
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
    let text = tree::text_of(bytes, &ACCESS_FILE, &mut problems);
    let root = if problems.is_empty() { tree::read(text.text, &ACCESS_FILE, &mut problems) } else { None };
    match root.and_then(|root| access(&root, &mut problems)) {
        Some(says) if problems.is_empty() => Ok(ValidFile { says, file, text }),
        _ => Err(problems.into_errors(file, &text)),
    }
}

fn access(root: &Node, problems: &mut Problems) -> Option<AccessFile> {
    let fields = Fields::of(root, &FILE, problems)?;
    let account = fields.get("account").and_then(|node| account(node, problems));
    let groups =
        fields.require("groups", "write groups:, and below it each User Group by its name", problems);
    let groups = groups.map(|node| read_groups(node, problems)).unwrap_or_default();
    Some(AccessFile { account, groups })
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
    if too_many(node, entries.len(), "groups", problems) {
        return Vec::new();
    }
    entries.iter().filter_map(|entry| read_group(entry, problems)).collect()
}

fn read_group(entry: &MappingEntry, problems: &mut Problems) -> Option<GroupWritten> {
    let unfit = || ("not the name of a User Group", "write 1 to 255 characters that can be seen");
    let name = UserGroupName::new(entry.key.as_str()).ok();
    let name =
        name.filter(|name| !name.as_str().trim().is_empty() && !name.as_str().chars().any(is_invisible));
    if name.is_none() {
        let (problem, instead) = unfit();
        problems.wrong(&entry.key_at, problem, instead);
    }
    let policies = items(&entry.value, "a group's policies", POLICIES_EXAMPLE, problems);
    let policies = policies.filter(|items| !too_many(&entry.value, items.len(), "policies", problems));
    let policies = policies.unwrap_or_default();
    Some(GroupWritten {
        policies: policies.iter().filter_map(|node| read_policy(node, problems)).collect(),
        name: name?,
        name_at: entry.key_at.clone(),
    })
}

fn read_policy(node: &Node, problems: &mut Problems) -> Option<PolicyWritten> {
    let noted = problems.count();
    let fields = Fields::of(node, &POLICY, problems)?;
    let known = problems.count() == noted;
    let on = fields.require("on", &format!("write {ON_EXAMPLE}"), problems);
    let on = on.and_then(|node| read_on(node, problems));
    let (access, roles) = match (fields.get("allow"), fields.get("deny")) {
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
    Some(PolicyWritten { at: node.at.clone(), access, roles, on: on? })
}

fn read_roles(node: &Node, problems: &mut Problems) -> Vec<RoleWritten> {
    let mut seen: BTreeMap<&str, &Node> = BTreeMap::new();
    let mut roles = Vec::new();
    for item in listed(node, "roles", ROLES_EXAMPLE, problems) {
        let Some(name) = text(item, "a role", problems) else { continue };
        if is_first(&mut seen, name, item, "this role is repeated", problems) {
            roles.push(RoleWritten { text: name.to_owned(), at: item.at.clone() });
        }
    }
    roles
}

fn read_on(node: &Node, problems: &mut Problems) -> Option<PolicyScope> {
    if let Value::Scalar { .. } = &node.value {
        return read_value(node, "`on`", problems, |text| match text {
            "account" => Ok(PolicyScope::Account),
            _ => Err(("not a place".to_owned(), format!("write {ON_EXAMPLE}"))),
        });
    }
    let fields = Fields::of(node, &PLACE, problems)?;
    let zones = fields.require("zones", &format!("write {ZONES_EXAMPLE}"), problems)?;
    let mut seen: BTreeMap<&str, &Node> = BTreeMap::new();
    let mut ids = Vec::new();
    for item in listed(zones, "zones", ZONES_EXAMPLE, problems) {
        let Some(id) = text(item, "a zone ID", problems) else { continue };
        if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            problems.wrong(&item.at, "not a zone ID", "write its 32 digits 0-9 and a-f");
        } else if is_first(&mut seen, id, item, "this zone is repeated", problems) {
            ids.push(id.to_owned());
        }
    }
    Some(PolicyScope::Zones(ids))
}

/// The items of a list that must have some.
fn listed<'a>(node: &'a Node, what: &str, example: &str, problems: &mut Problems) -> &'a [Node] {
    let Some(items) = items(node, &format!("`{what}`"), example, problems) else { return &[] };
    if items.is_empty() {
        problems.missing(&node.at, format!("there are no {what}"), format!("write {example}"));
    }
    if too_many(node, items.len(), what, problems) { &[] } else { items }
}

fn too_many(node: &Node, count: usize, what: &str, problems: &mut Problems) -> bool {
    if count > MOST {
        let problem = format!("{count} {what} are too many");
        problems.missing(&node.at, problem, format!("write at most {MOST}"));
    }
    count > MOST
}

/// Notes a problem where a text came before.
fn is_first<'a>(
    seen: &mut BTreeMap<&'a str, &'a Node>,
    text: &'a str,
    node: &'a Node,
    problem: &str,
    problems: &mut Problems,
) -> bool {
    let Some(first) = seen.insert(text, node) else { return true };
    let other = Other::Here { at: first.at.clone(), what: format!("`{}` is here already", first_line(text)) };
    problems.clash(&node.at, problem, "keep one of them", other);
    false
}

#[cfg(test)]
mod tests;
