//! A change of a User Group's policies, and what became of it.
//!
//! **Invariant:** a change says all policies that the group is to have, never some of them.

use super::policies::PolicyIntent;
use crate::rollout::record::UserGroup;

/// A change of a group's policies, as a person asked for it.
#[derive(Debug)]
pub(super) struct Change<'a> {
    /// The group, as it was found.
    pub(super) group: &'a UserGroup,
    /// All policies that it is to have.
    pub(super) policies: &'a [PolicyIntent],
    /// Why.
    pub(super) reason: &'a str,
}
