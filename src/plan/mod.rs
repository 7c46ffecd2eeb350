//! Plan files: from bytes to a [`model::Plan`] that holds, or to every error at once.
//!
//! **Invariant:** a file with an error yields no plan, and every error says where it is, what is
//! wrong and what would be right.
//!
//! Two stages: `tree` turns bytes into a tree with places, within budgets; `decode` turns
//! the tree into a plan and goes on after each problem; a [`Draft`] is both. [`set`] compares the drafts of
//! a directory.
//!
//! What a plan may hold is written once, in `keys` (terms in `grammar`, single values in `kinds`):
//! the decoder, [`json_schema`] and [`markdown`] all read it there. `syntax`, `cron`, `guess`, `near`,
//! `slips`, `misprints` and `characters` only find words for what is wrong; `names` knows which names are one. `ringward.yaml` ([`crate::config`]) is of the same language and
//! read with the same tree, readers and errors.

pub(crate) mod advice;
mod against_targets;
pub mod change;
mod characters;
mod coming;
mod compared;
mod cron;
mod cron_doubts;
mod decode;
mod draft;
pub(crate) mod error;
pub(crate) mod fields;
mod good_file;
pub(crate) mod grammar;
mod guess;
mod keys;
mod kinds;
mod misprints;
pub mod model;
pub(crate) mod names;
pub(crate) mod near;
pub(crate) mod patterns;
pub(crate) mod places;
mod ranges;
mod reference;
mod rings;
mod schema;
pub mod set;
mod slips;
mod spots;
mod synonyms;
mod syntax;
pub(crate) mod tree;
pub(crate) mod typed_key;
pub(crate) mod values;
mod written;
mod zones;

pub(crate) use advice::Advice;
pub use draft::Draft;
pub use error::{MAX_ERRORS, PlanError, Severity};
pub(crate) use error::{Other, Problems};
pub(crate) use fields::{Fields, MAX_TEXT_CHARS, invisible, items, text};
pub use good_file::{ForbiddenTarget, GoodFile};
pub(crate) use grammar::{Absent, Key, Mapping, Takes, ValueKind};
pub use keys::plan::MAX_FORBIDS;
pub use keys::ring::MAX_PROFILES;
pub(crate) use near::{either, nearest};
pub use places::Related;
pub(crate) use places::{Places, Text};
pub use reference::markdown;
pub use rings::MAX_RINGS;
pub use schema::json_schema;
pub use spots::{PathStep, Spot, Spots};
pub use tree::MAX_BYTES;
pub(crate) use tree::{Node, Value};
pub(crate) use typed_key::{TypedKey, WordValue, Written};

use model::Revision;

use crate::time::Timestamp;

/// Reads one plan file for its plan alone; `file` is the name that errors show.
///
/// # Errors
/// One syntax error, or all structural and semantic errors in file order.
pub fn read(file: &str, bytes: &[u8]) -> Result<Revision, Vec<PlanError>> {
    examine(file, bytes, None).map(|good| good.revision)
}

/// Reads one plan file, for its plan and all that is to be known of it. Without `now`, it is not judged by
/// the calendar.
///
/// # Errors
/// As [`read`].
pub fn examine(file: &str, bytes: &[u8], now: Option<Timestamp>) -> Result<GoodFile, Vec<PlanError>> {
    Draft::read(bytes).finish(file, Problems::default(), now)
}
