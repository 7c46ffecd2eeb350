//! The report as text: a table of devices, what the rings can show, and the findings.
//!
//! **Invariant:** everything from the account or a plan passes [`safe`]; tables fit 80 columns.

use std::io;

use crate::cli::Column::{Left, Right};
use crate::cli::online::finding::{CheckFinding, FindingCounts};
use crate::cli::online::report::{AccountReport, PlanReport, RingAssessment};
use crate::cli::{Out, Screen, counted, moment, safe, short, table};
use crate::{cli::online::groups::GroupOutlook, cli::online::sizes::shows};

/// The widest name of a ring in a table.
const NAME_CHARS: usize = 18;

/// Shows the account.
///
/// # Errors
/// When it cannot be written.
pub(super) fn account(out: Out<'_>, account: &AccountReport, log: &str) -> io::Result<()> {
    let count = |count: Option<usize>, what: &str| {
        count.map_or_else(|| format!("{what}s not read"), |count| counted(count, what))
    };
    writeln!(out, "account {}, as of {}", safe(account.id.as_str()), short(account.at))?;
    let token = account.token.unwrap_or("state not told");
    let until = account.token_expires_on.map(|end| format!(", until {}", moment(end, account.at)));
    writeln!(out, "  token    {token}{}", until.unwrap_or_default())?;
    let (devices, profiles) = (count(account.devices, "device"), count(account.profiles, "profile"));
    writeln!(out, "  it has   {devices}, {profiles}, {}", count(account.groups, "deployment group"))?;
    writeln!(out, "  log      {}", safe(log))?;
    account.findings.iter().try_for_each(|found| finding(out, "account", found))
}

/// Shows a plan.
///
/// # Errors
/// When it cannot be written.
pub(super) fn plan(out: Out<'_>, screen: &Screen, plan: &PlanReport) -> io::Result<()> {
    let file = safe(&plan.file);
    writeln!(out, "\n{file}: plan {} in this account", plan.plan)?;
    if plan.rings.iter().any(|ring| ring.sizes.is_some()) {
        devices(out, screen, &plan.rings)?;
    }
    for (index, ring) in (1..).zip(&plan.rings) {
        let group = match ring.group {
            GroupOutlook::Created => "a deployment group is made for it",
            GroupOutlook::Changed => "its deployment group is changed",
            GroupOutlook::InPlace => "its deployment group has everything already",
            GroupOutlook::InTheWay => "its deployment group cannot be written",
            GroupOutlook::Unknown => "its deployment group is not known",
        };
        writeln!(out, "  {index}. {}: {group}", safe(ring.name.as_str()))?;
        let Some(sizes) = &ring.sizes else { continue };
        for (environment, sizes) in sizes.environments.iter().filter(|(_, sizes)| sizes.devices > 0) {
            writeln!(out, "     {:<7}  {}", environment.as_str(), sizes.versions.in_words())?;
        }
        for (environment, power) in &ring.power {
            let told = power.in_words().replace("; ", ";\n              ");
            writeln!(out, "     {:<7}  {told}", environment.as_str())?;
        }
        writeln!(out, "     {}", shows(ring.active).replace(" with ", "\n     with "))?;
    }
    plan.findings.iter().try_for_each(|found| finding(out, &file, found))
}

/// Devices per ring and environment.
fn devices(out: Out<'_>, screen: &Screen, rings: &[RingAssessment]) -> io::Result<()> {
    let columns = [
        Left("RING"),
        Left("ON"),
        Right("DEVICES"),
        Right("MOVABLE"),
        Right("THERE"),
        Right("NEWER"),
        Right("AWAY"),
        Right("TOO OLD"),
    ];
    let mut rows = Vec::new();
    for (index, ring) in (1..).zip(rings) {
        let Some(sizes) = &ring.sizes else { continue };
        let mut name = format!("{index}. {}", shortened(ring.name.as_str()));
        for (environment, sizes) in &sizes.environments {
            let name = std::mem::take(&mut name);
            let mut row = vec![name, environment.to_string(), sizes.devices.to_string()];
            let moved = [sizes.movable, sizes.there, sizes.newer, sizes.away, sizes.too_old];
            row.extend(moved.map(|count| sizes.target.map_or("-".to_owned(), |_| count.to_string())));
            rows.push(row);
        }
        if sizes.other > 0 {
            rows.push(vec![name, "other".to_owned(), sizes.other.to_string()]);
        }
    }
    table(out, screen, 2, &columns, &rows)?;
    writeln!(out, "  movable: follows assignments; there, newer: on, above the target; -: no target")?;
    writeln!(out, "  away: not seen for 7 days; too old: below 2026.6, ignores assignments")
}

/// A name short enough for a table; the cut is marked.
fn shortened(name: &str) -> String {
    let name = safe(name);
    if name.chars().count() <= NAME_CHARS {
        return name;
    }
    format!("{}…", name.chars().take(NAME_CHARS - 1).collect::<String>())
}

/// One finding on one line, as errors of plan files are told.
fn finding(out: Out<'_>, file: &str, finding: &CheckFinding) -> io::Result<()> {
    let place = match (finding.line, finding.column) {
        (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
        _ => file.to_owned(),
    };
    let instead = finding.instead.as_ref().map(|text| format!("; {}", safe(text))).unwrap_or_default();
    writeln!(out, "{place}: {}: {}{instead}", finding.severity.as_str(), safe(&finding.problem))
}

/// What it comes to.
pub(super) fn tally(tally: FindingCounts) -> String {
    let (errors, warnings) = (counted(tally.errors, "error"), counted(tally.warnings, "warning"));
    format!("{errors}, {warnings}, {}", counted(tally.notes, "note"))
}
