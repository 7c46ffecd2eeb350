//! User Groups, members, permission groups: read to their end, or an error.

use std::collections::BTreeSet;

use ringward::access::policies::{Access, AnsweredAccess, PolicedGroup, PolicyIntent, ResourceScope};
use ringward::cloudflare::{ApiError, CloudflareClient, ErrorClass, Priority, Silence};
use ringward::ids::{AccountId, PermissionGroupId, UserGroupId, UserGroupName};
use ringward::rollout::record::{Member, Standing};
use serde_json::{Value, json};

use crate::common::{ACCOUNT, client, silence};
use crate::server::{Answer, Server};

const GROUP: &str = "f234f49f66df4db8864c5189fe78c87f";

fn id() -> UserGroupId {
    UserGroupId::new(GROUP).unwrap()
}

fn name(text: &str) -> UserGroupName {
    UserGroupName::new(text).unwrap()
}

fn entries(ids: &[&str]) -> Value {
    ids.iter()
        .map(|id| json!({"id": id, "email": format!("{id}@example.com"), "status": "accepted"}))
        .collect()
}

/// A page as the contract has it.
fn page(ids: &[&str], page: u32, total: usize) -> Answer {
    let info = json!({"count": ids.len(), "page": page, "per_page": 500, "total_count": total});
    Answer::page(&entries(ids), &info)
}

/// A page of a server that gives two entries at a time and no total.
fn of_two(ids: &[&str]) -> Answer {
    Answer::page(&entries(ids), &json!({"per_page": 2}))
}

#[tokio::test]
async fn members_are_listed_to_the_end() {
    type Expected = Result<&'static [&'static str], Silence>;
    let rows: Vec<(&str, Vec<Answer>, Expected, usize)> = vec![
        ("nobody", vec![page(&[], 1, 0)], Ok(&[]), 1),
        ("one page", vec![page(&["b", "a"], 1, 2)], Ok(&["a", "b"]), 1),
        (
            "the server gives smaller pages than asked",
            vec![page(&["a", "b"], 1, 3), page(&["c"], 2, 3)],
            Ok(&["a", "b", "c"]),
            2,
        ),
        (
            "one twice, all there",
            vec![page(&["a", "b"], 1, 3), page(&["b", "c"], 2, 3)],
            Ok(&["a", "b", "c"]),
            2,
        ),
        (
            "one twice, so that another is missing",
            vec![page(&["a", "b"], 1, 4), page(&["b", "c"], 2, 4), page(&[], 3, 4)],
            Err(Silence::Inconsistent),
            3,
        ),
        (
            "it ends before the total",
            vec![page(&["a"], 1, 2), page(&[], 2, 2)],
            Err(Silence::Inconsistent),
            2,
        ),
        ("more than the total", vec![page(&["a", "b"], 1, 1)], Err(Silence::Inconsistent), 1),
        (
            "somebody leaves meanwhile",
            vec![page(&["a", "b"], 1, 4), page(&["d"], 2, 3)],
            Err(Silence::Inconsistent),
            2,
        ),
        (
            "somebody comes meanwhile",
            vec![page(&["a", "b"], 1, 3), page(&["b", "c"], 2, 4)],
            Err(Silence::Inconsistent),
            2,
        ),
        ("another page than asked", vec![page(&["a"], 2, 2)], Err(Silence::Inconsistent), 1),
        (
            "no result_info: a page that is not full",
            vec![Answer::ok(&entries(&["a", "b"]))],
            Ok(&["a", "b"]),
            1,
        ),
        (
            "no total: to a page that is not full",
            vec![of_two(&["a", "b"]), of_two(&["c"])],
            Ok(&["a", "b", "c"]),
            2,
        ),
        ("no total: to an empty page", vec![of_two(&["a", "b"]), of_two(&[])], Ok(&["a", "b"]), 2),
        (
            "no total, and `page` is ignored",
            vec![of_two(&["a", "b"]), of_two(&["a", "b"])],
            Err(Silence::Inconsistent),
            2,
        ),
        ("the total goes away", vec![page(&["a"], 1, 2), of_two(&["b"])], Err(Silence::Inconsistent), 2),
        ("a null list", vec![Answer::ok(&Value::Null)], Err(Silence::Incomplete), 1),
        ("no list", vec![Answer::json(200, &json!({"success": true}))], Err(Silence::Incomplete), 1),
        ("a member without ID", vec![Answer::ok(&json!([{"email": "a@b.c"}]))], Err(Silence::Incomplete), 1),
        ("HTML", vec![Answer::html(200, "<html></html>")], Err(Silence::Unreadable), 1),
        (
            "the second page fails",
            vec![page(&["a"], 1, 2), Answer::failure(500, 1, "x")],
            Err(Silence::ServerError),
            2,
        ),
    ];
    for (row, pages, expected, requests) in rows {
        let server = Server::start(pages).await;
        let outcome = client(&server.url).user_group_members(&id(), Priority::Write).await;
        match (&outcome, expected) {
            (Ok(members), Ok(ids)) => {
                let expected: Vec<Member> = ids
                    .iter()
                    .map(|id| format!("{id}@example.com").parse().ok())
                    .map(|email| Member { email, standing: Standing::Accepted })
                    .collect();
                assert_eq!(*members, expected, "{row}");
            }
            (Err(error), Err(expected)) => assert_eq!(silence(error), Some(expected), "{row}: {error}"),
            _ => panic!("{row}: {outcome:?}"),
        }
        let lines: Vec<String> = (1..=requests)
            .map(|page| {
                format!("GET /accounts/{ACCOUNT}/iam/user_groups/{GROUP}/members?page={page}&per_page=500")
            })
            .collect();
        assert_eq!(server.lines(), lines, "{row}");
    }
}

#[tokio::test]
async fn members_that_never_end_are_an_error() {
    let pages = (1..=101).map(|n| page(&[&format!("m{n}")], n, 1_000)).collect();
    let server = Server::start(pages).await;
    let error = client(&server.url).user_group_members(&id(), Priority::Routine).await.unwrap_err();
    assert_eq!(silence(&error), Some(Silence::Inconsistent), "{error}");
    assert_eq!(server.seen().len(), 100);
}

#[tokio::test]
async fn a_group_is_found_by_exactly_its_name() {
    let group = |id: &str, name: &str| json!({"id": id, "name": name, "created_on": "x", "status": "V"});
    // (row, what the server answers, IDs found): whatever the filter of a server compares.
    type Row = (&'static str, Vec<Value>, &'static [&'static str]);
    let rows: Vec<Row> = vec![
        ("none", vec![], &[]),
        ("one", vec![group("a", "Approvers")], &["a"]),
        ("two of the name", vec![group("b", "Approvers"), group("a", "Approvers")], &["a", "b"]),
        (
            "the filter is ignored, or compares otherwise",
            vec![
                group("c", "approvers"),
                group("b", "Approvers 2"),
                group("a", "Approvers"),
                group("d", "Approvers "),
            ],
            &["a"],
        ),
    ];
    for (row, groups, ids) in rows {
        let info = json!({"count": groups.len(), "page": 1, "per_page": 500, "total_count": groups.len()});
        let server = Server::start(vec![Answer::page(&json!(groups), &info)]).await;
        let found =
            client(&server.url).user_groups_named(&name("Approvers"), Priority::Routine).await.unwrap();
        assert_eq!(found.iter().map(|group| group.id.as_str()).collect::<Vec<_>>(), ids, "{row}");
        let line = format!("GET /accounts/{ACCOUNT}/iam/user_groups?page=1&per_page=500&name=Approvers");
        assert_eq!(server.lines(), [line], "{row}");
    }
}

#[tokio::test]
async fn a_group_that_is_gone_is_a_case_of_its_own() {
    let found = || Answer::ok(&json!({"id": GROUP, "name": "Approvers"}));
    let gone = || Answer::failure(404, 1000, "user group not found");
    type Expected = fn(&Result<Option<PolicedGroup>, ApiError>) -> bool;
    let rows: [(&str, Answer, Expected); 4] = [
        ("found", found(), |outcome| matches!(outcome, Ok(Some(_)))),
        ("gone", gone(), |outcome| matches!(outcome, Ok(None))),
        ("a proxy's 404", Answer::html(404, "<html>not here</html>"), |outcome| {
            matches!(outcome, Err(ApiError { class: ErrorClass::Refused { status: 404, .. }, .. }))
        }),
        ("another group", Answer::ok(&json!({"id": "g2", "name": "n"})), |outcome| {
            outcome.as_ref().err().and_then(silence) == Some(Silence::Inconsistent)
        }),
    ];
    for (row, answer, expected) in rows {
        let server = Server::start(vec![answer]).await;
        let outcome = client(&server.url).user_group(&id(), Priority::Routine).await;
        assert!(expected(&outcome), "{row}: {outcome:?}");
    }
    let server = Server::start(vec![gone(), Answer::html(404, "<html>not here</html>"), gone()]).await;
    let client = client(&server.url);
    let error = client.user_group_members(&id(), Priority::Routine).await.unwrap_err();
    assert!(error.says_missing() && error.to_string().contains("the User Group is gone"), "{error}");
    let error = client.user_group_members(&id(), Priority::Routine).await.unwrap_err();
    assert!(!error.says_missing(), "a proxy knows nothing of groups: {error}");
    let error = client.update_user_group(&id(), &[]).await.unwrap_err();
    assert!(error.says_missing() && !error.is_in_doubt(), "{error}");
}

#[tokio::test]
async fn a_refusal_names_the_permission() {
    async fn refused(client: &CloudflareClient, what: &str) -> ApiError {
        match what {
            "groups" => client.user_groups_named(&name("x"), Priority::Routine).await.unwrap_err(),
            "all groups" => client.user_groups().await.unwrap_err(),
            "a group" => client.user_group(&id(), Priority::Routine).await.unwrap_err(),
            "members" => client.user_group_members(&id(), Priority::Routine).await.unwrap_err(),
            "roles" => client.permission_groups().await.unwrap_err(),
            "resources" => client.resource_groups().await.unwrap_err(),
            _ => client.update_user_group(&id(), &[]).await.unwrap_err(),
        }
    }
    let (read, write) = ("`Account Settings Read`", "`Account Settings Write`");
    for (row, permission) in [
        ("groups", read),
        ("all groups", read),
        ("a group", read),
        ("members", read),
        ("roles", read),
        ("resources", read),
        ("an update", write),
    ] {
        let server = Server::start(vec![Answer::failure(403, 10_000, "Forbidden")]).await;
        let error = refused(&client(&server.url), row).await;
        assert_eq!(error.status(), Some(403), "{row}");
        assert!(error.to_string().contains(permission), "{row}: {error}");
    }
}

#[tokio::test]
async fn all_permission_groups_and_resource_groups_are_read() {
    let role = |id: String| json!({"id": id, "name": id, "meta": {"editable": "false", "label": "l"}});
    let roles = |range: std::ops::Range<u32>| -> Value { range.map(|n| role(format!("r{n:03}"))).collect() };
    let info = |page: u32| json!({"count": 50, "page": page, "per_page": 50, "total_count": 62});
    let scope = json!({"key": "com.cloudflare.api.account.a", "objects": [{"key": "*"}]});
    let resources = json!([{"id": "x", "name": "all", "scope": scope}, {"id": "y", "scope": scope}]);
    let script = vec![
        Answer::page(&roles(0..50), &info(1)),
        Answer::page(&roles(50..62), &info(2)),
        Answer::ok(&resources),
    ];
    let server = Server::start(script).await;
    let client = client(&server.url);
    let found = client.permission_groups().await.unwrap();
    assert_eq!((found.len(), found[61].id.as_str(), found[0].label.as_deref()), (62, "r061", Some("l")));
    let found = client.resource_groups().await.unwrap();
    assert_eq!(found[1].name, None);
    let base = format!("GET /accounts/{ACCOUNT}/iam");
    assert_eq!(
        server.lines(),
        [
            format!("{base}/permission_groups?page=1&per_page=50"),
            format!("{base}/permission_groups?page=2&per_page=50"),
            format!("{base}/resource_groups"),
        ]
    );
}

#[tokio::test]
async fn policies_are_put_without_a_name() {
    let account = AccountId::new(ACCOUNT).unwrap();
    let key = format!("com.cloudflare.api.account.{ACCOUNT}");
    let answered = json!({"id": GROUP, "name": "Approvers", "policies": [{
        "id": "p", "access": "allow", "permission_groups": [{"id": "r1"}],
        "resource_groups": [{"scope": {"key": key, "objects": [{"key": "*"}]}}],
    }]});
    let server =
        Server::start(vec![Answer::ok(&answered), Answer::ok(&json!({"id": GROUP, "name": "n"}))]).await;
    let client = client(&server.url);
    let intent = PolicyIntent {
        access: Access::Allow,
        roles: BTreeSet::from([PermissionGroupId::new("r1").unwrap()]),
        on: ResourceScope::account(&account),
    };
    let group = client.update_user_group(&id(), std::slice::from_ref(&intent)).await.unwrap();
    assert_eq!(group.policies[0].access, AnsweredAccess::Known(Access::Allow));
    assert_eq!(group.policies[0].on[0].scope, Some(intent.on));
    assert_eq!(client.update_user_group(&id(), &[]).await.unwrap().policies, []);
    let seen = server.seen();
    let bodies: Vec<Value> = seen.iter().map(|seen| serde_json::from_str(&seen.body).unwrap()).collect();
    let policy = json!({
        "access": "allow", "permission_groups": [{"id": "r1"}],
        "resource_groups": [{"scope": {"key": key, "objects": [{"key": "*"}]}}],
    });
    assert_eq!(bodies, [json!({"policies": [policy]}), json!({"policies": []})]);
    let line = format!("PUT /accounts/{ACCOUNT}/iam/user_groups/{GROUP}");
    assert_eq!(server.lines(), [line.clone(), line]);
}
