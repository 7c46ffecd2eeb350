//! The veto: which group is a ring's, may it be written, and what exactly? Built apart from progress.
//!
//! **Invariant:** nothing is ever taken from a group that somebody else holds, and a write names both sides
//! whole, so that it drops nothing that it does not say.

use std::collections::BTreeSet;
use std::fmt;

use crate::ids::{GroupId, PlanName, PolicyId, RingName};
use crate::plan::model::RingPlan;
use crate::rollout::record::{Group, GroupContent, Purpose, VersionEntry, WriteIntent};
use crate::rollout::state::{OwnedGroup, Ring, RingState, State};
use crate::rollout::world::Known;
use crate::text::{in_shell, joined, worded};
use crate::version::Environment;

worded!(Veto);

/// What keeps a ring's group from being written, whatever the gates say.
#[derive(Debug, Clone, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Veto {
    /// Several groups have the ring's group name.
    AmbiguousName {
        name: String,
        /// Their IDs.
        ids: Vec<GroupId>,
    },
    /// The group of that name holds profiles that are not the ring's.
    ForeignProfiles {
        /// The group's name.
        name: String,
        id: GroupId,
        /// The profiles.
        policies: BTreeSet<PolicyId>,
    },
    /// The group of that name belongs to another ring or plan.
    OwnedElsewhere {
        /// The group's name.
        name: String,
        plan: PlanName,
        ring: RingName,
    },
    /// A profile of the ring sits in a group that somebody else holds.
    ProfileTaken {
        /// The profile.
        policy: PolicyId,
        /// The group's name.
        name: String,
        id: GroupId,
        /// The plan and ring that hold it; `None`: it is not ringward's.
        holder: Option<(PlanName, RingName)>,
    },
    /// The group has several entries for one environment; what that means is not documented.
    AmbiguousVersions {
        /// The group's name.
        name: String,
        environment: Environment,
    },
}

impl Veto {
    /// What is in the way.
    pub fn what(&self) -> String {
        match self {
            Self::AmbiguousName { name, ids } => {
                format!("{} deployment groups are named `{name}` ({})", ids.len(), joined(ids, ", "))
            }
            Self::ForeignProfiles { name, id, policies } => {
                let policies = joined(policies, ", ");
                format!(
                    "deployment group `{name}` ({id}) also holds {policies}, which the ring does not name"
                )
            }
            Self::OwnedElsewhere { name, plan, ring } => {
                format!("deployment group `{name}` belongs to ring `{ring}` of plan {plan}")
            }
            Self::ProfileTaken { policy, name, id, holder: None } => {
                format!("profile {policy} is in deployment group `{name}` ({id}), which is not ringward's")
            }
            Self::ProfileTaken { policy, name, id, holder: Some((plan, ring)) } => format!(
                "profile {policy} is in deployment group `{name}` ({id}), which ring `{ring}` of plan {plan} holds"
            ),
            Self::AmbiguousVersions { name, environment } => {
                format!("deployment group `{name}` has several versions for {environment}")
            }
        }
    }

    /// What a person can do about it.
    pub fn instead(&self) -> String {
        let held = |plan: &PlanName, ring: &RingName| {
            format!(
                "where the file of plan {plan} is gone, put it back, write `was: {plan}` in this one to go on with its rollout, or let its ring go: ringward waive {plan} --ring {} --gate ring --reason …",
                in_shell(ring.as_str())
            )
        };
        match self {
            Self::AmbiguousName { .. } => {
                "rename or delete all but one, or give the ring another `group`".to_owned()
            }
            Self::ForeignProfiles { .. } => {
                "add them to the ring, take them out of the group, or give the ring another `group`"
                    .to_owned()
            }
            Self::OwnedElsewhere { plan, ring, .. } => {
                format!("give this ring another `group`; {}", held(plan, ring))
            }
            Self::ProfileTaken { holder: Some((plan, ring)), .. } => {
                format!("take it out of one of the two plans; {}", held(plan, ring))
            }
            Self::ProfileTaken { holder: None, .. } => {
                "take it out there, or take the profile out of the ring".to_owned()
            }
            Self::AmbiguousVersions { .. } => "leave one of them in the group".to_owned(),
        }
    }
}

impl fmt::Display for Veto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what(), self.instead())
    }
}

/// What entering a ring asks of its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupStep {
    /// Nothing: the group already offers the targets to the ring's profiles.
    InPlace(Group),
    Write {
        /// What for.
        purpose: Purpose,
        /// The group as read; `None`: to be created.
        before: Option<Group>,
        /// The group as it shall be.
        after: GroupContent,
    },
}

/// The steps towards a ring's group. What stands against the last one stands against the first: else a profile
/// would be taken out that cannot go in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSteps {
    pub next: GroupStep,
    /// The last one, by what is known now.
    pub last: GroupStep,
}

/// The steps towards a ring's group, from the account's groups; `world` says which profiles there are.
///
/// # Errors
/// When a group is in the way; nothing may be written for this ring then.
pub fn group_steps(
    known: Known<'_>,
    plan: &PlanName,
    ring: &RingPlan,
    policies: &BTreeSet<PolicyId>,
    groups: &[Group],
) -> Result<GroupSteps, Veto> {
    let own = find_own(known, plan, ring, policies, groups)?;
    let own_id = own.map(|group| &group.id);
    let elsewhere = groups.iter().filter(|group| Some(&group.id) != own_id);
    let mut moves = Vec::new();
    // All of them before any: what is moved out must be able to go in.
    for group in elsewhere {
        for policy in group.content.policies.intersection(policies) {
            let is_free = |owned: &&OwnedGroup| owned.plan == *plan || lets_go(known, owned, policy);
            let owner = known.state.groups.get(&group.id);
            let Some(owner) = owner.filter(is_free) else { return Err(taken(owner, policy, group)) };
            moves.push((owner, group));
        }
    }
    let wanted = wanted(own, ring, policies, groups)?;
    let last = match own {
        Some(group) if group.content.offers_the_same(&wanted) => GroupStep::InPlace(group.clone()),
        own => GroupStep::Write { purpose: Purpose::Target, before: own.cloned(), after: wanted },
    };
    if let Some((owner, group)) = moves.first() {
        let mut content = group.content.clone();
        content.policies.retain(|policy| !policies.contains(policy));
        let of_another = Some(&owner.plan).filter(|owner| *owner != plan).cloned();
        let purpose = Purpose::MoveOut { from: owner.ring.clone(), plan: of_another };
        let next = GroupStep::Write { purpose, before: Some((*group).clone()), after: content };
        return Ok(GroupSteps { next, last });
    }
    Ok(GroupSteps { next: last.clone(), last })
}

/// Whether a group's ring lets a profile go to another plan: it holds the group no more, or its plan names the
/// profile no more.
fn lets_go(known: Known<'_>, owned: &OwnedGroup, policy: &PolicyId) -> bool {
    !holds(known, owned) || !names(known, &owned.plan, policy)
}

/// Whether the group that a write changes is held by another ring by now, or what it takes out of it is.
pub(crate) fn is_held_elsewhere(
    known: Known<'_>,
    (plan, ring): (&PlanName, &RingName),
    intent: &WriteIntent,
) -> bool {
    let Some(before) = &intent.before else { return false };
    let Some(owned) = known.state.groups.get(&before.id) else { return false };
    match intent.purpose {
        Purpose::MoveOut { .. } => {
            let mut out = before.content.policies.difference(&intent.after.policies);
            owned.plan != *plan && out.any(|policy| !lets_go(known, owned, policy))
        }
        Purpose::PutBack { .. } => false,
        Purpose::Target | Purpose::Restore | Purpose::Rollback { .. } => {
            (&owned.plan, &owned.ring) != (plan, ring) && holds(known, owned)
        }
    }
}

/// Whether a plan names a profile; where that cannot be told, it does.
fn names(known: Known<'_>, plan: &PlanName, policy: &PolicyId) -> bool {
    let Some(plan) = known.state.plans.get(plan) else { return true };
    let rings = plan.rollout.revision.plan.rings.iter();
    rings
        .map(|ring| known.world.resolve(ring))
        .any(|named| named.map_or(true, |named| named.contains(policy)))
}

fn taken(owned: Option<&OwnedGroup>, policy: &PolicyId, group: &Group) -> Veto {
    let holder = owned.map(|owned| (owned.plan.clone(), owned.ring.clone()));
    let (name, id) = (group.content.name.clone(), group.id.clone());
    Veto::ProfileTaken { policy: policy.clone(), name, id, holder }
}

/// Whether a ring still holds the group that ringward wrote for it. One that is gone, with its plan or alone,
/// holds nothing when it is verified, let go, went back, or was never entered. Of a plan that is not known
/// nobody can tell, and it holds; a plan whose file is back is not gone, also while the file is broken or waits.
fn holds(Known { state, world, .. }: Known<'_>, owned: &OwnedGroup) -> bool {
    let Some(plan) = state.plans.get(&owned.plan) else { return true };
    let is_over = |ring: &Ring| {
        ring.is_free() || !ring.stage.is_entered() || matches!(ring.stage, RingState::RolledBack(..))
    };
    let left = plan.superseded.iter().any(|left| left.ring.name == owned.ring);
    let ring = plan.rollout.ring(&owned.ring);
    let is_gone = plan.is_gone() && !world.files.contains_key(&owned.plan);
    left || ring.is_some_and(|ring| !(is_gone && is_over(ring)))
}

/// The ring's group: the ID in the log, else that of a ring that is gone and had the same profiles, else the
/// only group of its name that can be taken over.
pub(crate) fn find_own<'a>(
    known: Known<'_>,
    plan: &PlanName,
    ring: &RingPlan,
    policies: &BTreeSet<PolicyId>,
    groups: &'a [Group],
) -> Result<Option<&'a Group>, Veto> {
    let state = known.state;
    let recorded = state.group_of(plan, &ring.name).map(|(id, _)| id);
    if let Some(group) = groups.iter().find(|group| Some(&group.id) == recorded) {
        return Ok(Some(group));
    }
    let is_left = |group: &&Group| {
        let owned = state.groups.get(&group.id);
        group.content.policies == *policies && owned.is_some_and(|owned| !holds(known, owned))
    };
    // A profile is in one group only, so there is one at most.
    if let Some(group) = groups.iter().find(is_left) {
        return Ok(Some(group));
    }
    let named: Vec<&Group> = groups.iter().filter(|group| group.content.name == ring.group).collect();
    let [group] = named.as_slice() else {
        if named.is_empty() {
            return Ok(None);
        }
        let ids = named.iter().map(|group| group.id.clone()).collect();
        return Err(Veto::AmbiguousName { name: ring.group.clone(), ids });
    };
    let (name, id) = (group.content.name.clone(), group.id.clone());
    if let Some(owned) = state.groups.get(&id).filter(|owned| holds(known, owned)) {
        // A ring that says nothing of its group does not wait for a name: it takes one with a number.
        if owned.plan == *plan && ring.has_default_group() {
            return Ok(groups.iter().find(|group| is_late(state, ring, policies, group)));
        }
        return Err(Veto::OwnedElsewhere { name, plan: owned.plan.clone(), ring: owned.ring.clone() });
    }
    let foreign: BTreeSet<PolicyId> = group.content.policies.difference(policies).cloned().collect();
    if !foreign.is_empty() {
        return Err(Veto::ForeignProfiles { name, id, policies: foreign });
    }
    Ok(Some(group))
}

/// Whether a group is one with a number that ringward created for a ring, and took for not applied.
fn is_late(state: &State, ring: &RingPlan, policies: &BTreeSet<PolicyId>, group: &Group) -> bool {
    let number = group.content.name.strip_prefix(&ring.group).and_then(|rest| rest.strip_prefix(' '));
    let is_numbered = number.is_some_and(|number| number.parse::<usize>().is_ok());
    is_numbered && group.content.policies == *policies && !state.groups.contains_key(&group.id)
}

/// The group as the plan wants it. Environments that the plan does not name stay untouched.
fn wanted(
    own: Option<&Group>,
    ring: &RingPlan,
    policies: &BTreeSet<PolicyId>,
    groups: &[Group],
) -> Result<GroupContent, Veto> {
    let mut content = match own {
        Some(group) => group.content.clone(),
        None => GroupContent {
            name: free_name(&ring.group, groups),
            versions: Vec::new(),
            policies: BTreeSet::new(),
        },
    };
    for (environment, version) in &ring.targets {
        if content.entries(*environment).count() > 1 {
            return Err(Veto::AmbiguousVersions { name: content.name, environment: *environment });
        }
        content.versions.retain(|entry| entry.environment.as_deref() != Some(environment.as_str()));
        content.versions.push(VersionEntry::of(*environment, *version));
    }
    content.versions.sort();
    content.policies = policies.clone();
    Ok(content)
}

/// A name for a group that is to be created: the ring's, or the same with the first number that is free.
fn free_name(name: &str, groups: &[Group]) -> String {
    let is_free = |name: &String| groups.iter().all(|group| group.content.name != *name);
    let numbered = (2_usize..).map(|number| format!("{name} {number}"));
    // There are fewer groups than numbers.
    std::iter::once(name.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}
