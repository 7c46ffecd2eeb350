//! What can go wrong with an open database, and what the caller must do then.
//!
//! **Invariant:** each error has exactly one [`Recovery`]; an append that may or may not have
//! reached the disk is always [`Recovery::Reopen`].

use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::{store::flaw::BadRow, store::head::Seq, store::record::InvalidRecord, time::Timestamp};

/// What the caller of a failed operation does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Memory and log may differ: discard memory, open again, replay, read outside before any write.
    /// Where that does not help at once, try again later; [`WriteFailure::may_pass`] tells.
    Reopen,
    /// Nothing was written and nothing is in doubt: memory stays, the call is dropped.
    CarryOn,
    /// Trying again gives the same: a person has to look.
    NeedsPerson,
}

/// An observation that cannot be kept. The caller made it; nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the observation of {what} is not JSON; nothing was written (please report this)")]
pub struct InvalidObservation {
    pub(super) what: String,
}

/// A failed operation on an open database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The log is not where memory believes it to be.
    #[error(
        "the log ends at record {found}, not at {expected}: another writer was here; open the database again and replay it"
    )]
    HeadMoved {
        /// The head that the caller believes in.
        expected: Seq,
        /// The head of the log.
        found: Seq,
    },
    /// The records before the head are not those that this store read or appended.
    #[error(
        "record {seq} of the log in {path} is another one than this daemon wrote or read: somebody replaced or rewrote the database under it; ringward does nothing more on its account: keep this file for study and restore a backup that verifies"
    )]
    Rewritten {
        /// The database.
        path: PathBuf,
        /// The last record that this store knows.
        seq: Seq,
    },
    /// The file of that name is not the one that is open.
    #[error(
        "the database {path} is not the file any more that this daemon has open: somebody moved, removed or replaced it; nothing was written"
    )]
    Moved {
        /// The database.
        path: PathBuf,
    },
    /// The lock's file is not the one that is locked.
    #[error(
        "the lock file of the database {path} was removed or replaced, so another daemon may own it; nothing was written"
    )]
    LockMoved {
        /// The database.
        path: PathBuf,
    },
    /// A record dated before the one in front of it.
    #[error(
        "record {position} of the batch is dated {given}, before the record in front of it ({last}): recorded time never goes back, so date it {last} or later; nothing was written"
    )]
    TimeWentBack {
        /// Its place in the batch, from 1.
        position: usize,
        /// Its date.
        given: Timestamp,
        /// The earliest date it may have.
        last: Timestamp,
    },
    /// A record that the log cannot keep.
    #[error(transparent)]
    InvalidRecord(#[from] InvalidRecord),
    /// An observation that cannot be kept.
    #[error(transparent)]
    InvalidObservation(#[from] InvalidObservation),
    /// A transaction on the log failed; whether it took effect is unknown.
    #[error("could not write the log {path}: {}", WriteFailure::of(source))]
    NotWritten {
        /// The database.
        path: PathBuf,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// An earlier append failed, so nothing more goes through this store.
    #[error("an earlier write to the log failed: open the database again and replay it before anything else")]
    Discarded,
    /// Observations could not be saved. Only freshness is lost.
    #[error(
        "could not save observations to {path}: {}; the next sweep brings them again",
        WriteFailure::of(source)
    )]
    ObservationNotSaved {
        /// The database.
        path: PathBuf,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// The log is not as it was written.
    #[error(transparent)]
    BadRow(#[from] BadRow),
    /// A read failed.
    #[error("could not read {path}: {}", WriteFailure::of(source))]
    Unreadable {
        /// The database.
        path: PathBuf,
        /// SQLite's words.
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// What to do now.
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::HeadMoved { .. }
            | Self::Moved { .. }
            | Self::LockMoved { .. }
            | Self::NotWritten { .. }
            | Self::Discarded => Recovery::Reopen,
            Self::TimeWentBack { .. }
            | Self::InvalidRecord(_)
            | Self::InvalidObservation(_)
            | Self::ObservationNotSaved { .. }
            | Self::Unreadable { .. } => Recovery::CarryOn,
            Self::BadRow(_) | Self::Rewritten { .. } => Recovery::NeedsPerson,
        }
    }
}

/// Why SQLite could not read or write, told with what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriteFailure {
    /// No space left.
    #[error("the disk is full (free some space on its volume)")]
    DiskFull,
    /// The file or its volume is read-only.
    #[error("it is read-only (make the file, its directory and its volume writable for this user)")]
    ReadOnly,
    /// The operating system refused to open it or a file beside it.
    #[error(
        "it or a file beside it cannot be opened (check that the directory exists and the permissions of both)"
    )]
    CannotOpen,
    /// Another program keeps it locked.
    #[error("another program keeps it locked (close it; query a copy made by `ringward backup`)")]
    Busy,
    /// The file is damaged.
    #[error("the file is damaged (restore a backup; keep the damaged file for study)")]
    Damaged,
    /// The disk failed.
    #[error("the disk reports an error (look at the system's log)")]
    Disk,
    /// Anything else, which SQLite's own words explain.
    #[error("SQLite refused (its own words follow)")]
    Other,
}

impl WriteFailure {
    /// Whether the same file can be written again once somebody has fixed its surroundings.
    pub const fn may_pass(self) -> bool {
        match self {
            Self::DiskFull | Self::ReadOnly | Self::CannotOpen | Self::Busy | Self::Disk | Self::Other => {
                true
            }
            Self::Damaged => false,
        }
    }

    /// The kind of a SQLite error.
    pub fn of(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Self::CannotOpen,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged,
            Some(ErrorCode::SystemIoFailure | ErrorCode::FileLockingProtocolFailed) => Self::Disk,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn each_failure_of_sqlite_has_its_remedy() {
        let rows = [
            (ffi::SQLITE_FULL, WriteFailure::DiskFull, "free some space"),
            (ffi::SQLITE_READONLY, WriteFailure::ReadOnly, "writable"),
            (ffi::SQLITE_CANTOPEN, WriteFailure::CannotOpen, "permissions"),
            (ffi::SQLITE_PERM, WriteFailure::CannotOpen, "permissions"),
            (ffi::SQLITE_BUSY, WriteFailure::Busy, "close it"),
            (ffi::SQLITE_LOCKED, WriteFailure::Busy, "close it"),
            (ffi::SQLITE_CORRUPT, WriteFailure::Damaged, "restore a backup"),
            (ffi::SQLITE_NOTADB, WriteFailure::Damaged, "restore a backup"),
            (ffi::SQLITE_IOERR_FSYNC, WriteFailure::Disk, "system's log"),
            (ffi::SQLITE_CONSTRAINT, WriteFailure::Other, "own words"),
        ];
        for (code, expected, remedy) in rows {
            let source = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(WriteFailure::of(&source), expected, "{code}");
            let error = StoreError::NotWritten { path: "ringward.db".into(), source };
            let text = error.to_string();
            assert!(text.contains("ringward.db") && text.contains(remedy), "{text}");
            assert_eq!(error.recovery(), Recovery::Reopen);
        }
    }
}
