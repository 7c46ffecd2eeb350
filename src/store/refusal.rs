//! Every reason not to open a database.
//!
//! **Invariant:** each says what to do; whether the same database can be opened later is told apart.

use std::io;
use std::path::{Path, PathBuf};

use crate::store::error::{StoreError, WriteFailure};
use crate::store::migrate::{MigrationError, SCHEMA_VERSION};
use crate::{ids::AccountId, store::flaw::BadRow, store::head::Seq, store::lock::LockError};

/// A database that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another daemon owns it, or it cannot be owned.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// It does not exist. Only for reading.
    #[error("there is no database {0}; `ringward run --db {0}` makes one")]
    Missing(PathBuf),
    /// It was open, and is not there any more.
    #[error("the database {0} is gone; mount its volume or put the file back (nothing is made in its place)")]
    Gone(PathBuf),
    /// It is not the file that was open, or its lock is not.
    #[error(transparent)]
    Moved(StoreError),
    /// It has another name besides.
    #[error(
        "the database {path} has {names} names (hard links), and a daemon owns a database by one; find the others with `find / -xdev -samefile {path}`, and remove them"
    )]
    SecondName {
        /// The database.
        path: PathBuf,
        /// How many it has.
        names: u64,
    },
    /// It cannot be created.
    #[error("cannot create the database {path}; its directory must be writable for this user")]
    CannotCreate {
        /// The database.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// SQLite failed while opening.
    #[error("cannot open the database {path}: {}", WriteFailure::of(source))]
    Failed {
        /// The database.
        path: PathBuf,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// It can be read but not written.
    #[error("the database {0} is read-only; make the file and its directory writable for this user")]
    ReadOnlyFile(PathBuf),
    /// It is not SQLite.
    #[error("{0} is not a database; name another file with --db, or restore a backup if it was one")]
    NotADatabase(PathBuf),
    /// It is SQLite, but another program's.
    #[error("{0} is a database of another program and is left alone; name another file with --db")]
    AnotherProgram(PathBuf),
    /// A newer ringward wrote it.
    #[error(
        "the database {path} has schema {found} and this program knows {SCHEMA_VERSION}: a newer ringward wrote it; run that one (it is left untouched)"
    )]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: u32,
    },
    /// It belongs to another account.
    #[error(
        "the database {path} belongs to the Cloudflare account {stored}, not to {given}; one database serves one account: correct --account, or name another file with --db"
    )]
    OtherAccount {
        /// The database.
        path: PathBuf,
        /// The account that it was made for.
        stored: String,
        /// The account that was asked for.
        given: AccountId,
    },
    /// It runs on another clock.
    #[error(
        "the database {path} runs on the clock {stored}, not on {given}; give it --clock {stored}, or name another file with --db"
    )]
    OtherClock {
        /// The database.
        path: PathBuf,
        /// The clock that it was made with.
        stored: String,
        /// The clock that was asked for.
        given: String,
    },
    /// Its file is damaged.
    #[error(
        "the database {path} is damaged ({finding}); keep the file for study and restore a backup (a copy by `ringward backup`, without -wal and -shm beside it)"
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// The first finding of SQLite's check.
        finding: String,
    },
    /// Its log is not as it was written.
    #[error("the database {path} has a broken log, and ringward does nothing on its account")]
    BrokenLog {
        /// The database.
        path: PathBuf,
        /// The first bad row.
        source: BadRow,
    },
    /// It is sound, but its log is not the one that was open.
    #[error(
        "the database {path} is not the one that this daemon wrote: its record {seq} is another, or missing; ringward does nothing on its account: put the right file back, or restore a backup with the daemon stopped"
    )]
    OtherLog {
        /// The database.
        path: PathBuf,
        /// The last record that was known.
        seq: Seq,
    },
    /// It could not be brought to the present schema.
    #[error("cannot bring the database {path} to schema {SCHEMA_VERSION}")]
    Migration {
        /// The database.
        path: PathBuf,
        /// Why.
        source: MigrationError,
    },
    /// SQLite did not enter WAL mode, as on network file systems.
    #[error("the database {path} cannot use a write-ahead log ({mode} instead); put it on a local disk")]
    NoWriteAheadLog {
        /// The database.
        path: PathBuf,
        /// The journal mode it stays in.
        mode: String,
    },
}

impl OpenError {
    /// Whether the same database can be opened later, once somebody has fixed its surroundings: a full
    /// disk, a volume that is read-only or away. A damaged file or another log never fixes itself.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Failed { source, .. } => WriteFailure::of(source).may_pass(),
            Self::Lock(_)
            | Self::Missing(_)
            | Self::Gone(_)
            | Self::Moved(_)
            | Self::SecondName { .. }
            | Self::CannotCreate { .. }
            | Self::ReadOnlyFile(_) => true,
            Self::NotADatabase(_)
            | Self::AnotherProgram(_)
            | Self::NewerSchema { .. }
            | Self::OtherAccount { .. }
            | Self::OtherClock { .. }
            | Self::Damaged { .. }
            | Self::BrokenLog { .. }
            | Self::OtherLog { .. }
            | Self::Migration { .. }
            | Self::NoWriteAheadLog { .. } => false,
        }
    }
}

/// The refusal of a failure of SQLite.
pub(super) fn failed(path: &Path) -> impl Fn(rusqlite::Error) -> OpenError + use<> {
    let path = path.to_owned();
    move |source| {
        let path = path.clone();
        match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => OpenError::NotADatabase(path),
            Some(rusqlite::ErrorCode::DatabaseCorrupt) => {
                OpenError::Damaged { path, finding: source.to_string() }
            }
            _ => OpenError::Failed { path, source },
        }
    }
}

/// The refusal of a failed check of the log.
pub(super) fn open_error(path: &Path, error: StoreError) -> OpenError {
    match error {
        StoreError::BadRow(source) => OpenError::BrokenLog { path: path.to_owned(), source },
        StoreError::Unreadable { source, .. } => failed(path)(source),
        StoreError::Rewritten { path, seq } => OpenError::OtherLog { path, seq },
        // Verifying only reads; this keeps the words if that ever changes.
        other => OpenError::Damaged { path: path.to_owned(), finding: other.to_string() },
    }
}
