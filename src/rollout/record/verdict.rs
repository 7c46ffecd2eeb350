//! What a gate can say.
//!
//! **Invariant:** only `pass` and `exempt` advance, and `exempt` exists only with one of its
//! reasons, so nothing unknown can ever read as a pass.

use crate::text::worded;
use serde::{Deserialize, Serialize};

worded!(Verdict);

/// What a gate says. The reason is part of the verdict, so none is without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Verdict {
    /// Go.
    Pass,
    /// Not yet; time or devices will tell.
    Wait(Waiting),
    /// No; a person must look.
    Fail(Failing),
    /// It cannot be told. Never a pass; too long of it halts.
    Unknown(Unknown),
    /// The gate does not apply here.
    Exempt(Exempt),
}

/// Why a gate waits.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Waiting {
    /// No opening now.
    OpeningClosed,
    /// The opening closes too soon to enter a ring.
    OpeningEndsSoon,
    /// A freeze is on.
    Frozen,
    /// Too few of the recently active devices were seen, or of those that a look is about.
    TooFewSeen,
    /// Too few seen devices run the target.
    TooFewArrived,
    /// The soak has time to run.
    SoakRunning,
    /// Too few arrived devices came back on a later day.
    NotExercised,
    /// Devices have not been there for long enough to look for silent ones.
    TooSoon,
    /// Most devices are silent, here and in the rings not entered, or those were for a week.
    FleetAsleep,
    /// The ring's group does not offer the target: somebody changed it.
    NotOffered,
    /// Too many devices would be taken down to an older version.
    WouldDowngrade,
    /// Too few of the people who are asked have approved.
    ApprovalMissing,
    /// One of them rejected it.
    ApprovalRefused,
    /// The daemon's configuration wants to know who wrote the plan, and the plan does not say.
    AuthorUnnamed,
}

/// Why a gate fails.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Failing {
    /// The targets were not adopted by the deadline.
    DeadlineMissed,
    /// Too many seen devices do not move.
    TooManyStalled,
    /// More devices went silent than the control and chance explain.
    TooManyDark,
}

/// Why a gate cannot tell.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Unknown {
    /// The devices have not been read yet, or not completely.
    NotSwept,
    /// The last look at the devices is too old.
    StaleSweep,
    /// The profiles have not been read yet.
    ProfilesUnread,
    /// A profile of the ring does not exist, or its name exists twice.
    ProfileUnresolved,
    /// No device of this ring can be moved.
    NobodyToMove,
    /// More than half of the ring is silent, and not of the rings not entered: an outage there, or
    /// a local holiday.
    OutageOrHoliday,
    /// The read before each write fails, so nothing is sent.
    ReadFails,
    /// The people who are asked have not been read lately.
    ApproversUnread,
    /// The User Group that is asked does not exist.
    NoUserGroup,
    /// Several User Groups have the name that is asked.
    UserGroupAmbiguous,
}

/// Why a gate does not apply.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Exempt {
    /// No eligible device of this environment in a complete, fresh sweep, while the ring has some
    /// elsewhere.
    NoEligibleDevice,
    /// Waived by a named person.
    Waived,
    /// Too few devices to judge this gate.
    TooFewDevices,
    /// Too few devices are in the rings not entered to compare with.
    NoControl,
}

impl Verdict {
    /// Whether the rollout may go on past this gate.
    pub const fn advances(&self) -> bool {
        match self {
            Self::Pass | Self::Exempt(_) => true,
            Self::Wait(_) | Self::Fail(_) | Self::Unknown(_) => false,
        }
    }

    /// The reason code of metrics and API; empty for a pass.
    pub const fn reason_code(&self) -> &'static str {
        match self {
            Self::Pass => "",
            Self::Wait(why) => why.into_str(),
            Self::Fail(why) => why.into_str(),
            Self::Unknown(why) => why.into_str(),
            Self::Exempt(why) => why.into_str(),
        }
    }
}
