//! What stands before the steps of a plan's rollout, by the log.
//!
//! **Invariant:** a revision waits under its plan's name, known or new, until it takes effect or another
//! stands in the file; a confirmation is of that very revision and goes with it.

use super::{Hold, Phase, PlanState, State};
use crate::ids::PlanName;
use crate::plan::model::{Plan, PlanDigest};
use crate::rollout::block::{Block, BlockKind, CHANGES_AN_HOUR, WaitingRevision};
use crate::rollout::event::{Event, Recorded, RolloutId};
use crate::time::{SignedDuration, Timestamp, after};

/// A person's confirmation counts for so long.
pub const CONFIRMED_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Within this, a plan changes by itself at most [`CHANGES_AN_HOUR`] times.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A revision that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Which, and what for.
    pub revision: WaitingRevision,
    /// Since when.
    pub since: Timestamp,
    /// A person's word that it need not.
    pub confirmed: Option<Hold>,
}

impl Waiting {
    /// Whether a person's word lets this revision take effect at `now`.
    #[must_use]
    pub fn is_confirmed(&self, digest: &PlanDigest, now: Timestamp) -> bool {
        let counts = |word: &Hold| now < after(word.since, CONFIRMED_FOR);
        self.revision.digest == *digest && self.confirmed.as_ref().is_some_and(counts)
    }
}

impl PlanState {
    /// Whether it changed so often within the last hour that only a person lets it change again.
    #[must_use]
    pub fn is_unstable(&self, now: Timestamp) -> bool {
        self.changed_at.iter().filter(|at| after(**at, HOUR) > now).count() >= CHANGES_AN_HOUR
    }

    pub(super) fn note_change(&mut self, at: Timestamp) {
        self.changed_at.retain(|known| after(*known, HOUR) > at);
        self.changed_at.push(at);
    }
}

impl State {
    pub(super) fn begin_block(
        &mut self,
        id: &RolloutId,
        block: &Block,
        recorded: &Recorded,
    ) -> Result<(), String> {
        if let Block::RevisionWaits(revision) = block {
            let waiting = Waiting { revision: revision.clone(), since: recorded.at, confirmed: None };
            self.waiting.insert(id.plan.clone(), waiting);
            return Ok(());
        }
        let plan = self.plans.get_mut(&id.plan).ok_or("no such plan")?;
        if !matches!(plan.rollout.phase, Phase::Running | Phase::RollingBack) {
            return Err(format!("the rollout is {}", plan.rollout.phase.as_str()));
        }
        let since = plan.blocks.get(&block.kind()).map_or(recorded.at, |(_, since)| *since);
        plan.blocks.insert(block.kind(), (block.clone(), since));
        Ok(())
    }

    pub(super) fn end_block(&mut self, id: &RolloutId, kind: BlockKind) -> Result<(), String> {
        let ended = match kind {
            BlockKind::RevisionWaits | BlockKind::PlanUnstable => self.waiting.remove(&id.plan).is_some(),
            kind => self.plans.get_mut(&id.plan).is_some_and(|plan| plan.blocks.remove(&kind).is_some()),
        };
        if ended { Ok(()) } else { Err(format!("{kind} does not stand there")) }
    }

    pub(super) fn confirm(
        &mut self,
        id: &RolloutId,
        digest: &PlanDigest,
        recorded: &Recorded,
    ) -> Result<(), String> {
        let waiting = self.waiting.get_mut(&id.plan).ok_or("no revision waits")?;
        if waiting.revision.digest != *digest {
            return Err("another revision waits".to_owned());
        }
        waiting.confirmed = Some(Hold::of(recorded));
        Ok(())
    }

    /// A revision took effect: it waits no more.
    pub(super) fn took_effect(&mut self, plan: &PlanName, event: &Event, at: Timestamp) {
        let digest = match event {
            Event::PlanAccepted { revision }
            | Event::PlanRevised { revision, .. }
            | Event::NewTargetWaits { revision } => &revision.digest,
            _ => return,
        };
        if self.waiting.get(plan).is_some_and(|waiting| waiting.revision.digest == *digest) {
            self.waiting.remove(plan);
        }
        let counts = !matches!(event, Event::PlanRevised { restricts_only: true, .. });
        if let Some(plan) = self.plans.get_mut(plan).filter(|_| counts) {
            plan.note_change(at);
        }
    }

    /// What only restricts is in force: the same rings, no other target, no other profile.
    pub(super) fn restrict(&mut self, id: &RolloutId, plan: &Plan) -> Result<(), String> {
        let rollout = &mut self.plans.get_mut(&id.plan).ok_or("no such plan")?.rollout;
        let same = rollout.revision.plan.rings.len() == plan.rings.len()
            && rollout.revision.plan.rings.iter().zip(&plan.rings).all(|(old, new)| {
                old.name == new.name && old.targets == new.targets && old.profiles == new.profiles
            });
        if !same || rollout.revision.plan.name != plan.name {
            return Err("it changes more than it restricts".to_owned());
        }
        rollout.revision.plan = plan.clone();
        Ok(())
    }
}
