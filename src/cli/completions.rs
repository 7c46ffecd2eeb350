//! `ringward completions`: what a shell needs to complete our command line.
//!
//! **Invariant:** it is made from the definitions that the command line is read by.

use clap::Args;
use clap_complete::Shell;

use crate::cli::{CliError, Out};

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/completions.txt").trim_end())]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Writes the completions of `command` for a shell.
///
/// # Errors
/// When they cannot be written.
pub fn completions(shell: Shell, mut command: clap::Command, out: Out<'_>) -> Result<(), CliError> {
    let name = command.get_name().to_owned();
    // Into memory first: the generator panics when its output goes away.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    Ok(out.write_all(&script)?)
}
