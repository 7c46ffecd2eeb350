//! `ringward.yaml`: what a daemon is told beside its plans, above all who may ask it for what.
//!
//! It is written in the language of plan files and read with their tree, so a file with an error says
//! all of its errors at once, each with its place. Flags and the environment override it.
//!
//! **Invariant:** a file with an error gives no configuration, and no part of one.

mod keys;
mod model;
#[cfg(test)]
mod tests;
mod values;

use crate::plan::tree::{self, FileKind};
use crate::plan::{PlanError, Problems};

pub use model::{AccessApplication, ClockTrust, Config, MayRead, Operators, RunSettings};
pub use values::{Audience, CertsUrl, HostName, InvalidAccess, Listen, NoHostName, NoPlace, TeamName};

/// The name under which a daemon looks for it, beside its database.
pub const FILE_NAME: &str = "ringward.yaml";

/// What is said of a file that is none.
const CONFIG_FILE: FileKind = FileKind {
    what: "configuration",
    begin: "begin with a key, such as `reading: signed_in`, or name no file",
    instead_of_anchors: "",
};

/// Reads a configuration; `file` is the name that errors show.
///
/// # Errors
/// One syntax error, or all structural and semantic errors in file order.
pub fn read(file: &str, bytes: &[u8]) -> Result<Config, Vec<PlanError>> {
    let mut problems = Problems::default();
    let (text, root) = tree::read_bytes(bytes, &CONFIG_FILE, &mut problems);
    match root.and_then(|root| keys::config(&root, &mut problems)) {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(problems.into_errors(file, &text)),
    }
}
