//! What the account answers of permission policies, and how they are written: on top of the client.
//!
//! **Invariant:** a listing is whole or an error. A write names policies and nothing else: not the group's name, which
//! a SCIM-managed group refuses, and never its members.

use std::collections::BTreeSet;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::policies::{
    Access, AnsweredAccess, GrantedRole, PermissionGroup, PermissionPolicy, PolicedGroup, PolicyIntent,
    ResourceGroup, ResourceScope,
};
use crate::cloudflare::request::{USER_GROUPS_PER_PAGE, iam_path, list_user_groups, paged, user_group_path};
use crate::cloudflare::{ApiError, CloudflareClient, Operation, Priority, Request, Single};
use crate::ids::{AccountId, PermissionGroupId, ResourceGroupId, UserGroupId};
use crate::rollout::record::UserGroup;

/// Permission groups per page: the contract's maximum.
const PERMISSION_GROUPS_PER_PAGE: u32 = 50;

impl CloudflareClient {
    /// All User Groups with their policies, sorted by ID.
    ///
    /// # Errors
    /// Any; the listing is whole or an error.
    pub async fn user_groups(&self) -> Result<Vec<PolicedGroup>, ApiError> {
        let request = |page| list_user_groups(self.account(), None, page);
        let key = |group: &WirePolicedGroup| group.id.clone();
        let found = self.numbered(USER_GROUPS_PER_PAGE, Priority::Routine, request, key).await?;
        Ok(found.into_values().map(PolicedGroup::from).collect())
    }

    /// One User Group with its policies, fresh.
    ///
    /// # Errors
    /// Any; a 404 of the API itself is `None`, one of a proxy is an error.
    pub async fn user_group(
        &self,
        id: &UserGroupId,
        priority: Priority,
    ) -> Result<Option<PolicedGroup>, ApiError> {
        let request = get_user_group(self.account(), id);
        match self.call::<Single<WirePolicedGroup>>(&request, priority).await {
            Ok(answer) => self.same_user_group(Operation::GetUserGroup, id, answer).map(Some),
            Err(error) if error.says_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces all policies of a User Group, and answers it as upstream has it. Whether that equals the
    /// intent is for the caller to compare.
    ///
    /// # Errors
    /// Any; see [`ApiError::is_in_doubt`] before sending it again.
    pub async fn update_user_group(
        &self,
        id: &UserGroupId,
        policies: &[PolicyIntent],
    ) -> Result<PolicedGroup, ApiError> {
        let request = update_user_group(self.account(), id, policies);
        let answer: Single<WirePolicedGroup> = self.call(&request, Priority::Write).await?;
        self.same_user_group(Operation::UpdateUserGroup, id, answer)
    }

    /// All permission groups, sorted by ID.
    ///
    /// # Errors
    /// Any; the listing is whole or an error.
    pub async fn permission_groups(&self) -> Result<Vec<PermissionGroup>, ApiError> {
        let request = |page| list_permission_groups(self.account(), page);
        let key = |role: &WirePermissionGroup| -> PermissionGroupId { role.id.clone() };
        let size = PERMISSION_GROUPS_PER_PAGE;
        let found = self.numbered(size, Priority::Routine, request, key).await?;
        Ok(found.into_values().map(PermissionGroup::from).collect())
    }

    /// All resource groups, as they are listed.
    ///
    /// # Errors
    /// Any.
    pub async fn resource_groups(&self) -> Result<Vec<ResourceGroup>, ApiError> {
        let request = list_resource_groups(self.account());
        let answer: Single<Vec<WireResourceGroup>> = self.call(&request, Priority::Routine).await?;
        Ok(answer.result.into_iter().map(ResourceGroup::from).collect())
    }

    fn same_user_group(
        &self,
        operation: Operation,
        asked: &UserGroupId,
        answer: Single<WirePolicedGroup>,
    ) -> Result<PolicedGroup, ApiError> {
        let found = PolicedGroup::from(answer.result);
        if found.group.id == *asked {
            return Ok(found);
        }
        let detail = format!("asked for User Group {asked}, it is about {}", found.group.id);
        Err(self.inconsistent(operation, &detail))
    }
}

/// One User Group.
fn get_user_group(account: &AccountId, group: &UserGroupId) -> Request {
    Request::get(Operation::GetUserGroup, user_group_path(account, group))
}

/// The policies that a User Group is to have in place of all that it has; none of them resets it. In the form
/// of Cloudflare's guide, with inline scopes and without policy IDs
/// (cloudflare.md#permission-policies).
fn update_user_group(account: &AccountId, group: &UserGroupId, policies: &[PolicyIntent]) -> Request {
    let body = json!({ "policies": policies.iter().map(policy).collect::<Vec<_>>() });
    Request::sending(Operation::UpdateUserGroup, Method::PUT, user_group_path(account, group), body)
}

/// One page of permission groups; `page` counts from 1.
fn list_permission_groups(account: &AccountId, page: u32) -> Request {
    let path = iam_path(account, "permission_groups");
    paged(Operation::ListPermissionGroups, path, page, PERMISSION_GROUPS_PER_PAGE)
}

/// All resource groups; the contract has no pages here.
fn list_resource_groups(account: &AccountId) -> Request {
    Request::get(Operation::ListResourceGroups, iam_path(account, "resource_groups"))
}

fn policy(policy: &PolicyIntent) -> Value {
    let roles: Vec<Value> = policy.roles.iter().map(|role| json!({ "id": role })).collect();
    json!({
        "access": policy.access.as_str(),
        "permission_groups": roles,
        "resource_groups": [{ "scope": scope(&policy.on) }],
    })
}

fn scope(scope: &ResourceScope) -> Value {
    let objects: Vec<Value> = scope.objects.iter().map(|object| json!({ "key": object })).collect();
    json!({ "key": scope.key, "objects": objects })
}

/// `iam_user_group`, with its policies.
#[derive(Debug, Deserialize)]
struct WirePolicedGroup {
    id: UserGroupId,
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

impl From<WirePolicedGroup> for PolicedGroup {
    fn from(wire: WirePolicedGroup) -> Self {
        let policies = wire.policies.unwrap_or_default();
        Self {
            group: UserGroup { id: wire.id, name: wire.name },
            policies: policies.into_iter().map(PermissionPolicy::from).collect(),
        }
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
struct WirePermissionGroup {
    id: PermissionGroupId,
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
struct WireResourceGroup {
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
