//! User Groups, roles and differences for people.
//!
//! **Invariant:** nothing that Cloudflare answered reaches the terminal unsafe, and the names of roles are never cut.

use std::io;

use super::compare::{Difference, Listing, Shape};
use super::policies::{PermissionGroup, PolicedGroup};
use super::words::{RoleNames, Where, standing};
use super::write::Change;
use crate::cli::{Column, Out, Screen, Tint, counted, safe, table};
use crate::rollout::record::Member;

/// Groups with their policies, and of one group its members.
pub(super) fn groups(out: Out<'_>, screen: &Screen, listing: &Listing<'_>) -> io::Result<()> {
    let Listing { account, groups, members, scopes } = *listing;
    if groups.is_empty() {
        return writeln!(out, "Account {account} has no User Group");
    }
    let names = RoleNames::of(account, &[], groups);
    for group in groups {
        let name = screen.paint(Tint::Strong, &safe(&group.name));
        writeln!(out, "{name}  {}", safe(group.id.as_str()))?;
        if group.policies.is_empty() {
            writeln!(out, "  no policies")?;
        }
        for policy in &group.policies {
            lines(out, "  ", &Shape::of_answer(policy, scopes), &names)?;
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
        count => writeln!(out, "  {}", counted(count, "member"))?,
    }
    table(out, screen, 4, &[Column::Left("E-MAIL"), Column::Left("STATUS")], &rows)
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
    differences: &[(&PolicedGroup, Difference)],
    names: &RoleNames,
) -> io::Result<()> {
    for (group, difference) in differences {
        writeln!(out, "{}", screen.paint(Tint::Strong, &safe(&group.name)))?;
        if difference.is_none() {
            writeln!(out, "  as the file says")?;
        }
        changes(out, screen, difference, names)?;
    }
    let changed = differences.iter().filter(|(_, difference)| !difference.is_none()).count();
    match changed {
        0 => writeln!(out, "nothing would change"),
        _ => writeln!(out, "{changed} of {} would change", counted(differences.len(), "group")),
    }
}

fn changes(out: Out<'_>, screen: &Screen, difference: &Difference, names: &RoleNames) -> io::Result<()> {
    for (shapes, tint, sign) in [(&difference.remove, Tint::Bad, "-"), (&difference.add, Tint::Good, "+")] {
        for shape in shapes {
            lines(out, &format!("  {} ", screen.paint(tint, sign)), shape, names)?;
        }
    }
    Ok(())
}

/// What became of a change of one group.
pub(super) fn done(
    out: Out<'_>,
    screen: &Screen,
    change: &Change<'_>,
    done: Option<&Difference>,
) -> io::Result<()> {
    let name = screen.paint(Tint::Strong, &safe(&change.group.name));
    match done {
        None if change.policies.is_empty() => {
            writeln!(out, "{name}: had no policies, nothing was sent")
        }
        None => writeln!(out, "{name}: was so already, nothing was sent"),
        Some(difference) => {
            writeln!(out, "{name}: written and read back ({})", safe(change.reason))?;
            changes(out, screen, difference, change.names)
        }
    }
}

/// The last line of `apply`.
pub(super) fn applied(out: Out<'_>, changed: usize, all: usize) -> io::Result<()> {
    match changed {
        0 => writeln!(out, "nothing had to change"),
        _ => writeln!(out, "{changed} of {} changed", counted(all, "group")),
    }
}

/// A policy: what it does and where on one line, then each zone and each role on its own.
fn lines(out: Out<'_>, begin: &str, shape: &Shape, names: &RoleNames) -> io::Result<()> {
    let place = Where::of(shape, names);
    writeln!(out, "{begin}{} on {}:", safe(&shape.access.to_string()), place.head)?;
    for line in place.lines {
        writeln!(out, "      {line}")?;
    }
    let mut roles = names.of_shape(shape);
    if roles.is_empty() {
        roles.push("(no role)".to_owned());
    }
    for role in roles {
        writeln!(out, "      {role}")?;
    }
    Ok(())
}
