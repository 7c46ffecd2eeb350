//! A simulated account, a plan, a daemon in this process or in one of its own, and the judge.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringward::cloudflare::{self, ApiUrl, CloudflareClient};
use ringward::daemon::view::View;
use ringward::daemon::{self, Daemon, log};
use ringward::ids::{AccountId, GroupId};
use ringward::rollout::event::{Event, Mode, Recorded};
use ringward::rollout::invariant::{FarEndWrite, Limits, check_within};
use ringward::rollout::remote::{GroupContent, VersionEntry};
use ringward::rollout::state::{Phase, Stage, State};
use ringward::sandbox::{self, AccountSettings, JournalRow, Running};
use ringward::store::Reader;
use ringward::time::{Clock, SignedDuration, Timestamp};
use tempfile::TempDir;

/// Two rings without a schedule, with the shortest soaks: a run of five simulated days.
pub const TWO_RINGS: &str = "\
plan: short
versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}
defaults: {soak: 48h, adoption: {at_least: 80%, within: 14d, seen_at_least: 50%}}
rings:
  - {name: First, profiles: [Engineering, IT]}
  - {name: Second, profiles: [Support, Sales]}
";

/// Three rings with openings and a freeze in the middle.
pub const WITH_SCHEDULE: &str = "\
plan: scheduled
versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}
defaults:
  timezone: Europe/Lisbon
  schedule:
    open: [{cron: '0 9 * * Mon-Thu', for: 7h}]
    freeze: [{from: 2026-10-14, until: 2026-10-15, reason: Quarter end}]
  soak: 48h
rings:
  - {name: First, profiles: [Engineering]}
  - {name: Second, profiles: [IT, Support]}
  - {name: Third, profiles: [default]}
";

/// When simulated time begins: a Monday.
pub const EPOCH: &str = "2026-10-12T06:00:00Z";

/// A wall bound that only a hang reaches.
const HANG: Duration = Duration::from_secs(240);

/// One account with its plan and database.
pub struct Walk {
    pub sandbox: Running,
    pub clock: Clock,
    directory: TempDir,
}

impl Walk {
    /// An account of `devices`, and one plan.
    pub async fn new(plan: &str, speed: f64, seed: u64, devices: usize) -> Self {
        let clock = Clock::fast_from(EPOCH.parse().unwrap(), speed);
        let account = AccountSettings { seed, devices, ..AccountSettings::default() };
        let settings = sandbox::Settings { listen: "127.0.0.1:0".parse().unwrap(), clock, account };
        let walk = Self {
            sandbox: sandbox::start(settings).await.unwrap(),
            clock,
            directory: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(walk.plans()).unwrap();
        walk.write_plan(plan);
        walk
    }

    pub fn plans(&self) -> PathBuf {
        self.directory.path().join("plans")
    }

    pub fn database(&self) -> PathBuf {
        self.directory.path().join("ringward.db")
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn write_plan(&self, text: &str) {
        std::fs::write(self.plans().join("plan.yaml"), text).unwrap();
    }

    pub fn account(&self) -> AccountId {
        self.sandbox.account_id().parse().unwrap()
    }

    /// A daemon in this process.
    pub async fn daemon(&self, mode: Mode) -> Daemon {
        let api: ApiUrl = self.sandbox.api_url().parse().unwrap();
        let (account, clock) = (self.account(), self.clock);
        let token = self.sandbox.token().clone();
        let client = CloudflareClient::new(cloudflare::Settings::new(api, account.clone(), token, clock)).unwrap();
        let (plans, database) = (self.plans(), self.database());
        daemon::start(daemon::Settings { plans, database, account, clock, mode, client }).await.unwrap()
    }

    /// The far end's journal of changing requests.
    pub fn writes(&self) -> Vec<JournalRow> {
        self.sandbox.journal().requests.into_iter().filter(|row| row.applied.is_some()).collect()
    }

    /// The log as another process reads it.
    pub fn log(&self) -> Vec<Recorded> {
        let reader = Reader::open(&self.database()).unwrap();
        reader.view().verify_chain().unwrap();
        log::events(reader.view()).collect::<Result<_, _>>().unwrap()
    }

    /// The state that the log leads to.
    pub fn state(&self) -> State {
        let mut state = State::default();
        for recorded in self.log() {
            state.apply(&recorded).unwrap();
        }
        state
    }

    /// The groups at the far end: name, versions, profiles.
    pub fn groups(&self) -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
        let mut groups = BTreeMap::new();
        for (name, content) in contents(&self.writes()).into_values().map(|content| (content.name.clone(), content)) {
            let versions = content.versions.iter().map(ToString::to_string).collect();
            let policies = content.policies.iter().map(ToString::to_string).collect();
            assert!(groups.insert(name.clone(), (versions, policies)).is_none(), "two groups are named {name}");
        }
        groups
    }

    /// The laws over the whole log and journal.
    pub fn assert_lawful(&self, held_back: impl Fn(&JournalRow) -> bool) {
        let rows = self.writes();
        // Milliseconds on the wire are minutes on this clock.
        let limits = Limits { in_transit: SignedDuration::from_hours(2), watch_max_age: SignedDuration::from_hours(6) };
        let violations = check_within(&self.log(), &far_end_writes(&rows, held_back), limits);
        assert!(violations.is_empty(), "{}", violations.iter().map(|v| format!("{v}\n")).collect::<String>());
    }

    /// Every ring verified, in state and phase.
    pub fn assert_all_verified(&self) {
        for plan in self.state().plans.values() {
            assert_eq!(plan.rollout.phase, Phase::Completed);
            for ring in &plan.rollout.rings {
                assert!(matches!(ring.stage, Stage::Verified(_)), "{} is {}", ring.name, ring.stage.as_str());
            }
        }
    }
}

/// Waits until the snapshot is as wanted; panics when the daemon ends or hangs before.
pub async fn until(daemon: &Daemon, what: &str, wanted: impl Fn(&View) -> bool) {
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
pub async fn until_completed(daemon: &Daemon) {
    until(daemon, "every ring verified", |view| {
        !view.reports.is_empty() && view.reports.iter().all(|report| report.phase == Phase::Completed)
    })
    .await;
}

/// Ends a daemon gracefully.
pub async fn end(mut daemon: Daemon) {
    daemon.stopper().stop();
    daemon.ended().await.unwrap();
}

/// How often each kind of event stands in a log.
pub fn count(log: &[Recorded], wanted: impl Fn(&Event) -> bool) -> usize {
    log.iter().filter(|recorded| wanted(&recorded.entry.event)).count()
}

/// What each group came to hold by the applied writes, by ID.
fn contents(rows: &[JournalRow]) -> BTreeMap<String, GroupContent> {
    let mut groups = BTreeMap::new();
    for (index, row) in applied_in_order(rows).into_iter().enumerate() {
        let id = group_id(row).map_or_else(|| format!("created {index}"), |id| id.to_string());
        // A created group has its ID from the answer, which the journal does not keep; its name
        // finds it again, since each name is created once.
        let name = row.body.as_ref().and_then(|body| body["name"].as_str()).map(ToOwned::to_owned);
        match name {
            Some(name) if group_id(row).is_none() => {
                groups.insert(format!("name {name}"), with_body(None, row));
            }
            _ => {
                let known: Option<GroupContent> = groups.get(&id).cloned();
                groups.insert(id, with_body(known, row));
            }
        }
    }
    groups
}

fn applied_in_order(rows: &[JournalRow]) -> Vec<&JournalRow> {
    let mut applied: Vec<&JournalRow> = rows.iter().filter(|row| row.applied == Some(true)).collect();
    applied.sort_by_key(|row| (row.applied_at, row.seq));
    applied
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

/// The journal as the law checker reads it.
fn far_end_writes(rows: &[JournalRow], held_back: impl Fn(&JournalRow) -> bool) -> Vec<FarEndWrite> {
    let mut known: BTreeMap<String, GroupContent> = BTreeMap::new();
    let mut writes = Vec::new();
    for row in rows {
        let group = group_id(row);
        let before = group.as_ref().and_then(|id| known.get(id.as_str()).cloned());
        let body = with_body(before, row);
        if let Some(id) = &group {
            known.insert(id.to_string(), body.clone());
        }
        writes.push(FarEndWrite {
            received_at: row.at,
            group,
            body,
            applied_at: row.applied_at,
            held_back: held_back(row),
        });
    }
    writes
}

/// An instant of the tests.
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
