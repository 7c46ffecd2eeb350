//! What is thought of one file: its plan, or why it gives none.
//!
//! **Invariant:** a file without a plan has an error at least.

use crate::plan::{GoodFile, PlanError};
use crate::{config::Config, rollout::record::RolloutId};

/// One file, or a path that holds none.
#[derive(Debug)]
pub struct JudgedFile {
    /// The path as given, or below the directory that was given.
    pub file: String,
    /// The plan and what is to be known of it, or why there is none.
    pub outcome: Result<GoodFile, FileErrors>,
    /// The rollout that runs and is held up by a file that cannot be used, by the daemon's log.
    pub holds_up: Option<RolloutId>,
}

/// A `ringward.yaml`.
#[derive(Debug)]
pub(super) struct JudgedConfiguration {
    pub(super) file: String,
    pub(super) outcome: Result<Config, FileErrors>,
}

/// Why a file gives no plan.
#[derive(Debug)]
pub enum FileErrors {
    /// The path itself: what is wrong with it.
    Path(String),
    /// What is wrong in the file.
    Plan(Vec<PlanError>),
}

impl FileErrors {
    /// How many errors it is.
    pub fn count(&self) -> usize {
        match self {
            Self::Path(_) => 1,
            Self::Plan(errors) => errors.len(),
        }
    }
}
