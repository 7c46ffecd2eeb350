//! `max_devices` through the real client: a ring that grows after it was counted is not written.

use ringward::cloudflare::{self, ApiUrl, CloudflareClient};
use ringward::rollout::laws::check;
use ringward::rollout::record::{Cancelled, Event, Mode};
use ringward::rollout::record::{GroupContent, VersionEntry};
use ringward::time::Timestamp;
use ringward::version::{ClientVersion, Environment};

use crate::support::{Walk, count, end, until, upstream_writes};

/// One ring that opens twenty minutes after the run begins.
fn plan(limit: usize) -> String {
    format!(
        "\
plan: limited
versions: {{windows: 2026.8.2100.0, macos: 2026.8.2100.0}}
defaults: {{schedule: {{open: [{{cron: '20 6 * * *', for: 7h}}]}}}}
rings:
  - {{name: Engineering, profiles: [Engineering], soak: 48h, max_devices: {limit}}}
"
    )
}

/// Devices of a profile that an assignment can move, by what is true of them.
fn movable(walk: &Walk, profile: &str) -> Vec<String> {
    let truths = walk.sandbox.with_account(|account| account.truths());
    let of_it = truths.into_iter().filter(|device| device.profile == profile && device.environment.is_some());
    let version = |text: &str| text.parse::<ClientVersion>().ok();
    let moves = of_it.filter(|device| {
        let reported = device.reported.as_deref().and_then(version);
        reported.is_none_or(ClientVersion::follows_assignments)
    });
    moves.map(|device| device.id).collect()
}

/// A group of the ring's name with an older version, so that the write is an update.
async fn make_group(walk: &Walk) {
    let api: ApiUrl = walk.sandbox.api_url().parse().unwrap();
    let token = walk.sandbox.token().clone();
    let settings = cloudflare::Settings::new(api, walk.account(), token, walk.clock);
    let versions =
        Environment::ALL.map(|environment| VersionEntry::of(environment, "2026.7.1376.0".parse().unwrap()));
    let profiles = walk.sandbox.with_account(|account| account.profiles());
    let (_, id) = profiles.into_iter().find(|(name, _)| name == "Engineering").unwrap();
    let content = GroupContent {
        name: "Engineering".to_owned(),
        versions: versions.to_vec(),
        policies: [id.parse().unwrap()].into(),
    };
    CloudflareClient::new(settings).unwrap().create_group(&content).await.unwrap();
}

/// The laws, over the writes after those that made the account.
fn assert_lawful(walk: &Walk, before: usize) {
    let log = walk.log();
    let violations = check(&log, &upstream_writes(&walk.writes()[before..], &log, |_| false));
    assert!(violations.is_empty(), "{violations:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ring_that_grew_since_it_was_counted_is_not_written() {
    let read_ahead: Timestamp = "2026-10-12T06:10:00Z".parse().unwrap();
    for (row, has_group) in [("a group is created", false), ("a group is updated", true)] {
        // Ten minutes lie between the sweep before the opening and the write: three seconds here.
        let walk = Walk::new(&plan(1_000), 200.0, 11, 300).await;
        if has_group {
            make_group(&walk).await;
        }
        walk.write_plan(&plan(movable(&walk, "Engineering").len()));
        let before = walk.writes().len();
        let daemon = walk.daemon(Mode::Write).await;
        until(&daemon, "the sweep before the opening", |view| {
            view.full_sweep_at.is_some_and(|at| at >= read_ahead)
        })
        .await;
        let now = walk.clock.now();
        let others = movable(&walk, "Support");
        let grown = walk.sandbox.with_account(|account| {
            let id = account.profiles().into_iter().find(|(name, _)| name == "Engineering").unwrap().1;
            others.iter().filter(|device| account.change_profile(device, &id, now)).count()
        });
        assert!(grown > 3, "{row}: {grown} devices moved");
        until(&daemon, "the planner's own count", |view| {
            let mut blockers = view.reports.iter().flat_map(|report| &report.waiting_on);
            blockers.any(|blocker| blocker.code() == "blast_limit")
        })
        .await;
        end(daemon).await;
        assert_eq!(walk.writes().len(), before, "{row}: nothing was sent");
        let log = walk.log();
        let cancelled = |event: &Event| {
            matches!(event, Event::WriteCancelled { why: Cancelled::TooManyDevices { .. }, .. })
        };
        assert_eq!(count(&log, cancelled), 1, "{row}: the fresh count found them");
        assert_lawful(&walk, before);

        // With room for all of them it is written.
        walk.write_plan(&plan(300));
        let daemon = walk.daemon(Mode::Write).await;
        until(&daemon, "the ring adopts", |view| {
            view.reports.iter().any(|report| report.rings.iter().any(|ring| ring.state == "adopting"))
        })
        .await;
        end(daemon).await;
        assert_eq!(walk.writes().len(), before + 1, "{row}");
        assert_lawful(&walk, before);
    }
}
