//! What a ring is judged by: adoption, health, and what a failing gate does.
//!
//! **Invariant:** what is built in is the value of a key that no plan writes.

use serde::{Deserialize, Serialize};

use crate::{plan::model::percent::Percent, time::Span};

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
