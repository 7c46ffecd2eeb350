//! `clock`: a person's word that the machine's clock is right, whatever Cloudflare's answers say.
//!
//! **Invariant:** it ends; the day that it names is its last.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Timestamp;

/// A person's word for the machine's clock, from `ringward.yaml`.
// For a proxy in front whose clock is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ClockTrustJson)]
pub struct ClockTrust {
    /// From when on it does not count any more.
    // The end of its last day, UTC.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}
