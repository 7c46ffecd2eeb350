//! Where a rollout is.
//!
//! **Invariant:** each phase has one word, in log, metrics, API and command line.

use strum::{EnumCount, IntoStaticStr, VariantArray};

use crate::text::worded;

worded!(Phase;);

/// Where a rollout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumCount, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Phase {
    /// On its way.
    Running,
    /// Every ring is verified.
    Completed,
    /// On its way back, ring by ring.
    RollingBack,
    /// It went back as far as somebody asked.
    RolledBack,
    /// A newer target took over.
    Superseded,
    /// Its file is gone.
    Withdrawn,
}

impl Phase {
    /// Whether nothing of it is to come.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::RolledBack)
    }
}
