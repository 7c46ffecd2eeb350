//! Going back: what a rollback takes where, and on what grounds.
//!
//! | module | what it holds |
//! | --- | --- |
//! | here | the facts that stand in the log |
//! | `steps` | which rings go back, and to what: decided whole before anything is written |
//! | `rungs` | what a decision adds while a rollout goes back |
//!
//! **Invariant:** every step names the version that it takes away, the one that it gives instead, and
//! why that one: an auditor needs no other event to judge it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{PolicyId, RingName};
use crate::rollout::record::ids::WriteId;
use crate::text::{joined, worded};
use crate::time::{Timestamp, short};
use crate::version::{ClientVersion, Environment};

worded!(Trigger; HowBack);

/// What set a rollback off. A failing gate of health never does: a holiday looks like one, and must not
/// take 20,000 laptops back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(strum::EnumCount, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Trigger {
    /// A person asked for it.
    Person,
}

/// One ring of a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackStep {
    pub ring: RingName,
    /// The profiles out of which the versions are held from now on.
    pub policies: BTreeSet<PolicyId>,
    /// What each environment goes back to; never empty.
    pub back: BTreeMap<Environment, RollbackTarget>,
}

/// The rollback target of one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackTarget {
    /// What was on offer, and is blocked from now on.
    pub from: ClientVersion,
    /// What is on offer instead.
    pub to: ClientVersion,
    /// Why that one.
    pub ground: Ground,
}

/// Why a version is one to go back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ground {
    /// The same profiles were verified on it.
    Verified {
        /// When.
        at: Timestamp,
    },
    /// The ring's group offered it when this write was planned, the first that changed it.
    BeforeWrite { write: WriteId },
    /// The plan says so.
    Plan,
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified { at } => write!(f, "verified here on {}", short(*at)),
            Self::BeforeWrite { write } => write!(f, "on offer before {write}"),
            Self::Plan => f.write_str("`rollback_to` of the plan"),
        }
    }
}

/// How a ring's part of a rollback ended.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum HowBack {
    /// Enough of its devices are back.
    Adopted,
    /// `rollback.step` is over; what is missing comes back later, or not.
    OutOfTime,
    /// It has no deployment group, so nothing is on offer that could be taken back.
    NoGroup,
}

impl RollbackStep {
    /// What is left to do in one ring, of steps of that ring; `None`: nothing. Two words about a ring are
    /// one piece of work: its group is not to offer in between what the second one took away.
    pub fn joined<'a>(steps: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut steps = steps.into_iter().cloned();
        let mut all = steps.next()?;
        for step in steps {
            all.policies.extend(step.policies);
            all.back.extend(step.back);
        }
        Some(all)
    }

    /// The versions that it gives, by environment.
    pub fn to(&self) -> BTreeMap<Environment, ClientVersion> {
        self.back.iter().map(|(environment, way)| (*environment, way.to)).collect()
    }
}

impl fmt::Display for RollbackStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |(environment, RollbackTarget { from, to, ground }): (&Environment, &RollbackTarget)| {
            format!("{environment} {from} back to {to} ({ground})")
        };
        write!(f, "`{}`: {}", self.ring, joined(self.back.iter().map(words), ", "))
    }
}
