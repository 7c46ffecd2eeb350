//! The gates by name: what each asks, and who may waive it.
//!
//! **Invariant:** a gate has one word, in plans, log, metrics, API and command line.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A condition on entering a ring or on leaving it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Entry: the schedule has an opening with enough time left.
    Opening,
    /// Entry: no freeze.
    Freeze,
    /// Entry: the ring's profiles are known, a complete fresh sweep lists its devices, and an
    /// assignment can move at least one of them.
    Fleet,
    /// Entry: the targets take few devices down to an older version, or the plan allows it.
    Downgrade,
    /// Entry: enough of the people who are asked let the ring be entered.
    Approval,
    /// Exit: enough sighted devices run the target.
    Adoption,
    /// Exit: the ring ran on its targets long enough, and devices came back on another day.
    Soak,
    /// Health: few sighted devices do not move. Judged from the assignment on until the rollout is
    /// final; it must advance to leave the ring, too.
    Stalled,
    /// Health: no more devices went silent after they arrived than among those not moved yet.
    /// Judged as [`Gate::Stalled`] is.
    Dark,
    /// The ring's place in the rollout, which it keeps until it is verified though the plan's file has
    /// dropped it. No verdict stands for it: it is waived, and then the ring is let go.
    Ring,
}

impl Gate {
    /// All, in the order in which reports list them.
    pub const ALL: [Self; 10] = [
        Self::Opening,
        Self::Freeze,
        Self::Fleet,
        Self::Downgrade,
        Self::Approval,
        Self::Adoption,
        Self::Soak,
        Self::Stalled,
        Self::Dark,
        Self::Ring,
    ];

    /// The word of plans, metrics, API and command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Freeze => "freeze",
            Self::Fleet => "fleet",
            Self::Downgrade => "downgrade",
            Self::Approval => "approval",
            Self::Adoption => "adoption",
            Self::Soak => "soak",
            Self::Stalled => "stalled",
            Self::Dark => "dark",
            Self::Ring => "ring",
        }
    }

    /// Whether a named person may waive it. The schedule is changed in the plan, where the change
    /// is seen; a fleet that cannot be seen cannot be waived into sight; and one person's word never
    /// stands for those of the people who are asked.
    pub const fn can_be_waived(self) -> bool {
        match self {
            Self::Adoption | Self::Soak | Self::Stalled | Self::Dark | Self::Ring => true,
            Self::Opening | Self::Freeze | Self::Fleet | Self::Downgrade | Self::Approval => false,
        }
    }

    /// Whether it is judged for as long as the ring is entered, also once it is verified.
    pub const fn is_of_health(self) -> bool {
        match self {
            Self::Stalled | Self::Dark => true,
            Self::Opening
            | Self::Freeze
            | Self::Fleet
            | Self::Downgrade
            | Self::Approval
            | Self::Adoption
            | Self::Soak
            | Self::Ring => false,
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
