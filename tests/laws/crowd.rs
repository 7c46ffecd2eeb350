//! People who are asked to let rings be entered, and all that can go wrong with them.
//!
//! **Invariant:** everything here is a function of the seed and of what happened, by dice of its own:
//! the scenes of seeds without a crowd are what they are without this file.

use std::num::NonZeroU8;

use ringward::ids::{Email, UserGroupName};
use ringward::plan::model::{ApprovalFloor, ApprovalRule, AuthorRule, Revision};
use ringward::rollout::people::command::Command;
use ringward::rollout::record::{Actor, Event};
use ringward::rollout::record::{Member, Standing};
use ringward::rollout::world::Approvers;
use ringward::time::{SignedDuration, after};

use super::plans::{revised, span};
use super::support::drive::upstream::{Misread, Outsider, ReadFault, Upstream};
use super::support::drive::{Drive, Happening, OnDisk};
use crate::support::dice::Dice;

const GROUPS: [&str; 2] = ["Keepers", "Board"];

/// The people who are asked, and some who are not.
pub(crate) struct Crowd {
    dice: Dice,
    is_there: bool,
    floor: Option<ApprovalFloor>,
}

fn group(name: &str) -> UserGroupName {
    UserGroupName::new(name).unwrap()
}

fn email(number: usize) -> Email {
    format!("m{number}@example.com").parse().unwrap()
}

impl Crowd {
    /// One for a seed; in most there is none.
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed.rotate_left(29) ^ 0xc0_4d);
        let is_there = dice.chance(25);
        let floor = (is_there && dice.chance(35)).then(|| ApprovalFloor {
            user_group: group("Board"),
            count: NonZeroU8::MIN,
            over_devices: dice.pick(&[0, 2, 4]),
            author: AuthorRule::Optional,
        });
        Self { dice, is_there, floor }
    }

    /// What the daemon's configuration asks for.
    pub(crate) fn floor(&self) -> Option<ApprovalFloor> {
        self.floor.clone()
    }

    /// Has plans ask people, and gives the account the people.
    pub(crate) fn outfit(&mut self, plans: Vec<Revision>, upstream: &mut Upstream) -> Vec<Revision> {
        if !self.is_there {
            return plans;
        }
        for name in GROUPS {
            let known = self.approvers();
            upstream.user_groups.insert(group(name), known);
        }
        let mut outfitted = Vec::new();
        for revision in plans {
            let mut plan = revision.plan;
            plan.author = self.dice.chance(40).then(|| email(0));
            for ring in &mut plan.rings {
                let asks = self.dice.chance(60);
                ring.approval = asks.then(|| ApprovalRule {
                    user_group: group(self.dice.pick(&["Keepers", "Keepers", "Board"])),
                    count: NonZeroU8::new(self.dice.pick(&[1, 1, 2])).unwrap(),
                    expires: span(self.dice.pick(&["1h", "5h", "3d"])),
                });
            }
            outfitted.push(revised(plan));
        }
        outfitted
    }

    fn approvers(&mut self) -> Approvers {
        match self.dice.below(14) {
            0 => Approvers::Missing,
            1 => Approvers::Several(2),
            _ => {
                let mut members = Vec::new();
                for number in 0..4 {
                    let standing = match self.dice.below(12) {
                        0 => Standing::Pending,
                        1 => Standing::Other("suspended".to_owned()),
                        _ => Standing::Accepted,
                    };
                    if self.dice.chance(80) {
                        members.push(Member { email: Some(email(number)), standing });
                    }
                }
                if self.dice.chance(20) {
                    members.push(Member { email: None, standing: Standing::Accepted });
                }
                Approvers::Members(members)
            }
        }
    }

    /// What the people do when something happened.
    pub(crate) fn turn(&mut self, drive: &mut Drive, event: &Event) {
        if !self.is_there {
            return;
        }
        match event {
            Event::ApprovalAsked { ring, .. } => {
                for number in 0..4 {
                    if self.dice.chance(85) {
                        self.speak(drive, number, Some(ring.clone()));
                    }
                }
            }
            Event::ApprovalGiven { .. } if self.dice.chance(6) => self.edit(drive),
            Event::WritePlanned { intent, .. } if intent.asks().next().is_some() && self.dice.chance(30) => {
                let milliseconds = self.dice.pick(&[1, 1_001, 2_001]);
                let asked = intent.approvers().next().cloned();
                self.regroup(drive, asked, SignedDuration::from_millis(milliseconds));
            }
            _ => {
                if self.dice.below(1000) < 25 {
                    let number = self.dice.below(6);
                    self.speak(drive, number, None);
                }
                if self.dice.below(1000) < 12 {
                    self.regroup(drive, None, SignedDuration::from_secs(31));
                }
                if self.dice.below(1000) < 8 {
                    let until = after(drive.now, span(self.dice.pick(&["20m", "2h", "5h"])).get());
                    let fault = ReadFault { from: drive.now, until, what: Misread::Approvers };
                    drive.upstream.read_faults.push(fault);
                }
            }
        }
    }

    /// A member, the author, a stranger, the socket or a program has a word.
    fn speak(&mut self, drive: &mut Drive, number: usize, ring: Option<ringward::ids::RingName>) {
        let plans: Vec<_> = drive.daemon.engine.state.plans.keys().cloned().collect();
        let of_ring = |plan: &&ringward::ids::PlanName| {
            let rollout = drive.daemon.engine.state.plans.get(*plan).map(|plan| &plan.rollout);
            ring.as_ref().is_none_or(|ring| rollout.is_some_and(|rollout| rollout.ring(ring).is_some()))
        };
        let Some(plan) = plans.iter().find(of_ring).cloned() else { return };
        let actor = match (self.dice.below(20), number) {
            (0, _) => Actor::Local { user: "ann".to_owned() },
            (1, _) => Actor::Service { name: "nightly.access".parse().unwrap() },
            (_, number) => Actor::Access { email: email(number) },
        };
        let rings = &drive.daemon.engine.state.plans[&plan].rollout.rings;
        let next = rings.iter().find(|ring| !ring.stage.is_entered()).or(rings.last());
        let Some(ring) = ring.or_else(|| next.map(|ring| ring.name.clone())) else { return };
        let command = match self.dice.below(12) {
            0 => Command::Reject { plan, ring },
            _ => Command::Approve { plan, ring },
        };
        let soon = SignedDuration::from_millis(self.dice.pick(&[501, 90_001, 1_800_001]));
        drive.at(after(drive.now, soon), Happening::Command(actor, "by the dice".to_owned(), command));
    }

    fn regroup(&mut self, drive: &mut Drive, name: Option<UserGroupName>, soon: SignedDuration) {
        let any = group(self.dice.pick(&GROUPS));
        let (name, approvers) = (name.unwrap_or(any), self.approvers());
        drive.at(after(drive.now, soon), Happening::Outside(Outsider::Regroups(name.clone(), approvers)));
        // Whoever keeps the group fixes it later.
        let whole = (0..4).map(|number| Member { email: Some(email(number)), standing: Standing::Accepted });
        let whole = Outsider::Regroups(name, Approvers::Members(whole.collect()));
        drive.at(after(drive.now, SignedDuration::from_mins(50)), Happening::Outside(whole));
    }

    /// A value of the plan changes that no entered ring minds.
    fn edit(&mut self, drive: &mut Drive) {
        let Some(plan) = drive.daemon.engine.state.plans.values().next() else { return };
        let mut plan = plan.rollout.revision.plan.clone();
        let name = plan.name.clone();
        for ring in &mut plan.rings {
            ring.unknown_after = span(self.dice.pick(&["2h", "4h", "7h"]));
        }
        let at = after(drive.now, SignedDuration::from_secs(3));
        drive.at(at, Happening::Edit(name, Some(OnDisk::Good(Box::new(revised(plan))))));
    }
}
