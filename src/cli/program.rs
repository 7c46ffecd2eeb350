//! The program: reads the command line, does what it says, and ends with an exit code.
//!
//! **Invariant:** no secret of the environment is said by any command but the one that makes it.

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue};

use crate::cli::commands::{CliCommand, CommandLine, SECRET_VARIABLES};
use crate::rollout::people::verbs::former::called_before;
use crate::{cli::CliError, cli::exit::conclude, secrets, telemetry::init_logs};

/// The program: reads the command line, does it, and gives the exit code.
pub fn main() -> ExitCode {
    conclude(read().and_then(start)).into()
}

/// The command line. Help, a version and a wrong use end the process here, as clap tells them.
fn read() -> Result<CommandLine, CliError> {
    CommandLine::try_parse().map_err(|error| match renamed(&error) {
        Some(told) => CliError::usage(told),
        None => error.exit(),
    })
}

/// What a verb is called now that is asked for by the name it had before.
fn renamed(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(former)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let verb = called_before(former)?;
    Some(format!("{former} is called {} now: {}", verb.as_str(), verb.usage()))
}

/// Secrets that this process has been given, whether the command uses them or not. What is too short
/// to be one is refused by whoever uses it.
fn register_environment() {
    for variable in SECRET_VARIABLES {
        let token = std::env::var(variable).unwrap_or_default();
        let _ = secrets::register(&token.trim().into());
    }
}

fn start(line: CommandLine) -> Result<(), CliError> {
    let level = line.log_level.unwrap_or(line.command.log_level());
    // A sandbox prints a token, and may be given the same by its environment.
    if !matches!(line.command, CliCommand::Sandbox(_)) {
        register_environment();
    }
    init_logs(line.log_format, level).map_err(CliError::failed)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed(format!("cannot start the runtime: {error}")))?;
    let result = runtime.block_on(async {
        let mut out = secrets::stdout();
        let done = line.command.run(&mut out).await;
        out.flush()?;
        done
    });
    // A read that hangs must not keep the process from ending.
    runtime.shutdown_background();
    result
}
