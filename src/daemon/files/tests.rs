//! The plans directory over looks.

use std::fs;
use std::path::Path;

use super::*;

const PLAN: &str = include_str!("../../../rollouts/examples/three-rings.yaml");

fn plan() -> PlanName {
    "cloudflare-one-client".parse().unwrap()
}

fn known(file: Option<&str>) -> [LoggedPlan; 1] {
    [LoggedPlan { plan: plan(), file: file.map(str::to_owned), in_force: None }]
}

fn files_settling(directory: &Path, seconds: f64) -> PlanFiles {
    let account = "023e105f4ecef8ad9ca31a8372d0c353".parse().unwrap();
    PlanFiles::new(directory.to_owned(), account, Settles::of(seconds, &Clock::Real))
}

fn files(directory: &Path) -> PlanFiles {
    files_settling(directory, 0.0)
}

fn take(files: &mut PlanFiles, directory: &Path, file: Option<&str>) -> bool {
    files.take(look(directory, Yml::Read), &known(file), Timestamp::UNIX_EPOCH)
}

/// Row 12 of the brake: whoever writes patch Tuesday wrong reads it where the daemon logs.
#[test]
fn what_check_warns_of_is_known_of_files_that_hold() {
    let directory = tempfile::tempdir().unwrap();
    let written = include_str!("../../../tests/plans/warned/patch-tuesday.yaml");
    fs::write(directory.path().join("patch.yaml"), written).unwrap();
    let mut files = files(directory.path());
    assert!(take(&mut files, directory.path(), None));
    let told: Vec<_> = files.warnings.iter().map(|told| (told.file.as_str(), told.errors.len())).collect();
    assert_eq!(told, [("patch.yaml", 1)]);
    assert!(files.warnings[0].errors[0].contains("Tue#2"), "{:?}", files.warnings);
    fs::write(directory.path().join("patch.yaml"), written.replace("8-14 * Tue", "* * Tue#2")).unwrap();
    assert!(take(&mut files, directory.path(), None));
    assert_eq!(files.warnings, [], "fixed");
}

#[test]
fn one_bad_file_does_not_hide_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("good.yaml"), PLAN).unwrap();
    fs::create_dir(path("folder.yaml")).unwrap();
    std::os::unix::fs::symlink("nowhere", path("dangling.yaml")).unwrap();
    std::os::unix::fs::symlink("nowhere", path(".#good.yaml")).unwrap();
    fs::write(path("notes.txt"), "no plan").unwrap();
    fs::write(path("ringward.yaml"), "reading: signed_in\n").unwrap();
    let mut files = files(directory.path());
    assert!(take(&mut files, directory.path(), None));
    assert!(matches!(files.desired(&plan()), Desired::Present(_)));
    let bad: Vec<_> = files.problems.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(bad, ["dangling.yaml", "folder.yaml"], "dot files are nobody's plans");
    assert!(!take(&mut files, directory.path(), None), "nothing changed");
    fs::write(path("ringward.yaml"), PLAN).unwrap();
    assert!(take(&mut files, directory.path(), None));
    let told: Vec<_> = files.problems.iter().flat_map(|problem| &problem.errors).collect();
    assert!(told.iter().any(|error| error.contains("name is that of the configuration")), "{told:?}");
}

#[test]
fn whatever_lies_beside_it_a_plan_that_no_file_names_is_missing_at_once() {
    type Row = (&'static str, fn(&Path), &'static str);
    let rows: [Row; 5] = [
        ("nothing", |_| {}, "missing"),
        ("a draft", |path| fs::write(path.join("draft.yaml"), "plan: [").unwrap(), "missing"),
        ("a folder", |path| fs::create_dir(path.join("folder.yaml")).unwrap(), "missing"),
        (
            "a dangling link",
            |path| std::os::unix::fs::symlink("nowhere", path.join("link.yaml")).unwrap(),
            "missing",
        ),
        ("an empty file", |path| fs::write(path.join("empty.yaml"), "").unwrap(), "missing"),
    ];
    for (row, beside, expected) in rows {
        let directory = tempfile::tempdir().unwrap();
        beside(directory.path());
        let mut files = files(directory.path());
        take(&mut files, directory.path(), Some("plan.yaml"));
        take(&mut files, directory.path(), Some("plan.yaml"));
        let found = match files.desired(&plan()) {
            Desired::Missing => "missing",
            other => panic!("{row}: {other:?}"),
        };
        assert_eq!(found, expected, "{row}");
        let accounted = files.missing[&plan()].looks;
        assert_eq!(accounted, if row == "nothing" { 2 } else { 0 }, "{row}: looks that count");
    }
}

#[test]
fn errors_and_unreadable_directories_withdraw_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("plan.yaml");
    fs::write(&file, PLAN).unwrap();
    let mut files = files(directory.path());
    take(&mut files, directory.path(), None);
    fs::write(&file, "plan: [").unwrap();
    take(&mut files, directory.path(), None);
    assert!(matches!(files.desired(&plan()), Desired::Invalid(_)), "an error in its file");
    // A restart forgets nothing: the log says which file holds which plan.
    let mut anew = files_settling(directory.path(), 0.0);
    take(&mut anew, directory.path(), Some("plan.yaml"));
    assert!(matches!(anew.desired(&plan()), Desired::Invalid(_)), "after a restart");
    let look = DirectoryLook::Unreadable("gone".to_owned());
    files.take(look, &known(None), Timestamp::UNIX_EPOCH);
    assert_eq!(files.desired(&plan()), Desired::Unreadable("gone"), "no directory");
    fs::rename(&file, directory.path().join("renamed.yaml")).unwrap();
    take(&mut files, directory.path(), None);
    assert_eq!(files.desired(&plan()), Desired::Missing, "its file has another name and an error");
    fs::remove_file(directory.path().join("renamed.yaml")).unwrap();
    take(&mut files, directory.path(), None);
    take(&mut files, directory.path(), None);
    assert_eq!(files.desired(&plan()), Desired::Missing, "two looks, but no minute between them");
}

#[test]
fn a_file_takes_effect_by_a_look_after_it_was_unchanged_for_long_enough() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("plan.yaml");
    fs::write(&file, PLAN).unwrap();
    let mut files = files_settling(directory.path(), 3_600.0);
    take(&mut files, directory.path(), None);
    let until = after(Timestamp::UNIX_EPOCH, SignedDuration::from_hours(1));
    let waits = |files: &PlanFiles| matches!(files.desired(&plan()), Desired::Unsettled(_, Unsettled::Until(at)) if at == until);
    assert!(waits(&files));
    assert!(!take(&mut files, directory.path(), None), "an hour has not passed");
    assert!(waits(&files));
    // Cut off: whatever it was before, it has to end with a line end.
    let mut files = files_settling(directory.path(), 0.0);
    fs::write(&file, PLAN.trim_end()).unwrap();
    take(&mut files, directory.path(), None);
    assert!(matches!(files.desired(&plan()), Desired::Unsettled(_, Unsettled::LineEnd)));
    fs::write(&file, PLAN).unwrap();
    take(&mut files, directory.path(), None);
    assert!(matches!(files.desired(&plan()), Desired::Present(_)));
}

/// A person's no counts in a file that the calendar alone refuses.
#[test]
fn what_a_file_of_a_closed_ring_forbids_counts() {
    let directory = tempfile::tempdir().unwrap();
    let leap_day = "\n    schedule: {open: [{cron: '0 9 29 Feb *', for: 7h}]}\n";
    let written = "plan: cloudflare-one-client\nversions: {windows: 2026.8.2100.0}\nforbid: [{versions: '=2026.8.2033', reason: crashes}]\nrings:\n  - name: A\n    profiles: [IT]";
    fs::write(directory.path().join("plan.yaml"), format!("{written}{leap_day}")).unwrap();
    let mut files = files(directory.path());
    take(&mut files, directory.path(), Some("plan.yaml"));
    let Desired::Invalid(invalid) = files.desired(&plan()) else { panic!("it is refused") };
    assert!(invalid.errors[0].contains("400 days"), "{:?}", invalid.errors);
    assert_eq!(invalid.restrictions.forbid.len(), 1);
}
