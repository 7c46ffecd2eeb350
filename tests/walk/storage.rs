//! Storage faults: a disk that fills up, a volume that turns read-only, damaged pages, rows that
//! somebody altered. After the first sign no changing request leaves, the daemon says what, why and what
//! to do, and the documented way back leads to the end that the rollout has without the fault.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use ringward::rollout::laws::{Tolerance, check_within};
use ringward::rollout::record::{Event, Recorded};
use ringward::rollout::state::RingState;
use ringward::sandbox::FaultScript;
use ringward::time::{SignedDuration, after};

use crate::kills::{completed, state_of, terminate, unanswered};
use crate::support::{TWO_RINGS, Walk, count, upstream_writes};
use crate::volume::{Service, Shortage, Volume, changing, full_disk, may_mount, read};

const SPEED: f64 = 20_000.0;

/// When the room runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Before the first ring is entered: its intent finds no room.
    Entering,
    /// While a write is on its way: its outcome finds no room.
    BetweenIntentAndOutcome,
    /// While devices arrive: sightings find no room.
    Observing,
}

fn faults(walk: &Walk, script: serde_json::Value) {
    let scripts: Vec<FaultScript> = serde_json::from_value(script).unwrap();
    walk.sandbox.with_account(|account| account.add_faults(&scripts).unwrap());
}

/// No ring can be entered while the groups cannot be read.
fn hide_groups(walk: &Walk) {
    faults(
        walk,
        serde_json::json!([{"operation": "list-deployment-groups", "kind": "server_error", "times": 100_000}]),
    );
}

fn show_groups(walk: &Walk) {
    walk.sandbox.with_account(ringward::sandbox::Account::clear_faults);
}

fn hold_answers(walk: &Walk) {
    faults(
        walk,
        serde_json::json!([{"operation": "create-deployment-group", "kind": "delay", "hold_wall_ms": 1_500}]),
    );
}

fn is_entered(log: &[Recorded]) -> bool {
    let state = state_of(log);
    state
        .plans
        .values()
        .flat_map(|plan| &plan.rollout.rings)
        .any(|ring| matches!(ring.stage, RingState::Adopting(_)))
}

/// What every run must come to: all rings verified, one write for each, no law broken.
fn assert_as_without(row: &str, walk: &Walk, database: &Path) {
    let log = read(database);
    assert!(completed(&state_of(&log)), "{row}");
    let writes: Vec<_> = changing(walk);
    let applied: Vec<_> = writes.iter().filter(|write| write.applied == Some(true)).collect();
    assert_eq!(applied.len(), 2, "{row}: one write for each ring: {writes:#?}");
    assert_eq!(writes.len(), 2, "{row}: no write is repeated: {writes:#?}");
    let limits =
        Tolerance { in_transit: SignedDuration::from_hours(2), watch_max_age: SignedDuration::from_hours(6) };
    let found = check_within(&log, &upstream_writes(&writes, &log, |_| false), limits);
    assert!(found.is_empty(), "{row}: {found:#?}");
    verify(database);
}

fn verify(database: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_ringward"))
        .args(["history", "--verify", "--db"])
        .arg(database)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Brings the daemon to the moment, and takes its room away.
fn run_out_of_room(walk: &Walk, daemon: &mut Service, volume: &Volume, moment: Moment) {
    let database = volume.database();
    match moment {
        Moment::Entering => {
            daemon.wait("groups that cannot be read", || daemon_says(&database, "deployment groups"));
            volume.fill(daemon.pid());
            show_groups(walk);
        }
        Moment::BetweenIntentAndOutcome => {
            daemon.wait("a write on its way", || !changing(walk).is_empty());
            assert!(unanswered(&state_of(&read(&database))), "its intent is on record");
            volume.fill(daemon.pid());
        }
        Moment::Observing => {
            daemon.wait("devices that arrive", || is_entered(&read(&database)));
            volume.fill(daemon.pid());
        }
    }
}

fn daemon_says(database: &Path, what: &str) -> bool {
    let output = Command::new(env!("CARGO_BIN_EXE_ringward")).args(["status", "--db"]).arg(database).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(what))
}

/// What page, API, metrics, probes and command line say while the log cannot be written.
fn assert_told(row: &str, daemon: &Service) {
    let ready = daemon.get("/readyz");
    assert!(
        ready.starts_with("HTTP/1.1 503") && ready.contains("the log cannot be written"),
        "{row}: {ready}"
    );
    let alive = daemon.get("/healthz");
    assert!(alive.starts_with("HTTP/1.1 200"), "{row}: a restart would not fix it: {alive}");
    let metrics = daemon.get("/metrics");
    for line in
        ["ringward_log_unwritable 1", "ringward_rollout_blocker{code=\"log_unwritable\",plan=\"short\"} 1"]
    {
        assert!(metrics.contains(line), "{row}: `{line}` is missing in {metrics}");
    }
    let page = daemon.get("/");
    assert!(page.contains("The log cannot be written"), "{row}: {page}");
    let (code, said) = daemon.ask(&["explain", "short"]);
    assert_eq!(code, Some(0), "{row}: {said}");
    assert!(said.contains("ringward's log cannot be written"), "{row}: {said}");
    // A verb that cannot be recorded is not done, and says so; a stop works all the same.
    let (code, said) = daemon.ask(&["pause", "short", "--reason", "a look first"]);
    assert_eq!(code, Some(1), "{row}: {said}");
    assert!(said.contains("it could not be recorded, so it is not done"), "{row}: {said}");
}

fn shortage_of_room(walk: &Walk, shortage: Shortage, moment: Moment) {
    let row = format!("{moment:?}, {shortage:?}");
    let volume = Volume::new(shortage);
    let database = volume.database();
    match moment {
        Moment::Entering => hide_groups(walk),
        Moment::BetweenIntentAndOutcome => hold_answers(walk),
        Moment::Observing => {}
    }
    let mut daemon = Service::start(walk, &database);
    run_out_of_room(walk, &mut daemon, &volume, moment);
    let address = &daemon.database.clone();
    daemon.wait("the first sign", || daemon_says(address, "The log cannot be written"));
    let status = daemon.status();
    let why = match shortage {
        Shortage::Full => "the disk is full (free some space",
        Shortage::Limit => "the disk reports an error (look at",
    };
    assert!(status.contains(why), "{row}: {status}");
    assert_told(&row, &daemon);

    let (records, writes) = (read(&database).len(), changing(walk).len());
    let later = after(walk.clock.now(), SignedDuration::from_hours(12));
    daemon.wait("half a day without room", || walk.clock.now() >= later);
    assert_eq!(changing(walk).len(), writes, "{row}: nothing is sent after the first sign");
    assert_eq!(read(&database).len(), records, "{row}");
    assert_eq!(writes, usize::from(moment != Moment::Entering), "{row}");

    volume.free(daemon.pid());
    daemon.wait("the end of the rollout", || completed(&state_of(&read(&database))));
    assert!(!daemon.status().contains("cannot be written"), "{row}");
    assert!(daemon.get("/readyz").starts_with("HTTP/1.1 200"), "{row}");
    terminate(&mut daemon.child);
    assert_as_without(&row, walk, &database);
    let log = read(&database);
    let reopened =
        log.iter().filter(|recorded| recorded.entry.reason.starts_with("the log was opened again"));
    assert!(reopened.count() >= 1, "{row}: the loss is on record");
    let doubts = count(&log, |event| matches!(event, Event::WriteDoubted { .. }));
    let settled = count(&log, |event| matches!(event, Event::WriteSettled { .. }));
    let expected = usize::from(moment == Moment::BetweenIntentAndOutcome);
    assert_eq!(
        (doubts, settled),
        (expected, expected),
        "{row}: a write without an answer has an unknown outcome"
    );
}

async fn with_walk(seed: u64, run: impl FnOnce(&Walk) + Send + 'static) {
    let plan = TWO_RINGS.replace("plan: short", "plan: short\ndescription: a walk over broken disks");
    let walk = Arc::new(Walk::new(&plan, SPEED, seed, 60).await);
    tokio::task::spawn_blocking(move || run(&walk)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_before_a_write_nothing_is_sent() {
    with_walk(31, |walk| shortage_of_room(walk, full_disk(), Moment::Entering)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_for_an_outcome_the_write_is_in_doubt_and_not_repeated() {
    with_walk(32, |walk| shortage_of_room(walk, full_disk(), Moment::BetweenIntentAndOutcome)).await;
    with_walk(33, |walk| shortage_of_room(walk, Shortage::Limit, Moment::BetweenIntentAndOutcome)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_for_sightings_nothing_more_is_decided() {
    with_walk(34, |walk| shortage_of_room(walk, full_disk(), Moment::Observing)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_works_on_a_full_disk_and_is_recorded_later() {
    with_walk(35, |walk| {
        hide_groups(walk);
        let volume = Volume::new(full_disk());
        let database = volume.database();
        let mut daemon = Service::start(walk, &database);
        run_out_of_room(walk, &mut daemon, &volume, Moment::Entering);
        daemon.wait("the first sign", || daemon_says(&database, "The log cannot be written"));
        let (code, said) = daemon.ask(&["stop", "--reason", "dns is down"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("stopped"), "{said}");
        volume.free(daemon.pid());
        daemon
            .wait("the stop on record", || count(&read(&database), |event| *event == Event::Stopped {}) == 1);
        assert!(changing(walk).is_empty());
        terminate(&mut daemon.child);
        verify(&database);
    })
    .await;
}

/// Neither the log nor the stop file can be written: the daemon keeps the stop in memory.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_works_where_not_even_its_file_can_be_written() {
    if !may_mount() {
        println!("mounting is denied here");
        return;
    }
    with_walk(64, |walk| {
        hide_groups(walk);
        let volume = Volume::new(Shortage::Full);
        let database = volume.database();
        let mut daemon = Service::start(walk, &database);
        run_out_of_room(walk, &mut daemon, &volume, Moment::Entering);
        daemon.wait("the first sign", || daemon_says(&database, "The log cannot be written"));
        volume.turn_read_only();
        let (code, said) = daemon.ask(&["stop", "--reason", "dns is down"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("keeps it in memory"), "{said}");
        volume.turn_writable();
        volume.free(daemon.pid());
        daemon
            .wait("the stop on record", || count(&read(&database), |event| *event == Event::Stopped {}) == 1);
        assert!(changing(walk).is_empty());
        terminate(&mut daemon.child);
        verify(&database);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_on_a_full_disk_says_so_and_works_once_there_is_room() {
    if !may_mount() {
        // A limit cannot be set before the process is there; the store's own tests start under one.
        println!("mounting is denied here: a start without room is left to the suite `store`");
        return;
    }
    with_walk(36, |walk| {
        let volume = Volume::new(Shortage::Full);
        let database = volume.database();
        volume.fill(0);
        let end = Service::start(walk, &database).ended();
        assert_eq!(end.code, Some(1), "{}", end.said);
        assert!(end.said.contains("No space left") || end.said.contains("disk is full"), "{}", end.said);
        assert!(changing(walk).is_empty());
        volume.free(0);
        let mut daemon = Service::start(walk, &database);
        daemon.wait("devices that arrive", || is_entered(&read(&database)));
        terminate(&mut daemon.child);
        verify(&database);
    })
    .await;
}

/// Altered with another tool, behind the triggers; python3 is there for the tests anyway.
fn alter(database: &Path, statement: &str) {
    let script = "import sqlite3, sys\nconnection = sqlite3.connect(sys.argv[1])\nconnection.executescript(sys.argv[2])\nconnection.commit()";
    let output = Command::new("python3").args(["-c", script]).arg(database).arg(statement).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

const FORGED: &str =
    "DROP TRIGGER events_no_update; UPDATE events SET reason = 'nothing to see' WHERE seq = 2;";

/// Changes one byte of a text wherever it stands, past SQLite: in the file and in the write-ahead log
/// beside it, of which the later one is read; some places may be what a divided page left behind.
fn flip(database: &Path, text: &str) {
    let log = PathBuf::from(format!("{}-wal", database.display()));
    let mut places = 0;
    for path in [database, &log].into_iter().filter(|path| path.exists()) {
        let bytes = std::fs::read(path).unwrap();
        // In place: the daemon, if it runs, has this very file open.
        let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        let all = bytes.windows(text.len()).enumerate().filter(|(_, window)| *window == text.as_bytes());
        for (at, _) in all {
            std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(at as u64)).unwrap();
            std::io::Write::write_all(&mut file, &[bytes[at] ^ 0x20]).unwrap();
            places += 1;
        }
    }
    assert!(places > 0, "`{text}` is not in the file");
}

/// Overwrites whole pages after the first.
fn scribble(database: &Path) {
    let mut bytes = std::fs::read(database).unwrap();
    for byte in bytes.iter_mut().skip(4_096).take(8 * 4_096) {
        *byte = 0xa5;
    }
    std::fs::write(database, bytes).unwrap();
}

fn assert_refuses(row: &str, walk: &Walk, database: &Path, pieces: &[&str]) {
    let writes = changing(walk).len();
    let end = Service::start(walk, database).ended();
    assert_eq!(end.code, Some(1), "{row}: {}", end.said);
    for piece in pieces {
        assert!(end.said.contains(piece), "{row}: `{piece}` is missing in: {}", end.said);
    }
    assert!(!end.said.contains("panicked"), "{row}: {}", end.said);
    assert_eq!(changing(walk).len(), writes, "{row}: nothing is sent");
}

/// Found at the start: it refuses, names what it found, and the documented way back works.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_refused_and_a_backup_leads_back() {
    with_walk(37, |walk| {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("ringward.db");
        let copy = directory.path().join("copy.db");
        let mut daemon = Service::start(walk, &database);
        daemon.wait("devices that arrive", || is_entered(&read(&database)));
        let (code, said) = daemon.ask(&["backup", copy.to_str().unwrap()]);
        assert_eq!(code, Some(0), "{said}");
        terminate(&mut daemon.child);

        type Damage = fn(&Path);
        let rows: [(&str, Damage, &[&str]); 3] = [
            ("whole pages", scribble, &["is damaged", "restore a backup"]),
            (
                "a byte of a row",
                |path| flip(path, "a walk over broken disks"),
                &["record 2 ", "restore a backup"],
            ),
            (
                "a row rewritten",
                |path| alter(path, FORGED),
                &["record 2 ", "hash does not fit", "restore a backup"],
            ),
        ];
        for (row, damage, pieces) in rows {
            damage(&database);
            assert_refuses(row, walk, &database, pieces);
            // As docs/operations.md has it: the old one aside, what stood beside it away, the copy in.
            for beside in ["-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{beside}", database.display()));
            }
            std::fs::rename(&database, directory.path().join("damaged.db")).unwrap();
            std::fs::copy(&copy, &database).unwrap();
            verify(&database);
        }
        let before = read(&database).len();
        let mut daemon = Service::start(walk, &database);
        daemon.wait("the soak", || {
            read(&database)
                .iter()
                .skip(before)
                .any(|known| matches!(known.entry.event, Event::AdoptionReached { .. }))
        });
        terminate(&mut daemon.child);
        verify(&database);
        assert_eq!(changing(walk).len(), 1, "no write is repeated");
    })
    .await;
}

/// Found while it runs, before anything is sent: it ends with 1 and says what it found.
fn found_while_running(row: &str, walk: &Walk, damage: impl Fn(&Path), pieces: &[&str]) {
    hide_groups(walk);
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("ringward.db");
    // Started again and again: the first records come to lie in the file itself, not in its write-ahead
    // log, and on pages that no later record is added to: the daemon would write such a page anew, as it
    // was, and fix it.
    while !database.exists() || read(&database).len() < 40 {
        let mut daemon = Service::start(walk, &database);
        daemon.wait("groups that cannot be read", || daemon_says(&database, "deployment groups"));
        terminate(&mut daemon.child);
    }
    let mut daemon = Service::start(walk, &database);
    daemon.wait("groups that cannot be read", || daemon_says(&database, "deployment groups"));
    damage(&database);
    show_groups(walk);
    let end = daemon.ended();
    assert_eq!(end.code, Some(1), "{row}: {}", end.said);
    for piece in pieces {
        assert!(end.said.contains(piece), "{row}: `{piece}` is missing in: {}", end.said);
    }
    assert!(changing(walk).is_empty(), "{row}: nothing is sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_altered_while_it_runs_is_found_before_a_write() {
    with_walk(38, |walk| {
        found_while_running(
            "a row rewritten",
            walk,
            |path| alter(path, FORGED),
            &["record 2 ", "restore a backup"],
        );
    })
    .await;
    with_walk(39, |walk| {
        let flip = |path: &Path| flip(path, "a walk over broken disks");
        found_while_running("a byte of a row", walk, flip, &["record 2 ", "restore a backup"]);
    })
    .await;
    with_walk(40, |walk| {
        // The file is put aside and an older copy in its place: the daemon has another file open.
        let swap = |path: &Path| {
            let old = path.with_extension("old");
            std::fs::copy(path, &old).unwrap();
            for beside in ["-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{beside}", path.display()));
            }
            std::fs::rename(&old, path).unwrap();
        };
        found_while_running(
            "another file in its place",
            walk,
            swap,
            &["is not the one that this daemon wrote"],
        );
    })
    .await;
}

/// A volume that turns read-only, and the file that is away for a while.
#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_turns_read_only_is_told_and_waited_for() {
    if !may_mount() {
        println!("mounting is denied here: the row of a directory that is away stands alone");
    }
    with_walk(41, |walk| {
        hide_groups(walk);
        let shortage = full_disk();
        let volume = Volume::new(shortage);
        let database = volume.database();
        let mut daemon = Service::start(walk, &database);
        run_out_of_room(walk, &mut daemon, &volume, Moment::Entering);
        daemon.wait("the first sign", || daemon_says(&database, "The log cannot be written"));
        if shortage == Shortage::Full {
            volume.turn_read_only();
            daemon.wait("read-only told", || daemon_says(&database, "read-only"));
            volume.turn_writable();
        }
        let away = database.with_extension("away");
        std::fs::rename(&database, &away).unwrap();
        daemon.wait("the file gone told", || daemon_says(&database, "is gone"));
        let day = after(walk.clock.now(), SignedDuration::from_hours(24));
        daemon.wait("a day", || walk.clock.now() >= day);
        assert!(!database.exists(), "nothing is made in its place");
        assert!(changing(walk).is_empty());
        std::fs::rename(&away, &database).unwrap();
        volume.free(daemon.pid());
        daemon.wait("the end of the rollout", || completed(&state_of(&read(&database))));
        terminate(&mut daemon.child);
        assert_as_without("read-only, then away", walk, &database);
    })
    .await;
}

/// A database that nobody may write: refused at the start, told why, left as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_on_a_read_only_volume_says_so() {
    if !may_mount() {
        println!("mounting is denied here: the suite `store` opens read-only files");
        return;
    }
    with_walk(42, |walk| {
        let volume = Volume::new(Shortage::Full);
        let database = volume.database();
        hide_groups(walk);
        let mut daemon = Service::start(walk, &database);
        daemon.wait("a first decision", || !read(&database).is_empty());
        terminate(&mut daemon.child);
        volume.turn_read_only();
        assert_refuses("read-only", walk, &database, &["ringward.db"]);
        let end = Service::start(walk, &database).ended();
        assert!(end.said.to_lowercase().contains("read-only"), "{}", end.said);
        volume.turn_writable();
    })
    .await;
}
