//! A copy of a database, made while a daemon goes on writing.
//!
//! **Invariant:** the copy appears under its name only when it is whole, checked and on disk, and
//! never replaces a file that was there when the copying began.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::{StoreError, WriteFailure};
use super::files::{beside, directory_of};
use super::{reader::Reader, verify::ChainReport};
use crate::failpoint::{self, Point};

/// A copy that was not made. Nothing is left under its name.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file of that name.
    #[error("{0} exists already and is not replaced; name another file")]
    Exists(PathBuf),
    /// SQLite could not copy.
    #[error("cannot write the copy {path}: {}", WriteFailure::of(source))]
    NotCopied {
        /// The copy.
        path: PathBuf,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// The system could not make, name or sync the file.
    #[error("cannot write the copy {path}; its directory must exist and be writable for this user")]
    NotStored {
        /// The copy.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The copy is not sound.
    #[error(
        "the copy {path} failed its check ({finding}) and was thrown away; check the disk, then the database"
    )]
    NotSound {
        /// The copy.
        path: PathBuf,
        /// What the check said.
        finding: String,
    },
    /// The log in the copy does not verify, so the database's own does not either.
    #[error("the log does not verify; the copy was thrown away")]
    BrokenLog(#[source] StoreError),
}

impl Reader {
    /// Copies the database to `path` (mode 0600), checks the copy and its chain, and returns what
    /// the copy holds. The copy has no `-wal`; to restore, stop the daemon, remove stale `-wal`
    /// and `-shm` files, and put the copy in place.
    ///
    /// # Errors
    /// When `path` exists, cannot be written, or the copy is not sound.
    pub fn backup_to(&self, path: &Path) -> Result<ChainReport, BackupError> {
        let stored = |source| BackupError::NotStored { path: path.to_owned(), source };
        if path.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(path.to_owned()));
        }
        let draft = new_draft(path).map_err(stored)?;
        failpoint::reach(Point::BackupDrafted);
        let outcome = self.fill_and_check(path, &draft).and_then(|report| {
            File::open(&draft).and_then(|whole| whole.sync_all()).map_err(stored)?;
            failpoint::reach(Point::BackupChecked);
            // It took a while, so somebody may have used the name.
            publish(&draft, path).map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => BackupError::Exists(path.to_owned()),
                _ => stored(error),
            })?;
            failpoint::reach(Point::BackupNamed);
            Ok(report)
        });
        // Its name when it is published, rubbish otherwise.
        let _ = fs::remove_file(&draft);
        File::open(directory_of(path)).and_then(|directory| directory.sync_all()).map_err(stored)?;
        outcome
    }

    fn fill_and_check(&self, path: &Path, draft: &Path) -> Result<ChainReport, BackupError> {
        let copied = |source| BackupError::NotCopied { path: path.to_owned(), source };
        let unsound = |finding| BackupError::NotSound { path: path.to_owned(), finding };
        let name = draft.to_str().ok_or_else(|| BackupError::NotStored {
            path: path.to_owned(),
            source: io::Error::new(io::ErrorKind::InvalidFilename, "the name is not UTF-8"),
        })?;
        self.connection.execute("VACUUM INTO ?1", [name]).map_err(copied)?;
        failpoint::reach(Point::BackupCopied);
        let copy = Connection::open(draft).map_err(copied)?;
        let finding: String =
            copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(copied)?;
        if finding != "ok" {
            return Err(unsound(finding));
        }
        drop(copy);
        let copy = Self::open(draft).map_err(|error| unsound(error.to_string()))?;
        copy.view().verify_chain().map_err(BackupError::BrokenLog)
    }
}

/// An empty file of a name that nobody else has, for its owner alone; VACUUM INTO accepts one that is
/// empty. It is not locked: on a network share the system's lock and SQLite's own are the same.
fn new_draft(path: &Path) -> io::Result<PathBuf> {
    let mut number = 1_u32;
    loop {
        let draft = beside(path, &format!(".{number}.draft"));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft) {
            Ok(_) => return Ok(draft),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Gives a draft its name, unless there is a file of that name.
fn publish(draft: &Path, path: &Path) -> io::Result<()> {
    let Err(error) = fs::hard_link(draft, path) else { return Ok(()) };
    match error.kind() {
        // NFS may answer so when it made the link and its first answer was lost.
        ErrorKind::AlreadyExists if draft.metadata()?.nlink() > 1 => Ok(()),
        ErrorKind::AlreadyExists => Err(error),
        // Not every file system has links (FAT, some shares). There a file that appears between this
        // look and the renaming would be replaced.
        _ if path.symlink_metadata().is_ok() => Err(ErrorKind::AlreadyExists.into()),
        _ => fs::rename(draft, path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_its_maker_s_own() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("copy.db");
        let first = new_draft(&path).unwrap();
        fs::write(&first, "another backup fills it").unwrap();
        let second = new_draft(&path).unwrap();
        assert_ne!(first, second);
        assert_eq!(fs::read(&first).unwrap(), b"another backup fills it");
        assert_eq!(second.metadata().unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_draft_that_comes_late_replaces_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("copy.db");
        let (first, second) = (new_draft(&path).unwrap(), new_draft(&path).unwrap());
        fs::write(&first, "first").unwrap();
        fs::write(&second, "second").unwrap();
        publish(&first, &path).unwrap();
        assert_eq!(publish(&second, &path).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        publish(&first, &path).unwrap();
    }
}
