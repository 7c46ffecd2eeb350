//! Somebody who replaces a target while a ring adopts it, and takes back what that leaves on offer.
//!
//! **Invariant:** everything here is a function of the seed and of what happened, by dice of its own:
//! the scenes of seeds without a hotfix are what they are without this file.

use std::sync::Arc;

use ringward::ids::RingName;
use ringward::plan::model::OnNewTarget;
use ringward::rollout::judge::rollback_target::Scope;
use ringward::rollout::people::command::Command;
use ringward::rollout::record::{Actor, Event};
use ringward::rollout::state::Phase;
use ringward::time::{SignedDuration, after};
use ringward::version::ClientVersion;

use super::plans::{LATER, TARGET, revised};
use super::support::drive::{Drive, Happening, OnDisk};
use crate::support::dice::Dice;

/// The hotfix of a hotfix.
const LATEST: ClientVersion = ClientVersion::new(2026, 9, 400, 0);

/// Somebody who replaces targets.
pub(crate) struct Hotfix {
    dice: Dice,
    /// So many more times.
    left: usize,
}

impl Hotfix {
    /// One for a seed; in most there is none.
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed.rotate_left(29) ^ 0x407f);
        let left = if dice.chance(25) { dice.pick(&[1, 2, 2, 3]) } else { 0 };
        Self { dice, left }
    }

    /// Replaces the target just when a ring has it, and takes back what an earlier rollout left.
    pub(crate) fn turn(&mut self, drive: &mut Drive, event: &Event) {
        match event {
            Event::WriteConfirmed { ring, .. } | Event::AdoptionReached { ring, .. }
                if self.left > 0 && self.dice.chance(40) =>
            {
                self.left -= 1;
                self.replace(drive, ring);
            }
            Event::PlanAccepted { revision } if self.left > 0 && self.dice.chance(40) => {
                let name = revision.plan.name.clone();
                self.take_back(drive, &name);
            }
            _ => {}
        }
    }

    fn replace(&mut self, drive: &mut Drive, ring: &RingName) {
        let running = |plan: &&Arc<ringward::rollout::state::PlanState>| {
            plan.rollout.phase == Phase::Running && plan.rollout.ring(ring).is_some()
        };
        let Some(rollout) = drive.daemon.engine.state.plans.values().find(running).map(|plan| &plan.rollout)
        else {
            return;
        };
        let mut plan = rollout.revision.plan.clone();
        plan.on_new_target = OnNewTarget::Replace;
        let version = self.dice.pick(&[TARGET, LATER, LATER, LATEST]);
        let from = if self.dice.chance(20) { self.dice.below(plan.rings.len()) } else { 0 };
        for ring in plan.rings.iter_mut().skip(from) {
            ring.targets.values_mut().for_each(|known| *known = version);
        }
        if plan.rings.len() > 1 && self.dice.chance(12) {
            plan.rings.retain(|known| known.name != *ring);
        }
        let soon = SignedDuration::from_secs(self.dice.pick(&[1, 600, 7_200]));
        let edit = Happening::Edit(plan.name.clone(), Some(OnDisk::Good(Box::new(revised(plan)))));
        drive.at(after(drive.now, soon), edit);
    }

    fn take_back(&mut self, drive: &mut Drive, name: &ringward::ids::PlanName) {
        let Some(plan) = drive.daemon.engine.state.plans.get(name) else { return };
        let rings: Vec<RingName> = plan.superseded.iter().map(|left| left.ring.name.clone()).collect();
        if rings.is_empty() {
            return;
        }
        let ring = self.dice.chance(50).then(|| self.dice.pick(&rings));
        let scope = Scope { ring, environment: None };
        let ann = Actor::Local { user: "ann".to_owned() };
        let soon = SignedDuration::from_secs(self.dice.pick(&[5, 1_200, 14_400]));
        // Never at the very instant of a look: of two things at once the stories know one order only.
        let soon = soon + SignedDuration::from_millis(1);
        let command = Command::Rollback { plan: name.clone(), scope };
        drive.at(after(drive.now, soon), Happening::Command(ann, "off the bad build".to_owned(), command));
    }
}
