//! The simulated account: deployment groups, profiles, devices, faults, and a journal.
//!
//! **Invariant:** it knows nothing of ringward's log; what it did and when stands in the journal.

mod account;
mod journal;
mod outsider;
mod reads;

pub use account::{Ticket, Upstream};
pub use journal::{Call, GroupWrite, JournalLine};

pub use crate::simulation::faults::{Misread, Outsider, ReadFault, WriteFault};
