//! User Groups, roles and differences for people.
//!
//! **Invariant:** nothing that Cloudflare answered reaches the terminal unsafe, and the names of roles are never cut.

use std::collections::BTreeMap;
use std::io;

use super::compare::{Difference, Place, Scopes, Shape};
use super::write::{Change, Done};
use crate::cli::render::{Column, Out, safe, table};
use crate::cli::screen::{Screen, Tint};
use crate::cloudflare::{PermissionGroup, PolicedGroup, ResourceScope};
use crate::ids::{AccountId, PermissionGroupId};
use crate::rollout::record::AccessPolicy;
use crate::rollout::record::{Member, Standing};

/// What roles are called.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: BTreeMap<PermissionGroupId, String>,
    /// The labels of roles that share their name with another one.
    shared: BTreeMap<PermissionGroupId, String>,
}

impl Names {
    /// As the account lists them, and as policies name them.
    pub(super) fn of(roles: &[PermissionGroup], groups: &[PolicedGroup]) -> Self {
        let in_policies = groups.iter().flat_map(|group| &group.policies).flat_map(|policy| &policy.roles);
        let in_policies = in_policies.filter_map(|role| Some((role.id.clone(), role.name.clone()?)));
        let listed = roles.iter().filter_map(|role| Some((role.id.clone(), role.name.clone()?)));
        let mut counts: BTreeMap<&Option<String>, usize> = BTreeMap::new();
        for role in roles {
            *counts.entry(&role.name).or_default() += 1;
        }
        let shared = roles.iter().filter(|role| counts.get(&role.name).is_some_and(|count| *count > 1));
        Self {
            names: in_policies.chain(listed).collect(),
            shared: shared.filter_map(|role| Some((role.id.clone(), role.label.clone()?))).collect(),
        }
    }

    /// The name of a role, or none.
    pub(super) fn name(&self, role: &PermissionGroupId) -> Option<&str> {
        self.names.get(role).map(String::as_str)
    }

    fn shown(&self, role: &PermissionGroupId) -> String {
        let name = safe(self.name(role).unwrap_or(role.as_str()));
        self.shared.get(role).map_or_else(|| name.clone(), |label| format!("{name} ({})", safe(label)))
    }
}

/// Groups with their policies, and of one group its members.
pub(super) fn groups(
    out: Out<'_>,
    screen: &Screen,
    account: &AccountId,
    groups: &[PolicedGroup],
    members: Option<&[Member]>,
    scopes: &Scopes,
) -> io::Result<()> {
    if groups.is_empty() {
        return writeln!(out, "Account {account} has no User Group");
    }
    let names = Names::of(&[], groups);
    for group in groups {
        let name = screen.paint(Tint::Strong, &safe(&group.group.name));
        writeln!(out, "{name}  {}", safe(group.group.id.as_str()))?;
        if group.policies.is_empty() {
            writeln!(out, "  no policies")?;
        }
        for policy in &group.policies {
            lines(out, "  ", &Shape::of_answer(policy, scopes), account, &names)?;
        }
    }
    members.map_or(Ok(()), |members| all_members(out, screen, members))
}

fn all_members(out: Out<'_>, screen: &Screen, members: &[Member]) -> io::Result<()> {
    let mut rows: Vec<Vec<String>> = members
        .iter()
        .map(|member| {
            let email = member.email.as_ref().map_or("(no e-mail)", |email| email.as_str());
            vec![safe(email), standing(&member.standing)]
        })
        .collect();
    rows.sort();
    match rows.len() {
        0 => return writeln!(out, "  no members"),
        1 => writeln!(out, "  1 member")?,
        count => writeln!(out, "  {count} members")?,
    }
    table(out, screen, 4, &[Column::Left("E-MAIL"), Column::Left("STATUS")], &rows)
}

/// A standing in a word.
pub(super) fn standing(standing: &Standing) -> String {
    match standing {
        Standing::Accepted => "accepted".to_owned(),
        Standing::Pending => "pending".to_owned(),
        Standing::Other(word) => safe(word),
    }
}

/// Roles in a table.
pub(super) fn roles(out: Out<'_>, screen: &Screen, roles: &[PermissionGroup]) -> io::Result<()> {
    if roles.is_empty() {
        return writeln!(out, "no such role; `ringward access roles` without --like shows all");
    }
    let rows: Vec<Vec<String>> = roles
        .iter()
        .map(|role| {
            let name = role.name.as_deref().unwrap_or("(no name)");
            let on = match role.scopes.as_deref() {
                Some("com.cloudflare.api.account") => "account",
                Some("com.cloudflare.api.account.zone") => "zone",
                Some(other) => other,
                None => "-",
            };
            let end = if role.is_deprecated { ", deprecated" } else { "" };
            let label = role.label.as_deref().unwrap_or(role.id.as_str());
            vec![safe(name), format!("{}{end}", safe(on)), safe(label)]
        })
        .collect();
    // Names are what a file has, so they stay whole.
    let columns = [Column::Left("ROLE"), Column::Left("FOR"), Column::Cut("LABEL")];
    table(out, screen, 0, &columns, &rows)
}

/// What a file would change.
pub(super) fn differences(
    out: Out<'_>,
    screen: &Screen,
    account: &AccountId,
    differences: &[(&PolicedGroup, Difference)],
    names: &Names,
) -> io::Result<()> {
    for (group, difference) in differences {
        writeln!(out, "{}", screen.paint(Tint::Strong, &safe(&group.group.name)))?;
        if difference.is_none() {
            writeln!(out, "  as the file says")?;
        }
        changes(out, screen, account, difference, names)?;
    }
    let changed = differences.iter().filter(|(_, difference)| !difference.is_none()).count();
    match changed {
        0 => writeln!(out, "nothing would change"),
        _ => writeln!(out, "{changed} of {} would change", groups_in_words(differences.len())),
    }
}

fn changes(
    out: Out<'_>,
    screen: &Screen,
    account: &AccountId,
    difference: &Difference,
    names: &Names,
) -> io::Result<()> {
    for shape in &difference.remove {
        lines(out, &format!("  {} ", screen.paint(Tint::Bad, "-")), shape, account, names)?;
    }
    for shape in &difference.add {
        lines(out, &format!("  {} ", screen.paint(Tint::Good, "+")), shape, account, names)?;
    }
    Ok(())
}

/// What became of a change of one group.
pub(super) fn done(
    out: Out<'_>,
    screen: &Screen,
    account: &AccountId,
    change: &Change<'_>,
    done: &Done,
    names: &Names,
) -> io::Result<()> {
    let name = screen.paint(Tint::Strong, &safe(&change.group.name));
    match done {
        Done::Nothing if change.policies.is_empty() => {
            writeln!(out, "{name}: had no policies, nothing was sent")
        }
        Done::Nothing => writeln!(out, "{name}: was so already, nothing was sent"),
        Done::Written(difference) => {
            writeln!(out, "{name}: written and read back ({})", safe(change.reason))?;
            changes(out, screen, account, difference, names)
        }
    }
}

/// The last line of `apply`.
pub(super) fn applied(out: Out<'_>, changed: usize, all: usize) -> io::Result<()> {
    match changed {
        0 => writeln!(out, "nothing had to change"),
        _ => writeln!(out, "{changed} of {} changed", groups_in_words(all)),
    }
}

fn groups_in_words(count: usize) -> String {
    if count == 1 { "1 group".to_owned() } else { format!("{count} groups") }
}

/// A policy: what it does and where on one line, then each zone and each role on its own.
fn lines(out: Out<'_>, begin: &str, shape: &Shape, account: &AccountId, names: &Names) -> io::Result<()> {
    let place = Where::of(shape, account);
    writeln!(out, "{begin}{} on {}:", safe(&shape.access.to_string()), place.head)?;
    for line in place.lines {
        writeln!(out, "      {line}")?;
    }
    let mut roles: Vec<String> = shape.roles.iter().map(|role| names.shown(role)).collect();
    roles.sort();
    if roles.is_empty() {
        roles.push("(no role)".to_owned());
    }
    for role in roles {
        writeln!(out, "      {role}")?;
    }
    Ok(())
}

/// Where a policy holds, in words.
/// A policy for the log.
pub(super) fn in_words(shape: &Shape, account: &AccountId, names: &Names) -> AccessPolicy {
    let place = Where::of(shape, account);
    let mut roles: Vec<String> = shape.roles.iter().map(|role| names.shown(role)).collect();
    roles.sort();
    let on = if place.lines.is_empty() { vec![place.head] } else { place.lines };
    AccessPolicy { access: safe(&shape.access.to_string()), roles, on }
}

struct Where {
    head: String,
    lines: Vec<String>,
}

impl Where {
    fn of(shape: &Shape, account: &AccountId) -> Self {
        let key = ResourceScope::key(account);
        let own = |place: &Place| match place {
            Place::Part { key: known, object } if *known == key => Some(object.clone()),
            _ => None,
        };
        let objects: Vec<Option<String>> = shape.on.iter().map(own).collect();
        if let [Some(object)] = objects.as_slice()
            && object == "*"
        {
            return Self { head: "the whole account".to_owned(), lines: Vec::new() };
        }
        let lines = shape.on.iter().map(|place| match place {
            Place::Part { key: known, object } => match ResourceScope::zone(object).filter(|_| *known == key)
            {
                Some(zone) => format!("zone {}", safe(zone)),
                None => format!("{} of {}", safe(object), safe(known)),
            },
            Place::Untold(Some(id)) => format!("resource group {} (scope not told)", safe(id.as_str())),
            Place::Untold(None) => "a resource group that Cloudflare does not tell".to_owned(),
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
