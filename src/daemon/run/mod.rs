//! The running daemon: the tasks around the engine.
//!
//! **Invariant:** one task owns the engine; a write is under way at most once, and its outcome is
//! appended before the next decision.

mod asking;
mod driver;
mod error;
mod inputs;
mod people;
mod reads;
mod start;
#[cfg(test)]
mod tests;
mod turn;
mod writer;

pub use error::DaemonError;
pub use start::{Daemon, DaemonSettings, Stopper, start};
