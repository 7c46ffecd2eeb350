//! A plan file that holds, and what is to be known of it: targets, say, that the plan itself forbids.
//!
//! **Invariant:** whoever begins or changes a rollout by it asks first whether it may. What it forbids follows from
//! the plan alone, so a file, a revision of the log and a rollout are asked the same question.

use std::fmt;

use super::{error::PlanError, model::Forbid, model::Plan, model::Revision};
use crate::ids::RingName;
use crate::version::{ClientVersion, Environment};

/// A plan file that holds, and what is to be known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct GoodFile {
    /// The plan.
    pub revision: Revision,
    /// What it asks for and forbids at once: a rollout that offers it halts, and where none does, none is
    /// begun. Whoever takes the plan over judges that.
    pub forbidden: Vec<ForbiddenTarget>,
    /// Rings without an opening within 400 days of the instant of reading. That is an error of a file that
    /// changed; one that was taken over before stays good while time passes.
    pub closed: Vec<PlanError>,
    /// Warnings and notes, in file order.
    pub warnings: Vec<PlanError>,
}

impl GoodFile {
    /// The plan, where nothing of it is under way yet.
    ///
    /// # Errors
    /// When it asks for what it forbids: it is not begun.
    pub fn to_begin(self) -> Result<Revision, Vec<String>> {
        if self.forbidden.is_empty() {
            return Ok(self.revision);
        }
        let told = |target: &ForbiddenTarget| format!("{target}; choose another version, or change `forbid`");
        Err(self.forbidden.iter().map(told).collect())
    }

    /// The file as one that has changed is judged.
    ///
    /// # Errors
    /// When a ring has no opening within 400 days.
    pub fn changed(self) -> Result<Self, Vec<PlanError>> {
        if self.closed.is_empty() { Ok(self) } else { Err(self.closed) }
    }
}

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
        let targets =
            self.rings.iter().flat_map(|ring| ring.targets.iter().map(move |target| (ring, target)));
        targets.filter_map(|(ring, (environment, version))| {
            let (ring, environment, version) = (ring.name.clone(), *environment, *version);
            Some(ForbiddenTarget { ring, environment, version, forbid: self.forbids(version)?.clone() })
        })
    }
}
