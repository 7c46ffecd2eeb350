//! The daemon's `ringward.yaml` beside a starter plan.
//!
//! **Invariant:** whatever is there already stays as it is, a dangling link included.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use crate::cli::{CliError, safe};

const TEXT: &str = include_str!("ringward.yaml");

/// Writes it, unless something is there; whether it is new.
pub(super) fn write(path: &Path) -> Result<bool, CliError> {
    let told = |error: io::Error| {
        CliError::failed(format!(
            "the configuration {} cannot be written: {error}; make its directory writable, or name another file with --config",
            path.display()
        ))
    };
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(told(error)),
    };
    file.write_all(TEXT.as_bytes())
        .map_err(|error| {
            // The next `init` would keep half a file.
            let _ = fs::remove_file(path);
            told(error)
        })
        .map(|()| true)
}

/// Where it is and what it does, for people.
pub(super) fn told(is_new: bool, path: &Path) -> String {
    let shown = safe(&path.display().to_string());
    let place = if is_new {
        format!("The daemon's configuration is in {shown}. It says `revisions: person`:")
    } else {
        format!(
            "The daemon's configuration {shown} is there already and stays as it is. With `revisions: person` in it,"
        )
    };
    format!(
        "{place}
a new plan, and an edit that does more than restrict, waits until a person gives
  ringward confirm PLAN --revision DIGEST --reason …
which `ringward explain PLAN` and `ringward status` show whole.
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::plan::model::Revisions;

    #[test]
    fn a_daemon_accepts_it() {
        let config = config::read("ringward.yaml", TEXT.as_bytes()).unwrap();
        assert_eq!(config, config::Config { revisions: Revisions::Person, ..Default::default() });
    }
}
