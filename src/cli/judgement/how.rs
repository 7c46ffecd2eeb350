//! How judged files are told: whole or on one screen each, to people or programs.
//!
//! **Invariant:** it changes nothing of the judgement but whether a warning is an error.

use std::io;

use crate::cli::{Format, Ink, Out, judgement::files::JudgedFiles};
use crate::time::Timestamp;

/// How files are judged and told.
#[derive(Debug, Clone, Copy)]
pub struct CheckHow {
    /// For whom.
    pub format: Format,
    /// Whether a warning is an error.
    pub strict: bool,
    /// Whether each plan takes one screen; JSON has all of it either way.
    pub summary: bool,
}

impl CheckHow {
    /// Shows files to people.
    pub(in crate::cli) fn show(
        self,
        judgement: &JudgedFiles,
        out: Out<'_>,
        now: Timestamp,
        ink: Ink,
    ) -> io::Result<()> {
        if self.summary { judgement.show_brief(out, now, ink) } else { judgement.show(out, now, ink) }
    }
}
