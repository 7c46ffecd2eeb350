//! How a command ends: exit codes, and errors for the person at the terminal.
//!
//! **Invariant:** every failure has one exit code and a message; whoever closes our output early
//! (`| head`) has seen enough, which is no failure.

use std::error::Error;
use std::io::{self, Write as _};

use crate::{cli::safe, secrets, text::in_full};

/// The exit codes, which are promises: scripts rest on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Wrong usage, or an invalid plan.
    Usage = 2,
    /// Refused; the message names what would work.
    Refused = 3,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        // The enum's numbers are the codes.
        Self::from(exit as u8)
    }
}

/// A command that did not do what was asked. Its message says what, why and what to do: first itself and then each
/// cause, unless the message tells it already. So it has no source.
#[derive(Debug, thiserror::Error)]
#[error("{}", in_full(&**why))]
pub struct CliError {
    exit: Exit,
    why: Box<dyn Error + Send + Sync>,
}

impl CliError {
    /// It failed.
    pub fn failed(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit: Exit::Failed, why: why.into() }
    }

    /// It was asked for in a way that cannot work, or a plan is invalid.
    pub fn usage(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit: Exit::Usage, why: why.into() }
    }

    /// It was refused; the message names what would work.
    pub fn refused(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit: Exit::Refused, why: why.into() }
    }

    /// The same end, told in other words.
    #[must_use = "it returns the changed one"]
    pub fn with_message(self, message: String) -> Self {
        Self { why: message.into(), ..self }
    }

    /// The exit code.
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// Whether there is nothing to say: the reader of our output went away.
    pub fn is_quiet(&self) -> bool {
        self.exit == Exit::Done
    }
}

/// An error while writing the output; all other failures of input and output are named by those
/// who meet them.
impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        let exit = if error.kind() == io::ErrorKind::BrokenPipe { Exit::Done } else { Exit::Failed };
        Self { exit, why: format!("cannot write the output: {error}").into() }
    }
}

/// Says on standard error why a command did not do what was asked, and gives the exit code.
pub fn conclude(result: Result<(), CliError>) -> Exit {
    match result {
        Ok(()) => Exit::Done,
        Err(error) => {
            if !error.is_quiet() {
                // Nobody is there to be told when it cannot be written.
                let _ = writeln!(secrets::stderr(), "ringward: {}", for_terminal(&error.to_string()));
            }
            error.exit()
        }
    }
}

/// A message as it is printed: its lines and their indents stay, control characters do not, for it may
/// repeat a path, a file or an answer.
fn for_terminal(message: &str) -> String {
    let shown = message.lines().map(|line| {
        let words = line.trim_start_matches(' ');
        format!("{}{}", &line[..line.len() - words.len()], safe(words))
    });
    shown.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    #[test]
    fn an_error_tells_its_causes_once_and_has_its_code() {
        let rows = [
            ("a text", CliError::usage("no such flag"), Exit::Usage, "no such flag"),
            ("a cause", CliError::failed(Outer(io::Error::other("inner"))), Exit::Failed, "outer: inner"),
            ("refused", CliError::refused("not now"), Exit::Refused, "not now"),
            (
                "output",
                io::Error::other("disk full").into(),
                Exit::Failed,
                "cannot write the output: disk full",
            ),
        ];
        for (row, error, exit, text) in rows {
            assert_eq!((error.exit(), error.to_string().as_str()), (exit, text), "{row}");
            assert!(!error.is_quiet(), "{row}");
            assert_eq!(conclude(Err(error)), exit, "{row}");
        }
    }

    #[test]
    fn a_message_keeps_its_lines_and_loses_control_characters() {
        let rows = [
            ("plain", "cannot read x: no such file", "cannot read x: no such file"),
            ("lines", "two errors:\n  a.yaml:1\n    why", "two errors:\n  a.yaml:1\n    why"),
            ("a title for the terminal", "no file \u{1b}]0;x\u{7}", "no file \u{fffd}]0;x\u{fffd}"),
            ("over what stands there", "a\rb\u{9b}2K", "a\u{fffd}b\u{fffd}2K"),
            ("reading direction", "  a\u{202e}b", "  a\u{fffd}b"),
        ];
        for (row, message, shown) in rows {
            assert_eq!(for_terminal(message), shown, "{row}");
        }
    }

    #[test]
    fn a_broken_pipe_ends_quietly() {
        let error = CliError::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(error.is_quiet());
        assert_eq!(conclude(Err(error)), Exit::Done);
    }
}
