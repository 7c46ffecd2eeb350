//! What an event of its own does to a rollout.
//!
//! **Invariant:** an entered ring is never changed by a revision.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ids::RingName;
use crate::plan::change::same_profiles;
use crate::plan::model::{OnNewTarget, PlanDigest, Revision, RingPlan};
use crate::rollout::record::{Acknowledged, Cause, Event, Gate, HowBack, Purpose, Recorded, WriteIntent};
use crate::rollout::state::{Halt, Phase, Progress, Ring, RingState, Rollout, WaitingTarget, fold::Fits};
use crate::time::{Timestamp, after, since};

impl Rollout {
    /// The transition table of a rollout: phase, holds, and through [`Ring::apply`] its rings.
    pub(crate) fn apply(&mut self, event: &Event, recorded: &Recorded) -> Fits {
        let at = recorded.at;
        match (self.phase, event) {
            (
                Phase::Running | Phase::Completed | Phase::RolledBack | Phase::Withdrawn,
                Event::PlanRevised { revision, restricts_only, dropped },
            ) => {
                self.revise(revision, *restricts_only, at)?;
                self.dropped.clone_from(dropped);
                self.keep_the_named();
                return Ok(());
            }
            (_, Event::RollbackStarted { trigger, steps }) => {
                self.start_rollback(*trigger, steps, recorded)?;
            }
            (Phase::RollingBack, Event::RollbackCompleted {}) => {
                if self.next_step().is_some() {
                    return Err("a ring is still to go back".to_owned());
                }
                self.enter_phase(Phase::RolledBack, at)?;
            }
            (Phase::Running | Phase::Withdrawn, Event::RolloutSuperseded { .. }) => {
                self.enter_phase(Phase::Superseded, at)?;
            }
            (Phase::Running, Event::NewTargetWaits { revision }) => self.wait(revision, at)?,
            (Phase::Running, Event::NewTargetDropped {}) => {
                self.waiting.take().ok_or("no newer target waits")?;
            }
            (Phase::Running, Event::RolloutWithdrawn {}) => self.enter_phase(Phase::Withdrawn, at)?,
            (Phase::Withdrawn, Event::RolloutReturned {}) => {
                self.forgive_absence(at);
                self.enter_phase(Phase::Running, at)?;
                self.keep_the_named();
            }
            (Phase::Running, Event::RolloutCompleted {}) => {
                if !self.rings.iter().all(|ring| matches!(ring.stage, RingState::Verified(_))) {
                    return Err("a ring is not verified".to_owned());
                }
                self.enter_phase(Phase::Completed, at)?;
            }
            (Phase::Running | Phase::RollingBack, Event::Halted { cause }) if self.halted.is_none() => {
                self.halted = Some(Halt { cause: cause.clone(), since: at });
            }
            (
                Phase::Running,
                Event::DriftFound { .. }
                | Event::DriftEnded { .. }
                | Event::DriftAdopted { .. }
                | Event::GroupRenamed { .. },
            ) => {
                let known = event.ring().is_some_and(|name| self.ring(name).is_some());
                return if known { Ok(()) } else { Err("the rollout has no such ring".to_owned()) };
            }
            (Phase::Running, event) => {
                let Some(name) = event.ring().filter(|_| !matches!(event, Event::Halted { .. })) else {
                    return Err("it does not fit a running rollout".to_owned());
                };
                if is_only_of_a_rollback(event) {
                    return Err("the rollout does not go back".to_owned());
                }
                if spoken_of(event).is_some_and(|digest| *digest != self.revision.digest) {
                    return Err("it is about another revision of the plan".to_owned());
                }
                let (turn, named_no_more) = (self.is_turn_of(name), self.is_dropped(name));
                let ring = self.ring_mut(name).ok_or("the rollout has no such ring")?;
                if takes_turn(event) && !turn {
                    return Err("an earlier ring is not verified".to_owned());
                }
                if lets_go(event) && !named_no_more {
                    return Err("the plan's file names the ring".to_owned());
                }
                let was_verified = matches!(ring.stage, RingState::Verified(_));
                ring.apply(event, recorded)?;
                if let Event::WritePlanned { intent, .. } = event {
                    let to = self.ring_plan(name).map(|plan| plan.rollback.to.clone()).unwrap_or_default();
                    if let Some(ring) = self.ring_mut(name) {
                        ring.note_way_back(intent, &to);
                    }
                }
                if was_verified {
                    self.take_turns_back(at);
                }
            }
            // A ring of a plan that is gone holds its group until it is let go.
            (Phase::Withdrawn, event @ Event::GateWaived { ring, gate: Gate::Ring }) => {
                self.ring_mut(ring).ok_or("the rollout has no such ring")?.apply(event, recorded)?;
            }
            (Phase::RollingBack, event) => self.go_back(event, recorded)?,
            (phase, _) => return Err(format!("the rollout is {}", phase.as_str())),
        }
        Ok(())
    }

    /// A person lifts the halt, and accepts what the gates of its rings found.
    pub(crate) fn lift_halt(&mut self, cause: &Cause, acknowledged: &[&Acknowledged], at: Timestamp) -> Fits {
        if self.halted.as_ref().is_none_or(|halt| halt.cause != *cause) {
            return Err("the rollout is not halted by this cause".to_owned());
        }
        if let Some(found) = acknowledged.iter().find(|found| self.ring(&found.ring).is_none()) {
            return Err(format!("the rollout has no ring {}", found.ring));
        }
        self.halted = None;
        if let Some(ring) = self.ring_mut(cause.ring()) {
            ring.acknowledge(cause, at);
        }
        for found in acknowledged {
            if let Some(ring) = self.ring_mut(&found.ring) {
                ring.accept(found, at);
            }
        }
        Ok(())
    }

    /// What happens to a ring while the rollout goes back.
    pub(crate) fn go_back(&mut self, event: &Event, recorded: &Recorded) -> Fits {
        if let Some(ring) = event.ring().filter(|ring| self.puts_back(event, ring)) {
            return self.ring_mut(ring).ok_or("the rollout has no such ring")?.apply(event, recorded);
        }
        let name = event.ring().filter(|_| is_of_a_rollback(event)).ok_or("it does not fit a rollback")?;
        let begins = matches!(event, Event::WritePlanned { .. } | Event::RollbackInPlace { .. });
        let ends = match event {
            Event::RingRolledBack { how, .. } => Some(*how),
            _ => None,
        };
        if begins || ends.is_some() {
            let next = self.next_step().ok_or("nothing is left to go back")?;
            if next.ring != *name {
                return Err(format!("ring {} goes back first", next.ring));
            }
            let to = match event {
                Event::WritePlanned { intent, .. } => intent.purpose.rolls_back_to(),
                Event::RollbackInPlace { to, .. } => Some(to),
                _ => None,
            };
            if begins && to != Some(&next.to()) {
                return Err("it is not what the rollback says".to_owned());
            }
        }
        let back = self.next_step().map(|next| next.to()).unwrap_or_default();
        let ring = self.ring_mut(name).ok_or("the rollout has no such ring")?;
        match event {
            Event::RingRolledBack { how: HowBack::NoGroup, .. } => {
                ring.is_without_group(back, recorded.at)?;
            }
            Event::RingRolledBack { .. } if !ring.stage.is_back_at(&back) => {
                return Err(format!("ring {name} does not offer all that it goes back to"));
            }
            event => ring.apply(event, recorded)?,
        }
        if let Some(how) = ends {
            self.progress(Progress::Done(how, recorded.at));
        } else if begins {
            self.progress(Progress::Begun);
        }
        Ok(())
    }

    /// Whether an event is about a write that puts a profile back that was between two groups.
    fn puts_back(&self, event: &Event, ring: &RingName) -> bool {
        let puts_back = |intent: &WriteIntent| matches!(intent.purpose, Purpose::PutBack { .. });
        match event {
            Event::WritePlanned { intent, .. } => puts_back(intent),
            event if is_only_of_a_rollback(event) => false,
            _ => self.pending_write().is_some_and(|(of, write)| of.name == *ring && puts_back(&write.intent)),
        }
    }

    fn enter_phase(&mut self, phase: Phase, at: Timestamp) -> Fits {
        if self.pending_write().is_some() {
            return Err("a write has no outcome yet".to_owned());
        }
        self.phase = phase;
        self.phase_since = at;
        self.waiting = None;
        Ok(())
    }

    /// While its file was gone nobody looked: that time counts against no gate.
    fn forgive_absence(&mut self, at: Timestamp) {
        let gone = self.phase_since;
        for unknown in self.rings.iter_mut().flat_map(|ring| ring.unknown.values_mut()) {
            unknown.since = after(unknown.since, since(unknown.since.clamp(gone, at.max(gone)), at));
        }
    }

    /// Who let a ring go did so of a file that did not name it: should it be dropped again, they are asked again.
    fn keep_the_named(&mut self) {
        for ring in self.rings.iter_mut().filter(|ring| !self.dropped.contains(&ring.name)) {
            ring.waived.remove(&Gate::Ring);
        }
    }

    fn wait(&mut self, revision: &Revision, at: Timestamp) -> Fits {
        if revision.plan.on_new_target != OnNewTarget::Finish {
            return Err("this revision does not wait".to_owned());
        }
        self.waiting = Some(WaitingTarget { revision: revision.clone(), since: at });
        Ok(())
    }

    /// Whether every ring before this one is verified.
    fn is_turn_of(&self, name: &RingName) -> bool {
        let earlier = self.rings.iter().take_while(|ring| ring.name != *name);
        earlier.into_iter().all(|ring| matches!(ring.stage, RingState::Verified(_)))
    }

    fn revise(&mut self, revision: &Revision, restricts_only: bool, at: Timestamp) -> Fits {
        if let Some(ring) = self.entered_ring_changed_by(revision) {
            return Err(format!("ring {ring} is entered, so its change is a new rollout"));
        }
        let plans = std::mem::take(&mut Arc::make_mut(&mut self.revision).plan.rings);
        let known = self.rings.drain(..).zip(plans);
        let mut known: BTreeMap<RingName, (Ring, RingPlan)> =
            known.map(|(ring, plan)| (ring.name.clone(), (ring, plan))).collect();
        let revised = |plan: &RingPlan| match known.remove(&plan.name) {
            None => Ring::pending(plan, at),
            Some((ring, old)) if old.targets == plan.targets && same_profiles(&old, plan) => ring,
            Some((mut ring, _)) => {
                ring.forget_acceptances();
                ring
            }
        };
        self.rings = revision.plan.rings.iter().map(revised).collect();
        self.take_turns_back(at);
        for ring in &mut self.rings {
            if restricts_only {
                ring.words.carry(&self.revision.digest, &revision.digest);
            } else {
                ring.words.void(&revision.digest, at);
            }
        }
        self.authors.extend(revision.plan.author.clone());
        self.revision = Arc::new(revision.clone());
        self.gone.clear();
        self.waiting = None;
        Ok(())
    }

    /// A ring whose turn had come may have a ring before it now that is not verified: a new one, or
    /// one that is written back.
    fn take_turns_back(&mut self, at: Timestamp) {
        let mut turn = true;
        for ring in &mut self.rings {
            if !turn && matches!(ring.stage, RingState::Entering(_)) {
                ring.enter(RingState::Pending, at);
            }
            turn &= matches!(ring.stage, RingState::Verified(_));
        }
    }

    fn ring_mut(&mut self, name: &RingName) -> Option<&mut Ring> {
        self.rings.iter_mut().find(|ring| ring.name == *name)
    }
}

/// The revision that people were asked for, or spoke of.
const fn spoken_of(event: &Event) -> Option<&PlanDigest> {
    match event {
        Event::ApprovalAsked { digest, .. }
        | Event::ApprovalGiven { digest, .. }
        | Event::ApprovalRefused { digest, .. } => Some(digest),
        _ => None,
    }
}

/// Whether an event is one of a rollback's own.
fn is_only_of_a_rollback(event: &Event) -> bool {
    match event {
        Event::WritePlanned { intent, .. } => matches!(intent.purpose, Purpose::Rollback { .. }),
        Event::RollbackInPlace { .. } | Event::RingRolledBack { .. } => true,
        _ => false,
    }
}

/// Whether an event is one of a rollback's own, or the outcome of a write.
fn is_of_a_rollback(event: &Event) -> bool {
    match event {
        Event::WriteCancelled { .. }
        | Event::WriteConfirmed { .. }
        | Event::WriteRefused { .. }
        | Event::WriteDoubted { .. }
        | Event::DoubtRead { .. }
        | Event::WriteSettled { .. } => true,
        event => is_only_of_a_rollback(event),
    }
}

/// Whether an event is for a ring only whose turn it is. A group is written back at any time.
fn takes_turn(event: &Event) -> bool {
    match event {
        Event::WritePlanned { intent, .. } => !intent.purpose.is_of_any_stage(),
        Event::RingReached { .. } | Event::RingAssigned { .. } | Event::RingRecognised { .. } => true,
        _ => false,
    }
}

/// Whether an event lets a ring go that the plan's file dropped.
pub(crate) const fn lets_go(event: &Event) -> bool {
    matches!(event, Event::RingLetGo { .. } | Event::GateWaived { gate: Gate::Ring, .. })
}
