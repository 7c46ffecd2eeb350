//! Answers as the contract allows them, and every way of falling short of it.

use serde_json::json;

use super::*;
use crate::cloudflare::token::TokenCheck;

fn field_error<T: DeserializeOwned>(row: &str, answer: &Value) -> String {
    match decode::<T>(answer.to_string().as_bytes()) {
        Err((Silence::Incomplete, text)) => text,
        Err(other) => panic!("{row}: {other:?}"),
        Ok(_) => panic!("{row}: was accepted"),
    }
}

fn group() -> Value {
    json!({
        "id": "g1", "name": "Ring 0", "policy_ids": ["p2", "p1"],
        "version_config": [
            {"target_environment": "windows", "version": "2026.8.2100.0"},
            {"target_environment": null, "version": "free text"},
        ],
        "created_at": "2026-02-14T13:17:00Z", "updated_at": "2026-10-08T09:00:00.000000001Z",
    })
}

fn device() -> Value {
    json!({
        "id": "d1", "name": "ENG-1", "client_version": "2026.8.2100.0", "device_type": "windows",
        "last_seen_at": "2026-10-08T09:20:00Z", "os_version": "10.0", "tags": {},
        "last_seen_user": {"email": "user@example.com"},
        "last_seen_registration": {"policy": {"id": "p1", "default": true}},
    })
}

fn enveloped(result: &Value) -> Value {
    json!({"success": true, "errors": null, "messages": null, "result": result})
}

fn devices(row: Value) -> Value {
    enveloped(&json!([row]))
}

fn without(mut value: Value, pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    value.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    value
}

fn with(mut value: Value, pointer: &str, new: Value) -> Value {
    *value.pointer_mut(pointer).unwrap() = new;
    value
}

#[test]
fn a_group_is_kept_whole() {
    let answer = enveloped(&group()).to_string();
    let group: Group = decode::<Single<WireGroup>>(answer.as_bytes()).unwrap().result.into();
    assert_eq!(group.updated_at.to_string(), "2026-10-08T09:00:00.000000001Z");
    let ids: Vec<&str> = group.content.policies.iter().map(PolicyId::as_str).collect();
    assert_eq!(ids, ["p1", "p2"]);
    let environments: Vec<_> = group.content.versions.iter().map(|v| v.environment.as_deref()).collect();
    assert_eq!(environments, [None, Some("windows")]);
}

#[test]
fn a_legal_null_is_a_case_of_its_own() {
    let read = |row: &str, answer: Value| -> ListedDevice {
        let page: DevicePage =
            decode(devices(answer).to_string().as_bytes()).unwrap_or_else(|error| panic!("{row}: {error:?}"));
        page.result.into_iter().next().unwrap().into()
    };
    assert!(read("whole", device()).policy.unwrap().default);
    let never = read("never seen", with(device(), "/last_seen_at", Value::Null));
    assert_eq!(never.last_seen_at, None);
    let rows = [
        ("null version", with(device(), "/client_version", Value::Null), Reported::Null),
        ("no version", without(device(), "/client_version"), Reported::Null),
        (
            "odd version",
            with(device(), "/client_version", json!("1.0.0")),
            Reported::Unreadable("1.0.0".to_owned()),
        ),
    ];
    for (row, answer, expected) in rows {
        assert_eq!(read(row, answer).client, expected, "{row}");
    }
    for (row, pointer) in
        [("no registration", "/last_seen_registration"), ("no profile", "/last_seen_registration/policy")]
    {
        assert_eq!(read(row, with(device(), pointer, Value::Null)).policy, None, "null: {row}");
        assert_eq!(read(row, without(device(), pointer)).policy, None, "missing: {row}");
    }
    let nobody = read("no user", with(device(), "/last_seen_user", Value::Null));
    assert_eq!(nobody.user, None);
    for (row, group) in
        [("null", with(group(), "/policy_ids", Value::Null)), ("missing", without(group(), "/policy_ids"))]
    {
        let single: Single<WireGroup> = decode(enveloped(&group).to_string().as_bytes()).unwrap();
        assert!(Group::from(single.result).content.policies.is_empty(), "{row}");
    }
}

#[test]
fn what_is_missing_is_named_by_its_path() {
    let page = |groups: Value| json!({"success": true, "result": groups, "result_info": {"page": 1, "total_count": 1}});
    let groups = [
        ("group id", "/id", "`result[0]`: missing field `id`"),
        ("group name", "/name", "`result[0]`: missing field `name`"),
        ("versions", "/version_config", "`result[0]`: missing field `version_config`"),
        ("updated_at", "/updated_at", "`result[0]`: missing field `updated_at`"),
        ("version", "/version_config/0/version", "`result[0].version_config[0]`: missing field `version`"),
        (
            "environment, though nullable",
            "/version_config/1/target_environment",
            "`result[0].version_config[1]`: missing field `target_environment`",
        ),
    ];
    for (row, pointer, expected) in groups {
        let text = field_error::<GroupPage>(row, &page(json!([without(group(), pointer)])));
        assert!(text.starts_with(expected), "{row}: {text}");
    }
    let sightings = [
        ("device id", "/id", "`result[0]`: missing field `id`"),
        ("device name", "/name", "`result[0]`: missing field `name`"),
        ("last_seen_at, though nullable", "/last_seen_at", "`result[0]`: missing field `last_seen_at`"),
        (
            "policy id",
            "/last_seen_registration/policy/id",
            "`result[0].last_seen_registration.policy`: missing field `id`",
        ),
        (
            "policy default",
            "/last_seen_registration/policy/default",
            "`result[0].last_seen_registration.policy`: missing field `default`",
        ),
    ];
    for (row, pointer, expected) in sightings {
        let text = field_error::<DevicePage>(row, &devices(without(device(), pointer)));
        assert!(text.starts_with(expected), "{row}: {text}");
    }
    let whole = page(json!([group()]));
    for (row, pointer, expected) in [
        ("result", "/result", "missing field `result`"),
        ("result_info", "/result_info", "missing field `result_info`"),
        ("page", "/result_info/page", "`result_info`: missing field `page`"),
        ("total_count", "/result_info/total_count", "`result_info`: missing field `total_count`"),
        ("success", "/success", "missing field `success`"),
    ] {
        let text = field_error::<GroupPage>(row, &without(whole.clone(), pointer));
        assert!(text.starts_with(expected), "{row}: {text}");
    }
}

#[test]
fn what_is_wrong_is_named_by_its_path() {
    let rows = [
        ("empty ID", with(device(), "/id", json!("")), "`result[0].id`"),
        ("odd instant", with(device(), "/last_seen_at", json!("yesterday")), "`result[0].last_seen_at`"),
        ("null name", with(device(), "/name", Value::Null), "`result[0].name`"),
    ];
    for (row, device, expected) in rows {
        let text = field_error::<DevicePage>(row, &devices(device));
        assert!(text.starts_with(expected), "{row}: {text}");
    }
    let text =
        field_error::<Single<TokenCheck>>("token", &enveloped(&json!({"id": "t", "status": "asleep"})));
    assert!(text.starts_with("`result.status`: unknown variant `asleep`"), "{text}");
}

#[test]
fn what_is_not_json_is_refused() {
    let deep = format!("{{\"success\":true,\"result\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let rows = [
        ("nothing", String::new()),
        ("HTML", "<html></html>".to_owned()),
        ("cut off", "{\"success\":true,\"result\":[{\"id\":".to_owned()),
        ("more after the end", "{\"success\":true,\"result\":[]} x".to_owned()),
        ("too deep", deep),
    ];
    for (row, text) in rows {
        let outcome = decode::<Single<Value>>(text.as_bytes());
        assert!(matches!(outcome, Err((Silence::Unreadable, _))), "{row}: {outcome:?}");
    }
}

#[test]
fn no_part_of_an_answer_is_an_answer() {
    let whole = enveloped(&group()).to_string();
    assert!(decode::<Single<WireGroup>>(whole.as_bytes()).is_ok());
    for end in 0..whole.len() {
        let outcome = decode::<Single<WireGroup>>(&whole.as_bytes()[..end]);
        assert!(outcome.is_err(), "the first {end} bytes were accepted");
    }
}

#[test]
fn complaints_are_read_as_far_as_they_can_be() {
    let rows = [
        (
            "envelope",
            r#"{"success":false,"errors":[{"code":971,"message":"slow down"}],"result":null}"#,
            "code 971: slow down",
        ),
        ("null errors", r#"{"success":false,"errors":null}"#, "no reason given"),
        ("no errors", r#"{"success":false,"errors":[]}"#, "no reason given"),
        ("odd code", r#"{"success":false,"errors":[{"code":"x","message":"m"}]}"#, "m"),
        ("edge problem", r#"{"title":"Bad gateway","detail":"origin down","status":502}"#, "origin down"),
        ("HTML", "<html>502</html>", "no reason given"),
        ("a list", "[1]", "no reason given"),
    ];
    for (row, body, text) in rows {
        let complaint = Complaint::read(body.as_bytes());
        assert_eq!(complaint.to_string(), text, "{row}");
    }
}

#[test]
fn the_last_page_of_devices_has_no_cursor() {
    let rows = [
        ("a cursor", json!({"cursor": "c1"}), Some("c1")),
        ("empty", json!({"cursor": ""}), None),
        ("null", json!({"cursor": null}), None),
        ("missing", json!({}), None),
        ("no result_info", Value::Null, None),
    ];
    for (row, info, expected) in rows {
        let answer = json!({"success": true, "result": [], "result_info": info}).to_string();
        assert_eq!(decode::<DevicePage>(answer.as_bytes()).unwrap().next(), expected, "{row}");
    }
}
