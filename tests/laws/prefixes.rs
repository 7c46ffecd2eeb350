//! Plan files whose copy breaks off: every prefix of every example, byte by byte, that is another tree.
//!
//! **Invariant:** each prefix is judged as the daemon's own reader judges it; the drive sees nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use ringward::daemon::files::{DirectoryLook, LoggedPlan, PlanFiles, Settles};
use ringward::ids::{AccountId, PlanName};
use ringward::plan::Draft;
use ringward::plan::model::{Revision, Revisions};
use ringward::rollout::laws::{self, Tolerance};
use ringward::rollout::record::{Block, WaitsFor};
use ringward::rollout::record::{Event, Mode};
use ringward::rollout::world::{Desired, Unsettled};
use ringward::simulation::cast::{self, Casting, Size};
use ringward::synthetic::Mix;
use ringward::time::{SignedDuration, Timestamp, after, since};

use super::journal;
use super::support::drive::{Drive, Happening, OnDisk, Pace};

/// A Monday morning, before the examples' openings.
const FROM: &str = "2026-10-12T05:00:00Z";
/// The file breaks off so long before its plan would write.
const BEFORE: SignedDuration = SignedDuration::from_secs(10);
const SETTLES: SignedDuration = SignedDuration::from_secs(30);
/// So long every drive goes on.
const WATCHED: SignedDuration = SignedDuration::from_hours(2);

/// The examples, by name.
fn examples() -> BTreeMap<String, Vec<u8>> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("rollouts/examples");
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let text = |path: PathBuf| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap())
    };
    files.map(text).collect()
}

/// What tells trees apart: the values, and whether the file ends as a whole one does.
fn tree(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let values = serde_saphyr::from_str::<serde_json::Value>(&text).map(|value| value.to_string());
    format!("{} {:?}", bytes.last() == Some(&b'\n'), values.ok())
}

/// A file as the daemon's reader takes it, for a plan that is in force or that is not known of.
pub(crate) fn on_disk(
    file: &str,
    bytes: &[u8],
    plan: &PlanName,
    in_force: Option<&Revision>,
    now: Timestamp,
) -> Option<OnDisk> {
    let account = AccountId::new("023e105f4ecef8ad9ca31a8372d0c353").unwrap();
    let settles = Settles { seconds: 30.0, shown: SETTLES };
    let mut files = PlanFiles::new(PathBuf::from("plans"), account, settles);
    let known: Vec<LoggedPlan> = in_force
        .map(|revision| LoggedPlan {
            plan: plan.clone(),
            file: Some(file.to_owned()),
            in_force: Some(revision.digest.clone()),
        })
        .into_iter()
        .collect();
    let draft = Draft::read(bytes);
    let (mut read, mut notes) = (BTreeMap::new(), BTreeMap::new());
    if draft.names_a_plan() {
        read.insert(file.to_owned(), Ok(Arc::new(draft)));
    } else {
        notes.insert(file.to_owned(), "it has no key `plan`".to_owned());
    }
    files.take(DirectoryLook::Files { files: read, notes }, &known, now);
    match files.desired(plan) {
        Desired::Present(revision) | Desired::Unsettled(revision, Unsettled::Until(_)) => {
            Some(OnDisk::Good(Box::new(revision.clone())))
        }
        Desired::Unsettled(revision, Unsettled::LineEnd) => Some(OnDisk::Cut(Box::new(revision.clone()))),
        Desired::Invalid(invalid) => Some(OnDisk::Invalid(Box::new(invalid.clone()))),
        Desired::Missing | Desired::Gone => None,
        other => panic!("{file} is read in no other way: {other:?}"),
    }
}

fn drive(plans: Vec<Revision>, of: &Revision) -> Drive {
    let from = FROM.parse().unwrap();
    let casting = Casting { seed: 1, size: Size::Total(40), mix: Mix::default(), from, days: 2 };
    let pace = Pace { poll: SignedDuration::from_mins(15), ..Pace::default() };
    Drive::new(cast::account(&of.plan, &casting), plans, pace, Mode::Write, from)
}

/// The first write at Cloudflare of a plan whose file stays whole.
fn first_write(whole: &Revision) -> Option<Timestamp> {
    let mut drive = drive(vec![whole.clone()], whole);
    let until = after(FROM.parse().unwrap(), SignedDuration::from_hours(24));
    while drive.upstream.writes().next().is_none() && drive.step(until) {}
    drive.upstream.writes().next().map(|request| request.at)
}

/// What is wrong with a drive whose file broke off at `cut`.
fn judged(drive: &Drive, cut: Timestamp, revisions: Revisions) -> Vec<String> {
    let mut wrong = Vec::new();
    for request in drive.upstream.writes().filter(|request| request.at >= cut) {
        if since(cut, request.at) < SETTLES || revisions == Revisions::Person {
            wrong.push(format!("a write at {}", request.at));
        }
        let announces = |event: &Event| {
            matches!(event, Event::BlockBegun { block: Block::RevisionWaits(waiting) }
                if waiting.waits_for == WaitsFor::Time && !waiting.changes.is_empty())
        };
        let announced = drive.daemon.log.iter().any(|recorded| {
            announces(&recorded.entry.event)
                && recorded.at >= cut
                && since(recorded.at, request.at) >= SETTLES
        });
        if !announced {
            wrong.push(format!("a write at {} that nothing announced", request.at));
        }
    }
    let limits = Tolerance { in_transit: SignedDuration::ZERO, ..Tolerance::default() };
    let violations = laws::check_within(&drive.daemon.log, &journal(drive), limits);
    wrong.extend(violations.iter().map(ToString::to_string));
    wrong
}

#[test]
fn a_copy_that_breaks_off_lets_nothing_through() {
    let (mut trees, mut good, mut later) = (0, 0, 0);
    for (file, bytes) in examples() {
        let whole = ringward::plan::read(&file, &bytes).unwrap();
        let name = whole.plan.name.clone();
        // One asks people first, and nobody answers here.
        let entry = first_write(&whole);
        assert!(
            entry.is_some() || file == "people-decide.yaml",
            "{file} writes nothing, so nothing is shown"
        );
        let cut = after(entry.unwrap_or_else(|| "2026-10-12T09:00:10Z".parse().unwrap()), -BEFORE);
        let mut running = drive(vec![whole.clone()], &whole);
        running.run_until(cut);
        let mut empty = drive(Vec::new(), &whole);
        empty.run_until(cut);
        let mut seen = BTreeSet::from([tree(&bytes)]);
        for length in 0..bytes.len() {
            let prefix = &bytes[..length];
            if !seen.insert(tree(prefix)) {
                continue;
            }
            trees += 1;
            for (in_force, revisions) in [
                (Some(&whole), Revisions::File),
                (Some(&whole), Revisions::Person),
                (None, Revisions::File),
                (None, Revisions::Person),
            ] {
                let Some(disk) = on_disk(&file, prefix, &name, in_force, cut) else { continue };
                // Cut off behind its last value, it asks for what is in force.
                let same = matches!(&disk, OnDisk::Good(revision) | OnDisk::Cut(revision) if revision.plan == whole.plan);
                if in_force.is_some() && same {
                    continue;
                }
                good += usize::from(matches!(disk, OnDisk::Good(_)));
                let mut drive = if in_force.is_some() { running.clone() } else { empty.clone() };
                drive.daemon.engine.world.revisions = revisions;
                drive.at(cut, Happening::Edit(name.clone(), Some(disk)));
                drive.run_until(after(cut, WATCHED));
                let wrong = judged(&drive, cut, revisions);
                let row = if in_force.is_some() { "over the plan that runs" } else { "as a new plan" };
                assert!(
                    wrong.is_empty(),
                    "{file}, its first {length} bytes, {row}, {revisions:?}: {wrong:#?}\n{}",
                    drive.tail()
                );
                later += usize::from(drive.upstream.writes().any(|request| request.at >= cut));
            }
        }
    }
    println!("{trees} trees that break off, {good} times a good plan, {later} drives that wrote later");
    assert!(trees > 1_300 && good > 100 && later > 20, "{trees} {good} {later}");
}
