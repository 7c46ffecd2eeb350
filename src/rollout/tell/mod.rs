//! What people are told: report, explanation, preview, waits.
//!
//! **Invariant:** it only reads; nothing that is told was decided here.

pub mod decision;
pub mod earliest;
pub mod explain;
pub mod preview;
pub mod report;
pub mod revision_waits;
pub mod ring_report;
pub mod superseded;
pub mod waiting_on;
pub mod waits;
