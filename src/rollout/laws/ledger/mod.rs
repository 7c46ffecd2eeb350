//! The books: who holds what, where each ring is, which write is open. The checker's own fold.
//!
//! Lines at the bottom ([`plan`], [`groups`], [`writes`], and [`ring`] with what its events make of it), the books
//! that hold them above, and what other events make of them ([`events`]) at the top.
//!
//! **Invariant:** the books know the events and the data in them, and nothing that decides.

mod books;
mod events;
mod groups;
mod kinds;
mod left;
mod plan;
mod plan_events;
mod ring;
mod waiting;
mod words;
mod writes;

pub(crate) use books::{Ledger, LedgerBlockedVersion};
pub(crate) use groups::Owned;
pub(crate) use kinds::{enters, is_of_health};
pub(crate) use left::LeftLine;
pub(crate) use plan::{PlanLine, PlanPhase, PlannedRing, plan_of, same_offer};
pub(crate) use ring::{LedgerRingState, RingLine};
pub(crate) use waiting::WaitingLine;
pub(crate) use words::WordLine;
pub(crate) use writes::WriteLine;
