//! The command line, one file or folder per command.
//!
//! From above: the program, the list of commands, the commands, and what they share: flags (`args`), the way to
//! the daemon (`client`, `overview`) and to the account (`account`), files (`judgement`), and output (`render`,
//! `screen`, `exit`).
//!
//! **Invariant:** every command ends with one of the exit codes of [`exit::Exit`], and every
//! failure says what, why and what to do.

pub mod account;
pub mod args;
pub mod backup;
pub mod check;
mod classes;
pub mod client;
mod commands;
pub mod completions;
mod configuration;
pub mod confirm;
mod decision;
pub mod demo;
pub mod devices;
pub mod diff;
pub mod excerpt;
pub mod exit;
pub mod explain;
mod exposed;
pub mod forecast;
pub mod healthcheck;
pub mod history;
pub mod init;
pub mod judgement;
pub mod man;
pub mod online;
mod overview;
mod paragraphs;
mod program;
pub mod render;
pub mod run;
pub mod sandbox;
pub mod schema;
pub mod screen;
mod servers;
mod service;
mod signals;
pub mod simulate;
pub mod status;
pub mod stop;
pub mod token;
pub(crate) mod value_parsers;
mod verb_command;
pub mod verbs;
pub mod verify;

pub(crate) use args::{ConnectionArgs, DaemonArgs, JsonArgs, ReadArgs};
pub(crate) use client::Connection;
pub use commands::definitions;
pub(crate) use exit::CliError;
pub(crate) use overview::Overview;
pub use program::main;
pub(crate) use render::{
    Column, Format, Out, Prose, counted, distance, json, moment, safe, short, short_digest, table,
};
pub(crate) use screen::{Glyphs, Ink, Screen, Surface, Tint, cells, transient};
