//! The flags of almost every command: which daemon, and how to answer.
//!
//! **Invariant:** a database stands for its daemon, whose socket and stop file lie beside it.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{Connection, Format};

/// Which daemon.
#[derive(Debug, Args)]
pub struct DaemonArgs {
    /// Database of the daemon; its socket and stop file lie beside it
    #[arg(long, value_name = "FILE", env = "RINGWARD_DB", default_value = "ringward.db")]
    pub db: PathBuf,
}

impl DaemonArgs {
    pub(crate) fn connection(&self) -> Connection {
        Connection::beside(&self.db)
    }
}

/// How to answer.
#[derive(Debug, Args)]
pub struct JsonArgs {
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

impl JsonArgs {
    pub(crate) const fn format(&self) -> Format {
        if self.json { Format::Json } else { Format::Text }
    }
}
