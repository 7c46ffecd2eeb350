//! A simulated account, a plan, a daemon in this process or in one of its own, and the judge.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use ringward::cloudflare::{self, ApiUrl, CloudflareClient};
use ringward::daemon::files::Settles;
use ringward::daemon::view::View;
use ringward::daemon::{self, Daemon, log};
use ringward::ids::{AccountId, GroupId};
use ringward::plan::model::Revisions;
use ringward::rollout::laws::{Tolerance, UpstreamWrite, check_within};
use ringward::rollout::record::{Event, Mode, Recorded};
use ringward::rollout::record::{GroupContent, VersionEntry};
use ringward::rollout::state::{Phase, RingState, State};
use ringward::sandbox::{self, AccountSettings, JournalRow, RunningSandbox};
use ringward::store::Reader;
use ringward::time::{Clock, SignedDuration};
use serde_json::Value;
use tempfile::TempDir;

/// Two rings without a schedule, with the shortest soaks: a run of five simulated days.
pub(crate) const TWO_RINGS: &str = "\
plan: short
versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}
defaults: {soak: 48h, unknown_after: 5d, adoption: {at_least: 80%, within: 14d, seen_at_least: 50%}}
rings:
  - {name: First, profiles: [Engineering, IT]}
  - {name: Second, profiles: [Support, Sales]}
";

/// Three rings with openings and a freeze in the middle. A gate that cannot tell halts after 10 days: at 20,000
/// times real speed the usual 6 hours are a second, in which a busy machine may not come to an answer.
pub(crate) const WITH_SCHEDULE: &str = "\
plan: scheduled
versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}
defaults:
  timezone: Europe/Lisbon
  schedule:
    open: [{cron: '0 9 * * Mon-Thu', for: 7h}]
    freeze: [{from: 2026-10-14, until: 2026-10-15, reason: Quarter end}]
  soak: 48h
  unknown_after: 10d
rings:
  - {name: First, profiles: [Engineering]}
  - {name: Second, profiles: [IT, Support]}
  - {name: Third, profiles: [default]}
";

/// When simulated time begins: a Monday.
pub(crate) const EPOCH: &str = "2026-10-12T06:00:00Z";

/// A wall bound that only a hang reaches.
const HANG: Duration = Duration::from_secs(240);

/// One account with its plan and database.
pub(crate) struct Walk {
    pub(crate) sandbox: RunningSandbox,
    pub(crate) clock: Clock,
    directory: TempDir,
}

impl Walk {
    /// An account of `devices`, and one plan.
    pub(crate) async fn new(plan: &str, speed: f64, seed: u64, devices: usize) -> Self {
        Self::starting(EPOCH, plan, speed, seed, devices).await
    }

    /// The same from another instant on.
    pub(crate) async fn starting(epoch: &str, plan: &str, speed: f64, seed: u64, devices: usize) -> Self {
        Self::on(Clock::fast_from(epoch.parse().unwrap(), speed), plan, seed, devices).await
    }

    /// The same on another clock.
    pub(crate) async fn on(clock: Clock, plan: &str, seed: u64, devices: usize) -> Self {
        let account = AccountSettings { seed, devices, ..AccountSettings::default() };
        let settings = sandbox::SandboxSettings { listen: "127.0.0.1:0".parse().unwrap(), clock, account };
        let walk = Self {
            sandbox: sandbox::start(settings).await.unwrap(),
            clock,
            directory: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(walk.plans()).unwrap();
        walk.write_plan(plan);
        walk
    }

    pub(crate) fn plans(&self) -> PathBuf {
        self.directory.path().join("plans")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("ringward.db")
    }

    pub(crate) fn write_plan(&self, text: &str) {
        std::fs::write(self.plans().join("plan.yaml"), text).unwrap();
    }

    pub(crate) fn account(&self) -> AccountId {
        self.sandbox.account_id().parse().unwrap()
    }

    /// A daemon in this process.
    pub(crate) async fn daemon(&self, mode: Mode) -> Daemon {
        self.daemon_at(&self.sandbox.api_url(), mode).await
    }

    /// A daemon in this process that reaches the account by another way.
    pub(crate) async fn daemon_at(&self, api: &str, mode: Mode) -> Daemon {
        let api: ApiUrl = api.parse().unwrap();
        let (account, clock) = (self.account(), self.clock);
        let token = self.sandbox.token().clone();
        let client =
            CloudflareClient::new(cloudflare::Settings::new(api, account.clone(), token, clock)).unwrap();
        let (plans, database) = (self.plans(), self.database());
        daemon::start(daemon::DaemonSettings {
            plans,
            database,
            account,
            clock,
            mode,
            client,
            approval_floor: None,
            devices_per_day: None,
            revisions: Revisions::File,
            settles: Settles::of(0.0, &clock),
            clock_trust: None,
        })
        .await
        .unwrap()
    }

    /// Upstream's journal of changing requests.
    pub(crate) fn writes(&self) -> Vec<JournalRow> {
        self.sandbox.journal().requests.into_iter().filter(|row| row.applied.is_some()).collect()
    }

    /// The log as another process reads it.
    pub(crate) fn log(&self) -> Vec<Recorded> {
        let reader = Reader::open(&self.database()).unwrap();
        reader.view().verify_chain().unwrap();
        log::events(reader.view()).collect::<Result<_, _>>().unwrap()
    }

    /// The state that the log leads to.
    pub(crate) fn state(&self) -> State {
        let mut state = State::default();
        for recorded in self.log() {
            state.apply(&recorded).unwrap();
        }
        state
    }

    /// The laws over the whole log and journal.
    pub(crate) fn assert_lawful(&self, held_back: impl Fn(&JournalRow) -> bool) {
        let rows = self.writes();
        // Milliseconds on the wire are minutes on this clock.
        let limits = Tolerance {
            in_transit: SignedDuration::from_hours(2),
            watch_max_age: SignedDuration::from_hours(6),
        };
        let log = self.log();
        let violations = check_within(&log, &upstream_writes(&rows, &log, held_back), limits);
        assert!(violations.is_empty(), "{}", violations.iter().map(|v| format!("{v}\n")).collect::<String>());
    }

    /// Every ring verified, in state and phase.
    pub(crate) fn assert_all_verified(&self) {
        for plan in self.state().plans.values() {
            assert_eq!(plan.rollout.phase, Phase::Completed);
            for ring in &plan.rollout.rings {
                assert!(
                    matches!(ring.stage, RingState::Verified(_)),
                    "{} is {}",
                    ring.name,
                    ring.stage.as_str()
                );
            }
        }
    }
}

/// Waits until the snapshot is as wanted; panics when the daemon ends or hangs before.
pub(crate) async fn until(daemon: &Daemon, what: &str, wanted: impl Fn(&View) -> bool) {
    let mut handle = daemon.handle();
    let waited = tokio::time::timeout(HANG, async {
        while !wanted(&handle.view()) {
            assert!(handle.changed().await, "the daemon ended before: {what}");
        }
    });
    if waited.await.is_err() {
        let view = daemon.handle().view();
        let waits: Vec<String> =
            view.reports.iter().flat_map(|report| &report.waiting_on).map(ToString::to_string).collect();
        panic!("never came: {what}; at {} it waits for {waits:#?}; troubles {:#?}", view.at, view.troubles);
    }
}

/// Waits until every rollout is completed.
pub(crate) async fn until_completed(daemon: &Daemon) {
    until(daemon, "every ring verified", |view| {
        !view.reports.is_empty() && view.reports.iter().all(|report| report.phase == Phase::Completed)
    })
    .await;
}

/// Ends a daemon gracefully.
pub(crate) async fn end(mut daemon: Daemon) {
    daemon.stop();
    daemon.ended().await.unwrap();
}

/// How often each kind of event stands in a log.
pub(crate) fn count(log: &[Recorded], wanted: impl Fn(&Event) -> bool) -> usize {
    log.iter().filter(|recorded| wanted(&recorded.entry.event)).count()
}

fn group_id(row: &JournalRow) -> Option<GroupId> {
    let last = row.path.rsplit('/').next()?;
    if last == "deployment-groups" { None } else { last.parse().ok() }
}

/// A group's content after a request's body.
fn with_body(before: Option<GroupContent>, row: &JournalRow) -> GroupContent {
    let mut content = before.unwrap_or(GroupContent {
        name: String::new(),
        versions: Vec::new(),
        policies: BTreeSet::new(),
    });
    let Some(body) = &row.body else { return content };
    if let Some(name) = body["name"].as_str() {
        content.name = name.to_owned();
    }
    if let Some(entries) = body["version_config"].as_array() {
        content.versions = entries
            .iter()
            .map(|entry| VersionEntry {
                environment: entry["target_environment"].as_str().map(ToOwned::to_owned),
                version: entry["version"].as_str().unwrap().to_owned(),
            })
            .collect();
        content.versions.sort();
    }
    if let Some(policies) = body["policy_ids"].as_array() {
        content.policies = policies.iter().map(|id| id.as_str().unwrap().parse().unwrap()).collect();
    }
    content
}

/// The journal as the law checker reads it: our writes, each with the group as it shall be. What an
/// update leaves out stands in the log, where the group was read before it.
pub(crate) fn upstream_writes(
    rows: &[JournalRow],
    log: &[Recorded],
    held_back: impl Fn(&JournalRow) -> bool,
) -> Vec<UpstreamWrite> {
    let mut known: BTreeMap<GroupId, GroupContent> = BTreeMap::new();
    for recorded in log {
        if let Event::WritePlanned { intent, .. } = &recorded.entry.event
            && let Some(before) = &intent.before
        {
            known.entry(before.id.clone()).or_insert_with(|| before.content.clone());
        }
    }
    let mut writes = Vec::new();
    for row in rows.iter().filter(|row| row.actor.is_none()) {
        let group = group_id(row);
        let before = group.as_ref().and_then(|id| known.get(id).cloned());
        let body = with_body(before, row);
        if let Some(id) = &group {
            known.insert(id.clone(), body.clone());
        }
        writes.push(UpstreamWrite {
            received_at: row.at,
            group,
            body,
            applied_at: row.applied_at,
            held_back: held_back(row),
            retargeted: None,
        });
    }
    writes
}

/// A command of somebody without a terminal: what it shows is read, and said by the words that it names.
pub(crate) fn as_read(mut run: impl FnMut(&[&str]) -> Output, arguments: &[&str]) -> Output {
    let output = run(arguments);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let Some((_, revision)) = told.split_once(" --yes --revision ") else { return output };
    let revision = revision.split_whitespace().next().unwrap();
    run(&[arguments, ["--yes", "--revision", revision].as_slice()].concat())
}

/// A verb's body of somebody who has read what it rests on, as `ask` is answered.
pub(crate) fn read_body(mut body: Value, now: &Value) -> Value {
    body["revision"] = now["revision"].clone();
    body["seen"] = now["seen"].clone();
    body
}
