//! The bad third of a ring vanishes: its adoption must not rise without an event that says so.
//!
//! **Invariant:** who leaves, and how, follows from the stories alone.

use ringward::rollout::record::{Event, Recorded};
use ringward::time::{SignedDuration, Timestamp, after};
use ringward::version::Environment;

use super::people::OLD;
use super::runs::{check_laws, drive, plan, policy};
use super::support::drive::Drive;
use super::support::drive::devices::{DeviceScript, Reaction};

/// Of each environment.
const DEVICES: usize = 500;
const BAD: usize = 150;

const PLAN: &str = "plan: client
versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}
defaults: {health: {stalled: {at_most: 90%}, dark: {at_most: 90%}}}
rings:
  - {name: First, profiles: [Engineering]}
  - {name: Second, profiles: [default]}
";

/// How the bad ones of one environment leave, two days after the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    /// Removed from the account.
    Removed,
    /// Moved to a profile of no ring.
    MovedOut,
    /// Moved to the profile of a later ring.
    MovedOn,
    /// A few each day, so that no sweep misses many.
    OneByOne,
    /// Never seen again, and removed: they were waited for, and count for the share that was seen.
    Unseen,
}

fn begin() -> Timestamp {
    "2026-10-12T09:00:00Z".parse().unwrap()
}

fn hours(hours: i64) -> Timestamp {
    after(begin(), SignedDuration::from_hours(hours))
}

fn stories(leaving: Leaving, environment: Environment) -> Vec<DeviceScript> {
    let device = |system: &str, number: usize| {
        let id = format!("{system}-{number:03}").parse().unwrap_or_else(|error| panic!("{error}"));
        let mut story = DeviceScript::new(id, system, OLD, policy("Engineering"));
        if number >= BAD || story.environment() != Some(environment) {
            return story;
        }
        story.reaction = Reaction::Stays;
        match leaving {
            Leaving::Removed => story.removed_at = Some(hours(48)),
            Leaving::MovedOut => story.moves.push((hours(48), policy("Visitors"))),
            Leaving::MovedOn => story.moves.push((hours(48), policy("Rest"))),
            Leaving::OneByOne => story.removed_at = Some(hours(10 + number as i64)),
            Leaving::Unseen => {
                story.presence = story.presence.until(hours(-2));
                story.removed_at = Some(hours(48));
            }
        }
        story
    };
    let mut stories: Vec<DeviceScript> = (0..DEVICES).map(|number| device("windows", number)).collect();
    stories.extend((0..DEVICES).map(|number| device("mac", number)));
    stories
}

fn place(log: &[Recorded], of: impl Fn(&Event) -> bool) -> Option<usize> {
    log.iter().position(|recorded| of(&recorded.entry.event))
}

/// The share that arrived, and how many the log says have left, at every event of the ring.
fn left_by_the_log(log: &[Recorded], environment: Environment) -> Vec<(usize, usize, usize)> {
    let told = |recorded: &Recorded| match &recorded.entry.event {
        Event::DevicesLeft { environment: of_which, left, before, of, .. } if *of_which == environment => {
            Some((*left, *before, *of))
        }
        _ => None,
    };
    log.iter().filter_map(told).collect()
}

fn run(leaving: Leaving, environment: Environment, seen_at_least: &str) -> Drive {
    let plan = plan(
        &PLAN.replace("defaults: {", &format!("defaults: {{adoption: {{seen_at_least: {seen_at_least}}}, ")),
    );
    let mut stories = stories(leaving, environment);
    stories.push(DeviceScript::new("rest-1".parse().unwrap(), "windows", OLD, policy("Rest")));
    let mut drive = drive(&["Visitors", "Engineering", "Rest"], stories, plan, begin());
    drive.run_until(hours(6 * 24));
    drive
}

#[test]
fn a_vanishing_third_is_told_before_it_counts() {
    let rows = [
        ("removed from the account", Leaving::Removed, "60%"),
        ("moved to a profile of no ring", Leaving::MovedOut, "60%"),
        ("moved to a later ring", Leaving::MovedOn, "60%"),
        ("one by one", Leaving::OneByOne, "60%"),
        ("waited for and never seen", Leaving::Unseen, "90%"),
    ];
    for (row, leaving, seen_at_least) in rows {
        for environment in Environment::ALL {
            let drive = run(leaving, environment, seen_at_least);
            let log = &drive.daemon.log;
            let adopted = place(log, |event| matches!(event, Event::AdoptionReached { .. }));
            let adopted = adopted.unwrap_or_else(|| panic!("{row}: {}", drive.tail()));
            assert!(log[adopted].at > hours(36), "{row}: not before they leave\n{}", drive.tail());
            let told = left_by_the_log(&log[..adopted], environment);
            let all = told.last().copied();
            if leaving == Leaving::OneByOne {
                // Adopted as soon as 350 are nine tenths of what is left.
                let left = all.map_or(0, |(left, ..)| left);
                assert!((105..BAD).contains(&left) && told.len() >= 4, "{row}: {told:?}");
            } else {
                assert_eq!(all, Some((BAD, 0, DEVICES)), "{row}: {told:?}");
            }
            let other = Environment::ALL.into_iter().find(|other| *other != environment).unwrap();
            assert_eq!(left_by_the_log(log, other), [], "{row}: nobody left there");
            check_laws(&drive);
        }
    }
    println!(
        "trials: {BAD} of {DEVICES} bad devices vanish in {} ways, each told before adoption",
        rows.len()
    );
}

/// The law checker is not asked by the engine: a log without the word is caught.
#[test]
fn a_log_without_the_word_breaks_a_law() {
    let mut drive = run(Leaving::Removed, Environment::Windows, "60%");
    let log = &mut drive.daemon.log;
    log.retain(|recorded| !matches!(recorded.entry.event, Event::DevicesLeft { .. }));
    for (seq, recorded) in (1..).zip(log.iter_mut()) {
        recorded.seq = seq;
    }
    let found = ringward::rollout::laws::check(log, &[]);
    assert!(found.iter().any(|violation| violation.text.contains("without an event")), "{found:#?}");
}
