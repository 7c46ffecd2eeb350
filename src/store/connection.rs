//! A connection to a database: how it is set, and what the file behind it is.
//!
//! **Invariant:** nothing here changes a file but claiming one, once, and entering WAL mode.

use std::{path::Path, time::Duration};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::store::refusal::{OpenError, failed};
use crate::{ids::AccountId, store::view::meta, time::Clock};

/// `PRAGMA application_id` of our files, set by the first migration.
const APPLICATION_ID: i64 = 0x5257_4c47;

/// How long to wait for a foreign lock, such as somebody's open `sqlite3` session.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a file is, before anything is changed in it.
pub(super) enum FileOrigin {
    Empty,
    Ours { schema: u32 },
    Foreign,
}

/// Settings of a connection. None of them changes the file.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
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

pub(super) fn origin(connection: &Connection) -> rusqlite::Result<FileOrigin> {
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let schema: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (application, u32::try_from(schema)) {
        (APPLICATION_ID, Ok(schema)) if schema > 0 => FileOrigin::Ours { schema },
        (0, Ok(0)) if objects == 0 => FileOrigin::Empty,
        _ => FileOrigin::Foreign,
    })
}

pub(super) fn require_same_owner(
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
pub(super) fn claim(connection: &mut Connection, account: &AccountId, clock: &Clock) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for (key, value) in [("account", account.to_string()), ("clock", clock.to_string())] {
        transaction.execute("INSERT OR IGNORE INTO meta (key, value) VALUES (?1, ?2)", (key, value))?;
    }
    transaction.commit()
}

pub(super) fn enter_wal(connection: &Connection, path: &Path) -> Result<(), OpenError> {
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
