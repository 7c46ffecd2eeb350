//! Walking the hash chain from the first record to the last.
//!
//! **Invariant:** the walk stops at the first row that is not as it was written and names it;
//! a report means that every row up to its head is.

use std::ops::ControlFlow;

use serde::Serialize;

use super::error::StoreError;
use super::record::{COLUMNS, Head, Record, Seq};
use super::view::View;
use crate::time::Timestamp;

/// The first row of the log that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "record {seq} of the log is not as it was written: {flaw}; keep this file for study and restore a backup that verifies"
)]
pub struct BadRow {
    /// Its number; for a missing row the number it should have.
    pub seq: Seq,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What can be wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Its columns give another hash than the stored one.
    #[error("its hash does not fit its columns")]
    Changed,
    /// It is not there, though later ones are.
    #[error("it is missing, and record {next} follows")]
    Missing {
        /// The record found in its place.
        next: Seq,
    },
    /// It names another hash as the one before it.
    #[error("it does not follow from the record before it")]
    NotLinked,
    /// It is dated before the one in front of it.
    #[error("it is dated before the record in front of it ({before})")]
    BackInTime {
        /// The date of the record in front of it.
        before: Timestamp,
    },
    /// Its hash fits, but a column holds what no ringward writes.
    #[error("its column `{column}` cannot be read")]
    Unreadable {
        /// The column.
        column: &'static str,
    },
}

/// A log that was walked to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ChainReport {
    /// How many records it has.
    pub records: u64,
    /// Its end, to compare with one that was noted elsewhere.
    pub head: Head,
}

/// Whether `record` is the one after `head`.
pub(super) fn follows(head: &Head, record: &Record) -> Result<(), BadRow> {
    let expected = head.seq.next();
    if record.seq != expected {
        return Err(BadRow { seq: expected, flaw: Flaw::Missing { next: record.seq } });
    }
    let bad = |flaw| Err(BadRow { seq: record.seq, flaw });
    if record.prev_hash != head.hash {
        return bad(Flaw::NotLinked);
    }
    match head.at {
        Some(before) if record.record.at < before => bad(Flaw::BackInTime { before }),
        _ => Ok(()),
    }
}

impl View<'_> {
    /// Whether the log holds the record that was known as its end; later ones may follow.
    ///
    /// # Errors
    /// [`StoreError::Rewritten`] when it does not; anything else is a failed read.
    pub(super) fn require_known(&self, head: &Head) -> Result<(), StoreError> {
        if head.seq == Seq::ZERO {
            return Ok(());
        }
        let found = self.read_from(head.seq, 1)?;
        match found.first() {
            Some(record) if record.as_head() == *head => Ok(()),
            _ => Err(StoreError::Rewritten { path: self.path.to_owned(), seq: head.seq }),
        }
    }

    /// Recomputes every hash and link, one row in memory at a time. It reads one snapshot, so a
    /// daemon may go on appending.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] names the first bad row; anything else is a failed read.
    pub fn verify_chain(&self) -> Result<ChainReport, StoreError> {
        self.walk(|_| ControlFlow::Continue(()))
    }

    /// The walk of [`View::verify_chain`], with each sound record shown on the way: a replay that
    /// never folds a record which does not belong. `visit` may stop it early.
    ///
    /// # Errors
    /// As [`View::verify_chain`].
    pub fn walk(&self, mut visit: impl FnMut(Record) -> ControlFlow<()>) -> Result<ChainReport, StoreError> {
        let read = |source| self.unreadable(source);
        let sql = format!("SELECT {COLUMNS} FROM events ORDER BY seq");
        let mut statement = self.connection.prepare_cached(&sql).map_err(read)?;
        let mut rows = statement.query([]).map_err(read)?;
        let mut head = Head::EMPTY;
        while let Some(row) = rows.next().map_err(read)? {
            let record = Record::from_row(row).map_err(read)?;
            // A row with a number of its own that is not the next: the gap comes first.
            if let Err(BadRow { seq, .. }) = &record
                && *seq > head.seq.next()
            {
                let flaw = Flaw::Missing { next: *seq };
                return Err(BadRow { seq: head.seq.next(), flaw }.into());
            }
            let record = record?;
            follows(&head, &record)?;
            head = record.as_head();
            if visit(record).is_break() {
                break;
            }
        }
        Ok(ChainReport { records: head.seq.get(), head })
    }
}
