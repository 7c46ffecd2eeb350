//! A plan and its latest rollout; and a revision that waits, perhaps of a plan that has no rollout yet.
//!
//! **Invariant:** a pause belongs to the plan, so that a newer target does not lift it. A confirmation counts for the
//! very revision that was read.

use std::collections::BTreeMap;

use crate::ids::{PlanName, RingName};
use crate::plan::model::PlanDigest;
use crate::rollout::record::{Block, BlockKind, CHANGES_AN_HOUR, WaitingRevision};
use crate::rollout::state::{Attribution, Brought, Phase, Rollout, Superseded};
use crate::time::{SignedDuration, Timestamp, after};

/// Within this, a plan changes by itself at most [`CHANGES_AN_HOUR`] times.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A plan and its latest rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanState {
    /// A person's pause. It belongs to the plan, so that a newer target does not lift it.
    pub paused: Option<Attribution>,
    /// The latest rollout.
    pub rollout: Rollout,
    /// What stands before its steps on account of its file, and since when.
    pub blocks: BTreeMap<BlockKind, (Block, Timestamp)>,
    /// The name under which its rollout ran before.
    pub was: Option<PlanName>,
    /// The file that held it last.
    pub file: Option<String>,
    /// Whether that file is gone since its rollout was over.
    pub file_gone: bool,
    /// When it changed within the hour before its last change.
    pub changed_at: Vec<Timestamp>,
    /// What earlier rollouts that were never completed still offer.
    pub superseded: Vec<Superseded>,
    /// The versions that its rollouts brought.
    pub brought: Brought,
}

impl PlanState {
    /// Whether no file names it any more, for certain.
    pub fn is_gone(&self) -> bool {
        self.file_gone || self.rollout.phase == Phase::Withdrawn
    }

    /// Whether it changed so often within the last hour that only a person lets it change again.
    pub fn is_unstable(&self, now: Timestamp) -> bool {
        self.changed_at.iter().filter(|at| after(**at, HOUR) > now).count() >= CHANGES_AN_HOUR
    }

    /// What earlier rollouts left on offer in rings that the running one's plan does not name: the
    /// newest of each ring, which remembers what those before it found.
    pub fn of_gone_rings(&self) -> impl Iterator<Item = &Superseded> {
        let newer = move |index: usize, name: &RingName| {
            self.superseded.iter().skip(index + 1).any(|later| later.ring.name == *name)
        };
        let gone = move |(index, left): &(usize, &Superseded)| {
            self.rollout.ring(&left.ring.name).is_none() && !newer(*index, &left.ring.name)
        };
        self.superseded.iter().enumerate().filter(gone).map(|(_, left)| left)
    }

    /// Whether the running rollout has entered a ring.
    pub fn has_entered(&self, name: &RingName) -> bool {
        self.rollout.ring(name).is_some_and(|ring| ring.stage.is_entered())
    }

    pub(crate) fn note_change(&mut self, at: Timestamp) {
        self.changed_at.retain(|known| after(*known, HOUR) > at);
        self.changed_at.push(at);
    }
}

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
