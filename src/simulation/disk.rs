//! The plans directory of a simulation, and what its daemon made of each file at its last look.
//!
//! **Invariant:** a file takes effect and a missing one is gone by the virtual clock alone, after the same waits
//! as a real daemon's.

use std::collections::BTreeMap;

use crate::ids::PlanName;
use crate::plan::change::Restrictions;
use crate::plan::model::Revision;
use crate::rollout::world::{Desired, InvalidFile, Unsettled};
use crate::time::{SignedDuration, Timestamp, after};

/// A file that is missing is looked for again so long later; then it is gone.
pub const SECOND_LOOK: SignedDuration = SignedDuration::from_secs(60);

/// The plans directory.
#[derive(Debug, Clone, PartialEq)]
pub struct Disk {
    /// Whether the directory can be read.
    pub is_readable: bool,
    /// Its files, by the plan they hold.
    pub files: BTreeMap<PlanName, OnDisk>,
}

/// A plan's file.
#[derive(Debug, Clone, PartialEq)]
pub enum OnDisk {
    /// It holds.
    Good(Box<Revision>),
    /// It has errors, and nothing in it can be read.
    Broken,
    /// It has errors, and this can be read of it.
    Invalid(Box<InvalidFile>),
    /// It holds, and its last line has no end.
    Cut(Box<Revision>),
}

/// What the engine made of a plan's file at its last look.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum File {
    /// Unchanged since then.
    Good(Box<Revision>, Timestamp),
    /// Without a line end.
    Cut(Box<Revision>),
    Invalid(Box<InvalidFile>),
    Unreadable,
    /// Since then.
    Missing(Timestamp),
    Gone,
}

impl File {
    pub(super) fn of(on_disk: &OnDisk, last: Option<Self>, now: Timestamp) -> Self {
        match on_disk {
            OnDisk::Good(revision) => match last {
                Some(Self::Good(known, since)) if known == *revision => Self::Good(known, since),
                _ => Self::Good(revision.clone(), now),
            },
            OnDisk::Cut(revision) => Self::Cut(revision.clone()),
            OnDisk::Invalid(invalid) => Self::Invalid(invalid.clone()),
            OnDisk::Broken => Self::Invalid(Box::new(InvalidFile {
                file: "plan.yaml".to_owned(),
                errors: vec!["plan.yaml:1:1: not valid YAML".to_owned()],
                restrictions: Restrictions::default(),
            })),
        }
    }

    pub(super) fn desired(&self, settles: SignedDuration, now: Timestamp) -> Desired<'_> {
        match self {
            Self::Good(revision, since) => match after(*since, settles) {
                until if until <= now => Desired::Present(revision),
                until => Desired::Unsettled(revision, Unsettled::Until(until)),
            },
            Self::Cut(revision) => Desired::Unsettled(revision, Unsettled::LineEnd),
            Self::Invalid(invalid) => Desired::Invalid(invalid),
            Self::Unreadable => Desired::Unreadable("the plans directory cannot be read"),
            Self::Missing(_) => Desired::Missing,
            Self::Gone => Desired::Gone,
        }
    }

    /// When the clock alone makes something else of it.
    pub(super) fn changes_at(&self, settles: SignedDuration) -> Option<Timestamp> {
        match self {
            Self::Good(_, since) => Some(after(*since, settles)),
            Self::Missing(since) => Some(after(*since, SECOND_LOOK)),
            Self::Cut(_) | Self::Invalid(_) | Self::Unreadable | Self::Gone => None,
        }
    }
}
