//! What can be read, how often, and how old it may be; and what a read showed, people asked for approval included.
//!
//! **Invariant:** a read has one cadence, and what an entry rests on one greatest age, whoever asks. Only an accepted
//! member counts, and a group that is missing or named twice has none.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{Email, GroupId, PolicyId, UserGroupName};
use crate::rollout::record::{Member, Standing};
use crate::time::{SignedDuration, Timestamp, after};

/// How often things are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    /// The ring that adopts, and the deployment groups. It grows with the fleet, so that polling
    /// stays inside the request budget.
    pub poll: SignedDuration,
}

impl Cadence {
    /// The shortest interval: Cloudflare's own delivery takes up to 15 minutes.
    pub const SHORTEST_POLL: SignedDuration = SignedDuration::from_mins(5);
}

impl Default for Cadence {
    fn default() -> Self {
        Self { poll: Self::SHORTEST_POLL }
    }
}

/// A full sweep is due this often, and before each entry.
pub const FULL_SWEEP_EVERY: SignedDuration = SignedDuration::from_hours(6);

/// Between full sweeps, devices seen since the last sweep are read this often.
pub const INCREMENTAL_SWEEP_EVERY: SignedDuration = SignedDuration::from_mins(30);

/// User Groups are read this often while somebody is asked.
pub const APPROVERS_EVERY: SignedDuration = SignedDuration::from_mins(30);

/// Profiles are read this often.
pub const PROFILES_EVERY: SignedDuration = SignedDuration::from_mins(30);

/// The full sweep, the profiles and the groups that a ring is entered on are at most this old.
pub const ENTRY_MAX_AGE: SignedDuration = SignedDuration::from_mins(30);

/// While the schedule keeps the ring closed, an older full sweep will do: one may fail.
pub const REST_MAX_AGE: SignedDuration = SignedDuration::from_hours(13);

/// What is needed at an opening is read this long before it.
pub const READ_AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// A list may be stale for a while after a write; a group missing from one that is younger than
/// this proves nothing.
pub const LIST_SETTLES_IN: SignedDuration = SignedDuration::from_secs(60);

/// Something read from outside, and when the read began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed<T> {
    /// What was read.
    pub value: T,
    /// When the read began: what happened later may be missing.
    pub as_of: Timestamp,
}

/// What Cloudflare has of a User Group that a plan names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approvers {
    /// No group of that name.
    Missing,
    /// So many groups of that name.
    Several(usize),
    /// One, with these members.
    Members(Vec<Member>),
}

impl Approvers {
    /// The e-mail addresses of those who took the invitation; nobody while the group is not certain.
    pub fn accepted(&self) -> BTreeSet<&Email> {
        let Self::Members(members) = self else { return BTreeSet::new() };
        let accepted = members.iter().filter(|member| member.standing == Standing::Accepted);
        accepted.filter_map(|member| member.email.as_ref()).collect()
    }
}

/// User Groups as they were read.
pub type UserGroups = BTreeMap<UserGroupName, Observed<Approvers>>;

/// A read that failed and has not succeeded since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Since when it fails.
    pub since: Timestamp,
    /// The newest error.
    pub message: String,
}

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Read {
    /// The list of deployment groups.
    Groups,
    /// One deployment group.
    Group(GroupId),
    /// The device settings profiles.
    Profiles,
    /// Every device.
    FullSweep,
    /// The devices seen since the last sweep.
    IncrementalSweep,
    /// The devices of one profile.
    ProfileSweep(PolicyId),
    /// A User Group and its members.
    Approvers(UserGroupName),
}

impl Read {
    /// The word of messages and metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Groups => "deployment groups",
            Self::Group(_) => "a deployment group",
            Self::Profiles => "device settings profiles",
            Self::FullSweep => "all devices",
            Self::IncrementalSweep => "devices seen lately",
            Self::ProfileSweep(_) => "devices of a profile",
            Self::Approvers(_) => "a User Group's members",
        }
    }
}

/// Something to read, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// What.
    pub read: Read,
    /// When; in the past: now.
    pub at: Timestamp,
}

impl Want {
    /// A read that is due `every` so often after the last one.
    pub fn renewed(read: Read, last: Option<Timestamp>, every: SignedDuration, now: Timestamp) -> Self {
        Self { read, at: last.map_or(now, |last| after(last, every)) }
    }
}
