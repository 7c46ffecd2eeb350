//! One way into the future.
//!
//! **Invariant:** devices are drawn before the run begins and depend on the seed and on nothing that
//! the run does, so two runs of one seed differ only by what was changed in the plan.

use std::collections::BTreeMap;

use super::habits::LearnedHabits;
use super::situation::{Sampled, Situation, Way};
use crate::fleet::Fleet;
use crate::ids::RingName;
use crate::plan::model::Revision;
use crate::rollout::people::command::Command;
use crate::rollout::people::verbs::situation::StartPlans;
use crate::rollout::record::{Actor, Cause, Event, Recorded};
use crate::rollout::state::Phase;
use crate::simulation::devices::{DeviceScript, Devices, Reaction};
use crate::simulation::upstream::Upstream;
use crate::simulation::{Drive, Happening, Looks, Reports, SimulationFault};
use crate::synthetic::Dice;
use crate::time::{SignedDuration, Timestamp, after};
use crate::version::{ClientVersion, Environment};

/// Exact to an hour while something can happen, and to minutes just after a ring was told.
const LOOKS: Looks = Looks {
    busy: SignedDuration::from_hours(1),
    resting: SignedDuration::from_hours(12),
    reports: Reports::None,
};

/// What is believed of devices before any of them was told anything: after how many days a device is
/// there; `None`: not at all. It weighs as much as so many devices.
const BELIEVED: [Option<usize>; 50] = {
    let mut believed = [Some(0); 50];
    believed[46] = Some(1);
    believed[47] = Some(1);
    believed[48] = Some(2);
    believed[49] = None;
    believed
};

/// A ring's instants in one run, as far as they lie ahead.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RingTimes {
    pub(super) reached: Option<Timestamp>,
    pub(super) entered: Option<Timestamp>,
    pub(super) adopted: Option<Timestamp>,
    pub(super) verified: Option<Timestamp>,
}

/// One run.
#[derive(Debug, Clone, Default)]
pub(super) struct Once {
    pub(super) rings: BTreeMap<RingName, RingTimes>,
    pub(super) done_at: Option<Timestamp>,
    /// `cause (ring)`
    pub(super) halted: Option<String>,
}

/// Runs `revision` forward from a situation, holds lifted.
pub(super) fn run(
    situation: &Situation,
    habits: &LearnedHabits,
    revision: &Revision,
    seed: u64,
) -> Result<Once, SimulationFault> {
    let now = situation.now;
    let dice = Dice::seeded(seed).of("forecast");
    let mut upstream = Upstream::new(devices(situation, habits, dice), Vec::new());
    upstream.profiles = situation.world.profiles.iter().flat_map(|read| read.value.listed.clone()).collect();
    upstream.take_over(situation.world.groups.iter().flat_map(|read| read.value.clone()));
    let mut world = situation.world.clone();
    world.fleet = Fleet::remembered(situation.sample.iter().map(|sampled| sampled.device.clone()));
    let state = situation.state.clone();
    let mut drive = Drive::taken_over(upstream, revision.clone(), (state, world), LOOKS, now);
    lift_holds(&mut drive, situation);
    let until = after(now, SignedDuration::from_hours(24 * situation.horizon_days()));
    let mut once = Once::default();
    let mut told_to = 0;
    while drive.step(until)? {
        for recorded in drive.daemon.log.iter().skip(told_to) {
            once.take_in(recorded);
        }
        told_to = drive.daemon.log.len();
        let known = drive.daemon.engine.state.plans.get(&situation.plan);
        let ended =
            known.is_none_or(|known| known.rollout.phase != Phase::Running || known.rollout.halted.is_some());
        // The first step lifts holds.
        if ended && drive.now > now {
            break;
        }
    }
    Ok(once)
}

fn lift_holds(drive: &mut Drive, situation: &Situation) {
    if situation.held().is_none() {
        return;
    }
    let actor = || Actor::Local { user: "forecast".to_owned() };
    let why = || "what if it went on now".to_owned();
    if situation.state.stop.is_some() {
        let start = Command::Start { plans: StartPlans::GoOn };
        drive.at(situation.now, Happening::Command(actor(), why(), start));
    }
    let known = situation.state.plans.get(&situation.plan);
    if known.is_some_and(|known| known.paused.is_some() || known.rollout.halted.is_some()) {
        let resume = Command::Resume(situation.plan.clone());
        drive.at(situation.now, Happening::Command(actor(), why(), resume));
    }
    drive.may_write();
}

impl Once {
    fn take_in(&mut self, recorded: &Recorded) {
        let event = &recorded.entry.event;
        match event {
            Event::RolloutCompleted {} => self.done_at = Some(recorded.at),
            Event::Halted { cause } => {
                let word = match cause {
                    Cause::Unhealthy { judgement, .. } => judgement.name(),
                    cause => cause.as_str().to_owned(),
                };
                self.halted = Some(format!("{word} ({})", cause.ring()));
            }
            _ => {}
        }
        let Some(ring) = event.ring() else { return };
        let times = self.rings.entry(ring.clone()).or_default();
        match event {
            Event::RingReached { .. } => times.reached = Some(recorded.at),
            Event::WriteConfirmed { .. } | Event::RingAssigned { .. } | Event::WriteSettled { .. } => {
                times.entered = Some(recorded.at);
            }
            Event::AdoptionReached { .. } => times.adopted = Some(recorded.at),
            Event::RingVerified { .. } => times.verified = Some(recorded.at),
            Event::RingRecognised { .. } => {
                times.entered = Some(recorded.at);
                times.verified = Some(recorded.at);
            }
            _ => {}
        }
    }
}

fn devices(situation: &Situation, habits: &LearnedHabits, dice: Dice) -> Devices {
    let mut pool = situation.learned.clone();
    pool.extend(BELIEVED);
    // Those who never come last.
    pool.sort_unstable_by_key(|days| days.unwrap_or(usize::MAX));
    let mut groups: BTreeMap<(usize, Option<Environment>), Vec<usize>> = BTreeMap::new();
    for (index, sampled) in situation.sample.iter().enumerate() {
        groups.entry((sampled.ring, sampled.device.latest.environment())).or_default().push(index);
    }
    // Each ring gets its even share of the pool: of a large ring, few devices stand for many, and
    // drawing each by itself would make the ring more uncertain than it is.
    let mut fates = vec![None; situation.sample.len()];
    for ((ring, _), mut members) in groups {
        let die = dice.of("fates").nth(ring as u64);
        members.sort_by_key(|index| die.nth(*index as u64).below(u64::MAX));
        let offset = usize::try_from(die.of("offset").below(1_000)).unwrap_or(0);
        let count = members.len().max(1);
        for (place, index) in members.into_iter().enumerate() {
            let at = (place * 1_000 + offset) * pool.len() / (count * 1_000);
            let fate = pool.get(at.min(pool.len().saturating_sub(1))).copied().flatten();
            if let Some(slot) = fates.get_mut(index) {
                *slot = fate;
            }
        }
    }
    let stories = situation.sample.iter().enumerate().zip(fates).map(|((index, sampled), fate)| {
        let die = dice.of("device").nth(index as u64);
        story(situation, habits, (index, sampled), fate, &pool, die)
    });
    Devices::new(stories.collect(), situation.default_policy.clone())
}

fn story(
    situation: &Situation,
    habits: &LearnedHabits,
    (index, sampled): (usize, &Sampled),
    fate: Option<usize>,
    pool: &[Option<usize>],
    die: Dice,
) -> DeviceScript {
    let latest = &sampled.device.latest;
    let kind = latest.device_type.clone().unwrap_or_default();
    let first = ClientVersion::new(0, 0, 0, 0);
    let mut story = DeviceScript::new(latest.id.clone(), &kind, first, sampled.policy.clone());
    story.client = latest.client.clone();
    story.presence = habits.presence(index, sampled, situation.now, die.of("presence"));
    story.heartbeat = SignedDuration::from_mins(5);
    let failures = match sampled.way {
        Way::Ahead | Way::There => fate,
        // Those who are late already are not those who come at once.
        Way::Due(days) => {
            let late: Vec<Option<usize>> =
                pool.iter().copied().filter(|fate| fate.is_none_or(|fate| fate >= days)).collect();
            let drawn = usize::try_from(die.of("late").below(late.len() as u64)).unwrap_or(0);
            late.get(drawn).copied().flatten().map(|fate| fate - days)
        }
    };
    story.reaction = match failures {
        None => Reaction::Stays,
        Some(failures) => Reaction::Retries {
            notified_after: SignedDuration::from_mins(die.of("told").between(0, 14)),
            installs_in: SignedDuration::from_mins(die.of("installs").between(2, 12)),
            failures,
        },
    };
    story
}
