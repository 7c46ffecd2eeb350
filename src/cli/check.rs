//! `ringward check`: plan files judged offline, as the daemon would judge them, or with the account beside them.
//!
//! **Invariant:** all errors and warnings of all files are shown.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::judgement::{CheckHow, JudgedFiles, OnRecord};
use crate::cli::{CliError, ConnectionArgs, Ink, JsonArgs, Out, Screen, online::check_online};
use crate::time::{Clock, Timestamp};

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/check.txt").trim_end())]
pub struct CheckArgs {
    /// Plan files, or directories of them (*.yaml, *.yml)
    #[arg(value_name = "PATH", env = "RINGWARD_PLANS", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Check against the account too: token, profiles, groups in the way, ring sizes; nothing is written
    #[arg(long)]
    pub online: bool,
    /// Treat a warning as an error: exit 2
    #[arg(long)]
    pub strict: bool,
    /// Show each plan on one screen: rings that agree together, warnings by kind
    #[arg(long)]
    pub summary: bool,
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
    /// Database of the daemon: tells which running plan a bad file would keep back; with --online, whose the groups are
    #[arg(long, value_name = "FILE", env = "RINGWARD_DB")]
    pub db: Option<PathBuf>,
    /// With --online: how to reach the account.
    #[command(flatten, next_help_heading = "With --online")]
    pub connection: ConnectionArgs,
}

impl CheckArgs {
    pub(super) async fn run(&self, out: Out<'_>) -> Result<(), CliError> {
        let how = CheckHow { format: self.json.format(), strict: self.strict, summary: self.summary };
        let screen = Screen::of_stdout();
        if !self.online {
            return check(&self.paths, self.db.as_deref(), Clock::Real.now(), how, screen.ink, out);
        }
        check_online(&self.paths, &self.connection, self.db.as_deref(), how, &screen, out).await
    }
}

/// Checks files, and the files `*.yaml` and `*.yml` of directories.
///
/// # Errors
/// When a plan is invalid, a path cannot be read, or there is no plan file at all; with `strict`, at a warning.
pub fn check(
    paths: &[PathBuf],
    database: Option<&Path>,
    now: Timestamp,
    how: CheckHow,
    ink: Ink,
    out: Out<'_>,
) -> Result<(), CliError> {
    let on_record = OnRecord::of(database).map_err(CliError::failed)?;
    let judgement = JudgedFiles::beside(paths, Some(now), &on_record);
    how.format.answer(out, &judgement.in_json(now), |out| how.show(&judgement, out, now, ink))?;
    judgement.refusal(how.strict).map_or(Ok(()), |why| Err(CliError::usage(why)))
}
