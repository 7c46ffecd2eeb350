//! What is wrong with a plan file, and where.
//!
//! **Invariant:** every error names file, line, column, what is wrong and what would be right;
//! the errors of a file come in file order, and if some are left out, the last one says how many.
//! A warning never makes a file unusable.

use std::collections::HashMap;
use std::ops::Range;

use serde::Serialize;

use crate::plan::Advice;
use crate::plan::places::{Places, Related, Text, first_line};
use crate::text::worded;

/// The most errors that are told of one file. Whoever fixes a hundred checks again; a file that
/// is no plan at all would otherwise drown the others.
pub const MAX_ERRORS: usize = 100;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file cannot be used; at the account, a rollout would stop at it, or could not start.
    Error,
    /// It would work, and probably not as meant.
    Warning,
    /// Worth knowing.
    Note,
}

worded!(Severity);

/// One error, warning or note about a plan file. Shown as
/// ``file:line:column: problem: `found`; instead``.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{file}:{line}:{column}: {problem}{}; {instead}", beside_problem(.found))]
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
    /// What is wrong.
    pub problem: String,
    /// The first line of the offending text, cut to 60 characters; empty when something is
    /// missing.
    pub found: String,
    /// What would be right.
    pub instead: String,
    /// Texts that would be right in place of the offending one, as YAML: one where it is clear what is meant, several
    /// where it can be read in several ways.
    pub fixes: Vec<String>,
    /// The other place, where two places disagree.
    pub related: Option<Related>,
}

/// The offending text within the message of its error.
fn beside_problem(found: &str) -> String {
    if found.is_empty() { String::new() } else { format!(": `{found}`") }
}

/// A place in the text of a file, in bytes.
type At = Range<usize>;

/// Collects what is wrong with one file while it is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Problems {
    found: Vec<NotedProblem>,
    /// Warnings and notes.
    warned: Vec<NotedProblem>,
}

#[derive(Debug, Clone)]
struct NotedProblem {
    severity: Severity,
    at: Range<usize>,
    /// Whether the text at the place is the offending one, and not merely where one is missing.
    shows_text: bool,
    problem: String,
    instead: Advice,
    other: Option<Other>,
}

/// The other place of a problem, and what stands there.
#[derive(Debug, Clone)]
pub(crate) enum Other {
    /// In the same file.
    Here { at: Range<usize>, what: String },
    /// In another file, which knows its own lines.
    Elsewhere(Related),
}

impl Other {
    /// A place where the same text stands already.
    pub(crate) fn already(at: &At, text: &str) -> Self {
        Self::Here { at: at.clone(), what: format!("`{}` is here already", first_line(text)) }
    }
}

impl Problems {
    /// The text at `at` is wrong.
    pub(crate) fn wrong(&mut self, at: &At, problem: impl Into<String>, instead: impl Into<Advice>) {
        self.found.push(NotedProblem::of(Severity::Error, at, problem, instead));
    }

    /// Something is missing at `at`.
    pub(crate) fn missing(&mut self, at: &At, problem: impl Into<String>, instead: impl Into<Advice>) {
        let noted = NotedProblem::of(Severity::Error, at, problem, instead);
        self.found.push(NotedProblem { shows_text: false, ..noted });
    }

    /// The text at `at` disagrees with what stands at another place.
    pub(crate) fn clash(
        &mut self,
        at: &At,
        problem: impl Into<String>,
        instead: impl Into<Advice>,
        other: Other,
    ) {
        let noted = NotedProblem::of(Severity::Error, at, problem, instead);
        self.found.push(NotedProblem { other: Some(other), ..noted });
    }

    /// The text at `at` can be used, and is probably not meant; with the other place, where two disagree.
    pub(crate) fn warn(
        &mut self,
        at: &At,
        problem: impl Into<String>,
        instead: impl Into<Advice>,
        other: Option<Other>,
    ) {
        let noted = NotedProblem::of(Severity::Warning, at, problem, instead);
        self.warned.push(NotedProblem { other, ..noted });
    }

    /// What begins at `at` can be used, and is probably not meant.
    pub(crate) fn warn_at(&mut self, at: &At, problem: impl Into<String>, instead: impl Into<Advice>) {
        let noted = NotedProblem::of(Severity::Warning, at, problem, instead);
        self.warned.push(NotedProblem { shows_text: false, ..noted });
    }

    /// What follows from the text at `at`, for whoever did not think of it.
    pub(crate) fn note(&mut self, at: &At, problem: impl Into<String>, instead: impl Into<Advice>) {
        let noted = NotedProblem::of(Severity::Note, at, problem, instead);
        self.warned.push(NotedProblem { shows_text: false, ..noted });
    }

    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The errors: where each is, and what is wrong.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&At, &str)> {
        self.found.iter().map(|noted| (&noted.at, noted.problem.as_str()))
    }

    /// Tells what explains an error in place of it, and once where it explains several.
    pub(crate) fn explain(&mut self, explained: impl Fn(&At, &str) -> Option<(At, String, String)>) {
        let mut told: Vec<String> = Vec::new();
        self.found.retain_mut(|noted| match explained(&noted.at, &noted.problem) {
            None => true,
            Some((_, problem, _)) if told.contains(&problem) => false,
            Some((at, problem, instead)) => {
                told.push(problem.clone());
                *noted = NotedProblem::of(Severity::Error, &at, problem, instead);
                true
            }
        });
    }

    /// These, and then others of the same text.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.found.extend(others.found);
        self.warned.extend(others.warned);
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

/// From so many places with the same text and the same fault on, they are told as one.
const MANY: usize = 4;

/// Leaves of what is said of one text in many places the first, which tells how many there are.
fn joined(found: Vec<NotedProblem>, text: &Text<'_>) -> Vec<NotedProblem> {
    let cause = |noted: &NotedProblem| {
        let one = noted.shows_text && noted.other.is_none();
        one.then(|| (noted.problem.clone(), noted.instead.words.clone(), text.first_line(&noted.at)))
    };
    let mut places: HashMap<_, usize> = HashMap::new();
    for cause in found.iter().filter_map(cause) {
        *places.entry(cause).or_default() += 1;
    }
    let mut joined: Vec<NotedProblem> = Vec::new();
    for mut noted in found {
        if let Some(cause) = cause(&noted)
            && let Some(count) = places.get_mut(&cause)
        {
            // Told already.
            if *count == 0 {
                continue;
            }
            if *count >= MANY {
                noted.instead = noted.instead.and(&format!(" (the same in {} more places)", *count - 1));
                *count = 0;
            }
        }
        joined.push(noted);
    }
    joined
}

fn told(mut found: Vec<NotedProblem>, severity: Severity, file: &str, text: &Text<'_>) -> Vec<PlanError> {
    // Stable: of two problems at one place, the one found first comes first.
    found.sort_by_key(|problem| problem.at.start);
    let mut found = joined(found, text);
    let left_out = found.get(MAX_ERRORS..).unwrap_or_default();
    if let Some(first) = left_out.first() {
        let at = first.at.start..first.at.start;
        let count = left_out.len();
        let word = severity.as_str();
        let more = if count == 1 { format!("1 more {word}") } else { format!("{count} more {word}s") };
        let instead = "fix those above first, then check again";
        let noted = NotedProblem::of(severity, &at, format!("{more} from here on"), instead);
        found.truncate(MAX_ERRORS);
        found.push(NotedProblem { shows_text: false, ..noted });
    }
    let offsets = found.iter().flat_map(|problem| match &problem.other {
        Some(Other::Here { at, .. }) => vec![problem.at.start, at.start],
        _ => vec![problem.at.start],
    });
    let places = Places::of(text, offsets);
    found.into_iter().map(|problem| problem.into_error(file, text, &places)).collect()
}

impl NotedProblem {
    /// One that shows the text at `at`, and no other place.
    fn of(severity: Severity, at: &At, problem: impl Into<String>, instead: impl Into<Advice>) -> Self {
        let (problem, instead) = (problem.into(), instead.into());
        Self { severity, at: at.clone(), shows_text: true, problem, instead, other: None }
    }

    fn into_error(self, file: &str, text: &Text<'_>, places: &Places) -> PlanError {
        let (line, column) = places.at(self.at.start);
        let Advice { words: instead, fixes } = self.instead;
        let related = self.other.map(|other| match other {
            Other::Elsewhere(related) => related,
            Other::Here { at, what } => places.related(file, text, &at, what),
        });
        PlanError {
            severity: self.severity,
            file: file.to_owned(),
            line,
            column,
            found: if self.shows_text { text.first_line(&self.at) } else { String::new() },
            span: text.in_file(&self.at),
            problem: self.problem,
            instead,
            fixes,
            related,
        }
    }
}
