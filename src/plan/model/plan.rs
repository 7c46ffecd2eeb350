//! A plan as a whole, one state of its file, and who lets that take effect.
//!
//! **Invariant:** a plan has at least one ring, in the order in which they are entered. A digest is over what was
//! written, never over what ringward fills in.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, Email, PlanName};
use crate::plan::model::ring::{RingPlan, Told, shown, word};
use crate::text::worded;

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

/// SHA-256 over a plan file's tree as written: keys sorted, no comments, no defaults filled in,
/// `description` left out. In lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanDigest(String);

impl PlanDigest {
    /// The digest of a canonical tree (JSON, keys sorted, `description` left out).
    pub fn of_written(written: &str) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, written.as_bytes());
        Self(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// All 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve hex digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One state of a plan file: what the log keeps whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// The digest of `written`.
    pub digest: PlanDigest,
    /// The canonical tree that the digest is over.
    pub written: String,
    /// The plan as decoded, defaults filled in: what a rollout follows, whatever later versions
    /// of ringward take as default.
    pub plan: Plan,
}

/// Who lets a revision take effect that does more than restrict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
#[serde(rename_all = "snake_case")]
pub enum Revisions {
    /// The file, once it was unchanged for long enough.
    #[default]
    File,
    /// A person, by `confirm`.
    Person,
}

worded!(Revisions);

impl Revisions {
    /// The line that says so, in at most 40 characters.
    pub const fn line(self) -> &'static str {
        match self {
            Self::File => "revisions: file (apply by themselves)",
            Self::Person => "revisions: person (a person confirms)",
        }
    }
}
