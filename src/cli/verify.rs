//! `ringward history --verify`: whether the log is as it was written, whether it can be replayed,
//! and whether what it tells keeps the laws.
//!
//! **Invariant:** it says "laws hold" only after the chain, every event, the replay and the
//! independent checker agreed, over one snapshot of the log.

use std::{io, ops::ControlFlow, path::Path};

use serde::Serialize;

use crate::cli::{CliError, Format, Out, json, safe, short};
use crate::daemon::log::{ReplayError, next_from_record};
use crate::rollout::laws::{Violation, check};
use crate::store::{ChainReport, Reader, Record, RecordHash, Seq};
use crate::{rollout::record::Recorded, rollout::state::State};

/// What `--json` says.
#[derive(Debug, Serialize)]
struct Verified {
    chain: ChainReport,
    /// Where the pinned head stands; `null`: none was given, and a cut tail cannot be seen.
    pinned: Option<Seq>,
    violations: Vec<ViolationJson>,
}

/// A broken law.
#[derive(Debug, Serialize)]
struct ViolationJson {
    law: &'static str,
    number: Option<u8>,
    seq: Option<u64>,
    text: String,
}

/// Verifies the whole log of a database, beside a daemon or without one. `pinned`: the head that was
/// noted earlier, elsewhere; without it nobody can see that records were cut from the end.
///
/// # Errors
/// With the first bad row, the first record that cannot be read or does not fit the ones before
/// it, a pinned head that is not there, or the number of laws broken; each of them is told on `out`.
pub fn verify(
    database: &Path,
    pinned: Option<RecordHash>,
    format: Format,
    out: Out<'_>,
) -> Result<(), CliError> {
    let reader = Reader::open(database).map_err(CliError::failed)?;
    let mut state = State::default();
    let mut log: Vec<Recorded> = Vec::new();
    let mut misfit: Option<ReplayError> = None;
    let mut found = pinned.filter(|hash| *hash == RecordHash::GENESIS).map(|_| Seq::ZERO);
    let walked = reader.view().walk(|record| match replayed(&mut state, &record) {
        Ok(recorded) => {
            if pinned == Some(record.hash) {
                found = Some(record.seq);
            }
            log.push(recorded);
            ControlFlow::Continue(())
        }
        Err(error) => {
            misfit = Some(error);
            ControlFlow::Break(())
        }
    });
    let chain = walked.map_err(CliError::failed)?;
    if let Some(error) = misfit {
        return Err(CliError::failed(error));
    }
    if let (Some(hash), None) = (pinned, found) {
        return Err(CliError::failed(format!(
            "the log does not hold the pinned head {hash}: of its {} records each follows from the one before, so records were cut from its end, or it is another log; restore a backup that holds it",
            chain.records
        )));
    }
    let broken = check(&log, &[]);
    match format {
        Format::Json => {
            let violations = broken.iter().map(|violation| ViolationJson {
                law: violation.law.as_str(),
                number: violation.law.number(),
                seq: violation.seq,
                text: violation.text.clone(),
            });
            json(out, &Verified { chain, pinned: found, violations: violations.collect() })?;
        }
        Format::Text => text(out, &chain, &broken, found, log.last())?,
    }
    if broken.is_empty() {
        return Ok(());
    }
    Err(CliError::failed(format!(
        "the log breaks laws (violations: {}); keep the database for study and report this",
        broken.len()
    )))
}

fn text(
    out: Out<'_>,
    chain: &ChainReport,
    broken: &[Violation],
    pinned: Option<Seq>,
    last: Option<&Recorded>,
) -> io::Result<()> {
    for violation in broken {
        writeln!(out, "{}", safe(&violation.to_string()))?;
    }
    let laws = if broken.is_empty() { "laws hold" } else { "LAWS BROKEN" };
    let last = last.map(|last| format!(", the last of {}", short(last.at))).unwrap_or_default();
    writeln!(out, "{} records{last}; chain intact, {laws}", chain.records)?;
    writeln!(out, "head {}", chain.head.hash)?;
    let unseen =
        "whether records were cut from the end cannot be seen without a head that was noted before: --head";
    let head = pinned.map_or(unseen.to_owned(), |seq| format!("the pinned head is record {seq}"));
    writeln!(out, "{head}")
}

fn replayed(state: &mut State, record: &Record) -> Result<Recorded, ReplayError> {
    let recorded = next_from_record(record, &mut state.eras.clone())?;
    state.apply(&recorded)?;
    Ok(recorded)
}
