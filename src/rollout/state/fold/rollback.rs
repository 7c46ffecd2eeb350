//! What a rollback's events do to a rollout and to the account.
//!
//! **Invariant:** nothing is taken back that this rollout did not move.

use crate::ids::PlanName;
use crate::rollout::record::{Recorded, RollbackStep, RolloutId, Trigger};
use crate::rollout::state::{
    Attribution, BlockedVersion, Phase, Progress, Rollback, Rollout, State, StepState, fold::Fits,
};
use crate::version::{ClientVersion, Environment};

impl Rollout {
    /// A person has it go back; or back further than before.
    pub(crate) fn start_rollback(
        &mut self,
        trigger: Trigger,
        steps: &[RollbackStep],
        recorded: &Recorded,
    ) -> Fits {
        if self.phase == Phase::Superseded {
            return Err("the rollout is superseded".to_owned());
        }
        if steps.is_empty() {
            return Err("it takes nothing back".to_owned());
        }
        for step in steps {
            let ring =
                self.ring(&step.ring).ok_or_else(|| format!("the rollout has no ring {}", step.ring))?;
            let sound = |environment: &Environment| {
                let known = self.rollback.as_ref();
                let under_way = known.is_some_and(|back| back.is_to_go_back(&step.ring, *environment));
                ring.moved.contains_key(environment) && !under_way
            };
            if step.back.is_empty() || !step.back.keys().all(sound) {
                return Err(format!("this rollout did not move what is taken back in {}", step.ring));
            }
        }
        let mut known = self.rollback.take().map(|rollback| rollback.steps).unwrap_or_default();
        let due = |step: &RollbackStep| StepState { step: step.clone(), progress: Progress::Due };
        known.extend(steps.iter().map(due));
        self.rollback = Some(Rollback { trigger, by: Attribution::of(recorded), steps: known });
        if self.phase != Phase::RollingBack {
            (self.phase, self.phase_since) = (Phase::RollingBack, recorded.at);
        }
        self.waiting = None;
        Ok(())
    }

    /// The ring whose turn it is has come so far.
    pub(crate) fn progress(&mut self, progress: Progress) {
        let Some(rollback) = &mut self.rollback else { return };
        let Some(next) = rollback.next(&self.rings) else { return };
        let current = |state: &&mut StepState| state.step.ring == next.ring && !state.is_done();
        rollback.steps.iter_mut().filter(current).for_each(|state| state.progress = progress);
    }
}

impl State {
    /// A rollback begins: what it takes away is blocked.
    pub(crate) fn hold_out(&mut self, id: &RolloutId, steps: &[RollbackStep], recorded: &Recorded) {
        let by = Attribution::of(recorded);
        for step in steps {
            for (environment, way) in &step.back {
                for policy in &step.policies {
                    let held = BlockedVersion {
                        plan: id.plan.clone(),
                        ring: step.ring.clone(),
                        policy: policy.clone(),
                        environment: *environment,
                        version: way.from,
                        by: by.clone(),
                    };
                    let same = |known: &BlockedVersion| known.plan == held.plan && known.key() == held.key();
                    if !self.blocked_versions.iter().any(same) {
                        self.blocked_versions.push(held);
                    }
                }
            }
        }
    }

    /// A person allows what this plan's rollbacks block of a version.
    pub(crate) fn release(&mut self, plan: &PlanName, version: ClientVersion) -> Fits {
        let before = self.blocked_versions.len();
        self.blocked_versions.retain(|held| !(held.plan == *plan && held.version == version));
        if self.blocked_versions.len() == before {
            return Err(format!("{version} is not blocked by {plan}"));
        }
        Ok(())
    }
}
