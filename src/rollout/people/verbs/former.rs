//! Verbs that have another name now.
//!
//! **Invariant:** a former name is told, with the name that took its place, and never carried out.

use crate::rollout::people::verbs::verb::Verb;

/// The names of earlier releases, each with the verb that it was.
pub const FORMER: [(&str, Verb); 2] = [("refuse", Verb::Reject), ("release-hold", Verb::Unblock)];

/// The verb that had this name before.
pub fn called_before(name: &str) -> Option<Verb> {
    FORMER.iter().find(|(former, _)| *former == name).map(|(_, verb)| *verb)
}
