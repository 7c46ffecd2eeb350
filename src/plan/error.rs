//! What is wrong with a plan file, and where.
//!
//! **Invariant:** every error names file, line, column, what is wrong and what would be right;
//! the errors of a file come in file order.

use std::fmt;
use std::ops::Range;

/// How much of the offending text an error shows, in characters.
const SHOWN_CHARS: usize = 60;

/// One error in a plan file. Shown as ``file:line:column: problem: `found`; instead``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError {
    /// The file's name as it was handed in.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The same place in bytes of the file, for excerpts.
    pub span: Range<usize>,
    /// The first line of the offending text, cut to 60 characters; empty when something is
    /// missing.
    pub found: String,
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub instead: String,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.problem)?;
        if !self.found.is_empty() {
            write!(f, ": `{}`", self.found)?;
        }
        write!(f, "; {}", self.instead)
    }
}

impl std::error::Error for PlanError {}

/// Collects what is wrong with one file while it is read.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
}

#[derive(Debug)]
struct Problem {
    at: Range<usize>,
    shown: Shown,
    problem: String,
    instead: String,
}

/// Whether the text at an error is the offending one, or merely the place where one is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Text,
    Nothing,
}

impl Problems {
    /// The text at `at` is wrong.
    pub(super) fn wrong(
        &mut self,
        at: &Range<usize>,
        problem: impl Into<String>,
        instead: impl Into<String>,
    ) {
        self.push(at, Shown::Text, problem.into(), instead.into());
    }

    /// Something is missing at `at`.
    pub(super) fn missing(
        &mut self,
        at: &Range<usize>,
        problem: impl Into<String>,
        instead: impl Into<String>,
    ) {
        self.push(at, Shown::Nothing, problem.into(), instead.into());
    }

    fn push(&mut self, at: &Range<usize>, shown: Shown, problem: String, instead: String) {
        self.found.push(Problem { at: at.clone(), shown, problem, instead });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The errors in file order. `text` is the file without a byte order mark, which was
    /// `skipped` bytes long; the problems' places are places in `text`.
    pub(super) fn into_errors(mut self, file: &str, text: &str, skipped: usize) -> Vec<PlanError> {
        // Stable: of two problems at one place, the one found first comes first.
        self.found.sort_by_key(|problem| problem.at.start);
        // One walk over the text for all of them: a hostile file may have thousands on one line.
        let mut place = Place { line: 1, column: 1, offset: 0 };
        self.found
            .into_iter()
            .map(|problem| {
                place.advance(text, problem.at.start);
                PlanError {
                    file: file.to_owned(),
                    line: place.line,
                    column: place.column,
                    span: problem.at.start + skipped..problem.at.end + skipped,
                    found: match problem.shown {
                        Shown::Text => first_line(text.get(problem.at).unwrap_or_default()),
                        Shown::Nothing => String::new(),
                    },
                    problem: problem.problem,
                    instead: problem.instead,
                }
            })
            .collect()
    }
}

struct Place {
    line: usize,
    column: usize,
    offset: usize,
}

impl Place {
    fn advance(&mut self, text: &str, to: usize) {
        let passed = text.get(self.offset..to).unwrap_or_default();
        let mut chars = passed.chars().peekable();
        while let Some(char) = chars.next() {
            let breaks = char == '\n' || (char == '\r' && chars.peek() != Some(&'\n'));
            if breaks {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.offset += passed.len();
    }
}

/// The first line of a text, cut to what an error shows, safe to print.
pub(super) fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim_end();
    let mut shown: String = line
        .chars()
        .take(SHOWN_CHARS)
        .map(|char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char })
        .collect();
    if line.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}
