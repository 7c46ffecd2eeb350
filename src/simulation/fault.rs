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
    /// Too many steps in too little time.
    #[error("a livelock, or a daemon that wakes up for nothing, at {at}\n{tail}")]
    Livelock {
        /// When.
        at: Timestamp,
        /// The last events.
        tail: String,
    },
    /// The same thing is read again and again.
    #[error("a storm of reads at {at}: {read:?}, {times} times")]
    Storm {
        /// When.
        at: Timestamp,
        /// What is read.
        read: Read,
        /// How often.
        times: usize,
    },
    /// The plans keep deciding at one instant.
    #[error("the plans never settle at {at}")]
    NeverSettles {
        /// When.
        at: Timestamp,
    },
    /// Deciding again at the same instant adds something.
    #[error("law 10: deciding again at {at} adds {entries}")]
    AddsMore {
        /// When.
        at: Timestamp,
        /// What it adds.
        entries: String,
    },
    /// The ladder made an event that does not fit the state.
    #[error("the pipeline made an event that does not fit, at {at}: {error}")]
    Undecided {
        /// When.
        at: Timestamp,
        /// Why it does not fit.
        error: IllegalEvent,
    },
    /// An event was appended that does not fit the state.
    #[error("{error}\n{recorded}")]
    IllegalEvent {
        /// Why it does not fit.
        error: IllegalEvent,
        /// The event.
        recorded: String,
    },
    /// The log cannot be replayed.
    #[error("law 9: the log cannot be replayed: {error}")]
    Replay {
        /// The event that does not fit.
        error: IllegalEvent,
    },
    /// The log gives another state than the live one.
    #[error("law 9: at {at} the log gives another state")]
    OtherState {
        /// When.
        at: Timestamp,
    },
    /// The writer was about to send what nobody planned.
    #[error("{write} is cleared and not planned, at {at}")]
    NotPlanned {
        /// When.
        at: Timestamp,
        /// The write.
        write: WriteId,
    },
}
