//! The append-only log in SQLite, with the observations that lie beside it.
//!
//! **Invariant:** a record that was acknowledged is never changed, moved or lost, and what memory
//! and log disagree about is settled by the log: an append that fails in any way spoils its
//! [`Store`], which then refuses everything until the database is opened and replayed again.
//!
//! The store knows *records*, not what they mean: typed events live in `rollout`.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `head` | the number and the hash of a record |
//! | `record` | a record, and its hash |
//! | `flaw`, `error`, `refusal` | what can be wrong with a row, go wrong with an open database, and keep one from being opened |
//! | `files` | where the files of a database lie |
//! | `lock` | one daemon owns a database: the OS lock and who holds it |
//! | `migrate` | numbered schemas, forward only |
//! | `view` | [`DatabaseView`]: reading the log |
//! | `verify` | walking the chain to the first bad row |
//! | `log` | [`Store`]: appending |
//! | `observation` | devices and ring samples, which may be lost |
//! | `connection`, `open`, `reader` | opening for writing and for reading |
//! | `sealed` | whether anybody can write a database |
//! | `backup` | a copy for people and for the day the disk dies |
//!
//! # The hash chain, for auditors
//!
//! `events.hash` is SHA-256 over the 17 bytes `ringward event 1` + line feed, then these ten
//! columns as they are stored, in this order: `seq, at, plan, rollout, kind, kind_version, actor,
//! reason, payload, prev_hash`. Each column is one byte for its SQLite type, then its bytes:
//!
//! | type | byte | what follows |
//! | --- | --- | --- |
//! | INTEGER | 1 | 8 bytes, two's complement, big-endian |
//! | REAL (never written) | 2 | 8 bytes, IEEE 754, big-endian |
//! | TEXT | 3 | length in bytes as 8 bytes big-endian, then the bytes (UTF-8) |
//! | BLOB | 4 | length in bytes as 8 bytes big-endian, then the bytes |
//! | NULL | 5 | nothing |
//!
//! `prev_hash` is the `hash` of the row before; the first row has 32 zero bytes. `seq` counts from
//! 1 without gaps and `at` (Unix milliseconds) never falls. `tests/fixtures/store/recompute.py`
//! does the same with another tool. A chain cannot show that its *last* rows were cut off: for
//! that, compare the head (number and hash) with one that was noted elsewhere.

mod backup;
mod connection;
mod error;
mod files;
mod flaw;
mod head;
mod lock;
mod log;
mod migrate;
mod observation;
mod open;
mod reader;
mod record;
mod refusal;
mod sealed;
mod verify;
mod view;

pub use backup::BackupError;
pub use error::{InvalidObservation, Recovery, StoreError, WriteFailure};
pub use files::{FileIdentity, beside, resolved};
pub use flaw::{BadRow, Flaw};
pub use head::{Head, InvalidHash, RecordHash, Seq};
pub use lock::{LockError, LockHolder, Ownership, WriteLock, ownership};
pub use log::Store;
pub use migrate::{MigrationError, SCHEMA_VERSION};
pub use observation::{Loaded, RingSample, SkippedRow, StoredDevice};
pub use observation::{MAX_SAMPLE_AGE, MAX_SAMPLES_PER_SERIES};
pub use open::NotReopened;
pub use reader::Reader;
pub use record::{InvalidRecord, MAX_PAYLOAD_BYTES, NewRecord, Record};
pub use refusal::OpenError;
pub use sealed::sealed;
pub use verify::ChainReport;
pub use view::{DatabaseView, Page};
