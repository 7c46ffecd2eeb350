//! `check --db`, as it is given before an upgrade: what the new program refuses of what runs.

use std::fs;
use std::path::Path;

use ringward::cli::check::check;
use ringward::cli::render::Format;
use ringward::cli::screen::Ink;
use ringward::rollout::record::{Entry, Event, Mode, RolloutId};
use serde_json::Value;

use crate::log::{database, records};
use crate::{at, golden, how, plan, seen};

const NOW: &str = "2026-10-13T08:00:00Z";

fn text(name: &str, profile: &str) -> String {
    format!(
        "plan: {name}\nversions: {{windows: 2026.8.2100.0}}\nrings:\n  - {{name: All, profiles: [{profile}]}}\n"
    )
}

/// A plan that the log has accepted, and its file.
fn running(name: &str, file: &str, text: &str) -> Vec<Entry> {
    let id = RolloutId { plan: plan(name), number: 1 };
    let revision = Box::new(ringward::plan::read(file, text.as_bytes()).unwrap());
    let accepted = Entry::engine(&id, "a plan's file appeared", Event::PlanAccepted { revision });
    let named = Event::PlanFileNamed { file: file.to_owned() };
    vec![accepted, Entry::engine(&id, format!("the plan is in {file}"), named)]
}

/// The log of a release that read `*.yaml` alone.
fn log(plans: &[(&str, &str, &str)]) -> Vec<Entry> {
    let event =
        Event::DaemonStarted { version: "0.0.9".to_owned(), mode: Mode::Write, settles_seconds: None };
    let id = RolloutId { plan: plan("any"), number: 1 };
    let started = Entry { rollout: None, ..Entry::engine(&id, "the daemon starts", event) };
    let plans = plans.iter().flat_map(|(name, file, text)| running(name, file, text));
    [started].into_iter().chain(plans).collect()
}

fn shown(dir: &Path, beside: Option<&Path>, format: Format) -> String {
    let mut out = Vec::new();
    let result = check(&[dir.join("plans")], beside, at(NOW), how(format), Ink::Plain, &mut out);
    match format {
        Format::Text => seen(&out, result, dir),
        Format::Json => String::from_utf8(out).unwrap(),
    }
}

#[test]
fn what_runs_and_is_refused_is_named_before_an_upgrade() {
    let never = include_str!("../plans/closed/leap-day.yaml").to_owned();
    let never_name = ringward::plan::read("never.yaml", never.as_bytes()).unwrap().plan.name.to_string();
    let (client, lost) = (text("client", "IT"), text("lost", "HR"));
    let plans = [
        (never_name.as_str(), "never.yaml", never.as_str()),
        ("client", "client.yaml", client.as_str()),
        ("lost", "lost.yaml", lost.as_str()),
    ];
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("plans")).unwrap();
    let files = [
        ("never.yaml", never.clone()),
        ("client.yaml", client.replace("rings:", "on_drift: shrug\nrings:")),
        ("later.yml", text("later", "Lab")),
        ("new.yaml", text("new", "Field")),
    ];
    for (name, text) in files {
        fs::write(dir.path().join("plans").join(name), text).unwrap();
    }
    let path = database(dir.path(), &records(&log(&plans)));
    golden("check_upgrade.txt", &shown(dir.path(), Some(&path), Format::Text));
    let alone = shown(dir.path(), None, Format::Text);
    assert!(
        alone.contains("has no opening within 400 days"),
        "by itself the file that is in force is judged by the calendar: {alone}"
    );
    assert!(!alone.contains("lost"), "without the log nobody knows of it: {alone}");
    let told: Value = serde_json::from_str(&shown(dir.path(), Some(&path), Format::Json)).unwrap();
    let held: Vec<&str> =
        told.as_array().unwrap().iter().filter_map(|file| file["holds_up"].as_str()).collect();
    assert_eq!(held, ["client#1", "lost#1"]);
}

#[test]
fn a_database_that_is_not_there_yet_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("plans")).unwrap();
    fs::write(dir.path().join("plans/client.yml"), text("client", "IT")).unwrap();
    let nowhere = dir.path().join("ringward.db");
    assert_eq!(shown(dir.path(), Some(&nowhere), Format::Text), shown(dir.path(), None, Format::Text));
}
