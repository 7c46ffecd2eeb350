//! What events make of a ring's line.
//!
//! **Invariant:** a write that is not of the ring's turn leaves the ring where it was.

use super::ring::{LedgerRingState, RingLine, Tries};
use crate::rollout::record::{
    Acknowledged, Cause, Event, Finding, Gate, Group, Purpose, Unknown, WriteIntent,
};
use crate::time::Timestamp;

impl<'a> RingLine<'a> {
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
        if let Some(origin) = self.origin {
            return self.take_beside_its_turn(origin, event, intent, at);
        }
        match event {
            Event::WritePlanned { intent, .. } if intent.purpose.is_of_any_stage() => {
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
            Event::WriteDoubted { .. } => self.entering.take(event, at),
            Event::WriteConfirmed { group, .. }
            | Event::WriteSettled { finding: Finding::Applied { group }, .. } => self.entered(group, intent),
            Event::WriteCancelled { .. } | Event::WriteRefused { .. } | Event::WriteSettled { .. } => {
                self.go(LedgerRingState::Entering);
                self.entering.take(event, at);
            }
            Event::AdoptionReached { .. } => {
                self.go(LedgerRingState::Soaking);
                self.adopted_at = Some(at);
            }
            Event::RingVerified { .. } => self.go(LedgerRingState::Verified),
            Event::RingLetGo { .. } => {
                self.waived.insert(Gate::Ring, at);
            }
            Event::RollbackInPlace { group, .. } => {
                self.go(LedgerRingState::RollingBack);
                self.assign(group, &group.content.policies);
                self.back_since = Some(at);
            }
            Event::RingRolledBack { .. } => self.go(LedgerRingState::RolledBack),
            Event::DevicesLeft { environment, left, .. } => {
                self.left.insert(*environment, *left);
            }
            Event::GateUnknown { gate, environment, why, .. } => {
                let begun = self.unknown.get(&(*gate, *environment)).map_or(at, |(_, begun)| *begun);
                self.unknown.insert((*gate, *environment), (*why, begun));
            }
            Event::GateKnown { gate, environment, .. } => {
                self.unknown.remove(&(*gate, *environment));
            }
            Event::GateWaived { gate, .. } => {
                self.waived.insert(*gate, at);
            }
            _ => {}
        }
    }

    /// What becomes of a ring while its group is written back, or profiles are put back that were taken out
    /// for it.
    fn take_beside_its_turn(
        &mut self,
        origin: LedgerRingState,
        event: &'a Event,
        intent: Option<&'a WriteIntent>,
        at: Timestamp,
    ) {
        let puts_back = intent.is_some_and(|intent| matches!(intent.purpose, Purpose::PutBack { .. }));
        let tries = if puts_back { &mut self.back } else { &mut self.restoring };
        match event {
            Event::WriteDoubted { .. } => tries.take(event, at),
            Event::WriteConfirmed { group, .. }
            | Event::WriteSettled { finding: Finding::Applied { group }, .. } => {
                tries.begin_anew();
                (self.origin, self.state) = (None, origin);
                match puts_back {
                    true => self.put_back(group),
                    false => self.written_back(group, intent, at),
                }
            }
            Event::WriteCancelled { .. } | Event::WriteRefused { .. } | Event::WriteSettled { .. } => {
                tries.take(event, at);
                (self.origin, self.state) = (None, origin);
            }
            Event::GateWaived { gate, .. } => {
                self.waived.insert(*gate, at);
            }
            _ => {}
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
