//! What a path on the command line means: a file, or the plan files of a directory.
//!
//! **Invariant:** of a directory the same files count as for the daemon, and the same are refused.

use std::path::{Path, PathBuf};

use crate::daemon::files::{DirectoryLook, Yml, look};
use crate::daemon::plans_dir::{FoundFile, NO_PLAN, read_one};

/// A path with what it holds: the bytes of what means to be a plan, or why it cannot be used.
type ReadPath = (PathBuf, Result<Vec<u8>, String>);

/// The files that a path means, and those that are passed over, with why.
pub(super) fn plan_files(path: &Path, yml: Yml) -> (Vec<ReadPath>, Vec<(PathBuf, String)>) {
    if !path.is_dir() {
        let found = match read_one(path) {
            FoundFile::Plan(draft) => Ok(draft.bytes().to_vec()),
            // Somebody names it as a plan.
            FoundFile::PassedOver(_) | FoundFile::Configuration => {
                Err(format!("{NO_PLAN}, and nothing of it is shown; begin it with `plan: NAME`"))
            }
            FoundFile::Unusable(why) => Err(why),
            FoundFile::Vanished => {
                Err("it is not there; name a plan file, or a directory of them".to_owned())
            }
        };
        return (vec![(path.to_owned(), found)], Vec::new());
    }
    // As the daemon looks: the same files count, and the same are refused.
    match look(path, yml) {
        DirectoryLook::Files { files, notes } => {
            // The daemon's words begin with the bare name, which stands before them here as well.
            let alone = |name: &str, why: String| match why.strip_prefix(&format!("{name}: ")) {
                Some(why) => why.to_owned(),
                None => why,
            };
            let none = files.is_empty().then(|| {
                let why = "it holds no plan file; plans are files named *.yaml or *.yml with a key `plan`";
                (path.to_owned(), Err(why.to_owned()))
            });
            let files = files.into_iter().map(|(name, read)| {
                let found = read.map(|draft| draft.bytes().to_vec()).map_err(|why| alone(&name, why));
                (path.join(name), found)
            });
            let notes = notes.into_iter().map(|(name, why)| (path.join(name), why));
            (none.into_iter().chain(files).collect(), notes.collect())
        }
        DirectoryLook::Unreadable(why) => (vec![(path.to_owned(), Err(why))], Vec::new()),
    }
}
