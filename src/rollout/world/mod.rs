//! What is known from outside, each with its age.
//!
//! **Invariant:** what was never read is absent, never empty.

mod clock;
mod desired;
mod observations;
mod reads;

pub use clock::{ANSWERS_TO_CONFIRM, CONFIRM_WITHIN, SecondClock};
pub use desired::{Desired, InvalidFile, Unsettled};
pub use observations::{Known, Observations, Unresolved};
pub use reads::{
    APPROVERS_EVERY, Approvers, Cadence, ENTRY_MAX_AGE, FULL_SWEEP_EVERY, INCREMENTAL_SWEEP_EVERY,
    LIST_SETTLES_IN, Observed, PROFILES_EVERY, READ_AHEAD, REST_MAX_AGE, Read, Trouble, UserGroups, Want,
};
