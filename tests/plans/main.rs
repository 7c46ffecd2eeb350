//! Plan files from outside: every bad file against the message its author gets, good files
//! against the plan they mean, hostile files against a clear refusal.
//!
//! `UPDATE_GOLDEN=1 cargo test --test plans` writes the messages anew; read the diff.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "../support/hostile.rs"]
pub mod made;

mod examples;
mod hostile;
mod judge;
mod mutated;
mod schema;
mod shape;
mod suggestions;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use ringward::cli::excerpt::excerpt;
use ringward::cli::screen::Ink;
use ringward::plan::model::{
    DeviceLimit, Health, HealthLimit, OnNewTarget, PlanDigest, ProfileRef, Revision,
};
use ringward::plan::{PlanError, Severity, examine, read};
use ringward::time::{SignedDuration, Timestamp};
use ringward::version::Environment;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn files(directory: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(here(directory))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn good(text: &str) -> Revision {
    read("plan.yaml", text.as_bytes()).unwrap_or_else(|errors| panic!("{}", rendered(&errors)))
}

fn rendered(errors: &[PlanError]) -> String {
    errors.iter().map(|error| format!("{error}\n")).collect()
}

/// As `ringward check` shows them on a terminal.
fn excerpts(errors: &[PlanError], file: &str, bytes: &[u8]) -> String {
    let bytes_of = |name: &str| (name == file).then_some(bytes);
    errors.iter().map(|error| excerpt(error, bytes_of, Ink::Plain)).collect::<Vec<_>>().join("\n")
}

/// Files that are expected to be told something, each with its text beside it.
fn told(directory: &str, of: impl Fn(&str, &[u8]) -> Vec<PlanError>) -> Vec<usize> {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut counts = Vec::new();
    let mut wrong = Vec::new();
    for (file, bytes) in files(directory) {
        let errors = of(&file, &bytes);
        counts.push(errors.len());
        let starts: Vec<usize> = errors.iter().map(|error| error.span.start).collect();
        assert!(starts.is_sorted(), "{file}: errors in file order");
        for error in &errors {
            let Some(shown) = bytes.get(error.span.clone()) else {
                panic!("{file}: a span outside the file")
            };
            let shown = String::from_utf8_lossy(shown);
            assert!(
                shown.starts_with(error.found.trim_end_matches('…')),
                "{file}: the span shows what was found"
            );
            assert!(!error.problem.is_empty() && !error.instead.is_empty(), "{file}");
        }
        let golden = here(directory).join(&file).with_extension("txt");
        let found = excerpts(&errors, &file, &bytes);
        if update {
            fs::write(&golden, &found).unwrap();
        } else if fs::read_to_string(&golden).unwrap_or_default() != found {
            wrong.push(format!("{file} now says:\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    counts
}

#[test]
fn every_bad_file_gets_its_message() {
    let counts = told("tests/plans/bad", |file, bytes| read(file, bytes).expect_err(file));
    let with_many = counts.iter().filter(|count| **count >= 4).count();
    assert!(counts.len() >= 60, "{} bad files", counts.len());
    assert!(with_many >= 5, "{with_many} bad files with four errors or more");
}

#[test]
fn every_file_to_wonder_at_is_good_and_gets_its_warning() {
    let now = "2026-11-29T12:00:00Z".parse().unwrap();
    let counts = told("tests/plans/warned", |file, bytes| {
        examine(file, bytes, Some(now)).unwrap_or_else(|errors| panic!("{}", rendered(&errors))).warnings
    });
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

/// A file is judged by the calendar when it changes, and never because time passes.
#[test]
fn a_ring_that_never_opens_is_an_error_of_a_file_that_changed() {
    let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
    let counts = told("tests/plans/closed", |file, bytes| {
        let good = examine(file, bytes, Some(now)).unwrap();
        assert_eq!(good.clone().changed().unwrap_err(), good.closed, "{file}");
        assert!(examine(file, bytes, None).unwrap().changed().is_ok(), "{file}: nobody asked the calendar");
        good.closed
    });
    assert!(counts.iter().all(|count| *count == 1), "one ring each: {counts:?}");
    let leap = fs::read(here("tests/plans/closed/leap-day.yaml")).unwrap();
    let a_year_later = examine("p.yaml", &leap, Some("2027-12-01T12:00:00Z".parse().unwrap())).unwrap();
    assert!(a_year_later.changed().is_ok(), "29 February 2028 is near");
    // A freeze is a brake: in the way of every opening, it takes effect.
    for frozen in ["frozen-for-good", "frozen-christmases", "frozen-second-ring", "frozen-sliver"] {
        let bytes = fs::read(here("tests/plans/warned").join(frozen).with_extension("yaml")).unwrap();
        let good = examine("p.yaml", &bytes, Some(now)).unwrap();
        assert!(good.warnings.iter().any(|told| told.problem.contains("no opening until")), "{frozen}");
        assert!(good.changed().is_ok(), "{frozen}");
    }
}

/// Case of `freezes-add-up`: a local holiday must not lift the company's year-end freeze.
#[test]
fn freezes_of_a_ring_are_added_to_those_of_defaults() {
    let text = fs::read_to_string(here("tests/plans/good/freezes-add-up.yaml")).unwrap();
    let of = |text: &str| -> Vec<String> {
        let plan = good(text).plan;
        let freezes = plan.rings[1].schedule.freezes().iter();
        freezes.map(|freeze| format!("{} {}", freeze.from(), freeze.until())).collect()
    };
    let (company, local) = ("2026-12-14 2027-01-03", "2026-12-08 2026-12-08");
    assert_eq!(of(&text), [company, local]);
    let own = "freeze: [{from: 2026-12-08, until: 2026-12-08, reason: Local holiday}]";
    assert_eq!(of(&text.replace(own, "freeze: []")), [""; 0], "an empty list lifts them");
    let repeated = "freeze: [{from: 2026-12-14, until: 2027-01-03, reason: Year-end change freeze for the whole company}]";
    assert_eq!(of(&text.replace(own, repeated)), [company], "one that is repeated counts once");
    let everyone = good(&text).plan.rings[1].schedule.clone();
    let entry = everyone.next_entry("2026-12-12T00:00:00Z".parse().unwrap(), SignedDuration::from_mins(15));
    assert_eq!(entry.unwrap().to_string(), "2027-01-04T09:00:00Z");
    let many = |count: usize| -> String {
        let day = |index: usize| format!("{{from: {0}-01-01, until: {0}-01-01, reason: x}}", 2030 + index);
        (0..count).map(day).collect::<Vec<_>>().join(", ")
    };
    let sum = format!(
        "plan: p\nversions: {{windows: 2026.8.2100.0}}\ndefaults: {{schedule: {{freeze: [{}]}}}}\nrings: [{{name: A, profiles: [a], schedule: {{freeze: [{{from: 2029-01-01, until: 2029-01-01, reason: x}}]}}}}]\n",
        many(366)
    );
    let errors = read("p.yaml", sum.as_bytes()).unwrap_err();
    assert_eq!(errors[0].problem, "367 freezes are too many", "{errors:?}");
}

#[test]
fn no_message_stands_without_its_file() {
    for directory in ["tests/plans/bad", "tests/plans/warned", "tests/plans/closed"] {
        let yaml: BTreeSet<_> = files(directory).into_iter().map(|(file, _)| file).collect();
        for entry in fs::read_dir(here(directory)).unwrap() {
            let path = entry.unwrap().path().with_extension("yaml");
            assert!(yaml.contains(path.file_name().unwrap().to_str().unwrap()), "{path:?} is gone");
        }
    }
}

/// A person's no to a version must not make the file unusable that says it.
#[test]
fn a_target_that_its_plan_forbids_is_told_beside_the_plan() {
    let text = "\
plan: p
versions: {windows: 2026.8.2100.0}
forbid: [{versions: '=2026.8.2100', reason: recalled}]
rings:
  - {name: A, profiles: [IT]}
  - {name: B, profiles: [default], versions: {windows: 2026.8.2171.0, macos: 2026.8.2100.0}}
";
    let file = examine("plan.yaml", text.as_bytes(), None).unwrap();
    let told: Vec<_> = file.forbidden.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "ring `A` asks for windows 2026.8.2100.0, which `forbid` names ('=2026.8.2100': recalled)",
            "ring `B` asks for macos 2026.8.2100.0, which `forbid` names ('=2026.8.2100': recalled)",
        ]
    );
    let warned = file.warnings.iter().filter(|told| told.severity == Severity::Warning);
    assert_eq!(warned.count(), 2, "once for each place");
    assert!(file.clone().to_begin().is_err(), "nothing is begun with it");
    let back = text.replace("rings:", "defaults: {rollback_to: {windows: 2026.8.2100.0}}\nrings:");
    assert!(examine("plan.yaml", back.as_bytes(), None).is_err(), "nobody is taken back to it");
    let other = text.replace("=2026.8.2100", "=2026.8.2000");
    assert!(examine("plan.yaml", other.as_bytes(), None).unwrap().to_begin().is_ok());
}

fn health(health: Health) -> String {
    let limit = |limit: HealthLimit| format!("{} after {}", limit.at_most, limit.after);
    format!("{}; {}; {} devices", limit(health.stalled), limit(health.dark), health.min_devices)
}

#[test]
fn a_full_plan_means_what_it_says() {
    let revision = good(&fs::read_to_string(here("tests/plans/good/everything.yaml")).unwrap());
    let plan = &revision.plan;
    assert_eq!(plan.name.as_str(), "everything");
    assert_eq!(plan.description.as_deref(), Some("Two lines,\nfor people."));
    assert_eq!(plan.account.as_ref().unwrap().as_str(), "023e105f4ecef8ad9ca31a8372d0c353");
    assert_eq!(plan.forbid.len(), 2);
    assert_eq!(plan.on_new_target, OnNewTarget::Finish);
    let limits: Vec<_> = plan.rings.iter().map(|ring| ring.max_devices.map(DeviceLimit::get)).collect();
    assert_eq!(limits, [Some(100), Some(25000), Some(25000)], "a ring's own, then that of `defaults`");
    let down: Vec<_> = plan.rings.iter().map(|ring| ring.allow_downgrade.to_string()).collect();
    assert_eq!(down, ["", "any version", "<=2026.8.2100"], "a ring's own, then that of `defaults`");
    assert!(plan.forbid[1].versions.matches(&semver::Version::new(2026, 6, 822)));
    assert!(!plan.forbid[1].versions.matches(&semver::Version::new(2026, 6, 850)));

    // Per ring: name, group, profiles, targets, zone, openings, freezes, adoption, soak, unknown_after,
    // health.
    let rows: Vec<Vec<String>> = plan
        .rings
        .iter()
        .map(|ring| {
            let targets: Vec<_> =
                ring.targets.iter().map(|(env, version)| format!("{env}={version}")).collect();
            let profiles: Vec<_> = ring.profiles.iter().map(ToString::to_string).collect();
            let crons: Vec<_> =
                ring.schedule.openings().iter().map(|o| format!("{} for {}", o.cron(), o.length())).collect();
            vec![
                format!("{} ({})", ring.name, ring.group),
                profiles.join(" "),
                targets.join(" "),
                format!(
                    "{}: {}, {} freezes",
                    ring.schedule.zone(),
                    crons.join(" "),
                    ring.schedule.freezes().len()
                ),
                format!(
                    "{} in {}, {} seen",
                    ring.adoption.at_least, ring.adoption.within, ring.adoption.seen_at_least
                ),
                format!("{} {}", ring.soak, ring.unknown_after),
                health(ring.health),
            ]
        })
        .collect();
    let expected = [
        [
            "Engineering Ring 0 (Engineering Ring 0)",
            "Engineering",
            "windows=2026.8.2100.0 macos=2026.8.2101.0",
            "Europe/Lisbon: 0 9 * * Mon-Thu for 7h, 1 freezes",
            "95.5% in 5d, 60% seen",
            "4d 2h",
            "4.5% after 1d 12h; 1% after 2d; 20 devices",
        ],
        [
            "Early adopters (Early adopters (ringward))",
            "IT Support f174e90a-fafe-4643-bbbc-4a0ed4fc8415",
            "windows=2026.8.2100.0 macos=2026.7.1376.0",
            "Asia/Tokyo: 0 22 * * Sat for 10h, 1 freezes",
            "95.5% in 5d, 70% seen",
            "4d 2h",
            "4.5% after 1d 12h; 1% after 2d; 20 devices",
        ],
        [
            "no (no)",
            "default",
            "windows=2026.8.2100.0 macos=2026.8.2101.0",
            "Europe/Lisbon: 0 9 * * Mon-Thu for 7h, 0 freezes",
            "95.5% in 5d, 60% seen",
            "7d 1h 30m",
            "4.5% after 1d 12h; 3% after 2d; 50 devices",
        ],
    ];
    for (ring, expected) in rows.iter().zip(expected) {
        assert_eq!(ring, &expected);
    }
    assert!(matches!(plan.rings[1].profiles[2], ProfileRef::Id(_)), "a UUID is a policy ID");
}

#[test]
fn the_smallest_plan_gets_the_values_built_in() {
    let plan = good(&fs::read_to_string(here("tests/plans/good/smallest.yaml")).unwrap()).plan;
    assert_eq!(plan.name.as_str(), "no", "a word, not a boolean");
    let ring = &plan.rings[0];
    assert_eq!(ring.targets.keys().copied().collect::<Vec<_>>(), [Environment::Windows]);
    assert_eq!(ring.schedule, ringward::schedule::Schedule::always());
    assert_eq!(ring.adoption.at_least.to_string(), "90%");
    assert_eq!(ring.adoption.within.to_string(), "7d");
    assert_eq!(ring.adoption.seen_at_least.to_string(), "60%");
    assert_eq!(ring.soak.to_string(), "3d");
    assert_eq!(ring.unknown_after.to_string(), "6h");
    assert_eq!(health(ring.health), "10% after 1d; 2% after 1d; 30 devices");
}

#[test]
fn a_revision_survives_the_log() {
    let revision = good(&fs::read_to_string(here("tests/plans/good/everything.yaml")).unwrap());
    let json = serde_json::to_string(&revision).unwrap();
    assert_eq!(serde_json::from_str::<Revision>(&json).unwrap(), revision);
    assert_eq!(PlanDigest::of_written(&revision.written), revision.digest);
    let written: serde_json::Value = serde_json::from_str(&revision.written).unwrap();
    assert_eq!(written["rings"][2]["name"], "no", "the written tree is JSON of texts");
    assert!(written.get("description").is_none());
}

const BASE: &str = "\
plan: p
description: One
versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}
rings:
  - name: A
    profiles: [IT, HR]
    soak: 72h
  - name: B
    profiles: [default]
";

#[test]
fn looks_do_not_change_the_digest_and_values_do() {
    let same = [
        ("a comment", BASE.replace("plan: p", "# why\nplan: p   # the plan")),
        ("the description", BASE.replace("description: One", "description: Two")),
        ("no description", BASE.replace("description: One\n", "")),
        ("quotes", BASE.replace("soak: 72h", "soak: \"72h\"").replace("IT,", "'IT',")),
        ("an escape", BASE.replace("name: A", "name: \"\\x41\"")),
        (
            "key order",
            BASE.replace("    profiles: [IT, HR]\n    soak: 72h", "    soak: 72h\n    profiles: [IT, HR]"),
        ),
        ("block style", BASE.replace("[IT, HR]", "\n      - IT\n      - HR")),
        ("indentation", BASE.replace("\n  - name", "\n- name").replace("\n    ", "\n  ")),
        ("line ends", BASE.replace('\n', "\r\n")),
        ("a byte order mark", format!("\u{feff}{BASE}")),
        ("a document mark", format!("---\n{BASE}")),
    ];
    let changed = [
        ("the plan's name", BASE.replace("plan: p", "plan: q")),
        ("a version", BASE.replace("macos: 2026.8.2100.0", "macos: 2026.8.2101.0")),
        ("a ring's name", BASE.replace("name: A", "name: C")),
        ("profile order", BASE.replace("[IT, HR]", "[HR, IT]")),
        ("another spelling of a length", BASE.replace("72h", "3d")),
        ("a default written out", format!("{BASE}    unknown_after: 6h\n")),
        ("one key more", BASE.replace("plan: p", "plan: p\non_new_target: replace")),
        (
            "ring order",
            BASE.replace("name: A", "name: X").replace("name: B", "name: A").replace("name: X", "name: B"),
        ),
    ];
    let base = good(BASE);
    for (row, text) in same {
        assert_ne!(text, BASE, "{row}: the row changes something");
        assert_eq!(good(&text).digest, base.digest, "{row}");
    }
    let mut digests = BTreeMap::from([(base.digest, "the base")]);
    for (row, text) in changed {
        let other = digests.insert(good(&text).digest, row);
        assert_eq!(other, None, "{row} has the digest of another");
    }
}

#[test]
fn harmless_oddities_are_accepted() {
    assert_eq!(good(&format!("\u{feff}{BASE}")).plan, good(BASE).plan, "a byte order mark");
    assert_eq!(good(&BASE.replace('\n', "\r\n")).plan, good(BASE).plan, "CRLF");
    let errors = read("p.yaml", format!("\u{feff}{}", BASE.replace("soak", "sook")).as_bytes()).unwrap_err();
    assert_eq!((errors[0].line, errors[0].column), (7, 5));
    assert_eq!(errors[0].span, 3 + BASE.find("soak").unwrap()..3 + BASE.find("soak").unwrap() + 4);
}
