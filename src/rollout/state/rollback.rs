//! A rollback under way or done.
//!
//! **Invariant:** one ring goes back at a time, the latest first.

use crate::ids::RingName;
use crate::rollout::record::{HowBack, RollbackStep, Trigger};
use crate::rollout::state::{Attribution, Ring};
use crate::time::Timestamp;
use crate::version::Environment;

/// A rollout on its way back.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollback {
    /// What set it off.
    pub trigger: Trigger,
    /// Who, why and when; of the latest word, if it was widened.
    pub by: Attribution,
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

impl Rollback {
    /// All that is left to do in the ring whose turn it is: one that has begun, else the latest.
    /// `None`: all are done.
    pub fn next(&self, rings: &[Ring]) -> Option<RollbackStep> {
        let position = |step: &&StepState| rings.iter().position(|ring| ring.name == step.step.ring);
        let left = || self.steps.iter().filter(|step| !step.is_done());
        let begun = left().find(|step| step.progress == Progress::Begun);
        let next = begun.or_else(|| left().max_by_key(position))?;
        RollbackStep::joined(left().map(|step| &step.step).filter(|step| step.ring == next.step.ring))
    }

    /// Whether an environment of a ring has a step that is not done.
    pub fn is_to_go_back(&self, ring: &RingName, environment: Environment) -> bool {
        self.steps.iter().any(|step| {
            !step.is_done() && step.step.ring == *ring && step.step.back.contains_key(&environment)
        })
    }
}

impl StepState {
    pub(crate) const fn is_done(&self) -> bool {
        matches!(self.progress, Progress::Done(..))
    }
}
