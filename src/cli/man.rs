//! `ringward man`: manual pages, one for the program and one for each command.
//!
//! **Invariant:** they are made from the definitions that the command line is read by.

use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man;

use crate::cli::exit::CliError;
use crate::cli::render::Out;

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Show the page of this command; without it, the page of ringward itself
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    pub command: Option<String>,
    /// Write every page into this directory instead, which must exist
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Shows a manual page, or writes all of them.
///
/// # Errors
/// When there is no such command, or a page cannot be written.
pub fn man(args: &ManArgs, command: clap::Command, out: Out<'_>) -> Result<(), CliError> {
    let pages = pages(command);
    let Some(dir) = &args.dir else {
        let wanted = match &args.command {
            None => "ringward.1".to_owned(),
            Some(command) => format!("ringward-{command}.1"),
        };
        return match pages.iter().find(|page| page.get_filename() == wanted) {
            Some(page) => Ok(out.write_all(&rendered(page)?)?),
            None => Err(no_such_command(&pages)),
        };
    };
    for page in &pages {
        let file = dir.join(page.get_filename());
        std::fs::write(&file, rendered(page)?).map_err(|error| unwritten(&file, &error))?;
        writeln!(out, "{}", file.display())?;
    }
    Ok(())
}

/// The page of the program and those of its commands.
fn pages(command: clap::Command) -> Vec<Man> {
    let mut command = command.disable_help_subcommand(true);
    // Names the commands in full, and hands the global arguments down to them.
    command.build();
    let commands: Vec<_> = command.get_subcommands().filter(|one| !one.is_hide_set()).cloned().collect();
    let page = |command| {
        Man::new(command).source(concat!("ringward ", env!("CARGO_PKG_VERSION"))).manual("ringward")
    };
    std::iter::once(command).chain(commands).map(page).collect()
}

fn rendered(page: &Man) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    page.render(&mut bytes)?;
    Ok(bytes)
}

fn no_such_command(pages: &[Man]) -> CliError {
    let names = pages.iter().map(Man::get_filename);
    let names: Vec<_> = names
        .filter_map(|name| Some(name.strip_prefix("ringward-")?.strip_suffix(".1")?.to_owned()))
        .collect();
    CliError::usage(format!("ringward has no such command; there are {}", names.join(", ")))
}

fn unwritten(file: &Path, error: &std::io::Error) -> CliError {
    let shown = file.display();
    CliError::failed(format!("cannot write {shown}: {error}; name a directory that exists with --dir"))
}
