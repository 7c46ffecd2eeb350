//! The fold: what each event makes of the state.
//!
//! **Invariant:** an event that does not fit the state is an error and changes nothing.

pub mod apply;
pub mod blocks;
pub mod drift;
pub mod era;
pub mod renamed;
pub mod ring;
pub mod rollback;
pub mod rollout;
pub mod standstill;
pub mod superseded;
#[cfg(test)]
mod tests;
pub mod write;

/// Nothing; or why an event does not fit the state.
pub(crate) type Fits = Result<(), String>;
