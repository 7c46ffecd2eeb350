//! One record of the log as the templates print it.
//!
//! **Invariant:** the engine's reason is told once, whether as the sentence or beside it.

use crate::time::Timestamp;
use crate::web::json::EventJson;
use crate::web::page::moment::Moment;

/// One record of the log.
pub(super) struct EventRow {
    pub(super) seq: u64,
    pub(super) at: Moment,
    pub(super) rollout: Option<String>,
    pub(super) text: String,
    pub(super) actor: String,
    pub(super) reason: Option<String>,
    /// Whether a person did it.
    pub(super) by_person: bool,
}

impl EventRow {
    /// A record, as seen from `now`.
    pub(super) fn new(event: &EventJson, now: Timestamp) -> Self {
        let rollout = match (&event.plan, event.rollout) {
            (Some(plan), Some(number)) => Some(format!("{plan}#{number}")),
            (plan, _) => plan.as_ref().map(ToString::to_string),
        };
        Self {
            seq: event.seq,
            at: Moment::new(event.at, now),
            rollout,
            text: event.text.clone(),
            actor: event.actor.clone(),
            // The engine's reason is often what the sentence says.
            reason: Some(event.reason.clone()).filter(|reason| !event.text.contains(reason)),
            by_person: event.actor != "engine",
        }
    }
}
