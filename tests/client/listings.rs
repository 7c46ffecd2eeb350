//! Listings: read to their end, or an error.

use ringward::cloudflare::{ErrorClass, Priority, Silence};
use ringward::fleet::SweepScope;
use ringward::ids::PolicyId;
use serde_json::{Value, json};

use crate::common::{ACCOUNT, client, device, group, group_page, silence};
use crate::server::{Answer, Server};

fn device_page(devices: &[(&str, &str)], info: &Value) -> Answer {
    let rows: Vec<Value> = devices.iter().map(|(id, policy)| device(id, policy)).collect();
    Answer::page(&json!(rows), info)
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
async fn a_full_sweep_without_any_profile_is_not_taken_at_its_word() {
    let without = |count: usize| {
        let device = |n: usize| json!({"id": format!("d{n}"), "name": "n", "last_seen_at": null});
        Answer::ok(&json!((0..count).map(device).collect::<Vec<_>>()))
    };
    let mut mixed: Vec<Value> =
        (0..20).map(|n| json!({"id": format!("d{n}"), "name": "n", "last_seen_at": null})).collect();
    mixed.push(device("z", "p"));
    let server = Server::start(vec![without(10), without(9), Answer::ok(&json!(mixed))]).await;
    let client = client(&server.url);
    let error = client.sweep(SweepScope::Full).await.unwrap_err();
    assert_eq!(silence(&error), Some(Silence::Inconsistent), "{error}");
    assert!(error.to_string().contains("none of 10 devices"), "{error}");
    assert_eq!(client.sweep(SweepScope::Full).await.unwrap().devices.len(), 9, "too few to tell");
    assert_eq!(client.sweep(SweepScope::Full).await.unwrap().devices.len(), 21, "one is enough");
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
    assert_eq!(default, None, "without an ID nothing can name it");
    assert_eq!(server.lines(), [format!("GET /accounts/{ACCOUNT}/devices/policy")]);
}
