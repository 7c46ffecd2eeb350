//! Every request of the client and every answer of the sandbox, judged by the contract; answers
//! that a scripted fault spoilt must fail.

#[path = "../support/contract.rs"]
mod judge;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use ringward::rollout::record::Mode;
use ringward::sandbox::FaultScript;
use tokio::sync::Mutex;

use self::judge::Contract;
use crate::support::{TWO_RINGS, Walk, end, until_completed};

/// The largest body that the relay takes.
const MAX_BODY: usize = 8 * 1024 * 1024;

/// One request with its answer, in the order in which the account saw them.
struct Exchange {
    method: String,
    /// The path below `/client/v4`, with its query.
    target: String,
    body: Option<serde_json::Value>,
    /// Status and body; `None`: the connection was cut.
    answer: Option<(u16, Vec<u8>)>,
}

/// Hands requests on, one at a time, and keeps what went by.
struct Relay {
    upstream: String,
    client: reqwest::Client,
    seen: Mutex<Vec<Exchange>>,
}

async fn relay(State(relay): State<Arc<Relay>>, request: Request) -> Response {
    let mut seen = relay.seen.lock().await;
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.unwrap();
    let target = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let sent = relay
        .client
        .request(parts.method.clone(), format!("{}{target}", relay.upstream))
        .header("authorization", parts.headers["authorization"].clone())
        .header("content-type", "application/json")
        .body(body.to_vec())
        .send()
        .await;
    let mut exchange = Exchange {
        method: parts.method.to_string(),
        target: target.strip_prefix("/client/v4").unwrap().to_owned(),
        body: serde_json::from_slice(&body).ok(),
        answer: None,
    };
    let mut response = Response::builder();
    let mut answered = Body::empty();
    match sent {
        Ok(answer) => {
            let status = answer.status().as_u16();
            for name in ["content-type", "date", "retry-after", "ratelimit", "ratelimit-policy"] {
                if let Some(value) = answer.headers().get(name) {
                    response = response.header(name, value);
                }
            }
            // A body that is cut short reaches nobody whole: what was lost shows as an empty one.
            let bytes = answer.bytes().await.unwrap_or_default().to_vec();
            response = response.status(status);
            answered = Body::from(bytes.clone());
            exchange.answer = Some((status, bytes));
        }
        Err(_) => response = response.status(StatusCode::BAD_GATEWAY),
    }
    seen.push(exchange);
    response.body(answered).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_answers_are_as_the_contract_says() {
    let walk = Walk::new(TWO_RINGS, 20_000.0, 9, 150).await;
    let faults = serde_json::json!([
        {"operation": "create-deployment-group", "kind": "missing_field"},
        {"operation": "list-devices", "kind": "missing_field", "skip": 2, "pointer": "/result/0/id"},
        {"operation": "list-devices", "kind": "truncated", "skip": 3},
        {"operation": "list-deployment-groups", "kind": "server_error_html", "skip": 2},
        {"operation": "list-deployment-groups", "kind": "server_error", "skip": 4},
        {"operation": "devices-list-device-settings-policies", "kind": "rate_limited", "seconds": 60, "skip": 1},
        {"operation": "create-deployment-group", "kind": "conflict", "skip": 1},
    ]);
    let scripts: Vec<FaultScript> = serde_json::from_value(faults).unwrap();
    walk.sandbox.with_account(|account| account.add_faults(&scripts).unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}/client/v4", listener.local_addr().unwrap());
    let state = Arc::new(Relay {
        upstream: format!("http://{}", walk.sandbox.address()),
        client: reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap(),
        seen: Mutex::default(),
    });
    let serving = tokio::spawn(
        axum::serve(listener, Router::new().fallback(relay).with_state(state.clone())).into_future(),
    );
    let daemon = walk.daemon_at(&api, Mode::Write).await;
    // The scripted 409 is nobody's group: a refusal halts, and a person resumes.
    crate::support::until(&daemon, "halted by the refusal or done", |view| {
        view.reports.iter().any(|report| {
            report.halted.is_some() || report.phase == ringward::rollout::state::Phase::Completed
        })
    })
    .await;
    if daemon.handle().view().reports[0].halted.is_some() {
        let plan = "short".parse().unwrap();
        let actor = ringward::rollout::record::Actor::Loopback;
        let resume = ringward::rollout::people::command::Command::Resume(plan);
        daemon.handle().command(actor, "it was a test".to_owned(), resume).await.unwrap();
    }
    until_completed(&daemon).await;
    end(daemon).await;
    serving.abort();

    let contract = Contract::get();
    let journal = walk.sandbox.journal();
    let seen = state.seen.lock().await;
    assert_eq!(seen.len(), journal.requests.len(), "the relay saw what the account saw");
    let (mut sound, mut spoilt) = (0, 0);
    for (exchange, row) in seen.iter().zip(&journal.requests) {
        let Exchange { method, target, body, answer } = exchange;
        let request = contract.request(method, target, body.as_ref());
        assert!(request.is_ok(), "{method} {target} {body:?}: {request:?}");
        let Some((status, bytes)) = answer else { continue };
        let judged = contract.response(method, target, *status, bytes);
        match row.fault {
            // These answer as the contract says, only not what was hoped for.
            None | Some("rate_limited" | "conflict" | "delay" | "filter_ignored" | "forbidden") => {
                assert!(judged.is_ok(), "{method} {target} {status}: {judged:?}");
                sound += 1;
            }
            Some(fault) => {
                assert!(judged.is_err(), "{method} {target}: {fault} passed for a sound answer");
                spoilt += 1;
            }
        }
    }
    println!("ok: {sound} sound answers, {spoilt} spoilt ones, {} requests", seen.len());
    assert!(sound > 100 && spoilt >= 5, "{sound} sound, {spoilt} spoilt");
}
