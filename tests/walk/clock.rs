//! Steps of the machine's clock under the real binary, by `faketime`: each is on record, a soak is not
//! cut short by one, and no law is broken.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use ringward::rollout::record::{Event, Recorded};
use ringward::rollout::state::RingState;
use ringward::time::{SignedDuration, Timestamp, after, since};

use crate::kills::{state_of, terminate};
use crate::support::{TWO_RINGS, Walk, count};
use crate::volume::{Service, changing, read};

/// Simulated seconds a second: a soak of two days takes a minute without steps.
const SPEED: f64 = 3_000.0;

/// Debian's package, installed where it is missing, as the suites in other languages do it.
pub(crate) fn library() -> PathBuf {
    let find = || {
        let directories = std::fs::read_dir("/usr/lib").unwrap().filter_map(Result::ok);
        directories.map(|entry| entry.path().join("faketime/libfaketimeMT.so.1")).find(|path| path.exists())
    };
    // One at a time: the package manager has one lock.
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one = INSTALLING.lock();
    find().unwrap_or_else(|| {
        let script = "source tests/support/tools.sh && need_apt faketime=faketime";
        let installed = Command::new("bash").args(["-c", script]).status().unwrap();
        assert!(installed.success(), "the Debian package faketime is missing and cannot be installed");
        find().expect("the package has the library")
    })
}

pub(crate) fn set(offset: &Path, text: &str) {
    // In one step: half a file would be another time.
    let draft = offset.with_extension("draft");
    std::fs::write(&draft, text).unwrap();
    std::fs::rename(&draft, offset).unwrap();
}

fn steps(log: &[Recorded]) -> Vec<(Timestamp, Timestamp)> {
    let steps = log.iter().filter_map(|recorded| match recorded.entry.event {
        Event::ClockStepped { from, to } => Some((from, to)),
        _ => None,
    });
    steps.collect()
}

fn soaks(log: &[Recorded]) -> bool {
    let state = state_of(log);
    state
        .plans
        .values()
        .flat_map(|plan| &plan.rollout.rings)
        .any(|ring| matches!(ring.stage, RingState::Soaking(..)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_two_hours_either_way_skips_no_soak() {
    // First: while it is installed, weeks of the fast clock go by.
    let library = library();
    let walk = Arc::new(Walk::new(TWO_RINGS, SPEED, 51, 60).await);
    tokio::task::spawn_blocking(move || {
        let directory = tempfile::tempdir().unwrap();
        let (database, offset) = (directory.path().join("ringward.db"), directory.path().join("offset"));
        set(&offset, "+0");
        let mut daemon = Service::start_with(&walk, &database, |command| {
            command
                .env("LD_PRELOAD", &library)
                .env("FAKETIME_TIMESTAMP_FILE", &offset)
                .env("FAKETIME_NO_CACHE", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("DONT_FAKE_MONOTONIC", "1");
        });
        daemon.wait("the first ring soaks", || soaks(&read(&database)));
        assert_eq!(steps(&read(&database)), []);
        let writes = changing(&walk).len();

        // Two hours of the machine are months of this clock: far past the end of every soak.
        set(&offset, "+2h");
        daemon.wait("the step forward on record", || steps(&read(&database)).len() == 1);
        let (from, to) = steps(&read(&database))[0];
        let two_hours = SignedDuration::from_secs(7_200 * 3_000);
        assert!(since(from, to) >= two_hours, "{from} to {to}");
        // Until the devices were looked at again: from then on the soak could be called over.
        let later = after(to, SignedDuration::from_hours(3));
        let metrics = daemon.door();
        daemon.wait("decisions on a new look", || decided_at(&metrics.get("/metrics")) >= Some(later));
        let log = read(&database);
        let verified = count(&log, |event| matches!(event, Event::RingVerified { .. }));
        assert_eq!(verified, 0, "no soak is over by a step of the clock");
        assert_eq!(count(&log, |event| matches!(event, Event::Halted { .. })), 0);

        set(&offset, "+0");
        daemon.wait("the step back on record", || steps(&read(&database)).len() == 2);
        let (from, to) = steps(&read(&database))[1];
        // Less what passed between the last look and this one: the loop looks each minute of the machine's.
        let between_looks = SignedDuration::from_secs(90 * 3_000);
        assert!(since(to, from) + between_looks >= two_hours, "{from} to {to}");
        assert_eq!(changing(&walk).len(), writes, "nothing is written before the clock has caught up");
        terminate(&mut daemon.child);
        // faketime leaves them, and refuses to begin in a later process of the same number.
        for kind in ["faketime_shm_", "sem.faketime_sem_"] {
            std::fs::remove_file(format!("/dev/shm/{kind}{}", daemon.child.id())).unwrap();
        }
        let verified = Command::new(env!("CARGO_BIN_EXE_ringward"))
            .args(["history", "--verify", "--db"])
            .arg(&database)
            .output()
            .unwrap();
        assert!(verified.status.success(), "{verified:?}");
    })
    .await
    .unwrap();
}

/// When the last decision was made, by a scrape.
fn decided_at(metrics: &str) -> Option<Timestamp> {
    let mut lines = metrics.lines();
    let line = lines.find_map(|line| line.strip_prefix("ringward_last_decision_timestamp_seconds "))?;
    Timestamp::from_second(line.parse::<f64>().ok()? as i64).ok()
}
