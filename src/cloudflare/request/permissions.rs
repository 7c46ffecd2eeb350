//! Requests about User Groups: who their members are, and which permission policies they carry.
//!
//! **Invariant:** a write names policies and nothing else: not the group's name, which a SCIM-managed group
//! refuses, and never its members.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::permissions::{PolicyIntent, ResourceScope};
use super::{Operation, Request, account_path, segment};
use crate::ids::{AccountId, UserGroupId, UserGroupName};

/// User Groups per page: the contract's maximum.
pub const GROUPS_PER_PAGE: u32 = 500;
/// Members per page: the contract's maximum.
pub const MEMBERS_PER_PAGE: u32 = 500;
/// Permission groups per page: the contract's maximum.
pub const PERMISSION_GROUPS_PER_PAGE: u32 = 50;

/// One page of User Groups, of one name if one is given; `page` counts from 1.
pub fn list_user_groups(account: &AccountId, name: Option<&UserGroupName>, page: u32) -> Request {
    let path = iam_path(account, "user_groups");
    let mut request = paged(Operation::ListUserGroups, path, page, GROUPS_PER_PAGE);
    request.query.extend(name.map(|name| ("name", name.as_str().to_owned())));
    request
}

/// One User Group.
pub fn get_user_group(account: &AccountId, group: &UserGroupId) -> Request {
    Request::get(Operation::GetUserGroup, group_path(account, group))
}

/// The policies that a User Group is to have in place of all that it has; none of them resets it. In the form
/// of Cloudflare's guide, with inline scopes and without policy IDs
/// (cloudflare.md#permission-policies).
pub fn update_user_group(account: &AccountId, group: &UserGroupId, policies: &[PolicyIntent]) -> Request {
    Request {
        operation: Operation::UpdateUserGroup,
        method: Method::PUT,
        path: group_path(account, group),
        query: Vec::new(),
        body: Some(json!({ "policies": policies.iter().map(policy).collect::<Vec<_>>() })),
    }
}

/// One page of a User Group's members; `page` counts from 1.
pub fn list_members(account: &AccountId, group: &UserGroupId, page: u32) -> Request {
    let path = format!("{}/members", group_path(account, group));
    paged(Operation::ListMembers, path, page, MEMBERS_PER_PAGE)
}

/// One page of permission groups; `page` counts from 1.
pub fn list_permission_groups(account: &AccountId, page: u32) -> Request {
    let path = iam_path(account, "permission_groups");
    paged(Operation::ListPermissionGroups, path, page, PERMISSION_GROUPS_PER_PAGE)
}

/// All resource groups; the contract has no pages here.
pub fn list_resource_groups(account: &AccountId) -> Request {
    Request::get(Operation::ListResourceGroups, iam_path(account, "resource_groups"))
}

fn paged(operation: Operation, path: String, page: u32, per_page: u32) -> Request {
    let mut request = Request::get(operation, path);
    request.query = vec![("page", page.to_string()), ("per_page", per_page.to_string())];
    request
}

fn iam_path(account: &AccountId, what: &str) -> String {
    format!("{}/iam/{what}", account_path(account))
}

fn group_path(account: &AccountId, group: &UserGroupId) -> String {
    format!("{}/{}", iam_path(account, "user_groups"), segment(group.as_str()))
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
