//! Every path and every kind of identity: allowed, 401 or 403.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use ringward::rollout::record::Event;
use ringward::rollout::record::Role;
use ringward::web::identity::needs;
use ringward::web::{Peer, Right, TcpRules};
use serde_json::Value;
use tower::ServiceExt as _;

use super::credentials::{Guarded, HOST, Signer, add, bearer, over_tcp, person, service, tokens};
use super::keys::KeyServer;

/// Paths of the page, which no document describes.
const PAGE: [(&str, &str); 5] = [
    ("GET", "/"),
    ("GET", "/plans/{plan}"),
    ("GET", "/act/{verb}"),
    ("POST", "/act/{verb}"),
    ("GET", "/assets/{name}"),
];
/// Method and path of all that is described.
fn described() -> BTreeSet<(String, String)> {
    let document: Value = serde_json::from_str(&ringward::web::openapi().unwrap()).unwrap();
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            found.insert((method.to_uppercase(), path.clone()));
        }
    }
    found
}

fn owned((method, path): (&str, &str)) -> (String, String) {
    (method.to_owned(), path.to_owned())
}

/// A path that is routed and has no need, or a need that no path has, is found here.
#[test]
fn every_path_says_what_it_needs() {
    let declared: BTreeSet<_> = needs::rows().map(|(method, path, _)| owned((method, path))).collect();
    assert_eq!(declared.len(), needs::rows().count(), "a path has two needs");
    let built: BTreeSet<_> = described().into_iter().chain(PAGE.map(owned)).collect();
    let bare: Vec<_> = built.difference(&declared).collect();
    assert!(bare.is_empty(), "these say nothing of whom they answer: {bare:?}");
    let idle: Vec<_> = declared.difference(&built).collect();
    assert!(idle.is_empty(), "these are declared and there are no such paths: {idle:?}");
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Becomes {
    Let,
    Unknown,
    Forbidden,
}
use Becomes::{Forbidden, Let, Unknown};

/// A kind of identity: how it asks, and what becomes of what needs reading, operating, approving and
/// the machine itself. What needs nothing is always let. Metrics and lists of devices go with reading, where
/// nothing else is said.
struct Kind {
    name: &'static str,
    app: Router,
    peer: Peer,
    headers: Vec<(&'static str, String)>,
    becomes: [Becomes; 4],
    devices: Becomes,
    metrics: Becomes,
}

impl Kind {
    fn devices(self, devices: Becomes) -> Self {
        Self { devices, ..self }
    }

    fn metrics(self, metrics: Becomes) -> Self {
        Self { metrics, ..self }
    }

    fn expects(&self, need: Option<Right>) -> Becomes {
        let [read, operate, approve, machine] = self.becomes;
        match need {
            None => Let,
            Some(Right::Read) => read,
            Some(Right::Metrics) => self.metrics,
            Some(Right::Devices) => self.devices,
            Some(Right::Operate) => operate,
            Some(Right::Approve) => approve,
            Some(Right::Admit) => machine,
        }
    }

    async fn asks(&self, method: &str, path: &str) -> Becomes {
        let path =
            path.replace("{plan}", "client").replace("{verb}", "pause?plan=client").replace("{name}", "x");
        let of_the_page = path.starts_with("/act/");
        let (kind, body) = match (method, of_the_page) {
            ("POST", true) => ("application/x-www-form-urlencoded", "seen=&reason=look"),
            ("POST", false) => ("application/json", r#"{"reason": "look"}"#),
            _ => ("", ""),
        };
        let mut request =
            Request::builder().method(method).uri(&path).header("sec-fetch-site", "same-origin");
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(self.peer.clone());
        // Only the status: the stream of events has no end.
        let status = self.app.clone().oneshot(request).await.unwrap().status().as_u16();
        match status {
            401 => Unknown,
            403 => Forbidden,
            // Whatever it is, it is the path's own answer; this world has no log to read.
            200..=499 | 503 => Let,
            status => panic!("{}: {method} {path} is {status}", self.name),
        }
    }
}

const OURS: &str = "127.0.0.1:8787";

fn socket() -> Peer {
    Peer::Local { user: "ada".to_owned() }
}

fn here() -> Peer {
    over_tcp("127.0.0.1", TcpRules::default())
}

fn there() -> Peer {
    over_tcp("192.0.2.7", TcpRules::default())
}

/// The kinds, and the worlds that they live in.
async fn kinds(ours: &Signer, server: &KeyServer) -> (Vec<Kind>, [Guarded; 8]) {
    let mut state = tokens(&[
        ("viewer", 1, &[Role::Viewer]),
        ("operator", 2, &[Role::Operator]),
        ("approver", 3, &[Role::Approver]),
        ("both", 4, &[Role::Operator, Role::Approver]),
        ("revoked", 5, &[Role::Operator, Role::Approver]),
    ]);
    add(&mut state, Event::TokenRevoked { name: "revoked".parse().unwrap() });
    let access = server.config("  operators: [ana@example.com]\n  services: [listed.access]\n");
    let with = |more: &str| server.config(&format!("  operators: [ana@example.com]\n{more}"));
    // The only token there ever was.
    let mut gone = tokens(&[("revoked", 5, &[Role::Operator])]);
    add(&mut gone, Event::TokenRevoked { name: "revoked".parse().unwrap() });
    let worlds = [
        Guarded::new("", Default::default()),
        Guarded::new("", state.tokens.clone()),
        Guarded::new("", gone.tokens),
        Guarded::new("reading: open\n", state.tokens.clone()),
        Guarded::new(&access, state.tokens.clone()),
        Guarded::new(&with("  services: [listed.access]\nreading: open\n"), state.tokens.clone()),
        Guarded::new(&with("reading: signed_in\n"), state.tokens.clone()),
        Guarded::new(&with("reading: signed_in\nmetrics: open\n"), state.tokens),
    ];
    let [bare, only_tokens, revoked, written_open, unwritten, open, signed_in, open_metrics] =
        worlds.each_ref().map(|world| world.app.clone());
    let assertion = |claims: &Value| ours.token(claims);
    let host = |name: &str| ("host", name.to_owned());
    let by = |seed: u8| vec![host(HOST), ("authorization", format!("Bearer {}", bearer(seed)))];
    let vouched = |text: String| vec![host(HOST), ("cf-access-jwt-assertion", text)];
    let kind = |name, app: &Router, peer, headers, becomes: [Becomes; 4]| Kind {
        name,
        app: app.clone(),
        peer,
        headers,
        becomes,
        devices: becomes[0],
        metrics: becomes[0],
    };
    let machine = [Let, Let, Forbidden, Let];
    let ana = assertion(&person("ana@example.com"));
    let bo = assertion(&person("bo@example.com"));
    let kinds = vec![
        kind("the socket", &bare, socket(), vec![], machine),
        kind("the socket beside Access", &signed_in, socket(), vec![], machine),
        kind(
            "bare loopback, nothing configured",
            &bare,
            here(),
            vec![host(OURS)],
            [Let, Let, Forbidden, Forbidden],
        ),
        kind(
            "the network, nothing configured",
            &bare,
            there(),
            vec![host(OURS)],
            [Let, Forbidden, Forbidden, Forbidden],
        ),
        kind("a rebound name, nothing configured", &bare, here(), vec![host("evil.test")], [Forbidden; 4]),
        kind(
            "bare loopback beside tokens",
            &only_tokens,
            here(),
            vec![host(OURS)],
            [Let, Unknown, Unknown, Unknown],
        )
        .devices(Unknown),
        kind(
            "bare loopback after the last token was revoked",
            &revoked,
            here(),
            vec![host(OURS)],
            [Let, Unknown, Unknown, Unknown],
        )
        .devices(Unknown),
        kind(
            "bare loopback beside tokens, open by the configuration",
            &written_open,
            here(),
            vec![host(OURS)],
            [Let, Unknown, Unknown, Unknown],
        ),
        kind(
            "bare loopback beside Access, nothing said of reading",
            &unwritten,
            here(),
            vec![host(OURS)],
            [Unknown; 4],
        )
        .metrics(Let),
        kind(
            "the network, reading closed, metrics open",
            &open_metrics,
            there(),
            vec![host(OURS)],
            [Unknown; 4],
        )
        .metrics(Let),
        kind(
            "bare loopback beside Access",
            &open,
            here(),
            vec![host(OURS)],
            [Let, Unknown, Unknown, Unknown],
        ),
        kind("bare loopback, reading closed", &signed_in, here(), vec![host(OURS)], [Unknown; 4]),
        kind("the network, reading closed", &signed_in, there(), vec![host(OURS)], [Unknown; 4]),
        kind("a viewer's token", &signed_in, there(), by(1), [Let, Forbidden, Forbidden, Forbidden]),
        kind("an operator's token", &signed_in, there(), by(2), [Let, Let, Forbidden, Forbidden]),
        kind("an approver's token", &signed_in, there(), by(3), [Let, Forbidden, Let, Forbidden]),
        kind("a token of both roles", &signed_in, there(), by(4), [Let, Let, Let, Forbidden]),
        kind("a token, reading open", &only_tokens, there(), by(2), [Let, Let, Forbidden, Forbidden]),
        kind("a token that was revoked", &only_tokens, here(), by(5), [Unknown; 4]),
        kind("a token that nobody made", &bare, here(), by(9), [Unknown; 4]),
        kind("a person who operates", &signed_in, here(), vouched(ana.clone()), [Let, Let, Let, Forbidden]),
        kind("another person", &open, here(), vouched(bo), [Let, Forbidden, Let, Forbidden]),
        kind(
            "a service that may",
            &open,
            here(),
            vouched(assertion(&service("listed.access"))),
            [Let, Let, Forbidden, Forbidden],
        ),
        kind(
            "another service",
            &open,
            here(),
            vouched(assertion(&service("other.access"))),
            [Let, Forbidden, Forbidden, Forbidden],
        ),
        kind("a forged assertion", &open, here(), vouched(format!("{ana}x")), [Unknown; 4]),
        kind(
            "an assertion without Access",
            &bare,
            here(),
            vec![host(OURS), ("cf-access-jwt-assertion", ana)],
            [Let, Forbidden, Forbidden, Forbidden],
        ),
    ];
    (kinds, worlds)
}

#[tokio::test]
async fn every_path_answers_every_identity_as_the_table_says() {
    let ours = Signer::new("ours");
    let server = KeyServer::start(&[&ours]).await;
    let built: BTreeSet<_> = described().into_iter().chain(PAGE.map(owned)).collect();
    let mut wrong = Vec::new();
    let mut tried = 0;
    let (kinds, _worlds) = kinds(&ours, &server).await;
    for kind in kinds {
        for (method, path, need) in needs::rows() {
            if !built.contains(&owned((method, path))) {
                continue;
            }
            let (found, expected) = (kind.asks(method, path).await, kind.expects(need));
            tried += 1;
            if found != expected {
                wrong.push(format!("{}: {method} {path}: {found:?}, not {expected:?}", kind.name));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(tried > 500, "{tried}");
}

/// Who may read is told that there is no such path, or method; nobody else is.
#[tokio::test]
async fn what_there_is_not_is_told_to_readers() {
    let closed = Guarded::new("reading: signed_in\n", Default::default());
    let open = Guarded::new("", Default::default());
    for (method, path) in [("GET", "/nowhere"), ("POST", "/nowhere"), ("DELETE", "/api/v1/rollouts")] {
        for (guarded, expected) in [(&closed, [401, 401]), (&open, [404, 405])] {
            let mut request = Request::builder()
                .method(Method::from_bytes(method.as_bytes()).unwrap())
                .uri(path)
                .header("host", OURS)
                .body(Body::empty())
                .unwrap();
            request.extensions_mut().insert(here());
            let status = guarded.app.clone().oneshot(request).await.unwrap().status().as_u16();
            assert!(expected.contains(&status), "{method} {path}: {status}");
        }
    }
}
