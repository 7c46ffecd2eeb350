//! The client: User Groups and their members.
//!
//! **Invariant:** a listing is whole or an error; nothing here changes who belongs to a group.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::request::{self, Request};
use super::wire::{NumberedPage, WireMember, WireUserGroup};
use super::{budget::Priority, client::CloudflareClient, error::ApiResult};
use crate::ids::{UserGroupId, UserGroupName};
use crate::rollout::record::{Member, UserGroup};
use crate::rollout::world::Approvers;

/// Pages of anything here that are read at most: 50,000 members or groups, 5,000 of what has smaller pages.
const MAX_PAGES: u32 = 100;

impl CloudflareClient {
    /// The User Groups of exactly this name, sorted by ID: usually one, but names are not promised to be
    /// unique. [`Priority::Write`] is for the read just before a write.
    ///
    /// # Errors
    /// Any; the listing is whole or an error.
    pub async fn user_groups_named(
        &self,
        name: &UserGroupName,
        priority: Priority,
    ) -> ApiResult<Vec<UserGroup>> {
        let request = |page| request::list_user_groups(&self.account, Some(name), page);
        let key = |group: &WireUserGroup| group.id.clone();
        let found = self.numbered(request::USER_GROUPS_PER_PAGE, priority, request, key).await?;
        // What the filter compares, and whether a server knows it, is not documented.
        Ok(found.into_values().map(UserGroup::from).filter(|group| group.name == name.as_str()).collect())
    }

    /// The members of the one User Group of a name.
    ///
    /// # Errors
    /// Any; that there is no such group, or that there are several, is an answer.
    pub async fn approvers(&self, name: &UserGroupName, priority: Priority) -> ApiResult<Approvers> {
        let groups = self.user_groups_named(name, priority).await?;
        match groups.as_slice() {
            [] => Ok(Approvers::Missing),
            [group] => match self.user_group_members(&group.id, priority).await {
                Ok(members) => Ok(Approvers::Members(members)),
                Err(error) if error.says_missing() => Ok(Approvers::Missing),
                Err(error) => Err(error),
            },
            several => Ok(Approvers::Several(several.len())),
        }
    }

    /// The members of a User Group, each once.
    ///
    /// # Errors
    /// Any; [`super::ApiError::says_missing`] tells that the group is gone. A list that changes while its pages are
    /// read is an error, never a shorter list.
    pub async fn user_group_members(&self, id: &UserGroupId, priority: Priority) -> ApiResult<Vec<Member>> {
        let request = |page| request::list_members(&self.account, id, page);
        let key = |member: &WireMember| member.key();
        let found = self.numbered(request::MEMBERS_PER_PAGE, priority, request, key).await?;
        Ok(found.into_values().map(Member::from).collect())
    }

    /// Reads numbered pages to their end: up to the total where one is told, else to the first page that is
    /// not full.
    pub(crate) async fn numbered<T: DeserializeOwned, K: Ord>(
        &self,
        per_page: u32,
        priority: Priority,
        request: impl Fn(u32) -> Request,
        key: impl Fn(&T) -> K,
    ) -> ApiResult<BTreeMap<K, T>> {
        let operation = request(1).operation;
        let inconsistent = |detail: String| Err(self.inconsistent(operation, &detail));
        let mut found: BTreeMap<K, T> = BTreeMap::new();
        let mut promised = None;
        for page in 1..=MAX_PAGES {
            let answer: NumberedPage<T> = self.call(&request(page), priority).await?;
            let info = answer.result_info.unwrap_or_default();
            if let Some(told) = info.page.filter(|told| *told != page) {
                return inconsistent(format!("asked for page {page}, it says to be page {told}"));
            }
            if *promised.get_or_insert(info.total_count) != info.total_count {
                return inconsistent(format!("the number of entries changed while page {page} was read"));
            }
            let (before, listed) = (found.len(), answer.result.len());
            found.extend(answer.result.into_iter().map(|entry| (key(&entry), entry)));
            match info.total_count {
                Some(total) if found.len() == total => return Ok(found),
                // Entries counted by ID: one that two pages list has pushed another one off them.
                Some(total) if found.len() > total || listed == 0 => {
                    return inconsistent(format!("it lists {} of {total} entries", found.len()));
                }
                Some(_) => {}
                None if listed < info.per_page.unwrap_or(per_page as usize) => return Ok(found),
                None if found.len() == before => {
                    return inconsistent(format!("page {page} repeats the pages before it"));
                }
                None => {}
            }
        }
        inconsistent(format!("it has not ended after {MAX_PAGES} pages"))
    }
}
