//! SIGKILL at named points of the code: the real binary dies there and is started again, and the
//! run ends as the same one without a kill. Every point but those of rare events has a row, and a
//! point that is not reached fails its row.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use ringward::failpoint::{Fuse, Point};
use ringward::rollout::record::{Event, RolloutId};
use ringward::rollout::state::{Phase, RingState, State};
use ringward::sandbox::{SandboxOutcome, SandboxRequest};
use ringward::time::Stopwatch;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::kills::{assert_reads_between_writes, ringward};
use crate::stories::{Seen, Story, is_held, signal};
use crate::support::Walk;

/// Simulated seconds in one. A debug build keeps up with less.
const SPEED: f64 = if cfg!(debug_assertions) { 4_000.0 } else { 20_000.0 };
const SEED: u64 = 31;
/// A wall bound that only a hang reaches.
const HANG_SECONDS: f64 = 240.0;
/// The signal that no process can refuse.
const SIGKILL: i32 = 9;

/// Where to die, and in which story.
const ROWS: &[(&str, Story)] = &[
    // Opening the database, at a first start and at a later one.
    ("lock_taken", Story::Plain),
    ("database_there", Story::Plain),
    ("schema_written", Story::Plain),
    ("schema_committed", Story::Plain),
    ("database_claimed", Story::Plain),
    ("files_read", Story::Plain),
    ("socket_bound", Story::Plain),
    // Committing.
    ("transaction_written", Story::Plain),
    ("transaction_written:4", Story::Plain),
    ("transaction_written:8", Story::Plain),
    ("decided_daemon_started", Story::Plain),
    ("recorded_daemon_started", Story::Plain),
    ("decided_plan_accepted", Story::Plain),
    ("recorded_plan_accepted", Story::Plain),
    ("recorded_ring_reached:2", Story::Plain),
    ("decided_write_planned", Story::Plain),
    ("recorded_write_planned", Story::Plain),
    ("recorded_write_planned:2", Story::Plain),
    ("decided_write_confirmed", Story::Plain),
    ("recorded_write_confirmed", Story::Plain),
    ("decided_adoption_reached", Story::Soaked),
    ("recorded_adoption_reached", Story::Soaked),
    ("recorded_gate_waived", Story::Plain),
    ("decided_ring_verified", Story::Plain),
    ("recorded_ring_verified", Story::Soaked),
    ("decided_rollout_completed", Story::Plain),
    ("recorded_rollout_completed", Story::Plain),
    ("recorded_ring_assigned", Story::Groups),
    // Observing and showing.
    ("observations_written:4", Story::Plain),
    ("devices_saved:3", Story::Plain),
    ("snapshot_published", Story::Plain),
    ("snapshot_published:30", Story::Plain),
    // Writing.
    ("look_taken", Story::Plain),
    ("write_ready", Story::Plain),
    ("write_ready", Story::Groups),
    ("write_under_way", Story::Slow),
    ("write_under_way:2", Story::Slow),
    ("write_answered", Story::Plain),
    ("write_answered", Story::Groups),
    ("decided_write_cancelled", Story::Throttled),
    ("recorded_write_cancelled", Story::Throttled),
    ("decided_write_refused", Story::Refused),
    ("recorded_write_refused", Story::Refused),
    // Doubting: applied and unknown, then not applied and unknown.
    ("write_answered", Story::Doubts),
    ("decided_write_doubted", Story::Doubts),
    ("recorded_write_doubted", Story::Doubts),
    ("recorded_write_doubted:2", Story::Doubts),
    ("decided_doubt_read", Story::Doubts),
    ("recorded_doubt_read", Story::Doubts),
    ("recorded_doubt_read:2", Story::Doubts),
    ("decided_write_settled", Story::Doubts),
    ("recorded_write_settled:2", Story::Doubts),
    // Holding.
    ("decided_halted", Story::Refused),
    ("recorded_halted", Story::Refused),
    ("decided_halt_lifted", Story::Refused),
    ("recorded_halt_lifted", Story::Refused),
    ("decided_paused", Story::Paused),
    ("recorded_paused", Story::Paused),
    ("verb_unanswered", Story::Paused),
    ("decided_pause_lifted", Story::Paused),
    ("recorded_pause_lifted", Story::Paused),
    ("stop_file_created", Story::Stopped),
    ("stop_file_put", Story::Stopped),
    ("decided_stopped", Story::Stopped),
    ("recorded_stopped", Story::Stopped),
    ("decided_started", Story::Stopped),
    ("stop_file_stays", Story::Stopped),
    // Editing.
    ("decided_plan_revised", Story::Edited),
    ("recorded_plan_revised", Story::Edited),
    ("decided_rollout_superseded", Story::Edited),
    ("recorded_rollout_superseded", Story::Edited),
    ("recorded_ring_recognised", Story::Edited),
    // Going back: the second ring by the third write, the first by the fourth.
    ("decided_rollback_started", Story::RolledBack),
    ("recorded_rollback_started", Story::RolledBack),
    ("verb_unanswered:2", Story::RolledBack),
    ("decided_write_planned:3", Story::RolledBack),
    ("recorded_write_planned:3", Story::RolledBack),
    ("recorded_write_planned:4", Story::RolledBack),
    ("look_taken:3", Story::RolledBack),
    ("write_ready:3", Story::RolledBack),
    ("write_ready:4", Story::RolledBack),
    ("write_answered:3", Story::RolledBack),
    ("write_answered:4", Story::RolledBack),
    ("decided_write_confirmed:3", Story::RolledBack),
    ("recorded_write_confirmed:3", Story::RolledBack),
    ("decided_ring_rolled_back", Story::RolledBack),
    ("recorded_ring_rolled_back", Story::RolledBack),
    ("decided_ring_rolled_back:2", Story::RolledBack),
    ("recorded_ring_rolled_back:2", Story::RolledBack),
    ("decided_rollback_completed", Story::RolledBack),
    ("recorded_rollback_completed", Story::RolledBack),
    // Ending.
    ("end_begun", Story::Ended),
    ("checkpoint_done", Story::Ended),
    ("end_awaits_answer", Story::EndedInFlight),
    // Copying.
    ("backup_drafted", Story::CopiedOut),
    ("backup_copied", Story::CopiedOut),
    ("backup_checked", Story::CopiedOut),
    ("backup_named", Story::CopiedOut),
];

/// All by which two runs of a story are compared.
#[derive(Debug, PartialEq)]
struct Ending {
    /// The groups at the account, without their times.
    groups: Value,
    /// Our writes that took effect: method and body.
    writes: Vec<(String, Value)>,
    /// Each state that a ring came to, when it first did.
    stages: Vec<(RolloutId, String, &'static str)>,
    /// Each rollout that there was, and how it ended.
    phases: BTreeMap<RolloutId, &'static str>,
    /// Whether anything holds the plan.
    held: bool,
}

impl Ending {
    /// A ring goes back only from a write that came to nothing, or by a rollback.
    fn of(walk: &Walk) -> Self {
        let ours = walk.writes().into_iter().filter(|row| row.actor.is_none() && row.applied == Some(true));
        let mut ending = Self {
            groups: groups(walk),
            writes: ours.map(|row| (row.method, row.body.unwrap())).collect(),
            stages: Vec::new(),
            phases: BTreeMap::new(),
            held: false,
        };
        let mut state = State::default();
        let mut last = BTreeMap::new();
        for recorded in walk.log() {
            state.apply(&recorded).unwrap();
            if let Event::RolloutSuperseded { .. } = recorded.entry.event {
                ending.phases.insert(recorded.entry.rollout.clone().unwrap(), "superseded");
            }
            for rollout in state.plans.values().map(|plan| &plan.rollout) {
                ending.phases.insert(rollout.id.clone(), rollout.phase.as_str());
                for ring in &rollout.rings {
                    let (name, stage) = (ring.name.to_string(), ring.stage.as_str());
                    let before = last.insert((rollout.id.clone(), name.clone()), stage);
                    let goes_back = rollout.phase == Phase::RollingBack && stage == "deploying";
                    if let Some(before) = before.filter(|before| place(before) > place(stage) && !goes_back) {
                        assert_eq!((before, stage), ("deploying", "entering"), "{name} by {recorded:?}");
                    }
                    let step = (rollout.id.clone(), name, stage);
                    if !ending.stages.contains(&step) {
                        ending.stages.push(step);
                    }
                }
            }
        }
        ending.held = state.stop.is_some()
            || state.plans.values().any(|plan| plan.paused.is_some() || plan.rollout.halted.is_some());
        ending
    }
}

fn place(stage: &str) -> usize {
    RingState::NAMES.iter().position(|name| *name == stage).unwrap()
}

fn groups(walk: &Walk) -> Value {
    let now = walk.clock.now();
    walk.sandbox.with_account(|account| {
        let path = format!("/client/v4/accounts/{}/devices/deployment-groups", account.id());
        let token = account.token().expose_secret().to_owned();
        let outcome = account.handle(SandboxRequest::new("GET", &path).with_token(&token), now);
        let SandboxOutcome::Answer(answer) = outcome else { panic!("{outcome:?}") };
        let mut body: Value = serde_json::from_slice(&answer.sent()).unwrap();
        for group in body["result"].as_array_mut().unwrap() {
            for time in ["created_at", "updated_at"] {
                group.as_object_mut().unwrap().remove(time);
            }
        }
        body["result"].take()
    })
}

/// One run of a story, in which a process dies once at `point`, or none does.
struct Run {
    walk: Arc<Walk>,
    story: Story,
    point: Option<&'static str>,
    /// Whether a stop was seen, in the log or as a file.
    stopped: Cell<bool>,
}

impl Run {
    fn is_of_backup(&self) -> bool {
        self.point.is_some_and(|point| point.starts_with("backup_"))
    }

    /// Lives of the daemon until the story is over, as a service manager starts them.
    fn live(&self) {
        let watch = Stopwatch::start();
        let mut killed = self.is_of_backup();
        loop {
            let fuse = self.point.filter(|_| !killed).map(|point| ["--failpoint", point]);
            let mut child = ringward(&self.walk, fuse.as_ref().map_or(&[], |fuse| fuse)).spawn().unwrap();
            let (status, over) = self.one_life(&mut child, &watch);
            match (status.signal(), status.code()) {
                (Some(SIGKILL), _) if fuse.is_some() => {
                    killed = true;
                    let in_flight = ["write_under_way", "end_awaits_answer"];
                    if self.point.is_some_and(|point| in_flight.iter().any(|name| point.starts_with(name))) {
                        assert!(is_held(&self.walk), "the request was not under way");
                    }
                }
                (_, Some(0)) if over => break,
                (_, Some(0)) => {}
                _ => panic!("the daemon ended by itself: {status}"),
            }
        }
        let row = (self.point, self.story);
        assert!(killed || self.point.is_none(), "{row:?}: the point was never reached");
    }

    /// One life of the daemon: how it ended, and whether the story was over before.
    fn one_life(&self, child: &mut Child, watch: &Stopwatch) -> (ExitStatus, bool) {
        let lives = Seen::of(&self.walk).lives();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return (status, false);
            }
            let seen = Seen::of(&self.walk);
            // What is stopped stays stopped, whoever dies.
            self.stopped.set((self.stopped.get() || seen.stopped()) && !seen.has("started"));
            assert!(!self.stopped.get() || seen.stopped(), "the stop was lost");
            // Nobody asks, or ends, a daemon that is just starting.
            if seen.lives() > lives {
                if seen.completed() {
                    signal(child, "-TERM");
                    return (child.wait().unwrap(), true);
                }
                if self.story == Story::CopiedOut {
                    self.copy_out(&seen);
                }
                self.story.act(&self.walk, &seen, child);
            }
            if watch.seconds() > HANG_SECONDS {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("it never ended; the last that happened: {:#?}", seen.log.last());
            }
            sleep(Duration::from_millis(15));
        }
    }

    /// A backup, once: the one that dies leaves no file under its name, or a whole one; the next
    /// succeeds.
    fn copy_out(&self, seen: &Seen) {
        let beside = |name: &str| self.walk.database().with_file_name(name);
        let (first, copied) = (beside("first.db"), beside("copied"));
        if copied.exists() || !seen.has("adoption_reached") {
            return;
        }
        if let Some(point) = self.point {
            let status = self.backup(&first, &["--failpoint", point]);
            assert_eq!(status.signal(), Some(SIGKILL), "the point was never reached: {status}");
            assert_eq!(first.exists(), point == "backup_named");
        }
        if !first.exists() {
            let status = self.backup(&first, &[]);
            assert!(status.success(), "{status}");
        }
        assert_verified(&first);
        std::fs::write(copied, "").unwrap();
    }

    fn backup(&self, copy: &Path, more: &[&str]) -> ExitStatus {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringward"));
        let database = self.walk.database();
        command.arg("backup").arg(copy).arg("--db").arg(database).args(more);
        command.stdout(std::process::Stdio::null()).status().unwrap()
    }
}

fn assert_verified(database: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringward"));
    let output = command.args(["history", "--verify", "--db"]).arg(database).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A run, judged by itself, and how it ended.
async fn ending(story: Story, point: Option<&'static str>) -> Ending {
    let walk = Arc::new(Walk::new(&story.plan(), SPEED, SEED, 60).await);
    story.prepare(&walk);
    let run = Run { walk: walk.clone(), story, point, stopped: Cell::new(false) };
    tokio::task::spawn_blocking(move || run.live()).await.unwrap();
    if story != Story::RolledBack {
        walk.assert_all_verified();
    }
    walk.assert_lawful(|row| row.fault.is_some());
    assert_reads_between_writes(&walk, SEED);
    assert_verified(&walk.database());
    story.assert_told_once(&walk);
    Ending::of(&walk)
}

/// Does `work` for each of `items`, two at a time: more would leave a fast clock too little of two
/// cores. Panics in the end where one of them did.
async fn two_at_a_time<I, T, F>(items: Vec<I>, work: impl Fn(I) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (mut items, mut running) = (items.into_iter(), JoinSet::new());
    let (mut done, mut failed) = (Vec::new(), 0);
    for item in items.by_ref().take(2) {
        running.spawn(work(item));
    }
    while let Some(result) = running.join_next().await {
        match result {
            Ok(result) => done.push(result),
            Err(_) => failed += 1,
        }
        if let Some(item) = items.next() {
            running.spawn(work(item));
        }
    }
    assert_eq!(failed, 0, "runs that failed; each says why above");
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_killed_at_any_point_ends_as_one_that_was_not() {
    let watch = Stopwatch::start();
    let wanted = std::env::var("RINGWARD_FAILPOINT").unwrap_or_default();
    let rows: Vec<_> = ROWS.iter().filter(|(point, _)| point.contains(&wanted)).collect();
    let stories: BTreeSet<Story> = rows.iter().map(|(_, story)| *story).collect();
    let expected: BTreeMap<Story, Ending> = two_at_a_time(
        stories.into_iter().collect(),
        |story| async move { (story, ending(story, None).await) },
    )
    .await
    .into_iter()
    .collect();
    let expected = Arc::new(expected);
    let kills = two_at_a_time(rows, |(point, story)| {
        let expected = expected.clone();
        async move {
            println!("row: {point} in {story:?}");
            let found = ending(*story, Some(point)).await;
            assert_eq!(found, expected[story], "{point} in {story:?}");
        }
    })
    .await
    .len();
    println!("{kills} kills at named points, in {:.0} s", watch.seconds());
}

#[test]
fn every_point_has_a_row() {
    let tried: BTreeSet<String> =
        ROWS.iter().map(|(point, _)| point.parse::<Fuse>().unwrap().point.to_string()).collect();
    for place in Point::PLACES {
        assert!(tried.contains(&place.to_string()), "{place} has no row");
    }
    let untried: Vec<String> =
        Point::all().map(|point| point.to_string()).filter(|point| !tried.contains(point)).collect();
    println!("points of events without a row of their own: {}", untried.join(", "));
    assert!(tried.len() >= 24, "{}", tried.len());
}

/// A process that has to do with a real account cannot be armed.
#[tokio::test(flavor = "multi_thread")]
async fn a_failpoint_is_refused_away_from_a_sandbox() {
    let walk = Walk::new(&Story::Plain.plan(), SPEED, SEED, 10).await;
    let rows: [(&str, &[&str], &[&str]); 3] = [
        (
            "a real API",
            &[
                "--failpoint",
                "look_taken",
                "--clock",
                "real",
                "--api-url",
                "https://api.example.test/client/v4",
            ],
            &["--failpoint", "on this machine"],
        ),
        ("no such point", &["--failpoint", "nowhere"], &["names no failpoint", "look_taken"]),
        ("never", &["--failpoint", "look_taken:0"], &["from 1"]),
    ];
    for (row, arguments, told) in rows {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringward"));
        let usual = ["run", "--plans", walk.plans().to_str().unwrap()].map(ToOwned::to_owned);
        let output = command
            .args(usual)
            .args(["--account", walk.sandbox.account_id(), "--db"])
            .arg(walk.database())
            .args(arguments)
            .env("CLOUDFLARE_API_TOKEN", walk.sandbox.token().expose_secret())
            // On a clock that runs fast, half a minute of the wall is weeks.
            .env("RINGWARD_SETTLE_SECONDS", "0")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{row}: {said}");
        assert!(told.iter().all(|part| said.contains(part)), "{row}: {said}");
        assert!(!walk.database().exists(), "{row}: the database is not touched");
    }
}

/// A backup of a database on real time cannot be armed either.
#[test]
fn a_failpoint_is_refused_over_a_real_database() {
    use ringward::ids::AccountId;
    use ringward::store::Store;
    use ringward::time::Clock;
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("ringward.db");
    let account = AccountId::new("account").unwrap();
    let store = Store::open_for_writing(&database, &account, &Clock::Real, Clock::Real.now()).unwrap();
    store.close().unwrap();
    let copy = directory.path().join("copy.db");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringward"));
    let output = command
        .arg("backup")
        .arg(&copy)
        .arg("--db")
        .arg(&database)
        .args(["--failpoint", "backup_drafted"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("a sandbox's clock") && !copy.exists(), "{said}");
}
