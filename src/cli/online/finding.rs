//! What a look at the account finds: how bad, what, where, and what to do.
//!
//! **Invariant:** the kinds of findings are a closed set with stable words, each with one
//! severity; whoever reads the JSON can rely on both.

use serde::Serialize;

use crate::ids::RingName;
pub(crate) use crate::plan::Severity;
use crate::plan::Spot;
use crate::version::Environment;

/// The kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    /// Somebody switched the token off.
    TokenDisabled,
    /// The token's time is over.
    TokenExpired,
    /// The token's time is over soon.
    TokenExpiresSoon,
    /// The token works, but its state could not be asked.
    TokenNotVerified,
    /// Something may not be read with this token.
    ReadRefused,
    /// Writing was not tried.
    WriteNotTried,
    /// Devices of a profile that no plan names.
    ProfileUnplanned,
    /// The plan is for another account.
    OtherAccount,
    /// No such profile.
    ProfileUnknown,
    /// Several profiles of that name.
    ProfileAmbiguous,
    /// The profile applies to no device.
    ProfileDisabled,
    /// The default profile, named otherwise than `default`.
    ProfileIsDefault,
    /// The default profile is not in the last ring.
    DefaultNotLast,
    /// One profile in two places, under two spellings.
    ProfileTwice,
    /// A deployment group is in the way.
    GroupInTheWay,
    /// A deployment group that exists is taken over.
    GroupTakenOver,
    /// A profile moves from one group of the plan to another.
    ProfileMoves,
    /// The group goes on offering what the plan does not name.
    GroupUnmanaged,
    /// No device of the ring can be moved.
    NobodyToMove,
    /// No device of one environment can be moved, but others of the ring can.
    EnvironmentEmpty,
    /// No device of the ring was seen lately.
    NobodySeen,
    /// Devices that follow no assignment.
    TooOld,
    /// The first ring is a large part of the fleet.
    FirstRingLarge,
    /// A ring is followed by smaller ones.
    RingOutOfOrder,
    /// The ring has more devices than one write for it may reach.
    BlastLimit,
    /// A ring has more devices than all plans may move in a day.
    DevicesPerDay,
    /// One of several profiles holds most of the ring.
    ProfileLarge,
    /// Once it is entered, the ring could not be rolled back.
    NoWayBack,
    /// How many could approve.
    Approvers,
    /// No User Group of that name, or several.
    ApproversUnknown,
    /// Fewer could approve than must.
    ApproversTooFew,
    /// Every device runs the target already.
    TargetMet,
    /// Devices run something newer than the target.
    Downgrade,
    /// No device runs the target yet.
    VersionUnseen,
}

impl Code {
    /// How bad it is.
    pub(crate) const fn severity(self) -> Severity {
        match self {
            Self::TokenDisabled
            | Self::TokenExpired
            | Self::ReadRefused
            | Self::OtherAccount
            | Self::ProfileUnknown
            | Self::ProfileAmbiguous
            | Self::ProfileTwice
            | Self::GroupInTheWay
            | Self::NobodyToMove
            | Self::DevicesPerDay
            | Self::ApproversUnknown
            | Self::ApproversTooFew => Severity::Error,
            Self::TokenExpiresSoon
            | Self::TokenNotVerified
            | Self::ProfileDisabled
            | Self::DefaultNotLast
            | Self::NobodySeen
            | Self::FirstRingLarge
            | Self::RingOutOfOrder
            | Self::BlastLimit
            | Self::ProfileLarge
            | Self::NoWayBack
            | Self::Downgrade => Severity::Warning,
            Self::WriteNotTried
            | Self::ProfileUnplanned
            | Self::ProfileIsDefault
            | Self::GroupTakenOver
            | Self::ProfileMoves
            | Self::GroupUnmanaged
            | Self::EnvironmentEmpty
            | Self::TooOld
            | Self::Approvers
            | Self::TargetMet
            | Self::VersionUnseen => Severity::Note,
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CheckFinding {
    /// How bad it is: that of its code.
    pub severity: Severity,
    /// What kind it is.
    pub code: Code,
    /// Line in the plan file, from 1.
    pub line: Option<usize>,
    /// Column in the plan file, from 1, in characters.
    pub column: Option<usize>,
    /// The ring that it is about.
    pub ring: Option<RingName>,
    /// The environment that it is about.
    pub environment: Option<Environment>,
    /// What was found.
    pub problem: String,
    /// What to do, where something can be done.
    pub instead: Option<String>,
}

impl CheckFinding {
    /// A finding about the account as a whole.
    pub(crate) fn new(code: Code, problem: impl Into<String>) -> Self {
        Self {
            severity: code.severity(),
            code,
            line: None,
            column: None,
            ring: None,
            environment: None,
            problem: problem.into(),
            instead: None,
        }
    }

    /// The same with what to do.
    #[must_use = "it returns the changed one"]
    pub(crate) fn instead(mut self, instead: impl Into<String>) -> Self {
        self.instead = Some(instead.into());
        self
    }

    /// The same about a ring.
    #[must_use = "it returns the changed one"]
    pub(crate) fn of_ring(mut self, ring: &RingName) -> Self {
        self.ring = Some(ring.clone());
        self
    }

    /// The same about an environment.
    #[must_use = "it returns the changed one"]
    pub(crate) fn on(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// The same at a place in the plan file, where it is known.
    #[must_use = "it returns the changed one"]
    pub(crate) fn at(mut self, spot: Option<Spot>) -> Self {
        self.line = spot.as_ref().map(|spot| spot.line);
        self.column = spot.as_ref().map(|spot| spot.column);
        self
    }
}

/// How many findings of each severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct FindingCounts {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Notes.
    pub notes: usize,
}

impl FindingCounts {
    /// Counts findings.
    pub(crate) fn of<'a>(findings: impl Iterator<Item = &'a CheckFinding>) -> Self {
        findings.fold(Self::default(), |mut tally, finding| {
            match finding.severity {
                Severity::Error => tally.errors += 1,
                Severity::Warning => tally.warnings += 1,
                Severity::Note => tally.notes += 1,
            }
            tally
        })
    }
}
