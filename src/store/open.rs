//! Opening a database, and every reason not to.
//!
//! **Invariant:** a database that is refused (another program's, a newer schema, another account
//! or clock) is left byte for byte as it was.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

use super::error::{StoreError, WriteFailure};
use super::lock::{LockError, WriteLock};
use super::log::Store;
use super::migrate::{MIGRATIONS, MigrationError, SCHEMA_VERSION, migrate};
use super::record::{Head, Seq};
use super::verify::{BadRow, ChainReport};
use super::view::{View, meta};
use crate::failpoint::{self, Point};
use crate::ids::AccountId;
use crate::time::{Clock, Timestamp};

/// `PRAGMA application_id` of our files, set by the first migration.
const APPLICATION_ID: i64 = 0x5257_4c47;

/// How long to wait for a foreign lock, such as somebody's open `sqlite3` session.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A database that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another daemon owns it, or it cannot be owned.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// It does not exist. Only for reading.
    #[error("there is no database {path}; `ringward run --db {path}` makes one")]
    Missing {
        /// The database.
        path: PathBuf,
    },
    /// It was open, and is not there any more.
    #[error(
        "the database {path} is gone; mount its volume or put the file back (nothing is made in its place)"
    )]
    Gone {
        /// The database.
        path: PathBuf,
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
    #[error("cannot open the database {path}: {cause}")]
    Failed {
        /// The database.
        path: PathBuf,
        /// What kind of failure, with its remedy.
        cause: WriteFailure,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// It can be read but not written.
    #[error("the database {path} is read-only; make the file and its directory writable for this user")]
    ReadOnlyFile {
        /// The database.
        path: PathBuf,
    },
    /// It is not SQLite.
    #[error("{path} is not a database; name another file with --db, or restore a backup if it was one")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// It is SQLite, but another program's.
    #[error("{path} is a database of another program and is left alone; name another file with --db")]
    AnotherProgram {
        /// The file.
        path: PathBuf,
    },
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
    /// An older ringward wrote it, and a reader does not migrate.
    #[error(
        "the database {path} has schema {found} and this program reads {SCHEMA_VERSION}; start `ringward run` once to bring it forward"
    )]
    OlderSchema {
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
    #[error("the database {path} has a broken log and nothing is done on its word")]
    BrokenLog {
        /// The database.
        path: PathBuf,
        /// The first bad row.
        source: BadRow,
    },
    /// It is sound, but its log is not the one that was open.
    #[error(
        "the database {path} is not the one that this daemon wrote: its record {seq} is another, or missing; nothing is done on its word: put the right file back, or restore a backup with the daemon stopped"
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
    /// Whether the same database can be opened later, once somebody has mended its surroundings: a full
    /// disk, a volume that is read-only or away. A damaged file or another log never mends itself.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Failed { cause, .. } => cause.may_pass(),
            Self::Lock(_)
            | Self::Missing { .. }
            | Self::Gone { .. }
            | Self::CannotCreate { .. }
            | Self::ReadOnlyFile { .. } => true,
            Self::NotADatabase { .. }
            | Self::AnotherProgram { .. }
            | Self::NewerSchema { .. }
            | Self::OlderSchema { .. }
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

/// What a file is, before anything is changed in it.
enum Identity {
    Empty,
    Ours { schema: u32 },
    Foreign,
}

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
        let (connection, head) = connect(&lock, account, clock, now)?;
        Ok(Self::new(connection, lock, head))
    }

    /// Opens the database that `lock` owns again, after a failure: the file must be there, and its log
    /// must hold the record that was known as its `head`. The lock is kept whatever happens, so that
    /// nobody gets in between.
    ///
    /// # Errors
    /// As [`Store::open`], with the lock.
    pub fn reopen(
        lock: WriteLock,
        account: &AccountId,
        clock: &Clock,
        now: Timestamp,
        head: &Head,
    ) -> Result<Self, Box<NotReopened>> {
        let opened = if lock.database().exists() {
            connect(&lock, account, clock, now)
        } else {
            Err(OpenError::Gone { path: lock.database().to_owned() })
        };
        let opened = opened.and_then(|(connection, found)| {
            let view = View { connection: &connection, path: lock.database() };
            view.require_known(head).map_err(|error| open_error(lock.database(), error))?;
            Ok((connection, found))
        });
        match opened {
            Ok((connection, found)) => Ok(Self::new(connection, lock, found)),
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
        let reader = Reader::open(path).map_err(|error| match error {
            OpenError::Missing { path } => OpenError::Gone { path },
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

/// Opens, brings to the present schema and checks the existing database that `lock` owns; returns the
/// end of its log as well.
fn connect(
    lock: &WriteLock,
    account: &AccountId,
    clock: &Clock,
    now: Timestamp,
) -> Result<(Connection, Head), OpenError> {
    let path = lock.database();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed(path))?;
    // A refusal must not fold a write-ahead log into a file that is left alone.
    let no_checkpoint = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    connection.set_db_config(no_checkpoint, true).map_err(failed(path))?;
    configure(&connection).map_err(failed(path))?;
    let schema = match identity(&connection).map_err(failed(path))? {
        Identity::Empty => 0,
        Identity::Ours { schema } => schema,
        Identity::Foreign => return Err(OpenError::AnotherProgram { path: path.to_owned() }),
    };
    if schema > SCHEMA_VERSION {
        return Err(OpenError::NewerSchema { path: path.to_owned(), found: schema });
    }
    if connection.is_readonly(MAIN_DB).map_err(failed(path))? {
        return Err(OpenError::ReadOnlyFile { path: path.to_owned() });
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
    let view = View { connection: &connection, path };
    let report = view.verify_chain().map_err(|error| open_error(path, error))?;
    Ok((connection, report.head))
}

/// A database open for reading, beside a daemon or without one. Any number may be open.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
}

impl Reader {
    /// Opens an existing database of the present schema. It never writes to it; SQLite makes its
    /// `-wal` and `-shm` files beside it where there are none.
    ///
    /// # Errors
    /// When it is missing, is not ours, has another schema, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let owned = || path.to_owned();
        if !path.exists() {
            return Err(OpenError::Missing { path: owned() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed(path))?;
        configure(&connection).map_err(failed(path))?;
        match identity(&connection).map_err(failed(path))? {
            Identity::Empty => Err(OpenError::Missing { path: owned() }),
            Identity::Foreign => Err(OpenError::AnotherProgram { path: owned() }),
            Identity::Ours { schema: found } if found > SCHEMA_VERSION => {
                Err(OpenError::NewerSchema { path: owned(), found })
            }
            Identity::Ours { schema: found } if found < SCHEMA_VERSION => {
                Err(OpenError::OlderSchema { path: owned(), found })
            }
            Identity::Ours { .. } => Ok(Self { connection, path: owned() }),
        }
    }

    /// What can be read.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View { connection: &self.connection, path: &self.path }
    }
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

/// Settings of a connection. None of them changes the file.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A misspelt column in double quotes would otherwise be read as a text.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // NORMAL can lose the last commits when the power fails: a write recorded as done would be repeated.
    connection.pragma_update(None, "synchronous", "FULL")
}

fn identity(connection: &Connection) -> rusqlite::Result<Identity> {
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let schema: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (application, u32::try_from(schema)) {
        (APPLICATION_ID, Ok(schema)) if schema > 0 => Identity::Ours { schema },
        (0, Ok(0)) if objects == 0 => Identity::Empty,
        _ => Identity::Foreign,
    })
}

fn require_same_owner(
    connection: &Connection,
    path: &Path,
    account: &AccountId,
    clock: &Clock,
) -> Result<(), OpenError> {
    let path = || path.to_owned();
    let stored = |key| meta(connection, key).map_err(failed(&path()));
    if let Some(stored) = stored("account")?
        && stored != account.as_str()
    {
        return Err(OpenError::OtherAccount { path: path(), stored, given: account.clone() });
    }
    if let Some(stored) = stored("clock")?
        && stored != clock.to_string()
    {
        return Err(OpenError::OtherClock { path: path(), stored, given: clock.to_string() });
    }
    Ok(())
}

/// Writes down whose database this is, once.
fn claim(connection: &mut Connection, account: &AccountId, clock: &Clock) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for (key, value) in [("account", account.to_string()), ("clock", clock.to_string())] {
        transaction.execute("INSERT OR IGNORE INTO meta (key, value) VALUES (?1, ?2)", (key, value))?;
    }
    transaction.commit()
}

fn enter_wal(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(failed(path))?;
    if mode == "wal" { Ok(()) } else { Err(OpenError::NoWriteAheadLog { path: path.to_owned(), mode }) }
}

pub(super) fn quick_check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let finding: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed(path))?;
    if finding == "ok" { Ok(()) } else { Err(OpenError::Damaged { path: path.to_owned(), finding }) }
}

fn failed(path: &Path) -> impl Fn(rusqlite::Error) -> OpenError + use<> {
    let path = path.to_owned();
    move |source| {
        let path = path.clone();
        match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => OpenError::NotADatabase { path },
            Some(rusqlite::ErrorCode::DatabaseCorrupt) => {
                OpenError::Damaged { path, finding: source.to_string() }
            }
            _ => OpenError::Failed { path, cause: WriteFailure::of(&source), source },
        }
    }
}

fn open_error(path: &Path, error: StoreError) -> OpenError {
    match error {
        StoreError::BadRow(source) => OpenError::BrokenLog { path: path.to_owned(), source },
        StoreError::Unreadable { source, .. } => failed(path)(source),
        StoreError::Rewritten { path, seq } => OpenError::OtherLog { path, seq },
        // Verifying only reads; this keeps the words if that ever changes.
        other => OpenError::Damaged { path: path.to_owned(), finding: other.to_string() },
    }
}
