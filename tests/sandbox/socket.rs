//! The account behind a real socket on the loopback, with a real HTTP client.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Client, Method, Response, StatusCode};
use ringward::sandbox::{AccountSettings, RunningSandbox, SandboxError, SandboxSettings, start};
use ringward::time::{Clock, Timestamp};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::bench::{NEW, START, both};
use crate::contract::Contract;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

struct Caller {
    sandbox: RunningSandbox,
    client: Client,
}

impl Caller {
    async fn new() -> Self {
        let epoch: Timestamp = START.parse().unwrap();
        let settings = SandboxSettings {
            listen: LOOPBACK,
            clock: Clock::fast_from(epoch, 1_000.0),
            account: AccountSettings { devices: 120, ..AccountSettings::default() },
        };
        Self { sandbox: start(settings).await.unwrap(), client: Client::new() }
    }

    fn target(&self, rest: &str) -> String {
        format!("/accounts/{}/devices/{rest}", self.sandbox.account_id())
    }

    async fn send(&self, method: Method, target: &str, body: Option<&Value>) -> reqwest::Result<Response> {
        let url = format!("{}{target}", self.sandbox.api_url());
        let token = self.sandbox.token().expose_secret();
        let request = self.client.request(method, url).bearer_auth(token);
        match body {
            Some(body) => request.json(body).send().await,
            None => request.send().await,
        }
    }

    /// An answer that must be sound.
    async fn sound(&self, method: Method, target: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let answer = self.send(method.clone(), target, body).await.unwrap();
        let status = answer.status();
        assert!(answer.headers().contains_key("ratelimit"), "{target}");
        assert_eq!(answer.headers()["content-type"], "application/json", "{target}");
        let bytes = answer.bytes().await.unwrap();
        Contract::get().response(method.as_str(), target, status.as_u16(), &bytes).unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    async fn control(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let url = format!("http://{}/sandbox/{path}", self.sandbox.address());
        let answer = self.client.request(method, url).json(body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn fault(&self, script: Value) {
        let (status, answer) = self.control(Method::POST, "faults", &json!([script])).await;
        assert_eq!(status, 200, "{answer}");
    }
}

#[tokio::test]
async fn a_client_finds_its_way_around() {
    let caller = Caller::new().await;
    let groups = caller.target("deployment-groups");
    let (_, policies) = caller.sound(Method::GET, &caller.target("policies"), None).await;
    let policy = policies["result"][0]["policy_id"].clone();
    let body = json!({"name": "Ring 0", "policy_ids": [policy], "version_config": both(NEW)});
    let (status, made) = caller.sound(Method::POST, &groups, Some(&body)).await;
    assert_eq!(status, 200);
    let own = format!("{groups}/{}", made["result"]["id"].as_str().unwrap());
    let rename = json!({"name": "Ring zero"});
    assert_eq!(caller.sound(Method::PATCH, &own, Some(&rename)).await.1["result"]["name"], rename["name"]);
    assert_eq!(caller.sound(Method::GET, &own, None).await.0, 200);
    assert_eq!(caller.sound(Method::POST, &groups, Some(&body)).await.0, 409);
    let devices = caller.target("physical-devices?per_page=30&include=last_seen_registration.policy");
    let (_, page) = caller.sound(Method::GET, &devices, None).await;
    assert_eq!(page["result"].as_array().unwrap().len(), 30);
    assert_eq!(caller.sound(Method::GET, "/user/tokens/verify", None).await.1["result"]["status"], "active");
    assert_eq!(caller.sound(Method::DELETE, &own, None).await.0, 200);

    let (_, journal) = caller.control(Method::GET, "requests", &Value::Null).await;
    let methods: Vec<&str> =
        journal["requests"].as_array().unwrap().iter().map(|row| row["method"].as_str().unwrap()).collect();
    assert_eq!(methods, ["GET", "POST", "PATCH", "GET", "POST", "GET", "GET", "DELETE"]);
    assert_eq!(journal["dropped"], json!(0));
    assert!(!journal.to_string().contains(caller.sandbox.token().expose_secret()));
    let (_, fleet) = caller.control(Method::GET, "fleet", &Value::Null).await;
    assert_eq!(fleet["devices"], json!(120));
    caller.sandbox.shutdown().await;
}

#[tokio::test]
async fn broken_connections_reach_the_caller() {
    let caller = Caller::new().await;
    let groups = caller.target("deployment-groups");
    let body = json!({"name": "Ring 0", "version_config": both(NEW)});
    let create = "create-deployment-group";
    for (kind, made) in [("reset_before", 0), ("reset_after", 1)] {
        caller.fault(json!({"operation": create, "kind": kind})).await;
        let error = caller.send(Method::POST, &groups, Some(&body)).await.unwrap_err();
        assert!(error.is_request() && error.status().is_none(), "{kind}: {error:?}");
        let (_, list) = caller.sound(Method::GET, &groups, None).await;
        assert_eq!(list["result_info"]["total_count"], json!(made), "{kind}");
    }
    for (cut, noticed) in [("short_of_length", true), ("mid_chunk", true), ("unnoticed", false)] {
        caller.fault(json!({"operation": create, "kind": "truncated", "cut": cut})).await;
        let answer = caller.send(Method::POST, &groups, Some(&body)).await.unwrap();
        assert_eq!(answer.status(), 200, "{cut}: the head arrives");
        match answer.bytes().await {
            Err(error) => assert!(noticed && (error.is_body() || error.is_decode()), "{cut}: {error:?}"),
            Ok(bytes) => {
                assert!(!noticed, "{cut}: the client takes half a body for a whole one");
                assert!(Contract::get().response("POST", &groups, 200, &bytes).is_err(), "{cut}");
            }
        }
    }
    caller.fault(json!({"operation": create, "kind": "server_error_html"})).await;
    let answer = caller.send(Method::POST, &groups, Some(&body)).await.unwrap();
    assert_eq!(answer.status(), 502);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let (_, list) = caller.sound(Method::GET, &groups, None).await;
    assert_eq!(list["result_info"]["total_count"], json!(4), "truncated answers belong to applied writes");
    caller.sandbox.shutdown().await;
}

#[tokio::test]
async fn a_held_write_is_carried_out_although_its_caller_hangs_up() {
    let caller = Caller::new().await;
    let groups = caller.target("deployment-groups");
    let body = json!({"name": "Ring 0", "version_config": both(NEW)});
    // 300 virtual seconds are 0.3 s here; the caller gives up once the journal shows that its request has
    // arrived.
    caller.fault(json!({"operation": "create-deployment-group", "kind": "delay", "seconds": 300})).await;
    let arrived = async {
        while caller.sandbox.journal().requests.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = caller.send(Method::POST, &groups, Some(&body)) => panic!("answered: {answer:?}"),
        () = arrived => {}
    }
    let applied = async {
        loop {
            let row = caller.sandbox.journal().requests[0].clone();
            if let Some(applied_at) = row.applied_at {
                return ringward::time::since(row.at, applied_at);
            }
            tokio::task::yield_now().await;
        }
    };
    // The bound only turns a write that never comes into a failure.
    let held = tokio::time::timeout(Duration::from_secs(60), applied).await.expect("never applied");
    assert!(held.as_secs() >= 300, "{held}");
    caller.sandbox.shutdown().await;
}

#[tokio::test]
async fn the_sandboxes_own_routes_refuse_nonsense() {
    let caller = Caller::new().await;
    let (status, answer) =
        caller.control(Method::POST, "faults", &json!([{"operation": "x", "kind": "y"}])).await;
    assert_eq!(status, 400);
    assert!(answer["error"].as_str().unwrap().contains("is no operation"), "{answer}");
    assert_eq!(caller.control(Method::POST, "faults", &json!({"kind": "delay"})).await.0, 400);
    caller.fault(json!({"operation": "any", "kind": "conflict", "times": 3})).await;
    let (_, left) = caller.control(Method::GET, "faults", &Value::Null).await;
    assert_eq!(left, json!([{"operation": "any", "kind": "conflict", "skip": 0, "times": 3}]));
    assert_eq!(caller.control(Method::DELETE, "faults", &Value::Null).await.1, json!([]));
    assert_eq!(caller.control(Method::POST, "token", &json!({"status": "lost"})).await.0, 400);
    assert_eq!(caller.control(Method::POST, "token", &json!({"status": "disabled"})).await.0, 200);
    assert_eq!(caller.sound(Method::GET, &caller.target("policies"), None).await.0, 403);
    assert_eq!(caller.control(Method::GET, "nothing", &Value::Null).await.0, 404);
    let huge = json!({"name": "x".repeat(2 * 1024 * 1024), "version_config": both(NEW)});
    let answer = caller.send(Method::POST, &caller.target("deployment-groups"), Some(&huge)).await;
    // The caller may still be writing when the refusal comes: both ends of that race are a refusal.
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == 413));
    caller.sandbox.shutdown().await;
}

#[tokio::test]
async fn a_script_changes_who_is_in_a_group() {
    let caller = Caller::new().await;
    let zoe = json!({"email": "zoe@example.com", "status": "pending"});
    // (row, route, body, status, what the answer holds)
    let rows = [
        (
            "a new group",
            "user_groups",
            json!({"name": "Others", "scim": true, "members": [zoe]}),
            200,
            "Others",
        ),
        (
            "other members",
            "user_groups/members",
            json!({"group": "Others", "members": [{"email": "yan@example.com"}, {}]}),
            200,
            "yan@example.com",
        ),
        ("another name", "user_groups/rename", json!({"group": "Others", "name": "Friends"}), 200, "Friends"),
        (
            "the old name",
            "user_groups/members",
            json!({"group": "Others", "members": []}),
            400,
            "no User Group",
        ),
        (
            "an unknown key",
            "user_groups/rename",
            json!({"group": "Friends", "to": "x"}),
            400,
            "unknown field",
        ),
        ("no group", "user_groups/remove", json!({"group": "Friends"}), 200, "Release Approvers"),
        ("an unknown route", "user_groups/burn", json!({}), 404, "/sandbox/user_groups/remove"),
    ];
    for (row, route, body, expected, part) in rows {
        let (status, answer) = caller.control(Method::POST, route, &body).await;
        assert_eq!(status, expected, "{row}: {answer}");
        assert!(answer.to_string().contains(part), "{row}: {answer}");
    }
    let (_, answer) = caller.control(Method::GET, "user_groups", &Value::Null).await;
    assert_eq!(answer["user_groups"].as_array().unwrap().len(), 2);
    assert!(caller.sandbox.journal().requests.is_empty(), "none of it is a request");
    caller.sandbox.shutdown().await;
}

#[tokio::test]
async fn a_port_in_use_is_told() {
    let caller = Caller::new().await;
    let listen = caller.sandbox.address();
    let settings = SandboxSettings { listen, clock: Clock::Real, account: AccountSettings::default() };
    let error = start(settings).await.unwrap_err();
    assert!(matches!(error, SandboxError::Listen { .. }), "{error}");
    assert!(
        error.to_string().contains(&listen.to_string()) && error.to_string().contains("port 0"),
        "{error}"
    );
    caller.sandbox.shutdown().await;
}
