//! What the loop asks of whoever drives it, and what it is told.
//!
//! **Invariant:** what is read, also just before a write, is as of the instant at which it was ordered.

use std::collections::BTreeMap;

use crate::fleet::Sweep;
use crate::ids::{GroupId, PlanName, UserGroupName};
use crate::rollout::record::{ClockDoubt, Group, Profiles, WriteId};
use crate::rollout::state::IllegalEvent;
use crate::rollout::tell::report::Report;
use crate::rollout::world::{Approvers, Read, Want};
use crate::time::Timestamp;

/// A read that is to be made.
#[derive(Debug, Clone)]
pub struct ReadOrder {
    pub read: Read,
    /// For the incremental sweep: devices seen since then.
    pub seen_after: Timestamp,
    /// The present instant: what is read is not older.
    pub at: Timestamp,
}

/// What a read brought.
#[derive(Debug, Clone)]
pub enum ReadAnswer {
    /// All groups.
    Groups(Vec<Group>),
    /// One group; `None`: not found.
    Group(GroupId, Option<Group>),
    Profiles(Profiles),
    /// A complete sweep.
    Sweep(Sweep),
    Approvers(UserGroupName, Approvers),
}

/// A read that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadFailed {
    pub message: String,
    /// When Cloudflare asked to come back.
    pub come_back_at: Option<Timestamp>,
}

/// The look before a write: what is to be read, one after the other. The devices first, where the ring has a limit:
/// a count may take minutes, and nobody must edit the group unseen meanwhile; the group last.
#[derive(Debug, Clone)]
pub struct LookOrder {
    pub write: WriteId,
    pub reads: Vec<Read>,
    pub at: Timestamp,
}

/// What a look before a write showed.
#[derive(Debug)]
pub struct LookAnswer {
    /// To each of its reads.
    pub answers: Vec<ReadAnswer>,
    /// What an answer meanwhile said against the machine's clock.
    pub doubt: Option<ClockDoubt>,
}

/// Whether decisions come with reports, which cost more than the decisions themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reports {
    /// Each one.
    #[default]
    Made,
    /// None.
    None,
}

/// What a pass comes to.
#[derive(Debug, Clone, Default)]
pub struct Pass {
    /// What to read, and when, by the plan that wants it.
    pub wants: BTreeMap<PlanName, Vec<Want>>,
    /// When to decide again at the latest.
    pub wake_at: Option<Timestamp>,
    pub reports: Vec<Report>,
    /// Plans that a fault in ringward keeps from being decided.
    pub faults: Vec<(PlanName, IllegalEvent)>,
}
