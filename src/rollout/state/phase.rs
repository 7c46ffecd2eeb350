//! Where a rollout is.
//!
//! **Invariant:** each phase has one word, in log, metrics, API and command line.

/// Where a rollout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    /// All, for metrics.
    pub const ALL: [Self; 6] = [
        Self::Running,
        Self::Completed,
        Self::RollingBack,
        Self::RolledBack,
        Self::Superseded,
        Self::Withdrawn,
    ];

    /// Whether nothing of it is to come.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::RolledBack)
    }

    /// The word of metrics, API and command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::RollingBack => "rolling_back",
            Self::RolledBack => "rolled_back",
            Self::Superseded => "superseded",
            Self::Withdrawn => "withdrawn",
        }
    }
}
