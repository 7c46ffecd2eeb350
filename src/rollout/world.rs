//! What a decision may look at besides the log: plan files and observations, each with its age.
//!
//! **Invariant:** an observation says when it was read; what was never read is absent, never
//! empty.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::Fleet;
use crate::ids::{GroupId, PlanName, PolicyId, UserGroupName};
use crate::plan::change::Restrictions;
use crate::plan::model::{ApprovalFloor, DeviceLimit, Plan, ProfileRef, Revision, Revisions, RingPlan};
use crate::rollout::approval::UserGroups;
use crate::rollout::remote::{Group, Profiles};
use crate::rollout::second_clock::SecondClock;
use crate::rollout::state::State;
use crate::time::{SignedDuration, Timestamp, after, since};

/// Something read from outside, and when the read began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed<T> {
    /// What was read.
    pub value: T,
    /// When the read began: what happened later may be missing.
    pub as_of: Timestamp,
}

/// What the plan's file asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Desired<'a> {
    /// A plan that holds, in a file that was unchanged for long enough.
    Present(&'a Revision),
    /// A plan that holds, in a file that has to wait.
    Unsettled(&'a Revision, Unsettled),
    /// A file that cannot be used.
    Invalid(&'a InvalidFile),
    /// The plans directory cannot be read: why.
    Unreadable(&'a str),
    /// No readable file names the plan: nothing is written until one does.
    Missing,
    /// The file is gone, by two looks a minute apart, with every file of the directory accounted for.
    Gone,
    /// What is in force already: for questions in which no file has a say.
    InForce,
}

impl<'a> Desired<'a> {
    /// The revision in the file, if it holds.
    #[must_use]
    pub const fn revision(self) -> Option<&'a Revision> {
        match self {
            Self::Present(revision) | Self::Unsettled(revision, _) => Some(revision),
            Self::Invalid(_) | Self::Unreadable(_) | Self::Missing | Self::Gone | Self::InForce => None,
        }
    }
}

/// Why what is in a file does not take effect yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsettled {
    /// It has not been unchanged for long enough: it will have been at this instant, by the daemon's clock.
    Until(Timestamp),
    /// Its last byte is no line end: it may have been cut off.
    LineEnd,
}

/// A file that holds a plan and cannot be used.
#[derive(Debug, Clone, PartialEq)]
pub struct InvalidFile {
    /// Its name.
    pub file: String,
    /// What is wrong with it.
    pub errors: Vec<String>,
    /// What only restricts in it, as far as it can be read.
    pub restrictions: Restrictions,
}

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
/// Between full sweeps, devices sighted since the last sweep are read this often.
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
    /// The devices sighted since the last sweep.
    IncrementalSweep,
    /// The devices of one profile.
    ProfileSweep(PolicyId),
    /// A User Group and its members.
    Approvers(UserGroupName),
}

impl Read {
    /// The word of messages and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Groups => "deployment groups",
            Self::Group(_) => "a deployment group",
            Self::Profiles => "device settings profiles",
            Self::FullSweep => "all devices",
            Self::IncrementalSweep => "devices sighted lately",
            Self::ProfileSweep(_) => "devices of a profile",
            Self::Approvers(_) => "a User Group's members",
        }
    }
}

/// All observations of the account.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observations {
    /// The list of deployment groups, complete.
    pub groups: Option<Observed<Vec<Group>>>,
    /// Deployment groups read one by one; `None` inside: not found.
    pub single_groups: BTreeMap<GroupId, Observed<Option<Group>>>,
    /// Device settings profiles.
    pub profiles: Option<Observed<Profiles>>,
    /// User Groups that approvals are asked of.
    pub user_groups: UserGroups,
    /// What the daemon's configuration asks for, whatever a plan says.
    pub approval_floor: Option<ApprovalFloor>,
    /// Who lets revisions take effect, by the daemon's configuration.
    pub revisions: Revisions,
    /// The file of each plan, as the last look found it.
    pub files: BTreeMap<PlanName, String>,
    /// The most devices that entries and restores of all plans may offer something else within 24 hours, by
    /// the daemon's configuration.
    pub devices_per_day: Option<DeviceLimit>,
    /// Devices.
    pub fleet: Fleet,
    /// How often things are read.
    pub cadence: Cadence,
    /// Reads that fail.
    pub troubles: BTreeMap<Read, Trouble>,
    /// Set while the clock is behind the log or an instant that was decided for: when it catches up.
    pub clock_behind: Option<Timestamp>,
    /// The machine's clock beside Cloudflare's.
    pub second_clock: SecondClock,
    /// Set while the log cannot be written: since when, and why.
    pub log_unwritable: Option<Trouble>,
    /// Set while the request budget has no room for a whole write: when it has again.
    pub budget_spent_until: Option<Timestamp>,
}

/// Profiles that could not be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unresolved {
    /// The profiles have not been read.
    Unread,
    /// These do not exist, or their name exists twice; in the plan's words.
    Names(Vec<String>),
}

impl Observations {
    /// The ring's profiles as IDs.
    ///
    /// # Errors
    /// When the profiles were never read, or some do not resolve to exactly one profile.
    pub fn resolve(&self, ring: &RingPlan) -> Result<BTreeSet<PolicyId>, Unresolved> {
        let profiles = &self.profiles.as_ref().ok_or(Unresolved::Unread)?.value;
        let mut resolved = BTreeSet::new();
        let mut unresolved = Vec::new();
        for profile in &ring.profiles {
            match self.resolve_one(profile, profiles) {
                Some(id) if !resolved.contains(&id) => {
                    resolved.insert(id);
                }
                Some(_) => unresolved.push(format!("{profile} (named twice)")),
                None => unresolved.push(profile.to_string()),
            }
        }
        if unresolved.is_empty() { Ok(resolved) } else { Err(Unresolved::Names(unresolved)) }
    }

    /// The ring's profiles as IDs, none of which another ring of its plan has: the decoder compares
    /// profiles as written, and one can be written by name, by ID and as `default`.
    ///
    /// # Errors
    /// As [`Observations::resolve`]; also when another ring has one of them.
    pub fn resolve_within(&self, plan: &Plan, ring: &RingPlan) -> Result<BTreeSet<PolicyId>, Unresolved> {
        let policies = self.resolve(ring)?;
        let mut shared = Vec::new();
        for other in plan.rings.iter().filter(|other| other.name != ring.name) {
            let theirs = self.resolve(other).unwrap_or_default();
            let both = theirs.intersection(&policies);
            shared.extend(both.map(|policy| format!("{policy} (also in ring `{}`)", other.name)));
        }
        if shared.is_empty() { Ok(policies) } else { Err(Unresolved::Names(shared)) }
    }

    fn resolve_one(&self, profile: &ProfileRef, profiles: &Profiles) -> Option<PolicyId> {
        let mut matching = profiles.listed.iter().filter(|listed| match profile {
            ProfileRef::Default => listed.is_default,
            ProfileRef::Id(id) => listed.id == *id,
            ProfileRef::Named(name) => listed.name.as_deref() == Some(name),
        });
        let first = matching.next().map(|listed| &listed.id);
        if matching.any(|listed| Some(&listed.id) != first) {
            return None;
        }
        match profile {
            // The default profile may come without an ID; its devices tell (FACTS 4).
            ProfileRef::Default => first.or_else(|| self.fleet.default_policy()).cloned(),
            ProfileRef::Id(_) | ProfileRef::Named(_) => first.cloned(),
        }
    }

    /// The newest word about one group: `None` when nothing was read, `Some(None)` when it was
    /// looked for and not found.
    #[must_use]
    pub fn group(&self, id: &GroupId) -> Option<Observed<Option<&Group>>> {
        let listed = self.groups.as_ref().map(|groups| Observed {
            value: groups.value.iter().find(|group| group.id == *id),
            as_of: groups.as_of,
        });
        let single = self
            .single_groups
            .get(id)
            .map(|single| Observed { value: single.value.as_ref(), as_of: single.as_of });
        match (listed, single) {
            (Some(listed), Some(single)) if listed.as_of > single.as_of => Some(listed),
            (listed, None) => listed,
            (_, single) => single,
        }
    }

    /// The account's groups, with what ringward itself wrote after the list was read.
    #[must_use]
    pub fn groups_now(&self, state: &State) -> Option<Observed<Vec<Group>>> {
        let listed = self.groups.as_ref()?;
        let mut groups = listed.value.clone();
        for (id, owned) in &state.groups {
            match groups.iter_mut().find(|group| group.id == *id) {
                Some(group) if group.updated_at < owned.last.updated_at => *group = owned.last.clone(),
                Some(_) => {}
                None if listed.as_of <= owned.last.updated_at => groups.push(owned.last.clone()),
                None => {}
            }
        }
        Some(Observed { value: groups, as_of: listed.as_of })
    }

    /// Whether the full sweep is younger than `max_age`.
    #[must_use]
    pub fn full_sweep_within(&self, max_age: SignedDuration, now: Timestamp) -> bool {
        self.fleet.full_sweep_at().is_some_and(|at| since(at, now) <= max_age)
    }

    /// How old the look at a ring that is watched may be: three polls may fail.
    #[must_use]
    pub fn watch_max_age(&self) -> SignedDuration {
        let by_poll = self.cadence.poll.checked_mul(4).unwrap_or(REST_MAX_AGE);
        by_poll.max(after_sweep_max_age())
    }
}

fn after_sweep_max_age() -> SignedDuration {
    INCREMENTAL_SWEEP_EVERY.checked_mul(3).unwrap_or(REST_MAX_AGE)
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
    #[must_use]
    pub fn renewed(read: Read, last: Option<Timestamp>, every: SignedDuration, now: Timestamp) -> Self {
        Self { read, at: last.map_or(now, |last| after(last, every)) }
    }
}
