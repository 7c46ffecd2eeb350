//! `ringward.yaml` on the command line: found, read, and overridden by flags and environment.
//!
//! **Invariant:** a daemon never starts on a file that has an error, nor without one that was named.

use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::{CliError, Ink, counted, safe};
use crate::config::{self, Config, FILE_NAME};
use crate::{cli::excerpt::SourceFile, plan::PlanError, secrets, store};

/// Where the configuration of the daemon of `database` is: at `named`, else beside the database.
pub(super) fn place(named: Option<&Path>, database: &Path) -> PathBuf {
    let beside = || store::resolved(database).parent().unwrap_or(Path::new("")).join(FILE_NAME);
    named.map_or_else(beside, Path::to_owned)
}

/// The configuration of the daemon of `database`: from `named`, else from `ringward.yaml` beside the
/// database if it is there, else none.
///
/// # Errors
/// When the file cannot be read, or anything in it is wrong.
pub(super) fn configuration(named: Option<&Path>, database: &Path) -> Result<Config, CliError> {
    let path = place(named, database);
    let file = match SourceFile::read(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => return Ok(Config::default()),
        Err(error) => {
            let shown = path.display();
            return Err(CliError::usage(format!(
                "the configuration {shown} cannot be read ({error}); name another with --config, or fix it"
            )));
        }
    };
    let config = config::read(&file.name, &file.bytes).map_err(|errors| refused(&file, &errors))?;
    let directory = path.parent().map(PathBuf::from).unwrap_or_default();
    tracing::info!(file = %safe(&file.name), "configured");
    Ok(Config { run: config.run.from_directory(&directory), ..config })
}

/// All errors: with excerpts to a person at a terminal, else one line each.
fn refused(file: &SourceFile, errors: &[PlanError]) -> CliError {
    let stderr = io::stderr();
    for error in errors {
        let shown = if stderr.is_terminal() {
            file.excerpt(error, Ink::of(&stderr))
        } else {
            safe(&error.to_string())
        };
        // The exit code tells it where nobody reads this.
        let _ = writeln!(secrets::stderr(), "{shown}");
    }
    let (name, count) = (&file.name, counted(errors.len(), "error"));
    CliError::usage(format!("the configuration {name} cannot be used: {count}; see above"))
}
