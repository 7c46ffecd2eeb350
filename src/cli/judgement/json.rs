//! What `check --json` says.
//!
//! **Invariant:** a promise: names and kinds of these fields change only with the help of `check`.

use serde::Serialize;

use crate::cli::{judgement::file::FileErrors, judgement::files::JudgedFiles, judgement::summary::Summary};
use crate::plan::{PlanError, Severity};
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

/// One error or warning in parts.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum DiagnosticJson<'a> {
    InFile(&'a PlanError),
    /// Of a path that is wrong itself, line, column and span are null.
    OfPath {
        severity: Severity,
        file: &'a str,
        line: (),
        column: (),
        span: (),
        problem: &'a str,
        found: &'static str,
        instead: &'static str,
        fixes: [&'static str; 0],
        related: (),
    },
}

impl JudgedFiles {
    /// All of them for programs.
    pub(crate) fn in_json(&self, now: Timestamp) -> Vec<FileJson<'_>> {
        let plans = self.files.iter().map(|judged| {
            let good = judged.outcome.as_ref().ok();
            let warnings = good.iter().flat_map(|good| &good.warnings);
            FileJson {
                warnings: warnings.map(DiagnosticJson::InFile).collect(),
                plan: good.map(|good| Summary::of(&good.revision, now)),
                holds_up: judged.holds_up.as_ref().map(ToString::to_string),
                ..FileJson::of(&judged.file, judged.outcome.as_ref().err())
            }
        });
        let others = self.configurations.iter();
        let others = others.map(|judged| FileJson::of(&judged.file, judged.outcome.as_ref().err()));
        let passed_over = self.passed_over.iter();
        let passed_over =
            passed_over.map(|(file, why)| FileJson { note: Some(why), ..FileJson::of(file, None) });
        plans.chain(others).chain(passed_over).collect()
    }
}

impl<'a> FileJson<'a> {
    /// A file with its errors and nothing else.
    fn of(file: &'a str, refused: Option<&'a FileErrors>) -> Self {
        let (errors, diagnostics) = match refused {
            None => (Vec::new(), Vec::new()),
            Some(FileErrors::Path(why)) => {
                let told = DiagnosticJson::OfPath {
                    severity: Severity::Error,
                    file,
                    line: (),
                    column: (),
                    span: (),
                    problem: why,
                    found: "",
                    instead: "",
                    fixes: [],
                    related: (),
                };
                (vec![why.clone()], vec![told])
            }
            Some(FileErrors::Plan(errors)) => (
                errors.iter().map(ToString::to_string).collect(),
                errors.iter().map(DiagnosticJson::InFile).collect(),
            ),
        };
        Self { file, errors, diagnostics, warnings: Vec::new(), plan: None, holds_up: None, note: None }
    }
}
