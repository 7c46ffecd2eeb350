//! The validator itself: a judge that passes everything would make every other test worthless.

use serde_json::{Value, json};

use crate::bench::{NEW, both};
use crate::contract::Contract;

const ACCOUNT: &str = "/accounts/023e105f4ecef8ad9ca31a8372d0c353";

#[test]
fn requests_are_judged() {
    let create = json!({"name": "a", "version_config": both(NEW)});
    let rows = [
        ("a sound list", "GET", "/devices/deployment-groups?page=1&per_page=100", None, true),
        ("a sound create", "POST", "/devices/deployment-groups", Some(create.clone()), true),
        ("repeated IDs", "GET", "/devices/physical-devices?id=a&id=b", None, true),
        ("an unknown route", "GET", "/devices/fleet", None, false),
        ("an unknown method", "PUT", "/devices/deployment-groups/x", Some(create.clone()), false),
        ("an unknown parameter", "GET", "/devices/physical-devices?limit=5", None, false),
        ("a parameter of another operation", "GET", "/devices/policy?per_page=5", None, false),
        ("a page too large", "GET", "/devices/deployment-groups?per_page=101", None, false),
        ("a page that is no number", "GET", "/devices/deployment-groups?page=x", None, false),
        ("a value outside its enum", "GET", "/devices/physical-devices?sort_by=colour", None, false),
        ("a parameter twice", "GET", "/devices/deployment-groups?page=1&page=2", None, false),
        (
            "a policy that is no UUID",
            "GET",
            "/devices/physical-devices?last_seen_registration.policy.id=IT",
            None,
            false,
        ),
        ("a create without a body", "POST", "/devices/deployment-groups", None, false),
        ("a body on a read", "GET", "/devices/deployment-groups", Some(create), false),
        ("a body without its fields", "POST", "/devices/deployment-groups", Some(json!({})), false),
    ];
    for (row, method, rest, body, sound) in rows {
        let judged = Contract::get().request(method, &format!("{ACCOUNT}{rest}"), body.as_ref());
        assert_eq!(judged.is_ok(), sound, "{row}: {judged:?}");
    }
    let named = Contract::get().request("GET", &format!("{ACCOUNT}/devices/policies"), None).unwrap();
    assert_eq!(named, "devices-list-device-settings-policies", "a literal segment is the better fit");
}

#[test]
fn answers_are_judged() {
    let group = json!({
        "id": "g", "name": "a", "version_config": [], "created_at": "x", "updated_at": "y",
    });
    let envelope = |result: Value| json!({"success": true, "errors": [], "messages": [], "result": result});
    let failure = json!({
        "success": false, "errors": [{"code": 1000, "message": "no"}], "messages": [], "result": null,
    });
    let mut nameless = group.clone();
    nameless["name"] = Value::Null;
    let rows = [
        ("a group", 200, envelope(group.clone()).to_string(), true),
        ("a group without a name", 200, envelope(nameless).to_string(), false),
        ("no envelope", 200, group.to_string(), false),
        ("a failure", 404, failure.to_string(), true),
        ("a failure that says success", 404, envelope(Value::Null).to_string(), false),
        ("a status that the contract does not know", 302, failure.to_string(), false),
        ("a server error", 500, failure.to_string(), false),
        ("a page", 200, "<html></html>".to_owned(), false),
        ("nothing", 200, String::new(), false),
    ];
    for (row, status, body, sound) in rows {
        let target = format!("{ACCOUNT}/devices/deployment-groups/g");
        let judged = Contract::get().response("GET", &target, status, body.as_bytes());
        assert_eq!(judged.is_ok(), sound, "{row}: {judged:?}");
    }
}
