//! Deployment groups, profiles, tokens: validation, conflicts, refusals.

use ringward::sandbox::{AccountSettings, DefaultProfileForm, ProfileSettings, SandboxRequest, TokenStatus};
use ringward::time::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::bench::{Bench, NEW, OLD, answered, both};
use crate::contract::Contract;

#[test]
fn a_body_that_the_contract_refuses_is_400_and_changes_nothing() {
    let config = || both(NEW);
    let rows = [
        ("no name", json!({"version_config": config()})),
        ("empty name", json!({"name": "", "version_config": config()})),
        ("name too long", json!({"name": "x".repeat(256), "version_config": config()})),
        ("name is a number", json!({"name": 5, "version_config": config()})),
        ("name is null", json!({"name": null, "version_config": config()})),
        ("no version_config", json!({"name": "a"})),
        ("empty version_config", json!({"name": "a", "version_config": []})),
        ("version_config is null", json!({"name": "a", "version_config": null})),
        ("entry without version", json!({"name": "a", "version_config": [{"target_environment": "macos"}]})),
        ("entry without environment", json!({"name": "a", "version_config": [{"version": NEW}]})),
        (
            "version is a number",
            json!({"name": "a", "version_config": [{"target_environment": "macos", "version": 1}]}),
        ),
        (
            "environment is a number",
            json!({"name": "a", "version_config": [{"target_environment": 1, "version": NEW}]}),
        ),
        ("policy_ids is null", json!({"name": "a", "version_config": config(), "policy_ids": null})),
        ("policy_ids holds a number", json!({"name": "a", "version_config": config(), "policy_ids": [1]})),
        ("the body is a list", json!([])),
    ];
    let mut bench = Bench::of(20);
    let target = bench.path("deployment-groups");
    for (row, body) in rows {
        // The contract and the sandbox must agree, or one of them is not tested.
        assert!(
            Contract::get().request("POST", &target, Some(&body)).is_err(),
            "{row}: the contract allows it"
        );
        assert_eq!(bench.send("POST", &target, Some(&body)).0, 400, "{row}");
    }
    let twice = json!({"name": "a", "version_config": config(), "policy_ids": ["p", "p"]});
    assert_eq!(bench.send("POST", &target, Some(&twice)).0, 400, "a policy twice");
    let mut request = bench.request("POST", &target, None);
    request.body = b"{not json".to_vec();
    assert_eq!(bench.sound("POST", &target, request).0, 400, "not JSON");
    assert_eq!(bench.get(&target)["result"], json!([]));
}

#[test]
fn an_update_replaces_whole_arrays_and_leaves_out_what_it_does_not_name() {
    let mut bench = Bench::of(20);
    let id = bench.create("Ring 0", &["Engineering", "IT"], OLD);
    let target = bench.path(&format!("deployment-groups/{id}"));
    let rows = [
        ("a name alone", json!({"name": "Ring 1"})),
        ("one environment", json!({"version_config": [{"target_environment": "windows", "version": NEW}]})),
        ("an empty version_config", json!({"version_config": []})),
        ("a null environment", json!({"version_config": [{"target_environment": null, "version": NEW}]})),
        ("no policies", json!({"policy_ids": []})),
        ("nothing", json!({})),
        ("an unknown key", json!({"colour": "red"})),
    ];
    let mut before = bench.get(&target)["result"].clone();
    for (row, body) in rows {
        Contract::get().request("PATCH", &target, Some(&body)).unwrap();
        let (status, answer) = bench.send("PATCH", &target, Some(&body));
        assert_eq!(status, 200, "{row}");
        let after = bench.get(&target)["result"].clone();
        assert_eq!(answer["result"], after, "{row}: the answer is the state");
        for key in ["name", "policy_ids", "version_config", "created_at"] {
            let expected = body.get(key).unwrap_or(&before[key]);
            assert_eq!(&after[key], expected, "{row}: {key}");
        }
        assert!(stamp(&after) > stamp(&before), "{row}: updated_at must grow, even within one instant");
        before = after;
    }
    assert_eq!(bench.send("PATCH", &target, Some(&json!({"name": null}))).0, 400);
    assert_eq!(bench.send("PATCH", &target, Some(&json!({"policy_ids": null}))).0, 400);
    let unknown = bench.path("deployment-groups/nobody");
    for (method, body) in [("GET", None), ("PATCH", Some(json!({}))), ("DELETE", None)] {
        assert_eq!(bench.send(method, &unknown, body.as_ref()).0, 404, "{method}");
    }
}

fn stamp(group: &Value) -> Timestamp {
    group["updated_at"].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_policy_is_in_one_group_only() {
    let mut bench = Bench::of(20);
    let (eng, it, sales) = (bench.policy("Engineering"), bench.policy("IT"), bench.policy("Sales"));
    let first = bench.create("first", &["Engineering"], OLD);
    let second = bench.create("second", &["IT"], OLD);
    let groups = bench.path("deployment-groups");
    let (first_path, second_path) = (format!("{groups}/{first}"), format!("{groups}/{second}"));
    let create =
        |policies: Value| json!({"name": "third", "policy_ids": policies, "version_config": both(NEW)});
    let rows = [
        ("create with a taken policy", "POST", &groups, create(json!([sales, eng])), 409),
        ("add a taken policy", "PATCH", &second_path, json!({"policy_ids": [it, eng]}), 409),
        ("repeat one's own", "PATCH", &second_path, json!({"policy_ids": [it]}), 200),
        ("add a free one", "PATCH", &second_path, json!({"policy_ids": [it, sales]}), 200),
        ("move out", "PATCH", &first_path, json!({"policy_ids": []}), 200),
        ("move in", "PATCH", &second_path, json!({"policy_ids": [it, sales, eng]}), 200),
        ("delete frees", "DELETE", &second_path, Value::Null, 200),
        ("create with what was freed", "POST", &groups, create(json!([it])), 200),
    ];
    for (row, method, target, body, expected) in rows {
        let before = bench.get(&groups);
        let body = Some(&body).filter(|body| !body.is_null());
        let (status, answer) = bench.send(method, target, body);
        assert_eq!(status, expected, "{row}: {answer}");
        assert_eq!(bench.get(&groups) == before, expected == 409, "{row}: a refusal changes nothing");
    }
}

#[test]
fn what_is_not_the_tokens_business_is_refused_in_the_envelope() {
    let mut bench = Bench::of(5);
    let groups = bench.path("deployment-groups");
    let verify = "/user/tokens/verify";
    let account_verify = format!("/accounts/{}/tokens/verify", bench.account.id());
    let other = format!("/accounts/{}/devices/policies", "0".repeat(32));
    let malformed = "/accounts/acme/devices/policies";

    let naked = SandboxRequest::new("GET", &format!("/client/v4{groups}"));
    let (status, answer) = bench.sound("GET", &groups, naked.clone());
    assert_eq!((status, answer["errors"][0]["code"].clone()), (403, json!(10000)), "no token");
    assert_eq!(bench.sound("GET", &groups, naked.with_token("cfat_wrong")).0, 403, "wrong token");
    assert_eq!(bench.send("GET", &other, None).0, 403, "an account that the token does not cover");
    let (status, answer) = bench.send("GET", malformed, None);
    assert_eq!((status, answer["errors"][0]["code"].clone()), (404, json!(7003)), "no account ID");

    for target in [verify, &account_verify] {
        assert_eq!(bench.get(target)["result"]["status"], json!("active"));
    }
    bench.account.set_token_status(TokenStatus::Disabled);
    for target in [verify, &account_verify] {
        assert_eq!(bench.get(target)["result"]["status"], json!("disabled"));
    }
    assert_eq!(bench.send("GET", &groups, None).0, 403, "revoked");
    bench.account.set_token_status(TokenStatus::Active);
    assert_eq!(bench.send("GET", &groups, None).0, 200);
}

#[test]
fn a_token_ends_at_its_instant_and_says_when() {
    let end: Timestamp = "2026-10-12T09:00:00Z".parse().unwrap();
    let mut bench =
        Bench::new(&AccountSettings { token_expires_on: Some(end), devices: 5, ..Default::default() });
    let groups = bench.path("deployment-groups");
    let verify = format!("/accounts/{}/tokens/verify", bench.account.id());
    let rows =
        [("before", 59, "active", 200), ("at its end", 1, "expired", 403), ("after", 60, "expired", 403)];
    for (row, minutes, status, reads) in rows {
        bench.wait(SignedDuration::from_mins(minutes));
        let told = bench.get(&verify)["result"].clone();
        assert_eq!((&told["status"], &told["expires_on"]), (&json!(status), &json!(end)), "{row}");
        assert_eq!(bench.send("GET", &groups, None).0, reads, "{row}");
    }
    bench.account.set_token_status(TokenStatus::Disabled);
    assert_eq!(bench.get(&verify)["result"]["status"], json!("disabled"), "switched off says more");
    bench.account.set_token_status(TokenStatus::Active);
    bench.account.set_token_end(None);
    assert_eq!(bench.get(&verify)["result"].get("expires_on"), None);
}

#[test]
fn profiles_are_those_that_were_asked_for() {
    let long = "x".repeat(100);
    let names = ["a \"b\" \\ {c}", "🚀", "Twin", "Twin", "no", &long];
    let mut profiles: Vec<ProfileSettings> =
        names.iter().map(|name| ProfileSettings::new(*name, 100)).collect();
    profiles.push(ProfileSettings { enabled: false, ..ProfileSettings::new("Off", 100) });
    let mut bench = Bench::new(&AccountSettings { profiles, devices: 100, ..Default::default() });
    let policies = bench.path("policies");
    let listed = bench.get(&policies)["result"].as_array().unwrap().clone();
    let told: Vec<_> = listed.iter().map(|p| (p["name"].as_str().unwrap(), &p["enabled"])).collect();
    let mut expected: Vec<_> = names.iter().map(|name| (*name, &json!(true))).collect::<Vec<_>>();
    let off = json!(false);
    expected.push(("Off", &off));
    assert_eq!(told, expected);
    let ids: std::collections::BTreeSet<&str> =
        listed.iter().map(|profile| profile["policy_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 7, "twins have IDs of their own");
    let truths = bench.account.truths();
    let of = |name: &str| truths.iter().filter(|truth| truth.profile == name).count();
    assert_eq!((of("🚀"), of("Twin"), of("Off"), of("default")), (10, 20, 0, 40));
    // The contract judges every device of them.
    let devices = bench.path("physical-devices");
    bench.get(&format!("{devices}?include=last_seen_registration.policy&per_page=100"));
}

#[test]
fn an_unknown_route_is_7003() {
    let mut bench = Bench::of(5);
    let rows = [
        ("PUT", bench.path("deployment-groups")),
        ("GET", bench.path("")),
        ("GET", format!("/accounts/{}", bench.account.id())),
        ("GET", "/zones".to_owned()),
        ("GET", bench.path("deployment-groups/a/b")),
    ];
    for (method, target) in rows {
        let request = bench.request(method, &target, None);
        let answer = answered(bench.account.handle(request, bench.now));
        let body: Value = serde_json::from_slice(&answer.sent()).unwrap();
        assert_eq!((answer.status, &body["errors"][0]["code"]), (404, &json!(7003)), "{method} {target}");
        assert_eq!(body["success"], json!(false));
    }
}

#[test]
fn the_default_profile_shows_itself_as_told() {
    let rows = [
        (DefaultProfileForm::WithId, true, 4),
        (DefaultProfileForm::WithoutId, false, 4),
        (DefaultProfileForm::Listed, true, 5),
    ];
    for (default_profile, with_id, listed) in rows {
        let mut bench = Bench::new(&AccountSettings { default_profile, devices: 5, ..Default::default() });
        let (policy, policies) = (bench.path("policy"), bench.path("policies"));
        let default = bench.get(&policy)["result"].clone();
        assert_eq!(default["default"], json!(true));
        let expected = with_id.then(|| Value::from(bench.policy("default")));
        assert_eq!(default.get("policy_id"), expected.as_ref(), "{default_profile:?}");
        let profiles = bench.get(&policies)["result"].clone();
        assert_eq!(profiles.as_array().unwrap().len(), listed, "{default_profile:?}");
        let browser = format!("{policies}?profile_type=browser_extension");
        assert_eq!(bench.get(&browser)["result"], json!([]));
        assert_eq!(bench.send("GET", &format!("{policies}?profile_type=x"), None).0, 400);
    }
}

#[test]
fn over_the_limit_every_call_is_429_for_five_minutes() {
    let mut bench = Bench::of(5);
    let target = bench.path("deployment-groups");
    for _ in 0..1_200 {
        assert_eq!(bench.send("GET", &target, None).0, 200);
    }
    let request = bench.request("GET", &target, None);
    let answer = answered(bench.account.handle(request, bench.now));
    let header = |name: &str| answer.headers.iter().find(|(key, _)| *key == name).map(|(_, v)| v.as_str());
    assert_eq!(answer.status, 429);
    assert_eq!(header("retry-after"), Some("300"));
    assert_eq!(header("ratelimit"), Some("\"default\";r=0;t=300"));
    assert_eq!(header("ratelimit-policy"), Some("\"default\";q=1200;w=300"));
    bench.wait(SignedDuration::from_secs(299));
    let (status, answer) = bench.send("GET", &target, None);
    assert_eq!((status, answer["errors"][0]["code"].clone()), (429, json!(971)));
    bench.wait(SignedDuration::from_secs(1));
    assert_eq!(bench.send("GET", &target, None).0, 200);
}

#[test]
fn the_journal_tells_what_was_asked_and_never_the_token() {
    let mut bench = Bench::of(5);
    let target = bench.path("deployment-groups");
    let mut request =
        bench.request("POST", &target, Some(&json!({"name": "a", "version_config": both(NEW)})));
    request.actor = Some("outsider".to_owned());
    bench.sound("POST", &target, request);
    let row = bench.last_row();
    assert_eq!(row["actor"], json!("outsider"));
    assert_eq!(row["operation"], json!("create-deployment-group"));
    assert_eq!(row["body"]["name"], json!("a"));
    assert_eq!((&row["status"], &row["applied"]), (&json!(200), &json!(true)));
    assert_eq!((&row["at"], &row["applied_at"]), (&json!(bench.now), &json!(bench.now)));
    bench.send("POST", &target, Some(&json!({"name": ""})));
    assert_eq!(
        (&bench.last_row()["applied"], &bench.last_row()["applied_at"]),
        (&json!(false), &Value::Null)
    );
    bench.get(&format!("{target}?page=1"));
    assert_eq!((&bench.last_row()["applied"], &bench.last_row()["query"]), (&Value::Null, &json!("page=1")));
    let journal = serde_json::to_string(bench.account.journal()).unwrap() + &format!("{:?}", bench.account);
    let token = secrecy::ExposeSecret::expose_secret(bench.account.token()).to_owned();
    assert!(token.starts_with("cfat_") && token.len() == 45);
    assert!(!journal.contains(&token));
}
