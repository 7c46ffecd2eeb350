//! What entering a ring comes to, and what is in its way.
//!
//! **Invariant:** what is in the way has a text in the report.

use crate::ids::{PlanName, RingName};
use crate::plan::model::DeviceLimit;
use crate::rollout::judge::grouping::Veto;
use crate::rollout::record::{BlockKind, Event, WriteId, WriteIntent};
use crate::rollout::state::{HeldOut, Superseded};
use crate::time::Timestamp;
use crate::version::ClientVersion;

/// What entering the current ring comes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entering {
    /// Something is in the way; the report says what.
    Blocked(Vec<EntryBlock>),
    /// The ring had soaked on these targets before.
    Recognised(Event),
    /// All gates advance and nothing is to be written.
    InPlace(Event),
    /// All gates advance and this is to be written.
    Write(Box<WriteIntent>),
}

/// What is in the way of entering a ring, gates aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryBlock {
    Gates,
    GroupsUnread,
    Veto(Veto),
    Backoff {
        until: Timestamp,
        last: Option<String>,
    },
    OtherWrite {
        plan: PlanName,
        write: WriteId,
    },
    BudgetSpent {
        until: Timestamp,
    },
    BlastLimit(TooMany),
    /// Something stands before every step.
    Block(BlockKind),
    /// The plan forbids what would be on offer.
    Forbidden(ClientVersion),
    DevicesPerDay(TooManyToday),
    /// A group of the plan drifted: first it is written back, or a person decides.
    Drifted,
    /// Another ring deploys or adopts; a group is written back after it.
    OtherRing(RingName),
    /// An earlier rollout left devices of another ring on their way to what would be on offer here.
    LeftAdopts {
        ring: RingName,
        rollout: u64,
    },
    /// A rollback holds out what would be on offer.
    HeldOut(Box<HeldOut>),
}

impl EntryBlock {
    /// That an earlier rollout's devices are on their way.
    pub(crate) fn left_adopts(left: &Superseded) -> Self {
        Self::LeftAdopts { ring: left.ring.name.clone(), rollout: left.rollout.number }
    }
}

/// A write that would offer something else to more devices than its ring's plan allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// How many, by the planner's count.
    pub devices: usize,
    /// `max_devices` of the ring.
    pub at_most: DeviceLimit,
}

/// A write with which all plans together would offer something else to more devices within 24 hours than the
/// daemon's configuration allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyToday {
    /// How many, by the planner's count.
    pub devices: usize,
    /// How many the writes of the 24 hours before have.
    pub before: usize,
    /// `guard.devices_per_day`.
    pub at_most: DeviceLimit,
    /// When the first of those writes counts no more.
    pub until: Option<Timestamp>,
}
