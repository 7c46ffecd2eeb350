//! Somebody who takes rollouts back, in every state of theirs, and what others do meanwhile.
//!
//! **Invariant:** everything here is a function of the seed and of what happened, by dice of its own:
//! the scenes of seeds without a retreat are what they are without this file.

use ringward::plan::model::{Revision, RollbackRules};
use ringward::rollout::judge::rollback_target::Scope;
use ringward::rollout::people::command::Command;
use ringward::rollout::people::verbs::situation::StartPlans;
use ringward::rollout::record::{Actor, Event, RollbackStep};
use ringward::time::{SignedDuration, after};
use ringward::version::Environment;

use super::plans::{LATER, OLD, revised, span};
use super::support::drive::upstream::Outsider;
use super::support::drive::{Drive, Happening, OnDisk, Remembered};
use crate::support::dice::Dice;

/// Somebody who takes rollouts back.
pub(crate) struct Retreat {
    dice: Dice,
    /// In so many of a thousand events.
    often: usize,
}

impl Retreat {
    /// One for a seed; in most there is none.
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed.rotate_left(17) ^ 0x5bac);
        let often = if dice.chance(40) { dice.pick(&[30, 90, 250]) } else { 0 };
        Self { dice, often }
    }

    /// Gives plans a way back where the log may know none.
    pub(crate) fn outfit(&mut self, plans: Vec<Revision>) -> Vec<Revision> {
        if self.often == 0 {
            return plans;
        }
        let mut outfitted = Vec::new();
        for revision in plans {
            let mut plan = revision.plan;
            for ring in &mut plan.rings {
                let known = self.dice.chance(75);
                let to = ring.targets.keys().filter(|_| known).map(|environment| (*environment, OLD));
                let to = to.filter(|(environment, version)| ring.targets.get(environment) != Some(version));
                ring.rollback =
                    RollbackRules { step: span(self.dice.pick(&["30m", "2h"])), to: to.collect() };
            }
            outfitted.push(revised(plan));
        }
        outfitted
    }

    /// Takes a rollout back just when something happened, or stirs in one that goes back.
    pub(crate) fn turn(&mut self, drive: &mut Drive, event: &Event) {
        if self.often == 0 {
            return;
        }
        match event {
            Event::RollbackStarted { steps, .. } => self.stir(drive, steps),
            Event::RollbackCompleted {} => self.afterwards(drive),
            // What is verified is left for something newer, and then there is a proven way back.
            Event::RingVerified { .. } if self.dice.chance(95) => self.raise(drive, event),
            Event::WriteConfirmed { .. } | Event::AdoptionReached { .. }
                if !drive.daemon.engine.state.soaks.is_empty() && self.dice.chance(85) =>
            {
                self.ask_back(drive);
            }
            Event::RingRolledBack { .. } | Event::RollbackInPlace { .. } if self.dice.chance(20) => {
                self.ask_back(drive);
            }
            _ if self.dice.below(1000) < self.often => self.ask_back(drive),
            _ => {}
        }
    }

    /// The plan of a ring asks for a later version.
    fn raise(&mut self, drive: &mut Drive, event: &Event) {
        let plans = drive.daemon.engine.state.plans.values();
        let of_ring = |name| plans.map(|plan| &plan.rollout).find(|rollout| rollout.ring(name).is_some());
        let Some(rollout) = event.ring().and_then(of_ring) else { return };
        let mut plan = rollout.revision.plan.clone();
        for ring in &mut plan.rings {
            ring.targets.values_mut().for_each(|version| *version = LATER);
        }
        let edit = Happening::Edit(plan.name.clone(), Some(OnDisk::Good(Box::new(revised(plan)))));
        drive.at(after(drive.now, SignedDuration::from_secs(self.dice.pick(&[1, 600]))), edit);
    }

    fn ask_back(&mut self, drive: &mut Drive) {
        let dice = &mut self.dice;
        let plans: Vec<_> = drive.daemon.engine.state.plans.values().map(|plan| &plan.rollout).collect();
        let Some(rollout) = (!plans.is_empty()).then(|| plans[dice.below(plans.len())]) else { return };
        let rings: Vec<_> = rollout.rings.iter().map(|ring| ring.name.clone()).collect();
        let ring = (!rings.is_empty() && dice.chance(30)).then(|| dice.pick(&rings));
        let environment = dice.chance(25).then(|| dice.pick(&Environment::ALL));
        let plan = rollout.id.plan.clone();
        self.ask(drive, Command::Rollback { plan, scope: Scope { ring, environment } });
    }

    fn ask(&mut self, drive: &mut Drive, command: Command) {
        let ann = Actor::Local { user: "ann".to_owned() };
        let soon = SignedDuration::from_millis(self.dice.pick(&[0, 500, 1_500, 60_000, 1_200_000]));
        // Never at the very instant of a look: of two things at once the stories know one order only.
        let soon = soon + SignedDuration::from_millis(1);
        drive.at(after(drive.now, soon), Happening::Command(ann, "take it back".to_owned(), command));
    }

    /// What others do while a rollout goes back.
    fn stir(&mut self, drive: &mut Drive, steps: &[RollbackStep]) {
        let Some(step) = steps.first() else { return };
        let plan =
            drive.daemon.engine.state.plans.values().find(|plan| plan.rollout.ring(&step.ring).is_some());
        let Some(rollout) = plan.map(|plan| plan.rollout.clone()) else { return };
        let (name, ring) = (rollout.id.plan.clone(), rollout.ring_plan(&step.ring).cloned());
        let Some(group) = ring.map(|ring| ring.group) else { return };
        let soon = SignedDuration::from_millis(self.dice.pick(&[0, 700, 2_000, 600_000]));
        let at = after(drive.now, soon);
        let ann = Actor::Local { user: "ann".to_owned() };
        let happening = match self.dice.below(14) {
            0 => Happening::Command(ann, "wait".to_owned(), Command::Pause(name)),
            1 => Happening::Command(ann, "wait".to_owned(), Command::Stop),
            2 => Happening::StopFile(ann, "wait".to_owned()),
            3 => Happening::Outside(Outsider::Deletes(group)),
            4 => Happening::Outside(Outsider::SetsVersion(group, Environment::Windows, OLD.to_string())),
            5 => Happening::Outside(Outsider::SetsVersion(group, Environment::Macos, LATER.to_string())),
            6 => Happening::Crash(Remembered::Devices),
            7 => Happening::Edit(name, None),
            8 => {
                let mut plan = rollout.revision.plan.clone();
                for ring in &mut plan.rings {
                    ring.targets.values_mut().for_each(|version| *version = LATER);
                }
                Happening::Edit(name, Some(OnDisk::Good(Box::new(revised(plan)))))
            }
            9 => return self.ask_back(drive),
            _ => return,
        };
        drive.at(at, happening);
    }

    /// What comes after it: what was taken back is asked for again, in one way or another.
    fn afterwards(&mut self, drive: &mut Drive) {
        let held = drive.daemon.engine.state.blocked_versions.clone();
        let Some(held) = (!held.is_empty()).then(|| held[self.dice.below(held.len())].clone()) else {
            return;
        };
        let Some(plan) = drive.daemon.engine.state.plans.get(&held.plan) else { return };
        let mut wanted = plan.rollout.revision.plan.clone();
        let (name, version) = (held.plan.clone(), held.version);
        let at = after(drive.now, SignedDuration::from_secs(self.dice.pick(&[1, 90, 3_600])));
        match self.dice.below(6) {
            0 => self.ask(drive, Command::Unblock { plan: name, version }),
            1 => self.ask(drive, Command::Unblock { plan: name, version: LATER }),
            2 | 3 => {
                // Other rings for the same profiles, and the same versions.
                for (number, ring) in wanted.rings.iter_mut().enumerate() {
                    ring.name = ringward::ids::RingName::new(format!("Anew {number}")).unwrap();
                }
                let edit = OnDisk::Good(Box::new(revised(wanted)));
                drive.at(at, Happening::Edit(name, Some(edit)));
            }
            4 => {
                for ring in &mut wanted.rings {
                    ring.targets.values_mut().for_each(|version| *version = LATER);
                }
                let edit = OnDisk::Good(Box::new(revised(wanted)));
                drive.at(at, Happening::Edit(name.clone(), Some(edit)));
                let ann = Actor::Local { user: "ann".to_owned() };
                let start = Command::Start { plans: StartPlans::GoOn };
                drive.at(at, Happening::Command(ann.clone(), "on".to_owned(), start));
                drive.at(at, Happening::Command(ann, "on".to_owned(), Command::Resume(name)));
            }
            _ => {
                let own = |ring: &&ringward::plan::model::RingPlan| ring.name == held.ring;
                let Some(ring) = wanted.rings.iter().find(own) else { return };
                let edit = Outsider::SetsVersion(ring.group.clone(), held.environment, version.to_string());
                drive.at(at, Happening::Outside(edit));
            }
        }
    }
}
