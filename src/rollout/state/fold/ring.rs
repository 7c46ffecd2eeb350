//! What an event does to a ring.
//!
//! **Invariant:** an event that does not fit the ring's stage changes nothing.

use std::collections::BTreeMap;

use crate::rollout::record::{
    Acknowledged, Cause, Event, Finding, Gate, Judgement, Purpose, Recorded, Unknown, Verdict, WriteIntent,
};
use crate::rollout::state::{
    Assigned, Attempts, Attribution, Between, KnownWayBack, Moved, Origin, PendingWrite, Restoring, Ring,
    RingState, Soak, UnknownSince, fold::Fits, fold::write::Outcome,
};
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

impl Ring {
    pub(crate) fn enter(&mut self, stage: RingState, at: Timestamp) {
        if matches!(stage, RingState::Adopting(_)) {
            self.left.clear();
            self.looked.clear();
        }
        self.stage = stage;
        self.since = at;
        self.unknown.clear();
    }

    /// Its targets or profiles are others now: what people waived or accepted, they did for those
    /// before. What became of writes stays, for one that was in doubt may still arrive.
    pub(crate) fn forget_acceptances(&mut self) {
        self.waived.clear();
        self.acknowledged.clear();
        self.silence_accepted.clear();
        self.left.clear();
    }

    /// The transition table of a ring.
    pub(crate) fn apply(&mut self, event: &Event, recorded: &Recorded) -> Fits {
        let at = recorded.at;
        let next = match (&self.stage, event) {
            (RingState::Pending, Event::RingReached { .. }) => RingState::Entering(Attempts::default()),
            (RingState::Entering(_), Event::RingRecognised { group, soak, .. }) => {
                self.between = Between::default();
                RingState::Verified(Assigned::of(group, &soak.policies))
            }
            (RingState::Entering(_), Event::RingAssigned { group, .. }) => {
                self.between = Between::default();
                // The assignment is as old as the group; the time for it begins with the entry.
                let assigned = Assigned::of(group, &group.content.policies);
                RingState::Adopting(Assigned { deadline_from: at, ..assigned })
            }
            (stage, Event::WritePlanned { intent, .. })
                if intent.purpose.is_of_any_stage() && !matches!(stage, RingState::Deploying(_)) =>
            {
                self.write_back(intent, at);
                return Ok(());
            }
            (RingState::Entering(attempts), Event::WritePlanned { intent, .. }) => {
                let (attempts, moved) = (attempts.clone(), self.moved.clone());
                self.note_moved(intent);
                deploying(intent, at, attempts, moved, None)
            }
            // Before the write's own events: a person may waive while it has no outcome.
            (_, Event::GateWaived { gate, .. }) => {
                if !gate.can_be_waived() || self.waived.contains_key(gate) {
                    return Err(format!("gate {gate} cannot be waived, or was waived already"));
                }
                self.waived.insert(*gate, Attribution::of(recorded));
                return Ok(());
            }
            (RingState::Adopting(_) | RingState::Soaking(..), Event::RingLetGo { .. }) => {
                self.waived.insert(Gate::Ring, Attribution::of(recorded));
                return Ok(());
            }
            (
                RingState::Pending | RingState::Entering(_),
                Event::ApprovalAsked { .. } | Event::ApprovalGiven { .. } | Event::ApprovalRefused { .. },
            ) => return self.words.hear(event, recorded),
            (RingState::Deploying(write), event) => match write.outcome(event, at)? {
                Outcome::RingState(stage) => {
                    if write.intent.purpose == Purpose::Target {
                        self.between = Between::default();
                    }
                    if write.origin.is_some() {
                        let doubted = write.attempts.doubted || write.doubt.is_some();
                        let attempts = Attempts { doubted, ..Attempts::default() };
                        let done = self.restoring.done + u32::from(write.intent.purpose == Purpose::Restore);
                        self.restoring = Restoring { attempts, since: at, done };
                    }
                    stage
                }
                Outcome::Nothing(attempts) => {
                    let origin = write.origin.clone();
                    if matches!(event, Event::WriteCancelled { .. } | Event::WriteRefused { .. }) {
                        // It changed nothing, and certainly so.
                        self.moved.clone_from(&write.moved);
                    }
                    let (intent, applied) = (write.intent.clone(), was_applied(event));
                    match origin {
                        None => {
                            if applied {
                                self.between.take_out(&intent, at);
                            }
                            RingState::Entering(attempts)
                        }
                        Some(origin) if matches!(intent.purpose, Purpose::PutBack { .. }) => {
                            self.between.put_back(&intent, applied, attempts, at);
                            (self.stage, self.since) = (origin.stage, origin.since);
                            if let (true, RingState::Entering(attempts)) = (applied, &mut self.stage) {
                                attempts.came_back(self.between.rounds);
                                self.since = at;
                            }
                            return Ok(());
                        }
                        Some(origin) => {
                            let done = self.restoring.done + u32::from(applied);
                            (self.stage, self.since) = (origin.stage, origin.since);
                            self.restoring = Restoring { attempts, since: at, done };
                            return Ok(());
                        }
                    }
                }
                Outcome::Unknown(doubt) => {
                    let mut write = write.clone();
                    write.doubt = Some(doubt);
                    self.stage = RingState::Deploying(write);
                    return Ok(());
                }
            },
            (stage, Event::RollbackInPlace { group, to, .. }) => {
                let assigned = Assigned::of(group, &group.content.policies);
                RingState::RollingBack(assigned, stage.back(to, at))
            }
            (RingState::RollingBack(assigned, back), Event::RingRolledBack { .. }) => {
                let (assigned, back) = (assigned.clone(), back.clone());
                self.moved.retain(|environment, _| !back.to.contains_key(environment));
                RingState::RolledBack(Some(assigned), back)
            }
            (RingState::Adopting(assigned), Event::AdoptionReached { .. }) => {
                RingState::Soaking(assigned.clone(), Soak { started_at: at })
            }
            (RingState::Soaking(assigned, _), Event::RingVerified { judgements, .. }) => {
                let dark = |word: &&Judgement| word.gate == Gate::Dark && word.verdict == Verdict::Pass;
                self.looked = judgements.iter().filter(dark).filter_map(|word| word.environment).collect();
                RingState::Verified(assigned.clone())
            }
            (
                RingState::Adopting(_) | RingState::Soaking(..),
                Event::DevicesLeft { environment, left, before, .. },
            ) => {
                let known = self.left.insert(*environment, *left).unwrap_or(0);
                if known != *before || left == before {
                    self.left.insert(*environment, known);
                    return Err(format!("{known} devices are known to have left"));
                }
                return Ok(());
            }
            (stage, Event::GateUnknown { gate, environment, why, .. })
                if !matches!(stage, RingState::Pending) =>
            {
                let known = self.unknown.get(&(*gate, *environment));
                if known.is_some_and(|known| known.why == *why) {
                    return Err("the gate is unknown for this reason already".to_owned());
                }
                // Another reason is no new beginning: the gate could not tell all the while.
                let since = known.map_or(at, |known| known.since);
                self.unknown.insert((*gate, *environment), UnknownSince { why: *why, since });
                return Ok(());
            }
            (_, Event::GateKnown { gate, environment, .. }) => {
                let known = self.unknown.remove(&(*gate, *environment));
                return known.map(|_| ()).ok_or_else(|| "the gate was not unknown".to_owned());
            }
            (stage, _) => return Err(format!("ring {} is {}", self.name, stage.as_str())),
        };
        self.enter(next, at);
        Ok(())
    }

    /// What a write for its targets changes in what its devices are offered, when nothing did before.
    fn note_moved(&mut self, intent: &WriteIntent) {
        if intent.purpose != Purpose::Target {
            return;
        }
        for environment in Environment::ALL {
            let before = intent.before.as_ref().and_then(|group| group.content.target(environment));
            let after = intent.after.target(environment);
            let Some(version) = after.filter(|after| before != Some(after)) else { continue };
            let Ok(version) = version.parse() else { continue };
            let was = before.map(str::to_owned);
            let (write, policies) = (intent.id, intent.policies.clone());
            let devices = intent.moves.as_ref().and_then(|moves| moves.get(&environment));
            let ran = devices.into_iter().flat_map(|devices| devices.from.keys().copied()).collect();
            let mut way = KnownWayBack { ran, rollback_to: None, was_asked: intent.asks().next().is_some() };
            match self.moved.get_mut(&environment) {
                // It changes what an earlier write of the ring left: what was there before that one counts.
                Some(known) if before == Some(known.version.to_string().as_str()) => {
                    way.ran.extend(&known.known.ran);
                    way.was_asked |= known.known.was_asked;
                    (known.version, known.policies, known.known) = (version, policies, way);
                    // What was there before is there again, so there is nothing to take back.
                    if known.was.as_deref() == after {
                        self.moved.remove(&environment);
                    }
                }
                // An earlier write came to nothing, and somebody else was there since.
                Some(_) | None => {
                    self.moved.insert(environment, Moved { write, was, version, policies, known: way });
                }
            }
        }
    }

    /// It is entered by a revision that says this of the way back.
    pub(crate) fn note_way_back(&mut self, intent: &WriteIntent, to: &BTreeMap<Environment, ClientVersion>) {
        let moved = self.moved.iter_mut().filter(|_| intent.purpose == Purpose::Target);
        for (environment, moved) in moved {
            moved.known.rollback_to = to.get(environment).copied();
        }
    }

    /// Its part of a rollback is over without a group that could be written.
    pub(crate) fn is_without_group(
        &mut self,
        to: BTreeMap<Environment, ClientVersion>,
        at: Timestamp,
    ) -> Fits {
        if matches!(self.stage, RingState::Deploying(_)) {
            return Err("a write has no outcome yet".to_owned());
        }
        self.moved.retain(|environment, _| !to.contains_key(environment));
        let assigned = self.stage.assigned().cloned();
        let back = self.stage.back(&to, at);
        self.enter(RingState::RolledBack(assigned, back), at);
        Ok(())
    }

    /// Its group is to be written back. What its gates cannot tell, they still cannot afterwards.
    pub(crate) fn write_back(&mut self, intent: &WriteIntent, at: Timestamp) {
        let attempts = match intent.purpose {
            Purpose::PutBack { .. } => self.between.back.clone(),
            _ => self.restoring.attempts.clone(),
        };
        // Any stage will do for the instant until it is replaced.
        let stage = std::mem::replace(&mut self.stage, RingState::Pending);
        let origin = Some(Origin { stage, since: self.since });
        (self.stage, self.since) = (deploying(intent, at, attempts, self.moved.clone(), origin), at);
    }

    /// A person resumed, having seen the cause: its clock starts anew.
    pub(crate) fn acknowledge(&mut self, cause: &Cause, at: Timestamp) {
        match (cause, self.stage.at_rest()) {
            (Cause::AdoptionMissed { .. }, Some(RingState::Adopting(assigned))) => {
                assigned.deadline_from = at
            }
            (Cause::UnknownTooLong { why: Unknown::ReadFails, .. }, stage) => {
                self.restoring.attempts.reads = None;
                self.between.back.reads = None;
                if let Some(RingState::Entering(attempts)) = stage {
                    attempts.reads = None;
                }
            }
            (Cause::UnknownTooLong { gate, environment, .. }, _) => {
                if let Some(unknown) = self.unknown.get_mut(&(*gate, *environment)) {
                    unknown.since = at;
                }
            }
            (Cause::WriteRefused { .. } | Cause::WritesKeepFailing { .. }, stage) => {
                self.restoring.attempts.forgive();
                self.between.forgive();
                if let Some(RingState::Entering(attempts)) = stage {
                    attempts.forgive();
                }
            }
            _ => {}
        }
    }

    /// What a gate found at that instant is accepted with it.
    pub(crate) fn accept(&mut self, found: &Acknowledged, at: Timestamp) {
        let of = (found.gate, found.environment);
        if !found.devices.is_empty() {
            let accepted = found.devices.iter().map(|device| (device.clone(), at));
            self.acknowledged.entry(of).or_default().extend(accepted);
        }
        match (self.unknown.get_mut(&of), self.stage.at_rest()) {
            (Some(unknown), _) => {
                unknown.since = at;
                if let (Unknown::OutageOrHoliday, Some(environment)) = (unknown.why, found.environment) {
                    self.silence_accepted.insert(environment, at);
                }
            }
            // It can tell, and it found something: that the deadline was missed.
            (None, Some(RingState::Adopting(assigned))) if found.gate == Gate::Adoption => {
                assigned.deadline_from = at
            }
            (None, _) => {}
        }
    }
}

/// A write is planned, after these attempts.
fn deploying(
    intent: &WriteIntent,
    planned_at: Timestamp,
    attempts: Attempts,
    moved: BTreeMap<Environment, Moved>,
    origin: Option<Origin>,
) -> RingState {
    let intent = intent.clone();
    RingState::Deploying(Box::new(PendingWrite { intent, planned_at, attempts, doubt: None, origin, moved }))
}

/// Whether an outcome says that the group is as intended.
const fn was_applied(event: &Event) -> bool {
    matches!(
        event,
        Event::WriteConfirmed { .. } | Event::WriteSettled { finding: Finding::Applied { .. }, .. }
    )
}
