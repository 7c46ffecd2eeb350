//! How far the one write of a simulated daemon is on its way, and when it goes on.
//!
//! **Invariant:** what it shows and what it means is the engine's to know.

use crate::engine::LookOrder;
use crate::rollout::record::WriteId;
use crate::simulation::upstream::Ticket;
use crate::time::Timestamp;

/// The one write, on its way.
#[derive(Debug, Clone)]
pub(super) enum WriteStage {
    /// The group is read afresh.
    Looking { order: LookOrder, done_at: Timestamp },
    /// The last word is about to be said.
    Clearing { order: LookOrder, send_at: Timestamp },
    /// It is sent.
    Sent { write: WriteId, ticket: Ticket, answer_at: Timestamp },
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
