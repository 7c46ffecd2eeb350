//! What can go wrong with ringward itself in a simulation. None of it is a user's doing.
//!
//! **Invariant:** a simulation that meets one of these ends there; nothing it says afterwards counts.

use crate::rollout::record::WriteId;
use crate::rollout::state::IllegalEvent;
use crate::rollout::world::Read;
use crate::time::Timestamp;

/// A fault in ringward that a simulation brought to light. Please report it, with plan and seed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SimulationFault {
    /// Too many steps in too little time; with the last events.
    #[error("a livelock, or a daemon that wakes up for nothing, at {at}\n{tail}")]
    Livelock { at: Timestamp, tail: String },
    /// The same thing is read again and again.
    #[error("a storm of reads at {at}: {read:?}, {times} times")]
    Storm { at: Timestamp, read: Read, times: usize },
    /// The plans keep deciding at one instant.
    #[error("the plans never settle at {at}")]
    NeverSettles { at: Timestamp },
    /// Deciding again at the same instant adds something.
    #[error("law 10: deciding again at {at} adds {entries}")]
    AddsMore { at: Timestamp, entries: String },
    /// The ladder made an event that does not fit the state.
    #[error("the pipeline made an event that does not fit, at {at}: {error}")]
    Undecided { at: Timestamp, error: IllegalEvent },
    /// An event was appended that does not fit the state.
    #[error("{error}\n{recorded}")]
    IllegalEvent { error: IllegalEvent, recorded: String },
    /// The log cannot be replayed, for an event that does not fit.
    #[error("law 9: the log cannot be replayed: {error}")]
    Replay { error: IllegalEvent },
    /// The log gives another state than the live one.
    #[error("law 9: at {at} the log gives another state")]
    OtherState { at: Timestamp },
    /// The writer was about to send what nobody planned.
    #[error("{write} is cleared and not planned, at {at}")]
    NotPlanned { at: Timestamp, write: WriteId },
}
