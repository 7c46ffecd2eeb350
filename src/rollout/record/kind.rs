//! The kinds of events: the `kind` column of the log and the label of the counter.
//!
//! **Invariant:** each event has one, and it never changes.

use strum::{EnumCount, VariantNames};

use crate::ids::RingName;
use crate::rollout::record::event::Event;
use crate::text::all;

/// The kind of event: the `kind` column of the log and the counter's label.
impl Event {
    /// Every kind, for tables and coverage.
    pub const KINDS: [&'static str; Self::COUNT] = all(Self::VARIANTS);

    /// The word for this kind: the variant's name.
    pub const fn kind(&self) -> &'static str {
        self.into_str()
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
