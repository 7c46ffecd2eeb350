//! Opening a database for writing.
//!
//! **Invariant:** a database that is refused (another program's, a newer schema, another account
//! or clock) is left byte for byte as it was.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

use crate::failpoint::{self, Point};
use crate::store::connection::{
    FileOrigin, claim, configure, enter_wal, origin, quick_check, require_same_owner,
};
use crate::store::error::StoreError;
use crate::store::files::FileIdentity;
use crate::store::migrate::{MIGRATIONS, SCHEMA_VERSION, migrate};
use crate::store::refusal::{OpenError, failed, open_error};
use crate::time::{Clock, Timestamp};
use crate::{
    ids::AccountId, store::head::Head, store::lock::WriteLock, store::log::Store, store::reader::Reader,
    store::verify::ChainReport, store::view::DatabaseView,
};

impl Store {
    /// Takes the lock, then opens: [`WriteLock::acquire`] and [`Store::open`].
    ///
    /// # Errors
    /// As these two.
    pub fn open_for_writing(
        path: &Path,
        account: &AccountId,
        clock: &Clock,
        now: Timestamp,
    ) -> Result<Self, OpenError> {
        Self::open(WriteLock::acquire(path, now)?, account, clock, now)
    }

    /// Opens the database that `lock` owns, creating it with mode 0600 if there is none, brings it
    /// to the present schema, and checks the file and the whole chain. Reads every row once.
    ///
    /// # Errors
    /// Each reason to refuse is a variant of [`OpenError`]. The lock is released.
    pub fn open(
        lock: WriteLock,
        account: &AccountId,
        clock: &Clock,
        now: Timestamp,
    ) -> Result<Self, OpenError> {
        create_if_missing(lock.database())?;
        failpoint::reach(Point::DatabaseThere);
        let opened = connect(&lock, account, clock, now)?;
        Ok(opened.into_store(lock))
    }

    /// Opens the database that `lock` owns again, after a failure: the file must be there, and its log
    /// must hold the record that was known as its `head`. The lock is kept whatever happens, so that
    /// nobody gets in between.
    ///
    /// # Errors
    /// As [`Store::open`], with the lock.
    pub fn reopen(
        mut lock: WriteLock,
        account: &AccountId,
        clock: &Clock,
        now: Timestamp,
        head: &Head,
    ) -> Result<Self, Box<NotReopened>> {
        let renewed = if lock.database().exists() {
            lock.renew(now).map_err(OpenError::from)
        } else {
            Err(OpenError::Gone(lock.database().to_owned()))
        };
        let opened = renewed.and_then(|()| connect(&lock, account, clock, now)).and_then(|opened| {
            let view = DatabaseView { connection: &opened.connection, path: lock.database() };
            view.require_known(head).map_err(|error| open_error(lock.database(), error))?;
            Ok(opened)
        });
        match opened {
            Ok(opened) => Ok(opened.into_store(lock)),
            Err(error) => Err(Box::new(NotReopened { lock, error })),
        }
    }

    /// Reads the database as another process would, every page and every row of it: SQLite's check of
    /// the file, the chain, and that it ends with the record that this store knows as its last. What was
    /// changed behind this connection's back, or put in the file's place, is found here.
    ///
    /// # Errors
    /// As [`Reader::open`]; when the file is damaged, a row is not as it was written, or the log is not
    /// the one that this store appends to.
    pub fn verify_on_disk(&self) -> Result<ChainReport, OpenError> {
        let path = self.lock.database();
        if path.exists() {
            self.require_in_place().map_err(OpenError::Moved)?;
        }
        let reader = Reader::open(path).map_err(|error| match error {
            OpenError::Missing(path) => OpenError::Gone(path),
            other => other,
        })?;
        quick_check(&reader.connection, path)?;
        let report = reader.view().verify_chain().map_err(|error| open_error(path, error))?;
        if report.head != self.head {
            return Err(OpenError::OtherLog { path: path.to_owned(), seq: self.head.seq });
        }
        Ok(report)
    }
}

/// A database that could not be opened again, and the lock that is still held.
#[derive(Debug)]
pub struct NotReopened {
    /// The proof of ownership.
    pub lock: WriteLock,
    /// Why.
    pub error: OpenError,
}

/// A connection to the database that a lock owns, with what was found there.
struct OpenDatabase {
    connection: Connection,
    file: FileIdentity,
    /// The end of its log.
    head: Head,
}

impl OpenDatabase {
    fn into_store(self, lock: WriteLock) -> Store {
        Store::new(self.connection, lock, self.file, self.head)
    }
}

/// The file of a database that has one name alone: SQLite's own files go by the name, so two names are two
/// logs in one file.
fn only_name(path: &Path) -> Result<FileIdentity, OpenError> {
    // The path is without links: one that is there now was put in the file's place.
    let there = path.symlink_metadata().ok().filter(|data| !data.is_symlink());
    let data = there.ok_or_else(|| OpenError::Gone(path.to_owned()))?;
    match data.nlink() {
        0 | 1 => Ok(FileIdentity::of(&data)),
        names => Err(OpenError::SecondName { path: path.to_owned(), names }),
    }
}

/// Opens, brings to the present schema and checks the existing database that `lock` owns.
fn connect(
    lock: &WriteLock,
    account: &AccountId,
    clock: &Clock,
    now: Timestamp,
) -> Result<OpenDatabase, OpenError> {
    let path = lock.database();
    let file = only_name(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed(path))?;
    // A refusal must not fold a write-ahead log into a file that is left alone.
    let no_checkpoint = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    connection.set_db_config(no_checkpoint, true).map_err(failed(path))?;
    configure(&connection).map_err(failed(path))?;
    let schema = match origin(&connection).map_err(failed(path))? {
        FileOrigin::Empty => 0,
        FileOrigin::Ours { schema } => schema,
        FileOrigin::Foreign => return Err(OpenError::AnotherProgram(path.to_owned())),
    };
    if schema > SCHEMA_VERSION {
        return Err(OpenError::NewerSchema { path: path.to_owned(), found: schema });
    }
    if connection.is_readonly(MAIN_DB).map_err(failed(path))? {
        return Err(OpenError::ReadOnlyFile(path.to_owned()));
    }
    if schema > 0 {
        require_same_owner(&connection, path, account, clock)?;
    }
    connection.set_db_config(no_checkpoint, false).map_err(failed(path))?;
    enter_wal(&connection, path)?;
    quick_check(&connection, path)?;
    migrate(&mut connection, &MIGRATIONS, schema, now)
        .map_err(|source| OpenError::Migration { path: path.to_owned(), source })?;
    failpoint::reach(Point::SchemaCommitted);
    claim(&mut connection, account, clock).map_err(failed(path))?;
    failpoint::reach(Point::DatabaseClaimed);
    let view = DatabaseView { connection: &connection, path };
    let report = view.verify_chain().map_err(|error| open_error(path, error))?;
    if only_name(path)? != file {
        return Err(OpenError::Moved(StoreError::Moved { path: path.to_owned() }));
    }
    Ok(OpenDatabase { connection, file, head: report.head })
}

/// Makes the file before SQLite does, so that it is never readable for others, not even at first;
/// SQLite gives its `-wal` and `-shm` the same mode. An existing file is not opened: closing it
/// again would drop the locks that SQLite holds on it in this process (POSIX locks).
fn create_if_missing(path: &Path) -> Result<(), OpenError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(OpenError::CannotCreate { path: path.to_owned(), source }),
    }
}
