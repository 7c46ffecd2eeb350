//! The kinds of events: the `kind` column of the log and the label of the counter.
//!
//! **Invariant:** each event has one, and it never changes.

use crate::ids::RingName;
use crate::rollout::record::event::Event;

/// The kind of event: the `kind` column of the log and the counter's label.
impl Event {
    /// Every kind, for tables and coverage.
    pub const KINDS: [&'static str; 58] = [
        "daemon_started",
        "clock_stepped",
        "clock_confirmed",
        "stopped",
        "started",
        "token_made",
        "token_revoked",
        "access_intended",
        "access_settled",
        "plan_accepted",
        "plan_revised",
        "plan_restricted",
        "plan_file_named",
        "plan_file_gone",
        "plan_renamed",
        "ring_renamed",
        "ring_let_go",
        "block_begun",
        "block_ended",
        "revision_confirmed",
        "rollout_superseded",
        "new_target_waits",
        "new_target_dropped",
        "rollout_withdrawn",
        "rollout_returned",
        "rollout_completed",
        "ring_reached",
        "ring_recognised",
        "ring_assigned",
        "write_planned",
        "write_cancelled",
        "write_confirmed",
        "write_refused",
        "write_doubted",
        "doubt_read",
        "write_settled",
        "adoption_reached",
        "ring_verified",
        "devices_left",
        "gate_unknown",
        "gate_known",
        "gate_waived",
        "approval_asked",
        "approval_given",
        "approval_refused",
        "halted",
        "halt_lifted",
        "drift_found",
        "drift_ended",
        "drift_adopted",
        "group_renamed",
        "rollback_started",
        "rollback_in_place",
        "ring_rolled_back",
        "rollback_completed",
        "version_released",
        "paused",
        "pause_lifted",
    ];

    /// The word for this kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::DaemonStarted { .. } => "daemon_started",
            Self::ClockStepped { .. } => "clock_stepped",
            Self::ClockConfirmed { .. } => "clock_confirmed",
            Self::Stopped {} => "stopped",
            Self::Started {} => "started",
            Self::TokenMade { .. } => "token_made",
            Self::TokenRevoked { .. } => "token_revoked",
            Self::AccessIntended { .. } => "access_intended",
            Self::AccessSettled { .. } => "access_settled",
            Self::PlanAccepted { .. } => "plan_accepted",
            Self::PlanRevised { .. } => "plan_revised",
            Self::PlanRestricted { .. } => "plan_restricted",
            Self::PlanFileNamed { .. } => "plan_file_named",
            Self::PlanFileGone {} => "plan_file_gone",
            Self::PlanRenamed { .. } => "plan_renamed",
            Self::RingRenamed { .. } => "ring_renamed",
            Self::BlockBegun { .. } => "block_begun",
            Self::BlockEnded { .. } => "block_ended",
            Self::RevisionConfirmed { .. } => "revision_confirmed",
            Self::RingLetGo { .. } => "ring_let_go",
            Self::RolloutSuperseded { .. } => "rollout_superseded",
            Self::NewTargetWaits { .. } => "new_target_waits",
            Self::NewTargetDropped {} => "new_target_dropped",
            Self::RolloutWithdrawn {} => "rollout_withdrawn",
            Self::RolloutReturned {} => "rollout_returned",
            Self::RolloutCompleted {} => "rollout_completed",
            Self::RingReached { .. } => "ring_reached",
            Self::RingRecognised { .. } => "ring_recognised",
            Self::RingAssigned { .. } => "ring_assigned",
            Self::WritePlanned { .. } => "write_planned",
            Self::WriteCancelled { .. } => "write_cancelled",
            Self::WriteConfirmed { .. } => "write_confirmed",
            Self::WriteRefused { .. } => "write_refused",
            Self::WriteDoubted { .. } => "write_doubted",
            Self::DoubtRead { .. } => "doubt_read",
            Self::WriteSettled { .. } => "write_settled",
            Self::AdoptionReached { .. } => "adoption_reached",
            Self::RingVerified { .. } => "ring_verified",
            Self::DevicesLeft { .. } => "devices_left",
            Self::GateUnknown { .. } => "gate_unknown",
            Self::GateKnown { .. } => "gate_known",
            Self::GateWaived { .. } => "gate_waived",
            Self::ApprovalAsked { .. } => "approval_asked",
            Self::ApprovalGiven { .. } => "approval_given",
            Self::ApprovalRefused { .. } => "approval_refused",
            Self::Halted { .. } => "halted",
            Self::HaltLifted { .. } => "halt_lifted",
            Self::DriftFound { .. } => "drift_found",
            Self::DriftEnded { .. } => "drift_ended",
            Self::DriftAdopted { .. } => "drift_adopted",
            Self::GroupRenamed { .. } => "group_renamed",
            Self::RollbackStarted { .. } => "rollback_started",
            Self::RollbackInPlace { .. } => "rollback_in_place",
            Self::RingRolledBack { .. } => "ring_rolled_back",
            Self::RollbackCompleted {} => "rollback_completed",
            Self::VersionReleased { .. } => "version_released",
            Self::Paused {} => "paused",
            Self::PauseLifted {} => "pause_lifted",
        }
    }

    /// The ring it is about, where it is about one.
    pub const fn ring(&self) -> Option<&RingName> {
        match self {
            Self::RingReached { ring }
            | Self::RingRecognised { ring, .. }
            | Self::RingAssigned { ring, .. }
            | Self::WritePlanned { ring, .. }
            | Self::WriteCancelled { ring, .. }
            | Self::WriteConfirmed { ring, .. }
            | Self::WriteRefused { ring, .. }
            | Self::WriteDoubted { ring, .. }
            | Self::DoubtRead { ring, .. }
            | Self::WriteSettled { ring, .. }
            | Self::AdoptionReached { ring, .. }
            | Self::RingVerified { ring, .. }
            | Self::DevicesLeft { ring, .. }
            | Self::GateUnknown { ring, .. }
            | Self::GateKnown { ring, .. }
            | Self::GateWaived { ring, .. }
            | Self::RingLetGo { ring, .. }
            | Self::ApprovalAsked { ring, .. }
            | Self::ApprovalGiven { ring, .. }
            | Self::ApprovalRefused { ring, .. }
            | Self::DriftEnded { ring, .. }
            | Self::GroupRenamed { ring, .. }
            | Self::RollbackInPlace { ring, .. }
            | Self::RingRolledBack { ring, .. } => Some(ring),
            Self::DriftFound { drift } => Some(&drift.ring),
            Self::DriftAdopted { drift } => Some(drift.ring()),
            Self::Halted { cause } | Self::HaltLifted { cause, .. } => Some(cause.ring()),
            Self::DaemonStarted { .. }
            | Self::ClockStepped { .. }
            | Self::ClockConfirmed { .. }
            | Self::Stopped {}
            | Self::Started {}
            | Self::TokenMade { .. }
            | Self::TokenRevoked { .. }
            | Self::AccessIntended { .. }
            | Self::AccessSettled { .. }
            | Self::PlanAccepted { .. }
            | Self::PlanRevised { .. }
            | Self::PlanRestricted { .. }
            | Self::PlanFileNamed { .. }
            | Self::PlanFileGone {}
            | Self::PlanRenamed { .. }
            | Self::RingRenamed { .. }
            | Self::BlockBegun { .. }
            | Self::BlockEnded { .. }
            | Self::RevisionConfirmed { .. }
            | Self::RolloutSuperseded { .. }
            | Self::NewTargetWaits { .. }
            | Self::NewTargetDropped {}
            | Self::RolloutWithdrawn {}
            | Self::RolloutReturned {}
            | Self::RolloutCompleted {}
            | Self::RollbackStarted { .. }
            | Self::RollbackCompleted {}
            | Self::VersionReleased { .. }
            | Self::Paused {}
            | Self::PauseLifted {} => None,
        }
    }
}
