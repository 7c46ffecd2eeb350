//! `ringward check`: plan files judged offline, as the daemon would judge them, or with the account beside them.
//!
//! **Invariant:** all errors and warnings of all files are shown.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::connection_args::ConnectionArgs;
use crate::cli::daemon_args::JsonArgs;
use crate::cli::exit::CliError;
use crate::cli::judgement::{JudgedFiles, OnRecord};
use crate::cli::online::check_online;
use crate::cli::render::{Format, Out, json};
use crate::cli::screen::{Ink, Screen};
use crate::time::{Clock, Timestamp};

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = "\
With --json: a list with one object per file.
  file         the path
  errors       each error on one line
  diagnostics  the same errors in parts:
    severity             error; in warnings, warning or note
    file, line, column   where, from 1; line and column are null for a path
                         that cannot be read
    span                 the same place in bytes: start, and end, which is
                         excluded
    problem              what is wrong
    found                the offending text; empty where something is missing
    instead              what would be right
    related              the other place where two disagree, else null: file,
                         line, column, span, what
  warnings     what is probably not meant in a good file, or worth knowing, in
               the same parts
  plan         the good plan in short; null where there are errors, and for a
               ringward.yaml, which is a configuration

Exit codes: 0 every file is good, 2 some cannot be used, or, with --strict, some
are warned of")]
pub struct CheckArgs {
    /// Plan files, or directories of them (*.yaml, *.yml)
    #[arg(value_name = "PATH", env = "RINGWARD_PLANS", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Look at the account too: token, profiles, groups in the way, ring sizes; nothing is written
    #[arg(long)]
    pub online: bool,
    /// Take a warning for an error: exit 2
    #[arg(long)]
    pub strict: bool,
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
    /// The daemon's database: what runs and would be held up is told; with --online, whose the groups are
    #[arg(long, value_name = "FILE", env = "RINGWARD_DB")]
    pub db: Option<PathBuf>,
    /// With --online: how to reach the account.
    #[command(flatten, next_help_heading = "With --online")]
    pub connection: ConnectionArgs,
}

impl CheckArgs {
    pub(super) async fn run(&self, out: Out<'_>) -> Result<(), CliError> {
        let (screen, how) = (Screen::of_stdout(), (self.json.format(), self.strict));
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
    (format, strict): (Format, bool),
    ink: Ink,
    out: Out<'_>,
) -> Result<(), CliError> {
    let on_record = OnRecord::of(database).map_err(CliError::failed)?;
    let judgement = JudgedFiles::beside(paths, Some(now), &on_record);
    match format {
        Format::Json => json(out, &judgement.in_json(now))?,
        Format::Text => judgement.show(out, now, ink)?,
    }
    judgement.refusal(strict).map_or(Ok(()), |why| Err(CliError::usage(why)))
}
