//! Every scripted fault: the rollout ends as it would without, with one applied write per ring
//! and one group per ring.

use ringward::rollout::record::{Event, Mode};
use ringward::sandbox::{Account, FaultScript, JournalRow, SandboxOutcome, SandboxRequest};
use ringward::time::Timestamp;
use secrecy::ExposeSecret as _;
use tokio::task::JoinSet;

use crate::support::{TWO_RINGS, Walk, count, end, until_completed};

/// What the account holds before the daemon comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// No group: each ring creates its own.
    Nothing,
    /// A group for each ring, with an older version: each ring takes it over and updates it.
    Groups,
}

/// What a fault must have led to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trace {
    /// Nothing in particular.
    Any,
    /// At least one write was in doubt, and two agreeing reads ended it.
    Doubt,
    /// At least one write was cancelled, certainly not applied.
    Cancelled,
    /// A 409 on our own group was met and was not taken for a foreign one.
    OwnConflict,
}

struct Row {
    name: &'static str,
    before: Before,
    faults: &'static str,
    trace: Trace,
}

const ROWS: [Row; 22] = [
    Row {
        name: "a delay of minutes before a create",
        before: Before::Nothing,
        faults: r#"[{"operation":"create-deployment-group","kind":"delay","seconds":240}]"#,
        trace: Trace::Any,
    },
    Row {
        name: "a real delay before an update",
        before: Before::Groups,
        faults: r#"[{"operation":"update-deployment-group","kind":"delay","hold_wall_ms":150}]"#,
        trace: Trace::Any,
    },
    Row {
        name: "503 to a create",
        before: Before::Nothing,
        faults: r#"[{"operation":"create-deployment-group","kind":"server_error"}]"#,
        trace: Trace::Doubt,
    },
    Row {
        name: "502 in HTML to an update",
        before: Before::Groups,
        faults: r#"[{"operation":"update-deployment-group","kind":"server_error_html"}]"#,
        trace: Trace::Doubt,
    },
    Row {
        name: "a create cut before it is applied",
        before: Before::Nothing,
        faults: r#"[{"operation":"create-deployment-group","kind":"reset_before"}]"#,
        trace: Trace::Doubt,
    },
    Row {
        name: "an update cut before it is applied",
        before: Before::Groups,
        faults: r#"[{"operation":"update-deployment-group","kind":"reset_before"}]"#,
        trace: Trace::Doubt,
    },
    Row {
        name: "a create cut after it is applied",
        before: Before::Nothing,
        faults: r#"[{"operation":"create-deployment-group","kind":"reset_after"}]"#,
        trace: Trace::Doubt,
    },
    Row {
        name: "both creates cut after they are applied",
        before: Before::Nothing,
        faults: r#"[{"operation":"create-deployment-group","kind":"reset_after","times":2}]"#,
        trace: Trace::Doubt,
    },
    Row {
        name: "an update cut after it is applied",
        before: Before::Groups,
        faults: r#"[{"operation":"update-deployment-group","kind":"reset_after"}]"#,
        trace: Trace::Doubt,
    },
    Row {
        name: "a create applied long after the cut",
        before: Before::Nothing,
        faults: r#"[{"operation":"create-deployment-group","kind":"applied_late","seconds":3600}]"#,
        trace: Trace::Doubt,
    },
    Row {
        name: "a create applied between the two reads",
        before: Before::Nothing,
        faults: r#"[{"operation":"create-deployment-group","kind":"applied_late","seconds":45,"answer":"gateway_timeout"}]"#,
        trace: Trace::Doubt,
    },
    Row {
        name: "an update applied a little late",
        before: Before::Groups,
        faults: r#"[{"operation":"update-deployment-group","kind":"applied_late","seconds":20}]"#,
        trace: Trace::Doubt,
    },
    Row {
        name: "a list that is stale after a create",
        before: Before::Nothing,
        faults: r#"[{"operation":"create-deployment-group","kind":"stale_list","seconds":1200}]"#,
        trace: Trace::Any,
    },
    // The second create is held back until the first one, long given up, is applied after all. Hours, so
    // that a busy machine has given it up by then as well: 600 s are 30 ms here.
    Row {
        name: "409 on our own group after a doubtful create",
        before: Before::Nothing,
        faults: r#"[{"operation":"create-deployment-group","kind":"applied_late","seconds":7200},{"operation":"create-deployment-group","kind":"delay","seconds":14400}]"#,
        trace: Trace::OwnConflict,
    },
    Row {
        name: "429 to a create",
        before: Before::Nothing,
        faults: r#"[{"operation":"create-deployment-group","kind":"rate_limited","seconds":600}]"#,
        trace: Trace::Cancelled,
    },
    Row {
        name: "429 to a sweep",
        before: Before::Nothing,
        faults: r#"[{"operation":"list-devices","kind":"rate_limited","seconds":120,"times":3}]"#,
        trace: Trace::Any,
    },
    Row {
        name: "the answer to a create cut short",
        before: Before::Nothing,
        faults: r#"[{"operation":"create-deployment-group","kind":"truncated"}]"#,
        trace: Trace::Doubt,
    },
    Row {
        name: "sweeps cut short",
        before: Before::Nothing,
        faults: r#"[{"operation":"list-devices","kind":"truncated","skip":1,"times":3,"cut":"mid_chunk"}]"#,
        trace: Trace::Any,
    },
    Row {
        name: "a field missing in the answer to an update",
        before: Before::Groups,
        faults: r#"[{"operation":"update-deployment-group","kind":"missing_field","pointer":"/result/updated_at"}]"#,
        trace: Trace::Doubt,
    },
    Row {
        name: "a field missing in sweeps and lists",
        before: Before::Nothing,
        faults: r#"[{"operation":"list-devices","kind":"missing_field","times":4},{"operation":"list-deployment-groups","kind":"missing_field","skip":2,"times":3}]"#,
        trace: Trace::Any,
    },
    Row {
        name: "the device filter ignored",
        before: Before::Nothing,
        faults: r#"[{"operation":"list-devices","kind":"filter_ignored","times":500}]"#,
        trace: Trace::Any,
    },
    Row {
        name: "every read fails for a while",
        before: Before::Nothing,
        faults: r#"[{"operation":"list-deployment-groups","kind":"server_error","times":4},{"operation":"list-devices","kind":"reset_before","times":4},{"operation":"devices-list-device-settings-policies","kind":"server_error_html","times":4}]"#,
        trace: Trace::Any,
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_under_any_fault_ends_as_without() {
    // Two at a time: more would leave a fast clock too little of two cores.
    let mut rows = ROWS.iter();
    let mut running = JoinSet::new();
    for row in rows.by_ref().take(2) {
        running.spawn(run(row));
    }
    while let Some(result) = running.join_next().await {
        result.unwrap();
        if let Some(row) = rows.next() {
            running.spawn(run(row));
        }
    }
}

async fn run(row: &'static Row) {
    let walk = Walk::new(TWO_RINGS, 20_000.0, 7, 80).await;
    if row.before == Before::Groups {
        outsider_creates_groups(&walk);
    }
    let scripts: Vec<FaultScript> = serde_json::from_str(row.faults).unwrap();
    walk.sandbox.with_account(|account| account.add_faults(&scripts).unwrap());
    let daemon = walk.daemon(Mode::Write).await;
    until_completed(&daemon).await;
    end(daemon).await;
    walk.assert_all_verified();
    let faulted = |journal: &JournalRow| journal.fault.is_some();
    walk.assert_lawful(faulted);
    let ours: Vec<_> = walk.writes().into_iter().filter(|write| write.actor.is_none()).collect();
    let applied = ours.iter().filter(|write| write.applied == Some(true)).count();
    assert_eq!(applied, 2, "{}: one applied write for each ring, {ours:#?}", row.name);
    let groups = walk.sandbox.with_account(|account| list(account, walk.clock.now()));
    assert_eq!(groups.len(), 2, "{}: one group for each ring, {groups:?}", row.name);
    assert!(groups.iter().all(|versions| *versions == ["2026.8.2100.0", "2026.8.2100.0"]), "{groups:?}");
    let met = walk.sandbox.journal().requests.iter().filter(|request| request.fault.is_some()).count();
    assert!(met > 0, "{}: the fault was never met", row.name);
    assert_trace(row, &walk, &ours);
    println!("ok: {} ({met} faults, {} writes)", row.name, ours.len());
}

fn assert_trace(row: &Row, walk: &Walk, ours: &[JournalRow]) {
    let log = walk.log();
    let settled = count(&log, |event| matches!(event, Event::WriteSettled { .. }));
    let doubted = count(&log, |event| matches!(event, Event::WriteDoubted { .. }));
    match row.trace {
        Trace::Any => {}
        Trace::Doubt => {
            assert!(doubted > 0 && settled == doubted, "{}: {doubted} doubts, {settled} settled", row.name)
        }
        Trace::Cancelled => {
            let cancelled = count(&log, |event| matches!(event, Event::WriteCancelled { .. }));
            assert!(cancelled > 0, "{}", row.name);
        }
        Trace::OwnConflict => {
            assert!(ours.iter().any(|write| write.status == Some(409)), "{}: {ours:#?}", row.name);
            assert!(doubted > 1 && settled == doubted, "{}: {doubted} doubts, {settled} settled", row.name);
        }
    }
}

/// A group for each ring, made by somebody else and free to be taken over.
fn outsider_creates_groups(walk: &Walk) {
    let now = walk.clock.now();
    walk.sandbox.with_account(|account| {
        let profiles = account.profiles();
        let id = |name: &str| profiles.iter().find(|(known, _)| known == name).unwrap().1.clone();
        for (name, policies) in
            [("First", vec![id("Engineering")]), ("Second", vec![id("Support"), id("Sales")])]
        {
            let path = format!("/client/v4/accounts/{}/devices/deployment-groups", account.id());
            let body = serde_json::json!({
                "name": name,
                "policy_ids": policies,
                "version_config": [
                    {"target_environment": "windows", "version": "2026.7.1376.0"},
                    {"target_environment": "macos", "version": "2026.7.1376.0"},
                ],
            });
            let token = account.token().expose_secret().to_owned();
            let mut request = SandboxRequest::new("POST", &path).with_token(&token).with_json(&body);
            request.actor = Some("outsider".to_owned());
            let outcome = account.handle(request, now);
            assert!(format!("{outcome:?}").contains("200"), "{outcome:?}");
        }
    });
}

/// The versions of each group, as the account lists them.
fn list(account: &mut Account, now: Timestamp) -> Vec<Vec<String>> {
    let path = format!("/client/v4/accounts/{}/devices/deployment-groups", account.id());
    let token = account.token().expose_secret().to_owned();
    let outcome = account.handle(SandboxRequest::new("GET", &path).with_token(&token), now);
    let SandboxOutcome::Answer(answer) = outcome else { panic!("{outcome:?}") };
    let body: serde_json::Value = serde_json::from_slice(&answer.sent()).unwrap();
    let versions = |group: &serde_json::Value| {
        let entries = group["version_config"].as_array().unwrap().iter();
        entries.map(|entry| entry["version"].as_str().unwrap().to_owned()).collect()
    };
    body["result"].as_array().unwrap().iter().map(versions).collect()
}
