//! What a verb takes beside its reason.
//!
//! **Invariant:** page, API and command line name an argument by one key.

use strum::{EnumCount, IntoStaticStr, VariantArray};

use crate::ids::{PlanName, RingName};
use crate::rollout::record::Gate;
use crate::text::worded;
use crate::version::{ClientVersion, Environment};

worded!(ArgumentKey;);

/// An argument's name, in the order of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumCount, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ArgumentKey {
    Plan,
    Gate,
    Ring,
    Environment,
    Version,
    Paused,
    Revision,
}

impl ArgumentKey {
    /// What stands for its value in usage; `None`: it has none.
    pub const fn value_name(self) -> Option<&'static str> {
        match self {
            Self::Plan => Some("PLAN"),
            Self::Gate => Some("GATE"),
            Self::Ring => Some("RING"),
            Self::Environment => Some("ENVIRONMENT"),
            Self::Version => Some("VERSION"),
            Self::Paused => None,
            Self::Revision => Some("DIGEST"),
        }
    }
}

/// What a person gave of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    pub plan: Option<PlanName>,
    pub gate: Option<Gate>,
    pub ring: Option<RingName>,
    pub environment: Option<Environment>,
    pub version: Option<ClientVersion>,
    pub paused: Option<bool>,
    pub revision: Option<String>,
}

impl Arguments {
    /// One of them, as an address or a command line writes it; `None`: it was not given.
    pub fn text(&self, key: ArgumentKey) -> Option<String> {
        match key {
            ArgumentKey::Plan => self.plan.as_ref().map(ToString::to_string),
            ArgumentKey::Gate => self.gate.map(|gate| gate.to_string()),
            ArgumentKey::Ring => self.ring.as_ref().map(ToString::to_string),
            ArgumentKey::Environment => self.environment.map(|environment| environment.to_string()),
            ArgumentKey::Version => self.version.map(|version| version.to_string()),
            ArgumentKey::Paused => self.paused.map(|paused| paused.to_string()),
            ArgumentKey::Revision => self.revision.clone(),
        }
    }
}
