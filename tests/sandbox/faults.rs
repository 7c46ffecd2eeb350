//! Each kind of fault: what the caller sees, what the account does, what the journal says.

use ringward::sandbox::{Arrival, Body, SandboxAnswer, SandboxOutcome};
use ringward::time::{SignedDuration, after};
use serde_json::{Value, json};

use crate::bench::{Bench, NEW, OLD, answered, both};
use crate::contract::Contract;

/// Sends a request that a fault is expected to spoil.
fn outcome(bench: &mut Bench, method: &str, target: &str, body: Option<&Value>) -> SandboxOutcome {
    let request = bench.request(method, target, body);
    bench.account.handle(request, bench.now)
}

fn versions(bench: &mut Bench, group: &str) -> Value {
    bench.get(group)["result"]["version_config"].clone()
}

/// An account with one group, and the paths of the list and of the group.
fn with_group() -> (Bench, String, String) {
    let mut bench = Bench::of(60);
    let id = bench.create("Ring 0", &["Engineering"], OLD);
    let groups = bench.path("deployment-groups");
    let group = format!("{groups}/{id}");
    (bench, groups, group)
}

#[test]
fn a_write_that_meets_a_fault_is_applied_or_not_as_the_fault_says() {
    let rows = [
        ("reset_before", json!({"kind": "reset_before"}), None, false),
        ("reset_after", json!({"kind": "reset_after"}), None, true),
        ("server_error", json!({"kind": "server_error"}), Some(503), false),
        ("server_error, 500", json!({"kind": "server_error", "status": 500}), Some(500), false),
        ("server_error_html", json!({"kind": "server_error_html"}), Some(502), false),
        ("rate_limited", json!({"kind": "rate_limited", "seconds": 40}), Some(429), false),
        ("conflict", json!({"kind": "conflict"}), Some(409), false),
        ("forbidden", json!({"kind": "forbidden"}), Some(403), false),
        ("truncated", json!({"kind": "truncated"}), Some(200), true),
        ("missing_field", json!({"kind": "missing_field"}), Some(200), true),
        ("delay", json!({"kind": "delay", "seconds": 90}), Some(200), true),
        ("stale_list", json!({"kind": "stale_list", "seconds": 90}), Some(200), true),
    ];
    for (row, mut script, status, applied) in rows {
        let (mut bench, _, group) = with_group();
        script["operation"] = "update-deployment-group".into();
        bench.faults(json!([script]));
        let body = json!({"version_config": both(NEW)});
        let seen = match outcome(&mut bench, "PATCH", &group, Some(&body)) {
            SandboxOutcome::Answer(answer) => Some(answer.status),
            SandboxOutcome::Reset => None,
        };
        assert_eq!(seen, status, "{row}");
        let journal = bench.last_row();
        assert_eq!(journal["fault"], script["kind"], "{row}");
        assert_eq!((&journal["status"], &journal["applied"]), (&json!(status), &json!(applied)), "{row}");
        assert_eq!(journal["applied_at"].is_string(), applied, "{row}");
        bench.wait(SignedDuration::from_secs(100));
        let expected = if applied { both(NEW) } else { both(OLD) };
        assert_eq!(versions(&mut bench, &group), expected, "{row}");
        assert!(bench.account.faults_left().is_empty(), "{row}: struck once");
        assert_eq!(bench.send("PATCH", &group, Some(&body)).0, 200, "{row}: then all is well");
    }
}

#[test]
fn spoilt_answers_fail_the_contract_and_refusals_do_not() {
    let list = "list-deployment-groups";
    let rows = [
        (json!({"kind": "truncated", "cut": "short_of_length"}), true),
        (json!({"kind": "truncated", "cut": "mid_chunk"}), true),
        (json!({"kind": "truncated", "cut": "unnoticed"}), true),
        (json!({"kind": "missing_field"}), true),
        (json!({"kind": "missing_field", "pointer": "/result/0/updated_at"}), true),
        (json!({"kind": "missing_field", "pointer": "/result_info/total_count"}), true),
        (json!({"kind": "missing_field", "pointer": "/result/7/nothing"}), true),
        (json!({"kind": "server_error_html"}), true),
        (json!({"kind": "server_error"}), true),
        (json!({"kind": "conflict", "operation": "update-deployment-group"}), false),
        (json!({"kind": "rate_limited", "seconds": 3}), false),
        (json!({"kind": "forbidden"}), false),
    ];
    for (mut script, spoilt) in rows {
        let (mut bench, groups, group) = with_group();
        if script.get("operation").is_none() {
            script["operation"] = list.into();
        }
        bench.faults(json!([script]));
        let (method, target, body) = match script["operation"].as_str() {
            Some("list-deployment-groups") => ("GET", groups, None),
            _ => ("PATCH", group, Some(json!({}))),
        };
        let answer = answered(outcome(&mut bench, method, &target, body.as_ref()));
        let judged = Contract::get().response(method, &target, answer.status, &answer.sent());
        assert_eq!(judged.is_err(), spoilt, "{script}: {judged:?}");
    }
}

#[test]
fn every_operation_can_lose_a_field() {
    let (mut bench, groups, group) = with_group();
    let device = bench.account.truths()[0].id.clone();
    let operations = [
        ("list-deployment-groups", groups),
        ("get-deployment-group", group),
        ("list-devices", bench.path("physical-devices")),
        ("get-device", bench.path(&format!("physical-devices/{device}"))),
        ("devices-list-device-settings-policies", bench.path("policies")),
        ("devices-get-default-device-settings-policy", bench.path("policy")),
        ("user-api-tokens-verify-token", "/user/tokens/verify".to_owned()),
        ("account-api-tokens-verify-token", format!("/accounts/{}/tokens/verify", bench.account.id())),
    ];
    for (operation, target) in operations {
        bench.faults(json!([{"operation": operation, "kind": "missing_field", "pointer": "/success"}]));
        let answer = answered(outcome(&mut bench, "GET", &target, None));
        let judged = Contract::get().response("GET", &target, answer.status, &answer.sent());
        assert!(judged.is_err(), "{operation}");
        bench.get(&target);
    }
}

#[test]
fn a_late_write_is_applied_at_its_own_instant() {
    for (answer, status) in [("reset", None), ("gateway_timeout", Some(504))] {
        let (mut bench, groups, group) = with_group();
        bench.faults(json!([
            {"operation": "any", "kind": "applied_late", "seconds": 120, "answer": answer},
        ]));
        let asked = bench.now;
        let request = bench.request("PATCH", &group, Some(&json!({"version_config": both(NEW)})));
        let seen = match bench.account.handle(request, asked) {
            SandboxOutcome::Answer(SandboxAnswer { status, .. }) => Some(status),
            SandboxOutcome::Reset => None,
        };
        assert_eq!(seen, status);
        bench.wait(SignedDuration::from_secs(119));
        assert_eq!(versions(&mut bench, &group), both(OLD), "not yet");
        bench.wait(SignedDuration::from_hours(5));
        assert_eq!(versions(&mut bench, &group), both(NEW));
        let row = bench.account.journal().requests.iter().find(|row| row.method == "PATCH").unwrap();
        assert_eq!(row.applied, Some(true));
        assert_eq!(row.applied_at, Some(after(asked, SignedDuration::from_secs(120))));
        assert_eq!(bench.get(&groups)["result_info"]["total_count"], json!(1));
    }
}

#[test]
fn a_late_write_that_no_longer_fits_is_not_applied() {
    let (mut bench, groups, _) = with_group();
    let sales = bench.policy("Sales");
    let body = json!({"name": "late", "policy_ids": [sales], "version_config": both(NEW)});
    bench.faults(json!([{"operation": "create-deployment-group", "kind": "applied_late", "seconds": 60}]));
    assert_eq!(outcome(&mut bench, "POST", &groups, Some(&body)), SandboxOutcome::Reset);
    assert_eq!(bench.send("POST", &groups, Some(&body)).0, 200, "the impatient second try");
    bench.wait(SignedDuration::from_secs(61));
    assert_eq!(bench.get(&groups)["result_info"]["total_count"], json!(2), "the first try met a conflict");
    let journal = &bench.account.journal().requests;
    let late = journal.iter().find(|row| row.fault == Some("applied_late")).unwrap();
    assert_eq!((late.applied, late.applied_at), (Some(false), None));
}

#[test]
fn a_stale_list_forgets_the_newest_write_for_a_while() {
    let (mut bench, groups, _) = with_group();
    bench.faults(json!([{"operation": "any", "kind": "stale_list", "seconds": 30}]));
    let id = bench.create("Ring 1", &["IT"], NEW);
    let count = |bench: &mut Bench| bench.get(&groups)["result_info"]["total_count"].clone();
    assert_eq!(count(&mut bench), json!(1), "stale");
    let own = format!("{groups}/{id}");
    assert_eq!(bench.get(&own)["result"]["name"], json!("Ring 1"), "a get is never stale");
    bench.wait(SignedDuration::from_secs(29));
    assert_eq!(count(&mut bench), json!(1));
    bench.wait(SignedDuration::from_secs(1));
    assert_eq!(count(&mut bench), json!(2));
}

#[test]
fn a_delay_holds_the_request_before_it_is_looked_at() {
    let (mut bench, _, group) = with_group();
    bench.faults(json!([{"operation": "update-deployment-group", "kind": "delay", "seconds": 45}]));
    let body = json!({"version_config": both(NEW)});
    let request = bench.request("PATCH", &group, Some(&body));
    let asked = bench.now;
    let Arrival::Held(held) = bench.account.arrive(request, asked) else { panic!("not held") };
    assert_eq!(held.until, after(asked, SignedDuration::from_secs(45)));
    bench.wait(SignedDuration::from_secs(44));
    assert_eq!(versions(&mut bench, &group), both(OLD), "others are served meanwhile");
    bench.wait(SignedDuration::from_secs(6));
    assert_eq!(answered(bench.account.resume(held, bench.now)).status, 200);
    let row = bench.account.journal().requests.iter().find(|row| row.method == "PATCH").unwrap();
    assert_eq!((row.at, row.applied_at), (asked, Some(bench.now)));
}

#[test]
fn an_ignored_filter_answers_what_was_not_asked_for() {
    let mut bench = Bench::of(90);
    let policy = bench.policy("IT");
    let include = "include=last_seen_registration.policy&per_page=100";
    let target = bench.path(&format!("physical-devices?{include}&last_seen_registration.policy.id={policy}"));
    let others = |value: &Value| {
        let devices = value["result"].as_array().unwrap();
        let policy = json!(policy);
        devices.iter().filter(|d| d["last_seen_registration"]["policy"]["id"] != policy).count()
    };
    assert_eq!(others(&bench.get(&target)), 0);
    bench.faults(json!([{"operation": "any", "kind": "filter_ignored", "times": 2}]));
    assert!(others(&bench.get(&target)) > 0, "sound, and wrong");
    assert!(others(&bench.get(&target)) > 0);
    assert_eq!(others(&bench.get(&target)), 0);
}

#[test]
fn a_rate_limited_answer_says_when_to_come_back() {
    let (mut bench, groups, _) = with_group();
    bench.faults(json!([{"operation": "any", "kind": "rate_limited", "seconds": 77}]));
    let answer = answered(outcome(&mut bench, "GET", &groups, None));
    assert!(answer.headers.contains(&("retry-after", "77".to_owned())));
    assert!(answer.headers.contains(&("ratelimit", "\"default\";r=0;t=77".to_owned())));
    assert!(matches!(answer.body, Body::Json(_)));
}

#[test]
fn a_request_with_a_wrong_token_meets_no_fault() {
    let (mut bench, groups, _) = with_group();
    bench.faults(json!([{"operation": "any", "kind": "reset_before"}]));
    let request = ringward::sandbox::SandboxRequest::new("GET", &format!("/client/v4{groups}"));
    assert_eq!(bench.sound("GET", &groups, request).0, 403);
    assert_eq!(outcome(&mut bench, "GET", &groups, None), SandboxOutcome::Reset);
}
