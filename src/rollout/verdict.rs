//! Gates and what they say: verdict, reason, value, threshold, age.
//!
//! **Invariant:** only `pass` and `exempt` advance, and `exempt` exists only with one of its
//! reasons, so nothing unknown can ever read as a pass.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fleet::EnvironmentCensus;
use crate::plan::model::Percent;
use crate::rollout::approval::Approved;
use crate::rollout::downgrade::Downgrade;
use crate::rollout::health::{Dark, Stalled};
use crate::time::{SignedDuration, Timestamp, in_words, since};
use crate::version::Environment;

/// A condition on entering a ring or on leaving it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Entry: the schedule has an opening with enough time left.
    Opening,
    /// Entry: no freeze.
    Freeze,
    /// Entry: the ring's profiles are known, a complete fresh sweep lists its devices, and an
    /// assignment can move at least one of them.
    Fleet,
    /// Entry: the targets take few devices down to an older version, or the plan allows it.
    Downgrade,
    /// Entry: enough of the people who are asked let the ring be entered.
    Approval,
    /// Exit: enough sighted devices run the target.
    Adoption,
    /// Exit: the ring ran on its targets long enough, and devices came back on another day.
    Soak,
    /// Health: few sighted devices do not move. Judged from the assignment on until the rollout is
    /// final; it must advance to leave the ring, too.
    Stalled,
    /// Health: no more devices went silent after they arrived than among those not moved yet.
    /// Judged as [`Gate::Stalled`] is.
    Dark,
    /// The ring's place in the rollout, which it keeps until it is verified though the plan's file has
    /// dropped it. No verdict stands for it: it is waived, and then the ring is let go.
    Ring,
}

impl Gate {
    /// All, in the order in which reports list them.
    pub const ALL: [Self; 10] = [
        Self::Opening,
        Self::Freeze,
        Self::Fleet,
        Self::Downgrade,
        Self::Approval,
        Self::Adoption,
        Self::Soak,
        Self::Stalled,
        Self::Dark,
        Self::Ring,
    ];

    /// The word of plans, metrics, API and command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Freeze => "freeze",
            Self::Fleet => "fleet",
            Self::Downgrade => "downgrade",
            Self::Approval => "approval",
            Self::Adoption => "adoption",
            Self::Soak => "soak",
            Self::Stalled => "stalled",
            Self::Dark => "dark",
            Self::Ring => "ring",
        }
    }

    /// Whether a named person may waive it. The schedule is changed in the plan, where the change
    /// is seen; a fleet that cannot be seen cannot be waived into sight; and one person's word never
    /// stands for those of the people who are asked.
    #[must_use]
    pub const fn can_be_waived(self) -> bool {
        match self {
            Self::Adoption | Self::Soak | Self::Stalled | Self::Dark | Self::Ring => true,
            Self::Opening | Self::Freeze | Self::Fleet | Self::Downgrade | Self::Approval => false,
        }
    }

    /// Whether it is judged for as long as the ring is entered, also once it is verified.
    #[must_use]
    pub const fn is_of_health(self) -> bool {
        match self {
            Self::Stalled | Self::Dark => true,
            Self::Opening
            | Self::Freeze
            | Self::Fleet
            | Self::Downgrade
            | Self::Approval
            | Self::Adoption
            | Self::Soak
            | Self::Ring => false,
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a gate says. The reason is part of the verdict, so none is without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// No opening now.
    OpeningClosed,
    /// The opening closes too soon to enter a ring.
    OpeningEndsSoon,
    /// A freeze is on.
    Frozen,
    /// Too few of the recently active devices were sighted, or of those that a look is about.
    TooFewSeen,
    /// Too few sighted devices run the target.
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
    /// One of them refused.
    ApprovalRefused,
}

/// Why a gate fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failing {
    /// The targets were not adopted by the deadline.
    DeadlineMissed,
    /// Too many sighted devices do not move.
    TooManyStalled,
    /// More devices went silent than the control and chance explain.
    TooManyDark,
}

/// Why a gate cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    #[must_use]
    pub const fn advances(&self) -> bool {
        match self {
            Self::Pass | Self::Exempt(_) => true,
            Self::Wait(_) | Self::Fail(_) | Self::Unknown(_) => false,
        }
    }

    /// The word of metrics and API.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Wait(_) => "wait",
            Self::Fail(_) => "fail",
            Self::Unknown(_) => "unknown",
            Self::Exempt(_) => "exempt",
        }
    }

    /// The reason code of metrics and API; empty for a pass.
    #[must_use]
    pub const fn reason_code(&self) -> &'static str {
        match self {
            Self::Pass => "",
            Self::Wait(Waiting::OpeningClosed) => "opening_closed",
            Self::Wait(Waiting::OpeningEndsSoon) => "opening_ends_soon",
            Self::Wait(Waiting::Frozen) => "frozen",
            Self::Wait(Waiting::TooFewSeen) => "too_few_seen",
            Self::Wait(Waiting::TooFewArrived) => "too_few_arrived",
            Self::Wait(Waiting::SoakRunning) => "soak_running",
            Self::Wait(Waiting::NotExercised) => "not_exercised",
            Self::Wait(Waiting::TooSoon) => "too_soon",
            Self::Wait(Waiting::FleetAsleep) => "fleet_asleep",
            Self::Wait(Waiting::NotOffered) => "not_offered",
            Self::Wait(Waiting::WouldDowngrade) => "would_downgrade",
            Self::Wait(Waiting::ApprovalMissing) => "approval_missing",
            Self::Wait(Waiting::ApprovalRefused) => "approval_refused",
            Self::Fail(Failing::DeadlineMissed) => "deadline_missed",
            Self::Fail(Failing::TooManyStalled) => "too_many_stalled",
            Self::Fail(Failing::TooManyDark) => "too_many_dark",
            Self::Unknown(Unknown::NotSwept) => "not_swept",
            Self::Unknown(Unknown::StaleSweep) => "stale_sweep",
            Self::Unknown(Unknown::ProfilesUnread) => "profiles_unread",
            Self::Unknown(Unknown::ProfileUnresolved) => "profile_unresolved",
            Self::Unknown(Unknown::NobodyToMove) => "nobody_to_move",
            Self::Unknown(Unknown::OutageOrHoliday) => "outage_or_holiday",
            Self::Unknown(Unknown::ReadFails) => "read_fails",
            Self::Unknown(Unknown::ApproversUnread) => "approvers_unread",
            Self::Unknown(Unknown::NoUserGroup) => "no_user_group",
            Self::Unknown(Unknown::UserGroupAmbiguous) => "user_group_ambiguous",
            Self::Exempt(Exempt::NoEligibleDevice) => "no_eligible_device",
            Self::Exempt(Exempt::Waived) => "waived",
            Self::Exempt(Exempt::TooFewDevices) => "too_few_devices",
            Self::Exempt(Exempt::NoControl) => "no_control",
        }
    }
}

/// One gate's word at one instant, with what it saw: this is what the log keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Which gate.
    pub gate: Gate,
    /// For gates that judge each environment on its own.
    pub environment: Option<Environment>,
    /// What it says and why.
    pub verdict: Verdict,
    /// What it saw and what it asks for.
    pub evidence: Evidence,
    /// When the newest observation behind it was read; `None` where only the clock matters.
    pub as_of: Option<Timestamp>,
}

/// What a gate saw, beside what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The schedule at an instant.
    Opening {
        /// When the present opening ends, by closing or by a freeze; `None`: no end in sight, or
        /// closed.
        closes_at: Option<Timestamp>,
        /// When the next opening comes that can be used.
        opens_at: Option<Timestamp>,
    },
    /// The freezes at an instant.
    Freeze {
        /// The reason of the freeze that is on.
        reason: Option<String>,
        /// When it ends.
        ends_at: Option<Timestamp>,
    },
    /// The ring's devices before its write.
    Fleet {
        /// Devices that the targets can move.
        eligible: usize,
        /// When the last full sweep began.
        full_sweep_at: Option<Timestamp>,
        /// Profiles that could not be resolved, in the plan's words.
        unresolved: Vec<String>,
    },
    /// Where the ring's devices come from.
    Downgrade(Downgrade),
    /// What people said.
    Approval(Approved),
    /// One environment on its way to the target.
    Adoption {
        /// The devices.
        census: EnvironmentCensus,
        /// The share asked for.
        at_least: Percent,
        /// The share that must have been sighted.
        seen_at_least: Percent,
        /// When the time for it runs out, as it stands now.
        deadline_at: Timestamp,
    },
    /// The ring on its targets.
    Soak {
        /// When adoption was reached.
        started_at: Timestamp,
        /// When the soak is over.
        ends_at: Timestamp,
        /// Arrived devices.
        arrived: usize,
        /// Those that came back on a later day.
        exercised: usize,
    },
    /// Devices that do not move.
    Stalled(Stalled),
    /// Devices that went silent.
    Dark(Dark),
}

impl Judgement {
    /// Whether it advances only because a person waived its gate.
    #[must_use]
    pub fn is_waived(&self) -> bool {
        self.verdict == Verdict::Exempt(Exempt::Waived)
    }

    /// The value seen, for people.
    #[must_use]
    pub fn value(&self) -> String {
        match &self.evidence {
            Evidence::Opening { closes_at, opens_at } => match (closes_at, opens_at) {
                (Some(at), _) => format!("open until {}", short(*at)),
                (None, Some(at)) => format!("closed until {}", short(*at)),
                (None, None) if self.verdict.advances() => "always open".to_owned(),
                (None, None) => "closed".to_owned(),
            },
            Evidence::Freeze { reason, ends_at } => match (reason, ends_at) {
                (Some(reason), Some(at)) => format!("{reason}, until {}", short(*at)),
                (Some(reason), None) => reason.clone(),
                (None, _) => "none".to_owned(),
            },
            Evidence::Fleet { eligible, unresolved, .. } if unresolved.is_empty() => self.to_move(*eligible),
            Evidence::Fleet { unresolved, .. } => format!("cannot resolve {}", unresolved.join(", ")),
            Evidence::Adoption { census, .. } => {
                let counts = &census.counts;
                let sighted = counts.sighted();
                let (seen, active) = (census.active_sighted, census.active);
                format!(
                    "{} of {sighted} sighted devices arrived; {seen} of {active} active ones sighted",
                    counts.arrived
                )
            }
            Evidence::Soak { started_at, arrived, exercised, .. } => {
                format!("since {}; {exercised} of {arrived} came back on a later day", short(*started_at))
            }
            Evidence::Downgrade(seen) => seen.moves.to_string(),
            Evidence::Approval(approved) => approved.value(&self.verdict),
            Evidence::Stalled(stalled) => stalled.value(),
            Evidence::Dark(dark) => dark.value(&self.verdict),
        }
    }

    /// What would be enough, for people.
    #[must_use]
    pub fn threshold(&self) -> String {
        match &self.evidence {
            Evidence::Opening { .. } => "an opening with 15m left".to_owned(),
            Evidence::Freeze { .. } => "no freeze".to_owned(),
            Evidence::Fleet { .. } => "at least 1 device, from a complete fresh sweep".to_owned(),
            Evidence::Adoption { at_least, seen_at_least, deadline_at, .. } => {
                format!("{at_least} arrived, {seen_at_least} sighted, by {}", short(*deadline_at))
            }
            Evidence::Soak { ends_at, .. } => format!("until {}; half come back", short(*ends_at)),
            Evidence::Downgrade(seen) => seen.threshold(),
            Evidence::Approval(approved) => approved.threshold(),
            Evidence::Stalled(stalled) => stalled.threshold(),
            Evidence::Dark(dark) => dark.threshold(),
        }
    }

    /// How many devices the fleet gate counted; nothing is counted before it was read.
    fn to_move(&self, eligible: usize) -> String {
        match (&self.verdict, eligible) {
            (Verdict::Unknown(Unknown::NotSwept | Unknown::ProfilesUnread), _) => "not read yet".to_owned(),
            (_, 1) => "1 device to move".to_owned(),
            _ => format!("{eligible} devices to move"),
        }
    }

    /// How old the newest observation behind it is.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        self.as_of.map(|as_of| since(as_of, now))
    }

    /// The gate with its environment: `adoption/windows`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.environment {
            Some(environment) => format!("{}/{environment}", self.gate),
            None => self.gate.to_string(),
        }
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name(), self.verdict.as_str())?;
        if !self.verdict.reason_code().is_empty() {
            write!(f, " ({})", self.verdict.reason_code())?;
        }
        write!(f, ": {}", self.value())
    }
}

/// An instant to the minute, in UTC, for people.
#[must_use]
pub fn short(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// How long ago, for people: `3h ago`, or `in 3h`.
#[must_use]
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let elapsed = since(then, now);
    if elapsed.is_negative() {
        format!("in {}", in_words(-elapsed))
    } else {
        format!("{} ago", in_words(elapsed))
    }
}
