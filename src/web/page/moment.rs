//! An instant as people and machines read it.
//!
//! **Invariant:** how far it is away is told from the snapshot, not from now, so that a page is of one instant.

use crate::time::{self, Timestamp, rough, short, since};

/// An instant as `<time>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// For machines.
    pub(super) iso: String,
    /// To the minute, in UTC.
    pub(super) text: String,
    /// How far from the snapshot: `3h 5m ago`, `in 2d`.
    pub(super) distance: String,
    /// The time between: `3h 5m`.
    pub(super) length: String,
}

impl Moment {
    pub(super) fn new(then: Timestamp, now: Timestamp) -> Self {
        let (distance, length) = (time::distance(then, now), rough(since(then, now).abs()));
        Self { iso: then.to_string(), text: short(then), distance, length }
    }
}
