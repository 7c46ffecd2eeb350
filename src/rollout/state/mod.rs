//! State: the fold of events, its parts and what can be asked of them.
//!
//! **Invariant:** state is the fold of events and nothing else; only `fold` changes it.

mod account;
mod attempts;
mod between;
mod day;
pub mod fold;
mod halt;
mod held_out;
mod hold;
mod moved;
mod owned;
mod pending_revision;
mod phase;
mod plan;
mod ring;
mod rollback;
mod rollout;
mod stage;
mod superseded;
mod tallies;
mod tokens;
mod words;

pub use account::State;
pub use attempts::{Attempts, FailedReads, Refusal};
pub use between::{Between, TakenOut};
pub use day::{DAY, Day};
pub use fold::apply::IllegalEvent;
pub use halt::{Halt, Standstill, WaitingTarget};
pub use held_out::HeldOut;
pub use hold::Hold;
pub use moved::Moved;
pub use owned::OwnedGroup;
pub use pending_revision::{CONFIRMED_FOR, PendingRevision};
pub use phase::Phase;
pub use plan::PlanState;
pub use ring::{Restoring, Ring, UnknownSince};
pub use rollback::{Progress, Rollback, StepState};
pub use rollout::{Rollout, same_profiles};
pub use stage::{Assigned, Back, Doubt, FirstRead, Origin, PendingWrite, Soak, Stage};
pub use superseded::{Brought, Superseded};
pub use tallies::Tallies;
pub use tokens::{Token, Tokens};
pub use words::{Approval, Objection, Validity, Words};
