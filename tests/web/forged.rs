//! Requests that a foreign web page, a rebound name or a proxy could send, over real TCP: none of
//! them triggers a verb, and none reads under a foreign name.

use ringward::web::{ConnectionLimits, TcpRules, TcpVerbs};

use super::form_fields;
use super::tcp::Listening;

const JSON: &str = "application/json";
const REASON: &str = r#"{"reason": "look"}"#;
const FORM: &str = "application/x-www-form-urlencoded";

/// Every path that changes something, with a type and body that it takes.
const VERBS: &[(&str, &str, &str)] = &[
    ("/api/v1/rollouts/client/pause", JSON, REASON),
    ("/api/v1/rollouts/client/resume", JSON, REASON),
    ("/api/v1/rollouts/client/waive", JSON, r#"{"reason": "look", "gate": "soak"}"#),
    ("/api/v1/stop", JSON, REASON),
    ("/api/v1/start", JSON, REASON),
    // What is sent here is what nobody was shown: whoever may not is not told so.
    ("/act/pause?plan=client", FORM, "seen=&reason=look"),
    ("/act/resume?plan=client", FORM, "seen=none/none&reason=look"),
    ("/act/waive?plan=client&ring=Engineering%20Ring%200&gate=adoption", FORM, "seen=client%233&reason=look"),
    ("/act/stop", FORM, "seen=&reason=look"),
    ("/act/start", FORM, "seen=none&reason=look"),
];

/// The body of somebody who has read what the verb rests on.
async fn as_read(
    listening: &Listening,
    (path, content_type, body): (&str, &str, &str),
    lines: &str,
) -> String {
    if content_type == FORM {
        let sheet = listening.exchange(&get(path, "Host: <host>")).await;
        return format!("seen={}&reason=look", form_fields(sheet.body()));
    }
    let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
    if path.ends_with("/resume") || path.ends_with("/waive") {
        body["dry_run"] = true.into();
        let now = listening.exchange(&post(path, content_type, lines, &body.to_string())).await;
        let now: serde_json::Value = serde_json::from_str(now.body()).unwrap();
        body.as_object_mut().unwrap().remove("dry_run");
        (body["revision"], body["seen"]) = (now["revision"].clone(), now["seen"].clone());
    }
    body.to_string()
}

/// Every path that shows something.
const READS: &[&str] = &[
    "/",
    "/plans/client",
    "/act/pause?plan=client",
    "/assets/nothing",
    "/metrics",
    "/api/v1",
    "/api/v1/openapi.json",
    "/api/v1/events?after=x",
    "/api/v1/rollouts",
    "/api/v1/rollouts/client",
    "/api/v1/rollouts/client/plan",
    "/api/v1/rollouts/client/devices",
    "/api/v1/rollouts/client/events",
    "/nowhere",
];

/// Hosts that are not this listener: what stands after the path, and the header lines.
const FOREIGN_HOSTS: &[(&str, &str)] = &[
    ("a rebound name", "Host: evil.test:<port>"),
    ("a rebound name without port", "Host: evil.test"),
    ("a name that begins like ours", "Host: localhost.evil.test:<port>"),
    ("a name that ends like ours", "Host: evil-localhost:<port>"),
    ("a number in a name", "Host: 127.0.0.1.evil.test:<port>"),
    ("a dot behind", "Host: localhost.:<port>"),
    ("a user before", "Host: evil@<host>"),
    ("a user behind", "Host: <host>@evil.test"),
    ("another port", "Host: 127.0.0.1:1"),
    ("no port", "Host: 127.0.0.1"),
    ("another loopback address", "Host: 127.0.0.2:<port>"),
    ("a short number", "Host: 127.1:<port>"),
    ("a whole number", "Host: 2130706433:<port>"),
    ("any address", "Host: 0.0.0.0:<port>"),
    ("an empty one", "Host: "),
    ("none", "X-Nothing: 1"),
    ("two, ours first", "Host: <host>\r\nHost: evil.test"),
    ("two, ours last", "Host: evil.test\r\nHost: <host>"),
    ("ours twice", "Host: <host>\r\nHost: <host>"),
];

/// What only pages of other sites and proxies send, under our own name.
const FOREIGN_SENDERS: &[(&str, &str)] = &[
    ("another origin", "Origin: http://evil.test"),
    ("another port's origin", "Origin: http://127.0.0.1:1"),
    ("our other name's origin", "Origin: http://localhost:<port>"),
    ("our origin over TLS", "Origin: https://<host>"),
    ("an origin of nothing", "Origin: null"),
    ("an empty origin", "Origin: "),
    ("an origin that begins like ours", "Origin: http://<host>.evil.test"),
    ("two origins", "Origin: http://<host>\r\nOrigin: http://evil.test"),
    ("a cross-site request", "Sec-Fetch-Site: cross-site"),
    ("a same-site request", "Sec-Fetch-Site: same-site"),
    ("a cross-site request of our origin", "Origin: http://<host>\r\nSec-Fetch-Site: cross-site"),
    ("two words", "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site"),
    ("Forwarded", "Forwarded: for=127.0.0.1;host=<host>"),
    ("X-Forwarded-For", "X-Forwarded-For: 127.0.0.1"),
    ("X-Forwarded-Host", "X-Forwarded-Host: <host>"),
    ("X-Forwarded-Proto", "X-Forwarded-Proto: http"),
    ("X-Forwarded-User", "X-Forwarded-User: ada"),
    ("X-Real-IP", "X-Real-IP: 127.0.0.1"),
    ("Via", "Via: 1.1 proxy"),
    ("a Cloudflare tunnel", "CF-Connecting-IP: 127.0.0.1"),
    ("an Access assertion", "Cf-Access-Jwt-Assertion: x"),
    ("an Access user", "Cf-Access-Authenticated-User-Email: ada@example.test"),
];

/// Somebody follows a link on another page.
const LINKS: &[&str] = &[
    "Host: <host>\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document",
    "Host: <host>\r\nSec-Fetch-Site: same-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document",
];

/// Another page reads, whatever it can learn from that.
const FOREIGN_READERS: &[(&str, &str)] = &[
    (
        "a script",
        "Host: <host>\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty",
    ),
    (
        "an image",
        "Host: <host>\r\nSec-Fetch-Site: same-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image",
    ),
    (
        "a frame",
        "Host: <host>\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe",
    ),
    ("one that does not say how", "Host: <host>\r\nSec-Fetch-Site: cross-site"),
];

fn post(path: &str, content_type: &str, lines: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\n{lines}\r\nConnection: close\r\nContent-Type: {content_type}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn get(path: &str, lines: &str) -> String {
    format!("GET {path} HTTP/1.1\r\n{lines}\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn nothing_forged_triggers_a_verb() {
    let listening = Listening::within(ConnectionLimits::default()).await;
    for (path, content_type, body) in VERBS {
        let hosts = FOREIGN_HOSTS.iter().map(|(row, lines)| (*row, (*lines).to_owned()));
        let senders = FOREIGN_SENDERS.iter().map(|(row, lines)| (*row, format!("Host: <host>\r\n{lines}")));
        for (row, lines) in hosts.chain(senders) {
            let row = format!("{path}, {row}");
            let answer = listening.exchange(&post(path, content_type, &lines, body)).await;
            assert_eq!(answer.status(), 403, "{row}: {}", answer.0);
            if *content_type == JSON {
                let problem = answer.problem(&row, 403, "");
                assert_eq!(problem.kind, "urn:ringward:problem:forbidden", "{row}");
            }
            assert_eq!(listening.arrived(), 0, "{row}");
        }
        let whole = format!("http://evil.test:<port>{path}");
        let answer = listening.exchange(&post(&whole, content_type, "Host: <host>", body)).await;
        answer.problem(&format!("{path}, a whole URL of another name"), 403, "evil.test");
        // What a page of another site may send without asking first is no verb's body.
        for simple in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            let simple_body = if *content_type == simple { "" } else { body };
            let answer = listening.exchange(&post(path, simple, "Host: <host>", simple_body)).await;
            assert!((400..500).contains(&answer.status()), "{path}, {simple}: {}", answer.0);
        }
        for lines in ["Host: <host>", "Host: <host>\r\nX-HTTP-Method-Override: POST"] {
            let answer = listening.exchange(&get(path, lines)).await;
            assert_ne!(answer.status(), 500, "{path}: {}", answer.0);
        }
        assert_eq!(listening.arrived(), 0, "{path}");
    }
    // The same requests, honest: what refused them above was what was forged.
    let honest = [
        "Host: <host>",
        "Host: localhost:<port>",
        "Host: LOCALHOST:<port>",
        "Host: [::1]:<port>",
        "Host: <host>\r\nOrigin: http://<host>\r\nSec-Fetch-Site: same-origin",
        "Host: <host>\r\nSec-Fetch-Site: none",
    ];
    for (path, content_type, body) in VERBS {
        // A form says where it comes from, or it is not taken.
        for lines in honest.into_iter().filter(|lines| *content_type == JSON || lines.contains("Origin")) {
            let before = listening.arrived();
            let body = as_read(&listening, (path, content_type, body), lines).await;
            let answer = listening.exchange(&post(path, content_type, lines, &body)).await;
            assert!((200..400).contains(&answer.status()), "{path}, {lines}: {}", answer.0);
            assert_eq!(listening.arrived(), before + 1, "{path}, {lines}");
        }
    }
    listening.end().await;
}

#[tokio::test]
async fn nothing_is_read_under_a_foreign_name() {
    let listening = Listening::within(ConnectionLimits::default()).await;
    for path in READS {
        for (row, lines) in FOREIGN_HOSTS {
            let row = format!("{path}, {row}");
            let answer = listening.exchange(&get(path, lines)).await;
            let problem = answer.problem(&row, 403, "open the address that ringward printed");
            assert!(!answer.body().contains("023e105f"), "{row}: {}", problem.detail);
        }
        let answer =
            listening.exchange(&get(&format!("http://evil.test:<port>{path}"), "Host: <host>")).await;
        answer.problem(path, 403, "evil.test");
        for lines in ["Host: <host>", "Host: localhost:<port>"].into_iter().chain(LINKS.iter().copied()) {
            let answer = listening.exchange(&get(path, lines)).await;
            assert_ne!(answer.status(), 403, "{path}, {lines}: a link on another page may lead here");
        }
        for (row, lines) in FOREIGN_READERS {
            let answer = listening.exchange(&get(path, lines)).await;
            answer.problem(&format!("{path}, {row}"), 403, "another site asks");
        }
    }
    for path in ["/healthz", "/readyz"] {
        for (row, lines) in FOREIGN_HOSTS {
            let answer = listening.exchange(&get(path, lines)).await;
            assert_eq!(answer.status(), 200, "{path}, {row}: probes choose their own names");
        }
    }
    listening.end().await;
}

/// A proxy on this machine that sends nothing of who asks, as nginx does unless it is told to.
#[tokio::test]
async fn a_silent_proxy_is_known_by_its_http_or_kept_out_by_the_switch() {
    let listening = Listening::within(ConnectionLimits::default()).await;
    let sent =
        |path: &str, of: &str, body: &str| post(path, of, "Host: <host>\r\nOrigin: http://<host>", body);
    for (path, content_type, body) in VERBS {
        let old = sent(path, content_type, body).replacen("HTTP/1.1", "HTTP/1.0", 1);
        let answer = listening.exchange(&old).await;
        assert_eq!(answer.status(), 403, "{path}: {}", answer.0);
        assert!(answer.body().contains("HTTP/1.0, as proxies send it"), "{path}: {}", answer.0);
    }
    let page = get("/", "Host: <host>").replacen("HTTP/1.1", "HTTP/1.0", 1);
    let page = listening.exchange(&page).await;
    assert_eq!(page.status(), 200, "{}", page.0);
    assert!(page.body().contains("Here you can only look"), "{}", page.0);
    assert!(!page.body().contains("/act/stop"), "{}", page.0);
    assert_eq!(listening.arrived(), 0);
    listening.end().await;

    let read_only = TcpRules { verbs: TcpVerbs::Refused, ..TcpRules::default() };
    let listening = Listening::under(read_only, ConnectionLimits::default()).await;
    for (path, content_type, body) in VERBS {
        let answer = listening.exchange(&sent(path, content_type, body)).await;
        assert_eq!(answer.status(), 403, "{path}: {}", answer.0);
        assert!(answer.body().contains("--read-only"), "{path}: {}", answer.0);
    }
    let page = listening.exchange(&get("/", "Host: <host>")).await;
    assert!(page.body().contains("ringward stop --reason"), "the page shows commands: {}", page.0);
    assert!(!page.body().contains("/act/stop"), "{}", page.0);
    assert_eq!(listening.arrived(), 0);
    listening.end().await;
}

#[tokio::test]
async fn a_name_that_host_gave_reads_and_never_acts() {
    let hosts = vec!["ringward.test".parse().unwrap()];
    let listening =
        Listening::under(TcpRules { hosts, ..TcpRules::default() }, ConnectionLimits::default()).await;
    let read = listening.exchange(&get("/api/v1/rollouts", "Host: ringward.test")).await;
    assert_eq!(read.status(), 200, "{}", read.0);
    for (path, content_type, body) in VERBS {
        let verb = post(path, content_type, "Host: ringward.test\r\nOrigin: http://ringward.test", body);
        let answer = listening.exchange(&verb).await;
        assert_eq!(answer.status(), 403, "{path}: {}", answer.0);
    }
    assert_eq!(listening.arrived(), 0);
    listening.end().await;
}
