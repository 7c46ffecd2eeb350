//! A team's keys on a loopback address, and what becomes of assertions when they change or fail.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use ringward::rollout::record::Role;
use ringward::time::Clock;
use ringward::web::{Peer, TcpRules};
use serde_json::json;

use super::super::send;
use super::credentials::{Guarded, HOST, Signer, TAG, bearer, over_tcp, person, request, tokens};
pub(super) use crate::team::KeyServer;

/// The status of a verb with an assertion.
async fn stop(guarded: &Guarded, assertion: &str) -> super::super::Answer {
    let headers = [("host", HOST), ("cf-access-jwt-assertion", assertion), ("cf-ray", "x")];
    let peer = over_tcp("127.0.0.1", TcpRules::default());
    send(&guarded.app, request(peer, &Method::POST, "/api/v1/stop", &headers)).await
}

#[tokio::test]
async fn keys_are_fetched_once_for_many() {
    let signer = Signer::new("one");
    let server = KeyServer::start(&[&signer]).await;
    let guarded = Guarded::new(&server.config(""), Default::default());
    assert_eq!(server.asked(), 0, "nothing is fetched before somebody comes");
    let assertion = signer.token(&person("ana@example.com"));
    let asked = (0..20).map(|_| async {
        let headers = [("host", HOST), ("cf-access-jwt-assertion", assertion.as_str())];
        let peer = over_tcp("127.0.0.1", TcpRules::default());
        send(&guarded.app, request(peer, &Method::GET, "/api/v1/rollouts", &headers)).await
    });
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert_eq!(server.asked(), 1);
    // Made-up keys do not make it ask more often.
    let other = Signer::new("made-up");
    for _ in 0..20 {
        stop(&guarded, &other.token(&person("ana@example.com"))).await.problem("made up", 401, "not valid");
    }
    assert_eq!(server.asked(), 1);
}

/// On a clock that passes a minute while a few requests are answered.
#[tokio::test]
async fn a_rotation_needs_no_restart() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let server = KeyServer::start(&[&old]).await;
    let now = Clock::Real.now();
    let fast = Clock::Fast { epoch: now, anchor: now, speed: 500.0 };
    let guarded = Guarded::on(&server.config(""), Default::default(), fast);
    let of = |signer: &Signer| {
        let mut claims = person("ana@example.com");
        claims["exp"] = (now.as_second() + 30 * 86_400).into();
        signer.token(&claims)
    };
    let (by_old, by_new) = (of(&old), of(&new));
    assert_eq!(stop(&guarded, &by_old).await.status, 200);
    server.show(&[&old, &new]);
    // Before a minute is over nobody is asked; then once is enough.
    while stop(&guarded, &by_new).await.status != 200 {}
    assert_eq!(stop(&guarded, &by_old).await.status, 200, "the key before stays valid for a week");
    server.show(&[&new]);
    while stop(&guarded, &by_old).await.status != 401 {}
    assert_eq!(stop(&guarded, &by_new).await.status, 200);
}

#[tokio::test]
async fn without_keys_nobody_is_let_in() {
    let signer = Signer::new("one");
    let whole = json!({"keys": [signer.jwk()]}).to_string();
    let long = format!("{{\"keys\": [], \"x\": \"{}\"}}", "x".repeat(70_000));
    let rows = [
        ("a failure", StatusCode::INTERNAL_SERVER_ERROR, whole.as_str()),
        ("another place", StatusCode::FOUND, whole.as_str()),
        ("a page", StatusCode::OK, "<html>sign in</html>"),
        ("no keys", StatusCode::OK, "{\"keys\": []}"),
        ("too much", StatusCode::OK, long.as_str()),
        ("half", StatusCode::OK, &whole[..whole.len() - 2]),
    ];
    for (row, status, body) in rows {
        let server = KeyServer::start(&[]).await;
        server.say(status, body);
        let guarded = Guarded::new(&server.config(""), Default::default());
        let answer = stop(&guarded, &signer.token(&person("ana@example.com"))).await;
        let problem = answer.problem(row, 503, "the keys of Cloudflare Access cannot be read");
        assert!(!problem.detail.contains(&server.url), "{row}: {}", problem.detail);
        assert_eq!(guarded.arrived(), [], "{row}");
    }
    // Nobody there at all.
    let server = KeyServer::start(&[&signer]).await;
    let config = server.config("");
    server.serving.abort();
    while !server.serving.is_finished() {
        tokio::task::yield_now().await;
    }
    let guarded = Guarded::new(&config, Default::default());
    stop(&guarded, &signer.token(&person("ana@example.com"))).await.problem("nobody", 503, "cannot be read");
    assert_eq!(guarded.arrived(), []);
}

/// Somebody who listens and never answers holds up those alone who must wait for the keys.
#[tokio::test]
async fn keys_that_do_not_come_hold_up_nobody_else() {
    let signer = Signer::new("one");
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/certs", silent.local_addr().unwrap());
    let config = format!("access:\n  team: acme\n  audience: [{TAG}]\n  certs_url: {url}\n");
    let guarded = Arc::new(Guarded::new(&config, tokens(&[("op", 1, &[Role::Operator])]).tokens));
    let assertion = signer.token(&person("ana@example.com"));
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let (guarded, assertion) = (Arc::clone(&guarded), assertion.clone());
            tokio::spawn(async move { stop(&guarded, &assertion).await })
        })
        .collect();
    // The fetch is under way.
    let (_connection, _) = silent.accept().await.unwrap();
    let token = format!("Bearer {}", bearer(1));
    let rows = [
        ("a token", over_tcp("192.0.2.7", TcpRules::default()), ("authorization", token.as_str())),
        ("the socket", Peer::Local { user: "ada".to_owned() }, ("x-nothing", "1")),
    ];
    for (row, peer, header) in rows {
        let asked = request(peer, &Method::POST, "/api/v1/stop", &[("host", HOST), header]);
        assert_eq!(send(&guarded.app, asked).await.status, 200, "{row}");
    }
    assert!(waiting.iter().all(|one| !one.is_finished()), "they did not wait for the keys");
    for one in waiting {
        one.await.unwrap().problem("without keys", 503, "cannot be read");
    }
    assert_eq!(guarded.arrived().len(), 2);
}
