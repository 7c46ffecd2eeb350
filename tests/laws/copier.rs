//! Somebody whose copies of plan files break off at any byte, and who gives plans other names.
//!
//! **Invariant:** everything here is a function of the seed and of what happened, by dice of its own: the
//! scenes of seeds without a copier are what they are without this file.

use ringward::ids::PlanName;
use ringward::plan::model::{Percent, Plan};
use ringward::rollout::record::Event;
use ringward::rollout::state::Phase;
use ringward::time::{SignedDuration, after};

use super::plans::{LATER, plans, revised, span};
use super::prefixes::on_disk;
use super::support::drive::{Drive, Happening, OnDisk};
use super::written::{by_name, written};
use crate::support::dice::Dice;

/// The least that a file may ask for, where these plans are quicker.
fn as_files_may_ask(plan: &mut Plan) {
    for ring in &mut plan.rings {
        ring.soak = ring.soak.max(span("6d"));
        ring.adoption.seen_at_least = ring.adoption.seen_at_least.max(Percent::whole(1));
        for limit in [&mut ring.health.stalled, &mut ring.health.dark] {
            limit.after = limit.after.max(span("12h"));
        }
    }
}

/// Somebody who copies plan files to where the daemon reads them.
pub(crate) struct Copier {
    dice: Dice,
    /// So many more times.
    left: usize,
}

impl Copier {
    /// One for a seed; in nine of ten there is none.
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed.rotate_left(23) ^ 0xc0_91e5);
        let left = if seed % 10 == 5 { dice.pick(&[1, 1, 2, 3]) } else { 0 };
        Self { dice, left }
    }

    /// Copies just when something happens.
    pub(crate) fn turn(&mut self, drive: &mut Drive, plan: Option<&PlanName>, event: &Event) {
        let (Some(name), true) = (plan, self.left > 0) else { return };
        let seldom = match event {
            Event::PlanAccepted { .. } | Event::RolloutCompleted {} => 25,
            Event::WritePlanned { .. } | Event::WriteConfirmed { .. } | Event::WriteDoubted { .. } => 25,
            Event::AdoptionReached { .. } | Event::RingVerified { .. } | Event::PlanRenamed { .. } => 35,
            Event::Halted { .. } | Event::RollbackStarted { .. } | Event::RolloutWithdrawn {} => 35,
            _ => return,
        };
        let Some(state) = drive.daemon.engine.state.plans.get(name) else { return };
        if state.rollout.phase == Phase::Superseded || !self.dice.chance(seldom) {
            return;
        }
        self.left -= 1;
        let plan = state.rollout.named();
        if self.dice.chance(60) { self.rename(drive, &plan) } else { self.break_off(drive, &plan) }
    }

    /// The file of the plan goes, and one comes that says what its plan was.
    fn rename(&mut self, drive: &mut Drive, plan: &Plan) {
        let Ok(name) = PlanName::new(format!("{}-two", plan.name.as_str())) else { return };
        let mut renamed = Plan { name: name.clone(), was: Some(plan.name.clone()), ..plan.clone() };
        match self.dice.below(6) {
            0 => renamed.rings.truncate(1),
            1 => {
                let targets = renamed.rings.iter_mut().flat_map(|ring| ring.targets.values_mut());
                targets.for_each(|version| *version = LATER);
            }
            2 => renamed.rings.iter_mut().for_each(|ring| ring.soak = span("11h")),
            _ => {}
        }
        let at = after(drive.now, SignedDuration::from_secs(self.dice.pick(&[1, 20, 600])));
        let gap = SignedDuration::from_secs(self.dice.pick(&[0, 0, 0, 10, 7_200]));
        let (gone, come) = if self.dice.chance(70) { (at, after(at, gap)) } else { (after(at, gap), at) };
        let good = |plan: Plan| Some(OnDisk::Good(Box::new(revised(plan))));
        drive.at(gone, Happening::Edit(plan.name.clone(), None));
        drive.at(come, Happening::Edit(name.clone(), good(renamed)));
        if self.dice.chance(25) {
            let back = after(come, span(self.dice.pick(&["20s", "1h", "9h"])).get());
            drive.at(back, Happening::Edit(name, None));
            drive.at(back, Happening::Edit(plan.name.clone(), good(plan.clone())));
        }
    }

    /// A copy of the file breaks off, and is whole after a while.
    fn break_off(&mut self, drive: &mut Drive, plan: &Plan) {
        let mut plan = plan.clone();
        as_files_may_ask(&mut plan);
        let text = written(&plan);
        let length = self.dice.below(text.len() + 1);
        let Some(prefix) = text.as_bytes().get(..length) else { return };
        let in_force =
            drive.daemon.engine.state.plans.get(&plan.name).map(|plan| plan.rollout.revision.clone());
        let file = format!("{}.yaml", plan.name);
        let at = after(drive.now, SignedDuration::from_secs(self.dice.pick(&[1, 20, 600])));
        let broken = on_disk(&file, prefix, &plan.name, in_force.as_deref(), at);
        drive.at(at, Happening::Edit(plan.name.clone(), broken));
        let back = after(at, span(self.dice.pick(&["5s", "10m", "9h"])).get());
        drive.at(back, Happening::Edit(plan.name.clone(), Some(OnDisk::Good(Box::new(revised(plan))))));
    }
}

#[test]
fn what_is_written_is_read_back() {
    use super::plans::Temper;
    let (mut read_back, mut refused) = (0, 0);
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let start = "2026-10-12T06:00:00Z".parse().unwrap();
        let temper = dice.pick(&[Temper::Fair, Temper::Foul, Temper::Brink]);
        for revision in plans(&mut dice, start, temper) {
            let mut plan = revision.plan;
            plan.was = dice.chance(20).then(|| PlanName::new("before").unwrap());
            as_files_may_ask(&mut plan);
            match ringward::plan::read("p.yaml", written(&plan).as_bytes()) {
                Ok(read) => {
                    for profile in plan.rings.iter_mut().flat_map(|ring| &mut ring.profiles) {
                        *profile = by_name(profile);
                    }
                    assert!(read.plan == plan, "seed {seed}: another plan is read than\n{}", written(&plan));
                    read_back += 1;
                }
                // Two rings with one group's name are the decoder's to refuse.
                Err(errors) => {
                    let text = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
                    assert!(text.contains("is taken by"), "seed {seed}: {text}");
                    refused += 1;
                }
            }
        }
    }
    assert!(read_back > 200, "{read_back} were read back, {refused} refused");
}
