//! `simulate` and `forecast` on plan files: what they answer, and with which exit code.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const PLAN: &str = "\
plan: client
versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}
defaults:
  timezone: Europe/Lisbon
  schedule: {open: [{cron: '0 9 * * Mon-Thu', for: 7h}]}
  adoption: {at_least: 80%, within: 7d, seen_at_least: 60%}
  soak: 72h
rings:
  - {name: First, profiles: [Engineering]}
  - {name: Everyone, profiles: [default]}
";

fn ringward(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringward"));
    command.args(arguments).current_dir(directory).env_remove("RINGWARD_DB").output().unwrap()
}

fn with_plan(text: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("client.yaml"), text).unwrap();
    directory
}

fn simulated(faults: &[&str]) -> Value {
    let directory = with_plan(PLAN);
    let mut arguments = vec!["simulate", "client.yaml", "--from", "2026-10-12", "--devices", "120", "--json"];
    arguments.extend(faults.iter().flat_map(|fault| ["--fault", fault]));
    let output = ringward(directory.path(), &arguments);
    assert!(output.status.success(), "{faults:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn each_fault_ends_as_it_must() {
    let holiday = "local-holiday=First:2026-10-13";
    // Fault, phase, what halts it (null: nothing).
    let rows: [(&[&str], &str, Option<&str>); 6] = [
        (&[], "completed", None),
        (&[holiday], "completed", None),
        (&["slow-fleet", holiday], "completed", None),
        (&["installer-blocked=macos"], "running", Some("adoption_missed")),
        (&["drift=First"], "running", Some("drift")),
        (&["outage=2026-10-14:30"], "running", Some("unknown_too_long")),
    ];
    for (faults, phase, halt) in rows {
        let told = simulated(faults);
        let seen: Vec<&str> =
            told["halts"].as_array().unwrap().iter().map(|halt| halt["cause"].as_str().unwrap()).collect();
        let ended = faults.contains(&"slow-fleet") || told["phase"] == phase;
        assert!(ended, "{faults:?}: {} {}", told["phase"], told["halts"]);
        if !faults.contains(&"slow-fleet") {
            assert_eq!(seen, halt.into_iter().collect::<Vec<_>>(), "{faults:?}");
        }
        let held = told["held"].as_str();
        assert_eq!(held.is_some(), !seen.is_empty(), "{faults:?}: {held:?}");
        let timeline = told["timeline"].as_array().unwrap();
        assert!(timeline.iter().all(|line| !line["text"].as_str().unwrap().is_empty()), "{faults:?}");
    }
}

/// Its words, wherever its lines were broken.
fn in_one_line(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A fault that nobody would have noticed, and one that never came, are told so.
#[test]
fn what_came_of_a_fault_is_told() {
    let rows = [
        ("no-reconnect-after-wake=0%", "never came: the simulation ran from"),
        ("no-reconnect-after-wake=20%", "befell "),
        ("local-holiday=First:2026-10-13", "befell "),
        ("other-updater=Everyone", "befell "),
        ("slow-fleet", "befell 120 devices"),
        ("drift=First", "came at "),
        ("outage=2026-10-14:1", "came at "),
        // The rollout is over long before.
        ("outage=2027-01-20", "never came: the simulation ran from"),
    ];
    for (fault, said) in rows {
        let told = simulated(&[fault]);
        let befell = &told["befell"][0];
        let text = befell["text"].as_str().unwrap();
        assert!(text.starts_with(said), "{fault}: {befell}");
        assert_eq!(befell["came_at"].is_null(), said.starts_with("never"), "{fault}: {befell}");
        let unnoticed = text.ends_with("; nothing halted because of it");
        let halted = !told["halts"].as_array().unwrap().is_empty();
        assert_eq!(unnoticed, !halted && !befell["came_at"].is_null(), "{fault}: {text} {}", told["halts"]);
    }
    let directory = with_plan(PLAN);
    let arguments =
        ["simulate", "client.yaml", "--from", "2026-10-12", "--devices", "120", "--fault", "slow-fleet"];
    let output = ringward(directory.path(), &arguments);
    let text = in_one_line(&output);
    assert!(text.contains("fault slow-fleet: befell 120 devices"), "{text}");
}

/// A gate that does not judge for want of devices says so, with its verdict's word.
#[test]
fn a_verdict_that_is_no_pass_has_its_word() {
    let directory = with_plan(PLAN);
    let output =
        ringward(directory.path(), &["simulate", "client.yaml", "--from", "2026-10-12", "--devices", "120"]);
    let text = in_one_line(&output);
    assert!(text.contains("/macos: exempt (too_few_devices), "), "{text}");
    assert!(text.contains("soak: ") && !text.contains("soak: pass"), "{text}");
}

/// Too few for the plan's profiles is no other number, and numbers are told in the singular, too.
#[test]
fn a_small_fleet_is_as_small_as_it_was_asked_for() {
    let directory = with_plan(PLAN);
    let arguments = ["simulate", "client.yaml", "--from", "2026-10-12", "--devices", "2"];
    let output = ringward(directory.path(), &arguments);
    let text = in_one_line(&output);
    assert!(text.contains("with 2 devices and seed 1") && !text.contains("(1 devices)"), "{text}");
}

#[test]
fn the_same_seed_gives_the_same_answer_and_another_one_another() {
    let directory = with_plan(PLAN);
    let run = |seed: &str| {
        let arguments =
            ["simulate", "client.yaml", "--from", "2026-10-12", "--devices", "120", "--seed", seed];
        let output = ringward(directory.path(), &arguments);
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let (one, again, other) = (run("7"), run("7"), run("8"));
    assert_eq!(one, again);
    assert_ne!(one, other);
    assert!(one.starts_with("client is completed after"), "{one}");
}

#[test]
fn what_cannot_be_simulated_is_exit_2_and_says_what_could() {
    let directory = with_plan(PLAN);
    let bad = with_plan(&PLAN.replace("soak: 72h", "soak: never"));
    let rows: [(&str, &Path, &[&str], &str); 13] = [
        ("a bad plan", bad.path(), &["simulate", "client.yaml"], "1 error"),
        ("no plan", directory.path(), &["simulate", "none.yaml"], "none.yaml"),
        (
            "a fault of no name",
            directory.path(),
            &["simulate", "client.yaml", "--fault", "fire"],
            "unknown fault; known are no-reconnect-after-wake[=5%], ",
        ),
        (
            "a day before",
            directory.path(),
            &[
                "simulate",
                "client.yaml",
                "--from",
                "2026-10-12",
                "--fault",
                "local-holiday=Everyone:2020-01-01",
            ],
            "would never come: from 2026-10-12T00:00:00Z to 2027-02-09T00:00:00Z is simulated",
        ),
        (
            "a day after",
            directory.path(),
            &[
                "simulate",
                "client.yaml",
                "--from",
                "2026-10-12",
                "--days",
                "9",
                "--fault",
                "outage=2026-10-21",
            ],
            "would never come",
        ),
        (
            "fewer devices than profiles",
            directory.path(),
            &["simulate", "client.yaml", "--devices", "1"],
            "the plan has 2 profiles",
        ),
        ("days below none", directory.path(), &["simulate", "client.yaml", "--days", "-1"], "1..=366"),
        ("a seed below none", directory.path(), &["simulate", "client.yaml", "--seed", "-1"], "'-1'"),
        (
            "too many devices",
            directory.path(),
            &["simulate", "client.yaml", "--devices", "20001"],
            "1..=20000",
        ),
        (
            "a ring of no name",
            directory.path(),
            &["simulate", "client.yaml", "--fault", "drift=Second"],
            "its rings are First, Everyone",
        ),
        ("no day", directory.path(), &["simulate", "client.yaml", "--from", "soon"], "2026-10-12"),
        ("no device", directory.path(), &["simulate", "client.yaml", "--devices", "0"], "1..="),
        ("a bad plan to look ahead", bad.path(), &["forecast", "client.yaml"], "1 error"),
    ];
    for (row, directory, arguments, said) in rows {
        let output = ringward(directory, arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{row}: {told}");
        assert!(told.contains(said), "{row}: {told}");
    }
}

#[test]
fn a_plan_file_has_a_forecast_without_a_daemon() {
    let directory = with_plan(PLAN);
    let output = ringward(directory.path(), &["forecast", "client.yaml", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["done"]["state"], "expected");
    let instant = |value: &Value| value.as_str().unwrap().to_owned();
    let done = &told["done"];
    let dates = ["earliest", "from", "middle", "until"].map(|key| instant(&done[key]));
    assert!(dates.is_sorted(), "{dates:?}");
    for ring in told["rings"].as_array().unwrap() {
        assert!(instant(&ring["entered"]["until"]) <= instant(&ring["verified"]["until"]), "{ring}");
    }
    assert_eq!(told["held"], Value::Null);
}
