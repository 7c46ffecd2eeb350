//! The one transition table that makes state from events, live and in replay.
//!
//! **Invariant:** an event that does not fit the state is an error and changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ids::RingName;
use crate::plan::model::{Revision, RingPlan};
use crate::rollout::record::{Cause, Entry, Event, Finding, Judgement, Recorded, RolloutId, SoakFact};
use crate::rollout::state::{Attribution, Phase, PlanState, Ring, Rollout, State, fold::Fits};
use crate::time::Timestamp;

/// An event that does not fit the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} ({kind}) does not fit: {why}")]
pub struct IllegalEvent {
    /// Its place in the log.
    pub seq: u64,
    pub kind: &'static str,
    /// What is in its way.
    pub why: String,
}

impl State {
    /// Folds one event in.
    ///
    /// # Errors
    /// When the event does not fit the state, which then stays as it was.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), IllegalEvent> {
        let illegal =
            |why: String| IllegalEvent { seq: recorded.seq, kind: recorded.entry.event.kind(), why };
        if recorded.seq != self.seq + 1 {
            return Err(illegal(format!("it follows event {}", self.seq)));
        }
        let confirms = matches!(recorded.entry.event, Event::ClockConfirmed { .. });
        if self.last_at.is_some_and(|last| recorded.at < last) && !confirms {
            return Err(illegal("its time lies before the event before it".to_owned()));
        }
        if recorded.entry.reason.trim().is_empty() {
            return Err(illegal("it has no reason".to_owned()));
        }
        match &recorded.entry.rollout {
            None => self.apply_to_account(recorded).map_err(illegal)?,
            Some(id) => self.apply_to_plan(id, recorded).map_err(illegal)?,
        }
        self.seq = recorded.seq;
        self.last_at = Some(recorded.at);
        Ok(())
    }

    /// Folds in what a decision is about to record at `now`. A confirmed clock is a person's, and goes back.
    ///
    /// # Errors
    /// When it does not fit the state, which then stays as it was.
    pub(crate) fn append(&mut self, entry: Entry, now: Timestamp) -> Result<(), IllegalEvent> {
        let at = self.last_at.map_or(now, |last| last.max(now));
        self.apply(&Recorded { seq: self.seq + 1, at, entry })
    }

    fn apply_to_account(&mut self, recorded: &Recorded) -> Fits {
        match (&recorded.entry.event, &self.stop) {
            (Event::DaemonStarted { mode, settles_seconds, .. }, _) => {
                self.mode = Some(*mode);
                self.read_yaml_alone |= settles_seconds.is_none();
                self.forgive_downtime(recorded.at);
            }
            (Event::ClockStepped { from, to }, _) => self.pass_over(*from, *to),
            (event @ Event::ClockConfirmed { now, was, .. }, _) => {
                if *now != recorded.at || was <= now || self.last_at.is_some_and(|last| *was < last) {
                    return Err("the clock was not behind".to_owned());
                }
                self.begin_era(recorded.seq, event, *now);
            }
            (Event::Stopped {}, None) => {
                self.stop = Some(Attribution::of(recorded));
                self.stand_still_everywhere(recorded.at);
            }
            (Event::Started {}, Some(_)) => {
                self.stop = None;
                self.stand_still_everywhere(recorded.at);
            }
            (Event::TokenMade { token }, _) => self.tokens.make(token, recorded)?,
            (Event::TokenRevoked { name }, _) => self.tokens.revoke(name, recorded)?,
            (Event::AccessIntended { .. }, _) => {
                self.open_access.insert(recorded.seq);
            }
            (Event::AccessSettled { intent, .. }, _) => {
                if !self.open_access.remove(intent) {
                    return Err("no such change of access is open".to_owned());
                }
            }
            (Event::Stopped {}, Some(_)) => return Err("writes are stopped already".to_owned()),
            (Event::Started {}, None) => return Err("writes are not stopped".to_owned()),
            _ => return Err("it names no rollout".to_owned()),
        }
        Ok(())
    }

    fn apply_to_plan(&mut self, id: &RolloutId, recorded: &Recorded) -> Fits {
        if let Event::PlanAccepted { revision } = &recorded.entry.event {
            self.accept(id, revision, recorded.at)?;
            self.took_effect(&id.plan, &recorded.entry.event, recorded.at);
            return Ok(());
        }
        // A revision waits before its plan has a rollout, and another plan's may go on under its name.
        match &recorded.entry.event {
            Event::PlanRenamed { from } => return self.rename_plan(id, from, recorded.at),
            Event::BlockBegun { block } => return self.begin_block(id, block, recorded),
            Event::BlockEnded { block } => return self.end_block(id, *block),
            Event::RevisionConfirmed { digest } => return self.confirm(id, digest, recorded),
            _ => {}
        }
        let known = &self.plans.get(&id.plan).ok_or("no such plan")?.rollout.id;
        if known != id {
            return Err(format!("the plan's rollout is {known}"));
        }
        self.drift_fits(id, &recorded.entry.event)?;
        let plan = self.plans.get_mut(&id.plan).map(Arc::make_mut).ok_or("no such plan")?;
        let mut moves_out = false;
        if let Some((_, write)) = plan.rollout.pending_write() {
            self.day.note(&write.intent, &recorded.entry.event, recorded.at);
            moves_out = write.intent.purpose.is_of_another_group();
        }
        match &recorded.entry.event {
            Event::Paused {} if plan.paused.is_some() => return Err("the plan is paused already".to_owned()),
            Event::PauseLifted {} if plan.paused.is_none() => return Err("the plan is not paused".to_owned()),
            Event::Paused {} => plan.paused = Some(Attribution::of(recorded)),
            Event::PauseLifted {} => plan.paused = None,
            Event::VersionReleased { version } => {
                self.release(&id.plan, *version)?;
            }
            Event::PlanFileNamed { file } => (plan.file, plan.file_gone) = (Some(file.clone()), false),
            Event::PlanFileGone {} if plan.file_gone || !plan.rollout.phase.is_over() => {
                return Err("the file is gone already, or the rollout is not finished".to_owned());
            }
            Event::PlanFileGone {} => plan.file_gone = true,
            Event::PlanRestricted { plan, .. } => self.restrict(id, plan, recorded.at)?,
            Event::RingRenamed { renamed } => self.rename_rings(id, renamed, recorded.at)?,
            Event::RollbackStarted { steps, .. } => {
                let mut rollout = plan.with_gone_rings(steps);
                rollout.apply(&recorded.entry.event, recorded)?;
                plan.rollout = rollout;
            }
            event @ (Event::AdoptionReached { ring, .. } | Event::DevicesLeft { ring, .. })
                if plan.adopting_left(ring).is_some() =>
            {
                plan.take_of_left(event, recorded)?;
            }
            Event::HaltLifted { cause, acknowledged } => {
                let (left, own): (Vec<_>, Vec<_>) =
                    acknowledged.iter().partition(|found| plan.is_of_left_ring(found));
                plan.rollout.lift_halt(cause, &own, recorded.at)?;
                plan.accept_left(&left, recorded.at);
            }
            event => {
                plan.rollout.apply(event, recorded)?;
                if !matches!(plan.rollout.phase, Phase::Running | Phase::RollingBack) {
                    plan.blocks.clear();
                }
            }
        }
        self.took_effect(&id.plan, &recorded.entry.event, recorded.at);
        self.keep_account_facts(id, moves_out, recorded);
        self.keep_superseded(id, recorded);
        self.stand_still_everywhere(recorded.at);
        Ok(())
    }

    fn accept(&mut self, id: &RolloutId, revision: &Revision, at: Timestamp) -> Fits {
        if revision.plan.name != id.plan {
            return Err("the plan has another name".to_owned());
        }
        let number = self.next_number(&id.plan);
        let before = self.plans.get(&id.plan).map(Arc::as_ref);
        let runs = |plan: &&PlanState| matches!(plan.rollout.phase, Phase::Running | Phase::RollingBack);
        if let Some(plan) = before.filter(runs) {
            return Err(format!("{} still runs", plan.rollout.id));
        }
        if id.number != number {
            return Err(format!("the next rollout of this plan is number {number}"));
        }
        let ring = |plan: &RingPlan| {
            let moved = before.map(|before| before.moved(&revision.plan, plan));
            Ring { moved: moved.unwrap_or_default(), ..Ring::pending(plan, at) }
        };
        let rings = revision.plan.rings.iter().map(ring).collect();
        let superseded = before.map(|before| before.leaves()).unwrap_or_default();
        let brought = before.map(|before| before.brought.clone()).unwrap_or_default();
        // A new target does not make another author of whoever wrote what is not done yet.
        let unfinished = before.filter(|before| before.rollout.phase != Phase::Completed);
        let mut authors = unfinished.map(|before| before.rollout.authors.clone()).unwrap_or_default();
        authors.extend(revision.plan.author.clone());
        let rollout = Rollout {
            id: id.clone(),
            revision: Arc::new(revision.clone()),
            phase: Phase::Running,
            phase_since: at,
            halted: None,
            rings,
            waiting: None,
            standstills: Vec::new(),
            rollback: None,
            gone: BTreeSet::new(),
            dropped: BTreeSet::new(),
            authors,
        };
        let before = self.plans.remove(&id.plan).map(Arc::unwrap_or_clone);
        let (paused, was, file, changed_at) =
            before.map(|plan| (plan.paused, plan.was, plan.file, plan.changed_at)).unwrap_or_default();
        let blocks = BTreeMap::new();
        let file_gone = false;
        let plan =
            PlanState { paused, rollout, blocks, was, file, file_gone, changed_at, superseded, brought };
        self.plans.insert(id.plan.clone(), Arc::new(plan));
        self.end_superseded(&id.plan);
        self.stand_still_everywhere(at);
        Ok(())
    }

    /// What an event of a rollout means to the account: groups, soaks, write numbers, counts.
    /// `moves_out`: it is the outcome of a write that took profiles out of another ring's group.
    fn keep_account_facts(&mut self, id: &RolloutId, moves_out: bool, recorded: &Recorded) {
        match &recorded.entry.event {
            Event::WriteConfirmed { group, .. }
            | Event::WriteSettled { finding: Finding::Applied { group }, .. }
                if moves_out =>
            {
                self.moved_out_of(group, recorded.at);
            }
            Event::WritePlanned { intent, .. } => self.writes = intent.id.0,
            Event::WriteConfirmed { ring, group, .. }
            | Event::RingAssigned { ring, group, .. }
            | Event::RingRecognised { ring, group, .. }
            | Event::RollbackInPlace { ring, group, .. }
            | Event::WriteSettled { ring, finding: Finding::Applied { group }, .. } => {
                self.own(id, ring, group, recorded.at);
            }
            Event::HaltLifted { cause: Cause::Drift(drift), .. } => self.accept_drift(drift, recorded.at),
            Event::HaltLifted { cause: Cause::OtherUpdater(updater), .. } => {
                self.updaters.insert((id.plan.clone(), updater.ring.clone()), recorded.at);
            }
            Event::DriftFound { .. }
            | Event::DriftEnded { .. }
            | Event::DriftAdopted { .. }
            | Event::GroupRenamed { .. } => self.keep_drift(id, recorded),
            Event::Halted { cause } => {
                if let Cause::Drift(drift) = cause {
                    self.remember_offers(drift, recorded.at);
                }
                *self.tallies.halts.entry((id.plan.clone(), cause.as_str())).or_default() += 1;
            }
            Event::RollbackStarted { trigger, steps } => {
                self.hold_out(id, steps, recorded);
                *self.tallies.rollbacks.entry((id.plan.clone(), *trigger)).or_default() += 1;
            }
            // What was waived proves nothing to a later rollout.
            Event::RingVerified { ring, judgements } if !judgements.iter().any(Judgement::is_waived) => {
                self.keep_soak(id, ring, recorded.at);
            }
            _ => {}
        }
    }

    fn keep_soak(&mut self, id: &RolloutId, ring: &RingName, verified_at: Timestamp) {
        let Some(rollout) = self.plans.get(&id.plan).map(|plan| &plan.rollout) else { return };
        let assigned = rollout.ring(ring).and_then(|ring| ring.stage.assigned());
        let Some((assigned, ring_plan)) = assigned.zip(rollout.ring_plan(ring)) else { return };
        let fact = SoakFact {
            group: assigned.group.clone(),
            policies: assigned.policies.clone(),
            targets: ring_plan.targets.clone(),
            verified_at,
        };
        self.soaks.retain(|known| !(known.policies == fact.policies && known.targets == fact.targets));
        self.soaks.push(fact);
    }
}
