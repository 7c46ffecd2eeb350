//! What the log keeps: events, and the data in them. Nothing here decides anything.
//!
//! **Invariant:** a record is read back as it was written; what it says needs no other source.

mod access;
mod actor;
mod approval;
mod block;
mod cause;
mod clock;
mod downgrade;
mod drift;
mod era;
mod event;
mod gate;
mod health;
mod ids;
mod intent;
mod judgement;
mod kind;
mod remote;
mod rollback;
mod token;
mod verdict;

pub use access::{AccessChange, AccessOutcome, AccessPolicy, MAX_TEXT_CHARS};
pub use actor::Actor;
pub use approval::{Approved, Ask, AskedBy, Given, Tally};
pub use block::{Block, BlockKind, CHANGES_AN_HOUR, Step, WaitingRevision, WaitsFor};
pub use cause::{Acknowledged, Cause};
pub use clock::{AgreedAnswer, CLOCKS_APART, ClockDoubt};
pub use downgrade::{AllMoves, Downgrade, Moves, of_seen};
pub use drift::{
    Drift, DriftFinding, DriftKind, DriftStanding, Elsewhere, GroupDrift, MovedTo, Never, OtherUpdater,
    RESTORES_AT_MOST, UPDATER_DEVICES, UPDATER_ONE_IN, UPDATER_WITHIN,
};
pub use era::Eras;
pub use event::{Entry, Event, Mode, Recorded, SoakFact};
pub use gate::{Asks, Gate, HealthGate};
pub use health::{Dark, Evaluation, Stalled};
pub use ids::{RolloutId, WriteId};
pub use intent::{Cancelled, DOUBT_READS_APART, Finding, Purpose, Today, WriteIntent};
pub use judgement::{Evidence, Judgement};
pub use remote::{Group, GroupContent, Member, Profile, Profiles, Standing, UserGroup, VersionEntry};
pub use rollback::{Ground, HowBack, RollbackStep, RollbackTarget, Trigger};
pub use token::{ID_DIGITS, InvalidHex, InvalidRole, Role, TokenDigest, TokenGrant, TokenId, hex};
pub use verdict::{Exempt, Failing, Unknown, Verdict, Waiting};
