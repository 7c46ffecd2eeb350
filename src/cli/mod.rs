//! The command line, one file or folder per command.
//!
//! From above: the program, the list of commands, the commands, and what they share: flags (`*_args`), the way to
//! the daemon (`client`, `overview`) and to the account (`account`), files (`judgement`), and output (`render`,
//! `screen`, `exit`).
//!
//! **Invariant:** every command ends with one of the exit codes of [`exit::Exit`], and every
//! failure says what, why and what to do.

pub mod access;
pub mod account;
pub mod backup;
pub mod check;
mod classes;
pub mod client;
mod commands;
pub mod completions;
mod configuration;
pub mod confirm;
pub mod connection_args;
pub mod daemon_args;
pub mod demo;
pub mod devices;
pub mod diff;
pub mod excerpt;
pub mod exit;
pub mod explain;
pub mod failpoint_args;
pub mod forecast;
pub mod healthcheck;
pub mod history;
pub mod init;
pub mod judgement;
pub mod listener_args;
pub mod man;
pub mod online;
mod overview;
mod paragraphs;
mod program;
pub mod prose;
pub mod render;
pub mod run;
pub mod sandbox;
pub mod schema;
pub mod screen;
mod servers;
mod service;
mod signals;
pub mod simulate;
mod source_file;
pub mod status;
pub mod stop;
pub mod token;
pub mod user;
mod value_parsers;
mod verb_command;
pub mod verbs;
pub mod verify;

pub use commands::definitions;
pub use program::main;
