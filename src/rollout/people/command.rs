//! What a person may ask for.
//!
//! **Invariant:** each command is one verb of the table.

use crate::ids::{PlanName, RingName};
use crate::plan::model::PlanDigest;
use crate::rollout::judge::way_back::Scope;
use crate::rollout::people::verbs::situation::StartPlans;
use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::record::Gate;
use crate::version::ClientVersion;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Holds a plan.
    Pause(PlanName),
    /// Lifts a plan's holds, both of them.
    Resume(PlanName),
    /// Declares that a gate does not apply to a ring.
    Waive {
        plan: PlanName,
        gate: Gate,
        /// The ring; `None`: the one that is under way.
        ring: Option<RingName>,
    },
    /// Takes a plan's rollout back.
    Rollback {
        plan: PlanName,
        /// How far.
        scope: Scope,
    },
    /// Allows again what a plan's rollbacks hold out.
    ReleaseHold { plan: PlanName, version: ClientVersion },
    /// Lets a ring be entered.
    Approve {
        plan: PlanName,
        /// The ring; `None`: the first that is not entered.
        ring: Option<RingName>,
        /// The revision that the person has read; `None`: whichever is in force.
        revision: Option<PlanDigest>,
    },
    /// Says no to that.
    Refuse {
        plan: PlanName,
        /// The ring; `None`: the first that is not entered.
        ring: Option<RingName>,
        /// The revision that the person has read; `None`: whichever is in force.
        revision: Option<PlanDigest>,
    },
    /// Lets a revision take effect that waits.
    Confirm {
        plan: PlanName,
        /// The revision that the person has read: its digest, or how it begins.
        revision: String,
    },
    /// Reads now what a plan's rollout wants to see.
    CheckNow(PlanName),
    /// Stops all writes.
    Stop,
    /// Allows writes again.
    Start {
        /// What becomes of the plans.
        plans: StartPlans,
    },
    /// Confirms the machine's clock.
    ConfirmClock,
}

impl Command {
    pub const fn verb(&self) -> Verb {
        match self {
            Self::Pause(_) => Verb::Pause,
            Self::Resume(_) => Verb::Resume,
            Self::Waive { .. } => Verb::Waive,
            Self::Rollback { .. } => Verb::Rollback,
            Self::ReleaseHold { .. } => Verb::ReleaseHold,
            Self::Approve { .. } => Verb::Approve,
            Self::Refuse { .. } => Verb::Refuse,
            Self::Confirm { .. } => Verb::Confirm,
            Self::CheckNow(_) => Verb::CheckNow,
            Self::Stop => Verb::Stop,
            Self::Start { .. } => Verb::Start,
            Self::ConfirmClock => Verb::ConfirmClock,
        }
    }

    /// The plan that it is about; `None`: all.
    pub const fn plan(&self) -> Option<&PlanName> {
        match self {
            Self::Pause(plan)
            | Self::Resume(plan)
            | Self::CheckNow(plan)
            | Self::Waive { plan, .. }
            | Self::Rollback { plan, .. }
            | Self::ReleaseHold { plan, .. }
            | Self::Approve { plan, .. }
            | Self::Refuse { plan, .. }
            | Self::Confirm { plan, .. } => Some(plan),
            Self::Stop | Self::Start { .. } | Self::ConfirmClock => None,
        }
    }
}
