//! How far the one write of a simulated daemon is.
//!
//! **Invariant:** what was read just before a write goes with it until it is sent.

use crate::rollout::judge::last_look::FreshLook;
use crate::rollout::record::WriteId;
use crate::rollout::world::Observed;
use crate::simulation::far_end::Ticket;
use crate::time::Timestamp;

/// What was read just before a write.
#[derive(Debug, Clone)]
pub(super) struct LookTaken {
    pub(super) fresh: Observed<FreshLook>,
    pub(super) counted: Option<Observed<usize>>,
}

/// The one write, on its way.
#[derive(Debug, Clone)]
pub(super) enum WriteStage {
    /// The group is read afresh.
    Looking { write: WriteId, started_at: Timestamp, done_at: Timestamp },
    /// The last word is about to be said.
    Clearing { write: WriteId, look: LookTaken, send_at: Timestamp },
    /// It is sent.
    Sent { write: WriteId, ticket: Ticket, answer_at: Timestamp, counted: Option<usize> },
}

impl WriteStage {
    /// When it goes on.
    pub(super) const fn next_at(&self) -> Timestamp {
        match self {
            Self::Looking { done_at, .. } => *done_at,
            Self::Clearing { send_at, .. } => *send_at,
            Self::Sent { answer_at, .. } => *answer_at,
        }
    }
}
