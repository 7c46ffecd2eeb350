//! Who lets a ring be entered, and who must at least.
//!
//! **Invariant:** a rule asks at least one person, and what one says counts for a while.

use std::num::NonZeroU8;

use serde::{Deserialize, Serialize};

use crate::{ids::UserGroupName, time::Span};

/// Who lets a ring be entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// Members of this User Group.
    pub user_group: UserGroupName,
    /// So many different ones.
    pub count: NonZeroU8,
    /// For so long from when each of them gave it.
    pub expires: Span,
}

impl ApprovalRule {
    /// One person beside the author is the least that means anything.
    pub const BUILT_IN_COUNT: NonZeroU8 = NonZeroU8::MIN;
    /// Over a weekend, and not over the next release.
    pub const BUILT_IN_EXPIRES: Span = Span::hours(5 * 24);
}

/// What no plan lowers: who must approve a ring of many devices, whatever its plan says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalFloor {
    /// Members of this User Group.
    pub user_group: UserGroupName,
    /// So many different ones.
    pub count: NonZeroU8,
    /// For a ring with more devices that an assignment can move.
    pub over_devices: usize,
}
