//! One database, whatever leads to it, and whatever is put in its place: through the real binary.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use ringward::rollout::record::Event;
use ringward::rollout::state::RingState;
use tempfile::TempDir;

use crate::kills::{state_of, terminate};
use crate::support::{TWO_RINGS, Walk, as_read, count};
use crate::volume::{Service, changing, read};

const SPEED: f64 = 2_000.0;

/// A verb of the command line: exit code and what it said.
fn ask(database: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringward"));
        command.args(arguments).arg("--db").arg(database).env("COLUMNS", "400").output().unwrap()
    };
    let output = as_read(run, arguments);
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

/// A daemon that has entered its first ring.
struct Scene {
    walk: Walk,
    directory: TempDir,
    database: PathBuf,
    daemon: Service,
}

impl Scene {
    async fn new(seed: u64) -> Self {
        let walk = Walk::new(TWO_RINGS, SPEED, seed, 60).await;
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("r.db");
        let mut daemon = Service::start(&walk, &database);
        let entered = || {
            let plans = state_of(&read(&database)).plans;
            let mut rings = plans.values().flat_map(|plan| &plan.rollout.rings);
            rings.any(|ring| matches!(ring.stage, RingState::Adopting(_)))
        };
        daemon.wait("the first ring entered", entered);
        Self { walk, directory, database, daemon }
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn stops(&self) -> usize {
        count(&read(&self.database), |event| *event == Event::Stopped {})
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_leads_to_the_daemon_and_a_copy_does_not() {
    let mut scene = Scene::new(71).await;
    let (link, copy) = (scene.beside("l.db"), scene.beside("copy.db"));
    symlink(&scene.database, &link).unwrap();
    let (code, said) = scene.daemon.ask(&["backup", copy.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{said}");

    let (code, said) = ask(&copy, &["stop", "--reason", "dns is down"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("nothing that runs was stopped") && !said.contains("Stopped:"), "{said}");
    assert_eq!(scene.stops(), 0, "the daemon beside it goes on");

    let (code, said) = ask(&link, &["status"]);
    assert!(code == Some(0) && said.contains("short"), "{said}");
    let (code, said) = ask(&link, &["stop", "--reason", "dns is down"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("Stopped:") && said.contains("r.db.stop"), "{said}");
    assert!(!said.contains("l.db.stop"), "{said}");
    let database = scene.database.clone();
    let stopped = || count(&read(&database), |event| *event == Event::Stopped {}) == 1;
    scene.daemon.wait("the stop on record", stopped);
    let (code, said) = ask(&link, &["start", "--reason", "dns is up"]);
    assert_eq!(code, Some(0), "{said}");
    terminate(&mut scene.daemon.child);
}

/// What is acknowledged from then on would stand in a file that has no name any more.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_once_another_file_has_its_name() {
    let scene = Scene::new(72).await;
    let copy = scene.beside("copy.db");
    let (code, said) = scene.daemon.ask(&["backup", copy.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = scene.daemon.ask(&["pause", "short", "--reason", "after the copy"]);
    assert_eq!(code, Some(0), "{said}");
    // As `install` does; but its write-ahead log belongs to the old file, and holds what the copy lacks.
    for suffix in ["-wal", "-shm"] {
        std::fs::remove_file(scene.beside(&format!("r.db{suffix}"))).unwrap();
    }
    std::fs::rename(&copy, &scene.database).unwrap();
    let (code, said) = scene.daemon.ask(&["resume", "short", "--reason", "a record in no file"]);
    assert_eq!(code, Some(1), "{said}");
    let writes = changing(&scene.walk).len();
    let database = scene.database.clone();
    let end = scene.daemon.ended();
    assert_eq!(end.code, Some(1), "{}", end.said);
    assert!(end.said.contains("is not the one that this daemon wrote"), "{}", end.said);
    assert_eq!(changing(&scene.walk).len(), writes);
    let reasons: Vec<_> = read(&database).into_iter().map(|recorded| recorded.entry.reason).collect();
    assert!(!reasons.iter().any(|reason| reason == "a record in no file"), "{reasons:?}");
}

/// The write-ahead log of the old file is read with the new one, and has all that the copy lacks: nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_the_write_ahead_log_completes_is_the_log() {
    let mut scene = Scene::new(75).await;
    let copy = scene.beside("copy.db");
    let (code, said) = scene.daemon.ask(&["pause", "short", "--reason", "before the copy"]);
    assert_eq!(code, Some(0), "{said}");
    std::fs::copy(&scene.database, &copy).unwrap();
    std::fs::rename(&copy, &scene.database).unwrap();
    let resume = ["resume", "short", "--reason", "it goes on"];
    // The first finds the file out, which is then opened and read again.
    let tries = std::iter::repeat_with(|| scene.daemon.ask(&resume)).take(1_000);
    let told: Vec<_> = tries.take_while(|(code, _)| *code != Some(0)).collect();
    assert!(told.len() < 1_000 && told.iter().all(|(code, _)| *code == Some(1)), "{told:?}");
    let log = read(&scene.database);
    let lifted = count(&log, |event| matches!(event, Event::PauseLifted { .. }));
    assert_eq!((count(&log, |event| matches!(event, Event::Paused { .. })), lifted), (1, 1));
    terminate(&mut scene.daemon.child);
}

/// A second daemon takes the lock of the new file: the first does nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_whose_file_was_removed_is_no_lock() {
    let mut scene = Scene::new(73).await;
    let lock = scene.beside("r.db.lock");
    std::fs::remove_file(&lock).unwrap();
    let mut second = Service::start(&scene.walk, &scene.database);
    let database = scene.database.clone();
    let starts = || count(&read(&database), |event| matches!(event, Event::DaemonStarted { .. }));
    second.wait("a second daemon", || starts() == 2);
    let said = format!("is in use by process {}", second.pid());
    second.wait("the first one's word", || scene.daemon.said().contains(&said));
    terminate(&mut second.child);
    terminate(&mut scene.daemon.child);
}

/// A daemon goes by one name: SQLite's own files beside another name would be another log.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_name_of_the_file_starts_no_second_daemon() {
    let mut scene = Scene::new(74).await;
    let second = scene.beside("second.db");
    std::fs::hard_link(&scene.database, &second).unwrap();
    let end = Service::start(&scene.walk, &second).ended();
    assert_eq!(end.code, Some(1), "{}", end.said);
    assert!(end.said.contains("has 2 names (hard links)"), "{}", end.said);
    terminate(&mut scene.daemon.child);
}
