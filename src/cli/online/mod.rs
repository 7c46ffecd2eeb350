//! `ringward check --online`: plan files judged by what the account has.
//!
//! **Invariant:** it only reads, and what was not read is not judged.

mod account;
mod approvers;
mod assess;
mod check;
mod devices;
mod finding;
mod groups;
mod power;
mod profiles;
mod report;
mod shares;
mod show;
mod sizes;
mod spots;

pub(super) use assess::AccountJudge;
pub use check::check_online;
pub(super) use finding::Severity;
pub(super) use profiles::{Meaning, meaning};
pub(super) use sizes::{RingSizes, Sizes};
