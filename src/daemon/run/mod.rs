//! The running daemon: the tasks around the engine.
//!
//! **Invariant:** one task owns the engine; a write is under way at most once, and its outcome is
//! appended before the next decision.

mod answers;
mod driver;
mod inputs;
mod people;
mod start;
#[cfg(test)]
mod tests;
mod turn;

pub use driver::DaemonError;
pub use start::{Daemon, DaemonSettings, start};
