//! `check --online`: plans against a simulated account, over real sockets.

use ringward::cli::render::Format;
use ringward::daemon::log::to_record;
use ringward::ids::GroupId;
use ringward::rollout::record::{Actor, Entry, Event, RolloutId};
use ringward::rollout::record::{Group, GroupContent, VersionEntry};
use ringward::sandbox::{AccountSettings, DefaultProfileForm, FaultScript, ProfileSettings, TokenStatus};
use ringward::store::{Seq, Store};
use ringward::time::Clock;
use ringward::version::Environment;
use serde_json::{Value, json};

use crate::far::{Far, NOW};
use crate::{at, golden, plan, ring};

const EXAMPLE: &str = include_str!("../../rollouts/examples/three-rings.yaml");

/// Nearly everything that can be wrong between a plan and an account.
const TROUBLED: &str = "\
plan: troubled
account: 023e105f4ecef8ad9ca31a8372d0c353
versions: {windows: 2026.6.880.0, macos: 2026.9.1.0}
rings:
  - name: Everyone else
    profiles: [default, Enginering]
  - {name: Twins, profiles: [Twin]}
  - {name: Nobody, profiles: [Off]}
  - {name: Support, profiles: [Support]}
  - {name: By ID, profiles: [SUPPORT_ID, Accounting]}
  - {name: Sales, profiles: [Sales], versions: {windows: 2026.7.1376.0}, max_devices: 10}
  - {name: Taken, profiles: [IT]}
  - {name: Macs, profiles: [Macs]}
";

fn troubled() -> AccountSettings {
    let mut profiles = ProfileSettings::usual();
    profiles.extend([
        ProfileSettings::new("Twin", 10),
        ProfileSettings::new("Twin", 10),
        ProfileSettings { enabled: false, ..ProfileSettings::new("Off", 10) },
        ProfileSettings::new("Macs", 0),
    ]);
    AccountSettings { profiles, ..AccountSettings::default() }
}

#[tokio::test]
async fn a_plan_that_fits_is_shown_with_its_devices() {
    let far = Far::usual().await;
    far.write("three-rings.yaml", EXAMPLE);
    let text = far.check().await;
    golden("online.txt", &text);
    let tables = text.lines().filter(|line| line.starts_with("  ") && !line.contains("entered at"));
    let wide: Vec<&str> = tables.filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "{wide:?}");
}

#[tokio::test]
async fn every_trouble_is_told_at_its_place() {
    let far = Far::new(troubled()).await;
    far.write("troubled.yaml", &TROUBLED.replace("SUPPORT_ID", &far.policy("Support")));
    far.group("Somebody's", &[far.policy("IT")], &[("windows", "2026.7.1376.0")]);
    far.group("Sales", &[far.policy("Sales")], &[("windows", "2026.6.880.0"), ("linux", "2026.7.1377.0")]);
    far.group("Everyone else", &[], &[("macos", "2026.7.1376.0")]);
    golden("online_troubled.txt", &far.check().await);
}

#[tokio::test]
async fn files_that_are_wrong_offline_are_told_too() {
    let far = Far::usual().await;
    far.write("a.yaml", "plan: a\nversions: {windows: 2026.7.1376.0}\nrings: [{name: A, profiles: [IT]}]\n");
    far.write("b.yaml", "plan: b\n");
    golden("online_offline_errors.txt", &far.check().await);
}

#[tokio::test]
async fn an_account_that_does_not_let_us_in_is_told() {
    let mut shown = String::new();
    for row in [
        "disabled token",
        "expired token",
        "token ends soon",
        "wrong token",
        "other account",
        "no such path",
        "devices forbidden",
        "verify refused",
        "server error",
        "unreachable",
    ] {
        let mut far = Far::usual().await;
        far.write(
            "a.yaml",
            "plan: a\nversions: {windows: 2026.7.1376.0}\nrings: [{name: A, profiles: [IT]}]\n",
        );
        let fault = |operation: &str, kind: &str| {
            let script = json!([{"operation": operation, "kind": kind, "times": 9}]);
            let scripts: Vec<FaultScript> = serde_json::from_value(script).unwrap();
            far.sandbox.with_account(|account| account.add_faults(&scripts).unwrap());
        };
        match row {
            "disabled token" => far.sandbox.with_account(|a| a.set_token_status(TokenStatus::Disabled)),
            "expired token" => {
                far.sandbox.with_account(|a| a.set_token_end(Some(at("2026-10-11T00:00:00Z"))))
            }
            "token ends soon" => {
                far.sandbox.with_account(|a| a.set_token_end(Some(at("2026-11-01T06:00:00Z"))))
            }
            "wrong token" => std::fs::write(far.dir.path().join("token"), "cfat_wrong").unwrap(),
            "other account" => far.connection.account = Some("0".repeat(32).parse().unwrap()),
            "no such path" => {
                far.connection.api_url = far.sandbox.api_url().replace("v4", "v5").parse().unwrap();
            }
            "devices forbidden" => fault("list-devices", "forbidden"),
            "verify refused" => fault("account-api-tokens-verify-token", "forbidden"),
            "server error" => fault("list-deployment-groups", "server_error"),
            _ => far.connection.api_url = "http://127.0.0.1:1/client/v4".parse().unwrap(),
        }
        let text = far.check().await;
        // What is offline, and the devices of a plan that fits, are shown elsewhere.
        let (_, told) = text.split_once("the first ring can be entered now\n").unwrap();
        let (before, rest) = told.split_once("\nDIR/plans/a.yaml: plan a in").unwrap_or((told, ""));
        let end = rest.find("ringward:").map_or("", |at| &rest[at..]);
        shown.push_str(&format!("# {row}\n{before}{end}\n"));
    }
    golden("online_access.txt", &shown);
}

#[tokio::test]
async fn the_default_profile_is_found_however_it_shows_itself() {
    for default_profile in
        [DefaultProfileForm::WithId, DefaultProfileForm::WithoutId, DefaultProfileForm::Listed]
    {
        let far = Far::new(AccountSettings { default_profile, ..AccountSettings::default() }).await;
        far.write("three-rings.yaml", EXAMPLE);
        let text = far.check().await;
        assert!(text.contains("0 errors"), "{default_profile:?}: {text}");
        assert!(text.contains("3. Everyone        windows      158"), "{default_profile:?}: {text}");
    }
    let none =
        AccountSettings { default_profile: DefaultProfileForm::WithoutId, devices: 0, ..Default::default() };
    let far = Far::new(none).await;
    far.write("three-rings.yaml", EXAMPLE);
    let text = far.check().await;
    assert!(text.contains("Cloudflare does not say which profile is the default one"), "{text}");
    assert!(text.contains("(exit 2)"), "{text}");
}

#[tokio::test]
async fn json_says_all_that_the_text_says() {
    let far = Far::new(troubled()).await;
    far.write("troubled.yaml", &TROUBLED.replace("SUPPORT_ID", &far.policy("Support")));
    far.write("broken.yaml", "plan: [\n");
    let text = far.check().await;
    let json = far.check_as(Format::Json, None).await;
    let (json, end) = json.split_once("\nringward: ").unwrap();
    assert!(text.ends_with(&format!("ringward: {end}")), "both end alike");
    let said: Value = serde_json::from_str(json).unwrap();
    assert!(said["files"][0]["errors"][0].is_string() || said["files"][0]["errors"][0].is_object());
    let findings: Vec<&Value> = [&said["account"], &said["plans"][0]]
        .iter()
        .flat_map(|part| part["findings"].as_array().unwrap())
        .collect();
    for finding in &findings {
        let line =
            format!("{}: {}", finding["severity"].as_str().unwrap(), finding["problem"].as_str().unwrap());
        assert!(text.contains(&line), "{line}");
        assert_eq!(finding["line"].is_null(), finding["column"].is_null());
    }
    let count = |severity: &str| findings.iter().filter(|finding| finding["severity"] == severity).count();
    for (severity, key) in [("error", "errors"), ("warning", "warnings"), ("note", "notes")] {
        assert_eq!(said["tally"][key], count(severity), "{key}");
    }
    let sales = &said["plans"][0]["rings"][5];
    assert_eq!(sales["name"], "Sales");
    assert_eq!(sales["sizes"]["environments"]["windows"]["target"], "2026.7.1376.0");
    assert_eq!(sales["profiles"][0]["id"], far.policy("Sales"));
    assert!(sales["shows_one_in"].as_u64().unwrap() > 1);
}

#[tokio::test]
async fn the_log_tells_which_groups_are_ringwards() {
    let text = "\
plan: moves
versions: {windows: 2026.7.1376.0}
rings:
  - {name: First, profiles: [IT, Engineering]}
  - {name: Second, profiles: [Support]}
";
    let far = Far::usual().await;
    far.write("moves.yaml", text);
    // Ring `Second` was entered with a profile that the plan has since given to `First`.
    let policies = [far.policy("Engineering"), far.policy("Support")];
    let id = far.group("Second", &policies, &[("windows", "2026.7.1376.0")]);
    let database = far.dir.path().join("ringward.db");
    let without = far.check_as(Format::Text, Some(&database)).await;
    assert!(without.contains("which is not ringward's") && without.contains("(exit 2)"), "{without}");
    assert!(without.contains("DIR/ringward.db is not there yet"), "{without}");

    let content = GroupContent {
        name: "Second".to_owned(),
        versions: vec![VersionEntry::of(Environment::Windows, "2026.7.1376.0".parse().unwrap())],
        policies: policies.iter().map(|policy| policy.parse().unwrap()).collect(),
    };
    let group = Group { id: GroupId::new(id).unwrap(), content, updated_at: at(NOW) };
    let entered = text.replace("IT, Engineering", "IT").replace("[Support]", "[Support, Engineering]");
    // One ring after the other would need a whole rollout; the plan of the log has one ring.
    let entered = entered.replace("  - {name: First, profiles: [IT]}\n", "");
    let revision = ringward::plan::read("moves.yaml", entered.as_bytes()).unwrap();
    let entry = |event: Event| Entry {
        actor: Actor::Engine,
        reason: "for a test".to_owned(),
        rollout: Some(RolloutId { plan: plan("moves"), number: 1 }),
        event,
    };
    let log = [
        entry(Event::PlanAccepted { revision: Box::new(revision) }),
        entry(Event::RingReached { ring: ring("Second") }),
        entry(Event::RingAssigned { ring: ring("Second"), group, judgements: Vec::new() }),
    ];
    let records: Vec<_> = log.iter().map(|entry| to_record(entry, at(NOW))).collect();
    let account = far.connection.account.clone().unwrap();
    let mut store = Store::open_for_writing(&database, &account, &Clock::Real, at(NOW)).unwrap();
    store.append(Seq::ZERO, &records).unwrap();
    store.close().unwrap();
    let with = far.check_as(Format::Text, Some(&database)).await;
    assert!(with.contains("ringward has written 1 deployment group"), "{with}");
    assert!(with.contains("leaves the group of ring `Second` by a write of its own"), "{with}");
    assert!(!with.contains("(exit"), "{with}");
}

#[tokio::test]
async fn the_account_is_the_one_that_the_plans_are_pinned_to() {
    let mut far = Far::usual().await;
    far.connection.account = None;
    let body = "versions: {windows: 2026.7.1376.0}\nrings: [{name: A, profiles: [IT]}]\n";
    far.write("a.yaml", &format!("plan: a\n{body}"));
    let text = far.check().await;
    assert!(text.contains("there is no account; give --account ID"), "{text}");
    far.write("a.yaml", &format!("plan: a\naccount: {}\n{body}", far.sandbox.account_id()));
    let text = far.check().await;
    assert!(text.contains("0 errors"), "{text}");
    let other = body.replace("IT", "Sales");
    far.write("b.yaml", &format!("plan: b\naccount: {}\n{other}", "0".repeat(32)));
    let text = far.check().await;
    assert!(text.contains("there is no account"), "two pins are none: {text}");
}

const ASKING: &str = "\
plan: asking
author: Ana@Example.com
versions: {windows: 2026.8.2100.0}
defaults: {approval: {user_group: Release Approvers, count: 3}}
rings:
  - {name: Enough, profiles: [Engineering]}
  - {name: Too few, profiles: [IT], approval: {count: 4}}
  - {name: Nobody of that name, profiles: [Support], approval: {user_group: Release Approver}}
  - {name: Two of that name, profiles: [Sales], approval: {user_group: Twins}}
";

#[tokio::test]
async fn who_could_approve_is_told_beforehand() {
    let far = Far::usual().await;
    far.sandbox.with_account(|account| {
        account.add_user_group("Twins", &[]);
        account.add_user_group("Twins", &[])
    });
    far.write("asking.yaml", ASKING);
    golden("online_approvers.txt", &far.check().await);
}

#[tokio::test]
async fn groups_that_may_not_be_read_are_told() {
    let far = Far::usual().await;
    far.write("asking.yaml", ASKING);
    let script =
        serde_json::json!([{"operation": "account-user-group-list", "kind": "forbidden", "times": 100}]);
    let scripts: Vec<ringward::sandbox::FaultScript> = serde_json::from_value(script).unwrap();
    far.sandbox.with_account(|account| account.add_faults(&scripts)).unwrap();
    let text = far.check().await;
    assert!(text.contains("Account Settings Read") && !text.contains("could approve"), "{text}");
}
