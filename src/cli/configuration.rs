//! `ringward.yaml` on the command line: found, read, and overridden by flags and environment.
//!
//! **Invariant:** a daemon never starts on a file that has an error, nor without one that was named.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::excerpt::excerpt;
use crate::cli::exit::CliError;
use crate::cli::render::safe;
use crate::cli::screen::Ink;
use crate::config::{self, Config, FILE_NAME};
use crate::plan::{MAX_BYTES, PlanError};
use crate::secrets;

/// Where the configuration of the daemon of `database` is: at `named`, else beside the database.
pub(super) fn place(named: Option<&Path>, database: &Path) -> PathBuf {
    named.map_or_else(|| database.parent().unwrap_or(Path::new("")).join(FILE_NAME), Path::to_owned)
}

/// The configuration of the daemon of `database`: from `named`, else from `ringward.yaml` beside the
/// database if it is there, else none.
///
/// # Errors
/// When the file cannot be read, or anything in it is wrong.
pub(super) fn configuration(named: Option<&Path>, database: &Path) -> Result<Config, CliError> {
    let path = place(named, database);
    let bytes = match read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => return Ok(Config::default()),
        Err(error) => {
            let shown = path.display();
            return Err(CliError::usage(format!(
                "the configuration {shown} cannot be read ({error}); name another with --config, or mend it"
            )));
        }
    };
    let name = path.display().to_string();
    let config = config::read(&name, &bytes).map_err(|errors| refused(&name, &bytes, &errors))?;
    let directory = path.parent().map(PathBuf::from).unwrap_or_default();
    tracing::info!(file = %safe(&name), "configured");
    Ok(Config { run: config.run.from_directory(&directory), ..config })
}

/// One byte more than the largest file, so that the decoder sees that it is too large.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// All errors: with excerpts to a person at a terminal, else one line each.
fn refused(name: &str, bytes: &[u8], errors: &[PlanError]) -> CliError {
    let stderr = io::stderr();
    for error in errors {
        let shown = if stderr.is_terminal() {
            excerpt(error, |file| (file == name).then_some(bytes), Ink::of(&stderr))
        } else {
            safe(&error.to_string())
        };
        // The exit code tells it where nobody reads this.
        let _ = writeln!(secrets::stderr(), "{shown}");
    }
    let count = if errors.len() == 1 { "1 error".to_owned() } else { format!("{} errors", errors.len()) };
    CliError::usage(format!("the configuration {name} cannot be used: {count}; see above"))
}
