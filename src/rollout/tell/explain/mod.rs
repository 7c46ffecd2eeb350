//! The report in sentences.
//!
//! **Invariant:** each blocker has a headline, a reason and what to do.

pub mod blocks;
pub mod explanation;
pub mod gates;
pub mod newer;
pub mod remedies;
pub mod remedy;
pub mod told;
pub mod words;
