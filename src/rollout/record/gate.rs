//! The gates by name, and what each asks about.
//!
//! **Invariant:** a gate has one word, in plans, log, metrics, API and command line.

use crate::text::worded;
use serde::{Deserialize, Serialize};

worded!(Gate;);

/// A condition on entering a ring or on leaving it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(strum::Display, strum::EnumCount, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
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
    /// Exit: enough seen devices run the target.
    Adoption,
    /// Exit: the ring ran on its targets long enough, and devices came back on another day.
    Soak,
    /// Health: few seen devices do not move. Judged from the assignment on until the rollout is
    /// final; it must advance to leave the ring, too.
    Stalled,
    /// Health: no more devices went silent after they arrived than among those not moved yet.
    /// Judged as [`Gate::Stalled`] is.
    Dark,
    /// The ring's place in the rollout, which it keeps until it is verified though the plan's file has
    /// dropped it. No verdict stands for it: it is waived, and then the ring is let go.
    Ring,
}

/// What a gate asks about. All that is said of gates alike is said by this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// Entry, about the clock: it advances at an instant that the schedule names, and whoever wants another
    /// one changes the plan, where the change is seen.
    Schedule,
    /// Entry, about what ringward can see: nobody waives it into sight.
    Sight,
    /// Entry, about what the plan means.
    Plan,
    /// Entry, about what people said, for whom one person does not stand.
    People,
    /// Exit, passed once.
    Arrival,
    /// Health, judged for as long as the ring is entered, also once it is verified.
    Health(HealthGate),
    /// No verdict stands for it.
    Nothing,
}

/// The gates of health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthGate {
    Stalled,
    Dark,
}

impl Gate {
    /// What it asks about.
    pub const fn asks(self) -> Asks {
        match self {
            Self::Opening | Self::Freeze => Asks::Schedule,
            Self::Fleet => Asks::Sight,
            Self::Downgrade => Asks::Plan,
            Self::Approval => Asks::People,
            Self::Adoption | Self::Soak => Asks::Arrival,
            Self::Stalled => Asks::Health(HealthGate::Stalled),
            Self::Dark => Asks::Health(HealthGate::Dark),
            Self::Ring => Asks::Nothing,
        }
    }

    /// Whether a named person may waive it.
    pub const fn can_be_waived(self) -> bool {
        matches!(self.asks(), Asks::Arrival | Asks::Health(_) | Asks::Nothing)
    }

    /// Whether it is judged for as long as the ring is entered, also once it is verified.
    pub const fn is_of_health(self) -> bool {
        matches!(self.asks(), Asks::Health(_))
    }

    /// Whether time alone opens it.
    pub const fn is_of_schedule(self) -> bool {
        matches!(self.asks(), Asks::Schedule)
    }
}
