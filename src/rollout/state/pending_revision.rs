//! A revision that waits.
//!
//! **Invariant:** a person's word counts for the very revision that they read, and for a day.

use crate::plan::model::PlanDigest;
use crate::rollout::record::WaitingRevision;
use crate::rollout::state::Attribution;
use crate::time::{SignedDuration, Timestamp, after};

/// A person's confirmation counts for so long.
pub const CONFIRMED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// A revision that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRevision {
    /// Which, and what for.
    pub revision: WaitingRevision,
    /// Since when.
    pub since: Timestamp,
    /// A person's word that it need not.
    pub confirmed: Option<Attribution>,
}

impl PendingRevision {
    /// Whether a person's word lets this revision take effect at `now`.
    pub fn is_confirmed(&self, digest: &PlanDigest, now: Timestamp) -> bool {
        let counts = |word: &Attribution| now < after(word.since, CONFIRMED_FOR);
        self.revision.digest == *digest && self.confirmed.as_ref().is_some_and(counts)
    }
}
