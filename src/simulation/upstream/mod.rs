//! The simulated account: deployment groups, profiles, devices, faults, and a journal.
//!
//! **Invariant:** it knows nothing of ringward's log; what it did and when stands in the journal.

mod account;
mod outsider;
mod reads;

pub use account::{Call, GroupWrite, JournalLine, Ticket, Upstream};

pub use crate::simulation::happening::{Misread, Outsider, ReadFault, WriteFault};
