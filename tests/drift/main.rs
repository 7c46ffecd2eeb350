//! Drift: what someone else changed, found and dealt with, over every kind and every `on_drift`.
//!
//! **Invariant:** see [`kinds`]; the suite runs on a virtual clock and without sockets.

#[path = "../support/mod.rs"]
pub mod support;

#[cfg(test)]
mod kinds;
