//! A rollback under way or done, and what it holds out.
//!
//! **Invariant:** one ring goes back at a time, the latest first; what a rollback took away stays held
//! out, by profile and whatever plan asks, until a person releases it.

use std::collections::{BTreeMap, BTreeSet};

use super::ring::Ring;
use super::{Hold, Phase, Rollout, State};
use crate::ids::{PlanName, PolicyId, RingName};
use crate::plan::model::{Plan, RingPlan};
use crate::rollout::event::{Recorded, RolloutId, WriteId};
use crate::rollout::remote::GroupContent;
use crate::rollout::rollback::{HowBack, RollbackStep, Trigger};
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// A rollout on its way back.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollback {
    /// What set it off.
    pub trigger: Trigger,
    /// Who, why and when; of the latest word, if it was widened.
    pub by: Hold,
    /// Its rings.
    pub steps: Vec<StepState>,
}

/// A ring of a rollback, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepState {
    /// What is to be done.
    pub step: RollbackStep,
    /// How far it is.
    pub progress: Progress,
}

/// How far a ring of a rollback is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A later ring comes first.
    Due,
    /// Its write was planned, or needed none.
    Begun,
    /// It is over.
    Done(HowBack, Timestamp),
}

/// What a rollout, or the unfinished one that it took over from, changed in what an environment of a
/// ring is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The first write that did.
    pub write: WriteId,
    /// What was on offer before it; `None`: nothing, or no single version.
    pub was: Option<String>,
    /// What is on offer since.
    pub version: ClientVersion,
    /// To these profiles.
    pub policies: BTreeSet<PolicyId>,
}

/// Who holds a version out, where, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldOut {
    /// The plan that was rolled back: `release-hold` names it.
    pub plan: PlanName,
    /// Its ring.
    pub ring: RingName,
    /// The profile.
    pub policy: PolicyId,
    /// The environment.
    pub environment: Environment,
    /// The version.
    pub version: ClientVersion,
    /// Who rolled back, why and when.
    pub by: Hold,
}

impl Rollback {
    /// All that is left to do in the ring whose turn it is: one that has begun, else the latest.
    /// `None`: all are done.
    #[must_use]
    pub fn next(&self, rings: &[Ring]) -> Option<RollbackStep> {
        let position = |step: &&StepState| rings.iter().position(|ring| ring.name == step.step.ring);
        let left = || self.steps.iter().filter(|step| !step.is_done());
        let begun = left().find(|step| step.progress == Progress::Begun);
        let next = begun.or_else(|| left().max_by_key(position))?;
        RollbackStep::joined(left().map(|step| &step.step).filter(|step| step.ring == next.step.ring))
    }

    /// Whether an environment of a ring has a step that is not done.
    #[must_use]
    pub fn is_to_go_back(&self, ring: &RingName, environment: Environment) -> bool {
        self.steps.iter().any(|step| {
            !step.is_done() && step.step.ring == *ring && step.step.back.contains_key(&environment)
        })
    }
}

impl StepState {
    const fn is_done(&self) -> bool {
        matches!(self.progress, Progress::Done(..))
    }
}

impl Rollout {
    /// All that is left to do in the ring whose turn it is to go back.
    #[must_use]
    pub fn next_step(&self) -> Option<RollbackStep> {
        self.rollback.as_ref()?.next(&self.rings)
    }

    /// A person has it go back; or back further than before.
    pub(super) fn start_rollback(
        &mut self,
        trigger: Trigger,
        steps: &[RollbackStep],
        recorded: &Recorded,
    ) -> Result<(), String> {
        if self.phase == Phase::Superseded {
            return Err("the rollout is superseded".to_owned());
        }
        if steps.is_empty() {
            return Err("it takes nothing back".to_owned());
        }
        for step in steps {
            let ring =
                self.ring(&step.ring).ok_or_else(|| format!("the rollout has no ring {}", step.ring))?;
            let moved = |environment: &Environment| ring.moved.contains_key(environment);
            let under_way = |environment: &Environment| {
                self.rollback.as_ref().is_some_and(|back| back.is_to_go_back(&step.ring, *environment))
            };
            let sound = |environment: &Environment| moved(environment) && !under_way(environment);
            if step.back.is_empty() || !step.back.keys().all(sound) {
                return Err(format!("this rollout did not move what is taken back in {}", step.ring));
            }
        }
        let mut known = self.rollback.take().map(|rollback| rollback.steps).unwrap_or_default();
        let due = |step: &RollbackStep| StepState { step: step.clone(), progress: Progress::Due };
        known.extend(steps.iter().map(due));
        self.rollback = Some(Rollback { trigger, by: Hold::of(recorded), steps: known });
        if self.phase != Phase::RollingBack {
            (self.phase, self.phase_since) = (Phase::RollingBack, recorded.at);
        }
        self.waiting = None;
        Ok(())
    }

    /// The ring whose turn it is has come so far.
    pub(super) fn progress(&mut self, progress: Progress) {
        let Some(rollback) = &mut self.rollback else { return };
        let Some(next) = rollback.next(&self.rings) else { return };
        let current = |state: &&mut StepState| state.step.ring == next.ring && !state.is_done();
        rollback.steps.iter_mut().filter(current).for_each(|state| state.progress = progress);
    }
}

impl State {
    /// What is held out of what a group offers to its own profiles.
    pub fn held_of<'a>(&'a self, group: &'a GroupContent) -> impl Iterator<Item = &'a HeldOut> {
        self.held_out.iter().filter(|held| held.is_on_offer(group))
    }

    /// Whether a version is held out of a profile's devices of an environment.
    #[must_use]
    pub fn is_held_out(&self, policy: &PolicyId, environment: Environment, version: ClientVersion) -> bool {
        self.held_out.iter().any(|held| held.key() == (policy, environment, version))
    }

    /// A rollback begins: what it takes away is held out.
    pub(super) fn hold_out(&mut self, id: &RolloutId, steps: &[RollbackStep], recorded: &Recorded) {
        let by = Hold::of(recorded);
        for step in steps {
            for (environment, way) in &step.back {
                for policy in &step.policies {
                    let held = HeldOut {
                        plan: id.plan.clone(),
                        ring: step.ring.clone(),
                        policy: policy.clone(),
                        environment: *environment,
                        version: way.from,
                        by: by.clone(),
                    };
                    let same = |known: &HeldOut| known.plan == held.plan && known.key() == held.key();
                    if !self.held_out.iter().any(same) {
                        self.held_out.push(held);
                    }
                }
            }
        }
    }

    /// A person allows what this plan's rollbacks hold out of a version.
    pub(super) fn release(&mut self, plan: &PlanName, version: ClientVersion) -> Result<(), String> {
        let before = self.held_out.len();
        self.held_out.retain(|held| !(held.plan == *plan && held.version == version));
        if self.held_out.len() == before {
            return Err(format!("{version} is not held out by {plan}"));
        }
        Ok(())
    }

    /// The versions that a plan's rollbacks hold out.
    #[must_use]
    pub fn held_by(&self, plan: &PlanName) -> BTreeMap<ClientVersion, Vec<&HeldOut>> {
        let mut held: BTreeMap<ClientVersion, Vec<&HeldOut>> = BTreeMap::new();
        for known in self.held_out.iter().filter(|known| known.plan == *plan) {
            held.entry(known.version).or_default().push(known);
        }
        held
    }
}

impl HeldOut {
    /// What it is about.
    const fn key(&self) -> (&PolicyId, Environment, ClientVersion) {
        (&self.policy, self.environment, self.version)
    }

    /// Whether a group offers it to the profile that it is held out of.
    #[must_use]
    pub fn is_on_offer(&self, group: &GroupContent) -> bool {
        group.policies.contains(&self.policy) && self.is_offered_by(group)
    }

    /// Whether a group offers it, to whatever profiles. An entry without a known environment may be
    /// meant for any (FACTS 1 leaves it open).
    #[must_use]
    pub fn is_offered_by(&self, content: &GroupContent) -> bool {
        let own = self.environment.as_str();
        content.versions.iter().any(|entry| {
            let elsewhere = entry.environment.as_deref().is_some_and(|named| {
                Environment::ALL.iter().any(|known| known.as_str() == named && named != own)
            });
            !elsewhere && entry.version.parse::<ClientVersion>() == Ok(self.version)
        })
    }
}

impl Moved {
    /// Whether a newer rollout goes on with the one before it where both ask for the same: with an
    /// unfinished one, and with a completed one when it asks no ring for another version.
    pub(super) fn goes_on(before: &Rollout, plan: &Plan) -> bool {
        let asks_the_same = |old: &RingPlan| {
            let new = plan.rings.iter().find(|new| new.name == old.name);
            new.is_none_or(|new| new.targets == old.targets)
        };
        match before.phase {
            Phase::Superseded => true,
            Phase::Completed => before.revision.plan.rings.iter().all(asks_the_same),
            Phase::Running | Phase::RollingBack | Phase::RolledBack | Phase::Withdrawn => false,
        }
    }
}
