//! A ring's line in the books: where it is, what became of its writes, and what was said and found of it.
//!
//! **Invariant:** which failures of writes count is said here, and not asked of the log's own words; what other events
//! make of a line stands beside it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{DeviceId, GroupId, PolicyId, RingName};
use crate::rollout::record::{Cancelled, Event, Gate, Group, Purpose, Unknown};
use crate::time::Timestamp;
use crate::version::Environment;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LedgerRingState {
    Pending,
    Entering,
    Deploying,
    Adopting,
    Soaking,
    Verified,
    RollingBack,
    RolledBack,
}

#[derive(Clone)]
pub(crate) struct RingLine<'a> {
    pub(crate) name: &'a RingName,
    pub(crate) state: LedgerRingState,
    pub(crate) group: Option<&'a GroupId>,
    pub(crate) policies: Option<&'a BTreeSet<PolicyId>>,
    /// From where the adoption deadline counts.
    pub(crate) deadline_from: Option<Timestamp>,
    pub(crate) adopted_at: Option<Timestamp>,
    pub(crate) waived: BTreeMap<Gate, Timestamp>,
    /// Devices that a person accepted, by the health gate that found them, and when they did last.
    pub(crate) accepted: BTreeMap<(Gate, Option<Environment>), BTreeMap<&'a DeviceId, Timestamp>>,
    pub(crate) unknown: BTreeMap<(Gate, Option<Environment>), (Unknown, Timestamp)>,
    /// Writes that enter it, since its turn came.
    pub(crate) entering: Tries,
    /// Profiles of its own that were taken out of other groups since, and are in none.
    pub(crate) between: BTreeMap<&'a GroupId, BTreeSet<&'a PolicyId>>,
    /// Writes that should have put those back.
    pub(crate) back: Tries,
    /// How often they were put back in a row.
    pub(super) rounds: u32,
    /// Writes that should have written its group back.
    pub(crate) restoring: Tries,
    /// Where it was, while a write is under way that is not of its turn.
    pub(super) origin: Option<LedgerRingState>,
    /// Devices that are told to have left since the assignment.
    pub(crate) left: BTreeMap<Environment, usize>,
    /// Since when an earlier version is on offer, once it went back.
    pub(crate) back_since: Option<Timestamp>,
}

impl<'a> RingLine<'a> {
    pub(super) fn pending(name: &'a RingName) -> Self {
        Self {
            name,
            state: LedgerRingState::Pending,
            group: None,
            policies: None,
            deadline_from: None,
            adopted_at: None,
            waived: BTreeMap::new(),
            accepted: BTreeMap::new(),
            unknown: BTreeMap::new(),
            entering: Tries::default(),
            between: BTreeMap::new(),
            back: Tries::default(),
            rounds: 0,
            restoring: Tries::default(),
            origin: None,
            left: BTreeMap::new(),
            back_since: None,
        }
    }

    pub(super) fn go(&mut self, state: LedgerRingState) {
        self.state = state;
        self.unknown.clear();
    }

    pub(super) fn assign(&mut self, group: &'a Group, policies: &'a BTreeSet<PolicyId>) {
        self.group = Some(&group.id);
        self.policies = Some(policies);
        self.deadline_from = Some(group.updated_at);
        self.left.clear();
    }

    pub(crate) fn is(&self, state: LedgerRingState) -> bool {
        self.state == state
    }

    pub(crate) const fn is_entered(&self) -> bool {
        !matches!(self.state, LedgerRingState::Pending | LedgerRingState::Entering)
    }

    /// Whether its group is on record with what it was given.
    pub(super) const fn is_assigned(&self) -> bool {
        self.group.is_some() && self.is_entered() && !matches!(self.state, LedgerRingState::Deploying)
    }

    /// What became of the writes before one of this purpose.
    pub(crate) const fn tries(&self, purpose: &Purpose) -> &Tries {
        match purpose {
            Purpose::Restore | Purpose::Rollback { .. } => &self.restoring,
            Purpose::PutBack { .. } => &self.back,
            Purpose::Target | Purpose::MoveOut { .. } => &self.entering,
        }
    }

    pub(crate) const fn all_tries(&self) -> [&Tries; 3] {
        [&self.entering, &self.back, &self.restoring]
    }

    pub(super) fn all_tries_mut(&mut self) -> [&mut Tries; 3] {
        [&mut self.entering, &mut self.back, &mut self.restoring]
    }
}

#[derive(Clone, Default)]
pub(crate) struct Tries {
    /// Whether one was in doubt.
    pub(crate) doubted: bool,
    /// Those in a row that came to nothing.
    pub(crate) failures: u32,
    pub(crate) refused: Option<u16>,
    /// When the reads before them failed that no other outcome came after, nor a person's word.
    pub(crate) unread: Vec<Timestamp>,
    /// How many wrote a group back.
    pub(crate) done: u32,
}

impl Tries {
    /// What came to nothing counts no more.
    pub(super) fn begin_anew(&mut self) {
        *self = Self { doubted: self.doubted, done: self.done, ..Self::default() };
    }

    /// Takes in what became of a write that is not on record as applied.
    pub(super) fn take(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::WriteDoubted { .. } => self.doubted = true,
            Event::WriteCancelled { why, .. } => {
                self.failures += u32::from(failed(why));
                match why {
                    Cancelled::ReadFailed { .. } => self.unread.push(at),
                    Cancelled::Ending => {}
                    _ => self.unread.clear(),
                }
            }
            Event::WriteRefused { status, .. } => {
                self.failures += 1;
                self.refused = Some(*status);
                self.unread.clear();
            }
            Event::WriteSettled { .. } => {
                self.failures += 1;
                self.unread.clear();
            }
            _ => {}
        }
    }
}

/// Whether a cancelled write counts towards those that came to nothing: what overtook it was not
/// of ringward's or a person's own making, and it was not only a read that failed.
fn failed(why: &Cancelled) -> bool {
    match why {
        Cancelled::Stopped
        | Cancelled::Held
        | Cancelled::OpeningClosed
        | Cancelled::FreezeBegun
        | Cancelled::PlanChanged
        | Cancelled::Blocked { .. }
        | Cancelled::Forbidden { .. }
        | Cancelled::RolledBack
        | Cancelled::BlockedVersion { .. }
        | Cancelled::ApprovalVoid { .. }
        | Cancelled::ReadFailed { .. }
        | Cancelled::ClockBehind
        | Cancelled::ClockDiffers { .. }
        | Cancelled::Ending => false,
        Cancelled::ConcurrentEdit
        | Cancelled::GroupGone
        | Cancelled::GroupInTheWay
        | Cancelled::TooManyDevices { .. }
        | Cancelled::TooManyToday { .. }
        | Cancelled::Unreadable { .. }
        | Cancelled::NotSent { .. }
        | Cancelled::RateLimited => true,
    }
}
