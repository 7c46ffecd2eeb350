//! What people may ask for, and what it comes to.
//!
//! **Invariant:** a request is carried out as the table of verbs says, or refused with what would work.

pub mod access;
pub mod answer;
pub mod command;
pub mod done;
pub mod hearing;
pub mod look;
pub mod refusal;
pub mod seen;
pub(crate) mod subject;
pub mod tokens;
pub mod verbs;
