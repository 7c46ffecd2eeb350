//! What a ring is judged by: adoption, health, what a failing gate does; and who lets it be entered.
//!
//! **Invariant:** what is built in is the value of a key that no plan writes. A rule of approval asks at least one
//! person, and what one says counts for a while.

use std::num::NonZeroU8;

use serde::{Deserialize, Serialize};

use crate::{ids::UserGroupName, plan::model::percent::Percent, time::Span};

/// What it takes to call a ring's targets adopted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adoption {
    /// Share of seen devices that must run the target.
    pub at_least: Percent,
    /// The deadline, counted from the assignment; it stands still in freezes and holds.
    pub within: Span,
    /// Share of the recently active devices that must have been seen at all.
    pub seen_at_least: Percent,
}

impl Adoption {
    /// What holds where no plan says otherwise.
    pub const BUILT_IN: Self =
        Self { at_least: Percent::whole(90), within: Span::hours(7 * 24), seen_at_least: Percent::whole(60) };
}

/// When a ring's devices say that something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Devices that are seen and do not move.
    pub stalled: HealthLimit,
    /// Devices that arrived and went silent, beyond what is usual among those not yet moved.
    pub dark: HealthLimit,
    /// Fewer devices than this are not judged: chance alone would decide.
    pub min_devices: u32,
}

/// What one health gate asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthLimit {
    /// The share above which the gate fails.
    pub at_most: Percent,
    /// How long a device may take, or be silent, before it counts.
    pub after: Span,
}

impl Health {
    /// What holds where no plan says otherwise.
    pub const BUILT_IN: Self = Self {
        stalled: HealthLimit { at_most: Percent::whole(10), after: Span::hours(24) },
        dark: HealthLimit { at_most: Percent::whole(2), after: Span::hours(24) },
        min_devices: 30,
    };

    /// [`Health::min_devices`] for comparing with counts.
    pub fn least(&self) -> usize {
        Self::least_of(self.min_devices)
    }

    /// A number of devices for comparing with counts.
    pub fn least_of(devices: u32) -> usize {
        usize::try_from(devices).unwrap_or(usize::MAX)
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::BUILT_IN
    }
}

/// What a failing gate does to a rollout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Stop writing and wait for a person.
    #[default]
    Halt,
}

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
    /// Whether the plan must say who wrote it.
    #[serde(default)]
    pub author: AuthorRule,
}

/// Whether a plan that the floor is asked of must say who wrote it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorRule {
    /// It may.
    #[default]
    Optional,
    /// It must: without a name nobody's approval is enough.
    Required,
}
