//! `ringward backup FILE`: a checked copy of the database, beside a daemon or without one.
//!
//! **Invariant:** it says "copied" only when the copy is whole, checked and on disk; a file that
//! was there is never replaced.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::cli::{CliError, Format, Out, ReadArgs, args::FailpointArgs, json, short};
use crate::store::{BackupError, ChainReport, Reader};

/// Arguments of `backup`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/backup.txt").trim_end())]
pub struct BackupArgs {
    /// The copy; a file of that name must not exist yet
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where to die.
    #[command(flatten)]
    pub failpoint: FailpointArgs,
    /// How to answer, and which database.
    #[command(flatten)]
    pub read: ReadArgs,
}

impl BackupArgs {
    pub(super) fn run(&self, out: Out<'_>) -> Result<(), CliError> {
        self.failpoint.arm_over(&self.read.daemon.db)?;
        backup(&self.read.daemon.db, &self.file, self.read.format(), out)
    }
}

/// What `--json` says.
#[derive(Debug, Serialize)]
struct Copied<'a> {
    /// The copy.
    file: &'a Path,
    /// The account that the database serves; `null` where no daemon has claimed it yet.
    account: Option<String>,
    /// The clock that the database runs on.
    clock: Option<String>,
    /// The log in the copy.
    chain: ChainReport,
}

/// Copies the database to `copy`, checks the copy and says what it holds.
///
/// # Errors
/// When the copy was not made; nothing is left under its name.
pub fn backup(database: &Path, copy: &Path, format: Format, out: Out<'_>) -> Result<(), CliError> {
    let reader = Reader::open(database).map_err(CliError::failed)?;
    let chain = reader.backup_to(copy).map_err(|error| match error {
        BackupError::Exists(_) => CliError::refused(error),
        _ => CliError::failed(error),
    })?;
    let account = reader.view().account().map_err(CliError::failed)?;
    let clock = reader.view().clock().map_err(CliError::failed)?;
    if format == Format::Json {
        return Ok(json(out, &Copied { file: copy, account, clock, chain })?);
    }
    let last = chain.head.at.map(|at| format!(", the last of {}", short(at))).unwrap_or_default();
    writeln!(out, "Copied {} to {}", database.display(), copy.display())?;
    writeln!(out, "  account  {}", account.as_deref().unwrap_or("none yet"))?;
    writeln!(out, "  log      {} records{last}; chain intact", chain.records)?;
    writeln!(out, "  head     {}", chain.head.hash)?;
    Ok(writeln!(out, "Note the head elsewhere: it proves later that nothing before it was changed.")?)
}
