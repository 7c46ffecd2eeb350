//! Appending to the log.
//!
//! **Invariant:** an append is one IMMEDIATE transaction that starts at the head the caller
//! believes in; after a failed one this store refuses everything ([`StoreError::Discarded`]).

use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Transaction, TransactionBehavior, params_from_iter};

use crate::failpoint::{self, Point};
use crate::store::error::{Recovery, StoreError};
use crate::store::files::FileIdentity;
use crate::store::head::{Head, Seq};
use crate::store::lock::WriteLock;
use crate::store::record::{NewRecord, Record};
use crate::store::view::{DatabaseView, head_of};

/// A database open for writing. One per database, by its [`WriteLock`].
#[derive(Debug)]
pub struct Store {
    // Before the lock: fields drop in this order, and the lock must outlive the connection.
    pub(super) connection: Connection,
    pub(super) lock: WriteLock,
    /// The file behind the connection.
    file: FileIdentity,
    /// Whether memory may not be believed any more to match the log.
    is_lost: bool,
    /// The end of the log as this store read or appended it.
    pub(super) head: Head,
    /// SQLite's count of commits by *other* connections; one more than expected means that another
    /// program wrote to the database.
    foreign_commits: Option<i64>,
}

impl Store {
    pub(super) fn new(connection: Connection, lock: WriteLock, file: FileIdentity, head: Head) -> Self {
        Self { connection, lock, file, is_lost: false, head, foreign_commits: None }
    }

    /// The reader's side.
    pub fn view(&self) -> DatabaseView<'_> {
        DatabaseView { connection: &self.connection, path: self.lock.database() }
    }

    /// The proof of ownership.
    pub fn lock(&self) -> &WriteLock {
        &self.lock
    }

    /// Appends `records` after the record `expected`, which must be the head, in one durable
    /// transaction. Returns the records as stored.
    ///
    /// # Errors
    /// [`StoreError::recovery`] says what to do. A batch that cannot be kept is refused before
    /// anything is written; any failure of the transaction itself, COMMIT included, means
    /// [`Recovery::Reopen`], and from then on this store refuses everything.
    pub fn append(&mut self, expected: Seq, records: &[NewRecord]) -> Result<Vec<Record>, StoreError> {
        for (index, record) in records.iter().enumerate() {
            record.check(index + 1)?;
        }
        self.require_trust()?;
        self.require_in_place().inspect_err(|_| self.is_lost = true)?;
        self.note_foreign_commits()?;
        let stored = self
            .append_trusted(expected, records)
            .inspect_err(|error| self.is_lost |= error.recovery() == Recovery::Reopen)?;
        if let Some(last) = stored.last() {
            self.head = last.as_head();
        }
        Ok(stored)
    }

    fn append_trusted(&mut self, expected: Seq, records: &[NewRecord]) -> Result<Vec<Record>, StoreError> {
        let path = self.lock.database();
        let sql = |source| failed_write(path, source);
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
        let mut head = head_of(&transaction).map_err(sql)?;
        if head.seq != expected {
            return Err(StoreError::HeadMoved { expected, found: head.seq });
        }
        if head != self.head {
            return Err(StoreError::Rewritten { path: path.to_owned(), seq: head.seq });
        }
        let mut stored = Vec::with_capacity(records.len());
        for (index, record) in records.iter().enumerate() {
            if let Some(last) = head.at
                && record.at < last
            {
                let (position, given) = (index + 1, record.at);
                return Err(StoreError::TimeWentBack { position, given, last });
            }
            let record = record.chained(&head);
            insert(&transaction, &record).map_err(sql)?;
            head = record.as_head();
            stored.push(record);
        }
        failpoint::reach(Point::TransactionWritten);
        transaction.commit().map_err(sql)?;
        Ok(stored)
    }

    /// What is open has to be what others find under the same name: a record in a file without a name is
    /// gone when the daemon ends, and a lock without one keeps nobody out.
    pub(super) fn require_in_place(&self) -> Result<(), StoreError> {
        let path = self.lock.database();
        if !FileIdentity::at(path).is_ok_and(|there| there == self.file) {
            return Err(StoreError::Moved { path: path.to_owned() });
        }
        if !self.lock.is_in_place() {
            return Err(StoreError::LockMoved { path: path.to_owned() });
        }
        Ok(())
    }

    /// Nobody but this store writes to the database. Where another program did, the whole log is read
    /// again before anything is appended to it.
    fn note_foreign_commits(&mut self) -> Result<(), StoreError> {
        let seen: i64 = match self.connection.pragma_query_value(None, "data_version", |row| row.get(0)) {
            Ok(seen) => seen,
            Err(source) => {
                self.is_lost = true;
                return Err(failed_write(self.lock.database(), source));
            }
        };
        let known = self.foreign_commits.replace(seen);
        if known.is_some_and(|known| known != seen) {
            tracing::warn!(
                path = %self.lock.database().display(),
                "another program wrote to the database; its log is verified before anything is appended"
            );
            let checked = self.view().verify_chain().and_then(|_| self.view().require_known(&self.head));
            if let Err(error) = checked {
                self.is_lost = true;
                return Err(match error {
                    StoreError::Unreadable { path, source } => StoreError::NotWritten { path, source },
                    other => other,
                });
            }
        }
        Ok(())
    }

    /// Closes the database tidily: its write-ahead log is folded in, so one file holds everything.
    ///
    /// # Errors
    /// When that fails. Nothing that was acknowledged is lost by it.
    pub fn close(self) -> Result<(), StoreError> {
        let Self { connection, lock, .. } = self;
        let folded = connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);");
        failpoint::reach(Point::CheckpointDone);
        let closed = folded.and_then(|()| connection.close().map_err(|(_, source)| source));
        closed.map_err(|source| failed_write(lock.database(), source))
    }

    /// Closes the database and keeps owning it, for a reopen ([`Store::open`]).
    pub fn into_lock(self) -> WriteLock {
        self.lock
    }

    /// Refuses once memory can no longer be believed.
    pub(super) fn require_trust(&self) -> Result<(), StoreError> {
        if self.is_lost { Err(StoreError::Discarded) } else { Ok(()) }
    }
}

fn failed_write(path: &Path, source: rusqlite::Error) -> StoreError {
    StoreError::NotWritten { path: path.to_owned(), source }
}

fn insert(transaction: &Transaction<'_>, record: &Record) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO events (seq, at, plan, rollout, kind, kind_version, actor, reason, payload, prev_hash, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    let cells = record.hashed().into_iter().chain([ValueRef::Blob(record.hash.as_bytes())]);
    statement.execute(params_from_iter(cells.map(ToSqlOutput::Borrowed)))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::super::reader::Reader;
    use super::*;
    use crate::ids::AccountId;
    use crate::time::{Clock, Timestamp};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn store(path: &Path) -> Store {
        let account = AccountId::new("account").unwrap();
        Store::open_for_writing(path, &account, &Clock::Real, NOW).unwrap()
    }

    fn record(filler: usize) -> NewRecord {
        NewRecord {
            at: NOW,
            plan: None,
            rollout: None,
            kind: "Filled".to_owned(),
            kind_version: 1,
            actor: "test".to_owned(),
            reason: "to fill the disk".to_owned(),
            payload: format!("\"{}\"", "x".repeat(filler)),
        }
    }

    /// Lets the file grow by at most `pages` more.
    fn leave(store: &Store, pages: u32) {
        let used: u32 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        let limit = used + pages;
        store
            .connection
            .pragma_update_and_check(None, "max_page_count", limit, |row| row.get::<_, u32>(0))
            .unwrap();
    }

    #[test]
    fn a_full_disk_loses_memory_but_not_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ringward.db");
        let mut store = store(&path);
        let kept = store.append(Seq::ZERO, &[record(10)]).unwrap();
        let head = store.view().head().unwrap();
        assert_eq!(kept[0].as_head(), head);

        leave(&store, 3);
        // The first record of the batch fits; the second does not: neither stays.
        let error = store.append(head.seq, &[record(10), record(100_000)]).unwrap_err();
        assert_eq!(error.recovery(), Recovery::Reopen, "{error}");
        assert!(matches!(error, StoreError::NotWritten { .. }), "{error}");
        assert!(error.to_string().contains("disk is full"), "{error}");
        assert_eq!(Reader::open(&path).unwrap().view().head().unwrap(), head);

        // What would fit is refused too: memory may hold what the log does not.
        let after = store.append(head.seq, &[record(10)]).unwrap_err();
        assert!(matches!(after, StoreError::Discarded), "{after}");
        assert!(matches!(store.delete_devices(&[]), Err(StoreError::Discarded)));

        let lock = store.into_lock();
        let account = AccountId::new("account").unwrap();
        let mut store = Store::open(lock, &account, &Clock::Real, NOW).unwrap();
        assert_eq!(store.view().head().unwrap(), head);
        store.append(head.seq, &[record(10), record(100_000)]).unwrap();
        assert_eq!(store.view().verify_chain().unwrap().records, 3);
    }

    /// What somebody does beside an open database, and whether it takes the next record.
    #[test]
    fn what_is_not_in_its_place_takes_no_record() {
        type Deed = fn(&Path, &Path);
        let rows: [(&str, Deed, Option<&str>); 7] = [
            ("nothing", |_, _| {}, None),
            ("a link to it elsewhere", |database, beside| symlink(database, beside).unwrap(), None),
            (
                "it is moved",
                |database, beside| fs::rename(database, beside).unwrap(),
                Some("not the file any more"),
            ),
            (
                "it is moved, and a link is left",
                |database, beside| {
                    fs::rename(database, beside).unwrap();
                    symlink(beside, database).unwrap();
                },
                Some("not the file any more"),
            ),
            (
                "a copy in its place",
                |database, beside| {
                    fs::copy(database, beside).unwrap();
                    fs::rename(beside, database).unwrap();
                },
                Some("not the file any more"),
            ),
            (
                "its lock is removed",
                |database, _| fs::remove_file(lock(database)).unwrap(),
                Some("another daemon"),
            ),
            (
                "another lock in its place",
                |database, beside| {
                    fs::write(beside, "").unwrap();
                    fs::rename(beside, lock(database)).unwrap();
                },
                Some("another daemon"),
            ),
        ];
        for (row, deed, refused) in rows {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("ringward.db");
            let mut store = store(&path);
            deed(&path, &dir.path().join("other"));
            let taken = store.append(Seq::ZERO, &[record(10)]);
            match refused {
                None => assert_eq!(taken.unwrap().len(), 1, "{row}"),
                Some(word) => {
                    let error = taken.unwrap_err();
                    assert!(error.to_string().contains(word), "{row}: {error}");
                    assert_eq!(error.recovery(), Recovery::Reopen, "{row}");
                    let again = store.append(Seq::ZERO, &[record(10)]).unwrap_err();
                    assert!(matches!(again, StoreError::Discarded), "{row}: {again}");
                }
            }
        }
    }

    fn lock(database: &Path) -> std::path::PathBuf {
        crate::store::files::beside(&fs::canonicalize(database).unwrap(), ".lock")
    }

    #[test]
    fn an_observation_that_finds_the_disk_full_costs_only_itself() {
        use super::super::observation::StoredDevice;
        use crate::ids::DeviceId;
        let dir = tempfile::tempdir().unwrap();
        let mut store = store(&dir.path().join("ringward.db"));
        leave(&store, 1);
        let device = |doc: String| StoredDevice { device: DeviceId::new("d").unwrap(), doc, swept_at: NOW };
        let error = store.save_devices(&[device(format!("\"{}\"", "x".repeat(100_000)))]).unwrap_err();
        assert_eq!(error.recovery(), Recovery::CarryOn, "{error}");
        assert!(error.to_string().contains("disk is full"), "{error}");
        store.append(Seq::ZERO, &[record(10)]).unwrap();
        assert!(store.view().devices().unwrap().rows.is_empty());
    }

    #[test]
    fn the_connection_is_set_as_the_design_asks() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir.path().join("ringward.db"));
        let rows = [
            ("journal_mode", "wal"),
            ("synchronous", "2"),
            ("foreign_keys", "1"),
            ("trusted_schema", "0"),
            ("busy_timeout", "5000"),
        ];
        for (pragma, expected) in rows {
            let sql = format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}");
            let sql = if pragma == "busy_timeout" { sql.replacen(pragma, "timeout", 1) } else { sql };
            let found: String = store.connection.query_row(&sql, [], |row| row.get(0)).unwrap();
            assert_eq!(found, expected, "{pragma}");
        }
        let typo =
            store.connection.query_row(r#"SELECT "no such column""#, [], |row| row.get::<_, String>(0));
        assert!(typo.is_err(), "double quotes must not make a text");
    }
}
