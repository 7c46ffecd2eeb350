//! Somebody who edits plan files in a hurry: breaks them, cuts them off, forbids what is on its way, renames
//! and swaps rings, moves profiles, changes their mind; and a clock that is wrong for a while.
//!
//! **Invariant:** everything here is a function of the seed and of what happened, by dice of its own:
//! the scenes of seeds without an editor are what they are without this file.

use ringward::ids::{PlanName, RingName};
use ringward::plan::change::Restrictions;
use ringward::plan::model::{Forbid, Plan, Revisions};
use ringward::rollout::people::command::Command;
use ringward::rollout::record::ClockDoubt;
use ringward::rollout::record::{Actor, Block, Event};
use ringward::rollout::state::Phase;
use ringward::rollout::world::InvalidFile;
use ringward::time::{SignedDuration, after};

use super::plans::{LATER, TARGET, revised, span};
use super::support::drive::{Drive, Happening, OnDisk};
use crate::support::dice::Dice;

/// Changes within an hour after which only a person lets a plan change again, and one more.
const TOO_OFTEN: usize = 8;

/// Somebody who edits.
pub(crate) struct Editor {
    dice: Dice,
    /// So many more times.
    left: usize,
    /// Who lets revisions take effect.
    revisions: Revisions,
}

impl Editor {
    /// One for a seed; in most there is none.
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed.rotate_left(41) ^ 0xed17);
        let left = if dice.chance(30) { dice.pick(&[1, 2, 2, 3]) } else { 0 };
        let by_person = left > 0 && dice.chance(25);
        let revisions = if by_person { Revisions::Person } else { Revisions::File };
        Self { dice, left, revisions }
    }

    /// Who lets revisions take effect in this scene.
    pub(crate) fn revisions(&self) -> Revisions {
        self.revisions
    }

    /// Edits just when something happens, and confirms what waits.
    pub(crate) fn turn(&mut self, drive: &mut Drive, plan: Option<&PlanName>, event: &Event) {
        match (plan, event) {
            (Some(plan), Event::BlockBegun { block: Block::RevisionWaits(waiting) })
                if self.revisions == Revisions::Person || self.dice.chance(10) =>
            {
                self.confirm(drive, plan, waiting.digest.as_str());
            }
            (
                Some(plan),
                Event::PlanAccepted { .. }
                | Event::WritePlanned { .. }
                | Event::WriteConfirmed { .. }
                | Event::AdoptionReached { .. }
                | Event::RingVerified { .. },
            ) if self.left > 0 && self.dice.chance(35) => {
                self.left -= 1;
                self.edit(drive, plan);
            }
            // What went out to everybody turns out to be bad.
            (Some(plan), Event::RolloutCompleted {}) if self.left > 0 => self.recall(drive, plan),
            _ => {}
        }
    }

    fn confirm(&mut self, drive: &mut Drive, plan: &PlanName, digest: &str) {
        let revision = if self.dice.chance(10) { "0000000000".to_owned() } else { digest.to_owned() };
        let command = Command::Confirm { plan: plan.clone(), revision };
        let ann = Actor::Local { user: "ann".to_owned() };
        let soon = SignedDuration::from_secs(self.dice.pick(&[5, 60, 3_600]));
        let soon = soon + SignedDuration::from_millis(1);
        drive.at(after(drive.now, soon), Happening::Command(ann, "read it".to_owned(), command));
    }

    fn edit(&mut self, drive: &mut Drive, name: &PlanName) {
        let Some(state) = drive.daemon.engine.state.plans.get(name) else { return };
        if state.rollout.phase != Phase::Running {
            return;
        }
        let plan = state.rollout.revision.plan.clone();
        let edited = self.edited(&plan);
        let at = after(drive.now, SignedDuration::from_secs(self.dice.pick(&[1, 20, 600])));
        let back = after(at, span(self.dice.pick(&["20s", "10m", "2h", "9h"])).get());
        let good = |plan: &Plan| OnDisk::Good(Box::new(revised(plan.clone())));
        let mut write = |at, file: OnDisk| drive.at(at, Happening::Edit(name.clone(), Some(file)));
        match self.dice.below(10) {
            0 => write(at, OnDisk::Broken),
            1..=3 => {
                let restrictions = Restrictions::of(&edited);
                let errors = vec!["plan.yaml:3:1: a mistake".to_owned()];
                let invalid = InvalidFile { file: "plan.yaml".to_owned(), errors, restrictions };
                write(at, OnDisk::Invalid(Box::new(invalid)));
            }
            4 => write(at, OnDisk::Cut(Box::new(revised(edited.clone())))),
            5 => {
                for n in 0..TOO_OFTEN {
                    let soon = SignedDuration::from_mins(5 * n as i64);
                    write(after(at, soon), good(if n % 2 == 0 { &edited } else { &plan }));
                }
            }
            6 => {
                let ahead = self.dice.pick(&[7_200, -7_200, 150]);
                let doubt = self.dice.pick(&[ClockDoubt::Differs { ahead }, ClockDoubt::NoDate]);
                drive.at(at, Happening::Clock(Some(doubt)));
                drive.at(back, Happening::Clock(None));
                return;
            }
            _ => write(at, good(&edited)),
        }
        if self.dice.chance(80) {
            let which = if self.dice.chance(50) { &edited } else { &plan };
            write(back, good(which));
        }
    }

    fn recall(&mut self, drive: &mut Drive, name: &PlanName) {
        let Some(state) = drive.daemon.engine.state.plans.get(name) else { return };
        let mut plan = state.rollout.revision.plan.clone();
        plan.forbid.push(forbid(&mut self.dice));
        let at = after(drive.now, SignedDuration::from_secs(self.dice.pick(&[1, 600])));
        drive.at(at, Happening::Edit(name.clone(), Some(OnDisk::Good(Box::new(revised(plan))))));
    }

    /// What an edit may be after.
    fn edited(&mut self, plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        let n = self.dice.below(plan.rings.len());
        let m = (n + 1) % plan.rings.len();
        match self.dice.below(14) {
            0 | 1 => plan.forbid.push(forbid(&mut self.dice)),
            2 | 3 => {
                let name = format!("{} renamed", plan.rings[n].name);
                if let Ok(name) = RingName::new(&name) {
                    plan.rings[n].name = name;
                }
            }
            4 if plan.rings.len() > 1 => drop(plan.rings.remove(n)),
            8 if n != m => {
                let name = plan.rings[n].name.clone();
                plan.rings[n].name = std::mem::replace(&mut plan.rings[m].name, name);
            }
            9 if n != m => plan.rings.swap(n, m),
            10..=13 if n != m => {
                let moved = plan.rings[n].profiles.pop();
                plan.rings[m].profiles.extend(moved);
                if plan.rings[n].profiles.is_empty() {
                    plan.rings.remove(n);
                }
            }
            5 => plan.rings[n].soak = span(self.dice.pick(&["10m", "5h", "11h"])),
            6 => {
                for version in plan.rings.iter_mut().flat_map(|ring| ring.targets.values_mut()) {
                    *version = if *version == TARGET { LATER } else { TARGET };
                }
                plan.forbid.push(forbid(&mut self.dice));
            }
            _ => {
                for version in plan.rings.iter_mut().flat_map(|ring| ring.targets.values_mut()) {
                    *version = if *version == TARGET { LATER } else { TARGET };
                }
            }
        }
        plan
    }
}

fn forbid(dice: &mut Dice) -> Forbid {
    let version = dice.pick(&[TARGET, LATER]).as_semver();
    let versions = format!("={version}").parse().expect("a range of one version");
    Forbid { versions, reason: "a case is open".to_owned() }
}
