//! What a person may ask for.
//!
//! **Invariant:** each command is one verb of the table, and says all of its arguments again.

use crate::ids::{PlanName, RingName};
use crate::rollout::judge::rollback_target::Scope;
use crate::rollout::people::verbs::arguments::{ArgumentKey, Arguments};
use crate::rollout::people::verbs::{situation::StartPlans, verb::Verb};
use crate::rollout::record::Gate;
use crate::version::ClientVersion;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Pauses a plan.
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
    /// Allows again what a plan's rollbacks block.
    Unblock { plan: PlanName, version: ClientVersion },
    /// Lets a ring be entered.
    Approve { plan: PlanName, ring: RingName },
    /// Says no to that: of whatever revision, for a no is never out of date.
    Reject { plan: PlanName, ring: RingName },
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
            Self::Unblock { .. } => Verb::Unblock,
            Self::Approve { .. } => Verb::Approve,
            Self::Reject { .. } => Verb::Reject,
            Self::Confirm { .. } => Verb::Confirm,
            Self::CheckNow(_) => Verb::CheckNow,
            Self::Stop => Verb::Stop,
            Self::Start { .. } => Verb::Start,
            Self::ConfirmClock => Verb::ConfirmClock,
        }
    }

    /// A verb with what a person gave; keys of other verbs are left alone.
    ///
    /// # Errors
    /// When it lacks one; it is named.
    pub fn of(verb: Verb, given: Arguments) -> Result<Self, ArgumentKey> {
        let Arguments { plan, gate, ring, environment, version, paused, revision } = given;
        let plan = || plan.ok_or(ArgumentKey::Plan);
        Ok(match verb {
            Verb::Pause => Self::Pause(plan()?),
            Verb::Resume => Self::Resume(plan()?),
            Verb::Waive => Self::Waive { plan: plan()?, gate: gate.ok_or(ArgumentKey::Gate)?, ring },
            Verb::Rollback => Self::Rollback { plan: plan()?, scope: Scope { ring, environment } },
            Verb::Unblock => Self::Unblock { plan: plan()?, version: version.ok_or(ArgumentKey::Version)? },
            Verb::Approve => Self::Approve { plan: plan()?, ring: ring.ok_or(ArgumentKey::Ring)? },
            Verb::Reject => Self::Reject { plan: plan()?, ring: ring.ok_or(ArgumentKey::Ring)? },
            Verb::Confirm => {
                Self::Confirm { plan: plan()?, revision: revision.ok_or(ArgumentKey::Revision)? }
            }
            Verb::CheckNow => Self::CheckNow(plan()?),
            Verb::Stop => Self::Stop,
            Verb::Start => Self::Start { plans: StartPlans::of(paused == Some(true)) },
            Verb::ConfirmClock => Self::ConfirmClock,
        })
    }

    /// What a person gave for it.
    pub fn arguments(&self) -> Arguments {
        let (plan, none) = (self.plan().cloned(), Arguments::default());
        match self.clone() {
            Self::Pause(_) | Self::Resume(_) | Self::CheckNow(_) | Self::Stop | Self::ConfirmClock => {
                Arguments { plan, ..none }
            }
            Self::Waive { gate, ring, .. } => Arguments { plan, gate: Some(gate), ring, ..none },
            Self::Rollback { scope: Scope { ring, environment }, .. } => {
                Arguments { plan, ring, environment, ..none }
            }
            Self::Unblock { version, .. } => Arguments { plan, version: Some(version), ..none },
            Self::Approve { ring, .. } | Self::Reject { ring, .. } => {
                Arguments { plan, ring: Some(ring), ..none }
            }
            Self::Confirm { revision, .. } => Arguments { plan, revision: Some(revision), ..none },
            Self::Start { plans } => Arguments { paused: Some(plans == StartPlans::Pause), ..none },
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
            | Self::Unblock { plan, .. }
            | Self::Approve { plan, .. }
            | Self::Reject { plan, .. }
            | Self::Confirm { plan, .. } => Some(plan),
            Self::Stop | Self::Start { .. } | Self::ConfirmClock => None,
        }
    }

    /// The ring that it names.
    pub const fn ring(&self) -> Option<&RingName> {
        match self {
            Self::Waive { ring, .. } => ring.as_ref(),
            Self::Approve { ring, .. } | Self::Reject { ring, .. } => Some(ring),
            _ => None,
        }
    }
}
