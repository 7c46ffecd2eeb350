//! What stands before every step of a rollout, whatever its gates say.
//!
//! **Invariant:** none blocks sight: polls, gates, report and soak clocks go on under each; what each stops
//! is said in [`BlockKind::stops`] and nowhere else.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plan::model::PlanDigest;
use crate::text::worded;

worded!(BlockKind; WaitsFor);

/// A block of one plan that begins and ends in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Block {
    /// The plan's file cannot be used. What only restricts in it is in force all the same.
    PlanInvalid {
        file: String,
        /// What is wrong with it, the first first.
        errors: Vec<String>,
    },
    /// No readable file names the plan.
    FileMissing {
        /// The file that held it last.
        file: Option<String>,
    },
    /// The plans directory cannot be read.
    FilesUnreadable { why: String },
    /// The plan's file asks for more than a restriction, and that waits.
    RevisionWaits(WaitingRevision),
}

/// A revision that waits as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitingRevision {
    pub digest: PlanDigest,
    /// That of the revision in force; `None`: the plan is new.
    pub in_force: Option<PlanDigest>,
    /// What it changes, in words.
    pub changes: Vec<String>,
    /// What it waits for.
    pub waits_for: WaitsFor,
}

/// What a revision waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum WaitsFor {
    /// The file has not been unchanged for long enough.
    Time,
    /// The file does not end with a line end: it may have been cut off.
    LineEnd,
    /// A person confirms it, for the daemon's configuration says so.
    Person,
    /// A person confirms it, for the plan changed too often within an hour.
    Stability,
    /// It asks for a version that it forbids itself.
    AnotherVersion,
    /// The plan that it says it was keeps its name.
    Predecessor,
}

/// How often a plan may change within an hour before only a person lets it change again.
pub const CHANGES_AN_HOUR: usize = 6;

/// The kinds of blocks. What holds a plan ([`BlockKind::Paused`] …) stands on record in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(strum::Display, strum::EnumCount, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum BlockKind {
    /// A person stopped all writes.
    Stopped,
    /// The log cannot be written.
    LogUnwritable,
    /// The clock is behind the log.
    ClockBehind,
    /// The machine's clock differs from Cloudflare's, or cannot be compared.
    ClockDoubted,
    /// The plan's file cannot be used.
    PlanInvalid,
    /// No readable file names the plan.
    FileMissing,
    /// The plans directory cannot be read.
    FilesUnreadable,
    RevisionWaits,
    /// The plan changed too often.
    PlanUnstable,
    /// A person paused the plan.
    Paused,
    /// ringward halted the rollout.
    Halted,
}

/// The steps that a block lets go on or makes wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A ring is entered, or a group is written back.
    Entry,
    /// A profile that was taken out of one group is put into the other.
    SecondHalf,
    /// A ring is verified, or the rollout is completed.
    Proof,
    /// A ring goes back.
    Rollback,
}

impl Step {
    /// All, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Entry, Self::SecondHalf, Self::Proof, Self::Rollback];
}

impl BlockKind {
    /// Whether it makes a step wait. A rollback lifts the holds of its plan by its own word.
    pub const fn stops(self, step: Step) -> bool {
        match (self, step) {
            (Self::Stopped | Self::LogUnwritable, _) => true,
            (Self::ClockBehind, Step::SecondHalf) => false,
            (Self::ClockBehind, _) => true,
            (
                Self::ClockDoubted
                | Self::PlanInvalid
                | Self::FileMissing
                | Self::FilesUnreadable
                | Self::RevisionWaits
                | Self::PlanUnstable,
                step,
            ) => matches!(step, Step::Entry | Step::Proof),
            (Self::Paused | Self::Halted, step) => !matches!(step, Step::SecondHalf),
        }
    }
}

impl Block {
    pub const fn kind(&self) -> BlockKind {
        match self {
            Self::PlanInvalid { .. } => BlockKind::PlanInvalid,
            Self::FileMissing { .. } => BlockKind::FileMissing,
            Self::FilesUnreadable { .. } => BlockKind::FilesUnreadable,
            Self::RevisionWaits(waiting) => waiting.kind(),
        }
    }
}

impl WaitsFor {
    /// The kind of block that a revision is which waits for it.
    pub const fn kind(self) -> BlockKind {
        match self {
            Self::Stability => BlockKind::PlanUnstable,
            Self::Time | Self::LineEnd | Self::Person | Self::AnotherVersion | Self::Predecessor => {
                BlockKind::RevisionWaits
            }
        }
    }
}

impl WaitingRevision {
    /// Its kind of block.
    pub const fn kind(&self) -> BlockKind {
        self.waits_for.kind()
    }
}

/// So many changes stand in a sentence; how many more there are is said.
const SHOWN: usize = 8;

impl fmt::Display for WaitingRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.changes.get(..SHOWN).unwrap_or(&self.changes).join(" · ");
        write!(f, "revision {} waits: {shown}", self.digest.short())?;
        match self.changes.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " · {more} more"),
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlanInvalid { file, errors } => match errors.first() {
                Some(first) => write!(f, "the plan's file {file} cannot be used: {first}"),
                None => write!(f, "the plan's file {file} cannot be used"),
            },
            Self::FileMissing { file: Some(file) } => {
                write!(f, "no readable file names the plan; {file} did")
            }
            Self::FileMissing { file: None } => f.write_str("no readable file names the plan"),
            Self::FilesUnreadable { why } => f.write_str(why),
            Self::RevisionWaits(waiting) => waiting.fmt(f),
        }
    }
}
