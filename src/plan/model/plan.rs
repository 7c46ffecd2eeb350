//! A plan as a whole: what holds for all of its rings.
//!
//! **Invariant:** a plan has at least one ring, in the order in which they are entered.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, Email, PlanName};
use crate::plan::model::ring::{RingPlan, Told, shown, word};

/// Desired rings, targets, schedule and gates: one plan file, with its defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Unique among the plans of a daemon.
    pub name: PlanName,
    /// The name that the plan had before: its rollout goes on under the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<PlanName>,
    /// For people; not part of the digest.
    pub description: Option<String>,
    /// When set, the daemon's account must be this one.
    pub account: Option<AccountId>,
    /// Who wrote it: this person does not approve it. Plans of older logs name nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Email>,
    /// Builds never to offer.
    pub forbid: Vec<Forbid>,
    /// What a new target does to a running rollout.
    pub on_new_target: OnNewTarget,
    /// What a change by somebody else does.
    #[serde(default)]
    pub on_drift: OnDrift,
    /// In order of entry; never empty.
    pub rings: Vec<RingPlan>,
}

impl Plan {
    /// What holds for all rings and a decision may ask for, each in the words in which people read that it changes.
    pub(crate) fn told(&self) -> Vec<Told> {
        // What is not told takes effect unannounced: a new key does not compile until it is named. Its name, what it
        // was and what people read of it change nothing that is decided; `forbid` and rings have words of their own.
        let Self {
            name: _,
            was: _,
            description: _,
            account,
            author,
            forbid: _,
            on_new_target,
            on_drift,
            rings: _,
        } = self;
        let told = [
            ("account", shown(account.as_ref())),
            ("author", shown(author.as_ref())),
            ("on_new_target", word(on_new_target)),
            ("on_drift", word(on_drift)),
        ];
        told.map(|(what, value)| (what.to_owned(), value)).into()
    }
}

/// A range of builds never to offer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forbid {
    /// Read over the first three numbers of a version.
    pub versions: semver::VersionReq,
    /// For the person who is kept from it.
    pub reason: String,
}

/// What a newer target does to a running rollout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnNewTarget {
    /// The newer target takes over at once.
    #[default]
    Replace,
    /// The newest target waits until the running rollout is finished.
    Finish,
}

/// What ringward does when somebody else changed one of the plan's groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDrift {
    /// Stop writing and wait for a person. Plans of older logs, which do not say, did this.
    #[default]
    Halt,
    /// Write the group back as ringward left it, as soon as that ring may be written.
    Restore,
    /// Record it and go on with the group as it is.
    Accept,
}
