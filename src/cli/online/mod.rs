//! `ringward check --online`: plan files judged by what the account has.
//!
//! **Invariant:** it only reads, and what was not read is not judged; it ends with exit 0 only when the whole account
//! was read and nothing in it would stop a rollout.

mod account;
mod approvers;
mod assess;
mod devices;
mod finding;
mod groups;
mod plan_in_account;
mod power;
mod profiles;
mod report;
mod show;
mod sizes;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::judgement::{CheckHow, FileJson, JudgedFiles, OnRecord};
use crate::cli::{CliError, ConnectionArgs, Format, Out, Screen, account::look_at, json};
use crate::{ids::AccountId, rollout::state::State};

use finding::FindingCounts;
use report::{AccountReport, PlanReport};

pub(super) use assess::AccountJudge;
pub(super) use finding::Severity;
pub(super) use profiles::{Meaning, meaning};
pub(super) use sizes::{RingSizes, Sizes};

/// All that is said in JSON.
#[derive(Debug, Serialize)]
struct OnlineReport<'a> {
    /// The files as `check` without `--online` judges them.
    files: &'a [FileJson<'a>],
    account: &'a AccountReport,
    /// The plans without an error, as the account has them.
    plans: &'a [PlanReport],
    tally: FindingCounts,
}

/// Checks plan files, offline and then by the account. `database`, where there is one, says which
/// deployment groups are ringward's.
///
/// # Errors
/// When a file or the account is not as it must be (exit 2; with `strict`, at a warning, too), or cannot be read
/// (exit 1).
pub async fn check_online(
    paths: &[PathBuf],
    connection: &ConnectionArgs,
    database: Option<&Path>,
    how: CheckHow,
    screen: &Screen,
    out: Out<'_>,
) -> Result<(), CliError> {
    let (now, CheckHow { format, strict, .. }) = (connection.clock.now(), how);
    let on_record = OnRecord::of(database).map_err(CliError::failed)?;
    let judgement = JudgedFiles::beside(paths, Some(now), &on_record);
    if format == Format::Text {
        how.show(&judgement, out, now, screen.ink)?;
    }
    let id = connection.account(common_pin(&judgement).as_ref())?;
    let (state, log) = known_groups(database, on_record);
    let asked =
        judgement.good().flat_map(|(_, plan, _)| &plan.rings).filter_map(|ring| ring.approval.as_ref());
    let asked = asked.map(|approval| approval.user_group.clone()).collect();
    let look = look_at(connection, &id, &asked).await?;
    let mut account = account::account(&id, &look);
    let mut judge = AccountJudge::new(&id, &look, state).guarded_by(judgement.devices_per_day());
    let plans: Vec<PlanReport> =
        judgement.good().map(|(file, plan, bytes)| judge.plan(file, plan, bytes)).collect();
    account.findings.extend(judge.unplanned().filter(|_| !plans.is_empty()));
    account.findings.sort_by_key(|finding| finding.severity);
    let tally =
        FindingCounts::of(account.findings.iter().chain(plans.iter().flat_map(|plan| &plan.findings)));
    match format {
        Format::Json => {
            let files = judgement.in_json(now);
            json(out, &OnlineReport { files: &files, account: &account, plans: &plans, tally })?;
        }
        Format::Text => {
            show::account(out, &account, &log)?;
            plans.iter().try_for_each(|plan| show::plan(out, screen, plan))?;
            writeln!(out, "\n{}", show::tally(tally))?;
        }
    }
    let stand_between = if strict { tally.errors + tally.warnings } else { tally.errors };
    let errors = match stand_between {
        1 => "1 error stands between plans and account; it says what to do".to_owned(),
        errors => format!("{errors} errors stand between plans and account; each says what to do"),
    };
    match (judgement.refusal(strict), stand_between) {
        (None, 0) => Ok(()),
        (None, _) => Err(CliError::usage(errors)),
        (Some(unusable), 0) => Err(CliError::usage(unusable)),
        (Some(unusable), _) => Err(CliError::usage(format!("{unusable}; and {errors}"))),
    }
}

/// The account that all pinned plans name; `None` when there is none, or more than one.
fn common_pin(judgement: &JudgedFiles) -> Option<AccountId> {
    let pins: BTreeSet<&AccountId> =
        judgement.good().filter_map(|(_, plan, _)| plan.account.as_ref()).collect();
    let mut pins = pins.into_iter();
    let first = pins.next()?;
    pins.next().is_none().then(|| first.clone())
}

/// What the log knows of the account's groups, and where that was read.
fn known_groups(database: Option<&Path>, on_record: OnRecord) -> (State, String) {
    let state = on_record.into_state();
    let told = match database {
        Some(path) if path.exists() => {
            format!("{}: ringward has written {} deployment groups", path.display(), state.groups.len())
        }
        Some(path) => format!("{} is not there yet: no group is ringward's", path.display()),
        None => "none: no group is ringward's (name its database with --db)".to_owned(),
    };
    (state, told)
}
