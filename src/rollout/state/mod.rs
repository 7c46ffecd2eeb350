//! State: the fold of events, its parts and what can be asked of them.
//!
//! **Invariant:** state is the fold of events and nothing else; only `fold` changes it.

mod account;
mod attempts;
mod attribution;
mod between;
mod blocked_version;
mod day;
pub mod fold;
mod owned;
mod phase;
mod plan;
mod ring;
mod ring_state;
mod rollback;
mod rollout;
mod superseded;
mod tallies;
mod tokens;
mod votes;

pub use account::State;
pub use attempts::{Attempts, FailedReads, Refusal};
pub use attribution::Attribution;
pub use between::{Between, TakenOut};
pub use blocked_version::BlockedVersion;
pub use day::{DAY, Day};
pub use fold::apply::IllegalEvent;
pub use owned::OwnedGroup;
pub use phase::Phase;
pub use plan::{CONFIRMED_FOR, PendingRevision, PlanState};
pub use ring::{Restoring, Ring, UnknownSince};
pub use ring_state::{
    Assigned, Back, FirstRead, KnownWayBack, Moved, Origin, PendingWrite, RingState, Soak, UnknownOutcome,
};
pub use rollback::{Progress, Rollback, StepState};
pub use rollout::{Halt, Rollout, Standstill, WaitingTarget};
pub use superseded::{Brought, Superseded};
pub use tallies::Tallies;
pub use tokens::{Token, Tokens};
pub use votes::{Approval, Rejection, Validity, Votes};
