//! A rollout: its phase, its halt, and what an event of its own does to them.
//!
//! **Invariant:** its rings stand beside the rings of its plan, one for one and in order; an
//! entered ring is never changed by a revision.

use std::collections::{BTreeMap, BTreeSet};

use super::ring::{PendingWrite, Ring, Stage};
use super::rollback::{Progress, Rollback};
use crate::ids::RingName;
use crate::plan::model::{Forbid, OnNewTarget, Plan, PlanDigest, Revision, RingPlan};
use crate::rollout::event::{Acknowledged, Cause, Event, HowBack, Purpose, Recorded, RolloutId, WriteIntent};
use crate::rollout::verdict::Gate;
use crate::time::{Timestamp, after, since};
use crate::version::ClientVersion;

/// One run of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    /// Which.
    pub id: RolloutId,
    /// The plan that it follows.
    pub revision: Revision,
    /// Where it is.
    pub phase: Phase,
    /// Since when.
    pub phase_since: Timestamp,
    /// The engine's hold.
    pub halted: Option<Halt>,
    /// Its rings, in order.
    pub rings: Vec<Ring>,
    /// A newer target that waits until it is final.
    pub waiting: Option<WaitingTarget>,
    /// Spans in which it was paused, halted, stopped or withdrawn, or nobody watched; the last may
    /// still run.
    pub standstills: Vec<Standstill>,
    /// Set once it goes back.
    pub rollback: Option<Rollback>,
    /// Rings that its plan does not name: it takes back what an earlier rollout left on offer there.
    pub gone: BTreeSet<RingName>,
    /// Rings that its plan's file dropped, and that keep their place until they are verified or let go.
    pub dropped: BTreeSet<RingName>,
}

/// A newer target that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingTarget {
    /// The plan with it, whole.
    pub revision: Revision,
    /// Since when.
    pub since: Timestamp,
}

/// A span in which deadlines stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standstill {
    /// Its begin.
    pub from: Timestamp,
    /// Its end; `None`: it runs.
    pub until: Option<Timestamp>,
}

/// The engine's hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// Why.
    pub cause: Cause,
    /// Since when.
    pub since: Timestamp,
}

/// Where a rollout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// On its way.
    Running,
    /// Every ring is verified.
    Completed,
    /// On its way back, ring by ring.
    RollingBack,
    /// It went back as far as somebody asked.
    RolledBack,
    /// A newer target took over.
    Superseded,
    /// Its file is gone.
    Withdrawn,
}

impl Phase {
    /// All, for metrics.
    pub const ALL: [Self; 6] = [
        Self::Running,
        Self::Completed,
        Self::RollingBack,
        Self::RolledBack,
        Self::Superseded,
        Self::Withdrawn,
    ];

    /// Whether nothing of it is to come.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::RolledBack)
    }

    /// The word of metrics, API and command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::RollingBack => "rolling_back",
            Self::RolledBack => "rolled_back",
            Self::Superseded => "superseded",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl Rollout {
    /// The plan of one of its rings.
    #[must_use]
    pub fn ring_plan(&self, name: &RingName) -> Option<&RingPlan> {
        self.revision.plan.rings.iter().find(|ring| ring.name == *name)
    }

    /// One of its rings.
    #[must_use]
    pub fn ring(&self, name: &RingName) -> Option<&Ring> {
        self.rings.iter().find(|ring| ring.name == *name)
    }

    /// Its rings beside their plans.
    pub fn rings_with_plans(&self) -> impl Iterator<Item = (&Ring, &RingPlan)> {
        self.rings.iter().zip(&self.revision.plan.rings)
    }

    /// The first of its targets that its plan forbids by now.
    #[must_use]
    pub fn forbidden(&self) -> Option<(&RingPlan, ClientVersion, &Forbid)> {
        let plan = &self.revision.plan;
        let forbid = |version: ClientVersion| {
            plan.forbid.iter().find(|forbid| forbid.versions.matches(&version.as_semver()))
        };
        plan.rings.iter().find_map(|ring| {
            ring.targets.values().find_map(|version| Some((ring, *version, forbid(*version)?)))
        })
    }

    /// Whether the plan's file does not name one of its rings, or is gone.
    #[must_use]
    pub fn is_dropped(&self, ring: &RingName) -> bool {
        self.phase == Phase::Withdrawn || self.dropped.contains(ring)
    }

    /// The write without an outcome.
    #[must_use]
    pub fn pending_write(&self) -> Option<(&Ring, &PendingWrite)> {
        self.rings.iter().find_map(|ring| match &ring.stage {
            Stage::Deploying(write) => Some((ring, &**write)),
            _ => None,
        })
    }

    /// Its plan as its file says, without rings that it only takes back.
    #[must_use]
    pub fn named(&self) -> Plan {
        let mut plan = self.revision.plan.clone();
        plan.rings.retain(|ring| !self.gone.contains(&ring.name));
        plan
    }

    /// Whether it takes back, or took, something that its plan asks for.
    #[must_use]
    pub fn takes_its_own_back(&self) -> bool {
        let steps = self.rollback.iter().flat_map(|rollback| &rollback.steps);
        let asked = |ring: &RingName| self.ring_plan(ring).filter(|_| !self.gone.contains(ring));
        steps.into_iter().any(|state| {
            let asked = asked(&state.step.ring).map(|plan| &plan.targets);
            let back = &state.step.back;
            back.iter().any(|(at, way)| asked.is_some_and(|asked| asked.get(at) == Some(&way.from)))
        })
    }

    /// Whether a digest is the one it follows.
    #[must_use]
    pub fn follows(&self, digest: &PlanDigest) -> bool {
        self.revision.digest == *digest
    }

    /// The transition table of a rollout: phase, holds, and through [`Ring::apply`] its rings.
    pub(super) fn apply(&mut self, event: &Event, recorded: &Recorded) -> Result<(), String> {
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
            (Phase::Running, Event::RolloutSuperseded { .. }) => self.enter_phase(Phase::Superseded, at)?,
            (Phase::Running, Event::NewTargetWaits { revision }) => self.wait(revision, at)?,
            (Phase::Running, Event::NewTargetDropped {}) => {
                self.waiting.take().ok_or("no newer target waits")?;
            }
            (Phase::Running, Event::RolloutWithdrawn {}) => self.enter_phase(Phase::Withdrawn, at)?,
            (Phase::Withdrawn, Event::RolloutSuperseded { .. }) => self.enter_phase(Phase::Superseded, at)?,
            (Phase::Withdrawn, Event::RolloutReturned {}) => {
                self.forgive_absence(at);
                self.enter_phase(Phase::Running, at)?;
                self.keep_the_named();
            }
            (Phase::Running, Event::RolloutCompleted {}) => {
                if !self.rings.iter().all(|ring| matches!(ring.stage, Stage::Verified(_))) {
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
                let was_verified = matches!(ring.stage, Stage::Verified(_));
                ring.apply(event, recorded)?;
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
    pub(super) fn lift_halt(
        &mut self,
        cause: &Cause,
        acknowledged: &[&Acknowledged],
        at: Timestamp,
    ) -> Result<(), String> {
        match &self.halted {
            Some(halt) if halt.cause == *cause => {}
            _ => return Err("the rollout is not halted by this cause".to_owned()),
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
    fn go_back(&mut self, event: &Event, recorded: &Recorded) -> Result<(), String> {
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
                Event::WritePlanned { intent, .. } => match &intent.purpose {
                    Purpose::Rollback { to } => Some(to),
                    Purpose::Target
                    | Purpose::MoveOut { .. }
                    | Purpose::PutBack { .. }
                    | Purpose::Restore => None,
                },
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

    fn enter_phase(&mut self, phase: Phase, at: Timestamp) -> Result<(), String> {
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

    fn wait(&mut self, revision: &Revision, at: Timestamp) -> Result<(), String> {
        if revision.plan.on_new_target != OnNewTarget::Finish {
            return Err("this revision does not wait".to_owned());
        }
        self.waiting = Some(WaitingTarget { revision: revision.clone(), since: at });
        Ok(())
    }

    /// Whether every ring before this one is verified.
    fn is_turn_of(&self, name: &RingName) -> bool {
        let earlier = self.rings.iter().take_while(|ring| ring.name != *name);
        earlier.into_iter().all(|ring| matches!(ring.stage, Stage::Verified(_)))
    }

    fn revise(&mut self, revision: &Revision, restricts_only: bool, at: Timestamp) -> Result<(), String> {
        if let Some(ring) = self.entered_ring_changed_by(revision) {
            return Err(format!("ring {ring} is entered, so its change is a new rollout"));
        }
        let plans = std::mem::take(&mut self.revision.plan.rings);
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
        self.revision = revision.clone();
        self.gone.clear();
        self.waiting = None;
        Ok(())
    }

    /// A ring whose turn had come may have a ring before it now that is not verified: a new one, or
    /// one that is written back.
    fn take_turns_back(&mut self, at: Timestamp) {
        let mut turn = true;
        for ring in &mut self.rings {
            if !turn && matches!(ring.stage, Stage::Entering(_)) {
                ring.enter(Stage::Pending, at);
            }
            turn &= matches!(ring.stage, Stage::Verified(_));
        }
    }

    /// The first entered ring whose profiles or targets a revision changes, or that it lacks before the
    /// ring is verified: then the revision is a new rollout. A position alone changes nothing.
    #[must_use]
    pub fn entered_ring_changed_by(&self, revision: &Revision) -> Option<&RingName> {
        let entered = self.rings_with_plans().filter(|(ring, _)| ring.stage.is_entered());
        for (ring, old) in entered {
            let same = match revision.plan.rings.iter().find(|new| new.name == old.name) {
                Some(new) => new.targets == old.targets && same_profiles(new, old),
                None => ring.is_free(),
            };
            if !same {
                return Some(&ring.name);
            }
        }
        None
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
const fn lets_go(event: &Event) -> bool {
    matches!(event, Event::RingLetGo { .. } | Event::GateWaived { gate: Gate::Ring, .. })
}

/// Whether two ring plans name the same profiles, in any order.
#[must_use]
pub fn same_profiles(one: &RingPlan, other: &RingPlan) -> bool {
    let set = |ring: &RingPlan| ring.profiles.iter().cloned().collect::<BTreeSet<_>>();
    set(one) == set(other)
}
