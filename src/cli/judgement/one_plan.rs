//! The one plan of a file, for commands that try a plan out.
//!
//! **Invariant:** a file with an error gives no plan, and all its errors are told.

use std::{io::Write as _, path::PathBuf};

use crate::cli::{CliError, Screen, safe};
use crate::{cli::judgement::files::JudgedFiles, plan::model::Revision, secrets, time::Timestamp};

/// The one plan of a file, judged by the calendar from an instant on. Its errors are shown as `check` shows them.
///
/// # Errors
/// When the file holds no plan that can be used.
pub(crate) fn one_plan(path: &PathBuf, from: Timestamp, screen: &Screen) -> Result<Revision, CliError> {
    let judgement = JudgedFiles::of(std::slice::from_ref(path), Some(from));
    for complaint in judgement.complaints(screen.ink) {
        // The exit code tells it where nobody reads this.
        let _ = writeln!(secrets::stderr(), "{complaint}");
    }
    if let Some(why) = judgement.unusable() {
        return Err(CliError::usage(why));
    }
    let mut good = judgement.files.into_iter().filter_map(|judged| judged.outcome.ok());
    let shown = safe(&path.display().to_string());
    match (good.next(), good.next()) {
        (Some(good), None) => good
            .to_begin()
            .map_err(|why| CliError::usage(format!("{shown} would not be begun: {}", why.join("; ")))),
        (Some(_), Some(_)) => Err(CliError::usage(format!("{shown} holds several plans; name one file"))),
        (None, _) => Err(CliError::usage(format!("{shown} holds no plan"))),
    }
}
