//! A copy of a database, made while a daemon goes on writing.
//!
//! **Invariant:** the copy appears under its name only when it is whole, checked and on disk, and
//! never replaces a file that was there when the copying began.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::{StoreError, WriteFailure};
use super::lock::{beside, directory_of};
use super::open::Reader;
use super::verify::ChainReport;

/// A copy that was not made. Nothing is left under its name.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file of that name.
    #[error("{path} exists already and is not replaced; name another file")]
    Exists {
        /// The copy.
        path: PathBuf,
    },
    /// Another process makes a copy of that name.
    #[error("another backup to {path} is under way; wait for it, or name another file")]
    UnderWay {
        /// The copy.
        path: PathBuf,
    },
    /// SQLite could not copy.
    #[error("cannot write the copy {path}: {cause}")]
    NotCopied {
        /// The copy.
        path: PathBuf,
        /// What kind of failure, with its remedy.
        cause: WriteFailure,
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
            return Err(BackupError::Exists { path: path.to_owned() });
        }
        let draft = beside(path, ".draft");
        // VACUUM INTO accepts an empty file; making it first gives it its mode. A draft that an
        // interrupted backup left is emptied, one that another backup fills is not.
        let options = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&draft);
        let claimed = options.map_err(stored)?;
        match claimed.try_lock() {
            Ok(()) => claimed.set_len(0).map_err(stored)?,
            Err(TryLockError::WouldBlock) => return Err(BackupError::UnderWay { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(stored(source)),
        }
        let outcome = self.fill_and_check(path, &draft).and_then(|report| {
            // It took a while, so somebody may have used the name.
            if path.symlink_metadata().is_ok() {
                return Err(BackupError::Exists { path: path.to_owned() });
            }
            fs::rename(&draft, path).map_err(stored)?;
            File::open(directory_of(path)).and_then(|directory| directory.sync_all()).map_err(stored)?;
            Ok(report)
        });
        if outcome.is_err() {
            // Rubbish, which the next copy to this name would overwrite anyway.
            let _ = fs::remove_file(&draft);
        }
        outcome
    }

    fn fill_and_check(&self, path: &Path, draft: &Path) -> Result<ChainReport, BackupError> {
        let copied = |source| {
            let cause = WriteFailure::of(&source);
            BackupError::NotCopied { path: path.to_owned(), cause, source }
        };
        let unsound = |finding| BackupError::NotSound { path: path.to_owned(), finding };
        let name = draft.to_str().ok_or_else(|| BackupError::NotStored {
            path: path.to_owned(),
            source: io::Error::new(io::ErrorKind::InvalidFilename, "the name is not UTF-8"),
        })?;
        self.connection.execute("VACUUM INTO ?1", [name]).map_err(copied)?;
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
