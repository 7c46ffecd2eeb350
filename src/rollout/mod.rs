//! The core: pure and synchronous, no clock, no IO.
//!
//! Its floors, lowest first; a file imports only what stands on its own floor or below
//! (`tests/architecture`):
//!
//! | floor | what it holds |
//! | --- | --- |
//! | [`record`] | what the log keeps |
//! | [`laws`] | the independent checker of the laws: of this module it knows `record` only |
//! | [`state`] | the fold of events |
//! | [`world`] | what is known from outside, with its age |
//! | [`judge`] | one file for each gate, and for each other question about the world |
//! | [`decide`] | the pipeline: what follows, step by step |
//! | [`people`] | commands, verbs, tokens |
//! | [`tell`] | report, explanation, preview, waits |
//!
//! Inputs: a plan's file ([`world::Desired`]), the log folded into [`state::State`], observations
//! with their age ([`world::Observations`]) and `now`. Outputs: events, a report, reads that are
//! wanted and the next wake-up. People come in through
//! [`people::answer`], writes through [`judge::last_check`] and [`decide::outcome`].
//!
//! **Invariant:** nothing here knows of sockets, files, threads or the present time.

pub mod decide;
pub mod judge;
pub mod laws;
pub mod people;
pub mod record;
pub mod state;
pub mod tell;
pub mod world;
