//! 10,000 devices with scripted stories: the classes of three rings, at chosen instants, are those
//! that the stories tell.
//!
//! **Invariant:** every device is counted once, and counts are compared exactly.

use std::collections::BTreeMap;

use ringward::fleet::{Class, Counts};
use ringward::rollout::judge::subject;
use ringward::rollout::record::Event;

use ringward::rollout::state::Phase;
use ringward::time::{SignedDuration, Timestamp, after, since};
use ringward::version::Environment;

use super::people::OLD;
use super::runs::{drive, halts, plan, policy};
use super::support::drive::Drive;
use super::support::drive::devices::DeviceScript;
use super::tales::{GONE_BEFORE, LOOKS, Place, TALES, Tale, classes};
use crate::support::dice::Dice;

const DEVICES: usize = 10_000;
const NOWHERE: &str = "Visitors";
/// Ring by ring; the last profile is the default one.
const PROFILES: [&[&str]; 3] = [&["Engineering"], &["IT", "Support"], &["Everyone else"]];

/// Thresholds that let a fleet pass in which a third goes wrong: counts are looked at, not gates. The
/// last ring soaks beyond the last look: of a rollout that is finished nothing more is read.
const PLAN: &str = "plan: client
defaults:
  schedule: {open: [{cron: '0 9 * * Mon', for: 7h}]}
  adoption: {at_least: 50%, within: 7d, seen_at_least: 10%}
  health: {stalled: {at_most: 90%}, dark: {at_most: 90%}}
rings:
  - {name: First, profiles: [Engineering], versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}}
  - {name: Second, profiles: [IT, Support], versions: {windows: 2026.8.2100.0}}
  - {name: Third, profiles: [default], versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}, soak: 7d}
";

/// Monday mornings: the rings are entered a week apart.
fn entered(ring: usize) -> Timestamp {
    let monday: Timestamp = "2026-10-12T09:00:00Z".parse().unwrap();
    after(monday, SignedDuration::from_hours(7 * 24 * ring as i64))
}

/// What ring, environment and class a device must be counted in, at each look; the environment
/// `None` is every system without assignments.
type Truth = BTreeMap<(usize, usize), BTreeMap<Option<Environment>, Counts>>;

#[derive(Default)]
struct Population {
    stories: Vec<DeviceScript>,
    truth: Truth,
    lived: BTreeMap<&'static str, usize>,
}

impl Population {
    fn count(&mut self, ring: usize, letters: &str, environment: Option<Environment>, targeted: bool) {
        for (look, class) in classes(letters).into_iter().enumerate() {
            let Some(class) = class else { continue };
            // What has left has left, and what has no target needs no version.
            let class = if targeted || class == Class::Left { class } else { Class::Untargeted };
            self.truth.entry((ring, look)).or_default().entry(environment).or_default().add(class);
        }
    }

    fn device(&mut self, number: usize, dice: &mut Dice) {
        let ring = dice.pick(&[0, 1, 1, 2, 2, 2, 2, 2, 2, 2]);
        let profile = policy(dice.pick(PROFILES[ring]));
        let system = dice.pick(&[
            "windows", "windows", "windows", "windows", "windows", "windows", "mac", "mac", "mac", "linux",
        ]);
        let nowhere = policy(NOWHERE);
        let next = PROFILES.get(ring + 1).map(|profiles| policy(dice.pick(profiles)));
        let place = Place { entered: entered(ring), nowhere: &nowhere, next: next.as_ref() };
        let tale = choose(dice);
        let id = format!("d{number:05}").parse().unwrap_or_else(|error| panic!("{error}"));
        let mut story = DeviceScript::new(id, system, OLD, profile);
        // Not all at the same minute.
        story.heartbeat = SignedDuration::from_mins(6 + dice.below(5) as i64);
        (tale.tell)(&mut story, &place);
        *self.lived.entry(tale.name).or_default() += 1;
        let environment = story.environment();
        let targeted = |ring: usize| match environment {
            Some(Environment::Windows) => true,
            Some(Environment::Macos) => ring != 1,
            None => false,
        };
        let letters = without_target(tale, targeted(ring));
        self.count(ring, &letters, environment, targeted(ring));
        if place.next.is_some() && tale.in_next.contains(|letter| letter != '-') {
            // It runs the target only where its first ring had one for it.
            let letters = if targeted(ring) { tale.in_next } else { "UAAAAA" };
            self.count(ring + 1, letters, environment, targeted(ring + 1));
        }
        self.stories.push(story);
    }
}

/// A device that moved away is remembered as having left only by the assignment that it had: one
/// without a target has none. One that is missing from the account has left all the same.
fn without_target(tale: &Tale, targeted: bool) -> String {
    let moved = tale.name.contains("leaves");
    if targeted || !moved { tale.classes.to_owned() } else { tale.classes.replace('L', "-") }
}

fn choose(dice: &mut Dice) -> &'static Tale {
    // Fifteen of a thousand are gone before.
    if dice.below(1_000) < 15 {
        return &GONE_BEFORE;
    }
    let mut thrown = dice.below(1_000);
    for tale in TALES {
        if thrown < tale.weight {
            return tale;
        }
        thrown -= tale.weight;
    }
    unreachable!("the weights add up to a thousand")
}

/// What ringward counts, by environment.
fn counted(drive: &Drive, ring: usize) -> BTreeMap<Option<Environment>, Counts> {
    let rollout = &drive.daemon.engine.state.plans.values().next().unwrap().rollout;
    let (state, plan) = rollout.rings_with_plans().nth(ring).unwrap();
    let scope = subject::known_scope(state, plan, &drive.daemon.engine.world).unwrap();
    let census = drive.daemon.engine.world.fleet.census(&scope, drive.now);
    let mut counted: BTreeMap<_, _> =
        census.environments.iter().map(|(environment, of)| (Some(*environment), of.counts)).collect();
    counted.insert(None, census.other);
    counted
}

#[test]
fn the_weights_add_up() {
    assert_eq!(TALES.iter().map(|tale| tale.weight).sum::<usize>(), 1_000);
}

#[test]
fn all_counts_are_those_that_the_stories_tell() {
    let mut population = Population::default();
    let mut dice = Dice::new(20_261_012);
    for number in 0..DEVICES {
        population.device(number, &mut dice);
    }
    for tale in TALES {
        assert!(population.lived.contains_key(tale.name), "nobody {}", tale.name);
    }
    // Early enough to see the devices that are removed two days before the first assignment.
    let begin = after(entered(0), -SignedDuration::from_hours(57));
    let profiles: Vec<&str> = [NOWHERE].into_iter().chain(PROFILES.concat()).collect();
    let mut drive = drive(&profiles, population.stories, plan(PLAN), begin);
    let mut instants: Vec<(Timestamp, usize, usize)> = (0..PROFILES.len())
        .flat_map(|ring| {
            (0..LOOKS.len())
                .map(move |look| (after(entered(ring), SignedDuration::from_hours(LOOKS[look])), ring, look))
        })
        .collect();
    instants.sort();
    let mut compared = 0;
    for (at, ring, look) in instants {
        drive.run_until(at);
        let mut told = population.truth.get(&(ring, look)).cloned().unwrap_or_default();
        told.entry(None).or_default();
        let counted = counted(&drive, ring);
        assert_eq!(counted, told, "ring {ring}, {}h after its assignment\n{}", LOOKS[look], drive.tail());
        compared += counted.values().map(Counts::total).sum::<usize>();
    }
    drive.run_until(after(entered(PROFILES.len() - 1), SignedDuration::from_hours(8 * 24)));
    assert_eq!(halts(&drive.daemon.log), [], "{}", drive.tail());
    entered_as_told(&drive);
    println!("trials: classes of {DEVICES} devices, {compared} comparisons, all exact");
}

fn entered_as_told(drive: &Drive) {
    let assigned = drive.daemon.log.iter().filter_map(|recorded| match &recorded.entry.event {
        Event::WriteConfirmed { group, .. } => Some(group.updated_at),
        _ => None,
    });
    let assigned: Vec<Timestamp> = assigned.collect();
    assert_eq!(assigned.len(), PROFILES.len(), "{}", drive.tail());
    for (ring, at) in assigned.iter().enumerate() {
        assert!(since(entered(ring), *at) < SignedDuration::from_mins(1), "ring {ring} at {at}");
    }
    let rollout = &drive.daemon.engine.state.plans.values().next().unwrap().rollout;
    assert_eq!(rollout.phase, Phase::Completed, "{}", drive.tail());
}
