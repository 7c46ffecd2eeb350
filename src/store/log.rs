//! Appending to the log, with the projections in the same transaction.
//!
//! **Invariant:** an append is one IMMEDIATE transaction that starts at the head the caller
//! believes in; after a failed one this store refuses everything ([`StoreError::Discarded`]).

use std::collections::HashSet;
use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::{Recovery, StoreError, WriteFailure};
use super::lock::WriteLock;
use super::record::{Head, NewRecord, Record, Seq, is_json};
use super::view::{View, head_of};
use crate::failpoint::{self, Point};
use crate::ids::{PlanName, RingName};
use crate::time::Timestamp;

/// A database open for writing. One per database, by its [`WriteLock`].
#[derive(Debug)]
pub struct Store {
    // Before the lock: fields drop in this order, and the lock must outlive the connection.
    pub(super) connection: Connection,
    pub(super) lock: WriteLock,
    trust: Trust,
    /// The end of the log as this store read or appended it.
    pub(super) head: Head,
    /// SQLite's count of commits by *other* connections; one more than expected means that another
    /// program wrote to the database.
    foreign_commits: Option<i64>,
}

/// Whether memory may still be believed to match the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    Sound,
    Lost,
}

/// A rollout as it stands, for queries. The caller owns the meaning; the log is the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutRow {
    /// Its plan.
    pub plan: PlanName,
    /// Its number within the plan.
    pub rollout: u64,
    /// Its phase.
    pub phase: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// Anything else, as JSON text.
    pub detail: String,
}

/// A ring of a rollout as it stands, for queries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingRow {
    /// Its plan.
    pub plan: PlanName,
    /// The number of the rollout within the plan.
    pub rollout: u64,
    /// Its name.
    pub ring: RingName,
    /// Its place in the plan, from 0.
    pub position: u32,
    /// Its state.
    pub state: String,
    /// Since when it has been in this state.
    pub since: Timestamp,
    /// Anything else, as JSON text.
    pub detail: String,
}

/// The projections to write: each rollout named replaces its row and *all* its rings; rollouts not
/// named stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectionRows {
    /// The rollouts that changed.
    pub rollouts: Vec<RolloutRow>,
    /// All rings of these rollouts.
    pub rings: Vec<RingRow>,
}

/// A projection that does not fit its batch. The caller made it; nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the projection of {what} {problem}; nothing was written (please report this)")]
pub struct InvalidProjection {
    what: String,
    problem: &'static str,
}

impl ProjectionRows {
    fn check(&self) -> Result<(), InvalidProjection> {
        let fault = |what: String, problem| Err(InvalidProjection { what, problem });
        for row in &self.rollouts {
            let what = || format!("rollout {} of {}", row.rollout, row.plan);
            if i64::try_from(row.rollout).is_err() {
                return fault(what(), "has a number beyond SQLite's");
            }
            if !is_json(&row.detail) {
                return fault(what(), "has a detail that is not JSON");
            }
        }
        let mut seen = HashSet::new();
        for row in &self.rings {
            let what = || format!("ring {} in rollout {} of {}", row.ring, row.rollout, row.plan);
            if !self.rollouts.iter().any(|r| r.plan == row.plan && r.rollout == row.rollout) {
                return fault(what(), "comes without its rollout");
            }
            if !seen.insert((&row.plan, row.rollout, &row.ring)) {
                return fault(what(), "comes twice");
            }
            if !is_json(&row.detail) {
                return fault(what(), "has a detail that is not JSON");
            }
        }
        Ok(())
    }

    fn write(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let number = |rollout: u64| i64::try_from(rollout).unwrap_or(i64::MAX);
        let mut forget = transaction.prepare_cached("DELETE FROM rings WHERE plan = ?1 AND rollout = ?2")?;
        let mut rollout = transaction.prepare_cached(
            "INSERT OR REPLACE INTO rollouts (plan, rollout, phase, started_at, changed_at, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for row in &self.rollouts {
            forget.execute((row.plan.as_str(), number(row.rollout)))?;
            rollout.execute((
                row.plan.as_str(),
                number(row.rollout),
                &row.phase,
                row.started_at.as_millisecond(),
                row.changed_at.as_millisecond(),
                &row.detail,
            ))?;
        }
        let mut ring = transaction.prepare_cached(
            "INSERT INTO rings (plan, rollout, ring, position, state, since, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for row in &self.rings {
            ring.execute((
                row.plan.as_str(),
                number(row.rollout),
                row.ring.as_str(),
                row.position,
                &row.state,
                row.since.as_millisecond(),
                &row.detail,
            ))?;
        }
        Ok(())
    }
}

impl Store {
    pub(super) fn new(connection: Connection, lock: WriteLock, head: Head) -> Self {
        Self { connection, lock, trust: Trust::Sound, head, foreign_commits: None }
    }

    /// The reader's side.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View { connection: &self.connection, path: self.lock.database() }
    }

    /// The proof of ownership.
    #[must_use]
    pub fn lock(&self) -> &WriteLock {
        &self.lock
    }

    /// Appends `records` after the record `expected`, which must be the head, and rewrites
    /// `projections`, in one durable transaction. Returns the records as stored.
    ///
    /// # Errors
    /// [`StoreError::recovery`] says what to do. A batch that cannot be kept is refused before
    /// anything is written; any failure of the transaction itself, COMMIT included, means
    /// [`Recovery::Reopen`], and from then on this store refuses everything.
    pub fn append(
        &mut self,
        expected: Seq,
        records: &[NewRecord],
        projections: &ProjectionRows,
    ) -> Result<Vec<Record>, StoreError> {
        for (index, record) in records.iter().enumerate() {
            record.check(index + 1)?;
        }
        self.require_trust()?;
        let (known, path) = (self.head, self.lock.database().to_owned());
        self.note_foreign_commits()?;
        let stored = self.in_transaction(projections, |transaction| {
            let mut head = head_of(transaction).map_err(Failed::Sql)?;
            if head.seq != expected {
                return Err(Failed::Refused(StoreError::HeadMoved { expected, found: head.seq }));
            }
            if head != known {
                return Err(Failed::Refused(StoreError::Rewritten { path, seq: head.seq }));
            }
            let mut stored = Vec::with_capacity(records.len());
            for (index, record) in records.iter().enumerate() {
                if let Some(last) = head.at
                    && record.at < last
                {
                    let (position, given) = (index + 1, record.at);
                    return Err(Failed::Refused(StoreError::TimeWentBack { position, given, last }));
                }
                let record = record.chained(&head);
                insert(transaction, &record).map_err(Failed::Sql)?;
                head = record.as_head();
                stored.push(record);
            }
            Ok(stored)
        })?;
        if let Some(last) = stored.last() {
            self.head = last.as_head();
        }
        Ok(stored)
    }

    /// Nobody but this store writes to the database. Where another program did, the whole log is read
    /// again before anything is appended to it.
    fn note_foreign_commits(&mut self) -> Result<(), StoreError> {
        let seen: i64 = match self.connection.pragma_query_value(None, "data_version", |row| row.get(0)) {
            Ok(seen) => seen,
            Err(source) => {
                self.trust = Trust::Lost;
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
                self.trust = Trust::Lost;
                return Err(match error {
                    StoreError::Unreadable { path, cause, source } => {
                        StoreError::NotWritten { path, cause, source }
                    }
                    other => other,
                });
            }
        }
        Ok(())
    }

    /// Replaces all projections, as after a replay.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub fn rebuild_projections(&mut self, projections: &ProjectionRows) -> Result<(), StoreError> {
        self.in_transaction(projections, |transaction| {
            transaction.execute_batch("DELETE FROM rings; DELETE FROM rollouts;").map_err(Failed::Sql)?;
            failpoint::reach(Point::ProjectionsCleared);
            Ok(())
        })
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
    #[must_use]
    pub fn into_lock(self) -> WriteLock {
        self.lock
    }

    /// Refuses once memory can no longer be believed.
    pub(super) fn require_trust(&self) -> Result<(), StoreError> {
        match self.trust {
            Trust::Sound => Ok(()),
            Trust::Lost => Err(StoreError::Discarded),
        }
    }

    fn in_transaction<T>(
        &mut self,
        projections: &ProjectionRows,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failed>,
    ) -> Result<T, StoreError> {
        self.require_trust()?;
        projections.check()?;
        let outcome = run(&mut self.connection, projections, work);
        outcome.map_err(|failed| {
            let error = match failed {
                Failed::Refused(error) => error,
                Failed::Sql(source) => failed_write(self.lock.database(), source),
            };
            if error.recovery() == Recovery::Reopen {
                self.trust = Trust::Lost;
            }
            error
        })
    }
}

fn failed_write(path: &Path, source: rusqlite::Error) -> StoreError {
    StoreError::NotWritten { path: path.to_owned(), cause: WriteFailure::of(&source), source }
}

/// How a transaction ended without taking effect for sure.
enum Failed {
    Refused(StoreError),
    Sql(rusqlite::Error),
}

fn run<T>(
    connection: &mut Connection,
    projections: &ProjectionRows,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Failed>,
) -> Result<T, Failed> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(Failed::Sql)?;
    let done = work(&transaction)?;
    failpoint::reach(Point::RecordsWritten);
    projections.write(&transaction).map_err(Failed::Sql)?;
    failpoint::reach(Point::TransactionWritten);
    transaction.commit().map_err(Failed::Sql)?;
    Ok(done)
}

fn insert(transaction: &Transaction<'_>, record: &Record) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO events (seq, at, plan, rollout, kind, kind_version, actor, reason, payload, prev_hash, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    let Record { seq, record: new, prev_hash, hash } = record;
    statement.execute((
        seq.to_sql(),
        new.at.as_millisecond(),
        new.plan.as_ref().map(PlanName::as_str),
        new.rollout.and_then(|number| i64::try_from(number).ok()),
        &new.kind,
        new.kind_version,
        &new.actor,
        &new.reason,
        &new.payload,
        prev_hash.as_bytes(),
        hash.as_bytes(),
    ))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::open::Reader;
    use super::*;
    use crate::ids::AccountId;
    use crate::time::Clock;

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
        let none = ProjectionRows::default();
        let kept = store.append(Seq::ZERO, &[record(10)], &none).unwrap();
        let head = store.view().head().unwrap();
        assert_eq!(kept[0].as_head(), head);

        leave(&store, 3);
        // The first record of the batch fits; the second does not: neither stays.
        let error = store.append(head.seq, &[record(10), record(100_000)], &none).unwrap_err();
        assert_eq!(error.recovery(), Recovery::Reopen, "{error}");
        assert!(matches!(error, StoreError::NotWritten { cause: WriteFailure::DiskFull, .. }), "{error}");
        assert!(error.to_string().contains("disk is full"), "{error}");
        assert_eq!(Reader::open(&path).unwrap().view().head().unwrap(), head);

        // What would fit is refused too: memory may hold what the log does not.
        let after = store.append(head.seq, &[record(10)], &none).unwrap_err();
        assert!(matches!(after, StoreError::Discarded), "{after}");
        assert!(matches!(store.rebuild_projections(&none), Err(StoreError::Discarded)));
        assert!(matches!(store.delete_devices(&[]), Err(StoreError::Discarded)));

        let lock = store.into_lock();
        let account = AccountId::new("account").unwrap();
        let mut store = Store::open(lock, &account, &Clock::Real, NOW).unwrap();
        assert_eq!(store.view().head().unwrap(), head);
        store.append(head.seq, &[record(10), record(100_000)], &none).unwrap();
        assert_eq!(store.view().verify_chain().unwrap().records, 3);
    }

    #[test]
    fn an_observation_that_finds_the_disk_full_costs_only_itself() {
        use super::super::observation::DeviceRow;
        use crate::ids::DeviceId;
        let dir = tempfile::tempdir().unwrap();
        let mut store = store(&dir.path().join("ringward.db"));
        leave(&store, 1);
        let device = |doc: String| DeviceRow { device: DeviceId::new("d").unwrap(), doc, swept_at: NOW };
        let error = store.save_devices(&[device(format!("\"{}\"", "x".repeat(100_000)))]).unwrap_err();
        assert_eq!(error.recovery(), Recovery::CarryOn, "{error}");
        assert!(error.to_string().contains("disk is full"), "{error}");
        store.append(Seq::ZERO, &[record(10)], &ProjectionRows::default()).unwrap();
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
