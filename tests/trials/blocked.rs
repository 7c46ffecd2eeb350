//! "Antivirus blocks the installer": one environment of a ring stays at 0 %.
//!
//! **Invariant:** the other environment is as it would be without the fault: same counts, no write.

use ringward::fleet::{Counts, Reported};
use ringward::rollout::judge::subject;
use ringward::rollout::record::Cause;

use ringward::rollout::decide::blocker::Blocker;
use ringward::rollout::record::Gate;
use ringward::simulation::Reports;
use ringward::time::{SignedDuration, Timestamp, after, since};
use ringward::version::Environment;

use super::people::{Days, Habits, spans, story};
use super::runs::{Extent, check_laws, drive, each_seed, halts, plan, policy};
use super::support::drive::Drive;
use super::support::drive::devices::{DeviceScript, Reaction};

const PLAN: &str = "plan: client
versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}
defaults:
  timezone: Europe/Lisbon
  schedule: {open: [{cron: '0 9 * * Mon-Thu', for: 7h}]}
rings:
  - {name: Early adopters, profiles: [Early]}
  - {name: Everyone, profiles: [default]}
";

/// Devices of each environment in the ring, and in the one after it.
const RING: usize = 120;
const REST: usize = 200;

/// Monday the 12th of October 2026, 09:00 in Lisbon.
fn entered() -> Timestamp {
    "2026-10-12T08:00:00Z".parse().unwrap()
}

/// A ring in which the installer is blocked on one system, or on none; a week later.
fn after_a_week(blocked: Option<&str>, seed: u64) -> Drive {
    let days = Days { first: jiff::civil::date(2026, 9, 28), count: 40 };
    let habits = Habits { always_on: 50, weekends: 50, vacation: 20, ..Habits::office(50) };
    let mut stories = Vec::new();
    for (offset, system) in [(0, "windows"), (10_000, "mac")] {
        for number in 0..RING + REST {
            let profile = policy(if number < RING { "Early" } else { "Rest" });
            let open = spans(&habits, days, seed, offset + number);
            let mut story = story(&format!("{system}-{number}"), system, &profile, open);
            if number < RING && blocked == Some(system) {
                story.reaction = Reaction::Stays;
            }
            stories.push(story);
        }
    }
    let begin = after(entered(), -SignedDuration::from_hours(80));
    let mut drive = drive(&["Early", "Rest"], stories, plan(PLAN), begin);
    let end = after(entered(), SignedDuration::from_hours(7 * 24));
    drive.run_until(after(end, -SignedDuration::from_hours(2)));
    // What people are told is read at the end.
    drive.daemon.engine.reports = Reports::Made;
    drive.run_until(end);
    check_laws(&drive);
    drive
}

/// What the ring's devices of an environment really run, whatever ringward has seen of them.
fn running(drive: &Drive, environment: Environment) -> Vec<Reported> {
    let devices = &drive.upstream.devices;
    let of_ring = |story: &DeviceScript| {
        story.environment() == Some(environment) && *story.profile_at(drive.now) == policy("Early")
    };
    let indices = devices.stories().iter().enumerate().filter(|(_, story)| of_ring(story));
    indices.map(|(index, _)| devices.version_at(index, drive.now)).collect()
}

fn counts(drive: &Drive, environment: Environment) -> Counts {
    let rollout = &drive.daemon.engine.state.plans.values().next().unwrap().rollout;
    let (ring, plan) = rollout.rings_with_plans().next().unwrap();
    let scope = subject::known_scope(ring, plan, &drive.daemon.engine.world).unwrap();
    drive.daemon.engine.world.fleet.census(&scope, drive.now).environments[&environment].counts
}

#[test]
fn an_environment_that_stays_at_nothing_halts_with_its_cause() {
    let seeds = Extent::asked().seeds(3, 50);
    let rows = [
        ("windows", Environment::Windows, Environment::Macos),
        ("mac", Environment::Macos, Environment::Windows),
    ];
    for (system, environment, other) in rows {
        let latest = each_seed(seeds, |seed| {
            let drive = after_a_week(Some(system), seed);
            let found = halts(&drive.daemon.log);
            let [(at, cause)] = found.as_slice() else { panic!("seed {seed}: {found:#?}") };
            let Cause::Unhealthy { ring, judgement, devices } = cause else { panic!("seed {seed}: {cause}") };
            assert_eq!((ring.as_str(), judgement.gate), ("Early adopters", Gate::Stalled), "seed {seed}");
            assert_eq!(judgement.environment, Some(environment), "seed {seed}");
            assert!(devices.iter().all(|device| device.as_str().starts_with(system)), "seed {seed}: {cause}");
            told(&drive, system);
            let sound = after_a_week(None, seed);
            assert_eq!(counts(&drive, environment).arrived, 0, "seed {seed}");
            let untouched = running(&drive, other);
            assert_eq!(untouched.len(), RING, "seed {seed}");
            assert_eq!(untouched, running(&sound, other), "seed {seed}: {other} is as without the fault");
            // One write made the group for both; none followed.
            assert_eq!(drive.upstream.writes().count(), 1, "seed {seed}");
            let group = drive.upstream.groups().next().unwrap();
            assert_eq!(group.content.versions.len(), 2, "seed {seed}: both versions stay on offer");
            since(entered(), *at).as_hours()
        });
        let latest = latest.into_iter().max().unwrap();
        println!(
            "trials: {system} installer blocked: halted in {seeds} of {seeds}, at the latest after {latest}h"
        );
        // A device has a day to arrive; the others must be enough by then.
        assert!(latest < 48, "{latest}h");
    }
}

/// Whoever is called at night is told what it looks like.
fn told(drive: &Drive, system: &str) {
    let report = drive.daemon.reports.values().next().unwrap();
    let halted = report.waiting_on.iter().find(|blocker| matches!(blocker, Blocker::Halted(_)));
    let explanation = report.explain(halted.unwrap_or_else(|| panic!("{}", drive.tail())));
    let text = format!("{}. {}", explanation.headline, explanation.detail).to_lowercase();
    let name = if system == "mac" { "macos" } else { "windows" };
    for word in [name, "every", "endpoint protection"] {
        assert!(text.contains(word), "`{word}` is missing in: {text}");
    }
}
