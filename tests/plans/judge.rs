//! What holds of any file whatever: shared by the seeded share here and the fuzz target in
//! `fuzz/`.

use std::collections::BTreeMap;

use ringward::cli::excerpt::excerpt;
use ringward::cli::screen::Ink;
use ringward::plan::set::read_all;
use ringward::plan::{GoodFile, MAX_ERRORS, PlanError, examine, read};
use ringward::time::Timestamp;

/// The most of an error that is shown, in bytes: three titles, and two excerpts of a line.
const MAX_SHOWN: usize = 6_000;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Good,
    Refused,
}

/// Reads a file in every way and panics where a promise is broken.
pub(crate) fn judge(bytes: &[u8]) -> Fate {
    let now = Timestamp::constant(1_795_910_400, 0);
    let fate = match examine("plan.yaml", bytes, Some(now)) {
        Ok(GoodFile { revision, warnings, closed, .. }) => {
            judge_errors("plan.yaml", bytes, &warnings);
            judge_errors("plan.yaml", bytes, &closed);
            let again = read("again.yaml", revision.written.as_bytes());
            let again = again.unwrap_or_else(|errors| panic!("the canonical text is refused: {errors:?}"));
            assert_eq!(again.digest, revision.digest, "the canonical text has the same digest");
            assert_eq!(again.plan.rings, revision.plan.rings, "and means the same");
            Fate::Good
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "no plan, and no error");
            judge_errors("plan.yaml", bytes, &errors);
            Fate::Refused
        }
    };
    // Beside a copy of itself, at least one of the two is refused, and each error has its places.
    let both = read_all([("a.yaml", bytes), ("b.yaml", bytes)], &BTreeMap::new(), Some(now));
    for file in &both {
        if let Err(errors) = &file.outcome {
            judge_errors(&file.file, bytes, errors);
        }
    }
    assert!(both.iter().any(|file| file.outcome.is_err()), "two files with one name");
    fate
}

fn judge_errors(file: &str, bytes: &[u8], errors: &[PlanError]) {
    assert!(errors.len() <= MAX_ERRORS + 1, "{} errors", errors.len());
    assert!(errors.is_sorted_by_key(|error| error.span.start), "errors in file order");
    for error in errors {
        assert_eq!(error.file, file);
        assert!(!error.problem.is_empty() && !error.instead.is_empty(), "{error:?}");
        assert!(error.span.start <= error.span.end && error.span.end <= bytes.len(), "{error:?}");
        assert_eq!(error.line, line_of(bytes, error.span.start), "{error:?}");
        if let Some(other) = &error.related {
            assert!(other.span.start <= other.span.end && other.span.end <= bytes.len(), "{error:?}");
            assert_eq!(other.line, line_of(bytes, other.span.start), "{error:?}");
        }
        let shown = excerpt(error, |_| Some(bytes), Ink::Plain);
        assert!(shown.len() <= MAX_SHOWN, "{} bytes are shown of {error:?}", shown.len());
        assert!(!shown.chars().any(|char| char.is_control() && char != '\n'), "{shown:?}");
    }
}

/// The line of an offset, counted the plain way: lines end with CRLF, LF or CR.
fn line_of(bytes: &[u8], offset: usize) -> usize {
    let before = &bytes[..offset];
    let feeds = before.iter().filter(|byte| **byte == b'\n').count();
    let returns =
        before.iter().enumerate().filter(|(at, byte)| **byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
    1 + feeds + returns.count()
}
