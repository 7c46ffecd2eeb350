//! The walk over real sockets: daemon and sandbox on one fast clock, in one process or in two,
//! with faults, kills, stops and bad input.

#![cfg(test)]

#[path = "../support/hostile.rs"]
pub mod made;
#[path = "../support/team.rs"]
pub mod team;

mod backup;
mod bad_input;
mod clean;
mod clock;
mod contract;
mod crowd;
mod failpoints;
mod faults;
mod hostile;
mod kills;
mod limits;
mod names;
mod neighbours;
mod openings;
mod people;
mod processes;
mod service;
mod stops;
mod storage;
mod stories;
mod support;
mod time;
mod volume;
