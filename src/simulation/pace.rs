//! How long things take in a simulation.
//!
//! **Invariant:** none of it is decided by ringward: it is how long upstream, the machine and the files take.

use crate::time::SignedDuration;

/// How long things take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// A read, from its begin to its answer.
    pub read: SignedDuration,
    /// From a read's begin to the instant that its answer shows.
    pub snapshot_after: SignedDuration,
    /// The fresh look before a write.
    pub look: SignedDuration,
    /// From the fresh look to the last word and the request: commands may come in between.
    pub clear: SignedDuration,
    /// From a write's request to its application.
    pub apply: SignedDuration,
    /// From a write's request to its answer.
    pub answer: SignedDuration,
    /// From a crash to the next start.
    pub restart: SignedDuration,
    /// Until the engine sees a stop file that somebody put there.
    pub stop_file_seen: SignedDuration,
    /// How often the ring that adopts is read.
    pub poll: SignedDuration,
    /// How long a plan's file must have been unchanged before more of it than a restriction takes effect.
    pub settles: SignedDuration,
}

impl Pace {
    /// Everything is there at once.
    pub fn at_once() -> Self {
        let none = SignedDuration::ZERO;
        Self { read: none, look: none, clear: none, apply: none, answer: none, ..Self::default() }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            read: SignedDuration::from_secs(2),
            snapshot_after: SignedDuration::ZERO,
            look: SignedDuration::from_secs(1),
            clear: SignedDuration::from_secs(1),
            apply: SignedDuration::from_secs(1),
            answer: SignedDuration::from_secs(2),
            restart: SignedDuration::from_secs(30),
            stop_file_seen: SignedDuration::from_secs(5),
            poll: SignedDuration::from_mins(5),
            settles: SignedDuration::from_secs(30),
        }
    }
}
