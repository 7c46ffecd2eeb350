//! `check`: files, directories, and files that disagree with each other.

use std::fs;
use std::path::{Path, PathBuf};

use ringward::cli::check::check;
use ringward::cli::judgement::CheckHow;
use ringward::cli::render::Format;
use ringward::cli::screen::Ink;
use serde_json::Value;

use crate::{at, golden, here, how, seen};

const NOW: &str = "2026-10-13T08:00:00Z";

const GOOD: &str = "plan: client\nversions: {windows: 2026.8.2100.0}\ndefaults:\n  schedule:\n    open: [{cron: \"0 9 * * Mon-Thu\", for: 7h}]\nrings:\n  - {name: Ring 0, profiles: [Engineering]}\n  - {name: Everyone, profiles: [default], versions: {macos: 2026.8.2101.0}}\n";

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn checked(dir: &Path, paths: &[PathBuf]) -> String {
    let mut out = Vec::new();
    let result = check(paths, None, at(NOW), how(Format::Text), Ink::Plain, &mut out);
    seen(&out, result, dir)
}

#[test]
fn all_files_are_judged_and_all_errors_shown() {
    let always =
        "plan: servers\nversions: {windows: 2026.8.2100.0}\nrings: [{name: All, profiles: [Servers]}]\n";
    let bad = "plan: Bad Name\nversions: {windows: 2026.8}\nrings:\n  - {name: R, profils: [X]}\n";
    let copy = GOOD.replace("Engineering", "Copied");
    let dir = directory(&[
        ("a-good.yaml", GOOD),
        ("b-copy.yaml", &copy),
        ("c-always.yaml", always),
        ("d-bad.yaml", bad),
        ("e-syntax.yaml", "plan: [\n"),
        (
            "f-profiles.yaml",
            "plan: field\nversions: {macos: 2026.8.2100.0}\nrings: [{name: F, profiles: [Field, Servers]}]\n",
        ),
        ("notes.txt", "not a plan"),
    ]);
    let missing = dir.path().join("missing.yaml");
    golden("check.txt", &checked(dir.path(), &[dir.path().to_owned(), missing]));
    golden(
        "check_good.txt",
        &checked(dir.path(), &[dir.path().join("a-good.yaml"), dir.path().join("c-always.yaml")]),
    );
    let both = [dir.path().join("a-good.yaml"), dir.path().join("b-copy.yaml")];
    assert!(checked(dir.path(), &both).contains("has this plan already"), "files are compared as well");
    let twice = [dir.path().join("a-good.yaml"), dir.path().join("a-good.yaml")];
    assert!(!checked(dir.path(), &twice).contains("exit"), "one file twice is one file");
}

#[test]
fn a_directory_without_plans_is_an_error() {
    let dir = directory(&[("notes.txt", "x")]);
    golden("check_empty.txt", &checked(dir.path(), &[dir.path().to_owned()]));
}

#[test]
fn json_has_errors_and_summaries() {
    let dir = directory(&[("a.yaml", GOOD), ("b.yaml", "plan: x\n")]);
    let mut out = Vec::new();
    check(&[dir.path().to_owned()], None, at(NOW), how(Format::Json), Ink::Plain, &mut out)
        .expect_err("b.yaml is wrong");
    let said: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(said[0]["plan"]["first_entry"], "2026-10-13T09:00:00Z");
    assert_eq!(said[0]["plan"]["rings"][1]["targets"]["macos"], "2026.8.2101.0");
    assert!(said[1]["plan"].is_null() && !said[1]["errors"].as_array().unwrap().is_empty());
}

#[test]
fn json_has_each_error_in_parts() {
    let copy = GOOD.replace("Engineering", "Copied");
    let dir = directory(&[("a.yaml", GOOD), ("b.yaml", &copy), ("c.yaml", "plan: x\nsook: 1\nrings: []\n")]);
    let missing = dir.path().join("missing.yaml");
    let mut out = Vec::new();
    check(&[dir.path().to_owned(), missing], None, at(NOW), how(Format::Json), Ink::Plain, &mut out)
        .unwrap_err();
    let text = String::from_utf8(out).unwrap().replace(&dir.path().display().to_string(), "DIR");
    golden("check_json.txt", &text);
    let said: Value = serde_json::from_str(&text).unwrap();
    for file in said.as_array().unwrap() {
        let count = |key: &str| file[key].as_array().unwrap().len();
        assert_eq!(count("errors"), count("diagnostics"), "{}", file["file"]);
    }
}

/// By its name, and beside plans.
#[test]
fn a_configuration_is_judged_as_one() {
    let dir = directory(&[("a.yaml", GOOD), ("ringward.yaml", "reading: signed_in\n")]);
    let file = dir.path().join("ringward.yaml");
    let good = "DIR/ringward.yaml: the configuration is good: no Cloudflare Access, reading is for those who are signed in, metrics are for those who are signed in\n";
    assert_eq!(checked(dir.path(), std::slice::from_ref(&file)), good);
    let both = checked(dir.path(), &[dir.path().to_owned(), file.clone()]);
    assert!(both.contains("a.yaml: plan") && both.matches("ringward.yaml").count() == 1, "{both}");
    fs::write(&file, "reading: closed\nlisten: x\n").unwrap();
    let bad = checked(dir.path(), std::slice::from_ref(&file));
    assert!(
        bad.contains("DIR/ringward.yaml:1:10") && bad.contains("1 of 1 file cannot be used: 2 errors"),
        "{bad}"
    );
    let mut out = Vec::new();
    check(&[file], None, at(NOW), how(Format::Json), Ink::Plain, &mut out).unwrap_err();
    let said: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(said[0]["diagnostics"].as_array().unwrap().len(), 2);
    assert!(said[0]["plan"].is_null());
}

/// The cases of openings, freezes and approvals, as a person sees them.
#[test]
fn what_the_calendar_holds_is_told_of_each_ring() {
    let case = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans").join(name);
    let now = at("2026-11-29T12:00:00Z");
    // Each by itself: they name the same profiles.
    let told = |names: &[&str], strict: bool| -> String {
        let of = |name: &&str| {
            let mut out = Vec::new();
            let result = check(
                &[case(name)],
                None,
                now,
                CheckHow { strict, ..how(Format::Text) },
                Ink::Plain,
                &mut out,
            );
            seen(&out, result, case("good").parent().unwrap())
        };
        names.iter().map(of).collect()
    };
    golden(
        "check_calendar.txt",
        &told(&["good/freezes-add-up.yaml", "good/opening-15m.yaml", "good/opening-at-midnight.yaml"], false),
    );
    golden("check_warned.txt", &told(&["warned/approval-expires.yaml", "warned/patch-tuesday.yaml"], false));
    let strict = told(&["warned/approval-expires.yaml", "warned/patch-tuesday.yaml"], true);
    let refused = "ringward: 1 warning, which --strict counts as an error\n(exit 2)\n";
    assert_eq!(strict.matches(refused).count(), 2, "{strict}");
    let clean = told(&["good/opening-15m.yaml"], true);
    assert!(!clean.contains("exit"), "notes are no warnings: {clean}");
    golden("check_closed.txt", &told(&["closed/leap-day.yaml", "warned/frozen-for-good.yaml"], false));
}

#[test]
fn json_has_warnings_openings_and_freezes() {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans/warned/calendar.yaml");
    let mut out = Vec::new();
    check(&[case], None, at("2026-11-29T12:00:00Z"), how(Format::Json), Ink::Plain, &mut out).unwrap();
    let said: Value = serde_json::from_slice(&out).unwrap();
    let warnings = said[0]["warnings"].as_array().unwrap();
    let severities: Vec<&str> = warnings.iter().map(|told| told["severity"].as_str().unwrap()).collect();
    assert!(severities.contains(&"warning") && severities.contains(&"note"), "{severities:?}");
    let ring = &said[0]["plan"]["rings"][4];
    assert_eq!(ring["timezone"], "UTC");
    assert_eq!(ring["freezes"].as_array().unwrap().len(), 2, "what is over is not in force: {ring}");
    assert_eq!(ring["openings"][0]["opens_at"], "2026-11-29T12:00:00Z");
    assert_eq!(ring["openings"][0]["closes_at"], "2026-12-18T00:00:00Z", "a freeze begins");
}

#[test]
fn colour_is_only_added() {
    let dir = directory(&[("b.yaml", "plan: B\nversions: {windows: 2026.8}\n")]);
    let said = |colour| {
        let mut out = Vec::new();
        check(&[dir.path().to_owned()], None, at(NOW), how(Format::Text), colour, &mut out).unwrap_err();
        String::from_utf8(out).unwrap()
    };
    let (plain, coloured) = (said(Ink::Plain), said(Ink::Colour));
    assert!(!plain.contains('\u{1b}') && coloured.contains('\u{1b}'));
    let mut stripped = String::new();
    for part in coloured.split('\u{1b}') {
        let sequence = part.strip_prefix('[').and_then(|part| part.split_once('m'));
        stripped.push_str(sequence.map_or(part, |(_, text)| text));
    }
    assert_eq!(stripped, plain);
}

#[test]
fn what_is_no_plan_file_is_told_and_does_not_hang() {
    let dir = directory(&[("a.yaml", GOOD), (".#a.yaml", "an editor's lock")]);
    fs::create_dir(dir.path().join("folder.yaml")).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("dangling.yaml")).unwrap();
    golden("check_odd_files.txt", &checked(dir.path(), &[dir.path().to_owned()]));
}

/// The rings of a plan in all that they are set to, and the same on one screen.
#[test]
fn what_was_read_of_each_ring_is_said() {
    let freezes: Vec<String> = (1..=7)
        .map(|day| format!("{{from: 2027-02-0{day}, until: 2027-02-0{day}, reason: day {day}}}"))
        .collect();
    let text = format!(
        "\
plan: words
versions: {{windows: 2026.8.2100.0, macos: 2026.8.2100.0}}
defaults:
  timezone: America/New_York
  schedule:
    open: [{{cron: '30 17 * * Mon-Thu', for: 4h}}, {{cron: '0 9 * * Sat#2', for: 8h}}]
    freeze: [{}]
  rollback_to: {{windows: 2026.7.1376.0, macos: 2026.7.1376.0}}
rings:
  - {{name: Pilot, profiles: [Pilot], schedule: {{open: [], freeze: []}}, max_devices: 40}}
  - {{name: Frozen now and then, profiles: [a], schedule: {{open: []}}, allow_downgrade: '<=2026.8.2100'}}
  - {{name: Late, profiles: [b], soak: 4d, approval: {{user_group: Release Approvers, count: 2, expires: 50d}}}}
  - {{name: Late too, profiles: [c], soak: 4d, approval: {{user_group: Release Approvers, count: 2, expires: 50d}}}}
  - {{name: Tokyo, profiles: [default], timezone: Asia/Tokyo, schedule: {{open: [{{cron: '0 7 1 1,7 *', for: 8h}}]}}, allow_downgrade: true}}
",
        freezes.join(", ")
    );
    let dir = directory(&[("words.yaml", &text)]);
    let of = |summary: bool| -> String {
        let mut out = Vec::new();
        let how = CheckHow { summary, ..how(Format::Text) };
        let result = check(&[dir.path().to_owned()], None, at(NOW), how, Ink::Plain, &mut out);
        seen(&out, result, dir.path())
    };
    golden("check_words.txt", &of(false));
    golden("check_summary.txt", &of(true));
    let mut out = Vec::new();
    check(&[dir.path().to_owned()], None, at(NOW), how(Format::Json), Ink::Plain, &mut out).unwrap();
    let said: Value = serde_json::from_slice(&out).unwrap();
    let rings = &said[0]["plan"]["rings"];
    assert_eq!(rings[2]["opens"][1], "the 2nd Sat of the month 09:00 for 8h");
    assert_eq!(
        rings[2]["approval"],
        serde_json::json!({"user_group": "Release Approvers", "count": 2, "expires": "50d"})
    );
    assert_eq!((&rings[2]["soak"], &rings[0]["max_devices"]), (&"4d".into(), &40.into()));
    assert_eq!(
        (&rings[1]["allow_downgrade"], &rings[2]["allow_downgrade"]),
        (&"<=2026.8.2100".into(), &Value::Null)
    );
}

/// A bad file and a path that is none have their errors counted on one screen, and the exit code is the same.
#[test]
fn a_summary_of_what_cannot_be_used_is_short() {
    let keys: String = (0..30).map(|i| format!("k{i}: v\n")).collect();
    let dir = directory(&[
        ("a.yaml", GOOD),
        ("b.yaml", &format!("plan: x\nversions: {{windows: 2026.8}}\n{keys}")),
    ]);
    let paths = [dir.path().to_owned(), dir.path().join("missing.yaml")];
    let mut out = Vec::new();
    let how = CheckHow { summary: true, ..how(Format::Text) };
    let result = check(&paths, None, at(NOW), how, Ink::Plain, &mut out);
    golden("check_summary_bad.txt", &seen(&out, result, dir.path()));
}

/// What `docs/plan.md` shows is what `check` says.
#[test]
fn the_reference_shows_what_check_says() {
    let docs = fs::read_to_string(here("docs/plan.md")).unwrap();
    for (example, summary) in [("people-decide", false), ("three-rings", true)] {
        let path = here("rollouts/examples").join(example).with_extension("yaml");
        let mut out = Vec::new();
        let how = CheckHow { summary, ..how(Format::Text) };
        check(std::slice::from_ref(&path), None, at("2026-10-12T06:00:00Z"), how, Ink::Plain, &mut out)
            .unwrap();
        let text = String::from_utf8(out)
            .unwrap()
            .replace(&format!("{}/", here("").display()).replace("//", "/"), "");
        // On one screen the first line is cut by the length of the path here.
        for line in text.lines().skip(usize::from(summary)) {
            assert!(
                docs.contains(&format!("\n  {line}\n")),
                "docs/plan.md (src/plan/reference.md) lacks: {line}"
            );
        }
    }
}
