//! What is sent and what is read when all is well.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use ringward::cloudflare::{
    ApiError, CloudflareClient, ErrorClass, GroupUpdate, Obstacle, Priority, RequestObserver, Settings,
    Silence, TokenState,
};
use ringward::ids::PolicyId;
use ringward::rollout::record::{Group, GroupContent, VersionEntry};
use ringward::time::{Clock, SignedDuration, since};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::common::{ACCOUNT, TOKEN, client, group, group_id, group_page, settings, silence};
use crate::server::{Answer, Server};

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
    type Expected = fn(&Result<Option<Group>, ApiError>) -> bool;
    let rows: [(&str, Answer, Expected); 4] = [
        ("found", found.clone(), |outcome| matches!(outcome, Ok(Some(_)))),
        ("missing", missing, |outcome| matches!(outcome, Ok(None))),
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
async fn a_token_is_verified_where_it_belongs() {
    let user = "GET /user/tokens/verify".to_owned();
    let account = format!("GET /accounts/{ACCOUNT}/tokens/verify");
    let status = |status: &str| Answer::ok(&json!({"id": "t", "status": status}));
    let invalid = || Answer::failure(401, 1000, "Invalid API Token");
    type Row<'a> = (&'a str, &'a str, Vec<Answer>, Result<TokenState, u16>, Vec<String>);
    let rows: Vec<Row<'_>> = vec![
        ("user's", "cfut_x0123456789", vec![status("active")], Ok(TokenState::Active), vec![user.clone()]),
        (
            "account's",
            "cfat_x0123456789",
            vec![status("disabled")],
            Ok(TokenState::Disabled),
            vec![account.clone()],
        ),
        (
            "old, a user's",
            "x0123456789",
            vec![status("expired")],
            Ok(TokenState::Expired),
            vec![user.clone()],
        ),
        (
            "old, the account's",
            "x0123456789",
            vec![invalid(), status("active")],
            Ok(TokenState::Active),
            vec![user.clone(), account.clone()],
        ),
        (
            "old, nobody's",
            "x0123456789",
            vec![invalid(), invalid()],
            Err(401),
            vec![user.clone(), account.clone()],
        ),
        ("old, and the API is down", "x0123456789", vec![Answer::html(502, "x")], Err(502), vec![user]),
        ("revoked", "cfat_x0123456789", vec![invalid()], Err(401), vec![account]),
    ];
    let ends = json!({"id": "t", "status": "active", "expires_on": "2027-01-01T00:00:00Z"});
    let server = Server::start(vec![Answer::ok(&ends)]).await;
    let check = client(&server.url).verify_token().await.unwrap();
    assert_eq!(check.expires_on, Some("2027-01-01T00:00:00Z".parse().unwrap()));
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
async fn a_write_never_waits_and_a_read_not_for_long() {
    // (row, the pause asked for, who asks next): a read would wait a minute, but not an hour.
    for (row, pause, priority) in [("a write", "60", Priority::Write), ("a read", "3600", Priority::Routine)]
    {
        let limited = Answer::failure(429, 10_100, "More than 1200 requests").with("retry-after", pause);
        let server = Server::start(vec![limited, group_page(&[], 1, 0)]).await;
        let client = CloudflareClient::new(Settings { clock: Clock::Real, ..settings(&server.url) }).unwrap();
        assert_eq!(client.room_for_write(0), Ok(()), "{row}");
        let limited = client.list_groups(priority).await.unwrap_err();
        let until = limited.come_back_at().unwrap();
        let error = client.list_groups(priority).await.unwrap_err();
        let obstacle = Obstacle::Budget { until };
        assert!(
            matches!(&error.class, ErrorClass::NotSent { obstacle: o, .. } if *o == obstacle),
            "{row}: {error}"
        );
        assert_eq!(error.come_back_at(), Some(until), "{row}");
        assert!(!error.is_in_doubt(), "{row}");
        assert_eq!((client.room_for_write(0), client.budget_remaining()), (Err(until), 0), "{row}");
        let update = GroupUpdate::new(None, Some(policies(&["p1"]))).unwrap();
        let error = client.update_group(&group_id("g1"), &update).await.unwrap_err();
        assert_eq!(error.come_back_at(), Some(until), "{row}: {error}");
        assert_eq!(server.seen().len(), 1, "{row}");
    }
}

#[tokio::test]
async fn the_servers_own_count_is_heeded() {
    let told = group_page(&[], 1, 0).with("ratelimit", "\"default\";r=0;t=3600");
    let server = Server::start(vec![told]).await;
    let client = CloudflareClient::new(Settings { clock: Clock::Real, ..settings(&server.url) }).unwrap();
    client.list_groups(Priority::Routine).await.unwrap();
    assert_eq!(client.budget_remaining(), 0);
    let error = client.list_groups(Priority::Write).await.unwrap_err();
    assert!(error.come_back_at().is_some(), "{error}");
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
