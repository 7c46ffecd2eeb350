//! Targets that the plan itself forbids.
//!
//! **Invariant:** they follow from the plan alone, so a file, a revision of the log and a rollout are asked
//! the same question.

use std::fmt;

use super::model::{Forbid, Plan, RingPlan};
use crate::ids::RingName;
use crate::version::{ClientVersion, Environment};

/// A target of a ring that an entry of the same plan's `forbid` covers.
#[derive(Debug, Clone, PartialEq)]
pub struct ForbiddenTarget {
    /// The ring.
    pub ring: RingName,
    /// The environment.
    pub environment: Environment,
    /// The target.
    pub version: ClientVersion,
    /// The first entry that covers it.
    pub forbid: Forbid,
}

impl fmt::Display for ForbiddenTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ring, environment, version, forbid } = self;
        let Forbid { versions, reason } = forbid;
        write!(
            f,
            "ring `{ring}` asks for {environment} {version}, which `forbid` names ('{versions}': {reason})"
        )
    }
}

impl Forbid {
    /// Whether it covers this version.
    pub fn covers(&self, version: ClientVersion) -> bool {
        self.versions.matches(&version.as_semver())
    }
}

impl Plan {
    /// The first entry of `forbid` that covers a version.
    pub fn forbids(&self, version: ClientVersion) -> Option<&Forbid> {
        self.forbid.iter().find(|forbid| forbid.covers(version))
    }

    /// The targets that the plan asks for and forbids, in the order of its rings.
    pub fn forbidden_targets(&self) -> impl Iterator<Item = ForbiddenTarget> {
        self.rings.iter().flat_map(|ring| self.forbidden_in(ring))
    }

    fn forbidden_in(&self, ring: &RingPlan) -> impl Iterator<Item = ForbiddenTarget> {
        ring.targets.iter().filter_map(|(environment, version)| {
            let forbid = self.forbids(*version)?.clone();
            Some(ForbiddenTarget {
                ring: ring.name.clone(),
                environment: *environment,
                version: *version,
                forbid,
            })
        })
    }
}
