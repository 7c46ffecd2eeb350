//! The walk over real sockets: daemon and sandbox on one fast clock, in one process or in two,
//! with faults, kills, stops and bad input.

#![cfg(test)]

mod clean;
mod faults;
mod kills;
mod stops;
mod support;
