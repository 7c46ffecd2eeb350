//! What is sent and what is read when all is well, and listings that do not add up.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use ringward::cloudflare::{
    ApiError, CloudflareClient, DefaultProfile, ErrorClass, GroupLookup, GroupUpdate, Obstacle, Priority,
    RequestObserver, Settings, Silence, TokenState,
};
use ringward::fleet::SweepScope;
use ringward::ids::PolicyId;
use ringward::rollout::remote::{GroupContent, VersionEntry};
use ringward::time::{Clock, SignedDuration, since};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::common::{ACCOUNT, TOKEN, client, device, group, group_id, settings};
use crate::server::{Answer, Server};

fn group_page(ids: &[&str], page: u64, total: usize) -> Answer {
    let groups: Vec<Value> = ids.iter().map(|id| group(id)).collect();
    let info = json!({"page": page, "per_page": 100, "count": ids.len(), "total_count": total});
    Answer::page(&json!(groups), &info)
}

fn device_page(devices: &[(&str, &str)], info: &Value) -> Answer {
    let rows: Vec<Value> = devices.iter().map(|(id, policy)| device(id, policy)).collect();
    Answer::page(&json!(rows), info)
}

fn silence(error: &ApiError) -> Option<Silence> {
    match error.class {
        ErrorClass::NoAnswer { silence, .. } => Some(silence),
        _ => None,
    }
}

fn policies(ids: &[&str]) -> BTreeSet<PolicyId> {
    ids.iter().map(|id| PolicyId::new(*id).unwrap()).collect()
}

#[tokio::test]
async fn writes_send_whole_arrays_and_answer_the_group() {
    let server = Server::start(vec![Answer::ok(&group("g1")), Answer::ok(&group("g1"))]).await;
    let client = client(&server.url);
    let versions =
        vec![VersionEntry { environment: Some("windows".to_owned()), version: "2026.8.2100.0".to_owned() }];
    let content =
        GroupContent { name: "Ring g1".to_owned(), versions: versions.clone(), policies: policies(&["p1"]) };
    let created = client.create_group(&content).await.unwrap();
    assert_eq!(created.content, content);
    assert_eq!(created.updated_at.to_string(), "2026-10-08T09:00:00.000000001Z");
    let update = GroupUpdate::new(Some(versions), None).unwrap();
    assert_eq!(client.update_group(&group_id("g1"), &update).await.unwrap(), created);

    let seen = server.seen();
    assert_eq!(
        server.lines(),
        [
            format!("POST /accounts/{ACCOUNT}/devices/deployment-groups"),
            format!("PATCH /accounts/{ACCOUNT}/devices/deployment-groups/g1"),
        ]
    );
    let config = json!([{"target_environment": "windows", "version": "2026.8.2100.0"}]);
    let bodies: Vec<Value> = seen.iter().map(|seen| serde_json::from_str(&seen.body).unwrap()).collect();
    assert_eq!(bodies[0], json!({"name": "Ring g1", "policy_ids": ["p1"], "version_config": config}));
    assert_eq!(bodies[1], json!({"version_config": config}));
    for seen in seen {
        assert_eq!(seen.headers["authorization"], format!("Bearer {TOKEN}"));
        assert_eq!(seen.headers["accept"], "application/json");
        assert_eq!(seen.headers["content-type"], "application/json");
    }
}

#[tokio::test]
async fn a_content_that_must_not_be_sent_is_not() {
    let server = Server::start(vec![]).await;
    let content = GroupContent { name: "n".to_owned(), versions: vec![], policies: BTreeSet::new() };
    let error = client(&server.url).create_group(&content).await.unwrap_err();
    assert!(matches!(error.class, ErrorClass::NotSent { obstacle: Obstacle::Unsendable, .. }), "{error}");
    // An ID that would climb out of its path.
    let error = client(&server.url).get_group(&group_id(".."), Priority::Write).await.unwrap_err();
    assert!(matches!(error.class, ErrorClass::NotSent { obstacle: Obstacle::Unsendable, .. }), "{error}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_group_is_found_or_missing_or_not_known() {
    let found = Answer::ok(&group("g1"));
    let missing = Answer::failure(404, 1000, "group not found");
    type Expected = fn(&Result<GroupLookup, ApiError>) -> bool;
    let rows: [(&str, Answer, Expected); 4] = [
        ("found", found.clone(), |outcome| matches!(outcome, Ok(GroupLookup::Found(_)))),
        ("missing", missing, |outcome| matches!(outcome, Ok(GroupLookup::Missing))),
        ("a proxy's 404", Answer::html(404, "<html>not here</html>"), |outcome| {
            matches!(outcome, Err(ApiError { class: ErrorClass::Refused { status: 404, .. }, .. }))
        }),
        ("another group", Answer::ok(&group("g2")), |outcome| {
            outcome.as_ref().err().and_then(silence) == Some(Silence::Inconsistent)
        }),
    ];
    for (row, answer, expected) in rows {
        let server = Server::start(vec![answer]).await;
        let outcome = client(&server.url).get_group(&group_id("g1"), Priority::Write).await;
        assert!(expected(&outcome), "{row}: {outcome:?}");
    }
}

#[tokio::test]
async fn groups_are_listed_to_the_end() {
    let odd_page = json!({"page": 2, "per_page": 100, "count": 1, "total_count": 1});
    // (row, pages, IDs or the failure, requests)
    type Expected = Result<&'static [&'static str], Silence>;
    let rows: Vec<(&str, Vec<Answer>, Expected, usize)> = vec![
        ("none", vec![group_page(&[], 1, 0)], Ok(&[]), 1),
        ("one page", vec![group_page(&["b", "a"], 1, 2)], Ok(&["a", "b"]), 1),
        (
            "the server gives smaller pages than asked",
            vec![group_page(&["a", "b"], 1, 5), group_page(&["c", "d"], 2, 5), group_page(&["e"], 3, 5)],
            Ok(&["a", "b", "c", "d", "e"]),
            3,
        ),
        (
            "one twice: the later stands, and reading goes on to an empty page",
            vec![group_page(&["a", "b"], 1, 4), group_page(&["b", "c"], 2, 4), group_page(&[], 3, 4)],
            Ok(&["a", "b", "c"]),
            3,
        ),
        (
            "it ends before the total",
            vec![group_page(&["a"], 1, 2), group_page(&[], 2, 2)],
            Err(Silence::Inconsistent),
            2,
        ),
        (
            "the total changes on the way",
            vec![group_page(&["a"], 1, 3), group_page(&["b"], 2, 2)],
            Err(Silence::Inconsistent),
            2,
        ),
        (
            "another page than asked",
            vec![Answer::page(&json!([group("a")]), &odd_page)],
            Err(Silence::Inconsistent),
            1,
        ),
        ("no result_info", vec![Answer::ok(&json!([group("a")]))], Err(Silence::Incomplete), 1),
        ("a null list", vec![Answer::page(&Value::Null, &odd_page)], Err(Silence::Incomplete), 1),
        (
            "the second page fails",
            vec![group_page(&["a"], 1, 2), Answer::failure(500, 1, "x")],
            Err(Silence::ServerError),
            2,
        ),
    ];
    for (row, pages, expected, requests) in rows {
        let server = Server::start(pages).await;
        let outcome = client(&server.url).list_groups(Priority::Routine).await;
        match (&outcome, expected) {
            (Ok(groups), Ok(ids)) => {
                let found: Vec<&str> = groups.iter().map(|group| group.id.as_str()).collect();
                assert_eq!(found, ids, "{row}");
            }
            (Err(error), Err(expected)) => assert_eq!(silence(error), Some(expected), "{row}: {error}"),
            _ => panic!("{row}: {outcome:?}"),
        }
        let lines: Vec<String> = (1..=requests)
            .map(|page| format!("GET /accounts/{ACCOUNT}/devices/deployment-groups?page={page}&per_page=100"))
            .collect();
        assert_eq!(server.lines(), lines, "{row}");
    }
}

#[tokio::test]
async fn a_group_listing_that_never_ends_is_an_error() {
    let pages = (1..=101).map(|page| group_page(&[&format!("g{page}")], page, 1_000)).collect();
    let server = Server::start(pages).await;
    let error = client(&server.url).list_groups(Priority::Routine).await.unwrap_err();
    assert_eq!(silence(&error), Some(Silence::Inconsistent), "{error}");
    assert_eq!(server.seen().len(), 100);
}

#[tokio::test]
async fn devices_are_swept_to_the_last_cursor() {
    let next = |cursor: &str| json!({"count": 1, "per_page": 100, "cursor": cursor, "total_count": null});
    type Expected = Result<&'static [&'static str], Silence>;
    let rows: Vec<(&str, Vec<Answer>, Expected, usize)> = vec![
        (
            "one page, empty cursor",
            vec![device_page(&[("b", "p"), ("a", "p")], &next(""))],
            Ok(&["a", "b"]),
            1,
        ),
        (
            "an empty page in the middle",
            vec![
                device_page(&[("a", "p")], &next("c1")),
                device_page(&[], &next("c2")),
                device_page(&[("b", "p")], &json!({"count": 1, "per_page": 100})),
            ],
            Ok(&["a", "b"]),
            3,
        ),
        (
            "one twice, and the end without result_info",
            vec![
                device_page(&[("a", "p"), ("b", "p")], &next("c1")),
                Answer::ok(&json!([device("b", "q"), device("c", "p")])),
            ],
            Ok(&["a", "b", "c"]),
            2,
        ),
        (
            "a cursor comes back",
            vec![
                device_page(&[("a", "p")], &next("c1")),
                device_page(&[("b", "p")], &next("c2")),
                device_page(&[("c", "p")], &next("c1")),
            ],
            Err(Silence::Inconsistent),
            3,
        ),
        (
            "the second page is cut off",
            vec![device_page(&[("a", "p")], &next("c1")), Answer::Bytes(b"HTTP/1.1 200 OK\r\n".to_vec())],
            Err(Silence::Broken),
            2,
        ),
        (
            "a device without last_seen_at",
            vec![Answer::ok(&json!([{"id": "a", "name": "n"}]))],
            Err(Silence::Incomplete),
            1,
        ),
        ("a null list", vec![Answer::ok(&Value::Null)], Err(Silence::Incomplete), 1),
    ];
    for (row, pages, expected, requests) in rows {
        let server = Server::start(pages).await;
        let outcome = client(&server.url).sweep(SweepScope::Full).await;
        match (&outcome, expected) {
            (Ok(sweep), Ok(ids)) => {
                let found: Vec<&str> = sweep.devices.iter().map(|device| device.id.as_str()).collect();
                assert_eq!(found, ids, "{row}");
                assert!(sweep.started_at <= sweep.finished_at, "{row}");
            }
            (Err(error), Err(expected)) => assert_eq!(silence(error), Some(expected), "{row}: {error}"),
            _ => panic!("{row}: {outcome:?}"),
        }
        assert_eq!(server.seen().len(), requests, "{row}: {:?}", server.lines());
    }
}

#[tokio::test]
async fn of_two_sightings_the_later_stands_and_pages_follow_the_cursor() {
    let first = device_page(&[("a", "p")], &json!({"count": 1, "per_page": 100, "cursor": "x/+ 1"}));
    let server = Server::start(vec![first, Answer::ok(&json!([device("a", "q")]))]).await;
    let sweep = client(&server.url).sweep(SweepScope::Full).await.unwrap();
    assert_eq!(sweep.devices[0].policy.as_ref().unwrap().id.as_str(), "q");
    let base = format!(
        "GET /accounts/{ACCOUNT}/devices/physical-devices\
         ?include=last_seen_registration.policy&per_page=100&sort_by=id&sort_order=asc"
    );
    assert_eq!(server.lines(), [base.clone(), format!("{base}&cursor=x%2F%2B+1")]);
}

#[tokio::test]
async fn a_filter_that_the_server_ignores_is_made_good() {
    let all = Answer::ok(&json!([device("a", "p1"), device("b", "p2"), {
        "id": "c", "name": "n", "last_seen_at": null, "last_seen_registration": null,
    }]));
    let server = Server::start(vec![all.clone(), all]).await;
    let client = client(&server.url);
    let scope = SweepScope::Profile(PolicyId::new("p2").unwrap());
    let sweep = client.sweep(scope.clone()).await.unwrap();
    assert_eq!(sweep.scope, scope);
    let ids: Vec<&str> = sweep.devices.iter().map(|device| device.id.as_str()).collect();
    assert_eq!(ids, ["b"]);
    assert!(server.lines()[0].ends_with("&last_seen_registration.policy.id=p2"), "{:?}", server.lines());
    let since = SweepScope::SeenAfter("2026-10-01T00:00:00Z".parse().unwrap());
    assert_eq!(client.sweep(since).await.unwrap().devices.len(), 3);
    assert!(server.lines()[1].ends_with("&seen_after=2026-10-01T00%3A00%3A00Z"), "{:?}", server.lines());
}

#[tokio::test]
async fn a_sweep_goes_on_after_a_pause_but_not_for_ever() {
    let limited = || Answer::failure(429, 971, "wait").with("retry-after", "2");
    let cursor = json!({"count": 1, "per_page": 100, "cursor": "c1"});
    let script = vec![
        device_page(&[("a", "p")], &cursor),
        limited(),
        limited(),
        Answer::ok(&json!([device("b", "p")])),
    ];
    let server = Server::start(script).await;
    assert_eq!(client(&server.url).sweep(SweepScope::Full).await.unwrap().devices.len(), 2);
    let lines = server.lines();
    assert_eq!((lines.len(), &lines[1], &lines[2]), (4, &lines[3], &lines[3]));

    let server = Server::start((0..9).map(|_| limited()).collect()).await;
    let error = client(&server.url).sweep(SweepScope::Full).await.unwrap_err();
    assert!(matches!(error.class, ErrorClass::RateLimited { .. }), "{error}");
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn profiles_are_put_together_and_the_default_one_is_known_or_not() {
    let engineering = json!({"policy_id": "p1", "name": "Engineering", "default": false, "enabled": false});
    let listed_default = json!({"policy_id": "p9", "default": true});
    let with_id = json!({"policy_id": "p9", "default": true, "enabled": true});
    let without_id = json!({"default": true, "enabled": true});
    // (row, list, default, the profiles: ID, default, enabled)
    type Rows = Result<&'static [(&'static str, bool, bool)], Silence>;
    let rows: Vec<(&str, Value, Value, Rows)> = vec![
        (
            "default not listed",
            json!([engineering]),
            with_id.clone(),
            Ok(&[("p1", false, false), ("p9", true, true)]),
        ),
        (
            "default listed",
            json!([listed_default, engineering]),
            with_id.clone(),
            Ok(&[("p1", false, false), ("p9", true, true)]),
        ),
        (
            "default listed without saying so",
            json!([{"policy_id": "p9"}]),
            with_id.clone(),
            Ok(&[("p9", true, true)]),
        ),
        ("default without ID", json!([engineering]), without_id.clone(), Ok(&[("p1", false, false)])),
        (
            "default without ID, but listed",
            json!([listed_default]),
            without_id.clone(),
            Ok(&[("p9", true, true)]),
        ),
        ("a null list", Value::Null, without_id.clone(), Ok(&[])),
        ("listed without ID", json!([{"name": "x"}]), without_id, Ok(&[])),
        ("two defaults", json!([{"policy_id": "p8", "default": true}]), with_id, Err(Silence::Inconsistent)),
        ("a null default", json!([]), Value::Null, Err(Silence::Incomplete)),
        ("an odd flag", json!([{"policy_id": "p1", "enabled": null}]), json!({}), Err(Silence::Incomplete)),
    ];
    for (row, list, default, expected) in rows {
        let server = Server::start(vec![Answer::ok(&list), Answer::ok(&default)]).await;
        let outcome = client(&server.url).profiles().await;
        match (&outcome, expected) {
            (Ok(profiles), Ok(expected)) => {
                let found: Vec<(&str, bool, bool)> =
                    profiles.listed.iter().map(|p| (p.id.as_str(), p.is_default, p.enabled)).collect();
                assert_eq!(found, expected, "{row}");
            }
            (Err(error), Err(expected)) => assert_eq!(silence(error), Some(expected), "{row}: {error}"),
            _ => panic!("{row}: {outcome:?}"),
        }
        assert_eq!(server.lines()[0], format!("GET /accounts/{ACCOUNT}/devices/policies"), "{row}");
    }
    let server = Server::start(vec![Answer::ok(&json!({"default": true, "enabled": true}))]).await;
    let default = client(&server.url).default_profile().await.unwrap();
    assert_eq!(default, DefaultProfile { id: None, name: None, enabled: true });
    assert_eq!(server.lines(), [format!("GET /accounts/{ACCOUNT}/devices/policy")]);
}

#[tokio::test]
async fn a_token_is_verified_where_it_belongs() {
    let user = "GET /user/tokens/verify".to_owned();
    let account = format!("GET /accounts/{ACCOUNT}/tokens/verify");
    let status = |status: &str| Answer::ok(&json!({"id": "t", "status": status}));
    let invalid = || Answer::failure(401, 1000, "Invalid API Token");
    type Row<'a> = (&'a str, &'a str, Vec<Answer>, Result<TokenState, u16>, Vec<String>);
    let rows: Vec<Row<'_>> = vec![
        ("user's", "cfut_x", vec![status("active")], Ok(TokenState::Active), vec![user.clone()]),
        ("account's", "cfat_x", vec![status("disabled")], Ok(TokenState::Disabled), vec![account.clone()]),
        ("old, a user's", "x", vec![status("expired")], Ok(TokenState::Expired), vec![user.clone()]),
        (
            "old, the account's",
            "x",
            vec![invalid(), status("active")],
            Ok(TokenState::Active),
            vec![user.clone(), account.clone()],
        ),
        ("old, nobody's", "x", vec![invalid(), invalid()], Err(401), vec![user.clone(), account.clone()]),
        ("old, and the API is down", "x", vec![Answer::html(502, "x")], Err(502), vec![user]),
        ("revoked", "cfat_x", vec![invalid()], Err(401), vec![account]),
    ];
    for (row, token, script, expected, lines) in rows {
        let server = Server::start(script).await;
        let settings = Settings { token: SecretString::from(token), ..settings(&server.url) };
        let outcome = CloudflareClient::new(settings).unwrap().verify_token().await;
        let found = outcome.map(|check| check.state).map_err(|error| error.status().unwrap());
        assert_eq!(found, expected, "{row}");
        assert_eq!(server.lines(), lines, "{row}");
    }
}

#[tokio::test]
async fn reads_wait_for_budget_in_the_daemons_time() {
    let server = Server::start((0..7).map(|_| group_page(&[], 1, 0)).collect()).await;
    // Five minutes pass in 100 ms. Twelve requests: six for reads, six kept for a write.
    let clock = Clock::fast_from("2026-10-08T09:00:00Z".parse().unwrap(), 3_000.0);
    let client = CloudflareClient::new(Settings { requests: 12, clock, ..settings(&server.url) }).unwrap();
    let start = clock.now();
    for _ in 0..7 {
        client.list_groups(Priority::Routine).await.unwrap();
    }
    let passed = since(start, clock.now());
    assert!(passed >= SignedDuration::from_mins(5), "the seventh read came after {passed}");
    assert_eq!(server.seen().len(), 7);
}

#[tokio::test]
async fn a_write_never_waits() {
    let limited = Answer::failure(429, 10_100, "More than 1200 requests").with("retry-after", "3600");
    let server = Server::start(vec![limited]).await;
    let client = CloudflareClient::new(Settings { clock: Clock::Real, ..settings(&server.url) }).unwrap();
    let update = GroupUpdate::new(None, Some(policies(&["p1"]))).unwrap();
    assert_eq!(client.room_for_write(), Ok(()));
    let limited = client.update_group(&group_id("g1"), &update).await.unwrap_err();
    let until = limited.come_back_at().unwrap();
    for _ in 0..2 {
        let error = client.update_group(&group_id("g1"), &update).await.unwrap_err();
        let obstacle = Obstacle::Budget { until };
        assert!(matches!(&error.class, ErrorClass::NotSent { obstacle: o, .. } if *o == obstacle), "{error}");
        assert_eq!(error.come_back_at(), Some(until));
        assert!(!error.is_in_doubt());
    }
    // A read does not wait for an hour either.
    let error = client.list_groups(Priority::Routine).await.unwrap_err();
    assert_eq!(error.come_back_at(), Some(until), "{error}");
    assert_eq!((client.room_for_write(), client.budget_remaining()), (Err(until), 0));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn each_request_is_told_to_the_observer() {
    #[derive(Default)]
    struct Log(Mutex<Vec<String>>);
    impl RequestObserver for Log {
        fn finished(&self, operation: &'static str, code: &str, seconds: f64) {
            assert!(seconds >= 0.0);
            self.0.lock().unwrap().push(format!("{operation} {code}"));
        }
    }
    let log = Arc::new(Log::default());
    let script = vec![
        group_page(&["a"], 1, 2),
        group_page(&["b"], 2, 2),
        Answer::failure(404, 1, "x"),
        Answer::html(200, "x"),
        Answer::html(502, "x"),
        Answer::Reset,
    ];
    let server = Server::start(script).await;
    let observer = Arc::<Log>::clone(&log);
    let client = CloudflareClient::new(Settings { observer, ..settings(&server.url) }).unwrap();
    client.list_groups(Priority::Routine).await.unwrap();
    for _ in 0..4 {
        let _ = client.get_group(&group_id("a"), Priority::Write).await;
    }
    let seen = log.0.lock().unwrap().clone();
    assert_eq!(
        seen,
        [
            "list_groups 200",
            "list_groups 200",
            "get_group 404",
            "get_group unreadable",
            "get_group 502",
            "get_group broken"
        ]
    );
}
