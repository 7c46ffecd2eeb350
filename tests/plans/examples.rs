//! The worked plans of `rollouts/examples/`: they hold, alone and together, and their openings
//! come.

use ringward::plan::model::{Plan, ProfileRef};
use ringward::plan::set::read_all;
use ringward::schedule::Openness;
use ringward::time::{SignedDuration, Timestamp};
use ringward::version::Environment;

use crate::{files, good, here, rendered};

fn example(name: &str) -> Plan {
    let path = here("rollouts/examples").join(name);
    good(&std::fs::read_to_string(path).unwrap()).plan
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn the_examples_hold_together() {
    let examples = files("rollouts/examples");
    assert!(examples.len() >= 4, "{} worked plans", examples.len());
    let read = read_all(
        examples.iter().map(|(file, bytes)| (file.as_str(), bytes.as_slice())),
        &std::collections::BTreeMap::new(),
        None,
    );
    for file in read {
        let plan = file.outcome.unwrap_or_else(|errors| panic!("{}", rendered(&errors))).revision.plan;
        let stem = file.file.trim_end_matches(".yaml");
        assert!(plan.name.as_str() == stem || stem == "three-rings", "{stem} is named after its file");
        for ring in &plan.rings {
            let enter = ring.schedule.next_entry(at("2026-11-23T00:00:00Z"), SignedDuration::from_mins(15));
            assert!(enter.is_some(), "{}: {} can be entered", file.file, ring.name);
        }
    }
}

#[test]
fn the_demo_begins_before_its_first_opening() {
    let demo = example("three-rings.yaml");
    assert_eq!(demo.name.as_str(), "cloudflare-one-client");
    assert_eq!(demo.rings.len(), 3);
    assert_eq!(demo.rings[0].profiles, [ProfileRef::Named("Engineering".to_owned())]);
    assert_eq!(demo.rings[2].profiles, [ProfileRef::Default]);
    // The demo's clock starts here: a Monday, an hour before the first opening.
    let opening = demo.rings[0].schedule.openness(at("2026-10-12T07:00:00Z"));
    assert_eq!(opening, Openness::Closed { opens_at: Some(at("2026-10-12T08:00:00Z")) });
}

#[test]
fn the_smallest_leaves_macos_alone() {
    let plan = example("smallest.yaml");
    assert!(plan.rings.iter().all(|ring| ring.targets.keys().eq([&Environment::Windows])));
    assert!(plan.rings.iter().all(|ring| ring.soak.to_string() == "3d"));
}

#[test]
fn macos_stays_behind_where_it_is_said() {
    let plan = example("two-environments-staggered.yaml");
    let behind: Vec<&str> = plan
        .rings
        .iter()
        .filter(|ring| ring.targets[&Environment::Macos] < ring.targets[&Environment::Windows])
        .map(|ring| ring.name.as_str())
        .collect();
    assert_eq!(behind, ["Trading floor", "Offices"]);
    let zones: Vec<&str> = plan.rings.iter().map(|ring| ring.schedule.zone().name()).collect();
    assert_eq!(zones, ["Europe/Dublin", "Europe/Dublin", "America/New_York", "UTC"]);
}

#[test]
fn the_sun_is_followed() {
    let plan = example("follow-the-sun.yaml");
    let left = SignedDuration::from_mins(15);
    // From a Thursday: when each ring could be entered, were its turn then.
    let entries: Vec<String> = plan
        .rings
        .iter()
        .map(|ring| ring.schedule.next_entry(at("2026-12-03T12:00:00Z"), left).unwrap().to_string())
        .collect();
    let expected =
        ["2026-12-07T02:00:00Z", "2026-12-07T01:00:00Z", "2026-12-04T19:00:00Z", "2026-12-05T01:00:00Z"];
    assert_eq!(entries, expected);
    let frozen = at("2026-12-24T12:00:00Z");
    for ring in &plan.rings {
        let enter = ring.schedule.next_entry(frozen, left).unwrap();
        assert!(enter >= at("2027-01-03T15:00:00Z"), "{}: the company-wide freeze holds", ring.name);
    }
}
