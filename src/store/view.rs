//! Reading: the log by number or by plan, and whose it is.
//!
//! **Invariant:** a view never writes, and every record that it returns has a hash that fits.

use std::{iter, path::Path};

use rusqlite::{Connection, OptionalExtension as _, Params, Row};

use crate::store::error::StoreError;
use crate::store::head::{Head, RecordHash, Seq};
use crate::store::record::{COLUMNS, Record};
use crate::{ids::PlanName, time::Timestamp};

/// How many records [`DatabaseView::records`] reads at once: little memory, few queries.
const RECORDS_AT_ONCE: u32 = 500;

/// A reader's side of an open database; a [`super::Store`] and a [`super::Reader`] both have one.
#[derive(Debug, Clone, Copy)]
pub struct DatabaseView<'a> {
    pub(super) connection: &'a Connection,
    pub(super) path: &'a Path,
}

/// Which records of a history to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Oldest first, those after this number ([`Seq::ZERO`]: from the first).
    After(Seq),
    /// Newest first, those before this number.
    Before(Seq),
    /// Newest first, from the last one.
    Newest,
}

impl<'a> DatabaseView<'a> {
    /// The end of the log.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn head(&self) -> Result<Head, StoreError> {
        head_of(self.connection).map_err(|source| self.unreadable(source))
    }

    /// At most `limit` records from number `from` on, oldest first. The links between them are
    /// checked by [`DatabaseView::verify_chain`] and [`DatabaseView::walk`], not here.
    ///
    /// # Errors
    /// When a row is not as it was written, or the database cannot be read.
    pub fn read_from(&self, from: Seq, limit: u32) -> Result<Vec<Record>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM events WHERE seq >= ?1 ORDER BY seq LIMIT ?2");
        self.records_of(&sql, (from.to_sql(), limit))
    }

    /// All records from number `from` on, oldest first, in small portions. Records appended
    /// meanwhile are included; it ends after an error.
    pub fn records(&self, from: Seq) -> impl Iterator<Item = Result<Record, StoreError>> + use<'a> {
        let (view, mut next, mut is_last) = (*self, from, false);
        let mut portion = Vec::new().into_iter();
        iter::from_fn(move || {
            if portion.len() == 0 && !is_last {
                let read = match view.read_from(next, RECORDS_AT_ONCE) {
                    Ok(read) => read,
                    Err(error) => {
                        is_last = true;
                        return Some(Err(error));
                    }
                };
                is_last = read.len() < RECORDS_AT_ONCE as usize;
                next = read.last().map_or(next, |record| record.seq.next());
                portion = read.into_iter();
            }
            portion.next().map(Ok)
        })
    }

    /// One page of a plan's history, at most `limit` records.
    ///
    /// # Errors
    /// When a row is not as it was written, or the database cannot be read.
    pub fn history(&self, plan: &PlanName, page: Page, limit: u32) -> Result<Vec<Record>, StoreError> {
        let (range, bound) = match page {
            Page::After(seq) => ("seq > ?2 ORDER BY seq", seq.to_sql()),
            Page::Before(seq) => ("seq < ?2 ORDER BY seq DESC", seq.to_sql()),
            Page::Newest => ("seq <= ?2 ORDER BY seq DESC", i64::MAX),
        };
        let sql = format!("SELECT {COLUMNS} FROM events WHERE plan = ?1 AND {range} LIMIT ?3");
        self.records_of(&sql, (plan.as_str(), bound, limit))
    }

    /// The records of one rollout that are of one of `kinds`, oldest first.
    ///
    /// # Errors
    /// When a row is not as it was written, or the database cannot be read.
    pub fn of_kinds(&self, plan: &PlanName, rollout: u64, kinds: &[&str]) -> Result<Vec<Record>, StoreError> {
        let kinds = serde_json::to_string(kinds).unwrap_or_default();
        let sql = format!(
            "SELECT {COLUMNS} FROM events WHERE plan = ?1 AND rollout = ?2
             AND kind IN (SELECT value FROM json_each(?3)) ORDER BY seq"
        );
        let rollout = i64::try_from(rollout).unwrap_or(i64::MAX);
        self.records_of(&sql, (plan.as_str(), rollout, kinds))
    }

    /// The records of one kind that belong to no plan, oldest first.
    ///
    /// # Errors
    /// When a row is not as it was written, or the database cannot be read.
    pub fn of_the_account(&self, kind: &str) -> Result<Vec<Record>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM events WHERE plan IS NULL AND kind = ?1 ORDER BY seq");
        self.records_of(&sql, [kind])
    }

    /// The account that the database belongs to.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn account(&self) -> Result<Option<String>, StoreError> {
        meta(self.connection, "account").map_err(|source| self.unreadable(source))
    }

    /// The text of the clock that the database runs on.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn clock(&self) -> Result<Option<String>, StoreError> {
        meta(self.connection, "clock").map_err(|source| self.unreadable(source))
    }

    pub(super) fn unreadable(&self, source: rusqlite::Error) -> StoreError {
        StoreError::Unreadable { path: self.path.to_owned(), source }
    }

    pub(super) fn collect<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(|source| self.unreadable(source))?;
        let rows = statement.query_map(params, read).and_then(Iterator::collect);
        rows.map_err(|source| self.unreadable(source))
    }

    fn records_of(&self, sql: &str, params: impl Params) -> Result<Vec<Record>, StoreError> {
        let rows = self.collect(sql, params, Record::from_row)?;
        Ok(rows.into_iter().collect::<Result<_, _>>()?)
    }
}

/// The last row of the log, without checking it.
pub(super) fn head_of(connection: &Connection) -> rusqlite::Result<Head> {
    let mut last = connection.prepare_cached("SELECT seq, hash, at FROM events ORDER BY seq DESC LIMIT 1")?;
    let head = last
        .query_row([], |row| {
            let (seq, hash, at): (i64, Vec<u8>, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let at = Timestamp::from_millisecond(at).map_err(|_| unreadable_column(row, 2))?;
            let seq = Seq::from_sql(seq).ok_or_else(|| unreadable_column(row, 0))?;
            let hash = RecordHash::from_bytes(&hash).ok_or_else(|| unreadable_column(row, 1))?;
            Ok(Head { seq, hash, at: Some(at) })
        })
        .optional()?;
    Ok(head.unwrap_or(Head::EMPTY))
}

pub(super) fn meta(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()
}

fn unreadable_column(row: &Row<'_>, column: usize) -> rusqlite::Error {
    let name = row.as_ref().column_name(column).unwrap_or("?").to_owned();
    let kind = row.get_ref(column).map_or(rusqlite::types::Type::Null, |value| value.data_type());
    rusqlite::Error::InvalidColumnType(column, name, kind)
}
