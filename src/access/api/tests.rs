//! Requests about permission policies against the contract, byte for byte; and answers as the contract, and the docs'
//! own samples, allow them.

use std::collections::BTreeSet;

use super::super::policies::{Access, AnsweredAccess};
use super::*;
use crate::ids::{PermissionGroupId, ResourceGroupId};

fn account() -> AccountId {
    AccountId::new("023e105f4ecef8ad9ca31a8372d0c353").unwrap()
}

fn user_group() -> UserGroupId {
    UserGroupId::new("f234f49f66df4db8864c5189fe78c87f").unwrap()
}

fn intent(access: Access, roles: &[&str], on: ResourceScope) -> PolicyIntent {
    let roles = roles.iter().map(|id| PermissionGroupId::new(*id).unwrap()).collect();
    PolicyIntent { access, roles, on }
}

#[test]
fn requests_about_policies_are_exactly_the_contract() {
    let a = "/accounts/023e105f4ecef8ad9ca31a8372d0c353";
    let key = "com.cloudflare.api.account.023e105f4ecef8ad9ca31a8372d0c353";
    let g = format!("{a}/iam/user_groups/{}", user_group());
    let everywhere = intent(Access::Allow, &["r2", "r1"], ResourceScope::account(&account()));
    let zones = intent(Access::Deny, &["r1"], ResourceScope::zones(&account(), ["z2", "z1"]));
    let rows = [
        ("a group", get_user_group(&account(), &user_group()), format!("GET {g}?")),
        (
            "permission groups",
            list_permission_groups(&account(), 1),
            format!("GET {a}/iam/permission_groups?page=1&per_page=50"),
        ),
        ("resource groups", list_resource_groups(&account()), format!("GET {a}/iam/resource_groups?")),
        (
            "policies, in the form of Cloudflare's guide",
            update_user_group(&account(), &user_group(), &[everywhere, zones]),
            format!(
                concat!(
                    r#"PUT {g}? {{"policies":[{{"access":"allow","permission_groups":[{{"id":"r1"}},{{"id":"r2"}}],"#,
                    r#""resource_groups":[{{"scope":{{"key":"{key}","objects":[{{"key":"*"}}]}}}}]}},"#,
                    r#"{{"access":"deny","permission_groups":[{{"id":"r1"}}],"resource_groups":[{{"scope":{{"key":"{key}","#,
                    r#""objects":[{{"key":"com.cloudflare.api.account.zone.z1"}},"#,
                    r#"{{"key":"com.cloudflare.api.account.zone.z2"}}]}}}}]}}]}}"#,
                ),
                g = g,
                key = key
            ),
        ),
        (
            "a reset",
            update_user_group(&account(), &user_group(), &[]),
            format!("PUT {g}? {{\"policies\":[]}}"),
        ),
    ];
    for (row, request, expected) in rows {
        assert_eq!(sent(request), expected, "{row}");
    }
}

fn sent(request: Request) -> String {
    let query: Vec<String> = request.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let body = request.body.map(|body| format!(" {body}")).unwrap_or_default();
    format!("{} {}?{}{body}", request.method, request.path, query.join("&"))
}

#[test]
fn a_policy_is_read_in_both_forms() {
    let scope = json!({"key": "com.cloudflare.api.account.a", "objects": [{"key": "*"}]});
    let role =
        json!({"id": "r1", "name": "Cloudflare Zero Trust", "meta": {"editable": "false"}, "status": "V"});
    let group = |policies: &Value| json!({"id": "g", "name": "n", "status": "V", "policies": policies});
    let read = |row: &str, answer: &Value| -> PolicedGroup {
        serde_json::from_value(answer.clone()).unwrap_or_else(|error| panic!("{row}: {error:?}"))
    };
    let spec = json!([{"id": "p", "access": "allow", "permission_groups": [role],
        "resource_groups": [{"id": "x", "name": "all", "meta": {}, "scope": scope}]}]);
    let docs = json!([{"id": "p", "access": "deny", "permission_groups": [{"id": "r1"}],
        "resource_groups": [{"scope": scope}]}]);
    let whole = ResourceScope {
        key: "com.cloudflare.api.account.a".to_owned(),
        objects: BTreeSet::from(["*".to_owned()]),
    };
    for (row, policies, access, id) in [
        ("as in the spec", spec, Access::Allow, Some("x")),
        ("as in the docs' sample", docs, Access::Deny, None),
    ] {
        let policies = read(row, &group(&policies)).policies;
        let [policy] = policies.as_slice() else { panic!("{row}: {policies:?}") };
        assert_eq!(policy.access, AnsweredAccess::Known(access), "{row}");
        assert_eq!(policy.roles[0].id.as_str(), "r1", "{row}");
        let [on] = policy.on.as_slice() else { panic!("{row}: {policy:?}") };
        assert_eq!(
            (on.id.as_ref().map(ResourceGroupId::as_str), &on.scope),
            (id, &Some(whole.clone())),
            "{row}"
        );
    }
    let none = [
        ("empty", group(&json!([]))),
        ("null", group(&Value::Null)),
        ("left out", json!({"id": "g", "name": "n"})),
    ];
    for (row, answer) in none {
        assert_eq!(read(row, &answer).policies, [], "{row}");
    }
    let bare = read("bare", &group(&json!([{}]))).policies;
    assert_eq!(bare[0].access, AnsweredAccess::Untold);
    let odd = read("odd", &group(&json!([{"access": "Allow"}]))).policies;
    assert_eq!(odd[0].access, AnsweredAccess::Other("Allow".to_owned()));
}

#[test]
fn a_permission_groups_meta_is_strings() {
    let rows = [
        (
            "strings",
            json!({"id": "r", "name": "n", "meta": {"label": "l", "deprecated": "true"}}),
            Some("l"),
            true,
        ),
        ("a flag", json!({"id": "r", "name": "n", "meta": {"deprecated": true}}), None, true),
        ("not deprecated", json!({"id": "r", "name": "n", "meta": {"deprecated": "false"}}), None, false),
        ("an odd label", json!({"id": "r", "meta": {"label": 5}}), None, false),
        ("no meta", json!({"id": "r"}), None, false),
        ("null meta", json!({"id": "r", "meta": null}), None, false),
    ];
    for (row, answer, label, is_deprecated) in rows {
        let role: PermissionGroup = serde_json::from_value(answer).unwrap();
        assert_eq!((role.label.as_deref(), role.is_deprecated), (label, is_deprecated), "{row}");
    }
}
