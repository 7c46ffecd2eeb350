//! Scenarios: what ringward does, told as scripts with their transcripts.
//!
//! Each file of `tests/scenarios/` holds prose, plans, a fleet, a script and the transcript of the
//! run, on a virtual clock and without sockets. `UPDATE_GOLDEN=1 cargo test --test scenarios`
//! writes the transcripts anew.
//!
//! **Invariant:** a scenario ends alike when the daemon dies after any record of its log; of those of
//! months, after every sixteenth. One whose point is a moment within a write has no such moment after a
//! crash, and is run once.

pub mod support;

#[path = "scenarios/file.rs"]
mod file;
#[path = "scenarios/fleet.rs"]
mod fleet;
#[path = "scenarios/script.rs"]
mod script;
#[path = "scenarios/transcript.rs"]
mod transcript;

use std::collections::BTreeMap;
use std::path::PathBuf;

use file::{File, TRANSCRIPT};
use ringward::rollout::decide::blocker::Blocker;
use ringward::rollout::laws;
use ringward::rollout::record::Event;
use ringward::simulation::Reports;
use ringward::time::{SignedDuration, Timestamp, after, since};
use ringward::version::Environment;
use script::{Scenario, scenario};
use support::drive::{Drive, writes_for_the_laws};

/// Nothing more happens for so long after a scenario: it has come to rest.
const REST: SignedDuration = SignedDuration::from_hours(24);

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// How often a scenario is run again with a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crashes {
    /// After every record of its log.
    Everywhere,
    /// After every so many: months with a crash after each record would take minutes.
    Every(usize),
    /// Never: what it is about lies between two records, where a crash comes first.
    Nowhere,
}

fn run(name: &str, crashes: Crashes) -> Drive {
    let path = directory().join(format!("{name}.txt"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = File::parse(&text);
    let Scenario { drive: begin, until } = scenario(&file);
    let (whole, steps) = run_whole(begin.clone(), until);
    let told = transcript::transcript(&whole);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let written = format!("{}{TRANSCRIPT}{told}", file.script_part);
        std::fs::write(&path, written).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    } else {
        compare(name, &file.transcript, &told);
    }
    check_laws(name, &whole);
    crash_at_records(name, begin, until, (&steps, crashes), &transcript::end(&whole));
    check_rest(name, whole.clone());
    whole
}

/// Runs to the end; says at which step each record was appended.
fn run_whole(mut drive: Drive, until: Timestamp) -> (Drive, Vec<usize>) {
    let mut steps = vec![0; drive.daemon.log.len()];
    for step in 0.. {
        if !drive.step(until) {
            break;
        }
        steps.resize(drive.daemon.log.len(), step);
    }
    drive.run_until(until);
    (drive, steps)
}

fn compare(name: &str, golden: &str, told: &str) {
    if golden == told {
        return;
    }
    let same = golden.lines().zip(told.lines()).take_while(|(golden, told)| golden == told).count();
    let around = |text: &str| {
        let lines = text.lines().skip(same.saturating_sub(3)).take(8);
        lines.map(|line| format!("  {line}\n")).collect::<String>()
    };
    panic!(
        "{name}: the run differs from its transcript at line {}\nwritten:\n{}run:\n{}\
         If the run is right: UPDATE_GOLDEN=1 cargo test --test scenarios {name}",
        same + 1,
        around(golden),
        around(told)
    );
}

fn check_laws(name: &str, drive: &Drive) {
    let violations = laws::check(&drive.daemon.log, &writes_for_the_laws(&drive.upstream));
    let texts: Vec<_> = violations.iter().map(ToString::to_string).collect();
    assert!(texts.is_empty(), "{name}:\n{}\n{}", texts.join("\n"), transcript::transcript(drive));
}

/// A run for each record of the log, or for some, in which the daemon dies right after it. Each begins
/// where the whole run was just before, so that only the rest is run again.
fn crash_at_records(
    name: &str,
    mut drive: Drive,
    until: Timestamp,
    (steps, crashes): (&[usize], Crashes),
    expected: &str,
) {
    let every = match crashes {
        Crashes::Everywhere => 1,
        Crashes::Every(records) => records,
        Crashes::Nowhere => return,
    };
    let mut step = 0;
    for (index, appended_in) in steps.iter().enumerate().step_by(every) {
        while step < *appended_in {
            drive.step(until);
            step += 1;
        }
        let mut dying = drive.clone();
        dying.crash_after(index + 1);
        // How it ends is read from its log.
        dying.daemon.engine.reports = Reports::None;
        dying.run_until(until);
        let end = transcript::end(&dying);
        if end != expected {
            let told = transcript::transcript(&dying);
            panic!(
                "{name}: with a crash after record {} it ends otherwise\n{told}\nexpected:\n{expected}",
                index + 1
            );
        }
        check_laws(&format!("{name}, crash after record {}", index + 1), &dying);
    }
}

/// The scenario has come to rest: what runs says what it waits for, and a day changes nothing.
fn check_rest(name: &str, mut drive: Drive) {
    assert!(drive.daemon.engine.state.pending_write().is_none(), "{name}: a write has no outcome");
    for (plan, report) in &drive.daemon.reports {
        let moving = report.waiting_on.iter().any(|blocker| matches!(blocker, Blocker::Moving));
        assert!(!moving, "{name}: {plan} is about to move");
    }
    let records = drive.daemon.log.len();
    drive.run_until(after(drive.now, REST));
    assert_eq!(drive.daemon.log.len(), records, "{name} has not come to rest:\n{}", drive.tail());
}

/// The stories at the edges (docs/development/stories.md) that are to be told: all but those of the ways in.
fn stories() -> impl Iterator<Item = u8> {
    (1..=21).chain([25])
}

/// All scenarios, by their names.
fn scenario_texts() -> std::io::Result<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    for entry in std::fs::read_dir(directory())? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "txt") {
            texts.insert(path.display().to_string(), std::fs::read_to_string(&path)?);
        }
    }
    Ok(texts)
}

/// The stories that the comments on top of the scenarios name, each as `Story N`.
fn told_stories(texts: &BTreeMap<String, String>) -> BTreeMap<u8, Vec<&str>> {
    let mut told: BTreeMap<u8, Vec<&str>> = BTreeMap::new();
    for (path, text) in texts {
        let prose = text.lines().take_while(|line| line.is_empty() || line.starts_with('#'));
        for after in prose.flat_map(|line| line.split("Story ").skip(1)) {
            let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
            let number = digits.parse().unwrap_or_else(|_| panic!("{path}: which story?"));
            told.entry(number).or_default().push(path);
        }
    }
    told
}

#[test]
fn every_story_is_told() {
    let texts = scenario_texts().unwrap();
    let told = told_stories(&texts);
    for (number, by) in &told {
        assert!(stories().any(|story| story == *number), "there is no story {number}: {by:?}");
    }
    let missing: Vec<u8> = stories().filter(|number| !told.contains_key(number)).collect();
    assert!(missing.is_empty(), "no scenario's comment names the stories {missing:?} as `Story N`");
}

/// The versions that reached everybody, and on which day of the run: the last ring adopted them.
fn reached_everybody(drive: &Drive) -> Vec<(String, i64)> {
    let begin = drive.daemon.log[0].at;
    let mut targets = BTreeMap::new();
    let mut reached = Vec::new();
    for recorded in &drive.daemon.log {
        match &recorded.entry.event {
            Event::PlanAccepted { revision } => targets = revision.plan.rings[3].targets.clone(),
            Event::AdoptionReached { ring, .. } if ring.as_str() == "Everyone" => {
                let version = targets[&Environment::Windows].to_string();
                reached.push((version, since(begin, recorded.at).as_hours() / 24));
            }
            _ => {}
        }
    }
    reached
}

/// Four rings with soaks of seven days: a version that is left alone is adopted by the last ring three
/// soaks after its begin, and completed four soaks after it. An adoption takes less than an hour here,
/// so that a few hours come on top, which change no day.
///
/// `replace`: each version begins on the day of its release, and reaches everybody if nothing newer
/// comes within 21 days.
///
/// | version | begins | 21 days later | the next comes | reaches everybody |
/// | --- | --- | --- | --- | --- |
/// | 822 | 0 | 21 | 8 | no |
/// | 850 | 8 | 29 | 22 | no |
/// | 880 | 22 | 43 | 42 | no: its last ring would have been a day later |
/// | 905 | 42 | 63 | 51 | no |
/// | 1343 | 51 | 72 | 60 | no |
/// | 1376 | 60 | 81 | 100 | on day 81 |
#[test]
fn train_replace() {
    let drive = run("train_replace", Crashes::Every(16));
    assert_eq!(reached_everybody(&drive), [("2026.7.1376.0".to_owned(), 81)]);
}

/// `finish`: a version begins when the one before is completed, 28 days after it began, and is the
/// newest of that day.
///
/// | begins | the newest then | reaches everybody | completed |
/// | --- | --- | --- | --- |
/// | 0 | 822 (day 0) | 21 | 28 |
/// | 28 | 880 (day 22), in the place of 850 (day 8) | 49 | 56 |
/// | 56 | 1343 (day 51), in the place of 905 (day 42) | 77 | 84 |
/// | 84 | 1376 (day 60) | 105, after the end | |
#[test]
fn train_finish() {
    let drive = run("train_finish", Crashes::Every(16));
    let expected = [("2026.6.822.0", 21), ("2026.6.880.0", 49), ("2026.7.1343.0", 77)];
    assert_eq!(reached_everybody(&drive), expected.map(|(version, day)| (version.to_owned(), day)));
}

#[test]
fn rollback_before_sending() {
    run("rollback_before_sending", Crashes::Nowhere);
}

#[test]
fn rollback_in_doubt() {
    run("rollback_in_doubt", Crashes::Nowhere);
}

#[test]
fn reads_before_writes_halt() {
    run("reads_before_writes_halt", Crashes::Nowhere);
}

macro_rules! scenarios {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                run(stringify!($name), Crashes::Everywhere);
            }
        )*

        #[test]
        fn every_file_is_run() {
            let known = [$(stringify!($name)),*, "train_replace", "train_finish",
                "rollback_before_sending", "rollback_in_doubt", "reads_before_writes_halt"];
            let files = std::fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path());
            let scenarios = files.filter(|path| path.extension().is_some_and(|kind| kind == "txt"));
            for path in scenarios {
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                assert!(known.contains(&name.as_str()), "{name} is not in the list of tests/scenarios.rs");
            }
        }
    };
}

scenarios! {
    accepted_and_more
    adopted_group
    applied_late
    approval_author
    approval_edited
    approval_expired
    approval_floor
    approval_late
    approval_left
    approval_overtaken
    approval_refused
    approval_removed
    approval_two
    approval_unsure
    approval_way_back
    approval_who
    bad_reads
    blast_limit
    budget_spent
    clock_differs
    concurrent_edit
    confirmed_revision_comes_back
    count_unreadable
    cut_off_file
    cut_off_file_stays
    dark_ring
    dead_battery
    dead_majority
    dead_majority_resumed
    dead_ring
    deadline_missed
    devices_per_day
    drift
    drift_accepted
    drift_adopted
    drift_not_stalled
    drift_restored
    dropped_ring_drifts
    dropped_ring_let_go
    edit_while_down
    entered_ring_dropped
    exempt_environment
    file_gone
    finish_first
    finish_halted
    finish_mid_write
    fix_under_finish
    fleet_on_holiday
    forbid_in_broken_file
    forbid_in_two_plans
    forbid_while_soaking
    foreign_group
    forgotten_devices
    freeze_between_rings
    freeze_installs
    freeze_lifted
    freeze_mid_rollout
    freeze_with_a_slip
    freezes_add_up
    gate_edit
    gitops_every_minute
    group_created_anew
    group_deleted
    group_renamed
    halt_before_sending
    halt_in_doubt
    host_asleep
    hotfix_before_the_opening
    hotfix_meets_bad_build
    hotfix_then_rollback
    late_patch
    leaving_devices
    link_swapped
    local_holiday
    lost_adoption
    names_swapped
    newer_target
    not_exercised
    numbered_late
    opening_least
    opening_too_short
    other_updater
    past_freeze_deleted
    pause_and_stop
    paused_at_the_deadline
    places_swapped
    plan_carried_over
    plan_carried_over_late
    plan_carried_over_rolled_back
    plan_changed_in_doubt
    plan_keeps_its_name
    plan_renamed
    plan_renamed_and_back
    plan_renamed_refused
    plan_renamed_said_later
    profile_deleted
    profile_in_two_plans
    profile_moves
    profile_taken
    profile_to_another_plan
    reads_before_writes
    reads_before_writes_in_doubt
    recalled_and_replaced
    refused_write
    reset_after_applying
    restore_forbidden
    restore_of_fifty
    restore_waits
    restored_thrice
    resume_acknowledges
    revisions_by_a_person
    ring_grows
    ring_inserted
    ring_renamed
    ring_renamed_group_kept
    ring_renamed_with_a_new_target
    ring_was
    rollback_adopted
    rollback_bad_day
    rollback_edited
    rollback_four_rings
    rollback_from_ring
    rollback_group_deleted
    rollback_holds
    rollback_missing_devices
    rollback_refused
    rollback_up_down_up
    rollback_whatever_stands
    rollback_windows
    rows_lost_dark
    rows_lost_verified
    same_name_twice
    second_half_refused
    second_half_refused_twice
    second_half_rolled_back
    second_half_too_late
    silent_again
    slow_decay
    stale_list
    stalled_ring
    stop_file
    superseded_ring_dark
    superseded_ring_dropped
    superseded_rollback_ring
    target_for_half
    three_plans_at_once
    three_rings
    two_controllers
    two_controllers_and_an_approval
    two_plans
    typing_error_mended
    unknown_profile
    unreadable_again
    unreadable_devices
    version_comes_back
    waive_soak
    waived_soak_proves_nothing
    waiver_revised
    weekend
    weekend_installs
    withdrawn_deadline
    would_downgrade
    would_downgrade_after_rollback
}
