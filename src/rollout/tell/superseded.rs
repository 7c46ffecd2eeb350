//! What earlier rollouts left on offer, for people.
//!
//! **Invariant:** nothing is hidden for its ring being gone from the plan.

use std::collections::BTreeMap;

use crate::fleet::Census;
use crate::ids::{GroupId, RingName};
use crate::rollout::decide::context::Context;
use crate::rollout::judge::subject;
use crate::rollout::record::{Judgement, RolloutId, Verdict};
use crate::rollout::state::Superseded;
use crate::text::joined;
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// A superseded offer, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct SupersededOffer {
    /// The ring whose group it is; it may be gone from the plan.
    pub ring: RingName,
    /// The rollout that wrote it.
    pub rollout: RolloutId,
    /// The group's name and ID.
    pub group: (String, GroupId),
    /// Since when it is on offer.
    pub since: Timestamp,
    /// What is on offer.
    pub versions: BTreeMap<Environment, ClientVersion>,
    /// Whether the running rollout asks this ring for the same.
    pub asked_again: bool,
    /// The words of its health gates.
    pub gates: Vec<Judgement>,
    /// Its devices by class.
    pub census: Option<Census>,
    /// Its devices by the version that they report.
    pub devices: BTreeMap<Environment, BTreeMap<String, usize>>,
}

impl SupersededOffer {
    /// The first of its gates that fails.
    pub fn failing(&self) -> Option<&Judgement> {
        self.gates.iter().find(|word| matches!(word.verdict, Verdict::Fail(_)))
    }

    /// What is the case, in one sentence.
    pub fn text(&self) -> String {
        let versions = self.versions.iter().map(|(environment, version)| format!("{environment} {version}"));
        let (group, _) = &self.group;
        let devices = self.devices.iter().map(|(environment, devices)| {
            let counts = devices.iter().map(|(version, count)| format!("{count} on {version}"));
            format!("{environment}: {}", joined(counts, ", "))
        });
        let (versions, mut devices) = (joined(versions, " and "), joined(devices, "; "));
        if devices.is_empty() {
            devices.push_str("no device");
        }
        let rollout = self.rollout.number;
        format!("group `{group}` still offers {versions} of rollout {rollout} ({devices})")
    }
}

/// All superseded offers of a plan, as they are now.
pub(crate) fn offers(context: &Context<'_>) -> Vec<SupersededOffer> {
    let offer = |(left, gates): (&Superseded, &Vec<Judgement>)| {
        let assigned = left.ring.stage.assigned()?;
        let (id, owned) = context.state.groups.get_key_value(&assigned.group)?;
        let fleet = &context.world.fleet;
        let swept = fleet.full_sweep_at().is_some();
        let asked = context.rollout.ring_plan(&left.ring.name).map(|plan| &plan.targets);
        let same =
            |(environment, version)| asked.is_some_and(|asked| asked.get(environment) == Some(version));
        let scope = subject::scope(&left.ring, &left.plan, assigned);
        Some(SupersededOffer {
            ring: left.ring.name.clone(),
            rollout: left.rollout.clone(),
            group: (owned.last.content.name.clone(), id.clone()),
            since: assigned.at,
            versions: left.plan.targets.clone(),
            asked_again: left.plan.targets.iter().all(same),
            gates: gates.clone(),
            census: swept.then(|| fleet.census(&scope, context.now)),
            devices: left.plan.targets.keys().map(|at| (*at, fleet.versions(&scope, *at))).collect(),
        })
    };
    context.left().filter_map(offer).collect()
}
