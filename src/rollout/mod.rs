//! The core: pure and synchronous, no clock, no IO.

pub mod remote;
