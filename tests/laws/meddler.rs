//! What happens just between a write's intent and its outcome.
//!
//! **Invariant:** everything here is a function of the seed and of what was planned.

use std::collections::BTreeSet;

use ringward::plan::model::{DeviceLimit, Percent};
use ringward::rollout::people::command::Command;
use ringward::rollout::people::verbs::situation::StartPlans;
use ringward::rollout::record::GroupContent;
use ringward::rollout::record::{Actor, Event, Purpose};
use ringward::time::{SignedDuration, Timestamp, after};
use ringward::version::Environment;

use super::plans::{OLD, revised};
use super::support::drive::upstream::{Misread, Outsider, ReadFault};
use super::support::drive::{Drive, Happening, OnDisk, Remembered};
use crate::support::dice::Dice;

/// Somebody who gets in between a write's intent and its outcome.
pub(crate) struct Meddler {
    dice: Dice,
    often: usize,
}

impl Meddler {
    /// One who meddles with so many percent of the writes.
    pub(crate) fn new(seed: u64, often: usize) -> Self {
        Self { dice: Dice::new(!seed), often }
    }

    /// Meddles with a write that was just planned, or just doubted.
    pub(crate) fn meddle(&mut self, drive: &mut Drive, event: &Event) {
        let comes_by = match event {
            Event::RingVerified { .. } | Event::AdoptionReached { .. } => 12,
            Event::PlanAccepted { .. } | Event::RingReached { .. } | Event::WriteConfirmed { .. } => 8,
            _ => 0,
        };
        if self.dice.chance(comes_by) {
            return vandalise(drive, &mut self.dice);
        }
        let name = match event {
            Event::WritePlanned { intent, .. } => intent.after.name.clone(),
            Event::WriteDoubted { .. } => {
                let pending = drive.daemon.engine.state.pending_write();
                let Some((_, _, write)) = pending else { return };
                write.intent.after.name.clone()
            }
            _ => return,
        };
        let dice = &mut self.dice;
        if matches!(event, Event::WritePlanned { .. }) && limit_of(drive).is_some() && dice.chance(60) {
            return enrol(drive, dice);
        }
        let restores =
            matches!(event, Event::WritePlanned { intent, .. } if intent.purpose == Purpose::Restore);
        if !dice.chance(if restores { self.often.max(30) } else { self.often }) {
            return;
        }
        let before = match event {
            Event::WritePlanned { intent, .. } => intent.before.as_ref(),
            _ => None,
        };
        if let Some(group) = before.filter(|_| dice.chance(60)) {
            let name = group.content.name.clone();
            let edit = if dice.chance(50) {
                Outsider::Deletes(name)
            } else {
                Outsider::SetsVersion(name, dice.pick(&Environment::ALL), "2026.7.1.0".to_owned())
            };
            return drive.at(drive.now, Happening::Outside(edit));
        }
        let Some(plan) =
            drive.daemon.engine.state.pending_write().map(|(rollout, ..)| rollout.revision.plan.clone())
        else {
            return;
        };
        let soon = after(drive.now, SignedDuration::from_millis(dice.pick(&[0, 500, 1500])));
        let ann = Actor::Local { user: "ann".to_owned() };
        let asked = |command| Happening::Command(ann.clone(), "just now".to_owned(), command);
        let happening = match dice.below(14) {
            0 => asked(Command::Pause(plan.name)),
            1 => asked(Command::Stop),
            // The brake, and at once what might seem to take it back.
            10 => return in_a_row(drive, soon, dice, [Command::Stop, Command::Resume(plan.name)].map(asked)),
            11 => {
                let start = Command::Start { plans: dice.pick(&[StartPlans::Pause, StartPlans::GoOn]) };
                return in_a_row(drive, soon, dice, [Command::Stop, start].map(asked));
            }
            12 => {
                let resume = Command::Resume(plan.name.clone());
                return in_a_row(drive, soon, dice, [Command::Pause(plan.name), resume].map(asked));
            }
            13 => asked(Command::CheckNow(plan.name)),
            2 => Happening::StopFile(ann, "just now".to_owned()),
            3 => {
                let mut plan = plan;
                plan.rings[0].adoption.at_least = Percent::whole(dice.below(90) as u16);
                Happening::Edit(plan.name.clone(), Some(OnDisk::Good(Box::new(revised(plan)))))
            }
            4 | 5 => Happening::Outside(Outsider::SetsVersion(name, Environment::Windows, OLD.to_string())),
            6 => Happening::Outside(Outsider::Deletes(name)),
            7 => {
                let content = GroupContent { name, versions: Vec::new(), policies: BTreeSet::new() };
                Happening::Outside(Outsider::Creates(content))
            }
            8 => Happening::Crash(Remembered::Devices),
            _ => {
                let until = after(drive.now, SignedDuration::from_mins(2));
                let fault = ReadFault { from: drive.now, until, what: Misread::Groups };
                drive.upstream.read_faults.push(fault);
                return;
            }
        };
        drive.at(soon, happening);
    }
}

/// One thing after the other, as fast as the dice have it.
fn in_a_row(drive: &mut Drive, mut at: Timestamp, dice: &mut Dice, happenings: [Happening; 2]) {
    for happening in happenings {
        drive.at(at, happening);
        at = after(at, SignedDuration::from_millis(dice.pick(&[0, 500, 1500, 90_000])));
    }
}

/// Somebody changes one of ringward's groups, and perhaps sets it back.
fn vandalise(drive: &mut Drive, dice: &mut Dice) {
    let groups: Vec<GroupContent> =
        drive.daemon.engine.state.groups.values().map(|owned| owned.last.content.clone()).collect();
    if groups.is_empty() {
        return;
    }
    let GroupContent { name, versions, policies } = dice.pick(&groups);
    // Never at the very instant of a look: of two things at once the stories know one order only.
    let moment = SignedDuration::from_millis(1);
    let at = after(drive.now, SignedDuration::from_mins(dice.pick(&[0, 5, 40, 180])) + moment);
    let (edit, back) = match (dice.below(4), versions.first()) {
        (0, _) => (Outsider::Deletes(name), None),
        (1, Some(entry)) => {
            let environment = Environment::ALL
                .into_iter()
                .find(|known| entry.environment.as_deref() == Some(known.as_str()))
                .unwrap_or(Environment::Windows);
            let back = Outsider::SetsVersion(name.clone(), environment, entry.version.clone());
            (Outsider::SetsVersion(name, environment, OLD.to_string()), Some(back))
        }
        (2, _) => {
            let name = format!("{name}, taken");
            (Outsider::Creates(GroupContent { name, versions: Vec::new(), policies }), None)
        }
        _ => (
            Outsider::SetsProfiles(name.clone(), BTreeSet::new()),
            Some(Outsider::SetsProfiles(name, policies)),
        ),
    };
    // Of what comes between the last read before a write and the write itself, nobody can know: what
    // takes profiles away waits until a write that is under way has arrived.
    let takes = matches!(edit, Outsider::Creates(_));
    let at = if takes { after(at, SignedDuration::from_mins(1)) } else { at };
    drive.at(at, Happening::Outside(edit));
    if let Some(back) = back.filter(|_| dice.chance(50)) {
        let back_at = after(at, SignedDuration::from_mins(dice.pick(&[6, 20, 120])));
        drive.at(back_at, Happening::Outside(back));
    }
}

/// The limit that the planned write's ring has.
fn limit_of(drive: &Drive) -> Option<DeviceLimit> {
    let (rollout, ring, _) = drive.daemon.engine.state.pending_write()?;
    rollout.ring_plan(&ring.name)?.max_devices
}

/// Many devices come into the ring after they were counted, and before the fresh count.
fn enrol(drive: &mut Drive, dice: &mut Dice) {
    let pending = drive.daemon.engine.state.pending_write();
    let profile = pending.and_then(|(_, _, write)| write.intent.after.policies.first().cloned());
    let (Some(profile), now) = (profile, drive.now) else { return };
    drive.upstream.devices.retell(|_, story| {
        if dice.chance(70) && *story.profile_at(now) != profile {
            story.moves.push((now, profile.clone()));
            story.moves.sort();
        }
    });
}
