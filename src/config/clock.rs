//! `clock`: a person's word that the machine's clock is right, whatever Cloudflare's answers say.
//!
//! **Invariant:** it ends; the day that it names is its last.

use crate::time::Timestamp;

/// A person's word that the machine's clock is right: for a proxy in front whose clock is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockTrust {
    /// The first instant at which it does not count any more: the end of its last day, UTC.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}
