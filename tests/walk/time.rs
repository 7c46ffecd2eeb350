//! A machine's clock that is wrong under the real binary at real speed, by `faketime` with the monotonic
//! clock left alone: nothing is written by it, requests go on, and it ends by itself or by `confirm clock`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use ringward::rollout::record::{Cancelled, Event, Mode};
use ringward::time::Clock;

use crate::clock::{library, set};
use crate::kills::{state_of, terminate};
use crate::support::{TWO_RINGS, Walk, count, end, until};
use crate::volume::{Service, changing, read};

/// A daemon whose clock is set through a file.
struct Faked {
    walk: Arc<Walk>,
    directory: tempfile::TempDir,
    daemon: Service,
}

impl Faked {
    fn start(walk: &Arc<Walk>, library: &PathBuf, offset: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("offset");
        set(&file, offset);
        let daemon = Service::start_with(walk, &directory.path().join("ringward.db"), |command| {
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME_TIMESTAMP_FILE", &file)
                .env("FAKETIME_NO_CACHE", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("DONT_FAKE_MONOTONIC", "1");
        });
        Self { walk: Arc::clone(walk), directory, daemon }
    }

    fn set(&self, offset: &str) {
        set(&self.directory.path().join("offset"), offset);
    }

    /// Waits until a metric of no labels, or with them, has a value that fits.
    fn wait_for(&mut self, metric: &str, fits: impl Fn(f64) -> bool) {
        let door = self.daemon.door();
        self.daemon.wait(metric, || value(&door.get("/metrics"), metric).is_some_and(&fits));
    }

    /// Waits until one of some metrics is 1.
    fn wait_for_any(&mut self, metrics: &[&str]) {
        let door = self.daemon.door();
        self.daemon.wait("a doubt", || {
            let text = door.get("/metrics");
            metrics.iter().any(|metric| value(&text, metric) == Some(1.0))
        });
    }

    /// Asks Cloudflare anew until a metric has a value that fits.
    fn look_until(&mut self, metric: &str, fits: impl Fn(f64) -> bool) {
        let door = self.daemon.door();
        let (database, binary) = (self.daemon.database.clone(), env!("CARGO_BIN_EXE_ringward"));
        self.daemon.wait(metric, || {
            let asked = Command::new(binary).args(["check-now", "short", "--db"]).arg(&database).output();
            assert!(asked.is_ok());
            value(&door.get("/metrics"), metric).is_some_and(&fits)
        });
    }

    fn reads(&self) -> usize {
        self.walk.sandbox.journal().requests.iter().filter(|row| row.method == "GET").count()
    }

    fn writes(&self) -> usize {
        changing(&self.walk).len()
    }

    fn wait_for_a_write(&mut self) {
        let walk = Arc::clone(&self.walk);
        self.daemon.wait("a write", || !changing(&walk).is_empty());
    }

    /// Waits until Cloudflare was asked so often, by a daemon that nobody asks.
    fn wait_for_reads(&mut self, reads: usize) {
        let walk = Arc::clone(&self.walk);
        let asked = move || walk.sandbox.journal().requests.iter().filter(|row| row.method == "GET").count();
        self.daemon.wait("requests", || asked() >= reads);
    }

    /// Ends it, and verifies what it recorded.
    fn end(mut self) {
        terminate(&mut self.daemon.child);
        // faketime leaves them, and refuses to begin in a later process of the same number.
        for kind in ["faketime_shm_", "sem.faketime_sem_"] {
            std::fs::remove_file(format!("/dev/shm/{kind}{}", self.daemon.child.id())).unwrap();
        }
        let log = read(&self.daemon.database);
        state_of(&log);
        let (code, said) = self.daemon.ask(&["history", "--verify"]);
        assert_eq!(code, Some(0), "{said}");
    }
}

fn value(metrics: &str, metric: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' ')?.parse().ok())
}

const BEHIND: &str = "ringward_clock_behind_seconds";
const DIFFERS: &str = r#"ringward_clock_doubted{code="clock_differs"}"#;
const UNKNOWN: &str = r#"ringward_clock_doubted{code="clock_unknown"}"#;

async fn walk(seed: u64) -> Arc<Walk> {
    Arc::new(Walk::on(Clock::Real, TWO_RINGS, seed, 60).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_ahead_at_the_start_writes_nothing_until_a_person_confirms_the_right_one() {
    let library = library();
    for (row, offset, seconds) in [
        ("34 hours", "+34h", 122_400.0),
        ("40 days", "+40d", 3_456_000.0),
        ("400 days", "+400d", 34_560_000.0),
    ] {
        let (walk, library) = (walk(61).await, library.clone());
        tokio::task::spawn_blocking(move || {
            let mut faked = Faked::start(&walk, &library, offset);
            faked.wait_for(DIFFERS, |value| value == 1.0);
            let status = faked.daemon.status();
            // Who lets revisions take effect heads every status; then it is what is said first.
            let first = status.lines().filter(|line| !line.is_empty()).nth(1).unwrap();
            assert!(first.contains("ahead of Cloudflare's"), "{row}: {status}");
            let (code, said) = faked.daemon.ask(&["confirm", "clock", "--reason", "it is right"]);
            assert_eq!(code, Some(3), "{row}: {said}");
            assert_eq!(faked.writes(), 0, "{row}");

            faked.set("+0");
            faked.wait_for(BEHIND, |behind| (behind - seconds).abs() < 600.0);
            let reads = faked.reads();
            faked.look_until(DIFFERS, |value| value == 0.0);
            assert!(faked.reads() > reads, "{row}: requests go on");
            assert_eq!(faked.writes(), 0, "{row}: nothing is written by a clock behind its log");
            let (code, said) = faked.daemon.ask(&["confirm", "clock", "--reason", "the battery was flat"]);
            assert_eq!(code, Some(0), "{row}: {said}");
            faked.wait_for(BEHIND, |behind| behind == 0.0);
            faked.wait_for_a_write();
            let log = read(&faked.daemon.database);
            assert_eq!(count(&log, |event| matches!(event, Event::ClockConfirmed { .. })), 1, "{row}");
            faked.end();
        })
        .await
        .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_ten_seconds_ahead_at_boot_catches_up_by_itself() {
    let (walk, library) = (walk(62).await, library());
    tokio::task::spawn_blocking(move || {
        let mut faked = Faked::start(&walk, &library, "+10s");
        faked.wait_for("ringward_events_total", |events| events > 0.0);
        // The log's last record is as far ahead as the clock, however long the start took.
        let (code, said) = faked.daemon.ask(&["pause", "short", "--reason", "a look at the clock"]);
        assert_eq!(code, Some(0), "{said}");
        faked.set("+0");
        faked.look_until(BEHIND, |behind| behind > 0.0);
        faked.wait_for(BEHIND, |behind| behind == 0.0);
        let (code, said) = faked.daemon.ask(&["resume", "short", "--reason", "it is right"]);
        assert_eq!(code, Some(0), "{said}");
        faked.wait_for_a_write();
        faked.end();
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_runs_ahead_for_a_moment_is_believed_no_more() {
    let (walk, library) = (walk(63).await, library());
    tokio::task::spawn_blocking(move || {
        let mut faked = Faked::start(&walk, &library, "+0");
        faked.wait_for_a_write();
        faked.wait_for(UNKNOWN, |value| value == 0.0);
        let writes = faked.writes();
        faked.set("+2h");
        // Not compared yet, or compared already: it is in doubt before anybody asks.
        faked.wait_for_any(&[UNKNOWN, DIFFERS]);
        faked.look_until(DIFFERS, |value| value == 1.0);
        faked.set("+0");
        faked.wait_for(BEHIND, |behind| behind > 7_000.0);
        let reads = faked.reads();
        faked.look_until(DIFFERS, |value| value == 0.0);
        assert!(faked.reads() > reads, "requests go on");
        let health = faked.daemon.ask(&["healthcheck"]);
        assert!(health.1.contains("behind what ringward has recorded"), "{health:?}");
        assert_eq!(faked.writes(), writes);
        let (code, said) = faked.daemon.ask(&["confirm", "clock", "--reason", "NTP was off"]);
        assert_eq!(code, Some(0), "{said}");
        faked.wait_for(BEHIND, |behind| behind == 0.0);
        faked.end();
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_on_by_themselves_on_a_clock_that_ran_ahead() {
    let library = library();
    // At sixty times real speed a look is due every five seconds, and two minutes are two hours.
    let walk = Arc::new(Walk::new(TWO_RINGS, 60.0, 67, 60).await);
    tokio::task::spawn_blocking(move || {
        let mut faked = Faked::start(&walk, &library, "+0");
        faked.wait_for_a_write();
        faked.set("+120");
        // More than one round of reads: it has decided by the clock that is ahead.
        let reads = faked.reads();
        faked.wait_for_reads(reads + 6);
        faked.set("+0");
        let (reads, writes) = (faked.reads(), faked.writes());
        faked.wait_for_reads(reads + 6);
        let health = faked.daemon.ask(&["healthcheck"]);
        assert!(health.1.contains("behind what ringward has recorded"), "{health:?}");
        assert_eq!(faked.writes(), writes, "and nothing is written");
        faked.end();
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_behind_cloudflares_writes_nothing() {
    let (walk, library) = (walk(64).await, library());
    tokio::task::spawn_blocking(move || {
        let mut faked = Faked::start(&walk, &library, "-2h");
        faked.wait_for(DIFFERS, |value| value == 1.0);
        assert!(faked.daemon.status().contains("behind Cloudflare's"));
        assert_eq!(faked.writes(), 0);
        faked.set("+0");
        faked.look_until(DIFFERS, |value| value == 0.0);
        faked.wait_for_a_write();
        faked.end();
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_lies_or_is_missing_keeps_every_write_back() {
    for (kind, seconds, metric) in [("wrong_date", Some(3_600), DIFFERS), ("no_date", None, UNKNOWN)] {
        let walk = walk(65).await;
        let mut fault = serde_json::json!({"operation": "any", "kind": kind, "times": 1_000_000});
        if let Some(seconds) = seconds {
            fault["seconds"] = seconds.into();
        }
        let fault = serde_json::from_value(fault).unwrap();
        walk.sandbox.with_account(|account| account.add_faults(&[fault])).unwrap();
        tokio::task::spawn_blocking(move || {
            let database = walk.database();
            let mut daemon = Service::start(&walk, &database);
            let door = daemon.door();
            daemon.wait(metric, || value(&door.get("/metrics"), metric) == Some(1.0));
            assert!(changing(&walk).is_empty(), "{kind}");
            walk.sandbox.with_account(ringward::sandbox::Account::clear_faults);
            daemon.wait("a write", || {
                let asked = daemon_asks(&database);
                assert!(asked.is_ok());
                !changing(&walk).is_empty()
            });
        })
        .await
        .unwrap();
    }
}

fn daemon_asks(database: &std::path::Path) -> std::io::Result<std::process::Output> {
    Command::new(env!("CARGO_BIN_EXE_ringward")).args(["check-now", "short", "--db"]).arg(database).output()
}

const fn ends_a_write(event: &Event) -> bool {
    matches!(event, Event::WriteConfirmed { .. } | Event::WriteCancelled { .. } | Event::WriteRefused { .. })
}

/// Just before a write one answer is enough, whatever the others say.
#[tokio::test(flavor = "multi_thread")]
async fn one_answer_that_is_off_just_before_a_write_cancels_it() {
    for kind in ["wrong_date", "no_date"] {
        // At real speed: the lists of groups are five minutes apart, but for the look before the write.
        let walk = Walk::on(Clock::Real, TWO_RINGS, 66, 60).await;
        let mut fault = serde_json::json!({"operation": "list-deployment-groups", "kind": kind, "skip": 1});
        if kind == "wrong_date" {
            fault["seconds"] = 3_600.into();
        }
        let fault = serde_json::from_value(fault).unwrap();
        walk.sandbox.with_account(|account| account.add_faults(&[fault])).unwrap();
        let daemon = walk.daemon(Mode::Write).await;
        let cancelled = |event: &Event| {
            matches!(event, Event::WriteCancelled { why: Cancelled::ClockDiffers { .. }, .. })
        };
        until(&daemon, "a write that is cancelled", |_| count(&read(&walk.database()), cancelled) == 1).await;
        end(daemon).await;
        let log = read(&walk.database());
        // Once the answers agree again it may be planned anew, and sent.
        let planned = count(&log, |event| matches!(event, Event::WritePlanned { .. }));
        assert!(changing(&walk).len() < planned, "{kind}: the write that was cancelled was sent");
        let first = log.iter().map(|recorded| &recorded.entry.event).find(|event| ends_a_write(event));
        assert!(first.is_some_and(cancelled), "{kind}: {first:?}");
        assert_eq!(count(&log, |event| matches!(event, Event::Halted { .. })), 0, "{kind}");
    }
}
