//! The command line, one file per command.
//!
//! **Invariant:** every command ends with one of the exit codes of [`exit::Exit`], and every
//! failure says what, why and what to do.

pub mod account;
pub mod args;
pub mod backup;
pub mod check;
pub mod client;
pub mod connection_args;
pub mod demo;
pub mod devices;
pub mod diff;
pub mod excerpt;
pub mod exit;
pub mod explain;
pub mod healthcheck;
pub mod history;
pub mod init;
pub mod online;
mod progress;
pub mod render;
pub mod run;
pub mod sandbox;
pub mod schema;
mod service;
pub mod status;
pub mod stop;
pub mod user;
pub mod verbs;
pub mod verify;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing::level_filters::LevelFilter;

use crate::cli::args::ClientCommand;
use crate::cli::exit::{CliError, conclude};
use crate::telemetry::{LogFormat, init_logs};

/// Moves a fleet of Cloudflare One Clients from one version to the next, ring by ring.
#[derive(Debug, Parser)]
#[command(name = "ringward", version, after_help = AFTER_HELP)]
struct CommandLine {
    /// How the log on standard error looks: text or json
    #[arg(long, global = true, value_name = "FORMAT", env = "RINGWARD_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
    /// What it holds: off, error, warn, info, debug or trace
    #[arg(long, global = true, value_name = "LEVEL", env = "RINGWARD_LOG_LEVEL")]
    log_level: Option<LevelFilter>,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Try it without an account: ringward demo
Exit codes: 0 done, 1 failed, 2 usage or invalid plan, 3 refused";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon
    Run(Box<run::RunArgs>),
    /// Watch a plan move a simulated fleet, on a fast clock
    Demo(demo::DemoArgs),
    /// Run a simulated account alone
    Sandbox(sandbox::SandboxArgs),
    #[command(flatten)]
    Client(ClientCommand),
}

/// The program: reads the command line, does it, and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let line = CommandLine::parse();
    conclude(start(line)).into()
}

fn start(line: CommandLine) -> Result<(), CliError> {
    // Only the daemon tells its doings; a command speaks through its output.
    let level = line.log_level.unwrap_or(match line.command {
        Command::Run(_) => LevelFilter::INFO,
        Command::Demo(_) | Command::Sandbox(_) => LevelFilter::WARN,
        Command::Client(_) => LevelFilter::OFF,
    });
    init_logs(line.log_format, level).map_err(CliError::failed)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed(format!("cannot start the runtime: {error}")))?;
    let result = runtime.block_on(async {
        match line.command {
            Command::Run(args) => run::run(*args).await,
            Command::Demo(args) => demo::demo(args).await,
            Command::Sandbox(args) => sandbox::sandbox(args).await,
            Command::Client(command) => {
                let mut out = io::stdout();
                let done = command.run(&mut out).await;
                out.flush()?;
                done
            }
        }
    });
    // A read that hangs must not keep the process from ending.
    runtime.shutdown_background();
    result
}
