//! What a person reads before a decision, and has read when they say it.
//!
//! **Invariant:** it has no counts: they change each second, and nobody decides on the last device. [`super::look`]
//! finds it and compares it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::RingName;
use crate::plan::model::PlanDigest;
use crate::text::joined;
use crate::version::{ClientVersion, Environment};

/// What a decision rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// What each ring goes from and to.
    pub rings: BTreeMap<RingName, BTreeMap<Environment, FromTo>>,
    /// What is held, and what the gates found, each in words that stay as long as it is the same.
    pub findings: BTreeSet<String>,
}

/// What an environment of a ring is offered, and shall be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FromTo {
    /// What its group offers; `None`: nothing that ringward wrote, or no single version.
    pub from: Option<String>,
    pub to: ClientVersion,
}

/// What there is to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The revision of the plan that is in force.
    pub revision: PlanDigest,
    pub seen: Seen,
    /// How many devices move, of those seen in the last 7 days; nothing of a ring whose devices are not known.
    pub devices: BTreeMap<RingName, BTreeMap<Environment, usize>>,
}

/// What somebody says that they have read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadBefore {
    /// The plan's revision, by its digest or how it begins.
    pub revision: String,
    pub seen: Seen,
}

impl Look {
    /// Ring by ring what goes where, then what was found; a line each.
    pub fn lines(&self) -> Vec<String> {
        self.rings().chain(self.seen.findings.iter().cloned()).collect()
    }

    /// Ring by ring what goes where.
    pub fn rings(&self) -> impl Iterator<Item = String> {
        let ring = move |(name, environments): (&RingName, &BTreeMap<Environment, FromTo>)| {
            let counted = self.devices.get(name);
            let environments = environments.iter().map(|(environment, way)| {
                let devices = match counted.and_then(|counted| counted.get(environment)) {
                    Some(1) => "1 device moves".to_owned(),
                    Some(devices) => format!("{devices} devices move"),
                    None => "how many devices move is not known".to_owned(),
                };
                format!("{} ({devices})", way.told(*environment))
            });
            format!("ring `{name}`: {}", joined(environments, ", "))
        };
        self.seen.rings.iter().map(ring)
    }
}

impl FromTo {
    pub(crate) fn told(&self, environment: Environment) -> String {
        let to = self.to.to_string();
        match self.from.as_deref() {
            Some(from) if from == to => format!("{environment} {to}, on offer already"),
            from => format!("{environment} {} → {to}", from.unwrap_or("(no offer)")),
        }
    }
}
