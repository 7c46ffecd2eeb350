//! What a client may cost: sizes, times, connections; over real sockets.

use std::time::Duration;

use axum::Router;
use axum::http::Method;
use ringward::daemon::view::DaemonRequest as Asked;
use ringward::web::ConnectionLimits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::tcp::{Listening, Raw};
use super::world::World;

/// Short enough to wait for.
const SOON: Duration = Duration::from_millis(200);
const READ: &str = "GET /api/v1/rollouts HTTP/1.1\r\nHost: <host>\r\n";
const VERB: &str =
    "POST /api/v1/stop HTTP/1.1\r\nHost: <host>\r\nContent-Type: application/json\r\nConnection: close\r\n";

fn verb(body: &str) -> String {
    format!("{VERB}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: <host>\r\nConnection: close\r\n\r\n")
}

/// Name, request, status, and what the problem speaks of.
fn refused() -> Vec<(&'static str, String, u16, &'static str)> {
    let headers = |count: usize| (0..count).map(|n| format!("X-{n}: 1\r\n")).collect::<String>();
    let deep = "[".repeat(30_000);
    let stop =
        |method: &str| format!("{method} /api/v1/stop HTTP/1.1\r\nHost: <host>\r\nConnection: close\r\n\r\n");
    vec![
        ("a long URL", get(&format!("/api/v1/rollouts?x={}", "x".repeat(4096))), 414, "4096"),
        ("a long path", get(&format!("/{}", "x".repeat(60_000))), 414, "4096"),
        ("many headers", format!("{READ}Connection: close\r\n{}\r\n", headers(63)), 431, "65 headers"),
        (
            "long headers",
            format!("{READ}Connection: close\r\nCookie: {}\r\n\r\n", "x".repeat(17_000)),
            431,
            "cookies",
        ),
        ("a length that is told", format!("{VERB}Content-Length: 65537\r\n\r\n"), 413, "64 KiB"),
        (
            "the same, and it waits to send",
            format!("{VERB}Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n"),
            413,
            "64 KiB",
        ),
        (
            "a length that is not told",
            format!("{VERB}Transfer-Encoding: chunked\r\n\r\n10001\r\n{}\r\n0\r\n\r\n", "x".repeat(0x1_0001)),
            413,
            "64 KiB",
        ),
        ("a broken chunk", format!("{VERB}Transfer-Encoding: chunked\r\n\r\nzz\r\n"), 400, "broke off"),
        ("a body that does not come", format!("{VERB}Content-Length: 20\r\n\r\n{{"), 408, "nothing was done"),
        ("a deep body", verb(&deep), 400, "no JSON object"),
        ("a deep reason", verb(&format!("{{\"reason\": {deep}")), 400, "not a request"),
        ("a deep unknown key", verb(&format!("{{\"x\": {deep}")), 400, "not a request"),
        ("no type", verb("{}").replace("Content-Type: application/json\r\n", ""), 415, "application/json"),
        ("no such path", get("/api/v1/rollout"), 404, "/api/v1 names every path"),
        ("a slash too many", get("/api/v1/rollouts/"), 404, "there is no"),
        ("a path that is no text", get("/api/v1/rollouts/%ff"), 400, "UTF-8"),
        ("a read of a verb", stop("GET"), 405, "has no GET"),
        ("a method of nobody", stop("BREW"), 405, "has no BREW"),
        ("no host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(), 403, "missing"),
    ]
}

#[tokio::test]
async fn what_is_too_much_is_refused_in_words() {
    let listening =
        Listening::within(ConnectionLimits { body_within: SOON, ..ConnectionLimits::default() }).await;
    for (row, request, status, word) in refused() {
        let answer = listening.exchange(&request).await;
        answer.problem(row, status, word);
        assert_eq!(answer.header("allow").is_empty(), status != 405, "{row}: {}", answer.0);
    }
    assert_eq!(listening.arrived(), 0);
    let just = [
        ("a URL", get(&format!("/healthz?{}", "x".repeat(4096 - "/healthz?".len())))),
        (
            "headers",
            format!(
                "GET /healthz HTTP/1.1\r\nHost: <host>\r\nConnection: close\r\n{}\r\n",
                (0..62).map(|n| format!("X-{n}: 1\r\n")).collect::<String>()
            ),
        ),
    ];
    for (row, request) in just {
        let answer = listening.exchange(&request).await;
        assert_eq!(answer.status(), 200, "{row} just within: {}", answer.0);
    }
    listening.end().await;
}

/// What is no HTTP is refused by the HTTP library, which knows no problems. Nothing reaches a path.
#[tokio::test]
async fn what_is_no_http_is_refused_without_words() {
    let listening = Listening::within(ConnectionLimits::default()).await;
    let headers: String = (0..600).map(|n| format!("X-{n}: 1\r\n")).collect();
    let rows = [
        ("noise", "\u{1}\u{2}\u{3}\r\n\r\n".to_owned(), 400),
        ("another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(), 400),
        ("a space in the path", "GET /a b HTTP/1.1\r\nHost: <host>\r\n\r\n".to_owned(), 400),
        ("two lengths", format!("{VERB}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"), 400),
        ("hundreds of headers", format!("{READ}{headers}\r\n"), 431),
        ("a head without end", format!("{READ}Cookie: {}", "x".repeat(200_000)), 431),
    ];
    for (row, request, status) in rows {
        let answer = listening.exchange(&request).await;
        assert_eq!((answer.status(), answer.body()), (status, ""), "{row}: {}", answer.0);
    }
    assert_eq!(listening.arrived(), 0);
    assert_eq!(listening.exchange(&get("/healthz")).await.status(), 200);
    listening.end().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let soon = ConnectionLimits { head_within: SOON, ..ConnectionLimits::default() };
    let rows = [
        ("nothing", ""),
        ("half a head", READ),
        ("an answered request", "GET /healthz HTTP/1.1\r\nHost: <host>\r\n\r\n"),
    ];
    let listening = Listening::within(soon).await;
    for (row, request) in rows {
        // It returns because the server closes.
        let answer = listening.exchange(request).await;
        let expected = if request.ends_with("\r\n\r\n") { [200, 200] } else { [0, 408] };
        assert!(expected.contains(&answer.status()), "{row}: {}", answer.0);
    }
    listening.end().await;
    let listening =
        Listening::within(ConnectionLimits { connection_within: SOON, ..ConnectionLimits::default() }).await;
    let mut stream = listening.connect().await;
    let mut bytes = Vec::new();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    stream.read_to_end(&mut bytes).await.unwrap();
    assert!(bytes.ends_with(b"alive\n"), "served, and cut when its time was over");
    listening.end().await;
}

/// A connection that is as old as it may be is closed between answers, not within one.
#[tokio::test]
async fn an_answer_under_way_outlives_its_connections_age() {
    let body = r#"{"reason": "look"}"#;
    let begun = verb(body).replace("Connection: close\r\n", "").replace(body, "");
    for (row, last_answer_within, served) in [("in time", SOON * 100, true), ("too late", SOON, false)] {
        let limits =
            ConnectionLimits { connection_within: SOON, last_answer_within, ..ConnectionLimits::default() };
        let listening = Listening::within(limits).await;
        let mut busy = listening.connect().await;
        busy.write_all(begun.replace("<host>", &listening.address.to_string()).as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        if served {
            // A younger one is closed for its age: this one is past it, too.
            let mut idle = listening.connect().await;
            assert_eq!(idle.read_to_end(&mut bytes).await.unwrap(), 0);
            busy.write_all(body.as_bytes()).await.unwrap();
        }
        let _ = busy.read_to_end(&mut bytes).await;
        let answer = Raw(String::from_utf8(bytes).unwrap());
        assert_eq!(answer.status(), if served { 200 } else { 0 }, "{row}: {}", answer.0);
        assert_eq!(answer.header("connection"), if served { "close" } else { "" }, "{row}: {}", answer.0);
        assert_eq!(listening.arrived(), usize::from(served), "{row}");
        listening.end().await;
    }
}

/// What `floods` does not ask: beyond the reserve, too, nobody waits.
#[tokio::test]
async fn beyond_the_reserve_a_connection_is_closed_without_a_word() {
    let limits = ConnectionLimits { connections: 1, reserve: 0, ..ConnectionLimits::default() };
    let listening = Listening::within(limits).await;
    let body = r#"{"reason": "look"}"#;
    let begun = verb(body).replace(body, "").replace("Connection: close\r\n", "Expect: 100-continue\r\n");
    let mut busy = listening.connect().await;
    busy.write_all(begun.replace("<host>", &listening.address.to_string()).as_bytes()).await.unwrap();
    let mut word = [0; 25];
    busy.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"HTTP/1.1 100 Continue\r\n\r\n", "it is under way");
    assert_eq!(listening.exchange(&get("/healthz")).await.status(), 0);
    busy.write_all(body.as_bytes()).await.unwrap();
    let mut rest = vec![0; 2_048];
    let length = busy.read(&mut rest).await.unwrap();
    assert!(String::from_utf8_lossy(&rest[..length]).contains("HTTP/1.1 200"), "who is in is served");
    // Idle now, it makes room.
    while listening.exchange(&get("/healthz")).await.status() != 200 {}
    listening.end().await;
}

#[tokio::test]
async fn options_and_head_answer_as_http_has_them() {
    let listening = Listening::within(ConnectionLimits::default()).await;
    let ask = |method: &str, path: &str| {
        format!("{method} {path} HTTP/1.1\r\nHost: <host>\r\nConnection: close\r\n\r\n")
    };
    for (path, allow) in
        [("/api/v1/rollouts", "GET,HEAD"), ("/api/v1/stop", "POST"), ("/healthz", "GET,HEAD")]
    {
        let answer = listening.exchange(&ask("OPTIONS", path)).await;
        assert_eq!((answer.status(), answer.header("allow"), answer.body()), (204, allow, ""), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}: no other site may read it");
    }
    let answer = listening.exchange(&ask("HEAD", "/api/v1/rollouts")).await;
    assert_eq!((answer.status(), answer.body()), (200, ""));
    assert_ne!(answer.header("content-length"), "0");
    let answer = listening.exchange(&ask("HEAD", "/api/v1/rollouts/other")).await;
    assert_eq!((answer.status(), answer.body()), (404, ""));
    listening.end().await;
}

/// Lists of devices wait in the daemon's queue: a flood of them, abandoned or not, leaves room for verbs.
#[tokio::test]
async fn a_flood_of_device_lists_leaves_room_for_a_stop() {
    let world = World::usual();
    let (requests, mut queue) = tokio::sync::mpsc::channel(9);
    let handle = ringward::daemon::Handle::new(requests, world.views.subscribe());
    let app = ringward::web::router(ringward::web::Services { handle, ..world.services.clone() });
    let devices = async |app: &Router| super::get(app, "/api/v1/rollouts/client/devices").await;
    let mut asked = Vec::new();
    let mut questions = Vec::new();
    for _ in 0..8 {
        asked.push(tokio::spawn({
            let app = app.clone();
            async move { devices(&app).await }
        }));
        questions.push(queue.recv().await.unwrap());
    }
    // Who goes away has asked all the same.
    let abandoned = asked.remove(0);
    abandoned.abort();
    assert!(abandoned.await.is_err());
    let answer = devices(&app).await;
    let problem = answer.problem("the ninth", 503, "lists of devices are under way");
    assert_eq!((problem.kind.as_str(), answer.header("retry-after")), ("urn:ringward:problem:busy", "1"));
    let stop = tokio::spawn({
        let app = app.clone();
        async move { super::ask(&app, Method::POST, "/api/v1/stop", Some(r#"{"reason": "look"}"#)).await }
    });
    match queue.recv().await.unwrap() {
        Asked::Command(asking) => asking.reply.send(Ok("stopped".to_owned())).unwrap(),
        other => panic!("{other:?}"),
    }
    assert_eq!(stop.await.unwrap().status, 200);
    for question in questions {
        let Asked::Devices { reply, .. } = question else { panic!("{question:?}") };
        let _ = reply.send(Some(Vec::new()));
    }
    for answer in asked {
        assert_eq!(answer.await.unwrap().status, 200);
    }
    let again = tokio::spawn(async move { devices(&app).await });
    let Some(Asked::Devices { reply, .. }) = queue.recv().await else { panic!("it is asked again") };
    reply.send(Some(Vec::new())).unwrap();
    assert_eq!(again.await.unwrap().status, 200, "answered questions leave their places");
}
