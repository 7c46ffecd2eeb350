//! What is known from outside besides plan files, each with its age.
//!
//! **Invariant:** an observation says when it was read; what was never read is absent, never
//! empty.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::Fleet;
use crate::ids::{GroupId, PlanName, PolicyId};
use crate::plan::model::{ApprovalFloor, DeviceLimit, Plan, ProfileRef, Revisions, RingPlan};
use crate::rollout::record::{Group, Profiles};
use crate::rollout::state::State;
use crate::rollout::world::{
    Cadence, INCREMENTAL_SWEEP_EVERY, Observed, REST_MAX_AGE, Read, SecondClock, Trouble, UserGroups,
};
use crate::time::{SignedDuration, Timestamp, since};

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

/// The log and the world at one instant: what gates and decisions look at.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// All that the log says.
    pub state: &'a State,
    /// What is known from outside.
    pub world: &'a Observations,
    /// The instant of the decision.
    pub now: Timestamp,
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
            // The default profile may come without an ID; its devices tell (cloudflare.md#default-profile).
            ProfileRef::Default => first.or_else(|| self.fleet.default_policy()).cloned(),
            ProfileRef::Id(_) | ProfileRef::Named(_) => first.cloned(),
        }
    }

    /// The newest word about one group: `None` when nothing was read, `Some(None)` when it was
    /// looked for and not found.
    pub fn group(&self, id: &GroupId) -> Option<Observed<Option<&Group>>> {
        let listed = self.groups.as_ref().map(|groups| Observed {
            value: groups.value.iter().find(|group| group.id == *id),
            as_of: groups.as_of,
        });
        let single = self.single_groups.get(id);
        let single = single.map(|read| Observed { value: read.value.as_ref(), as_of: read.as_of });
        match (listed, single) {
            (Some(listed), Some(single)) if listed.as_of > single.as_of => Some(listed),
            (listed, None) => listed,
            (_, single) => single,
        }
    }

    /// When the list of deployment groups was read last.
    pub fn groups_read_at(&self) -> Option<Timestamp> {
        self.groups.as_ref().map(|groups| groups.as_of)
    }

    /// The account's groups, with what ringward itself wrote after the list was read.
    pub fn groups_now(&self, state: &State) -> Option<Observed<Vec<Group>>> {
        let listed = self.groups.as_ref()?;
        let mut groups = listed.value.clone();
        for (id, owned) in &state.groups {
            match groups.iter_mut().find(|group| group.id == *id) {
                Some(group) if group.updated_at < owned.last.updated_at => *group = owned.last.clone(),
                None if listed.as_of <= owned.last.updated_at => groups.push(owned.last.clone()),
                Some(_) | None => {}
            }
        }
        Some(Observed { value: groups, as_of: listed.as_of })
    }

    /// Whether the full sweep is younger than `max_age`.
    pub fn full_sweep_within(&self, max_age: SignedDuration, now: Timestamp) -> bool {
        self.fleet.full_sweep_at().is_some_and(|at| since(at, now) <= max_age)
    }

    /// How old the look at a ring that is watched may be: three polls may fail.
    pub fn watch_max_age(&self) -> SignedDuration {
        let by_poll = self.cadence.poll.checked_mul(4).unwrap_or(REST_MAX_AGE);
        by_poll.max(INCREMENTAL_SWEEP_EVERY.checked_mul(3).unwrap_or(REST_MAX_AGE))
    }
}
