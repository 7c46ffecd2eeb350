//! Whether a User Group has the policies that it is to have.
//!
//! **Invariant:** policies are compared as sets: their order, their IDs and those of anonymous resource
//! groups do not matter; access, permission groups and scopes do, and what cannot be read equals nothing
//! that can be written.

use std::collections::{BTreeMap, BTreeSet};

use super::policies::{
    AnsweredAccess, PermissionPolicy, PolicedGroup, PolicyIntent, ResourceGroup, ResourceScope,
};
use crate::ids::{AccountId, PermissionGroupId, ResourceGroupId};
use crate::rollout::record::Member;

/// Scopes of resource groups that policies name without saying what belongs to them.
pub(super) type Scopes = BTreeMap<ResourceGroupId, ResourceScope>;

/// Groups with what it takes to tell of them; of one group alone, its members too.
pub(super) struct Listing<'a> {
    pub(super) account: &'a AccountId,
    pub(super) groups: &'a [PolicedGroup],
    pub(super) members: Option<&'a [Member]>,
    pub(super) scopes: &'a Scopes,
}

/// What matters of a policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    pub(super) access: AnsweredAccess,
    pub(super) roles: BTreeSet<PermissionGroupId>,
    pub(super) on: BTreeSet<PolicyPlace>,
}

/// A part of an account that a policy is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PolicyPlace {
    /// An object of a scope.
    Part { key: String, object: String },
    /// A resource group whose scope nobody tells.
    Untold(Option<ResourceGroupId>),
}

impl Shape {
    /// Of a policy as it was answered.
    pub(super) fn of_answer(policy: &PermissionPolicy, scopes: &Scopes) -> Self {
        Self {
            access: policy.access.clone(),
            roles: policy.roles.iter().map(|role| role.id.clone()).collect(),
            on: policy.on.iter().flat_map(|on| places(on, scopes)).collect(),
        }
    }

    /// Of a policy that is to be.
    pub(super) fn of_intent(policy: &PolicyIntent) -> Self {
        let access = AnsweredAccess::Known(policy.access);
        Self { access, roles: policy.roles.clone(), on: parts(&policy.on).collect() }
    }
}

fn places(on: &ResourceGroup, scopes: &Scopes) -> Vec<PolicyPlace> {
    let scope = on.scope.as_ref().or_else(|| scopes.get(on.id.as_ref()?));
    scope.map_or_else(|| vec![PolicyPlace::Untold(on.id.clone())], |scope| parts(scope).collect())
}

/// The parts of an account that a scope names.
pub(super) fn parts(scope: &ResourceScope) -> impl Iterator<Item = PolicyPlace> {
    scope.objects.iter().map(|object| PolicyPlace::Part { key: scope.key.clone(), object: object.clone() })
}

/// Whether a policy of the group names a resource group and not its scope.
pub(super) fn needs_scopes(group: &PolicedGroup) -> bool {
    group.policies.iter().flat_map(|policy| &policy.on).any(|on| on.scope.is_none() && on.id.is_some())
}

/// What would have to change.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Policies that the group is to have and has not.
    pub(super) add: Vec<Shape>,
    /// Policies that it has and is not to have.
    pub(super) remove: Vec<Shape>,
}

impl Difference {
    /// From what is to what is to be.
    pub(super) fn between(is: &[PermissionPolicy], wanted: &[PolicyIntent], scopes: &Scopes) -> Self {
        let is: BTreeSet<Shape> = is.iter().map(|policy| Shape::of_answer(policy, scopes)).collect();
        let wanted: BTreeSet<Shape> = wanted.iter().map(Shape::of_intent).collect();
        Self {
            add: wanted.difference(&is).cloned().collect(),
            remove: is.difference(&wanted).cloned().collect(),
        }
    }

    /// Whether there is nothing to change.
    pub(super) fn is_none(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }
}

#[cfg(test)]
mod tests;
