//! SIGKILL at seeded moments: the real binary dies and is started again, and the rollout ends as
//! if nothing had happened.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use ringward::daemon::log;
use ringward::rollout::record::{Event, Recorded};
use ringward::rollout::state::{Phase, State};
use ringward::sandbox::FaultScript;
use ringward::store::Reader;
use ringward::time::{Stopwatch, since};
use secrecy::ExposeSecret as _;
use tokio::task::JoinSet;

use crate::support::{TWO_RINGS, Walk, count};

/// Seeded runs, and kills in each.
const RUNS: u64 = 10;
const KILLS: u32 = 6;
/// A wall bound that only a hang reaches.
const HANG_SECONDS: f64 = 240.0;

/// A small generator, so that a seed tells the moments on any machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        // splitmix64, Steele et al. 2014
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

/// When to kill next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// This many milliseconds after the start.
    After(u64),
    /// This many milliseconds after an intent without an outcome shows in the log.
    AfterIntent(u64),
}

/// The build that is walked: this one, or one that `RINGWARD_BINARY` names.
pub(crate) fn binary() -> OsString {
    std::env::var_os("RINGWARD_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_ringward").into())
}

/// The binary, as an admin runs it.
pub(crate) fn ringward(walk: &Walk, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command
        .args(["run", "--listen", "127.0.0.1:0", "--log-level", "warn"])
        .args(["--plans", walk.plans().to_str().unwrap(), "--db", walk.database().to_str().unwrap()])
        .args(["--api-url", &walk.sandbox.api_url(), "--account", walk.sandbox.account_id()])
        .args(["--clock", &walk.clock.to_string()])
        .args(arguments)
        .env("CLOUDFLARE_API_TOKEN", walk.sandbox.token().expose_secret())
        // On a clock that runs fast, half a minute of the wall is weeks.
        .env("RINGWARD_SETTLE_SECONDS", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit());
    command
}

/// The same command with one of its words changed.
pub(crate) fn with_word(usual: &Command, from: &OsStr, to: &OsStr) -> Command {
    let mut command = Command::new(usual.get_program());
    command.args(usual.get_args().map(|word| if word == from { to } else { word }));
    for (key, value) in usual.get_envs() {
        command.env(key, value.unwrap());
    }
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// The log as far as it is there: the first start may not have made it yet.
pub(crate) fn read_log(walk: &Walk) -> Vec<Recorded> {
    let Ok(reader) = Reader::open(&walk.database()) else { return Vec::new() };
    log::events(reader.view()).collect::<Result<_, _>>().unwrap_or_default()
}

pub(crate) fn state_of(events: &[Recorded]) -> State {
    let mut state = State::default();
    events.iter().for_each(|recorded| state.apply(recorded).unwrap());
    state
}

pub(crate) fn unanswered(state: &State) -> bool {
    state.pending_write().is_some_and(|(_, _, write)| write.doubt.is_none())
}

pub(crate) fn completed(state: &State) -> bool {
    state.plans.values().any(|plan| plan.rollout.phase == Phase::Completed)
}

/// Waits for the moment; `false` when the rollout was completed before.
fn wait_for(walk: &Walk, child: &mut Child, moment: Moment) -> bool {
    let watch = Stopwatch::start();
    let extra = match moment {
        Moment::After(milliseconds) | Moment::AfterIntent(milliseconds) => milliseconds,
    };
    if let Moment::AfterIntent(_) = moment {
        loop {
            let state = state_of(&read_log(walk));
            if completed(&state) {
                return false;
            }
            if unanswered(&state) {
                break;
            }
            assert!(child.try_wait().unwrap().is_none(), "the daemon ended by itself");
            assert!(watch.seconds() < HANG_SECONDS, "no write was planned");
            sleep(Duration::from_millis(5));
        }
    }
    sleep(Duration::from_millis(extra));
    true
}

struct Tally {
    kills: u32,
    between: u32,
}

/// One run: kills at its moments, then the rest in peace.
fn run(walk: &Walk, seed: u64) -> Tally {
    let mut dice = Dice(seed);
    let mut tally = Tally { kills: 0, between: 0 };
    for number in 0..KILLS {
        let moment = if number % 3 == 0 {
            Moment::AfterIntent(dice.roll(140))
        } else {
            Moment::After(60 + dice.roll(1_800))
        };
        let mut child = ringward(walk, &[]).spawn().unwrap();
        let goes_on = wait_for(walk, &mut child, moment);
        let between = unanswered(&state_of(&read_log(walk)));
        child.kill().unwrap();
        child.wait().unwrap();
        tally.kills += 1;
        tally.between += u32::from(between && unanswered(&state_of(&read_log(walk))));
        if !goes_on {
            break;
        }
    }
    let mut child = ringward(walk, &[]).spawn().unwrap();
    let watch = Stopwatch::start();
    while !completed(&state_of(&read_log(walk))) {
        assert!(child.try_wait().unwrap().is_none(), "seed {seed}: the daemon ended by itself");
        assert!(watch.seconds() < HANG_SECONDS, "seed {seed}: it never completed");
        sleep(Duration::from_millis(50));
    }
    terminate(&mut child);
    tally
}

/// Asks for a graceful end, as systemd does.
pub(crate) fn signal(child: &Child) {
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
}

/// The same, and waits for it.
pub(crate) fn terminate(child: &mut Child) {
    signal(child);
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0), "SIGTERM ends it with 0");
}

/// Between two writes of one ring lie two reads of the groups, a minute apart, unless the first was
/// refused.
pub(crate) fn assert_reads_between_writes(walk: &Walk, seed: u64) {
    let journal = walk.sandbox.journal().requests;
    let writes: Vec<_> = journal.iter().filter(|row| row.applied.is_some()).collect();
    for (index, second) in writes.iter().enumerate() {
        let unclear = writes[..index].iter().filter(|first| !matches!(first.status, Some(403 | 429)));
        let Some(first) = unclear.rev().find(|first| first.body == second.body) else { continue };
        let reads: Vec<_> = journal
            .iter()
            .filter(|row| row.seq > first.seq && row.seq < second.seq)
            .filter(|row| {
                row.method == "GET" && row.path.contains("deployment-groups") && row.status == Some(200)
            })
            .map(|row| row.at)
            .collect();
        let apart = reads.first().zip(reads.last()).map(|(first, last)| since(*first, *last).as_secs());
        assert!(apart >= Some(60), "seed {seed}: {second:?} repeats {first:?} after reads at {reads:?}");
    }
}

fn assert_as_without_kills(walk: &Walk, seed: u64) {
    walk.assert_all_verified();
    walk.assert_lawful(|row| row.fault.is_some());
    assert_reads_between_writes(walk, seed);
    let created: Vec<_> = walk.writes().into_iter().filter(|row| row.applied == Some(true)).collect();
    let names: Vec<_> = created.iter().filter_map(|row| row.body.as_ref()?["name"].as_str()).collect();
    assert_eq!(names, ["First", "Second"], "seed {seed}: one group for each ring");
    let profiles = walk.sandbox.with_account(|account| account.profiles());
    let ids = |names: &[&str]| -> BTreeSet<String> {
        profiles.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, id)| id.clone()).collect()
    };
    for (row, expected) in created.iter().zip([ids(&["Engineering", "IT"]), ids(&["Support", "Sales"])]) {
        let body = row.body.as_ref().unwrap();
        let policies: BTreeSet<String> =
            body["policy_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
        assert_eq!(policies, expected, "seed {seed}");
        let versions: Vec<_> =
            body["version_config"].as_array().unwrap().iter().map(|entry| entry["version"].clone()).collect();
        assert_eq!(versions, ["2026.8.2100.0", "2026.8.2100.0"], "seed {seed}");
    }
    let log = walk.log();
    let doubts = count(&log, |event| matches!(event, Event::WriteDoubted { .. }));
    let settled = count(&log, |event| matches!(event, Event::WriteSettled { .. }));
    assert_eq!(doubts, settled, "seed {seed}: every doubt was settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_daemon_goes_on_where_it_was() {
    let mut running = JoinSet::new();
    let mut seeds = 1..=RUNS;
    let mut tally = Tally { kills: 0, between: 0 };
    let start = |seed: u64| async move {
        let walk = Walk::new(TWO_RINGS, 30_000.0, seed, 60).await;
        // Answers to creates take a while, so that a kill can come between intent and outcome.
        let slow = serde_json::json!([
            {"operation": "create-deployment-group", "kind": "delay", "hold_wall_ms": 120, "times": 100},
        ]);
        let scripts: Vec<FaultScript> = serde_json::from_value(slow).unwrap();
        walk.sandbox.with_account(|account| account.add_faults(&scripts).unwrap());
        let walk = Arc::new(walk);
        let worker = walk.clone();
        let tally = tokio::task::spawn_blocking(move || run(&worker, seed)).await.unwrap();
        assert_as_without_kills(&walk, seed);
        tally
    };
    for seed in seeds.by_ref().take(2) {
        running.spawn(start(seed));
    }
    while let Some(result) = running.join_next().await {
        let run = result.unwrap();
        tally.kills += run.kills;
        tally.between += run.between;
        if let Some(seed) = seeds.next() {
            running.spawn(start(seed));
        }
    }
    println!(
        "{} kills in {RUNS} runs (seeds 1 to {RUNS}), {} of them between intent and outcome",
        tally.kills, tally.between
    );
    assert!(tally.kills >= 50, "only {} kills", tally.kills);
    assert!(tally.between >= 10, "only {} kills between intent and outcome", tally.between);
}
