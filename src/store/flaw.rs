//! What is wrong with a row of the log.
//!
//! **Invariant:** the first bad row is named; what comes after it says nothing.

use crate::{store::head::Seq, time::Timestamp};

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
    #[error("it is missing, and record {0} follows")]
    Missing(Seq),
    /// It names another hash as the one before it.
    #[error("it does not follow from the record before it")]
    NotLinked,
    /// It is dated before the one in front of it.
    #[error("it is dated before the record in front of it ({0})")]
    BackInTime(Timestamp),
    /// Its hash fits, but a column holds what no ringward writes.
    #[error("its column `{0}` cannot be read")]
    Unreadable(&'static str),
}
