//! Requests about User Groups: which there are, and who their members are.
//!
//! **Invariant:** they only read.

use super::{Operation, Request, account_path, segment};
use crate::ids::{AccountId, UserGroupId, UserGroupName};

/// User Groups per page: the contract's maximum.
pub const GROUPS_PER_PAGE: u32 = 500;
/// Members per page: the contract's maximum.
pub const MEMBERS_PER_PAGE: u32 = 500;

/// One page of User Groups, of one name if one is given; `page` counts from 1.
pub fn list_user_groups(account: &AccountId, name: Option<&UserGroupName>, page: u32) -> Request {
    let path = iam_path(account, "user_groups");
    let mut request = paged(Operation::ListUserGroups, path, page, GROUPS_PER_PAGE);
    request.query.extend(name.map(|name| ("name", name.as_str().to_owned())));
    request
}

/// One page of a User Group's members; `page` counts from 1.
pub fn list_members(account: &AccountId, group: &UserGroupId, page: u32) -> Request {
    let path = format!("{}/members", user_group_path(account, group));
    paged(Operation::ListMembers, path, page, MEMBERS_PER_PAGE)
}

pub(crate) fn paged(operation: Operation, path: String, page: u32, per_page: u32) -> Request {
    let mut request = Request::get(operation, path);
    request.query = vec![("page", page.to_string()), ("per_page", per_page.to_string())];
    request
}

pub(crate) fn iam_path(account: &AccountId, what: &str) -> String {
    format!("{}/iam/{what}", account_path(account))
}

pub(crate) fn user_group_path(account: &AccountId, group: &UserGroupId) -> String {
    format!("{}/{}", iam_path(account, "user_groups"), segment(group.as_str()))
}
