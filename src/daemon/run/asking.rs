//! Who asks for a verb, and what it waits for.
//!
//! **Invariant:** who asks is answered once.

use std::collections::BTreeSet;

use tokio::sync::oneshot;

use crate::daemon::view::CommandError;
use crate::ids::UserGroupName;
use crate::rollout::people::command::Command;
use crate::rollout::record::Actor;

/// A verb, who asks for it, and where the answer goes.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) actor: Actor,
    pub(super) reason: String,
    pub(super) command: Command,
    pub(super) reply: oneshot::Sender<Result<String, CommandError>>,
}

/// A word that waits until these groups are read.
#[derive(Debug)]
pub(super) struct WaitingWord {
    pub(super) asking: Asking,
    pub(super) waits_for: BTreeSet<UserGroupName>,
}

/// Whether the members that a word is judged by could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Clear,
    None,
}
