//! One record of the log: its columns and its hash.
//!
//! **Invariant:** a [`Record`] exists only with a hash that fits its columns, whether it was just
//! appended or read back.

use aws_lc_rs::digest;
use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde::de::IgnoredAny;

use crate::ids::PlanName;
use crate::store::flaw::{BadRow, Flaw};
use crate::store::head::{Head, RecordHash, Seq};
use crate::time::{Timestamp, whole_millis};

/// The longest payload kept, in bytes. `PlanAccepted` carries a whole plan (files end at 1 MiB),
/// so a longer one is a defect, and every replay would have to read it.
pub const MAX_PAYLOAD_BYTES: usize = 8 * 1024 * 1024;

/// Parts the hashes of this log from any other use of SHA-256, and this recipe from a later one.
const HASH_DOMAIN: &[u8] = b"ringward event 1\n";

/// The columns of `events`, in the order of the hash; `hash` itself is last.
pub(super) const COLUMNS: &str =
    "seq, at, plan, rollout, kind, kind_version, actor, reason, payload, prev_hash, hash";
const HASHED_COLUMNS: usize = 10;

/// A record to append. The text fields are stored byte for byte as given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// When it happened, in whole milliseconds.
    pub at: Timestamp,
    /// The plan it belongs to; `None` for facts about the account or the daemon.
    pub plan: Option<PlanName>,
    /// The number of the rollout within its plan, from 1; only together with a plan.
    pub rollout: Option<u64>,
    /// What happened, such as `RingEntered`; not empty, no control characters.
    pub kind: String,
    /// The version of the payload's shape; kinds are upcast on read, never rewritten.
    pub kind_version: u32,
    /// Who did it; not empty, no control characters.
    pub actor: String,
    /// Why; not empty, no NUL.
    pub reason: String,
    /// JSON text, at most [`MAX_PAYLOAD_BYTES`].
    pub payload: String,
}

/// A record that the log cannot keep. The caller made it, so this is a defect of ringward; nothing
/// was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "record {position} of the batch cannot be kept: its {field} {problem}; nothing was written (please report this)"
)]
pub struct InvalidRecord {
    /// Its place in the batch, from 1.
    pub position: usize,
    /// The field at fault.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl NewRecord {
    /// Whether the log can keep it; `position` counts from 1.
    pub(super) fn check(&self, position: usize) -> Result<(), InvalidRecord> {
        let fault = |field, problem| Err(InvalidRecord { position, field, problem });
        for (field, text) in [("kind", &self.kind), ("actor", &self.actor), ("reason", &self.reason)] {
            if text.trim().is_empty() {
                return fault(field, "is empty");
            }
            // People write reasons in several lines; NUL cuts a text short in many tools.
            let stray = |c: char| if field == "reason" { c == '\0' } else { c.is_control() };
            if text.chars().any(stray) {
                return fault(field, "holds a control character");
            }
        }
        if self.at != whole_millis(self.at) {
            return fault("at", "is not in whole milliseconds");
        }
        match self.rollout {
            Some(_) if self.plan.is_none() => return fault("rollout", "has no plan"),
            Some(number) if number == 0 || i64::try_from(number).is_err() => {
                return fault("rollout", "is not a number from 1");
            }
            _ => {}
        }
        if self.payload.len() > MAX_PAYLOAD_BYTES {
            return fault("payload", "is longer than 8 MiB");
        }
        if !is_json(&self.payload) {
            return fault("payload", "is not JSON");
        }
        Ok(())
    }

    /// Numbers and hashes it as the record after `head`.
    pub(super) fn chained(&self, head: &Head) -> Record {
        let (seq, record, prev_hash) = (head.seq.next(), self.clone(), head.hash);
        let mut chained = Record { seq, record, prev_hash, hash: RecordHash::GENESIS };
        chained.hash = hash_of(&chained.hashed());
        chained
    }
}

/// A record of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub seq: Seq,
    /// What was appended.
    pub record: NewRecord,
    /// The hash of the record before.
    pub prev_hash: RecordHash,
    /// Its own hash.
    pub hash: RecordHash,
}

impl Record {
    /// The head of a log that ends with this record.
    pub fn as_head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash, at: Some(self.record.at) }
    }

    /// Its columns but for its own hash, which is over these.
    pub(super) fn hashed(&self) -> [ValueRef<'_>; HASHED_COLUMNS] {
        let new = &self.record;
        let rollout = new.rollout.and_then(|number| i64::try_from(number).ok());
        [
            ValueRef::Integer(self.seq.to_sql()),
            ValueRef::Integer(new.at.as_millisecond()),
            new.plan.as_ref().map_or(ValueRef::Null, |plan| ValueRef::from(plan.as_str())),
            rollout.map_or(ValueRef::Null, ValueRef::Integer),
            ValueRef::from(new.kind.as_str()),
            ValueRef::Integer(new.kind_version.into()),
            ValueRef::from(new.actor.as_str()),
            ValueRef::from(new.reason.as_str()),
            ValueRef::from(new.payload.as_str()),
            ValueRef::Blob(self.prev_hash.as_bytes()),
        ]
    }

    /// Reads a row of [`COLUMNS`] and checks its own hash. The outer error is SQLite's, the inner
    /// one says that the row is not as it was written.
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Result<Self, BadRow>> {
        let mut cells = [ValueRef::Null; HASHED_COLUMNS];
        for (index, cell) in cells.iter_mut().enumerate() {
            *cell = row.get_ref(index)?;
        }
        let stored = row.get_ref(HASHED_COLUMNS)?;
        let seq = match cells[0] {
            ValueRef::Integer(number) => Seq::from_sql(number).unwrap_or(Seq::ZERO),
            _ => Seq::ZERO,
        };
        // The hash goes first: a changed byte is told as such, not as a field that cannot be read.
        if stored.as_blob().ok() != Some(hash_of(&cells).as_bytes()) {
            return Ok(Err(BadRow { seq, flaw: Flaw::Changed }));
        }
        Ok(decode(seq, &cells, stored).map_err(|column| BadRow { seq, flaw: Flaw::Unreadable(column) }))
    }
}

/// The fields of a row whose hash fits; the error names the column that no ringward wrote.
fn decode(
    seq: Seq,
    cells: &[ValueRef<'_>; HASHED_COLUMNS],
    stored: ValueRef<'_>,
) -> Result<Record, &'static str> {
    let [_, at, plan, rollout, kind, kind_version, actor, reason, payload, prev_hash] = *cells;
    let text = |cell: ValueRef<'_>, column| cell.as_str().map(str::to_owned).map_err(|_| column);
    let hash =
        |cell: ValueRef<'_>, column| cell.as_blob().ok().and_then(RecordHash::from_bytes).ok_or(column);
    let at = at.as_i64().ok().and_then(|at| Timestamp::from_millisecond(at).ok()).ok_or("at")?;
    let plan = plan.as_str_or_null().map_err(|_| "plan")?;
    let plan = plan.map(PlanName::new).transpose().map_err(|_| "plan")?;
    let rollout = rollout.as_i64_or_null().map_err(|_| "rollout")?;
    let rollout = rollout.map(u64::try_from).transpose().map_err(|_| "rollout")?;
    let kind_version = kind_version.as_i64().ok().and_then(|version| u32::try_from(version).ok());
    let record = NewRecord {
        at,
        plan,
        rollout,
        kind: text(kind, "kind")?,
        kind_version: kind_version.ok_or("kind_version")?,
        actor: text(actor, "actor")?,
        reason: text(reason, "reason")?,
        payload: text(payload, "payload")?,
    };
    Ok(Record { seq, record, prev_hash: hash(prev_hash, "prev_hash")?, hash: hash(stored, "hash")? })
}

/// The hash of a row's columns; the recipe stands in the module's doc.
fn hash_of(cells: &[ValueRef<'_>; HASHED_COLUMNS]) -> RecordHash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(HASH_DOMAIN);
    for cell in cells {
        match cell {
            ValueRef::Null => context.update(&[5]),
            ValueRef::Integer(number) => {
                context.update(&[1]);
                context.update(&number.to_be_bytes());
            }
            ValueRef::Real(number) => {
                context.update(&[2]);
                context.update(&number.to_bits().to_be_bytes());
            }
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                context.update(&[if matches!(cell, ValueRef::Text(_)) { 3 } else { 4 }]);
                context.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
                context.update(bytes);
            }
        }
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    RecordHash::of(hash)
}

/// Whether a text is one JSON value, as the tables ask.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> NewRecord {
        NewRecord {
            at: "2026-10-12T06:00:00Z".parse().unwrap(),
            plan: Some(PlanName::new("client").unwrap()),
            rollout: Some(1),
            kind: "RingEntered".to_owned(),
            kind_version: 1,
            actor: "engine".to_owned(),
            reason: "all entry gates pass\nsecond line".to_owned(),
            payload: r#"{"b": 1, "a":2}"#.to_owned(),
        }
    }

    #[test]
    fn the_log_keeps_only_whole_records() {
        type Spoil = fn(&mut NewRecord);
        let rows: [(&str, Spoil, Option<&str>); 14] = [
            ("sound", |_| {}, None),
            ("of no plan", |r| (r.plan, r.rollout) = (None, None), None),
            ("of a plan, before any rollout", |r| r.rollout = None, None),
            ("no kind", |r| r.kind.clear(), Some("kind")),
            ("no actor", |r| r.actor.clear(), Some("actor")),
            ("a blank reason", |r| r.reason = " \n".to_owned(), Some("reason")),
            ("NUL in the reason", |r| r.reason.push('\0'), Some("reason")),
            ("an actor in two lines", |r| r.actor.push('\n'), Some("actor")),
            ("microseconds", |r| r.at = Timestamp::from_microsecond(1).unwrap(), Some("at")),
            ("a rollout of no plan", |r| r.plan = None, Some("rollout")),
            ("rollout 0", |r| r.rollout = Some(0), Some("rollout")),
            ("a rollout beyond SQLite", |r| r.rollout = Some(u64::MAX), Some("rollout")),
            ("no JSON", |r| r.payload = "{a: 1}".to_owned(), Some("payload")),
            ("two JSON values", |r| r.payload = "{} {}".to_owned(), Some("payload")),
        ];
        for (row, spoil, field) in rows {
            let mut record = record();
            spoil(&mut record);
            assert_eq!(record.check(1).err().map(|fault| fault.field), field, "{row}");
        }
        let mut long = record();
        long.payload = format!("\"{}\"", "x".repeat(MAX_PAYLOAD_BYTES));
        assert_eq!(long.check(7).unwrap_err().position, 7);
    }

    /// Each row moves a byte over a border between columns or changes a type; without lengths and
    /// type bytes some of these would have one hash.
    #[test]
    fn every_column_counts_and_none_runs_into_the_next() {
        type Change = fn(&mut NewRecord);
        let rows: [(&str, Change); 9] = [
            ("at", |r| r.at = Timestamp::UNIX_EPOCH),
            ("plan", |r| r.plan = Some(PlanName::new("other").unwrap())),
            ("no rollout", |r| r.rollout = None),
            ("another rollout", |r| r.rollout = Some(2)),
            ("kind version", |r| r.kind_version = 2),
            ("reason", |r| r.reason.push('!')),
            ("payload, same meaning", |r| r.payload = r#"{"b":1,"a":2}"#.to_owned()),
            ("a byte moved from kind to actor", |r| {
                (r.kind, r.actor) = ("RingEntere".to_owned(), "dengine".to_owned());
            }),
            ("a byte moved from reason to actor", |r| {
                r.reason.remove(0);
                r.actor.push('a');
            }),
        ];
        let base = record().chained(&Head::EMPTY);
        for (row, change) in rows {
            let mut changed = record();
            change(&mut changed);
            assert_ne!(changed.chained(&Head::EMPTY).hash, base.hash, "{row}");
        }
        assert_ne!(record().chained(&base.as_head()).hash, base.hash, "number and hash before");
    }
}
