//! What is wrong with the machine's clock.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::RolloutsAnswer;
use crate::time::Timestamp;

/// Why nothing is entered on the machine's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClockTroubleJson {
    /// `clock_behind`: it was set back; `clock_differs`: it is not Cloudflare's; `clock_unknown`: it cannot be
    /// compared.
    pub code: String,
    /// The same in a sentence.
    pub message: String,
    /// What would change it, as a person can do it.
    pub remedy: String,
}

impl RolloutsAnswer {
    /// Whether the machine's clock is behind the log.
    #[must_use]
    pub fn is_clock_behind(&self) -> bool {
        self.clock_troubles.iter().any(|trouble| trouble.code == "clock_behind")
    }
}

/// A person's word for the machine's clock, from `ringward.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClockTrustJson {
    /// From when on it does not count any more.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}
