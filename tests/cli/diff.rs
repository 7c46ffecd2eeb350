//! `diff` against a simulated account on loopback, with and without a database.

use std::fs;
use std::path::{Path, PathBuf};

use ringward::cli::args::ConnectionArgs;
use ringward::cli::args::JsonArgs;
use ringward::cli::diff::{DiffArgs, diff};
use ringward::cli::exit::Exit;
use ringward::cli::screen::Ink;
use ringward::cloudflare::{self, CloudflareClient, Priority};
use ringward::daemon::log::to_record;
use ringward::daemon::stop_file::{StopFile, Stopping};
use ringward::ids::AccountId;
use ringward::rollout::record::{Actor, Entry, Event, Mode, RolloutId};
use ringward::rollout::record::{Group, GroupContent, VersionEntry};
use ringward::sandbox::{self, AccountSettings, RunningSandbox, TokenStatus};
use ringward::store::{Seq, Store};
use ringward::time::Clock;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::{at, golden, plan, refused, ring, seen};

/// A Monday, before the opening.
const NOW: &str = "2026-10-12T06:00:00Z";

const RINGS: &str = "\
plan: client
versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}
rings:
  - {name: First, profiles: [Engineering]}
  - {name: Second, group: Early adopters, profiles: [IT, Support]}
  - {name: Everyone, profiles: [default]}
";

/// An account whose clock stands nearly still, and a directory.
struct Desk {
    sandbox: RunningSandbox,
    clock: Clock,
    dir: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        let clock = Clock::fast_from(at(NOW), 0.001);
        let account = AccountSettings { devices: 200, ..AccountSettings::default() };
        let listen = "127.0.0.1:0".parse().unwrap();
        let sandbox = sandbox::start(sandbox::SandboxSettings { listen, clock, account }).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("token"), sandbox.token().expose_secret()).unwrap();
        Self { sandbox, clock, dir }
    }

    fn account(&self) -> AccountId {
        self.sandbox.account_id().parse().unwrap()
    }

    fn database(&self) -> PathBuf {
        self.dir.path().join("ringward.db")
    }

    fn file(&self, text: &str) -> String {
        let path = self.dir.path().join("plan.yaml");
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn args(&self, plan: &str) -> DiffArgs {
        let connection = ConnectionArgs {
            api_url: self.sandbox.api_url().parse().unwrap(),
            account: Some(self.account()),
            token_file: Some(self.dir.path().join("token")),
            ca_file: None,
            requests: cloudflare::budget::DEFAULT_REQUESTS,
            clock: self.clock,
        };
        DiffArgs { plan: plan.to_owned(), db: self.database(), json: JsonArgs { json: false }, connection }
    }

    async fn shown(&self, plan: &str) -> String {
        let mut out = Vec::new();
        let result = diff(&self.args(plan), Ink::Plain, &mut out).await;
        seen(&out, result, self.dir.path())
    }

    async fn refused(&self, args: DiffArgs) -> (Exit, String) {
        let mut out = Vec::new();
        let result = diff(&args, Ink::Plain, &mut out).await;
        let (exit, text) = refused(&out, result);
        (exit, text.replace(&self.dir.path().display().to_string(), "DIR"))
    }

    fn policy(&self, name: &str) -> String {
        let profiles = self.sandbox.with_account(|account| account.profiles());
        profiles.into_iter().find(|(known, _)| known == name).unwrap().1
    }

    /// A group that somebody made.
    async fn group(&self, name: &str, profiles: &[&str], version: &str) -> Group {
        let entry = |environment: &str| VersionEntry {
            environment: Some(environment.to_owned()),
            version: version.to_owned(),
        };
        let content = GroupContent {
            name: name.to_owned(),
            versions: vec![entry("macos"), entry("windows")],
            policies: profiles.iter().map(|name| self.policy(name).parse().unwrap()).collect(),
        };
        self.client().create_group(&content).await.unwrap()
    }

    fn client(&self) -> CloudflareClient {
        let (api, token) = (self.sandbox.api_url().parse().unwrap(), self.sandbox.token().clone());
        CloudflareClient::new(cloudflare::Settings::new(api, self.account(), token, self.clock)).unwrap()
    }

    /// A log in which the plan's first ring has its group.
    fn remember(&self, text: &str, first: &str, group: &Group) {
        let revision = ringward::plan::read("plan.yaml", text.as_bytes()).unwrap();
        let id = RolloutId { plan: plan("client"), number: 1 };
        let engine = |event| Entry::engine(&id, "as it was", event);
        let log = [
            Entry {
                rollout: None,
                ..engine(Event::DaemonStarted {
                    version: "0.1.0".to_owned(),
                    mode: Mode::Write,
                    settles_seconds: None,
                })
            },
            engine(Event::PlanAccepted { revision: Box::new(revision) }),
            engine(Event::RingReached { ring: ring(first) }),
            engine(Event::RingAssigned { ring: ring(first), group: group.clone(), judgements: Vec::new() }),
        ];
        let records: Vec<_> = log.iter().map(|entry| to_record(entry, at(NOW))).collect();
        let mut store =
            Store::open_for_writing(&self.database(), &self.account(), &self.clock, at(NOW)).unwrap();
        store.append(Seq::ZERO, &records).unwrap();
        store.close().unwrap();
    }
}

/// Group IDs and the clock's anchor differ from run to run; everything else is the seed's.
fn steady(text: &str, groups: &[(&Group, &str)]) -> String {
    groups.iter().fold(text.to_owned(), |text, (group, name)| text.replace(group.id.as_str(), name))
}

fn is_narrow(text: &str) {
    for line in text.lines() {
        let breakable = line.trim().chars().skip(2).any(char::is_whitespace);
        assert!(line.chars().count() <= 80 || !breakable, "more than 80 columns: {line}");
    }
}

#[tokio::test]
async fn a_new_plan_creates_its_groups() {
    let desk = Desk::new().await;
    let schedule = "defaults: {schedule: {open: [{cron: '0 9 * * Mon-Thu', for: 7h}]}}\nrings:\n";
    let text = desk.shown(&desk.file(&RINGS.replace("rings:\n", schedule))).await;
    is_narrow(&text);
    golden("diff_new.txt", &text);
    let writes = desk.sandbox.journal().requests;
    assert!(writes.iter().all(|row| row.applied.is_none()), "diff writes nothing: {writes:?}");
}

#[tokio::test]
async fn what_is_in_the_way_is_told_and_what_would_follow() {
    let desk = Desk::new().await;
    let adopted = desk.group("First", &["Engineering"], "2026.7.1376.0").await;
    let foreign = desk.group("Pilot", &["IT"], "2026.6.880.0").await;
    let text = desk.shown(&desk.file(RINGS)).await;
    is_narrow(&text);
    golden("diff_blocked.txt", &steady(&text, &[(&adopted, "ADOPTED"), (&foreign, "FOREIGN")]));
}

#[tokio::test]
async fn a_profile_moves_by_two_writes_and_holds_are_told() {
    let desk = Desk::new().await;
    let own = desk.group("First", &["Engineering", "IT"], "2026.8.2100.0").await;
    let before = RINGS.replace("[Engineering]", "[Engineering, IT]").replace("[IT, Support]", "[Support]");
    desk.remember(&before, "First", &own);
    let stopping = Stopping {
        actor: Actor::Local { user: "ana".to_owned() },
        reason: "dns is \u{1b}[31mslow".to_owned(),
        at: at(NOW),
    };
    let known = desk.shown("client").await;
    StopFile::beside(&desk.database())
        .put(&Stopping { reason: "dns is slow".to_owned(), ..stopping })
        .unwrap();
    let back = RINGS.replace(
        "  - {name: First, profiles: [Engineering]}\n  - {name: Second, group: Early adopters, profiles: [IT, Support]}\n",
        "  - {name: Second, group: Early adopters, profiles: [IT, Support]}\n  - {name: First, profiles: [Engineering]}\n",
    );
    let moved = desk.shown(&desk.file(&back)).await;
    is_narrow(&moved);
    golden("diff_moved.txt", &steady(&format!("{known}\n----\n\n{moved}"), &[(&own, "OWN")]));
}

#[tokio::test]
async fn json_has_every_write_whole() {
    let desk = Desk::new().await;
    let own = desk.group("First", &["Engineering"], "2026.7.1376.0").await;
    let args = DiffArgs { json: JsonArgs { json: true }, ..desk.args(&desk.file(RINGS)) };
    let mut out = Vec::new();
    diff(&args, Ink::Plain, &mut out).await.unwrap();
    let said: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!((&said["course"], &said["writes"]), (&"begins".into(), &3.into()), "{said}");
    let write = &said["rings"][0]["writes"][0];
    assert_eq!((&write["kind"], &write["group"]), (&"update".into(), &own.id.as_str().into()));
    assert_eq!(write["before"]["versions"][0]["version"], "2026.7.1376.0");
    assert_eq!(write["after"]["versions"][0]["version"], "2026.8.2100.0");
    assert_eq!(write["after"]["policy_ids"][0], desk.policy("Engineering").as_str());
    assert!(said["rings"][2]["retargeted"]["windows"].as_u64().unwrap() > 0, "{said}");
}

#[tokio::test]
async fn colours_only_colour() {
    let desk = Desk::new().await;
    desk.group("Pilot", &["IT"], "2026.6.880.0").await;
    let args = desk.args(&desk.file(RINGS));
    let (mut plain, mut coloured) = (Vec::new(), Vec::new());
    diff(&args, Ink::Plain, &mut plain).await.unwrap();
    diff(&args, Ink::Colour, &mut coloured).await.unwrap();
    let coloured = String::from_utf8(coloured).unwrap();
    assert!(coloured.contains("\u{1b}[32m+ group `First`\u{1b}[0m"), "{coloured}");
    let codes = ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[0m"];
    let bare = codes.iter().fold(coloured, |text, code| text.replace(code, ""));
    assert_eq!(bare, String::from_utf8(plain).unwrap());
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused() {
    let desk = Desk::new().await;
    let own = desk.group("First", &["Engineering"], "2026.8.2100.0").await;
    let other = "00000000000000000000000000000000";
    let good = desk.file(RINGS);
    let with = |text: &str| {
        let path = desk.dir.path().join("other.yaml");
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let pinned = with(&RINGS.replace("plan: client", &format!("plan: client\naccount: {other}")));
    let rows = [
        (
            "a name that nobody knows",
            desk.args("servers"),
            Exit::Usage,
            "neither a plan file here nor a plan in DIR/ringward.db, which knows none",
        ),
        ("no such file", desk.args("nowhere/plan.yaml"), Exit::Usage, "nowhere/plan.yaml: it cannot be read"),
        (
            "another account's plan",
            desk.args(&pinned),
            Exit::Usage,
            "the plan is for account 00000000000000000000000000000000",
        ),
    ];
    for (row, args, exit, text) in rows {
        let (found, said) = desk.refused(args).await;
        assert_eq!(found, exit, "{row}: {said}");
        assert!(said.contains(text), "{row}: {said}");
    }
    let (exit, said) =
        desk.refused(desk.args(&with("plan: client\nversions: {windows: 2026.8}\nrungs: []\n"))).await;
    assert_eq!(exit, Exit::Usage);
    assert!(said.contains("other.yaml:2") && said.contains("rungs"), "all errors: {said}");

    desk.remember(RINGS, "First", &own);
    let (exit, said) = desk.refused(desk.args("servers")).await;
    assert!(exit == Exit::Usage && said.contains("which knows client"), "{said}");
    let mut args = desk.args(&good);
    args.connection.clock = Clock::Real;
    let (exit, said) = desk.refused(args).await;
    assert!(exit == Exit::Failed && said.contains("runs on the clock"), "{said}");
    let mut args = desk.args(&good);
    args.connection.account = Some(other.parse().unwrap());
    let (exit, said) = desk.refused(args).await;
    assert!(exit == Exit::Failed && said.contains("belongs to the Cloudflare account"), "{said}");
    desk.sandbox.with_account(|account| account.set_token_status(TokenStatus::Disabled));
    let (exit, said) = desk.refused(desk.args(&good)).await;
    assert!(exit == Exit::Failed && said.contains("cannot be read"), "{said}");
    assert!(!said.contains(desk.sandbox.token().expose_secret()), "{said}");
    fs::write(desk.database(), "not a database at all, but long enough to be looked at as one").unwrap();
    let (exit, said) = desk.refused(desk.args(&good)).await;
    assert!(exit == Exit::Failed && said.contains("not a database"), "{said}");
}

#[tokio::test]
async fn the_account_is_the_plans_or_the_databases_when_none_is_told() {
    let desk = Desk::new().await;
    let pin = format!("plan: client\naccount: {}", desk.account());
    let mut args = desk.args(&desk.file(&RINGS.replace("plan: client", &pin)));
    args.connection.account = None;
    let mut out = Vec::new();
    diff(&args, Ink::Plain, &mut out).await.unwrap();
    let own = desk.group("First", &["Engineering"], "2026.8.2100.0").await;
    let mut args = desk.args(&desk.file(RINGS));
    args.connection.account = None;
    let (exit, said) = desk.refused(args).await;
    assert!(exit == Exit::Usage && said.contains("--account"), "{said}");
    desk.remember(RINGS, "First", &own);
    let mut args = desk.args("client");
    args.connection.account = None;
    diff(&args, Ink::Plain, &mut Vec::new()).await.unwrap();
    assert_eq!(desk.client().list_groups(Priority::Routine).await.unwrap().len(), 1);
    assert!(Path::new(&desk.database()).exists());
}
