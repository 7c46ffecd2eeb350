//! The core: pure and synchronous, no clock, no IO.
//!
//! Inputs: a plan's file ([`world::Desired`]), the log folded into [`state::State`], observations
//! with their age ([`world::Observations`]) and `now`. Outputs: events, a report, reads that are
//! wanted and the next wake-up ([`decide::Decision`]). People come in through
//! [`command::command`], writes through [`safety::clear_to_send`] and [`outcome::outcome_entry`].
//!
//! **Invariant:** nothing here knows of sockets, files, threads or the present time.

pub mod access;
mod actor;
pub mod approval;
mod between;
pub mod blast;
pub mod block;
mod cause;
pub mod command;
pub mod decide;
pub mod downgrade;
pub mod drift;
mod dropped;
mod entering;
pub mod era;
pub mod event;
pub mod explain;
pub mod gate;
pub mod grouping;
pub mod health;
mod intent;
pub mod laws;
mod lifecycle;
pub mod outcome;
mod predecessor;
pub mod preview;
mod reads;
pub mod remote;
pub mod report;
mod revision;
pub mod rollback;
pub mod safety;
pub mod second_clock;
mod shrink;
pub mod state;
pub mod superseded;
pub mod token;
mod unsettled;
pub mod verbs;
pub mod verdict;
pub mod waits;
pub mod world;
