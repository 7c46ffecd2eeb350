//! The list of commands: the one place that knows them all.
//!
//! Parser, help, manual and completions are made from it. What a command takes stands in the command's own file, and
//! the end of its help in `help`.
//!
//! **Invariant:** nothing below this file knows a command but the command itself.

use clap::{CommandFactory as _, Parser, Subcommand};
use tracing::level_filters::LevelFilter;

use crate::access::args::{ACCESS_TOKEN_VARIABLE, AccessArgs};
use crate::cli::{
    CliError, DaemonArgs, Out, Screen, args::TOKEN_VARIABLE, backup::BackupArgs, check::CheckArgs,
    completions, demo, devices, diff, explain, forecast, healthcheck::healthcheck, history::HistoryArgs,
    init, man, run, sandbox, schema, simulate, status::StatusArgs, token, verb_command,
};
use crate::{access::access, secrets, telemetry::LogFormat, time::Clock};

/// The environment variables that hold a secret of one of the commands.
pub(super) const SECRET_VARIABLES: [&str; 3] =
    [TOKEN_VARIABLE, ACCESS_TOKEN_VARIABLE, verb_command::BEARER_TOKEN];

/// The heading of what concerns the log alone.
const LOG: &str = "Log options";

/// Moves a fleet of Cloudflare One Clients from one version to the next, ring by ring.
#[derive(Debug, Parser)]
#[command(name = "ringward", version, after_help = include_str!("help/ringward.txt").trim_end())]
pub(super) struct CommandLine {
    /// Format of the log on standard error: text or json
    #[arg(long, global = true, help_heading = LOG, value_name = "FORMAT", env = "RINGWARD_LOG_FORMAT", default_value = "text")]
    pub(super) log_format: LogFormat,
    /// Level of the log on standard error: off, error, warn, info, debug or trace
    #[arg(long, global = true, help_heading = LOG, value_name = "LEVEL", env = "RINGWARD_LOG_LEVEL")]
    pub(super) log_level: Option<LevelFilter>,
    #[command(subcommand)]
    pub(super) command: CliCommand,
}

/// The definitions of the whole command line, for completions, manual and tests.
pub fn definitions() -> clap::Command {
    CommandLine::command()
}

#[derive(Debug, Subcommand)]
pub(super) enum CliCommand {
    /// Run the daemon
    Run(Box<run::RunArgs>),
    /// Watch a plan move a simulated fleet, on a fast clock
    Demo(demo::DemoArgs),
    /// Run a simulated account alone
    Sandbox(sandbox::SandboxArgs),
    /// Show each plan, its rings and what it waits for
    Status(StatusArgs),
    /// Say why a plan does not move, and what would change it
    Explain(explain::ExplainArgs),
    /// List the devices of a plan's rings, what needs attention first
    Devices(devices::DevicesArgs),
    /// Show who did what to a plan, when and why
    History(HistoryArgs),
    /// A verb; what each takes and says stands in its definition.
    #[command(flatten)]
    Verb(verb_command::VerbCommand),
    /// Check plan files offline, or with --online against the account: all errors at once
    Check(CheckArgs),
    /// Print the JSON Schema of plan files, for editors
    Schema(schema::SchemaArgs),
    /// Write a commented starter plan from what the account has, and the daemon's ringward.yaml
    Init(init::InitArgs),
    /// Show what a plan would change at Cloudflare now; nothing is written
    Diff(Box<diff::DiffArgs>),
    /// Say when each ring and the whole rollout will be done, and what would change that
    Forecast(forecast::ForecastArgs),
    /// Run a plan against a synthetic fleet, faults included, and tell what would happen and why
    Simulate(Box<simulate::SimulateArgs>),
    /// Make, list and revoke bearer tokens, on the machine itself
    Token {
        /// What to do with them.
        #[command(subcommand)]
        command: token::TokenCommand,
    },
    /// Copy the database, checked, while the daemon runs or not
    Backup(BackupArgs),
    /// Keep the permission policies of User Groups as a file says, with a token of its own
    Access(Box<AccessArgs>),
    /// Say whether the daemon is well: it answers, and has decided within three minutes
    #[command(after_help = include_str!("help/healthcheck.txt").trim_end())]
    Healthcheck(DaemonArgs),
    /// Write what a shell needs to complete ringward's commands
    Completions(completions::CompletionsArgs),
    /// Show the manual, or write it as man pages
    Man(man::ManArgs),
}

impl CliCommand {
    /// What its log holds unless told otherwise: only the daemon tells its doings, a command speaks through its
    /// output.
    pub(super) const fn log_level(&self) -> LevelFilter {
        match self {
            Self::Run(_) => LevelFilter::INFO,
            Self::Demo(_) | Self::Sandbox(_) => LevelFilter::WARN,
            _ => LevelFilter::OFF,
        }
    }

    /// Does it, writing to `out`.
    ///
    /// # Errors
    /// When it was not done; the error has message and exit code.
    pub(super) async fn run(self, out: Out<'_>) -> Result<(), CliError> {
        let screen = Screen::of_stdout();
        match self {
            Self::Run(args) => run::run(*args).await,
            Self::Demo(args) => demo::demo(args, out).await,
            Self::Sandbox(args) => sandbox::sandbox(args, out).await,
            Self::Status(args) => args.run(out).await,
            Self::Explain(args) => {
                explain::explain(&args.read.connection(), &args.plan, args.read.format(), &screen, out).await
            }
            Self::Devices(args) => {
                let at = args.read.connection();
                devices::devices(&at, &args.plan, &args.filter, args.read.format(), &screen, out).await
            }
            Self::History(args) => args.run(out),
            Self::Verb(verb) => verb.run(out).await,
            Self::Check(args) => args.run(out).await,
            Self::Schema(args) => schema::schema(&args, out),
            Self::Init(args) => init::init(&args, out, &mut secrets::stderr()).await,
            Self::Diff(args) => diff::diff(&args, screen.ink, out).await,
            Self::Forecast(args) => forecast::forecast(&args, Clock::Real.now(), &screen, out).await,
            Self::Simulate(args) => simulate::simulate(&args, args.clock().now(), &screen, out).await,
            Self::Token { command } => token::token(command, out, &mut secrets::stderr()).await,
            Self::Backup(args) => args.run(out),
            Self::Access(args) => access(&args, &screen, out).await,
            Self::Healthcheck(daemon) => healthcheck(&daemon.connection(), out).await,
            Self::Completions(args) => completions::completions(args.shell, definitions(), out),
            Self::Man(args) => man::man(&args, definitions(), out),
        }
    }
}

#[cfg(test)]
mod tests;
