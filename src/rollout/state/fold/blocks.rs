//! What stands before a plan's steps on account of its file, as events tell it.
//!
//! **Invariant:** a block ends by an event, never by itself.

use std::sync::Arc;

use crate::ids::PlanName;
use crate::plan::model::{Plan, PlanDigest};
use crate::rollout::record::{Block, BlockKind, Event, Recorded, RolloutId};
use crate::rollout::state::{Attribution, PendingRevision, Phase, State, fold::Fits};
use crate::time::Timestamp;

impl State {
    pub(crate) fn begin_block(&mut self, id: &RolloutId, block: &Block, recorded: &Recorded) -> Fits {
        if let Block::RevisionWaits(revision) = block {
            let waiting = PendingRevision { revision: revision.clone(), since: recorded.at, confirmed: None };
            self.waiting.insert(id.plan.clone(), waiting);
            return Ok(());
        }
        let plan = self.plans.get_mut(&id.plan).map(Arc::make_mut).ok_or("no such plan")?;
        if !matches!(plan.rollout.phase, Phase::Running | Phase::RollingBack) {
            return Err(format!("the rollout is {}", plan.rollout.phase.as_str()));
        }
        let since = plan.blocks.get(&block.kind()).map_or(recorded.at, |(_, since)| *since);
        plan.blocks.insert(block.kind(), (block.clone(), since));
        Ok(())
    }

    pub(crate) fn end_block(&mut self, id: &RolloutId, kind: BlockKind) -> Fits {
        let ended = match kind {
            BlockKind::RevisionWaits | BlockKind::PlanUnstable => self.waiting.remove(&id.plan).is_some(),
            kind => {
                let plan = self.plans.get_mut(&id.plan).map(Arc::make_mut);
                plan.is_some_and(|plan| plan.blocks.remove(&kind).is_some())
            }
        };
        if ended { Ok(()) } else { Err(format!("{kind} does not stand there")) }
    }

    pub(crate) fn confirm(&mut self, id: &RolloutId, digest: &PlanDigest, recorded: &Recorded) -> Fits {
        let waiting = self.waiting.get_mut(&id.plan).ok_or("no revision waits")?;
        if waiting.revision.digest != *digest {
            return Err("another revision waits".to_owned());
        }
        waiting.confirmed = Some(Attribution::of(recorded));
        Ok(())
    }

    /// A revision took effect: it waits no more.
    pub(crate) fn took_effect(&mut self, plan: &PlanName, event: &Event, at: Timestamp) {
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
        if let Some(plan) = self.plans.get_mut(plan).filter(|_| counts).map(Arc::make_mut) {
            plan.note_change(at);
        }
    }

    /// What only restricts is in force: the same rings, no other target, no other profile.
    pub(crate) fn restrict(&mut self, id: &RolloutId, plan: &Plan, at: Timestamp) -> Fits {
        let known = self.plans.get_mut(&id.plan).map(Arc::make_mut);
        let rollout = &mut known.ok_or("no such plan")?.rollout;
        let same = rollout.revision.plan.rings.len() == plan.rings.len()
            && rollout.revision.plan.rings.iter().zip(&plan.rings).all(|(old, new)| {
                old.name == new.name && old.targets == new.targets && old.profiles == new.profiles
            });
        if !same || rollout.revision.plan.name != plan.name {
            return Err("it changes more than it restricts".to_owned());
        }
        // Nobody read it who approved: it is in force for a rollback, and not in an approval's name.
        let ways_back = rollout.revision.plan.rings.iter().zip(&plan.rings);
        let other = ways_back.filter(|(old, new)| old.rollback.to != new.rollback.to);
        let other: Vec<_> = other.map(|(old, _)| old.name.clone()).collect();
        for ring in rollout.rings.iter_mut().filter(|ring| other.contains(&ring.name)) {
            ring.words.forget_approvals(at);
        }
        Arc::make_mut(&mut rollout.revision).plan = plan.clone();
        Ok(())
    }
}
