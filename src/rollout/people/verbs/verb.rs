//! The verbs by name.
//!
//! **Invariant:** a verb has one word, in log, API, page and command line.

/// What a person can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Hold a plan.
    Pause,
    /// Lift a plan's holds.
    Resume,
    /// Declare that a gate does not apply.
    Waive,
    /// Take a rollout back.
    Rollback,
    /// Allow again what a rollback holds out.
    ReleaseHold,
    /// Let a ring be entered.
    Approve,
    /// Say no to that.
    Refuse,
    /// Let a revision take effect that waits.
    Confirm,
    /// Look now.
    CheckNow,
    /// Stop all writes.
    Stop,
    /// Allow writes again.
    Start,
    /// Confirm the machine's clock.
    ConfirmClock,
}

impl Verb {
    /// All, in the order of the documents.
    pub const ALL: [Self; 12] = [
        Self::Approve,
        Self::Refuse,
        Self::Confirm,
        Self::Pause,
        Self::Resume,
        Self::Waive,
        Self::Rollback,
        Self::ReleaseHold,
        Self::CheckNow,
        Self::Stop,
        Self::Start,
        Self::ConfirmClock,
    ];

    /// The word of API and command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Waive => "waive",
            Self::Rollback => "rollback",
            Self::ReleaseHold => "release-hold",
            Self::Approve => "approve",
            Self::Refuse => "refuse",
            Self::Confirm => "confirm",
            Self::CheckNow => "check-now",
            Self::Stop => "stop",
            Self::Start => "start",
            Self::ConfirmClock => "confirm-clock",
        }
    }

    /// Whether it must say why: what leaves no record needs no reason.
    pub const fn needs_reason(self) -> bool {
        match self {
            Self::Pause
            | Self::Resume
            | Self::Waive
            | Self::Rollback
            | Self::ReleaseHold
            | Self::Approve
            | Self::Refuse
            | Self::Confirm
            | Self::Stop
            | Self::Start
            | Self::ConfirmClock => true,
            Self::CheckNow => false,
        }
    }
}
