//! What earlier rollouts that were never completed still offer.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::GateJson;
use crate::ids::{PlanName, RingName};
use crate::rollout::tell::superseded::SupersededOffer;
use crate::text::in_shell;
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// A group that still offers what a rollout before this one wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SupersededJson {
    /// The ring whose group it is; it may be gone from the plan.
    pub ring: RingName,
    /// The number of the rollout that wrote it.
    pub rollout: u64,
    /// The group's name.
    pub group: String,
    /// The group's ID.
    pub group_id: String,
    /// Since when it is on offer.
    pub since: Timestamp,
    /// What is on offer, by environment.
    pub versions: BTreeMap<Environment, ClientVersion>,
    /// Whether the running rollout asks this ring for the same.
    pub asked_again: bool,
    /// Its devices by environment and by the version that they report.
    pub devices: BTreeMap<Environment, BTreeMap<String, usize>>,
    /// Its health gates, which go on.
    pub gates: Vec<GateJson>,
    /// Whether one of them fails: a person is needed, and the rollout is not held up by it.
    pub needs_you: bool,
    /// What is the case, as one sentence for people, without the full stop.
    pub headline: String,
    /// What lets it end.
    pub remedy: String,
    /// The command at the end of `remedy`; `…` stands for the person's reason.
    pub command: String,
}

impl SupersededJson {
    pub(in crate::web) fn of(plan: &PlanName, offer: &SupersededOffer, gates: Vec<GateJson>) -> Self {
        let (group, id) = &offer.group;
        let command = format!("ringward rollback {plan} --ring {} --reason …", in_shell(offer.ring.as_str()));
        let words = "it ends by itself once the ring is entered; to take it back now";
        Self {
            ring: offer.ring.clone(),
            rollout: offer.rollout.number,
            group: group.clone(),
            group_id: id.to_string(),
            since: offer.since,
            versions: offer.versions.clone(),
            asked_again: offer.asked_again,
            devices: offer.devices.clone(),
            gates,
            needs_you: offer.failing().is_some(),
            headline: match offer.failing() {
                Some(word) => format!("{}; {word}", offer.text()),
                None => offer.text(),
            },
            remedy: format!("{words}: {command}"),
            command,
        }
    }
}
