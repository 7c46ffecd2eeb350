//! `ringward schema`: what a plan file may hold, for editors, and the references for people.
//!
//! **Invariant:** it needs neither daemon nor account, and says the same on every machine.

use clap::Args;

use crate::cli::{CliError, Out, json};
use crate::plan::{json_schema, markdown};
use crate::rollout::people::verbs::rows;

/// Arguments of `schema`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/schema.txt").trim_end())]
pub struct SchemaArgs {
    /// Print the reference for people instead, as in docs/plan.md
    #[arg(long)]
    pub markdown: bool,
    /// Print what each verb comes to in each situation, as in docs/verbs.md
    #[arg(long, conflicts_with = "markdown")]
    pub verbs: bool,
}

/// Prints the schema.
///
/// # Errors
/// When it cannot be written.
pub fn schema(args: &SchemaArgs, out: Out<'_>) -> Result<(), CliError> {
    if args.verbs {
        write!(out, "{}", rows::markdown())?;
    } else if args.markdown {
        write!(out, "{}", markdown())?;
    } else {
        json(out, &json_schema())?;
    }
    Ok(())
}
