//! State, and the one transition table that makes it from events, live and in replay.
//!
//! **Invariant:** state is the fold of events and nothing else; an event that does not fit the
//! state is an error and changes nothing.

mod attempts;
mod between;
mod blocks;
mod day;
mod drifted;
mod era;
mod renamed;
mod ring;
mod rollback;
mod rollout;
mod superseded;
#[cfg(test)]
mod tests;
mod tokens;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{GroupId, PlanName, RingName};
use crate::plan::model::{Revision, RingPlan};
use crate::rollout::block::{Block, BlockKind};
use crate::rollout::era::Eras;
use crate::rollout::event::{Actor, Cause, Event, Finding, Mode, Recorded, RolloutId, SoakFact};
use crate::rollout::rollback::Trigger;
use crate::rollout::verdict::Judgement;
use crate::time::{Timestamp, after, since};

pub use attempts::FailedReads;
pub use between::{Between, TakenOut};
pub use blocks::{CONFIRMED_FOR, Waiting};
pub use day::{DAY, Day};
pub use drifted::OwnedGroup;
pub use ring::{
    Assigned, Attempts, Back, Doubt, FirstRead, Origin, PendingWrite, Refusal, Restoring, Ring, Soak, Stage,
    UnknownSince,
};
pub use rollback::{HeldOut, Moved, Progress, Rollback, StepState};
pub use rollout::{Halt, Phase, Rollout, Standstill, WaitingTarget, same_profiles};
pub use superseded::{Brought, Superseded};
pub use tokens::{Token, Tokens};
pub use words::{Approval, Objection, Validity, Words};

/// All that the log says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// The last event folded in; 0 before the first.
    pub seq: u64,
    /// When that was.
    pub last_at: Option<Timestamp>,
    /// Whether a release wrote it that read files named `*.yaml` alone, and told nothing of how long files
    /// must be unchanged.
    pub read_yaml_alone: bool,
    /// Whether the daemon that runs may write.
    pub mode: Option<Mode>,
    /// Set while somebody has stopped all writes.
    pub stop: Option<Hold>,
    /// The latest rollout of each plan.
    pub plans: BTreeMap<PlanName, PlanState>,
    /// The number of the last rollout under each name that a plan had once and has no more.
    pub numbers: BTreeMap<PlanName, u64>,
    /// Revisions that wait, by plan; a plan that is new has no rollout yet.
    pub waiting: BTreeMap<PlanName, Waiting>,
    /// Deployment groups that ringward has written, and whose they are.
    pub groups: BTreeMap<GroupId, OwnedGroup>,
    /// Groups that somebody deleted, and a person or the plan accepted so: by plan and ring, until
    /// the ring has another.
    pub lost: BTreeMap<(PlanName, RingName), OwnedGroup>,
    /// Rings in which another updater was accepted, and up to when its moves are.
    pub updaters: BTreeMap<(PlanName, RingName), Timestamp>,
    /// How many devices the writes of the last 24 hours offered something else.
    pub day: Day,
    /// What rollbacks hold out, whatever a plan asks for, until a person releases it.
    pub held_out: Vec<HeldOut>,
    /// What has soaked on what; it spares a ring a second soak.
    pub soaks: Vec<SoakFact>,
    /// Bearer tokens.
    pub tokens: Tokens,
    /// Changes of access whose outcome nobody has told, by the number of their record.
    pub open_access: BTreeSet<u64>,
    /// How the log's rows are dated.
    pub eras: Eras,
    /// Writes planned so far.
    pub writes: u64,
    /// How often each kind of fact happened, for metrics that a restart must not reset.
    pub tallies: Tallies,
}

/// Counts of rare facts, from the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tallies {
    /// Halts by plan and cause.
    pub halts: BTreeMap<(PlanName, &'static str), u64>,
    /// Rollbacks by plan and what set them off.
    pub rollbacks: BTreeMap<(PlanName, Trigger), u64>,
}

impl Tallies {
    /// What happened to a plan is told under its new name.
    fn rename(&mut self, from: &PlanName, to: &PlanName) {
        fn moved<T: Ord + Copy>(counts: &mut BTreeMap<(PlanName, T), u64>, from: &PlanName, to: &PlanName) {
            let of_plan: Vec<_> = counts.keys().filter(|(plan, _)| plan == from).cloned().collect();
            for key in of_plan {
                let count = counts.remove(&key).unwrap_or_default();
                *counts.entry((to.clone(), key.1)).or_default() += count;
            }
        }
        moved(&mut self.halts, from, to);
        moved(&mut self.rollbacks, from, to);
    }
}

/// A hold or a stop: who, why, since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Who.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// A plan and its latest rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanState {
    /// A person's pause. It belongs to the plan, so that a newer target does not lift it.
    pub paused: Option<Hold>,
    /// The latest rollout.
    pub rollout: Rollout,
    /// What stands before its steps on account of its file, and since when.
    pub blocks: BTreeMap<BlockKind, (Block, Timestamp)>,
    /// The name under which its rollout ran before.
    pub was: Option<PlanName>,
    /// The file that held it last.
    pub file: Option<String>,
    /// Whether that file is gone since its rollout was over.
    pub file_gone: bool,
    /// When it changed within the hour before its last change.
    pub changed_at: Vec<Timestamp>,
    /// What earlier rollouts that were never completed still offer.
    pub superseded: Vec<Superseded>,
    /// The versions that its rollouts brought.
    pub brought: Brought,
}

impl PlanState {
    /// Whether no file names it any more, for certain.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.file_gone || self.rollout.phase == Phase::Withdrawn
    }
}

/// An event that does not fit the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} ({kind}) does not fit: {why}")]
pub struct IllegalEvent {
    /// Its place in the log.
    pub seq: u64,
    /// Its kind.
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

    fn apply_to_account(&mut self, recorded: &Recorded) -> Result<(), String> {
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
                self.stop = Some(Hold::of(recorded));
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

    fn apply_to_plan(&mut self, id: &RolloutId, recorded: &Recorded) -> Result<(), String> {
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
        let plan = self.plans.get_mut(&id.plan).ok_or("no such plan")?;
        if plan.rollout.id != *id {
            return Err(format!("the plan's rollout is {}", plan.rollout.id));
        }
        Self::drift_fits(&self.groups, &self.lost, id, &recorded.entry.event)?;
        let mut moves_out = false;
        if let Some((_, write)) = plan.rollout.pending_write() {
            self.day.note(&write.intent, &recorded.entry.event, recorded.at);
            moves_out = write.intent.purpose.is_of_another_group();
        }
        match &recorded.entry.event {
            Event::Paused {} if plan.paused.is_some() => return Err("the plan is paused already".to_owned()),
            Event::PauseLifted {} if plan.paused.is_none() => return Err("the plan is not paused".to_owned()),
            Event::Paused {} => plan.paused = Some(Hold::of(recorded)),
            Event::PauseLifted {} => plan.paused = None,
            Event::VersionReleased { version } => {
                let (plan, version) = (id.plan.clone(), *version);
                self.release(&plan, version)?;
            }
            Event::PlanFileNamed { file } => (plan.file, plan.file_gone) = (Some(file.clone()), false),
            Event::PlanFileGone {} if plan.file_gone || !plan.rollout.phase.is_over() => {
                return Err("the file is gone already, or the rollout is not over".to_owned());
            }
            Event::PlanFileGone {} => plan.file_gone = true,
            Event::PlanRestricted { plan, .. } => self.restrict(id, plan)?,
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

    fn accept(&mut self, id: &RolloutId, revision: &Revision, at: Timestamp) -> Result<(), String> {
        if revision.plan.name != id.plan {
            return Err("the plan has another name".to_owned());
        }
        let number = self.next_number(&id.plan);
        let paused = match self.plans.get(&id.plan) {
            None => None,
            Some(plan) if matches!(plan.rollout.phase, Phase::Running | Phase::RollingBack) => {
                return Err(format!("{} still runs", plan.rollout.id));
            }
            Some(plan) => plan.paused.clone(),
        };
        if id.number != number {
            return Err(format!("the next rollout of this plan is number {number}"));
        }
        let before = self.plans.get(&id.plan);
        let ring = |plan: &RingPlan| {
            let moved = before.map(|before| before.moved(&revision.plan, plan));
            Ring { moved: moved.unwrap_or_default(), ..Ring::pending(plan, at) }
        };
        let rings = revision.plan.rings.iter().map(ring).collect();
        let superseded = before.map(PlanState::leaves).unwrap_or_default();
        let brought = before.map(|before| before.brought.clone()).unwrap_or_default();
        let rollout = Rollout {
            id: id.clone(),
            revision: revision.clone(),
            phase: Phase::Running,
            phase_since: at,
            halted: None,
            rings,
            waiting: None,
            standstills: Vec::new(),
            rollback: None,
            gone: BTreeSet::new(),
            dropped: BTreeSet::new(),
        };
        let before = self.plans.remove(&id.plan);
        let (was, file, changed_at) =
            before.map(|plan| (plan.was, plan.file, plan.changed_at)).unwrap_or_default();
        let blocks = BTreeMap::new();
        let file_gone = false;
        let plan =
            PlanState { paused, rollout, blocks, was, file, file_gone, changed_at, superseded, brought };
        self.plans.insert(id.plan.clone(), plan);
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
        let Some((rollout, ring_plan)) =
            self.plans.get(&id.plan).and_then(|plan| Some((&plan.rollout, plan.rollout.ring_plan(ring)?)))
        else {
            return;
        };
        let Some(assigned) = rollout.ring(ring).and_then(|ring| ring.stage.assigned()) else { return };
        let fact = SoakFact {
            group: assigned.group.clone(),
            policies: assigned.policies.clone(),
            targets: ring_plan.targets.clone(),
            verified_at,
        };
        self.soaks.retain(|known| !(known.policies == fact.policies && known.targets == fact.targets));
        self.soaks.push(fact);
    }

    /// While no daemon ran, nobody could look: that time counts against no gate. When it ended is
    /// not on record, so all since the last event is taken for it.
    fn forgive_downtime(&mut self, at: Timestamp) {
        let down = since(self.last_at.unwrap_or(at), at);
        let rings = self.plans.values_mut().flat_map(|plan| &mut plan.rollout.rings);
        for unknown in rings.flat_map(|ring| ring.unknown.values_mut()) {
            unknown.since = after(unknown.since, down);
        }
    }

    /// Nobody watched between these two instants: deadlines stood still, and soaks and unknown gates go
    /// on counting where they were. A clock that was set back changes nothing.
    fn pass_over(&mut self, from: Timestamp, to: Timestamp) {
        if to <= from {
            return;
        }
        // What began on the way lost only the rest.
        let later = |begun: Timestamp| after(begun, since(begun.max(from).min(to), to));
        for rollout in self.plans.values_mut().map(|plan| &mut plan.rollout) {
            if rollout.standstills.last().is_none_or(|span| span.until.is_some()) {
                rollout.standstills.push(Standstill { from, until: Some(to) });
            }
            for ring in &mut rollout.rings {
                for unknown in ring.unknown.values_mut() {
                    unknown.since = later(unknown.since);
                }
                match &mut ring.stage {
                    Stage::Soaking(_, soak) => soak.started_at = later(soak.started_at),
                    Stage::RollingBack(_, back) => back.since = later(back.since),
                    _ => {}
                }
            }
        }
    }

    /// Opens or ends each rollout's standstill, as its holds have it now.
    fn stand_still_everywhere(&mut self, at: Timestamp) {
        let stopped = self.stop.is_some();
        for plan in self.plans.values_mut() {
            let withdrawn = plan.rollout.phase == Phase::Withdrawn;
            let still = stopped || withdrawn || plan.paused.is_some() || plan.rollout.halted.is_some();
            let spans = &mut plan.rollout.standstills;
            let runs = spans.last().is_some_and(|span| span.until.is_none());
            if still && !runs {
                spans.push(Standstill { from: at, until: None });
            } else if !still
                && runs
                && let Some(span) = spans.last_mut()
            {
                span.until = Some(at);
            }
        }
    }

    /// The write of this account that has no outcome yet: there is at most one.
    #[must_use]
    pub fn pending_write(&self) -> Option<(&Rollout, &Ring, &PendingWrite)> {
        self.plans.values().find_map(|plan| {
            let (ring, write) = plan.rollout.pending_write()?;
            Some((&plan.rollout, ring, write))
        })
    }

    /// The group that a ring of a plan owns.
    #[must_use]
    pub fn group_of(&self, plan: &PlanName, ring: &RingName) -> Option<(&GroupId, &OwnedGroup)> {
        self.groups.iter().find(|(_, owned)| owned.plan == *plan && owned.ring == *ring)
    }
}

impl Hold {
    fn of(recorded: &Recorded) -> Self {
        let entry = &recorded.entry;
        Self { actor: entry.actor.clone(), reason: entry.reason.clone(), since: recorded.at }
    }
}
