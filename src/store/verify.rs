//! Walking the hash chain from the first record to the last.
//!
//! **Invariant:** the walk stops at the first row that is not as it was written and names it;
//! a report means that every row up to its head is.

use std::ops::ControlFlow;

use serde::Serialize;

use crate::store::flaw::{BadRow, Flaw};
use crate::store::head::{Head, Seq};
use crate::store::record::{COLUMNS, Record};
use crate::{store::error::StoreError, store::view::DatabaseView};

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
        return Err(BadRow { seq: expected, flaw: Flaw::Missing(record.seq) });
    }
    let bad = |flaw| Err(BadRow { seq: record.seq, flaw });
    if record.prev_hash != head.hash {
        return bad(Flaw::NotLinked);
    }
    match head.at {
        Some(before) if record.record.at < before => bad(Flaw::BackInTime(before)),
        _ => Ok(()),
    }
}

impl DatabaseView<'_> {
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

    /// The walk of [`DatabaseView::verify_chain`], with each sound record shown on the way: a replay that
    /// never folds a record which does not belong. `visit` may stop it early.
    ///
    /// # Errors
    /// As [`DatabaseView::verify_chain`].
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
                let flaw = Flaw::Missing(*seq);
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
