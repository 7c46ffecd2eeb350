//! User Groups as the contract, and the docs' own samples, allow them.

use serde_json::json;

use super::super::{Single, Undecodable, decode};
use super::*;

fn enveloped(result: &Value) -> Vec<u8> {
    json!({"success": true, "errors": [], "messages": [], "result": result}).to_string().into_bytes()
}

#[test]
fn members_are_read_and_never_promoted() {
    let rows = [
        (
            "accepted",
            json!({"id": "m", "email": "ana@example.com", "status": "accepted"}),
            Some("ana@example.com"),
            Standing::Accepted,
        ),
        (
            "older answers tell no status",
            json!({"id": "m", "email": "a@b.c"}),
            Some("a@b.c"),
            Standing::Accepted,
        ),
        (
            "null status",
            json!({"id": "m", "email": "a@b.c", "status": null}),
            Some("a@b.c"),
            Standing::Accepted,
        ),
        (
            "pending",
            json!({"id": "m", "email": "a@b.c", "status": "pending"}),
            Some("a@b.c"),
            Standing::Pending,
        ),
        (
            "an unknown word",
            json!({"id": "m", "email": "a@b.c", "status": "Accepted"}),
            Some("a@b.c"),
            Standing::Other("Accepted".to_owned()),
        ),
        (
            "capitals",
            json!({"id": "m", "email": "Ana@Example.COM", "status": "accepted"}),
            Some("ana@example.com"),
            Standing::Accepted,
        ),
        ("no e-mail", json!({"id": "m", "status": "accepted"}), None, Standing::Accepted),
        ("a null e-mail", json!({"id": "m", "email": null}), None, Standing::Accepted),
        ("an e-mail that is none", json!({"id": "m", "email": "ana at home"}), None, Standing::Accepted),
        ("an empty one", json!({"id": "m", "email": ""}), None, Standing::Accepted),
        ("extra keys", json!({"id": "m", "user": {"id": "u"}, "created_at": "x"}), None, Standing::Accepted),
    ];
    for (row, answer, email, standing) in rows {
        let wire: WireMember = serde_json::from_value(answer).unwrap();
        let member = Member::from(wire);
        assert_eq!(
            (member.email.as_ref().map(|email| email.as_str()), member.standing),
            (email, standing),
            "{row}"
        );
    }
    for (row, answer) in [
        ("no ID", json!([{"email": "a@b.c"}])),
        ("an e-mail that is a number", json!([{"id": "m", "email": 5}])),
        ("a list that is null", Value::Null),
    ] {
        let outcome = decode::<NumberedPage<WireMember>>(&enveloped(&answer));
        assert!(matches!(outcome, Err(Undecodable::Field(_))), "{row}: {outcome:?}");
    }
}

#[test]
fn a_policy_is_read_in_both_forms() {
    let scope = json!({"key": "com.cloudflare.api.account.a", "objects": [{"key": "*"}]});
    let role =
        json!({"id": "r1", "name": "Cloudflare Zero Trust", "meta": {"editable": "false"}, "status": "V"});
    let group = |policies: &Value| json!({"id": "g", "name": "n", "status": "V", "policies": policies});
    let read = |row: &str, answer: &Value| -> PolicedGroup {
        decode::<Single<WireUserGroup>>(&enveloped(answer))
            .unwrap_or_else(|error| panic!("{row}: {error:?}"))
            .result
            .into()
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
        let wire: WirePermissionGroup = serde_json::from_value(answer).unwrap();
        let role = PermissionGroup::from(wire);
        assert_eq!((role.label.as_deref(), role.is_deprecated), (label, is_deprecated), "{row}");
    }
}
