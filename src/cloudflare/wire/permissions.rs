//! User Groups, their members and policies, in Cloudflare's own shape.
//!
//! More lenient than the contract where the docs' own samples are: a resource group in a policy may
//! lack its ID, `meta` holds strings even for flags, and `result_info` need not be there.
//!
//! **Invariant:** a member whose standing or e-mail cannot be read is still a member, and never an accepted
//! or a known one.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::permissions::{
    Access, AnsweredAccess, GrantedRole, PermissionGroup, PermissionPolicy, PolicedGroup, ResourceGroup,
    ResourceScope,
};
use crate::ids::{PermissionGroupId, ResourceGroupId, UserGroupId};
use crate::rollout::record::{Member, Standing, UserGroup};

/// A page of anything that is numbered by `page` and `per_page`.
#[derive(Debug, Deserialize)]
pub(in crate::cloudflare) struct NumberedPage<T> {
    pub(in crate::cloudflare) result: Vec<T>,
    pub(in crate::cloudflare) result_info: Option<NumberedInfo>,
}

/// `iam_result_info`, in which nothing is required.
#[derive(Debug, Default, Deserialize)]
pub(in crate::cloudflare) struct NumberedInfo {
    pub(in crate::cloudflare) page: Option<u32>,
    pub(in crate::cloudflare) per_page: Option<usize>,
    pub(in crate::cloudflare) total_count: Option<usize>,
}

/// `iam_user_group_member`.
#[derive(Debug, Deserialize)]
pub(in crate::cloudflare) struct WireMember {
    pub(in crate::cloudflare) id: String,
    email: Option<String>,
    status: Option<String>,
}

impl From<WireMember> for Member {
    fn from(wire: WireMember) -> Self {
        let standing = match wire.status.as_deref() {
            None | Some("accepted") => Standing::Accepted,
            Some("pending") => Standing::Pending,
            Some(word) => Standing::Other(word.to_owned()),
        };
        Self { email: wire.email.and_then(|email| email.parse().ok()), standing }
    }
}

/// `iam_user_group`.
#[derive(Debug, Deserialize)]
pub(in crate::cloudflare) struct WireUserGroup {
    pub(in crate::cloudflare) id: UserGroupId,
    name: String,
    policies: Option<Vec<WirePolicy>>,
}

#[derive(Debug, Deserialize)]
struct WirePolicy {
    id: Option<String>,
    access: Option<String>,
    permission_groups: Option<Vec<WirePermissionGroup>>,
    resource_groups: Option<Vec<WireResourceGroup>>,
}

impl From<WireUserGroup> for UserGroup {
    fn from(wire: WireUserGroup) -> Self {
        Self { id: wire.id, name: wire.name }
    }
}

impl From<WireUserGroup> for PolicedGroup {
    fn from(mut wire: WireUserGroup) -> Self {
        let policies = wire.policies.take().unwrap_or_default();
        Self { group: wire.into(), policies: policies.into_iter().map(PermissionPolicy::from).collect() }
    }
}

impl From<WirePolicy> for PermissionPolicy {
    fn from(wire: WirePolicy) -> Self {
        let access = match wire.access.as_deref() {
            Some("allow") => AnsweredAccess::Known(Access::Allow),
            Some("deny") => AnsweredAccess::Known(Access::Deny),
            Some(word) => AnsweredAccess::Other(word.to_owned()),
            None => AnsweredAccess::Untold,
        };
        let roles = wire.permission_groups.unwrap_or_default().into_iter();
        let on = wire.resource_groups.unwrap_or_default().into_iter();
        Self {
            id: wire.id,
            access,
            roles: roles.map(|role| GrantedRole { id: role.id, name: role.name }).collect(),
            on: on.map(ResourceGroup::from).collect(),
        }
    }
}

/// `iam_permission_group`.
#[derive(Debug, Deserialize)]
pub(in crate::cloudflare) struct WirePermissionGroup {
    pub(in crate::cloudflare) id: PermissionGroupId,
    name: Option<String>,
    meta: Option<Map<String, Value>>,
}

impl From<WirePermissionGroup> for PermissionGroup {
    fn from(wire: WirePermissionGroup) -> Self {
        let meta = wire.meta.unwrap_or_default();
        let word = |key: &str| meta.get(key).and_then(Value::as_str).map(str::to_owned);
        let flag = |key: &str| meta.get(key).is_some_and(|value| *value == "true" || *value == true);
        Self {
            id: wire.id,
            name: wire.name,
            label: word("label"),
            description: word("description"),
            scopes: word("scopes"),
            is_deprecated: flag("deprecated"),
        }
    }
}

/// `iam_resource_group`.
#[derive(Debug, Deserialize)]
pub(in crate::cloudflare) struct WireResourceGroup {
    id: Option<ResourceGroupId>,
    name: Option<String>,
    scope: Option<WireScope>,
}

#[derive(Debug, Deserialize)]
struct WireScope {
    key: String,
    objects: Vec<WireObject>,
}

#[derive(Debug, Deserialize)]
struct WireObject {
    key: String,
}

impl From<WireResourceGroup> for ResourceGroup {
    fn from(wire: WireResourceGroup) -> Self {
        let scope = |scope: WireScope| {
            let objects: BTreeSet<String> = scope.objects.into_iter().map(|object| object.key).collect();
            ResourceScope { key: scope.key, objects }
        };
        Self { id: wire.id, name: wire.name, scope: wire.scope.map(scope) }
    }
}

#[cfg(test)]
mod tests;
