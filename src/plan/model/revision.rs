//! One state of a plan file, and who lets it take effect.
//!
//! **Invariant:** a digest is over what was written, never over what ringward fills in.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{plan::model::plan::Plan, text::worded};

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
