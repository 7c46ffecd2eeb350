//! What `check --json` says.
//!
//! **Invariant:** a promise: names and kinds of these fields change only with the help of `check`.

use std::ops::Range;

use serde::Serialize;

use crate::cli::judgement::file::FileErrors;
use crate::cli::judgement::files::JudgedFiles;
use crate::cli::judgement::summary::Summary;
use crate::plan::{PlanError, Severity};
use crate::rollout::event::RolloutId;
use crate::time::Timestamp;

/// What `check --json` says of one file.
#[derive(Debug, Serialize)]
pub(crate) struct FileJson<'a> {
    file: &'a str,
    /// Each error on one line, for people.
    errors: Vec<String>,
    /// The same errors in parts, for editors and annotations.
    diagnostics: Vec<DiagnosticJson<'a>>,
    /// What is probably not meant, or worth knowing, in a file that can be used.
    warnings: Vec<DiagnosticJson<'a>>,
    plan: Option<Summary<'a>>,
    /// The rollout that runs and enters nothing with this file, by the daemon's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    holds_up: Option<String>,
    /// Why it is passed over, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

/// One error or warning in parts. Line, column and span are null where the path itself is wrong.
#[derive(Debug, Serialize)]
struct DiagnosticJson<'a> {
    severity: Severity,
    file: &'a str,
    /// From 1.
    line: Option<usize>,
    /// From 1, in characters.
    column: Option<usize>,
    span: Option<SpanJson>,
    problem: &'a str,
    /// The offending text; empty where something is missing.
    found: &'a str,
    instead: &'a str,
    related: Option<RelatedJson<'a>>,
}

/// A range of bytes of a file, the end excluded.
#[derive(Debug, Serialize)]
struct SpanJson {
    start: usize,
    end: usize,
}

#[derive(Debug, Serialize)]
struct RelatedJson<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    span: SpanJson,
    what: &'a str,
}

impl From<&Range<usize>> for SpanJson {
    fn from(span: &Range<usize>) -> Self {
        Self { start: span.start, end: span.end }
    }
}

impl JudgedFiles {
    /// All of them for programs.
    pub(crate) fn in_json(&self, now: Timestamp) -> Vec<FileJson<'_>> {
        let plans = self.files.iter().map(|judged| {
            let good = judged.outcome.as_ref().ok();
            let plan = good.map(|good| Summary::of(&good.revision, now));
            let warnings = good.map_or(&[][..], |good| &good.warnings);
            let told = FileJson::of(&judged.file, judged.outcome.as_ref().err(), plan).warned(warnings);
            told.holding_up(judged.holds_up.as_ref())
        });
        let others = self.configurations.iter();
        let others = others.map(|judged| FileJson::of(&judged.file, judged.outcome.as_ref().err(), None));
        let passed_over = self.passed_over.iter().map(|(file, why)| FileJson::passed_over(file, why));
        plans.chain(others).chain(passed_over).collect()
    }
}

impl<'a> FileJson<'a> {
    fn of(file: &'a str, refused: Option<&'a FileErrors>, plan: Option<Summary<'a>>) -> Self {
        let (errors, diagnostics) = match refused {
            None => (Vec::new(), Vec::new()),
            Some(FileErrors::Path(why)) => (vec![why.clone()], vec![DiagnosticJson::of_path(file, why)]),
            Some(FileErrors::Plan(errors)) => (
                errors.iter().map(ToString::to_string).collect(),
                errors.iter().map(DiagnosticJson::of).collect(),
            ),
        };
        Self { file, errors, diagnostics, warnings: Vec::new(), plan, holds_up: None, note: None }
    }

    /// A file that is passed over, and why.
    fn passed_over(file: &'a str, why: &'a str) -> Self {
        Self { note: Some(why), ..Self::of(file, None, None) }
    }

    /// The same with the rollout that it holds up.
    fn holding_up(self, rollout: Option<&RolloutId>) -> Self {
        Self { holds_up: rollout.map(ToString::to_string), ..self }
    }

    /// The same with what is to be known of a good file.
    fn warned(self, warnings: &'a [PlanError]) -> Self {
        Self { warnings: warnings.iter().map(DiagnosticJson::of).collect(), ..self }
    }
}

impl<'a> DiagnosticJson<'a> {
    fn of(error: &'a PlanError) -> Self {
        Self {
            severity: error.severity,
            file: &error.file,
            line: Some(error.line),
            column: Some(error.column),
            span: Some((&error.span).into()),
            problem: &error.problem,
            found: &error.found,
            instead: &error.instead,
            related: error.related.as_ref().map(|other| RelatedJson {
                file: &other.file,
                line: other.line,
                column: other.column,
                span: (&other.span).into(),
                what: &other.what,
            }),
        }
    }

    fn of_path(file: &'a str, why: &'a str) -> Self {
        let (line, column, span) = (None, None, None);
        let severity = Severity::Error;
        Self { severity, file, line, column, span, problem: why, found: "", instead: "", related: None }
    }
}
