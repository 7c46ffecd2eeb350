//! A version that a rollback took away.
//!
//! **Invariant:** what a rollback took away stays blocked,
//! by profile and whatever plan asks, until a person unblocks it.

use crate::ids::{PlanName, PolicyId, RingName};
use crate::rollout::record::GroupContent;
use crate::rollout::state::Attribution;
use crate::version::{ClientVersion, Environment};

/// Who blocked a version, where, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedVersion {
    /// The plan that was rolled back: `unblock` names it.
    pub plan: PlanName,
    pub ring: RingName,
    /// The profile.
    pub policy: PolicyId,
    pub environment: Environment,
    pub version: ClientVersion,
    /// Who rolled back, why and when.
    pub by: Attribution,
}

impl BlockedVersion {
    /// What it is about.
    pub(crate) const fn key(&self) -> (&PolicyId, Environment, ClientVersion) {
        (&self.policy, self.environment, self.version)
    }

    /// Whether a group offers it to the profile that it is blocked for.
    pub fn is_on_offer(&self, group: &GroupContent) -> bool {
        group.policies.contains(&self.policy) && self.is_offered_by(group)
    }

    /// Whether a group offers it, to whatever profiles. An entry without a known environment may be
    /// meant for any: that is not documented.
    pub fn is_offered_by(&self, content: &GroupContent) -> bool {
        let own = self.environment.as_str();
        content.versions.iter().any(|entry| {
            let elsewhere = entry.environment.as_deref().is_some_and(|named| {
                Environment::ALL.iter().any(|known| known.as_str() == named && named != own)
            });
            !elsewhere && entry.version.parse::<ClientVersion>() == Ok(self.version)
        })
    }
}
