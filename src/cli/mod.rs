//! The command line, one file per command.
//!
//! **Invariant:** every command ends with one of the exit codes of [`exit::Exit`], and every
//! failure says what, why and what to do.

pub mod args;
pub mod check;
pub mod client;
pub mod devices;
pub mod exit;
pub mod explain;
pub mod history;
pub mod render;
pub mod status;
pub mod stop;
pub mod user;
pub mod verbs;
pub mod verify;
