//! A backup made during a run, restored elsewhere and continued there: no law is broken and no
//! write repeated, however old the copy is.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

use ringward::daemon::log;
use ringward::rollout::laws::{Tolerance, check_within};
use ringward::rollout::record::{Event, Recorded};
use ringward::rollout::state::{RingState, State};
use ringward::sandbox::{FaultScript, JournalRow};
use ringward::store::Reader;
use ringward::time::{SignedDuration, Stopwatch};

use crate::kills::{completed, ringward, state_of, terminate, unanswered, with_word};
use crate::support::{TWO_RINGS, Walk, as_read, count, upstream_writes};

const SPEED: f64 = 20_000.0;
/// A wall bound that only a hang reaches.
const HANG_SECONDS: f64 = 240.0;

/// The daemon on another database than the walk's own.
fn ringward_on(walk: &Walk, database: &Path) -> Command {
    with_word(&ringward(walk, &[]), walk.database().as_os_str(), database.as_os_str())
}

fn elsewhere(walk: &Walk) -> PathBuf {
    let directory = walk.database().with_file_name("elsewhere");
    std::fs::create_dir(&directory).unwrap();
    directory.join("ringward.db")
}

/// `ringward backup`, as an admin types it.
fn backup(walk: &Walk, copy: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_ringward"))
        .arg("backup")
        .arg(copy)
        .arg("--db")
        .arg(walk.database())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn read(database: &Path) -> Vec<Recorded> {
    let Ok(reader) = Reader::open(database) else { return Vec::new() };
    log::events(reader.view()).collect::<Result<_, _>>().unwrap_or_default()
}

fn state(database: &Path) -> State {
    state_of(&read(database))
}

/// Waits for a state of the log while the daemon runs.
fn wait(daemon: &mut Child, database: &Path, what: &str, wanted: impl Fn(&State) -> bool) {
    let watch = Stopwatch::start();
    while !wanted(&state(database)) {
        assert!(daemon.try_wait().unwrap().is_none(), "the daemon ended before: {what}");
        assert!(watch.seconds() < HANG_SECONDS, "never came: {what}");
        sleep(Duration::from_millis(10));
    }
}

fn first_soaks(state: &State) -> bool {
    let rings = state.plans.values().flat_map(|plan| &plan.rollout.rings);
    rings.take(1).any(|ring| matches!(ring.stage, RingState::Soaking { .. }))
}

/// `ringward history --verify` finds nothing.
fn verify(database: &Path) {
    let verified = Command::new(env!("CARGO_BIN_EXE_ringward"))
        .args(["history", "--verify", "--db"])
        .arg(database)
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

/// The laws over the log of the copy, and those of the account's writes that it knows of.
fn assert_lawful(database: &Path, rows: &[JournalRow]) {
    verify(database);
    let log = read(database);
    let limits =
        Tolerance { in_transit: SignedDuration::from_hours(4), watch_max_age: SignedDuration::from_hours(6) };
    let violations = check_within(&log, &upstream_writes(rows, &log, |_| false), limits);
    assert!(violations.is_empty(), "{violations:#?}");
}

/// The groups that were created, in order.
fn created(rows: &[JournalRow]) -> Vec<String> {
    let applied = rows.iter().filter(|row| row.applied == Some(true));
    applied.map(|row| row.body.as_ref().unwrap()["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_run_goes_on_elsewhere() {
    let walk = Walk::new(TWO_RINGS, SPEED, 21, 60).await;
    let (copy, restored) = (walk.database().with_file_name("copy.db"), elsewhere(&walk));
    let mut daemon = ringward(&walk, &[]).spawn().unwrap();
    wait(&mut daemon, &walk.database(), "the first ring soaks", first_soaks);
    let told = backup(&walk, &copy);
    assert!(daemon.try_wait().unwrap().is_none(), "it goes on during the backup");
    terminate(&mut daemon);
    let head = Reader::open(&copy).unwrap().view().head().unwrap();
    assert!(
        told.contains(&format!("{} records", head.seq)) && told.contains(&head.hash.to_string()),
        "{told}"
    );
    let copied = read(&copy);
    assert_eq!(copied[..], walk.log()[..copied.len()], "the copy is the log up to its head");
    assert_eq!(created(&walk.writes()), ["First"]);

    std::fs::rename(&copy, &restored).unwrap();
    let mut daemon = ringward_on(&walk, &restored).spawn().unwrap();
    wait(&mut daemon, &restored, "every ring verified", completed);
    terminate(&mut daemon);
    assert_eq!(created(&walk.writes()), ["First", "Second"], "no write is repeated");
    assert_lawful(&restored, &walk.writes());
    let whole = read(&restored);
    assert_eq!(whole[..copied.len()], copied[..], "nothing in the copy was rewritten");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_while_a_write_is_under_way_does_not_repeat_it() {
    let walk = Walk::new(TWO_RINGS, SPEED, 22, 60).await;
    let slow = serde_json::json!([
        {"operation": "create-deployment-group", "kind": "delay", "hold_wall_ms": 300, "times": 1},
    ]);
    let scripts: Vec<FaultScript> = serde_json::from_value(slow).unwrap();
    walk.sandbox.with_account(|account| account.add_faults(&scripts).unwrap());
    let restored = elsewhere(&walk);
    let mut daemon = ringward(&walk, &[]).spawn().unwrap();
    wait(&mut daemon, &walk.database(), "a write under way", unanswered);
    Reader::open(&walk.database()).unwrap().backup_to(&restored).unwrap();
    // The machine dies before the answer comes.
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert!(unanswered(&state(&restored)), "the copy holds an intent without an outcome");

    let mut daemon = ringward_on(&walk, &restored).spawn().unwrap();
    wait(&mut daemon, &restored, "every ring verified", completed);
    terminate(&mut daemon);
    assert_eq!(created(&walk.writes()), ["First", "Second"], "the doubt was settled by looking");
    assert_lawful(&restored, &walk.writes());
    let log = read(&restored);
    assert_eq!(count(&log, |event| matches!(event, Event::WriteDoubted { .. })), 1);
    assert_eq!(count(&log, |event| matches!(event, Event::WriteSettled { .. })), 1);
}

/// A copy from before the second ring's write, restored after it: the group that the copy does not
/// know is found, taken over as it is, and watched; it is not written again.
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_backup_finds_what_was_done_after_it() {
    let walk = Walk::new(TWO_RINGS, SPEED, 23, 60).await;
    let restored = elsewhere(&walk);
    let mut daemon = ringward(&walk, &[]).spawn().unwrap();
    wait(&mut daemon, &walk.database(), "the first ring soaks", first_soaks);
    backup(&walk, &restored);
    wait(&mut daemon, &walk.database(), "every ring verified", completed);
    terminate(&mut daemon);
    let before = walk.writes();
    assert_eq!(created(&before), ["First", "Second"]);
    assert!(first_soaks(&state(&restored)), "the copy knows nothing of the second ring's write");

    let mut daemon = ringward_on(&walk, &restored).spawn().unwrap();
    wait(&mut daemon, &restored, "every ring verified", completed);
    terminate(&mut daemon);
    assert_eq!(walk.writes(), before, "no write is repeated");
    assert_lawful(&restored, &[]);
    let log = read(&restored);
    let second = |ring: &ringward::ids::RingName| ring.as_str() == "Second";
    let taken_over = count(&log, |event| matches!(event, Event::RingAssigned { ring, .. } if second(ring)));
    let adopted = count(&log, |event| matches!(event, Event::AdoptionReached { ring, .. } if second(ring)));
    assert_eq!((taken_over, adopted), (1, 1), "its soak begins anew");
}

/// A copy from before a newer target was written: the group is not what the copy's log says, so
/// ringward halts and says so. It never puts the old version back.
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_backup_does_not_fight_what_was_written_after_it() {
    let walk = Walk::new(TWO_RINGS, SPEED, 24, 60).await;
    let restored = elsewhere(&walk);
    let mut daemon = ringward(&walk, &[]).spawn().unwrap();
    wait(&mut daemon, &walk.database(), "the first ring soaks", first_soaks);
    backup(&walk, &restored);
    walk.write_plan(&TWO_RINGS.replace("macos: 2026.8.2100.0", "macos: 2026.7.1376.0"));
    wait(&mut daemon, &walk.database(), "the first ring on the newer targets", |state| {
        state.plans.values().any(|plan| plan.rollout.id.number == 2)
            && state.plans.values().all(|plan| plan.rollout.rings[0].stage.as_str() == "adopting")
    });
    terminate(&mut daemon);
    let before = walk.writes();
    assert_eq!(before.len(), 2, "{before:#?}");

    // Restored with the plan of then.
    walk.write_plan(TWO_RINGS);
    let mut daemon = ringward_on(&walk, &restored).spawn().unwrap();
    wait(&mut daemon, &restored, "a halt", |state| {
        state.plans.values().any(|plan| plan.rollout.halted.is_some())
    });
    terminate(&mut daemon);
    assert_eq!(walk.writes(), before, "it fights nobody");
    assert_lawful(&restored, &[]);
    let causes: Vec<String> = state(&restored)
        .plans
        .values()
        .filter_map(|plan| plan.rollout.halted.as_ref())
        .map(|halt| format!("{halt:?}"))
        .collect();
    assert!(causes[0].contains("Drift"), "{causes:?}");
}

/// Any verb, as an admin types it.
fn type_in(database: &Path, arguments: &[&str]) {
    assert_eq!(typed(database, arguments), Some(0), "{arguments:?}");
}

/// The same, whatever it ends with.
fn typed(database: &Path, arguments: &[&str]) -> Option<i32> {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringward"));
        command.args(arguments).args(["--reason", "restored a backup"]).arg("--db").arg(database);
        command.output().unwrap()
    };
    let output = as_read(run, arguments);
    println!("{arguments:?}: {output:?}");
    output.status.code()
}

/// A copy from before a rollback knows nothing of it. By the four steps of docs/rollback.md, nobody is
/// offered again what was taken back, though log and file both ask for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_from_before_a_rollback_does_not_offer_what_was_taken_back() {
    let there = "rollback_to: {windows: 2026.7.1376.0, macos: 2026.7.1376.0}, soak: 48h";
    let plan = TWO_RINGS.replace("soak: 48h", there);
    let walk = Walk::new(&plan, SPEED, 25, 60).await;
    let restored = elsewhere(&walk);
    let mut daemon = ringward(&walk, &[]).spawn().unwrap();
    wait(&mut daemon, &walk.database(), "the first ring soaks", first_soaks);
    backup(&walk, &restored);
    type_in(&walk.database(), &["rollback", "short"]);
    wait(&mut daemon, &walk.database(), "rolled back", |state| {
        state.plans.values().any(|plan| plan.rollout.phase.as_str() == "rolled_back")
    });
    terminate(&mut daemon);
    let before = walk.writes();
    assert_eq!(before.len(), 2, "one there, one back: {before:#?}");

    // 1. and 2.: a stop, and the plan names what runs now and forbids what was taken back.
    assert_eq!(typed(&restored, &["stop"]), Some(1), "nothing runs here, and one that starts stays stopped");
    let fixed = plan
        .replacen("2026.8.2100.0", "2026.7.1376.0", 2)
        .replace("rollback_to: {windows: 2026.7.1376.0, macos: 2026.7.1376.0}, soak: 48h}", "soak: 48h}");
    let fixed = format!("{fixed}forbid: [{{versions: '=2026.8.2100', reason: case 4711}}]\n");
    walk.write_plan(&fixed);
    // 3.: what is not as the copy left it halts.
    let mut daemon = ringward_on(&walk, &restored).spawn().unwrap();
    let halted = |state: &State| state.plans.values().any(|plan| plan.rollout.halted.is_some());
    wait(&mut daemon, &restored, "a halt by drift", halted);
    assert_eq!(walk.writes(), before, "stopped, and halted beside");
    // 4.
    type_in(&restored, &["start"]);
    type_in(&restored, &["resume", "short"]);
    wait(&mut daemon, &restored, "every ring verified on the earlier version", completed);
    terminate(&mut daemon);
    let after: Vec<_> = walk.writes().into_iter().skip(before.len()).collect();
    assert!(!after.is_empty(), "the second ring gets the earlier version");
    for write in after {
        let body = write.body.unwrap().to_string();
        assert!(!body.contains("2026.8.2100.0"), "{body}");
    }
    assert_lawful(&restored, &[]);
}
