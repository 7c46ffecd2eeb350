//! A department that leaves: its profile is deleted, its ring is taken out of the plan's file though it was
//! entered and is not verified, and somebody may let it go.
//!
//! **Invariant:** everything here is a function of the seed and of what happened, by dice of its own: the
//! scenes of seeds without a department that leaves are what they are without this file.

use ringward::ids::{PlanName, RingName};
use ringward::rollout::people::command::Command;
use ringward::rollout::record::Gate;
use ringward::rollout::record::{Actor, Event};
use ringward::time::{SignedDuration, after};

use super::plans::{policy, profiles_of, revised};
use super::support::drive::upstream::Outsider;
use super::support::drive::{Drive, Happening, OnDisk};
use crate::support::dice::Dice;

/// One that leaves, or none.
pub(crate) struct Department {
    dice: Dice,
    stays: bool,
}

impl Department {
    /// That of a seed; in most scenes there is none.
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed.rotate_left(23) ^ 0xde9a);
        let stays = !dice.chance(10);
        Self { dice, stays }
    }

    /// Leaves when its ring has been written.
    pub(crate) fn turn(&mut self, drive: &mut Drive, plan: Option<&PlanName>, event: &Event) {
        let (Event::WriteConfirmed { ring, .. } | Event::AdoptionReached { ring, .. }) = event else {
            return;
        };
        if let (Some(plan), false) = (plan, self.stays) {
            self.stays = true;
            self.leave(drive, plan, ring);
        }
    }

    fn leave(&mut self, drive: &mut Drive, name: &PlanName, ring: &RingName) {
        let Some(rollout) = drive.daemon.engine.state.plans.get(name).map(|plan| &plan.rollout) else {
            return;
        };
        let mut plan = rollout.revision.plan.clone();
        let Some(place) = plan.rings.iter().position(|known| known.name == *ring) else { return };
        if plan.rings.len() < 2 {
            return;
        }
        let gone = profiles_of(&plan.rings.remove(place));
        let at = after(drive.now, SignedDuration::from_mins(self.dice.pick(&[1, 20])));
        if self.dice.chance(60) {
            // The default profile cannot be deleted.
            for profile in gone.into_iter().filter(|gone| *gone != policy("everyone")) {
                drive.at(at, Happening::Outside(Outsider::DeletesProfile(profile)));
            }
        }
        let file = OnDisk::Good(Box::new(revised(plan)));
        drive.at(at, Happening::Edit(name.clone(), Some(file)));
        if self.dice.chance(50) {
            let (plan, ring) = (name.clone(), Some(ring.clone()));
            let at = after(at, SignedDuration::from_mins(self.dice.pick(&[5, 90])));
            let ann = Actor::Local { user: "ann".to_owned() };
            let asked = Command::Waive { plan, gate: Gate::Ring, ring };
            drive.at(at, Happening::Command(ann, "the department is gone".to_owned(), asked));
        }
    }
}
