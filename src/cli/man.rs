//! `ringward man`: manual pages, one for the program and one for each command, and for each of its own.
//!
//! **Invariant:** they are made from the definitions that the command line is read by.

use std::path::PathBuf;

use clap::Args;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::cli::{CliError, Out};

/// As [`crate::cli::exit::Exit`] has it.
const EXIT_STATUS: &str =
    "0: done. 1: failed. 2: wrong usage or an invalid plan. 3: refused; the message names what would work.";

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/man.txt").trim_end())]
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
        if let Some(page) = pages.iter().find(|page| file_name(page) == wanted) {
            return Ok(out.write_all(&rendered(page)?)?);
        }
        let name = |page| Some(file_name(page).strip_prefix("ringward-")?.strip_suffix(".1")?.to_owned());
        let names: Vec<_> = pages.iter().filter_map(name).collect();
        let told = format!("ringward has no such command; there are {}", names.join(", "));
        return Err(CliError::usage(told));
    };
    for page in &pages {
        let file = dir.join(file_name(page));
        let shown = file.display();
        std::fs::write(&file, rendered(page)?).map_err(|error| {
            CliError::failed(format!(
                "cannot write {shown}: {error}; name a directory that exists with --dir"
            ))
        })?;
        writeln!(out, "{shown}")?;
    }
    Ok(())
}

fn file_name(command: &clap::Command) -> String {
    Man::new(command.clone()).get_filename()
}

/// The page of the program and those of its commands.
fn pages(command: clap::Command) -> Vec<clap::Command> {
    let mut command = command.disable_help_subcommand(true);
    // Names the commands in full, and hands the global arguments down to them.
    command.build();
    let mut found = vec![command];
    let mut next = 0;
    while let Some(command) = found.get(next) {
        next += 1;
        let below: Vec<_> = command.get_subcommands().filter(|one| !one.is_hide_set()).cloned().collect();
        found.extend(below);
    }
    found
}

/// A page with our own last sections: examples are shown as they are written, not as running text.
fn rendered(page: &clap::Command) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let source = concat!("ringward ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(page.clone()).source(source).manual("ringward");
    man.render_title(&mut bytes)?;
    man.render_name_section(&mut bytes)?;
    man.render_synopsis_section(&mut bytes)?;
    man.render_description_section(&mut bytes)?;
    man.render_options_section(&mut bytes)?;
    if page.has_subcommands() {
        man.render_subcommands_section(&mut bytes)?;
    }
    let after_help = page.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut end = Roff::new();
    for part in after_help.split("\n\n").filter(|part| !part.is_empty()) {
        let (title, lines) = match part.split_once('\n') {
            Some((first, rest)) if first.starts_with("Example") => ("EXAMPLES", rest),
            _ => ("NOTES", part),
        };
        end.control("SH", [title]);
        end.control("nf", []);
        for line in lines.lines() {
            end.text([roman(line)]);
        }
        end.control("fi", []);
    }
    end.control("SH", ["EXIT STATUS"]);
    end.text([roman(EXIT_STATUS)]);
    end.to_writer(&mut bytes)?;
    Ok(bytes)
}
