//! The daemon's answer on all plans, as the reading commands ask for it.
//!
//! **Invariant:** its instant is the present by the daemon's clock, and never lies before the answer's own.

use crate::cli::{CliError, Connection, safe};
use crate::time::{Clock, Timestamp};
use crate::web::json::{NewPlanJson, RolloutJson, RolloutsAnswer};
use crate::{ids::PlanName, rollout::people::refusal::Refusal};

/// The daemon's word on all plans, and the present instant by its clock.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Overview {
    pub(crate) answer: RolloutsAnswer,
    pub(crate) now: Timestamp,
}

impl Overview {
    /// Asks the daemon.
    pub(crate) async fn ask(at: &Connection) -> Result<Self, CliError> {
        let answer: RolloutsAnswer = at.get(&["rollouts"], &[]).await?;
        let clock: Clock = answer.clock.parse().map_err(CliError::failed)?;
        // Two readings of one clock: the snapshot cannot be from the future.
        let now = clock.now().max(answer.at);
        Ok(Self { answer, now })
    }

    /// The rollout of a plan.
    pub(crate) fn rollout(&self, plan: &PlanName) -> Result<&RolloutJson, CliError> {
        if let Some(rollout) = self.answer.rollouts.iter().find(|rollout| rollout.plan == *plan) {
            return Ok(rollout);
        }
        if let Some(fault) = self.answer.faults.iter().find(|fault| fault.plan == *plan) {
            let fault = safe(&fault.message);
            return Err(CliError::failed(format!(
                "plan {plan} stands still, because a fault in ringward keeps it from being decided: {fault}; please report it"
            )));
        }
        let known = self.answer.rollouts.iter().map(|rollout| rollout.plan.clone()).collect();
        Err(CliError::refused(Refusal::NoSuchPlan { plan: plan.clone(), known }))
    }

    /// A plan that no rollout was begun for, and that waits.
    pub(crate) fn new_plan(&self, plan: &PlanName) -> Option<&NewPlanJson> {
        self.answer.new_plans.iter().find(|new| new.plan == *plan)
    }

    /// The same with nothing but one plan's rollout, where a plan is named.
    pub(crate) fn only(mut self, plan: Option<&PlanName>) -> Self {
        if let Some(plan) = plan {
            self.answer.rollouts.retain(|rollout| rollout.plan == *plan);
            self.answer.new_plans.retain(|new| new.plan == *plan);
        }
        self
    }
}
