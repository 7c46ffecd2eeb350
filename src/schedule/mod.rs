//! Openings and freezes: when ringward may write for a ring, until when, and why not.
//!
//! **Invariant:** pure; a freeze always wins over an opening, and every answer holds until
//! [`Schedule::next_change`], save that a far closing comes into sight.
//!
//! All spans are half-open: an opening that closes at 16:00 is closed at 16:00.

mod answers;
mod follow;
mod grammar;
mod line;
mod month_days;
mod opening;
mod parts;
mod run;
#[cfg(test)]
mod tests;
mod whole;
mod within;
mod words;
mod zone;

pub use answers::{Because, Openness, Outlook, START_GRACE, Writable};
pub use follow::{HORIZON, SIGHT};
pub use grammar::{CronEntry, CronFault, CronField, FieldFault, WEEKS, WrittenCron};
pub use opening::{LEAST_OPENING, Opening};
pub use parts::{Freeze, MAX_FREEZES, MAX_OPENINGS, ScheduleError};
pub use run::OpeningRun;
pub use whole::{FreezeNow, Schedule};
pub use zone::Zone;
