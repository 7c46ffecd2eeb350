//! The commands beside a daemon, against a scripted daemon on a Unix socket, against databases
//! and against plan files; their texts are kept under `tests/cli/golden`.
//!
//! `UPDATE_GOLDEN=1 cargo test --test cli` writes the texts anew; read the diff.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test's helper fails as the test does")]

mod access;
mod answers;
mod confirming;
mod copies;
mod deciding;
mod definitions;
mod diff;
mod endings;
mod explaining;
mod far;
mod former;
mod health;
mod init;
mod log;
mod online;
mod plans;
mod reading;
mod server;
mod simulating;
mod stopping;
mod tokens;
mod upgrading;
mod watching;

use std::fs;
use std::path::{Path, PathBuf};

use ringward::cli::exit::{CliError, Exit};
use ringward::cli::judgement::CheckHow;
use ringward::cli::render::Format;
use ringward::cli::screen::{Glyphs, Ink, Screen, Surface};
use ringward::ids::{PlanName, RingName};
use ringward::time::Timestamp;

/// A terminal as most are.
const SCREEN: Screen =
    Screen { columns: 80, surface: Surface::Terminal { rows: 24 }, glyphs: Glyphs::Unicode, ink: Ink::Plain };

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn plan(name: &str) -> PlanName {
    PlanName::new(name).unwrap()
}

fn ring(name: &str) -> RingName {
    RingName::new(name).unwrap()
}

/// Plan files checked as `check` does it unless told otherwise.
const fn how(format: Format) -> CheckHow {
    CheckHow { format, strict: false, summary: false }
}

/// What a command wrote, and how it ended, as a person sees both; `hide` is a path that differs
/// from run to run.
fn seen(out: &[u8], result: Result<(), CliError>, hide: &Path) -> String {
    let mut text = String::from_utf8(out.to_vec()).unwrap();
    if let Err(error) = result {
        text.push_str(&format!("ringward: {error}\n(exit {})\n", error.exit() as i32));
    }
    text.replace(&hide.display().to_string(), "DIR")
}

/// The error and exit of a command that wrote nothing.
fn refused(out: &[u8], result: Result<(), CliError>) -> (Exit, String) {
    let error = result.expect_err("a command that fails");
    assert_eq!(String::from_utf8_lossy(out), "", "a failure writes nothing to standard output");
    (error.exit(), error.to_string())
}

/// Compares with the text that is kept.
fn golden(name: &str, found: &str) {
    let path = here("tests/cli/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, found).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, kept, "{name} differs; UPDATE_GOLDEN=1 writes it anew");
    assert!(!found.chars().any(|char| char.is_control() && char != '\n'), "{name} holds a control character");
}
