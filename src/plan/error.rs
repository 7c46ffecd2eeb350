//! What is wrong with a plan file, and where.
//!
//! **Invariant:** every error names file, line, column, what is wrong and what would be right;
//! the errors of a file come in file order, and if some are left out, the last one says how many.
//! A warning never makes a file unusable.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Serialize;

use super::tree::Text;

/// How much of the offending text an error shows, in characters.
const SHOWN_CHARS: usize = 60;

/// The most errors that are told of one file. Whoever mends a hundred checks again; a file that
/// is no plan at all would otherwise drown the others.
pub const MAX_ERRORS: usize = 100;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file cannot be used; at the account, a rollout would stop at it, or could not start.
    Error,
    /// It would work, and probably not as meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word in front of it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One error, warning or note about a plan file. Shown as
/// ``file:line:column: problem: `found`; instead``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError {
    /// Only an error makes the file unusable.
    pub severity: Severity,
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
    /// The other place, where two places disagree.
    pub related: Option<Related>,
}

/// A place that explains an error elsewhere, perhaps in another file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The file's name as it was handed in.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The same place in bytes of its file.
    pub span: Range<usize>,
    /// What stands there.
    pub what: String,
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
#[derive(Debug, Clone, Default)]
pub(crate) struct Problems {
    found: Vec<Problem>,
    /// Warnings and notes.
    warned: Vec<Problem>,
}

#[derive(Debug, Clone)]
struct Problem {
    severity: Severity,
    at: Range<usize>,
    shown: Shown,
    problem: String,
    instead: String,
    other: Option<Other>,
}

/// Whether the text at an error is the offending one, or merely the place where one is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Text,
    Nothing,
}

/// The other place of a problem, and what stands there.
#[derive(Debug, Clone)]
pub(crate) enum Other {
    /// In the same file.
    Here { at: Range<usize>, what: String },
    /// In another file, which knows its own lines.
    Elsewhere(Related),
}

impl Problems {
    /// The text at `at` is wrong.
    pub(crate) fn wrong(
        &mut self,
        at: &Range<usize>,
        problem: impl Into<String>,
        instead: impl Into<String>,
    ) {
        self.push(at, Shown::Text, problem.into(), instead.into(), None);
    }

    /// Something is missing at `at`.
    pub(crate) fn missing(
        &mut self,
        at: &Range<usize>,
        problem: impl Into<String>,
        instead: impl Into<String>,
    ) {
        self.push(at, Shown::Nothing, problem.into(), instead.into(), None);
    }

    /// The text at `at` disagrees with what stands at another place.
    pub(crate) fn clash(
        &mut self,
        at: &Range<usize>,
        problem: impl Into<String>,
        instead: impl Into<String>,
        other: Other,
    ) {
        self.push(at, Shown::Text, problem.into(), instead.into(), Some(other));
    }

    /// The text at `at` can be used, and is probably not meant; with the other place, where two disagree.
    pub(crate) fn warn(
        &mut self,
        at: &Range<usize>,
        problem: impl Into<String>,
        instead: impl Into<String>,
        other: Option<Other>,
    ) {
        self.tell(Severity::Warning, Shown::Text, at, problem.into(), instead.into(), other);
    }

    /// What begins at `at` can be used, and is probably not meant.
    pub(crate) fn warn_at(
        &mut self,
        at: &Range<usize>,
        problem: impl Into<String>,
        instead: impl Into<String>,
    ) {
        self.tell(Severity::Warning, Shown::Nothing, at, problem.into(), instead.into(), None);
    }

    /// What follows from the text at `at`, for whoever did not think of it.
    pub(crate) fn note(&mut self, at: &Range<usize>, problem: impl Into<String>, instead: impl Into<String>) {
        self.tell(Severity::Note, Shown::Nothing, at, problem.into(), instead.into(), None);
    }

    fn tell(
        &mut self,
        severity: Severity,
        shown: Shown,
        at: &Range<usize>,
        problem: String,
        instead: String,
        other: Option<Other>,
    ) {
        self.warned.push(Problem { severity, at: at.clone(), shown, problem, instead, other });
    }

    fn push(
        &mut self,
        at: &Range<usize>,
        shown: Shown,
        problem: String,
        instead: String,
        other: Option<Other>,
    ) {
        let (severity, at) = (Severity::Error, at.clone());
        self.found.push(Problem { severity, at, shown, problem, instead, other });
    }

    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// These, and then others of the same text.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.found.extend(others.found);
        self
    }

    /// The errors in file order, at most [`MAX_ERRORS`] and then how many more there are.
    pub(crate) fn into_errors(self, file: &str, text: &Text<'_>) -> Vec<PlanError> {
        told(self.found, Severity::Error, file, text)
    }

    /// The warnings and notes in file order, bounded alike.
    pub(crate) fn into_warnings(self, file: &str, text: &Text<'_>) -> Vec<PlanError> {
        told(self.warned, Severity::Warning, file, text)
    }
}

fn told(mut found: Vec<Problem>, severity: Severity, file: &str, text: &Text<'_>) -> Vec<PlanError> {
    // Stable: of two problems at one place, the one found first comes first.
    found.sort_by_key(|problem| problem.at.start);
    let left_out = found.get(MAX_ERRORS..).unwrap_or_default();
    if let Some(first) = left_out.first() {
        let at = first.at.start..first.at.start;
        let count = left_out.len();
        let word = severity.as_str();
        let more = if count == 1 { format!("1 more {word}") } else { format!("{count} more {word}s") };
        let (problem, instead) = (format!("{more} from here on"), "mend those above first, then check again");
        let (shown, instead) = (Shown::Nothing, instead.to_owned());
        found.truncate(MAX_ERRORS);
        found.push(Problem { severity, at, shown, problem, instead, other: None });
    }
    let offsets = found.iter().flat_map(|problem| match &problem.other {
        Some(Other::Here { at, .. }) => vec![problem.at.start, at.start],
        _ => vec![problem.at.start],
    });
    let places = Places::of(text, offsets);
    found.into_iter().map(|problem| problem.into_error(file, text, &places)).collect()
}

impl Problem {
    fn into_error(self, file: &str, text: &Text<'_>, places: &Places) -> PlanError {
        let (line, column) = places.at(self.at.start);
        let related = self.other.map(|other| match other {
            Other::Elsewhere(related) => related,
            Other::Here { at, what } => places.related(file, text, &at, what),
        });
        PlanError {
            severity: self.severity,
            file: file.to_owned(),
            line,
            column,
            found: match self.shown {
                Shown::Text => first_line(text.text.get(self.at.clone()).unwrap_or_default()),
                Shown::Nothing => String::new(),
            },
            span: text.in_file(&self.at),
            problem: self.problem,
            instead: self.instead,
            related,
        }
    }
}

/// Lines and columns of some offsets of a text, found in one walk: a hostile file may have
/// thousands of errors on one line of a megabyte.
pub(crate) struct Places(BTreeMap<usize, (usize, usize)>);

impl Places {
    pub(crate) fn of(text: &Text<'_>, offsets: impl Iterator<Item = usize>) -> Self {
        let mut places: BTreeMap<usize, (usize, usize)> = offsets.map(|offset| (offset, (1, 1))).collect();
        let (mut line, mut column, mut from) = (1, 1, 0);
        for (to, place) in &mut places {
            let passed = text.text.get(from..*to).unwrap_or_default();
            for (at, char) in passed.char_indices() {
                // Of CRLF, the second byte ends the line; a lone CR ends one as well (YAML 1.2, 5.4).
                let next = text.text.as_bytes().get(from + at + 1);
                let breaks = char == '\n' || (char == '\r' && next != Some(&b'\n'));
                (line, column) = if breaks { (line + 1, 1) } else { (line, column + 1) };
            }
            from += passed.len();
            *place = (line, column);
        }
        Self(places)
    }

    /// Line and column, each from 1; of an offset that was not asked for, the beginning.
    fn at(&self, offset: usize) -> (usize, usize) {
        self.0.get(&offset).copied().unwrap_or((1, 1))
    }

    /// A place that another error can point to.
    pub(crate) fn related(&self, file: &str, text: &Text<'_>, at: &Range<usize>, what: String) -> Related {
        let (line, column) = self.at(at.start);
        Related { file: file.to_owned(), line, column, span: text.in_file(at), what }
    }
}

/// The first line of a text, cut to what an error shows, safe to print.
pub(crate) fn first_line(text: &str) -> String {
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
