//! What reached the simulated account, line by line.
//!
//! **Invariant:** a line says itself what its request met and what came of it, so that a run can be judged by the
//! journal alone.

use crate::ids::GroupId;
use crate::rollout::record::{Group, GroupContent};
use crate::rollout::world::Read;
use crate::simulation::faults::WriteFault;
use crate::time::Timestamp;

/// A changing request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupWrite {
    /// POST
    Create(GroupContent),
    /// PATCH; the name stays.
    Update(GroupId, GroupContent),
}

/// What was asked of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A read.
    Read(Read),
    /// A write.
    Write(GroupWrite),
}

/// One line of the journal: a request that reached the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalLine {
    /// When it was sent.
    pub at: Timestamp,
    /// What it asked for.
    pub asked: Call,
    /// The scripted fault that it met.
    pub fault: Option<WriteFault>,
    /// The group as it was after it, and when; `None`: nothing was applied.
    pub applied: Option<Group>,
    /// What it was answered; of a read, only whether it succeeded.
    pub answer: String,
    /// Of a write: the devices that it offers something else, by what the account lists; the least
    /// between the look before it and its arrival.
    pub retargeted: Option<usize>,
}
