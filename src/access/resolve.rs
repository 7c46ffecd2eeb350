//! From names to IDs: which group a file means, and which roles.
//!
//! **Invariant:** a name that means nothing, or more than one thing, is an error with its place in the file,
//! never a guess.

use std::collections::BTreeSet;

use super::file::{GroupWritten, PolicyScope, PolicyWritten, RoleWritten, ValidFile};
use super::policies::{PermissionGroup, PolicedGroup, PolicyIntent, ResourceScope};
use crate::ids::{AccountId, PermissionGroupId};
use crate::plan::{Other, PlanError, Problems, either, nearest};

/// A User Group of the account, and the policies that it is to have.
#[derive(Debug)]
pub(super) struct WantedGroup {
    pub(super) found: PolicedGroup,
    pub(super) wanted: Vec<PolicyIntent>,
}

/// What a file means in an account.
///
/// # Errors
/// Every name that means nothing there, or more than one thing.
pub(super) fn resolve(
    written: &ValidFile<'_>,
    account: &AccountId,
    groups: &[PolicedGroup],
    roles: &[PermissionGroup],
) -> Result<Vec<WantedGroup>, Vec<PlanError>> {
    let mut problems = Problems::default();
    let mut targets = Vec::new();
    for group in &written.groups {
        let found = group_of(group, groups, &mut problems);
        let wanted = policies(group, account, roles, &mut problems);
        targets.extend(found.map(|found| WantedGroup { found: found.clone(), wanted }));
    }
    if problems.is_empty() { Ok(targets) } else { Err(written.errors(problems)) }
}

/// What to write in place of a name that no group has.
pub(super) fn another_group(text: &str, groups: &[PolicedGroup]) -> String {
    let names = groups.iter().map(|known| known.name.as_str());
    near(text, names, "`ringward access list` shows the account's groups")
}

fn near<'a>(text: &str, names: impl Iterator<Item = &'a str>, otherwise: &str) -> String {
    either(&nearest(text, names)).map_or_else(|| otherwise.to_owned(), |near| format!("did you mean {near}?"))
}

fn group_of<'a>(
    group: &GroupWritten,
    groups: &'a [PolicedGroup],
    problems: &mut Problems,
) -> Option<&'a PolicedGroup> {
    let same_name = |known: &&PolicedGroup| known.name == group.name.as_str();
    let named: Vec<&PolicedGroup> = groups.iter().filter(same_name).collect();
    let (problem, instead) = match named.as_slice() {
        [one] => return Some(one),
        [] => {
            let problem = "the account has no User Group of this name";
            (problem.to_owned(), another_group(group.name.as_str(), groups))
        }
        several => (
            format!("the account has {} User Groups of this name", several.len()),
            "rename or remove the others: nobody can say which one is meant".to_owned(),
        ),
    };
    problems.wrong(&group.name_at, problem, instead);
    None
}

fn policies(
    group: &GroupWritten,
    account: &AccountId,
    roles: &[PermissionGroup],
    problems: &mut Problems,
) -> Vec<PolicyIntent> {
    let mut wanted: Vec<(PolicyIntent, &PolicyWritten)> = Vec::new();
    for policy in &group.policies {
        let mut ids = BTreeSet::new();
        for role in &policy.roles {
            let Some(id) = role_of(role, roles, problems) else { continue };
            if !ids.insert(id) {
                let problem = "another word of this policy means the same role";
                problems.wrong(&role.at, problem, "keep one of them");
            }
        }
        let on = match &policy.on {
            PolicyScope::Account => ResourceScope::account(account),
            PolicyScope::Zones(zones) => ResourceScope::zones(account, zones.iter().map(String::as_str)),
        };
        let intent = PolicyIntent { access: policy.access, roles: ids, on };
        // One whose roles are not known is told by them.
        let whole = intent.roles.len() == policy.roles.len();
        match wanted.iter().find(|(known, _)| whole && *known == intent) {
            Some((_, first)) => {
                let other = Other::Here { at: first.at.clone(), what: "it is here already".to_owned() };
                let at = policy.at.start..policy.at.start;
                problems.clash(&at, "this policy is repeated", "keep one of them", other);
            }
            None => wanted.push((intent, policy)),
        }
    }
    wanted.into_iter().map(|(intent, _)| intent).collect()
}

fn role_of(
    role: &RoleWritten,
    roles: &[PermissionGroup],
    problems: &mut Problems,
) -> Option<PermissionGroupId> {
    let text = role.text.as_str();
    let means = |known: &&PermissionGroup| {
        known.id.as_str() == text
            || known.name.as_deref() == Some(text)
            || known.label.as_deref() == Some(text)
    };
    let meant: Vec<&PermissionGroup> = roles.iter().filter(means).collect();
    let (problem, instead) = match meant.as_slice() {
        [one] => return Some(one.id.clone()),
        [] => {
            let names = roles.iter().filter_map(|known| known.name.as_deref());
            let instead = near(text, names, "`ringward access roles` shows the account's roles");
            ("the account has no role of this name".to_owned(), instead)
        }
        several => {
            let words: Vec<&str> = several.iter().map(|known| unmistakable(known, roles)).collect();
            let instead = format!("write {}", either(&words).unwrap_or_default());
            (format!("{} roles have this name", several.len()), instead)
        }
    };
    problems.wrong(&role.at, problem, instead);
    None
}

/// The label where no other role has it, else the ID.
fn unmistakable<'a>(role: &'a PermissionGroup, roles: &[PermissionGroup]) -> &'a str {
    let label = role.label.as_deref();
    let alone = |label: &&str| {
        let taken = roles
            .iter()
            .filter(|known| known.label.as_deref() == Some(*label) || known.name.as_deref() == Some(*label));
        taken.count() == 1
    };
    label.filter(alone).unwrap_or(role.id.as_str())
}

#[cfg(test)]
mod tests;
