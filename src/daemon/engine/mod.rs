//! The engine: log, state and observations in one hand, and the pass that decides.
//!
//! **Invariant:** state changes only through [`Engine::append`], which commits before it applies;
//! after a failed commit memory is thrown away and the log is read again.

mod clock;
mod error;
mod ledger;
mod loss;
mod pass;
mod plans;
mod present;
mod start;
mod stop;
mod sweeps;
#[cfg(test)]
mod tests;
mod verbs;
mod views;

pub use error::EngineError;
pub(super) use ledger::Engine;
pub(super) use loss::Sound;
pub(super) use pass::Pass;
