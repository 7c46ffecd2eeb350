//! User Groups as the contract, and the docs' own samples, allow them.

use serde_json::{Value, json};

use super::super::{Silence, decode};
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
        let is_of_a_field = |why: &str| !why.contains("success: false");
        assert!(
            matches!(&outcome, Err((Silence::Incomplete, why)) if is_of_a_field(why)),
            "{row}: {outcome:?}"
        );
    }
}
