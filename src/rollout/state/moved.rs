//! What a rollout changed in what a ring's devices are offered.
//!
//! **Invariant:** the first write that did is named, so that its way back is known.

use std::collections::BTreeSet;

use crate::ids::PolicyId;
use crate::rollout::record::WriteId;
use crate::version::ClientVersion;

/// What a rollout, or the unfinished one that it took over from, changed in what an environment of a
/// ring is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The first write that did.
    pub write: WriteId,
    /// What was on offer before it; `None`: nothing, or no single version.
    pub was: Option<String>,
    /// What is on offer since.
    pub version: ClientVersion,
    /// To these profiles.
    pub policies: BTreeSet<PolicyId>,
}
