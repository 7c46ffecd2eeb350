//! What the account answers of permission policies, and how they are written: on top of the client.
//!
//! **Invariant:** a listing is whole or an error. A write names policies and nothing else: not the group's name, which
//! a SCIM-managed group refuses, and never its members.

use reqwest::Method;
use serde_json::{Value, json};

use super::policies::{PermissionGroup, PolicedGroup, PolicyIntent, ResourceGroup, ResourceScope};
use crate::cloudflare::request::{USER_GROUPS_PER_PAGE, iam_path, list_user_groups, paged, user_group_path};
use crate::cloudflare::{ApiError, CloudflareClient, Operation, Priority, Request, Single};
use crate::ids::{AccountId, UserGroupId};

/// Permission groups per page: the contract's maximum.
const PERMISSION_GROUPS_PER_PAGE: u32 = 50;

impl CloudflareClient {
    /// All User Groups with their policies, sorted by ID.
    ///
    /// # Errors
    /// Any; the listing is whole or an error.
    pub async fn user_groups(&self) -> Result<Vec<PolicedGroup>, ApiError> {
        let request = |page| list_user_groups(self.account(), None, page);
        let key = |group: &PolicedGroup| group.id.clone();
        let found = self.numbered(USER_GROUPS_PER_PAGE, Priority::Routine, request, key).await?;
        Ok(found.into_values().collect())
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
        match self.call(&request, priority).await {
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
        let answer = self.call(&request, Priority::Write).await?;
        self.same_user_group(Operation::UpdateUserGroup, id, answer)
    }

    /// All permission groups, sorted by ID.
    ///
    /// # Errors
    /// Any; the listing is whole or an error.
    pub async fn permission_groups(&self) -> Result<Vec<PermissionGroup>, ApiError> {
        let request = |page| list_permission_groups(self.account(), page);
        let key = |role: &PermissionGroup| role.id.clone();
        let found = self.numbered(PERMISSION_GROUPS_PER_PAGE, Priority::Routine, request, key).await?;
        Ok(found.into_values().collect())
    }

    /// All resource groups, as they are listed.
    ///
    /// # Errors
    /// Any.
    pub async fn resource_groups(&self) -> Result<Vec<ResourceGroup>, ApiError> {
        let request = list_resource_groups(self.account());
        let answer: Single<Vec<ResourceGroup>> = self.call(&request, Priority::Routine).await?;
        Ok(answer.result)
    }

    fn same_user_group(
        &self,
        operation: Operation,
        asked: &UserGroupId,
        Single { result: found }: Single<PolicedGroup>,
    ) -> Result<PolicedGroup, ApiError> {
        if found.id == *asked {
            return Ok(found);
        }
        let detail = format!("asked for User Group {asked}, it is about {}", found.id);
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

#[cfg(test)]
mod tests;
