//! A log that is not open: since when, and how patient that has made us.
//!
//! **Invariant:** the wait before it is opened again only grows while it fails.

use crate::store::WriteLock;
use crate::time::{Stopwatch, Timestamp};

/// A log that is not open.
#[derive(Debug)]
pub(in crate::daemon) struct Lost {
    pub(super) lock: WriteLock,
    pub(super) since: Timestamp,
    pub(super) tried: Stopwatch,
    pub(super) wait: f64,
}

/// How often the log was lost, and how patient that has made us.
#[derive(Debug, Default)]
pub(in crate::daemon) struct Losses {
    pub(super) count: u64,
    pub(super) last: Option<Stopwatch>,
    pub(super) wait: f64,
}

/// What a look at the database on disk came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::daemon) enum Sound {
    /// Every page and row is as it was written.
    Yes,
    /// It could not be read; the log was closed, and perhaps opened again.
    Reopened,
}
