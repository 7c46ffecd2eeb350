//! What a look at the account finds: how bad, what, where, and what to do.
//!
//! **Invariant:** the kinds of findings are a closed set with stable words, each with one
//! severity; whoever reads the JSON can rely on both.

use serde::Serialize;

use crate::{ids::RingName, plan::Spot, version::Environment};

pub(crate) use crate::plan::Severity;

/// Names each kind of finding once, with how bad it is.
macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident: $severity:ident,)+) => {
        /// The kinds of findings.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum Code {
            $($(#[$doc])* $code,)+
        }

        impl Code {
            /// How bad it is.
            pub(crate) const fn severity(self) -> Severity {
                match self {
                    $(Self::$code => Severity::$severity,)+
                }
            }
        }
    };
}

codes! {
    /// Somebody switched the token off.
    TokenDisabled: Error,
    /// The token's time is over.
    TokenExpired: Error,
    /// The token's time is over soon.
    TokenExpiresSoon: Warning,
    /// The token works, but its state could not be asked.
    TokenNotVerified: Warning,
    /// Something may not be read with this token.
    ReadRefused: Error,
    /// Writing was not tried.
    WriteNotTried: Note,
    /// Devices of a profile that no plan names.
    ProfileUnplanned: Note,
    /// The plan is for another account.
    OtherAccount: Error,
    /// No such profile.
    ProfileUnknown: Error,
    /// Several profiles of that name.
    ProfileAmbiguous: Error,
    /// The profile applies to no device.
    ProfileDisabled: Warning,
    /// The default profile, named otherwise than `default`.
    ProfileIsDefault: Note,
    /// The default profile is not in the last ring.
    DefaultNotLast: Warning,
    /// One profile in two places, under two spellings.
    ProfileTwice: Error,
    /// A deployment group is in the way.
    GroupInTheWay: Error,
    /// A deployment group that exists is taken over.
    GroupTakenOver: Note,
    /// A profile moves from one group of the plan to another.
    ProfileMoves: Note,
    /// The group goes on offering what the plan does not name.
    GroupUnmanaged: Note,
    /// No device of the ring can be moved.
    NobodyToMove: Error,
    /// No device of one environment can be moved, but others of the ring can.
    EnvironmentEmpty: Note,
    /// No device of the ring was seen lately.
    NobodySeen: Warning,
    /// Devices that follow no assignment.
    TooOld: Note,
    /// The first ring is a large part of the fleet.
    FirstRingLarge: Warning,
    /// A ring is followed by smaller ones.
    RingOutOfOrder: Warning,
    /// The ring has more devices than one write for it may reach.
    BlastLimit: Warning,
    /// A ring has more devices than all plans may move in a day.
    DevicesPerDay: Error,
    /// One of several profiles holds most of the ring.
    ProfileLarge: Warning,
    /// Once it is entered, the ring could not be rolled back.
    NoWayBack: Warning,
    /// How many could approve.
    Approvers: Note,
    /// No User Group of that name, or several.
    ApproversUnknown: Error,
    /// Fewer could approve than must.
    ApproversTooFew: Error,
    /// Every device runs the target already.
    TargetMet: Note,
    /// Devices run something newer than the target.
    Downgrade: Warning,
    /// No device runs the target yet.
    VersionUnseen: Note,
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
        (self.line, self.column) = spot.map(|spot| (spot.line, spot.column)).unzip();
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
