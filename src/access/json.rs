//! The same for programs.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed.

use serde::Serialize;

use super::compare::{Difference, Listing, PolicyPlace, Shape};
use super::policies::{PermissionGroup, PolicedGroup};
use super::words::{RoleNames, standing};
use crate::ids::{AccountId, Email, PermissionGroupId, ResourceGroupId, UserGroupId};
use crate::rollout::record::Member;

/// `access list --json`.
#[derive(Debug, Serialize)]
pub(super) struct PolicedGroupsJson<'a> {
    account: &'a AccountId,
    groups: Vec<PolicedGroupJson<'a>>,
}

#[derive(Debug, Serialize)]
struct PolicedGroupJson<'a> {
    id: &'a UserGroupId,
    name: &'a str,
    policies: Vec<PolicyJson>,
    /// Only where one group was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<MemberJson<'a>>>,
}

#[derive(Debug, Serialize)]
struct MemberJson<'a> {
    /// Null where Cloudflare tells none, or none that is an e-mail address.
    email: Option<&'a Email>,
    /// `accepted`, `pending`, or Cloudflare's own word.
    status: String,
}

#[derive(Debug, Serialize)]
struct PolicyJson {
    /// `allow`, `deny`, or what Cloudflare says.
    access: String,
    roles: Vec<RoleOf>,
    on: Vec<PlaceJson>,
}

#[derive(Debug, Serialize)]
struct RoleOf {
    id: PermissionGroupId,
    name: Option<String>,
}

/// An object of a scope, or a resource group whose scope is not told; the other keys are null.
#[derive(Debug, Default, Serialize)]
struct PlaceJson {
    key: Option<String>,
    object: Option<String>,
    resource_group: Option<ResourceGroupId>,
}

/// `access roles --json`.
#[derive(Debug, Serialize)]
pub(super) struct Roles<'a> {
    pub(super) account: &'a AccountId,
    pub(super) roles: &'a [PermissionGroup],
}

/// `access diff --json`.
#[derive(Debug, Serialize)]
pub(super) struct Differences<'a> {
    account: &'a AccountId,
    groups: Vec<GroupDifference<'a>>,
    /// How many groups would be written; 0: nothing would change.
    writes: usize,
}

#[derive(Debug, Serialize)]
struct GroupDifference<'a> {
    id: &'a UserGroupId,
    name: &'a str,
    remove: Vec<PolicyJson>,
    add: Vec<PolicyJson>,
}

pub(super) fn groups<'a>(listing: &Listing<'a>) -> PolicedGroupsJson<'a> {
    let Listing { account, groups, members, scopes } = *listing;
    let names = RoleNames::of(account, &[], groups);
    let member =
        |member: &'a Member| MemberJson { email: member.email.as_ref(), status: standing(&member.standing) };
    let group = |group: &'a PolicedGroup| {
        let shapes = group.policies.iter().map(|policy| Shape::of_answer(policy, scopes));
        PolicedGroupJson {
            id: &group.id,
            name: &group.name,
            policies: shapes.map(|shape| policy(&shape, &names)).collect(),
            members: members.map(|members| members.iter().map(member).collect()),
        }
    };
    PolicedGroupsJson { account, groups: groups.iter().map(group).collect() }
}

pub(super) fn differences<'a>(
    account: &'a AccountId,
    differences: &'a [(&'a PolicedGroup, Difference)],
    names: &RoleNames,
) -> Differences<'a> {
    let shapes = |shapes: &[Shape]| shapes.iter().map(|shape| policy(shape, names)).collect();
    let group = |(group, difference): &'a (&'a PolicedGroup, Difference)| GroupDifference {
        id: &group.id,
        name: &group.name,
        remove: shapes(&difference.remove),
        add: shapes(&difference.add),
    };
    Differences {
        account,
        groups: differences.iter().map(group).collect(),
        writes: differences.iter().filter(|(_, difference)| !difference.is_none()).count(),
    }
}

fn policy(shape: &Shape, names: &RoleNames) -> PolicyJson {
    let place = |place: &PolicyPlace| match place {
        PolicyPlace::Part { key, object } => {
            PlaceJson { key: Some(key.clone()), object: Some(object.clone()), ..PlaceJson::default() }
        }
        PolicyPlace::Untold(id) => PlaceJson { resource_group: id.clone(), ..PlaceJson::default() },
    };
    let role = |id: &PermissionGroupId| RoleOf { id: id.clone(), name: names.name(id).map(str::to_owned) };
    PolicyJson {
        access: shape.access.to_string(),
        roles: shape.roles.iter().map(role).collect(),
        on: shape.on.iter().map(place).collect(),
    }
}
