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
        let timeline = told["timeline"].as_array().unwrap();
        assert!(timeline.iter().all(|line| !line["text"].as_str().unwrap().is_empty()), "{faults:?}");
    }
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
    let rows: [(&str, &Path, &[&str], &str); 7] = [
        ("a bad plan", bad.path(), &["simulate", "client.yaml"], "1 error"),
        ("no plan", directory.path(), &["simulate", "none.yaml"], "none.yaml"),
        (
            "a fault of no name",
            directory.path(),
            &["simulate", "client.yaml", "--fault", "fire"],
            "slow-fleet",
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
