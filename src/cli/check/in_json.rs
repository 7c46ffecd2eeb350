//! What `check --json` says.
//!
//! **Invariant:** a promise: names and kinds of these fields change only with the help of `check`.

use std::ops::Range;

use serde::Serialize;

use super::Refused;
use super::summary::Summary;
use crate::plan::{PlanError, Severity};
use crate::rollout::record::RolloutId;

/// What `check --json` says of one file.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct FileJson<'a> {
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

impl<'a> FileJson<'a> {
    pub(super) fn of(file: &'a str, refused: Option<&'a Refused>, plan: Option<Summary<'a>>) -> Self {
        let (errors, diagnostics) = match refused {
            None => (Vec::new(), Vec::new()),
            Some(Refused::Path(why)) => (vec![why.clone()], vec![DiagnosticJson::of_path(file, why)]),
            Some(Refused::Plan(errors)) => (
                errors.iter().map(ToString::to_string).collect(),
                errors.iter().map(DiagnosticJson::of).collect(),
            ),
        };
        Self { file, errors, diagnostics, warnings: Vec::new(), plan, holds_up: None, note: None }
    }

    /// A file that is passed over, and why.
    pub(super) fn passed_over(file: &'a str, why: &'a str) -> Self {
        Self { note: Some(why), ..Self::of(file, None, None) }
    }

    /// The same with the rollout that it holds up.
    pub(super) fn holding_up(self, rollout: Option<&RolloutId>) -> Self {
        Self { holds_up: rollout.map(ToString::to_string), ..self }
    }

    /// The same with what is to be known of a good file.
    pub(super) fn warned(self, warnings: &'a [PlanError]) -> Self {
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
