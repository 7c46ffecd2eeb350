//! A ring's line in the books: where it is, what became of its writes, and what was said and found of it.
//!
//! **Invariant:** which failures of writes count is said here, and not asked of the log's own words; a write that is not
//! of the ring's turn leaves the ring where it was.

use std::collections::{BTreeMap, BTreeSet};

use super::kinds::enters;
use crate::ids::{DeviceId, GroupId, PolicyId, RingName};
use crate::rollout::record::{
    Acknowledged, Cancelled, Cause, Event, Finding, Gate, Group, Purpose, Unknown, WriteIntent,
};
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

    /// A person takes note of what halted the rollout.
    pub(super) fn acknowledge(&mut self, cause: &Cause, at: Timestamp) {
        match cause {
            Cause::AdoptionMissed { .. } => self.deadline_from = Some(at),
            Cause::UnknownTooLong { why: Unknown::ReadFails, .. } => {
                self.all_tries_mut().into_iter().for_each(|tries| tries.unread.clear());
            }
            Cause::UnknownTooLong { gate, environment, .. } => {
                if let Some((_, since)) = self.unknown.get_mut(&(*gate, *environment)) {
                    *since = at;
                }
            }
            Cause::WriteRefused { .. } | Cause::WritesKeepFailing { .. } => {
                self.all_tries_mut().into_iter().for_each(Tries::begin_anew);
                self.rounds = 0;
            }
            // What was found stands in the event.
            Cause::Unhealthy { .. } | Cause::Drift(_) | Cause::OtherUpdater(_) | Cause::Forbidden { .. } => {}
        }
    }

    pub(super) fn accept(&mut self, found: &'a Acknowledged, at: Timestamp) {
        let of = (found.gate, found.environment);
        self.accepted.entry(of).or_default().extend(found.devices.iter().map(|device| (device, at)));
        if let Some((_, since)) = self.unknown.get_mut(&of) {
            *since = at;
        } else if found.gate == Gate::Adoption && self.state == LedgerRingState::Adopting {
            self.deadline_from = Some(at);
        }
    }

    /// `intent`: of the write that is open.
    pub(super) fn take(&mut self, event: &'a Event, intent: Option<&'a WriteIntent>, at: Timestamp) {
        match event {
            Event::WriteDoubted { .. } => self.tries_mut(intent).take(event, at),
            Event::WriteConfirmed { group, .. }
            | Event::WriteSettled { finding: Finding::Applied { group }, .. } => match self.origin.take() {
                Some(origin) => self.applied_beside_its_turn(origin, group, intent, at),
                None => self.entered(group, intent),
            },
            Event::WriteCancelled { .. } | Event::WriteRefused { .. } | Event::WriteSettled { .. } => {
                self.tries_mut(intent).take(event, at);
                match self.origin.take() {
                    Some(origin) => self.state = origin,
                    None => self.go(LedgerRingState::Entering),
                }
            }
            Event::GateWaived { gate, .. } => _ = self.waived.insert(*gate, at),
            _ if self.origin.is_some() => {}
            Event::WritePlanned { intent, .. } if !enters(&intent.purpose) => {
                // What its gates cannot tell, they still cannot afterwards.
                self.origin = Some(self.state);
                // What is put back is offered nothing new: the ring stays where it is.
                if !matches!(intent.purpose, Purpose::PutBack { .. }) {
                    self.state = LedgerRingState::Deploying;
                }
            }
            Event::RingReached { .. } => {
                self.go(LedgerRingState::Entering);
                self.entering = Tries::default();
            }
            Event::RingRecognised { group, soak, .. } => {
                self.nothing_between();
                self.go(LedgerRingState::Verified);
                self.assign(group, &soak.policies);
            }
            Event::RingAssigned { group, .. } => {
                self.nothing_between();
                self.go(LedgerRingState::Adopting);
                self.assign(group, &group.content.policies);
                // The group may have offered this for long; the ring's own time begins here.
                self.deadline_from = Some(at);
            }
            Event::WritePlanned { .. } => self.go(LedgerRingState::Deploying),
            Event::AdoptionReached { .. } => {
                self.go(LedgerRingState::Soaking);
                self.adopted_at = Some(at);
            }
            Event::RingVerified { .. } => self.go(LedgerRingState::Verified),
            Event::RingLetGo { .. } => _ = self.waived.insert(Gate::Ring, at),
            Event::RollbackInPlace { group, .. } => {
                self.go(LedgerRingState::RollingBack);
                self.assign(group, &group.content.policies);
                self.back_since = Some(at);
            }
            Event::RingRolledBack { .. } => self.go(LedgerRingState::RolledBack),
            Event::DevicesLeft { environment, left, .. } => _ = self.left.insert(*environment, *left),
            Event::GateUnknown { gate, environment, why, .. } => {
                let begun = self.unknown.get(&(*gate, *environment)).map_or(at, |(_, begun)| *begun);
                self.unknown.insert((*gate, *environment), (*why, begun));
            }
            Event::GateKnown { gate, environment, .. } => _ = self.unknown.remove(&(*gate, *environment)),
            _ => {}
        }
    }

    /// Those of the write that is open.
    fn tries_mut(&mut self, intent: Option<&WriteIntent>) -> &mut Tries {
        let puts_back = intent.is_some_and(|intent| matches!(intent.purpose, Purpose::PutBack { .. }));
        match self.origin {
            None => &mut self.entering,
            Some(_) if puts_back => &mut self.back,
            Some(_) => &mut self.restoring,
        }
    }

    /// The ring's group is written back, or profiles are put back that were taken out for it.
    fn applied_beside_its_turn(
        &mut self,
        origin: LedgerRingState,
        group: &'a Group,
        intent: Option<&'a WriteIntent>,
        at: Timestamp,
    ) {
        self.state = origin;
        if intent.is_some_and(|intent| matches!(intent.purpose, Purpose::PutBack { .. })) {
            self.back.begin_anew();
            self.put_back(group);
        } else {
            self.restoring.begin_anew();
            self.written_back(group, intent, at);
        }
    }

    fn put_back(&mut self, group: &Group) {
        self.between.remove(&group.id);
        self.rounds += 1;
        if self.state == LedgerRingState::Entering {
            self.entering.failures = (self.entering.failures + 1).max(self.rounds);
        }
    }

    fn written_back(&mut self, group: &'a Group, intent: Option<&'a WriteIntent>, at: Timestamp) {
        let goes_back = intent.is_some_and(|intent| matches!(intent.purpose, Purpose::Rollback { .. }));
        self.restoring.done += u32::from(!goes_back);
        let Some(intent) = intent else { return };
        if goes_back {
            self.go(LedgerRingState::RollingBack);
            self.assign(group, &intent.policies);
            self.back_since = Some(at);
        } else if self.is_entered() {
            self.go(LedgerRingState::Adopting);
            self.assign(group, &intent.policies);
        }
    }

    fn nothing_between(&mut self) {
        self.between.clear();
        (self.back, self.rounds) = (Tries::default(), 0);
    }

    /// A write of its turn was applied.
    fn entered(&mut self, group: &'a Group, intent: Option<&'a WriteIntent>) {
        let Some(intent) = intent else { return self.go(LedgerRingState::Adopting) };
        if let Purpose::MoveOut { .. } = intent.purpose {
            if let Some(before) = &intent.before {
                let out = before.content.policies.difference(&intent.after.policies);
                self.between.entry(&before.id).or_default().extend(out);
            }
            self.go(LedgerRingState::Entering);
            self.entering.begin_anew();
        } else {
            self.nothing_between();
            self.go(LedgerRingState::Adopting);
            self.assign(group, &intent.policies);
        }
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
