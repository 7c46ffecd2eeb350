//! The gates, one file each, and the other questions that are put to state and world.
//!
//! **Invariant:** a gate reads observations only up to an age that it names; older ones are
//! `unknown`, and so is everything missing.

pub mod adoption;
pub mod approval;
pub mod back;
pub mod between;
pub mod blast;
pub mod downgrade;
pub mod drift;
pub mod fleet;
pub mod freeze;
pub mod gates;
pub mod grouping;
pub mod health;
pub mod last_check;
pub mod membership;
pub mod opening;
pub mod plan_file;
pub mod predecessor;
pub mod revision;
pub mod rollback_target;
pub mod shrink;
pub mod soak;
pub mod subject;
#[cfg(test)]
mod tests;
