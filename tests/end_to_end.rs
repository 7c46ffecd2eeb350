//! The daemon against the sandbox, over real sockets, on a fast clock.

use std::path::Path;
use std::time::Duration;

use ringward::cloudflare::{self, ApiUrl, CloudflareClient};
use ringward::daemon::{self, Daemon};
use ringward::rollout::event::Mode;
use ringward::rollout::state::Phase;
use ringward::sandbox::{self, AccountSettings, Running};
use ringward::time::{Clock, Timestamp};

const PLAN: &str = include_str!("../rollouts/examples/three-rings.yaml");

async fn start_sandbox(clock: Clock, devices: usize) -> Running {
    let account = AccountSettings { devices, ..AccountSettings::default() };
    let listen = "127.0.0.1:0".parse().unwrap();
    sandbox::start(sandbox::Settings { listen, clock, account }).await.unwrap()
}

async fn start_daemon(directory: &Path, sandbox: &Running, clock: Clock, mode: Mode) -> Daemon {
    let api: ApiUrl = sandbox.api_url().parse().unwrap();
    let account: ringward::ids::AccountId = sandbox.account_id().parse().unwrap();
    let settings = cloudflare::Settings::new(api, account.clone(), sandbox.token().clone(), clock);
    daemon::start(daemon::Settings {
        plans: directory.join("plans"),
        database: directory.join("ringward.db"),
        account,
        clock,
        mode,
        client: CloudflareClient::new(settings).unwrap(),
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_rings_are_verified_in_order() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("plans")).unwrap();
    std::fs::write(directory.path().join("plans/three-rings.yaml"), PLAN).unwrap();
    let epoch: Timestamp = "2026-10-12T06:00:00Z".parse().unwrap();
    let clock = Clock::fast_from(epoch, 20_000.0);
    let sandbox = start_sandbox(clock, 300).await;
    let mut daemon = start_daemon(directory.path(), &sandbox, clock, Mode::Write).await;
    let mut handle = daemon.handle();
    let finished = tokio::time::timeout(Duration::from_secs(180), async {
        let mut last = String::new();
        loop {
            let view = handle.view();
            let now: Vec<String> = view
                .reports
                .iter()
                .map(|report| {
                    let rings: Vec<_> = report.rings.iter().map(|ring| ring.state).collect();
                    let waits: Vec<_> = report.waiting_on.iter().map(|b| b.code()).collect();
                    format!("{} {rings:?} {waits:?}", report.phase.as_str())
                })
                .collect();
            let now = now.join("; ");
            if now != last {
                println!("{} {now}", view.at);
                last = now;
            }
            if view.reports.iter().any(|report| report.phase == Phase::Completed) {
                return true;
            }
            if !handle.changed().await {
                return false;
            }
        }
    })
    .await;
    println!("{:#?}", handle.view().reports.first().map(|r| &r.waiting_on));
    println!("requests: {}", sandbox.journal().requests.len());
    assert_eq!(finished, Ok(true));
    daemon.stopper().stop();
    daemon.ended().await.unwrap();
    let writes: Vec<_> = sandbox.journal().requests.iter().filter(|row| row.applied == Some(true)).cloned().collect();
    assert_eq!(writes.len(), 3);
    sandbox.shutdown().await;
}
