//! What several test suites share. Each suite says `pub mod support;`: public, so that what one
//! suite does not need is no dead code in another.
//!
//! **Invariant:** nothing here reads a clock, sleeps, or talks to anything.

pub mod dice;
pub mod drive;
pub mod hostile;
