//! Something read from outside, with its age.
//!
//! **Invariant:** its instant is when the read began: what happened later may be missing.

use crate::time::Timestamp;

/// Something read from outside, and when the read began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed<T> {
    /// What was read.
    pub value: T,
    /// When the read began: what happened later may be missing.
    pub as_of: Timestamp,
}
