//! Plan files from outside: every bad file against the message its author gets, good files
//! against the plan they mean, hostile files against a clear refusal.
//!
//! `UPDATE_GOLDEN=1 cargo test --test plans` writes the messages anew; read the diff.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use ringward::cli::excerpt::{Colour, excerpt};
use ringward::plan::model::{PlanDigest, ProfileRef, Revision};
use ringward::plan::{PlanError, read};
use ringward::schedule::Openness;
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
    errors.iter().map(|error| excerpt(error, bytes_of, Colour::None)).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_bad_file_gets_its_message() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut bad = 0;
    let mut with_many = 0;
    let mut wrong = Vec::new();
    for (file, bytes) in files("tests/plans/bad") {
        bad += 1;
        let errors = read(&file, &bytes).expect_err(&file);
        with_many += usize::from(errors.len() >= 4);
        let starts: Vec<usize> = errors.iter().map(|error| error.span.start).collect();
        assert!(starts.is_sorted(), "{file}: errors in file order");
        for error in &errors {
            let shown = String::from_utf8_lossy(bytes.get(error.span.clone()).expect("a span in the file"));
            assert!(
                shown.starts_with(error.found.trim_end_matches('…')),
                "{file}: the span shows what was found"
            );
            assert!(!error.problem.is_empty() && !error.instead.is_empty(), "{file}");
        }
        let golden = here("tests/plans/bad").join(&file).with_extension("txt");
        let found = excerpts(&errors, &file, &bytes);
        if update {
            fs::write(&golden, &found).unwrap();
        } else if fs::read_to_string(&golden).unwrap_or_default() != found {
            wrong.push(format!("{file} now says:\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(bad >= 30, "{bad} bad files");
    assert!(with_many >= 3, "{with_many} bad files with four errors or more");
}

#[test]
fn no_message_stands_without_its_file() {
    let yaml: BTreeSet<_> = files("tests/plans/bad").into_iter().map(|(file, _)| file).collect();
    for entry in fs::read_dir(here("tests/plans/bad")).unwrap() {
        let path = entry.unwrap().path().with_extension("yaml");
        assert!(yaml.contains(path.file_name().unwrap().to_str().unwrap()), "{path:?} is gone");
    }
}

#[test]
fn the_examples_hold() {
    let examples = files("rollouts/examples");
    assert!(!examples.is_empty());
    for (file, bytes) in examples {
        if let Err(errors) = read(&file, &bytes) {
            panic!("{}", rendered(&errors));
        }
    }
    let demo = good(&fs::read_to_string(here("rollouts/examples/three-rings.yaml")).unwrap()).plan;
    assert_eq!(demo.name.as_str(), "cloudflare-one-client");
    assert_eq!(demo.rings.len(), 3);
    assert_eq!(demo.rings[0].profiles, [ProfileRef::Named("Engineering".to_owned())]);
    assert_eq!(demo.rings[2].profiles, [ProfileRef::Default]);
    // The demo's clock starts here: a Monday, an hour before the first opening.
    let opening = demo.rings[0].schedule.openness("2026-10-12T07:00:00Z".parse().unwrap());
    assert_eq!(opening, Openness::Closed { opens_at: Some("2026-10-12T08:00:00Z".parse().unwrap()) });
}

#[test]
fn a_full_plan_means_what_it_says() {
    let revision = good(&fs::read_to_string(here("tests/plans/good/everything.yaml")).unwrap());
    let plan = &revision.plan;
    assert_eq!(plan.name.as_str(), "everything");
    assert_eq!(plan.description.as_deref(), Some("Two lines,\nfor people."));
    assert_eq!(plan.account.as_ref().unwrap().as_str(), "023e105f4ecef8ad9ca31a8372d0c353");
    assert_eq!(plan.forbid.len(), 2);
    assert!(plan.forbid[1].versions.matches(&semver::Version::new(2026, 6, 822)));
    assert!(!plan.forbid[1].versions.matches(&semver::Version::new(2026, 6, 850)));

    // Per ring: name, group, profiles, targets, zone, openings, freezes, adoption, soak, unknown_after.
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
        ],
        [
            "Early adopters (Early adopters (ringward))",
            "IT Support f174e90a-fafe-4643-bbbc-4a0ed4fc8415",
            "windows=2026.8.2100.0 macos=2026.7.1376.0",
            "Asia/Tokyo: 0 22 * * Sat for 10h, 1 freezes",
            "95.5% in 5d, 70% seen",
            "4d 2h",
        ],
        [
            "no (no)",
            "default",
            "windows=2026.8.2100.0 macos=2026.8.2101.0",
            "Europe/Lisbon: 0 9 * * Mon-Thu for 7h, 0 freezes",
            "95.5% in 5d, 60% seen",
            "7d 1h 30m",
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
fn hostile_files_are_refused_with_a_reason() {
    let bomb = "a: &a [x,x,x]\n".to_owned()
        + &(0..64).map(|i| format!("b{i}: &b{i} [*a,*a,*a,*a]\n")).collect::<String>();
    let wide = "rings: [".to_owned() + &"{},".repeat(20_001) + "]";
    let keys: String = (0..9_000).map(|i| format!("k{i}: v\n")).collect();
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", Vec::new(), "holds no plan"),
        ("comments only", b"# nothing\n".to_vec(), "holds no plan"),
        ("a NUL", b"plan: a\0b\n".to_vec(), "NUL"),
        ("not UTF-8", b"plan: caf\xe9\n".to_vec(), "UTF-8"),
        ("UTF-16", b"\xff\xfep\0l\0a\0n\0".to_vec(), "UTF-8"),
        ("an alias bomb", bomb.into_bytes(), "aliases are not read"),
        ("brackets", vec![b'['; 20_000], "nested more than"),
        ("braces", b"{a: ".repeat(20_000), "nested more than"),
        ("block lists", b"- ".repeat(20_000), "nested more than"),
        ("question marks", b"? ".repeat(20_000), "nested more than"),
        ("a long scalar", [b"plan: ".to_vec(), vec![b'x'; 1_000_000]].concat(), "too long"),
        ("a file over the limit", vec![b'x'; 1024 * 1024 + 1], "too large"),
        ("too many nodes", wide.into_bytes(), "too many keys"),
        ("thousands of unknown keys", keys.into_bytes(), "not a key of a plan"),
        ("a tab", b"plan: a\nrings:\n\t- name: x\n".to_vec(), "tab"),
        ("a scalar", b"plan".to_vec(), "must be a mapping"),
        ("a list", b"- plan\n".to_vec(), "must be a mapping"),
        ("an unclosed quote", b"plan: \"a\n".to_vec(), "not YAML"),
        ("a directive", b"%YAML 1.1\n---\nplan: a\n".to_vec(), "not YAML"),
        ("control characters", b"plan: \"a\\x07b\"\n".to_vec(), "control character"),
        ("a mapping as a key", b"{a: b}: c\n".to_vec(), "as a key"),
    ];
    for (row, bytes, expected) in rows {
        let errors = read("plan.yaml", &bytes).expect_err(row);
        let shown = rendered(&errors);
        assert!(shown.contains(expected), "{row}: {}", shown.chars().take(500).collect::<String>());
        assert!(shown.lines().all(|line| line.chars().count() < 400), "{row}: a message of bounded length");
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

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = files("tests/plans/good").into_iter().map(|(_, bytes)| bytes).collect();
    seeds.extend(files("rollouts/examples").into_iter().map(|(_, bytes)| bytes));
    seeds
}

/// One change to a file: where (as a share of its length), how many bytes go, what comes.
fn change() -> impl Strategy<Value = (f64, usize, Vec<u8>)> {
    let pieces = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..4),
        proptest::sample::select(vec![
            &b"\n"[..],
            b": ",
            b"- ",
            b"[",
            b"]",
            b"{",
            b"}",
            b"&a ",
            b"*a",
            b"<<: ",
            b"!!str ",
            b"|",
            b">",
            b"'",
            b"\"",
            b"%",
            b"\t",
            b"---\n",
            b"\xef\xbb\xbf",
            b"\0",
            b"? ",
            b"#",
            b"0",
            b"99999999999999999999",
            b"null",
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    (0.0..1.0, 0usize..8, pieces)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// A changed file is read or refused with a reason, in the file, in order; it never panics.
    #[test]
    fn changed_files_never_panic(seed in 0usize..3, changes in proptest::collection::vec(change(), 1..6)) {
        let seeds = seeds();
        let mut bytes = seeds[seed % seeds.len()].clone();
        for (share, gone, new) in changes {
            let start = ((bytes.len() as f64) * share) as usize;
            let end = (start + gone).min(bytes.len());
            bytes.splice(start..end, new);
        }
        match read("plan.yaml", &bytes) {
            Ok(revision) => prop_assert!(!revision.plan.rings.is_empty()),
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                for error in &errors {
                    prop_assert!(error.line >= 1 && error.column >= 1);
                    prop_assert!(error.span.start <= error.span.end && error.span.end <= bytes.len());
                    prop_assert!(!error.problem.is_empty() && !error.instead.is_empty());
                }
                prop_assert!(errors.is_sorted_by_key(|error| error.span.start));
            }
        }
    }
}
