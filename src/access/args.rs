//! The arguments of `access` and its verbs.
//!
//! **Invariant:** neither the daemon's token nor its file is ever taken for the one that may change who may
//! do what.

use std::path::PathBuf;

use clap::{Arg, Args, Subcommand};

use crate::cli::value_parsers::REASON;
use crate::cli::{ConnectionArgs, DaemonArgs, JsonArgs};

/// The environment variable that holds the token.
pub const ACCESS_TOKEN_VARIABLE: &str = "CLOUDFLARE_ACCESS_TOKEN";
/// The one that names its file.
const TOKEN_FILE_VARIABLE: &str = "RINGWARD_ACCESS_TOKEN_FILE";

/// Arguments of `access`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("../cli/help/access.txt").trim_end())]
pub struct AccessArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: AccessVerb,
}

/// What `access` can do.
#[derive(Debug, Subcommand)]
pub enum AccessVerb {
    /// List User Groups with their policies; of one group, its members too
    List(AccessListArgs),
    /// List the account's permission groups: the roles that a policy can name
    Roles(RolesArgs),
    /// Show what a file would change; nothing is written
    Diff(AccessDiffArgs),
    /// Give the groups of a file the policies that it says, and read them back
    Apply(ApplyArgs),
    /// Take all policies from a group; its members stay
    Reset(ResetArgs),
}

/// How to reach the account with the token of `access`.
#[derive(Debug, Args)]
#[command(mut_arg("token_file", its_own))]
pub struct AccessConnection {
    /// The flags.
    #[command(flatten)]
    pub reach: ConnectionArgs,
}

/// `--token-file` without the variable of the daemon's file.
fn its_own(arg: Arg) -> Arg {
    arg.env(TOKEN_FILE_VARIABLE)
        .help("File that holds the token for access; without it, it is taken from CLOUDFLARE_ACCESS_TOKEN")
}

/// Arguments of `access list`.
#[derive(Debug, Args)]
pub struct AccessListArgs {
    /// Only this group, by name or ID, with its members
    #[arg(value_name = "GROUP")]
    pub group: Option<String>,
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
    /// How to reach the account.
    #[command(flatten)]
    pub connection: AccessConnection,
}

/// Arguments of `access roles`.
#[derive(Debug, Args)]
pub struct RolesArgs {
    /// Only roles with this in their name, upper and lower case aside
    #[arg(long, value_name = "TEXT")]
    pub like: Option<String>,
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
    /// How to reach the account.
    #[command(flatten)]
    pub connection: AccessConnection,
}

/// Arguments of `access diff`.
#[derive(Debug, Args)]
pub struct AccessDiffArgs {
    /// The file, such as access.yaml
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
    /// How to reach the account.
    #[command(flatten)]
    pub connection: AccessConnection,
}

/// Arguments of `access apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The file, such as access.yaml
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = REASON)]
    pub reason: String,
    /// Whose log is told.
    #[command(flatten)]
    pub daemon: DaemonArgs,
    /// How to reach the account.
    #[command(flatten)]
    pub connection: AccessConnection,
}

/// Arguments of `access reset`.
#[derive(Debug, Args)]
pub struct ResetArgs {
    /// The group, by name or ID
    #[arg(value_name = "GROUP")]
    pub group: String,
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = REASON)]
    pub reason: String,
    /// Whose log is told.
    #[command(flatten)]
    pub daemon: DaemonArgs,
    /// How to reach the account.
    #[command(flatten)]
    pub connection: AccessConnection,
}
