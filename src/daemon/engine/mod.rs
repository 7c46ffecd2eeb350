//! The engine with its log on a disk, its clock and its files, in one hand.
//!
//! **Invariant:** state changes only through [`DurableEngine::append`], which commits before it applies;
//! after a failed commit memory is thrown away and the log is read again.

mod clock;
mod ledger;
mod loss;
mod pass;
mod plans;
mod present;
mod stop;
#[cfg(test)]
mod tests;
mod verbs;
mod views;

pub use ledger::EngineError;
pub(super) use ledger::{DurableEngine, Sound};
