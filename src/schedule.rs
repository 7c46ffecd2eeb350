//! Openings and freezes: when ringward may write for a ring, and why.
//!
//! **Invariant:** pure; a freeze always wins over an opening.

use serde::{Deserialize, Serialize};

/// Openings and freezes of one ring, in the ring's time zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {}
