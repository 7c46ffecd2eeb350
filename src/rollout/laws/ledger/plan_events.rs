//! What events make of a plan's line.
//!
//! **Invariant:** what people waived or accepted of a ring lasts as long as its targets and profiles.

use std::collections::BTreeMap;

use super::plan::{PlanLine, PlanPhase, StepLine, same_offer};
use super::ring::{LedgerRingState, RingLine};
use crate::ids::RingName;
use crate::plan::model::{Revision, RingPlan};
use crate::rollout::record::{Acknowledged, Block, Cause, Event, Gate, Purpose, RollbackStep, WriteIntent};
use crate::time::{Timestamp, after, since};

impl<'a> PlanLine<'a> {
    /// Takes in an event of its rollout; `intent`: of the write that is open.
    pub(super) fn take(&mut self, event: &'a Event, intent: Option<&'a WriteIntent>, at: Timestamp) {
        match event {
            Event::PlanRevised { revision, dropped, .. } => {
                self.revise(revision);
                self.dropped = dropped.iter().collect();
                self.keep_the_named();
            }
            Event::PlanRestricted { plan: restricted, .. } => self.plan = restricted,
            Event::RingRenamed { renamed } => self.rename(renamed),
            // A revision that waits is kept by its plan's name, which may have no rollout yet.
            Event::BlockBegun { block: Block::RevisionWaits(_) } => {}
            Event::BlockBegun { block } => _ = self.blocks.insert(block.kind()),
            Event::BlockEnded { block } => _ = self.blocks.remove(block),
            Event::NewTargetWaits { revision } => {
                self.waiting = Some(revision);
                self.carried = false;
            }
            Event::NewTargetDropped {} => self.waiting = None,
            Event::RolloutSuperseded { .. } => {
                // Nobody waits for a rollout that offers what its plan forbids by now.
                self.was_replaced = self.is_running() && !self.forbids_itself();
                self.phase = PlanPhase::Superseded;
            }
            Event::RolloutWithdrawn {} => {
                (self.phase, self.waiting) = (PlanPhase::Withdrawn, None);
                self.withdrawn_at = Some(at);
            }
            Event::PlanFileGone {} => self.file_gone = true,
            Event::PlanFileNamed { .. } => self.file_gone = false,
            Event::RolloutReturned {} => self.returned(at),
            Event::RolloutCompleted {} => {
                self.phase = PlanPhase::Completed;
                self.versions.completed(&self.revision.plan.rings);
            }
            Event::RollbackStarted { steps, .. } => self.turn_back(steps),
            Event::RollbackCompleted {} => self.phase = PlanPhase::RolledBack,
            Event::Paused {} => self.paused = true,
            Event::PauseLifted {} => self.paused = false,
            Event::Halted { cause } => self.halted = Some(cause),
            Event::HaltLifted { cause, acknowledged } => self.lift_halt(cause, acknowledged, at),
            event => self.take_of_ring(event, intent, at),
        }
    }

    fn take_of_ring(&mut self, event: &'a Event, intent: Option<&'a WriteIntent>, at: Timestamp) {
        if let Event::AdoptionReached { ring, .. } | Event::DevicesLeft { ring, .. } = event
            && let Some(left) = self.left_in_mut(ring)
        {
            return left.ring.take(event, intent, at);
        }
        self.step(event);
        if let Some(ring) = event.ring().and_then(|name| self.ring_mut(name)) {
            ring.take(event, intent, at);
        }
        if let Event::WritePlanned { .. } = event {
            self.take_turns_back();
        }
    }

    /// Whether the plan in force forbids one of its own targets.
    fn forbids_itself(&self) -> bool {
        let mut targets = self.plan.rings.iter().flat_map(|ring| ring.targets.values());
        targets.any(|version| self.forbids(*version))
    }

    fn returned(&mut self, at: Timestamp) {
        self.phase = PlanPhase::Running;
        self.keep_the_named();
        let gone = self.withdrawn_at.take().unwrap_or(at);
        for (_, begun) in self.rings.iter_mut().flat_map(|ring| ring.unknown.values_mut()) {
            *begun = after(*begun, since((*begun).clamp(gone, at.max(gone)), at));
        }
    }

    fn turn_back(&mut self, steps: &'a [RollbackStep]) {
        self.take_gone_back(steps);
        // What was announced may follow it without being announced again.
        self.phase = PlanPhase::RollingBack;
        self.steps.extend(steps.iter().map(|step| StepLine { step, is_begun: false, is_done: false }));
    }

    fn lift_halt(&mut self, cause: &Cause, acknowledged: &'a [Acknowledged], at: Timestamp) {
        self.halted = None;
        if let Some(ring) = self.ring_mut(cause.ring()) {
            ring.acknowledge(cause, at);
        }
        for found in acknowledged {
            if self.is_of_left(found) {
                let of_ring = self.left.iter_mut().filter(|left| *left.ring.name == found.ring);
                of_ring.for_each(|left| left.ring.accept(found, at));
            } else if let Some(ring) = self.ring_mut(&found.ring) {
                ring.accept(found, at);
            }
        }
    }

    fn rename(&mut self, renamed: &'a BTreeMap<RingName, RingName>) {
        let was: BTreeMap<_, _> =
            renamed.iter().map(|(old, new)| (new, self.was.get(old).copied().unwrap_or(old))).collect();
        self.was.extend(was);
        let left = self.left.iter_mut().map(|left| &mut left.ring);
        for ring in self.rings.iter_mut().chain(left) {
            ring.name = renamed.get(ring.name).unwrap_or(ring.name);
        }
    }

    /// What let a ring go was said of a file that did not name it.
    fn keep_the_named(&mut self) {
        for ring in self.rings.iter_mut().filter(|ring| !self.dropped.contains(ring.name)) {
            ring.waived.remove(&Gate::Ring);
        }
    }

    /// How far the step is whose turn it is.
    fn step(&mut self, event: &Event) {
        let goes_back = |intent: &WriteIntent| matches!(intent.purpose, Purpose::Rollback { .. });
        let (begins, ends) = match event {
            Event::WritePlanned { intent, .. } => (goes_back(intent), false),
            Event::RollbackInPlace { .. } => (true, false),
            Event::RingRolledBack { .. } => (false, true),
            _ => return,
        };
        let Some(next) = self.next_step() else { return };
        for line in self.steps.iter_mut().filter(|line| !line.is_done && line.step.ring == next.ring) {
            line.is_begun |= begins;
            line.is_done |= ends;
        }
    }

    fn revise(&mut self, revision: &'a Revision) {
        let old = std::mem::take(&mut self.rings);
        let revised = |ring: &'a RingPlan| {
            let Some(known) = old.iter().find(|line| *line.name == ring.name) else {
                return RingLine::pending(&ring.name);
            };
            let same = self.ring_plan(&ring.name).is_some_and(|before| same_offer(before, ring));
            let (waived, accepted) =
                if same { (known.waived.clone(), known.accepted.clone()) } else { Default::default() };
            RingLine { waived, accepted, ..known.clone() }
        };
        self.rings = revision.plan.rings.iter().map(revised).collect();
        self.take_turns_back();
        self.was.clear();
        self.gone.clear();
        (self.revision, self.plan) = (revision, &revision.plan);
        (self.waiting, self.carried) = (None, false);
    }

    /// Opens or ends the span in which its deadlines stand still.
    pub(super) fn stand_still(&mut self, stopped: bool, at: Timestamp) {
        let withdrawn = self.phase == PlanPhase::Withdrawn;
        let still = stopped || self.paused || self.halted.is_some() || withdrawn;
        // A span that nobody watched may have been noted since the last one began.
        let open = self.still.iter_mut().find(|(_, until)| until.is_none());
        match open {
            Some((_, until)) if !still => *until = Some(at),
            None if still => self.still.push((at, None)),
            _ => {}
        }
    }

    /// A ring before one whose turn had come takes the turn away from it: a new one, or one whose
    /// group is written back.
    fn take_turns_back(&mut self) {
        let mut turn = true;
        for ring in &mut self.rings {
            if !turn && ring.state == LedgerRingState::Entering {
                ring.go(LedgerRingState::Pending);
            }
            turn &= ring.state == LedgerRingState::Verified;
        }
    }
}
