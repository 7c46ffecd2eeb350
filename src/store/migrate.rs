//! Numbered schemas, forward only.
//!
//! **Invariant:** a migration is applied whole or not at all, each applied one is known by the
//! SHA-256 of its file, and none after the first touches `events`.

use aws_lc_rs::digest;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};

use super::error::WriteFailure;
use crate::failpoint::{self, Point};
use crate::rollout::record::hex;
use crate::time::Timestamp;

/// The schema that this program writes.
pub const SCHEMA_VERSION: u32 = 2;

/// One step from the schema before.
pub(super) struct Migration {
    pub(super) version: u32,
    pub(super) sql: &'static str,
}

/// All steps, oldest first. Released ones never change.
pub(super) const MIGRATIONS: [Migration; SCHEMA_VERSION as usize] = [
    Migration { version: 1, sql: include_str!("migrations/0001_first.sql") },
    Migration { version: 2, sql: include_str!("migrations/0002_no_projections.sql") },
];

/// A database that could not be brought to the present schema. It stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A step that this database went through is not the step of that number in this program.
    #[error(
        "schema step {0} of this database is not the one that this program knows: it was written by a build that was never released; use that build, or restore a backup"
    )]
    Foreign(u32),
    /// A step changed the log. A defect of this program.
    #[error(
        "schema step {0} would touch the log and was undone; please report this and use the program of before"
    )]
    TouchesLog(u32),
    /// SQLite refused.
    #[error("schema step {version} failed and was undone: {}", WriteFailure::of(source))]
    Failed {
        /// The step; 0 while reading which steps are there.
        version: u32,
        /// SQLite's words.
        source: rusqlite::Error,
    },
}

/// Applies the steps after `current`, each in one transaction.
pub(super) fn migrate(
    connection: &mut Connection,
    migrations: &[Migration],
    current: u32,
    now: Timestamp,
) -> Result<(), MigrationError> {
    let failed = |version| move |source| MigrationError::Failed { version, source };
    for migration in migrations {
        let version = migration.version;
        let sha256 = sha256_hex(migration.sql);
        if version <= current {
            let applied = applied_sha256(connection, version).map_err(failed(version))?;
            if applied.as_deref() != Some(sha256.as_str()) {
                return Err(MigrationError::Foreign(version));
            }
            continue;
        }
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed(version))?;
        let log = |version| match version {
            1 => Ok(None), // the step that makes the log
            _ => log_as_is(&transaction).map(Some).map_err(failed(version)),
        };
        let before = log(version)?;
        apply(&transaction, migration, &sha256, now).map_err(failed(version))?;
        if log(version)? != before {
            return Err(MigrationError::TouchesLog(version));
        }
        failpoint::reach(Point::SchemaWritten);
        transaction.commit().map_err(failed(version))?;
    }
    Ok(())
}

fn apply(
    transaction: &Transaction<'_>,
    migration: &Migration,
    sha256: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    transaction.execute_batch(migration.sql)?;
    transaction.execute(
        "INSERT INTO migrations (version, sha256, applied_at) VALUES (?1, ?2, ?3)",
        (migration.version, sha256, now.as_millisecond()),
    )?;
    transaction.pragma_update(None, "user_version", migration.version)
}

fn applied_sha256(connection: &Connection, version: u32) -> rusqlite::Result<Option<String>> {
    connection
        .query_row("SELECT sha256 FROM migrations WHERE version = ?1", [version], |row| row.get(0))
        .optional()
}

/// What a migration must leave alone, as one text: how `events` is declared and guarded, how many
/// rows it has, and the last hash. (The chain itself is verified right after opening.)
fn log_as_is(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row(
        "SELECT concat_ws(char(10),
                          (SELECT group_concat(concat_ws(' ', type, name, sql), char(10) ORDER BY type, name)
                           FROM sqlite_schema WHERE tbl_name = 'events'),
                          (SELECT count(*) FROM events),
                          (SELECT hex(hash) FROM events ORDER BY seq DESC LIMIT 1))",
        [],
        |row| row.get(0),
    )
}

fn sha256_hex(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn at_schema_1() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &MIGRATIONS[..1], 0, NOW).unwrap();
        connection
    }

    fn user_version(connection: &Connection) -> u32 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    #[test]
    fn steps_are_numbered_from_one_and_end_at_the_present_schema() {
        let numbers: Vec<u32> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        assert_eq!(numbers, (1..=SCHEMA_VERSION).collect::<Vec<_>>());
    }

    #[test]
    fn an_older_schema_moves_forward_whole_or_not_at_all() {
        let rows = [
            ("a new table", "CREATE TABLE extra (a INTEGER) STRICT;", "moves"),
            ("an error half way", "CREATE TABLE extra (a INTEGER) STRICT; SELECT nonsense;", "fails"),
            ("a column in the log", "ALTER TABLE events ADD COLUMN extra TEXT;", "touches"),
            ("a guard of the log", "DROP TRIGGER events_no_delete;", "touches"),
            (
                "a row of the log",
                "INSERT INTO events VALUES (1, 0, NULL, NULL, 'k', 1, 'a', 'r', '{}', zeroblob(32), zeroblob(32));",
                "touches",
            ),
        ];
        for (row, sql, outcome) in rows {
            let mut connection = at_schema_1();
            let log = log_as_is(&connection).unwrap();
            let steps = [Migration { version: 1, sql: MIGRATIONS[0].sql }, Migration { version: 2, sql }];
            let found = match migrate(&mut connection, &steps, 1, NOW) {
                Ok(()) => "moves",
                Err(MigrationError::Failed { version: 2, .. }) => "fails",
                Err(MigrationError::TouchesLog(2)) => "touches",
                Err(error) => panic!("{row}: {error}"),
            };
            assert_eq!(found, outcome, "{row}");
            assert_eq!(user_version(&connection), if outcome == "moves" { 2 } else { 1 }, "{row}");
            assert_eq!(connection.table_exists(None, "extra").unwrap(), outcome == "moves", "{row}");
            assert_eq!(log_as_is(&connection).unwrap(), log, "{row}");
        }
    }

    #[test]
    fn a_step_that_is_not_ours_is_refused() {
        let mut connection = at_schema_1();
        connection.execute("UPDATE migrations SET sha256 = 'other'", []).unwrap();
        let error = migrate(&mut connection, &MIGRATIONS, 1, NOW).unwrap_err();
        assert!(matches!(error, MigrationError::Foreign(1)), "{error}");
    }
}
