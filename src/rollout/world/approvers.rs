//! User Groups as they were read.
//!
//! **Invariant:** only an accepted member counts; a group that is missing or named twice has none.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{Email, UserGroupName};
use crate::rollout::record::{Member, Standing};
use crate::rollout::world::Observed;

/// What Cloudflare has of a User Group that a plan names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approvers {
    /// No group of that name.
    Missing,
    /// So many groups of that name.
    Several(usize),
    /// One, with these members.
    Members(Vec<Member>),
}

impl Approvers {
    /// The e-mail addresses of those who took the invitation; nobody while the group is not certain.
    pub fn accepted(&self) -> BTreeSet<&Email> {
        let Self::Members(members) = self else { return BTreeSet::new() };
        let accepted = members.iter().filter(|member| member.standing == Standing::Accepted);
        accepted.filter_map(|member| member.email.as_ref()).collect()
    }
}

/// User Groups as they were read.
pub type UserGroups = BTreeMap<UserGroupName, Observed<Approvers>>;
