//! The language of a plan file: every mapping, its keys, what each takes and means, and how it is read.
//!
//! **Invariant:** this is the only list of keys. The decoder refuses what is not here and reads
//! all that is; the schema for editors and the reference in `docs/plan.md` are made from it.

mod elsewhere;
pub(super) mod gates;
pub(super) mod plan;
pub(super) mod ring;
pub(super) mod rollback;
pub(super) mod schedule;
pub(super) mod versions;

pub(super) use plan::PLAN;
