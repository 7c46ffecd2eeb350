//! A write from its intent to what reads show of it.
//!
//! **Invariant:** an intent names both sides of the write whole, so that it can be judged, repeated
//! and settled from the log alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ids::{PlanName, PolicyId, RingName, UserGroupName};
use crate::plan::model::{DeviceLimit, PlanDigest};
use crate::rollout::record::{
    AllMoves, Ask, BlockKind, ClockDoubt, Evidence, Group, GroupContent, Judgement, WriteId,
};
use crate::time::SignedDuration;
use crate::version::{ClientVersion, Environment};

/// Two reads about a write whose outcome is unknown must lie this far apart: a write can be applied late and a
/// list can be stale.
pub const DOUBT_READS_APART: SignedDuration = SignedDuration::from_secs(60);

/// A write before it is made: whole, so that it can be judged and settled from the log alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteIntent {
    /// Its number.
    pub id: WriteId,
    /// The plan it follows.
    pub digest: PlanDigest,
    /// What it is for.
    pub purpose: Purpose,
    /// The group as last read; `None`: it is to be created.
    pub before: Option<Group>,
    /// The group as it shall be.
    pub after: GroupContent,
    /// The ring's profiles, resolved; of a group that is written back, those that it had.
    pub policies: BTreeSet<PolicyId>,
    /// Every entry gate's word.
    pub judgements: Vec<Judgement>,
    /// The devices of these profiles that the ring's targets can move.
    pub devices: usize,
    /// Devices that this write offers something else, by the planner's count; `None` in logs of
    /// older versions.
    #[serde(default)]
    pub retargets: Option<usize>,
    /// Whether an earlier write for this ring was in doubt: then any error is a doubt again.
    pub after_doubt: bool,
    /// Where its devices come from, by environment; `None` where a group is written back, in a rollback,
    /// and in logs of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves: Option<AllMoves>,
    /// What the guard of the daemon's configuration said; `None`: there is none, it is a rollback, or the
    /// log is of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub today: Option<Today>,
}

/// The guard on devices per day, as it stood when a write was planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Today {
    /// How many devices the writes of the 24 hours before offered something else.
    pub before: usize,
    /// How many may be in all.
    pub at_most: DeviceLimit,
}

impl WriteIntent {
    /// The User Groups whose members let it be planned: they are read again before it is sent.
    pub fn approvers(&self) -> impl Iterator<Item = &UserGroupName> {
        self.asks().map(|ask| &ask.user_group)
    }

    /// What was asked before it was planned.
    pub fn asks(&self) -> impl Iterator<Item = &Ask> {
        let approved = self.judgements.iter().filter_map(|judgement| match &judgement.evidence {
            Evidence::Approval(approved) => Some(approved),
            _ => None,
        });
        approved.flat_map(|approved| &approved.tallies).map(|tally| &tally.ask)
    }
}

/// What a write is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Gives the ring's group its targets and profiles.
    Target,
    /// Takes a profile out of another ring's group, so that it can go in here.
    MoveOut {
        /// The ring that the other group was written for.
        from: RingName,
        /// That ring's plan, where it is another: the ring is gone, or its plan names the profile no more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<PlanName>,
    },
    /// Puts what was taken out of another ring's group for this one back into it, for it cannot go in here now.
    PutBack {
        /// The ring that the other group was written for.
        from: RingName,
        /// That ring's plan, where it is another.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<PlanName>,
    },
    /// Writes the ring's group back as ringward left it, after somebody else changed it.
    Restore,
    /// Takes environments of the ring's group back to an earlier version, and nothing else.
    Rollback {
        /// To these.
        to: BTreeMap<Environment, ClientVersion>,
    },
}

impl Purpose {
    /// Whether devices are offered again what they were offered before: that asks no gate and no schedule, and is
    /// never held against `max_devices` and the guard.
    pub const fn goes_back(&self) -> bool {
        match self {
            Self::Rollback { .. } | Self::PutBack { .. } => true,
            Self::Target | Self::MoveOut { .. } | Self::Restore => false,
        }
    }

    /// What a rollback takes environments of the ring's group back to.
    pub const fn rolls_back_to(&self) -> Option<&BTreeMap<Environment, ClientVersion>> {
        match self {
            Self::Rollback { to } => Some(to),
            Self::Target | Self::MoveOut { .. } | Self::PutBack { .. } | Self::Restore => None,
        }
    }

    /// Whether it only takes profiles out of another ring's group, or puts them back: what that group offers
    /// stays as it is.
    pub const fn is_of_another_group(&self) -> bool {
        matches!(self, Self::MoveOut { .. } | Self::PutBack { .. })
    }

    /// Whether a ring has such writes wherever it is, and not only when its turn came.
    pub const fn is_of_any_stage(&self) -> bool {
        match self {
            Self::Restore | Self::PutBack { .. } | Self::Rollback { .. } => true,
            Self::Target | Self::MoveOut { .. } => false,
        }
    }
}

/// Why a planned write was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Cancelled {
    /// All writes are stopped.
    #[error("all writes are stopped")]
    Stopped,
    /// The plan is paused or halted.
    #[error("the plan is paused or halted")]
    Held,
    #[error("the opening closed")]
    OpeningClosed,
    /// A freeze began.
    #[error("a freeze began")]
    FreezeBegun,
    /// The plan's file changed.
    #[error("the plan changed")]
    PlanChanged,
    /// Something stands before every such write.
    #[error("{block} by now")]
    Blocked {
        /// What.
        block: BlockKind,
    },
    /// The plan forbids the version by now.
    #[error("the plan forbids {version} by now")]
    Forbidden { version: ClientVersion },
    /// The rollout goes back.
    #[error("the rollout is rolled back")]
    RolledBack,
    /// A rollback blocked the version by now.
    #[serde(rename = "held_out")]
    #[error("{version} is blocked by now, by a rollback")]
    BlockedVersion { version: ClientVersion },
    /// By the members as read just before, too few approvals count, or somebody rejected it.
    #[error("its approval does not count: {seen}")]
    ApprovalVoid {
        /// What was seen.
        seen: String,
    },
    /// The machine's clock was set back behind what is decided and recorded.
    #[error("this machine's clock was set back")]
    ClockBehind,
    /// By an answer just before, the machine's clock is not Cloudflare's, or cannot be compared.
    #[error("{doubt}")]
    ClockDiffers {
        /// What the answer said.
        doubt: ClockDoubt,
    },
    /// The group is not as the intent has it: somebody else edits it.
    #[error("the group was edited by somebody else")]
    ConcurrentEdit,
    /// The group is gone.
    #[error("the group is gone")]
    GroupGone,
    /// A profile sits in another group by now, or the name is taken.
    #[error("another group took the name or a profile")]
    GroupInTheWay,
    /// By a fresh count it would offer something else to more devices than the plan allows.
    #[error("it would offer something else to {counted} devices, and `max_devices` is {at_most}")]
    TooManyDevices {
        /// How many.
        counted: usize,
        /// `max_devices` of the ring.
        at_most: DeviceLimit,
    },
    /// With it, all plans together would offer something else to more devices within 24 hours than the
    /// daemon's configuration allows.
    #[error(
        "it would offer something else to {counted} devices after {before} in the 24 hours before, and `devices_per_day` is {at_most}"
    )]
    TooManyToday {
        /// By a fresh count.
        counted: usize,
        /// By the writes of the 24 hours before.
        before: usize,
        /// `guard.devices_per_day`.
        at_most: DeviceLimit,
    },
    /// The read before the write failed, so nothing was sent.
    #[error("the read before the write failed: {message}")]
    ReadFailed {
        /// What was said.
        message: String,
    },
    /// The daemon ended while it read.
    #[error("the daemon ended before it was sent")]
    Ending,
    /// The read before the write failed; as logs of older versions have it, where it counted as a write
    /// that came to nothing.
    #[error("the read before the write failed: {message}")]
    Unreadable {
        /// What was said.
        message: String,
    },
    /// The request certainly never reached Cloudflare.
    #[error("the request was not sent: {message}")]
    NotSent {
        /// What was said.
        message: String,
    },
    /// Cloudflare's rate limit; nothing was applied.
    #[error("Cloudflare asked to slow down")]
    RateLimited,
}

impl Cancelled {
    /// Whether this counts as an attempt that failed, rather than one overtaken by events.
    pub const fn is_a_failure(&self) -> bool {
        match self {
            Self::Stopped
            | Self::Held
            | Self::OpeningClosed
            | Self::FreezeBegun
            | Self::PlanChanged
            | Self::Blocked { .. }
            | Self::Forbidden { .. }
            | Self::RolledBack
            | Self::BlockedVersion { .. }
            | Self::ApprovalVoid { .. }
            | Self::ReadFailed { .. }
            | Self::ClockBehind
            | Self::ClockDiffers { .. }
            | Self::Ending => false,
            Self::ConcurrentEdit
            | Self::GroupGone
            | Self::GroupInTheWay
            | Self::TooManyDevices { .. }
            | Self::TooManyToday { .. }
            | Self::Unreadable { .. }
            | Self::NotSent { .. }
            | Self::RateLimited => true,
        }
    }
}

/// What a read shows about a write whose outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It was applied.
    Applied {
        /// The group as read.
        group: Group,
    },
    /// It was not applied.
    NotApplied {},
    /// The group is neither as before nor as intended.
    Overwritten {
        /// The group as read; `None`: gone.
        seen: Option<Group>,
    },
}
