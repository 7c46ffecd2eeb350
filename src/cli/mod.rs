//! The command line, one file per command.
//!
//! **Invariant:** every command ends with one of the exit codes of [`exit::Exit`], and every
//! failure says what, why and what to do.

pub mod access;
pub mod account;
pub mod args;
pub mod backup;
mod bars;
pub mod check;
pub mod client;
pub mod completions;
mod configuration;
pub mod confirm;
pub mod connection_args;
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
pub mod listener_args;
pub mod man;
pub mod online;
mod progress;
pub mod render;
pub mod run;
pub mod sandbox;
pub mod schema;
pub mod screen;
mod service;
mod signals;
pub mod simulate;
pub mod status;
pub mod stop;
pub mod token;
pub mod user;
pub mod verbs;
pub mod verify;
pub mod watch;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use tracing::level_filters::LevelFilter;

use crate::cli::access::args::ACCESS_TOKEN_VARIABLE;
use crate::cli::args::{BEARER_TOKEN, ClientCommand};
use crate::cli::connection_args::TOKEN_VARIABLE;
use crate::cli::exit::{CliError, conclude};
use crate::secrets;
use crate::telemetry::{LogFormat, init_logs};

/// Moves a fleet of Cloudflare One Clients from one version to the next, ring by ring.
#[derive(Debug, Parser)]
#[command(name = "ringward", version, after_help = AFTER_HELP)]
struct CommandLine {
    /// How the log on standard error looks: text or json
    #[arg(long, global = true, help_heading = LOG, value_name = "FORMAT", env = "RINGWARD_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
    /// What it holds: off, error, warn, info, debug or trace
    #[arg(long, global = true, help_heading = LOG, value_name = "LEVEL", env = "RINGWARD_LOG_LEVEL")]
    log_level: Option<LevelFilter>,
    #[command(subcommand)]
    command: Command,
}

/// The heading of what concerns the log alone.
const LOG: &str = "Log options";

const AFTER_HELP: &str = "\
Try it without an account: ringward demo
Exit codes: 0 done, 1 failed, 2 usage or invalid plan, 3 refused";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon
    #[command(after_help = "\
The API token comes from --token-file or CLOUDFLARE_API_TOKEN.
SIGHUP looks at plan files and stop file at once; SIGTERM and Ctrl-C end it between two writes.

Example:
  ringward run --plans plans/ --account ACCOUNT_ID --observe")]
    Run(Box<run::RunArgs>),
    /// Watch a plan move a simulated fleet, on a fast clock
    #[command(after_help = "\
Examples:
  ringward demo                          watch it, then look at its page until Ctrl-C
  ringward demo --speed 2000             the same, slow enough to follow
  ringward demo --dir /tmp/d --devices 20000 --exit-when-done")]
    Demo(demo::DemoArgs),
    /// Run a simulated account alone
    #[command(after_help = "\
It prints the command of a daemon that uses it.

Example:
  ringward sandbox --devices 2000 --speed 600")]
    Sandbox(sandbox::SandboxArgs),
    #[command(flatten)]
    Client(ClientCommand),
    /// Write what a shell needs to complete ringward's commands
    #[command(after_help = "\
Examples:
  source <(ringward completions bash)
  ringward completions zsh > ~/.zfunc/_ringward
  ringward completions fish > ~/.config/fish/completions/ringward.fish")]
    Completions(completions::CompletionsArgs),
    /// Show the manual, or write it as man pages
    #[command(after_help = "\
Examples:
  ringward man explain | man -l -
  ringward man --dir /usr/local/share/man/man1")]
    Man(man::ManArgs),
}

/// The definitions of the whole command line, for completions, manual and tests.
#[must_use]
pub fn definitions() -> clap::Command {
    CommandLine::command()
}

/// The program: reads the command line, does it, and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let line = CommandLine::parse();
    conclude(start(line)).into()
}

/// Secrets that this process has been given, whether the command uses them or not. What is too short
/// to be one is refused by whoever uses it.
fn register_environment() {
    for variable in [TOKEN_VARIABLE, ACCESS_TOKEN_VARIABLE, BEARER_TOKEN] {
        let token = std::env::var(variable).unwrap_or_default();
        let _ = secrets::register(&token.trim().into());
    }
}

fn start(line: CommandLine) -> Result<(), CliError> {
    // Only the daemon tells its doings; a command speaks through its output.
    let level = line.log_level.unwrap_or(match line.command {
        Command::Run(_) => LevelFilter::INFO,
        Command::Demo(_) | Command::Sandbox(_) => LevelFilter::WARN,
        Command::Client(_) | Command::Completions(_) | Command::Man(_) => LevelFilter::OFF,
    });
    // A sandbox prints a token, and may be given the same by its environment.
    if !matches!(line.command, Command::Sandbox(_)) {
        register_environment();
    }
    init_logs(line.log_format, level).map_err(CliError::failed)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed(format!("cannot start the runtime: {error}")))?;
    let result = runtime.block_on(async {
        match line.command {
            Command::Run(args) => run::run(*args).await,
            Command::Demo(args) => demo::demo(args, &mut secrets::stdout()).await,
            Command::Sandbox(args) => sandbox::sandbox(args, &mut secrets::stdout()).await,
            Command::Client(command) => {
                let mut out = secrets::stdout();
                let done = command.run(&mut out).await;
                out.flush()?;
                done
            }
            Command::Completions(args) => {
                completions::completions(args.shell, definitions(), &mut secrets::stdout())
            }
            Command::Man(args) => man::man(&args, definitions(), &mut secrets::stdout()),
        }
    });
    // A read that hangs must not keep the process from ending.
    runtime.shutdown_background();
    result
}
