//! What a verb or a refusal is about, by name.
//!
//! **Invariant:** help and documents have placeholders where an answer has names.

use crate::rollout::state::Hold;
use crate::time::short;

/// What a refusal is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub plan: String,
    pub ring: String,
    pub gate: String,
    /// Who holds it, since when and why.
    pub held: String,
    /// The rollout's phase.
    pub phase: String,
    pub version: String,
    /// Rings that have nowhere to go back to, and why.
    pub stuck: String,
    /// The User Groups that are asked.
    pub asked: String,
    /// The revision that waits, and what it changes.
    pub revision: String,
}

impl About {
    /// Placeholders, as in a command's usage.
    pub fn anything() -> Self {
        Self {
            plan: "PLAN".to_owned(),
            ring: "RING".to_owned(),
            gate: "GATE".to_owned(),
            held: "by SOMEBODY".to_owned(),
            phase: "over".to_owned(),
            version: "VERSION".to_owned(),
            stuck: "ring `RING` has nowhere to go back to".to_owned(),
            asked: "`GROUP`".to_owned(),
            revision: "revision DIGEST waits".to_owned(),
        }
    }

    /// A hold in words.
    pub fn held(hold: &Hold) -> String {
        format!("by {} since {}: {}", hold.actor, short(hold.since), hold.reason)
    }
}
