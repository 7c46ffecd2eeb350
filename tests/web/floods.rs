//! Floods: verbs, checks, connections and wrong credentials cost only whoever sends them.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use ringward::cloudflare::{CloudflareClient, Settings as ClientSettings};
use ringward::daemon::files::Settles;
use ringward::daemon::view::{CommandError, Handle};
use ringward::daemon::{Daemon, DaemonSettings, start};
use ringward::plan::model::Revisions;
use ringward::rollout::people::command::Command;
use ringward::rollout::record::{Actor, Mode, Role};
use ringward::sandbox::{self, AccountSettings, FaultScript, RunningSandbox};
use ringward::telemetry::{Metrics, WhyRefused};
use ringward::time::Clock;
use ringward::web::json::{EventsAnswer, VerbAnswer};
use ringward::web::{ConnectionLimits, Peer, Services, bind_socket, router, serve_socket, socket_path};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream, UnixStream};
use tokio_util::sync::CancellationToken;

use super::identity::credentials::{bearer, tokens};
use super::tcp::{Listening, Raw};
use super::world::{World, report, view};
use super::{Answer, ask, form_fields, get, send};

const REASON: Option<&str> = Some(r#"{"reason": "look"}"#);
/// A bucket.
const AT_ONCE: usize = 30;

/// A clock that stands: no bucket fills while a slow machine works.
fn standing() -> Clock {
    Clock::fast_from("2026-10-12T10:00:00Z".parse().unwrap(), 1e-9)
}

/// A scripted daemon by that clock, which knows a token of somebody who may everything.
fn scripted() -> World {
    let known = tokens(&[("ana", 7, &[Role::Operator, Role::Approver])]);
    let view = ringward::daemon::view::View {
        clock: standing(),
        tokens: known.tokens,
        ..view(vec![report("client")])
    };
    World::new(view, Ok("done as asked"))
}

/// A request from a user of the socket, with headers and a body.
async fn asked(app: &Router, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from(body.to_owned())).unwrap();
    request.extensions_mut().insert(Peer::Local { user: "ada".to_owned() });
    send(app, request).await
}

#[tokio::test]
async fn an_actor_has_thirty_verbs_through_whichever_door_and_a_no_always() {
    let world = scripted();
    let ana = format!("Bearer {}", bearer(7));
    let by_token = [("content-type", "application/json"), ("authorization", ana.as_str())];
    let unblock = "/api/v1/rollouts/client/unblock";
    const UNBLOCK: &str = r#"{"reason": "it is fine", "version": "2026.8.2100.0"}"#;
    for number in 0..AT_ONCE {
        let answer = asked(&world.app, unblock, &by_token, UNBLOCK).await;
        assert_eq!(answer.status, 200, "number {number}: {}", answer.body);
    }
    let arrived = world.arrived.lock().unwrap().len();
    let answer = asked(&world.app, unblock, &by_token, UNBLOCK).await;
    let problem = answer.problem("one more", 429, "ask again in 1m");
    assert_eq!(
        (problem.kind.as_str(), answer.header("retry-after")),
        ("urn:ringward:problem:too-many", "60")
    );
    for word in ["token:ana", "30 verbs", "`stop`, `pause` and `reject`"] {
        assert!(problem.detail.contains(word), "{word} is missing in: {}", problem.detail);
    }

    let form = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "same-origin"),
        ("authorization", ana.as_str()),
    ];
    let sheet = get(&world.app, "/act/resume?plan=client").await.body;
    let filled = format!("seen={}&reason=look", form_fields(&sheet));
    let answer = asked(&world.app, "/act/resume?plan=client", &form, &filled).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "60"), "{}", answer.body);
    assert!(answer.body.contains("ask again in 1m"), "{}", answer.body);
    assert_eq!(world.arrived.lock().unwrap().len(), arrived, "none of these reaches the daemon");

    const NO_TO_A_RING: &str = r#"{"reason": "no", "ring": "Everyone"}"#;
    const NO: &str = r#"{"reason": "no"}"#;
    let always = [
        ("rollouts/client/pause", NO),
        ("rollouts/client/reject", NO_TO_A_RING),
        ("rollouts/client/check-now", NO),
        ("stop", NO),
    ];
    for (path, body) in always {
        let path = format!("/api/v1/{path}");
        for _ in 0..2 {
            let answer = asked(&world.app, &path, &by_token, body).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        }
    }
    assert_eq!(ask(&world.app, Method::POST, unblock, Some(UNBLOCK)).await.status, 200, "somebody else");
    let text = get(&world.app, "/metrics").await.body;
    assert!(text.contains("ringward_http_refused_total{why=\"too_many_verbs\"} 2\n"), "{text}");
}

fn ada() -> Actor {
    Actor::Local { user: "ada".to_owned() }
}

/// A daemon on a simulated account, by a clock that stands.
struct Real {
    app: Router,
    handle: Handle,
    daemon: Daemon,
    sandbox: RunningSandbox,
    _directory: tempfile::TempDir,
}

impl Real {
    async fn new(ring: &str, faults: Vec<FaultScript>) -> Self {
        let (directory, clock) = (tempfile::tempdir().unwrap(), standing());
        let account = AccountSettings { seed: 16, devices: 50, faults, ..AccountSettings::default() };
        let listen = "127.0.0.1:0".parse().unwrap();
        let sandbox = sandbox::start(sandbox::SandboxSettings { listen, clock, account }).await.unwrap();
        let (plans, database) = (directory.path().join("plans"), directory.path().join("ringward.db"));
        std::fs::create_dir(&plans).unwrap();
        let plan = format!(
            "plan: client\nversions: {{windows: 2026.8.2100.0}}\nrings: [{{name: First, profiles: [Engineering]{ring}}}]\n"
        );
        std::fs::write(plans.join("client.yaml"), plan).unwrap();
        let metrics = Arc::new(Metrics::new().unwrap());
        let account: ringward::ids::AccountId = sandbox.account_id().parse().unwrap();
        let token = sandbox.token().clone();
        let client = CloudflareClient::new(ClientSettings::new(
            sandbox.api_url().parse().unwrap(),
            account.clone(),
            token,
            clock,
        ));
        let daemon = start(DaemonSettings {
            plans,
            database: database.clone(),
            account,
            clock,
            mode: Mode::Write,
            client: client.unwrap(),
            approval_floor: None,
            revisions: Revisions::File,
            settles: Settles::of(0.0, &clock),
            devices_per_day: None,
            clock_trust: None,
        });
        let daemon = daemon.await.unwrap();
        let handle = daemon.handle();
        let services = Services { handle: handle.clone(), database, identities: Arc::default(), metrics };
        let mut real = Self { app: router(services), handle, daemon, sandbox, _directory: directory };
        while real.handle.view().reports.is_empty() {
            assert!(real.handle.changed().await, "the daemon ended");
        }
        real
    }

    async fn verb(&self, path: &str) -> Answer {
        ask(&self.app, Method::POST, &format!("/api/v1/{path}"), REASON).await
    }
}

/// Through the real daemon, onto its log and its budget.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_checks_and_verbs_leave_the_budget_and_the_log() {
    let mut real = Real::new("", Vec::new()).await;
    let first = real.verb("rollouts/client/check-now").await.json::<VerbAnswer>().done;
    assert!(first.starts_with("the plan files were read"), "{first}");
    // Most of them past HTTP, which costs the test more than the daemon.
    let check = Command::CheckNow("client".parse().unwrap());
    for number in 1..10_000 {
        let told = match number % 50 {
            0 => real.verb("rollouts/client/check-now").await.json::<VerbAnswer>().done,
            _ => real.handle.command(ada(), String::new(), check.clone()).await.unwrap(),
        };
        assert!(told.contains("a check of plan client began 0s ago"), "{told}");
    }
    let (mut paused, mut resumed) = (0, 0);
    for number in 0..10_000 {
        let (command, done) = match number % 20 {
            0 => (Command::Pause("client".parse().unwrap()), &mut paused),
            _ => (Command::Resume("client".parse().unwrap()), &mut resumed),
        };
        match real.handle.command(ada(), "look".to_owned(), command.clone()).await {
            Ok(_) => *done += 1,
            Err(CommandError::Refused(_)) => {}
            Err(CommandError::TooMany { .. }) => assert!(matches!(command, Command::Resume(_))),
            Err(error) => panic!("{error}"),
        }
    }
    // Every verb but a no is counted, whatever becomes of it.
    assert!(resumed <= AT_ONCE && paused <= resumed + 1, "{paused} and {resumed}");
    let unblock = r#"{"reason": "it is fine", "version": "2026.8.2100.0"}"#;
    let answer = ask(&real.app, Method::POST, "/api/v1/rollouts/client/unblock", Some(unblock)).await;
    answer.problem("by another way", 429, "30 verbs");
    let paused_again = real.verb("rollouts/client/pause").await;
    paused_again.problem("the pause stands: what lifts it is what is counted", 409, "is paused already");
    assert_eq!(get(&real.app, "/readyz").await.status, 200);
    let text = get(&real.app, "/metrics").await.body;
    let left = text.lines().find_map(|line| line.strip_prefix("ringward_cloudflare_budget_remaining "));
    assert!(left.unwrap().parse::<u32>().unwrap() > 500, "{left:?}");
    assert!(real.sandbox.journal().requests.len() < 100, "{}", real.sandbox.journal().requests.len());
    assert_eq!(real.verb("stop").await.status, 200);

    let events: EventsAnswer =
        get(&real.app, "/api/v1/rollouts/client/events?after=0&limit=1000").await.json();
    let by_people = events.events.iter().filter(|event| event.actor == "local:ada").count();
    assert_eq!(by_people, paused + resumed);
    assert!(events.events.len() < by_people + 50, "{} records", events.events.len());
    real.daemon.stop();
    real.daemon.ended().await.unwrap();
}

/// A rejection is not counted, and is judged by members that are read first.
#[tokio::test(flavor = "multi_thread")]
async fn rejections_while_members_cannot_be_read_ask_cloudflare_once() {
    let forbidden = r#"{"operation": "account-user-group-list", "kind": "forbidden", "times": 100000}"#;
    let ring = ", approval: {user_group: Release Approvers, count: 1, expires: 5d}";
    let mut real = Real::new(ring, vec![serde_json::from_str(forbidden).unwrap()]).await;
    let actor = Actor::Access { email: "ana@example.com".parse().unwrap() };
    let reject = Command::Reject { plan: "client".parse().unwrap(), ring: "First".parse().unwrap() };
    for _ in 0..300 {
        let answer = real.handle.command(actor.clone(), "no".to_owned(), reject.clone()).await;
        assert!(matches!(answer, Err(CommandError::Refused(_))), "{answer:?}");
    }
    let rows = real.sandbox.journal().requests;
    let asked = rows.iter().filter(|row| row.path.contains("user_groups")).count();
    assert!((1..10).contains(&asked), "{asked} of {} requests", rows.len());
    real.daemon.stop();
    real.daemon.ended().await.unwrap();
}

/// A connection from another address of this machine.
async fn connect_from(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

async fn exchange_from(from: &str, listening: &Listening, request: &str) -> Raw {
    let mut stream = connect_from(from, listening.address).await;
    stream.write_all(request.replace("<host>", &listening.address.to_string()).as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    Raw(String::from_utf8_lossy(&bytes).into_owned())
}

fn read(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: <host>\r\nConnection: close\r\n\r\n")
}

fn stop() -> String {
    "POST /api/v1/stop HTTP/1.1\r\nHost: <host>\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: \
     18\r\n\r\n{\"reason\": \"look\"}"
        .to_owned()
}

/// Begins a request and waits for the word that it is under way: the server asks for the body.
async fn busy(mut stream: TcpStream, to: SocketAddr) -> Option<TcpStream> {
    let head = format!(
        "POST /api/v1/stop HTTP/1.1\r\nHost: {to}\r\nContent-Type: application/json\r\nContent-Length: 18\r\nExpect: \
         100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut word = [0; 25];
    stream.read_exact(&mut word).await.ok()?;
    word.starts_with(b"HTTP/1.1 100").then_some(stream)
}

#[tokio::test]
async fn three_hundred_idle_connections_of_one_client_hold_up_nobody() {
    let listening = Listening::within(ConnectionLimits::default()).await;
    let bound = bind_socket(&listening.world.database()).unwrap();
    let token = CancellationToken::new();
    let on_socket = tokio::spawn(serve_socket(bound, listening.world.services.clone(), token.clone()));
    let mut idle = Vec::new();
    for _ in 0..300 {
        let mut stream = listening.connect().await;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200", "a new one is served, and an idle one closed for it");
        idle.push(stream);
    }
    for from in ["127.0.0.2", "127.0.0.1"] {
        for request in [read("/readyz"), read("/metrics"), stop()] {
            let answer = exchange_from(from, &listening, &request).await;
            assert_eq!(answer.status(), 200, "from {from}: {}", answer.0);
        }
    }
    let mut stream = UnixStream::connect(socket_path(&listening.world.database())).await.unwrap();
    stream.write_all(stop().replace("<host>", "ringward").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    token.cancel();
    on_socket.await.unwrap();
    listening.end().await;
}

#[tokio::test]
async fn beside_busy_connections_the_reserve_answers_probes() {
    let limits = ConnectionLimits {
        connections: 3,
        share: 2,
        reserve: 2,
        reserve_share: 1,
        ..ConnectionLimits::default()
    };
    let listening = Listening::within(limits).await;
    let to = listening.address;
    let mut held = Vec::new();
    for from in ["127.0.0.1", "127.0.0.1", "127.0.0.2"] {
        held.push(busy(connect_from(from, to).await, to).await.unwrap());
    }
    // The share of the first is busy, and so are all together.
    for from in ["127.0.0.1", "127.0.0.3"] {
        for path in ["/healthz", "/readyz", "/metrics"] {
            let answer =
                exchange_from(from, &listening, &read(path).replace("Connection: close\r\n", "")).await;
            assert_eq!((answer.status(), answer.header("connection")), (200, "close"), "{path} from {from}");
        }
        let answer = exchange_from(from, &listening, &stop()).await;
        let problem = answer.problem(from, 503, "are busy");
        assert_eq!(problem.kind, "urn:ringward:problem:busy", "{from}");
    }
    // An idle one in the reserve makes room for a newer one of its address, and holds up no other.
    let mut waiting = connect_from("127.0.0.3", to).await;
    assert_eq!(exchange_from("127.0.0.1", &listening, &read("/readyz")).await.status(), 200);
    assert_eq!(exchange_from("127.0.0.3", &listening, &read("/readyz")).await.status(), 200);
    assert_eq!(waiting.read(&mut [0; 1]).await.unwrap_or(0), 0, "it is closed");
    // Who is busy is served to the end.
    for mut stream in held {
        stream.write_all(b"{\"reason\": \"look\"}").await.unwrap();
        let mut rest = vec![0; 2_048];
        let length = stream.read(&mut rest).await.unwrap();
        assert!(String::from_utf8_lossy(&rest[..length]).contains("HTTP/1.1 200"), "{rest:?}");
    }
    listening.end().await;
}

/// Behind a proxy, all have one address.
#[tokio::test]
async fn whoever_proves_who_they_are_has_a_share_of_their_own() {
    let limits = ConnectionLimits { share: 2, ..ConnectionLimits::default() };
    let listening = Listening::within(limits).await;
    let seeds = [("ana", 1), ("bob", 2), ("carol", 3)];
    let known = tokens(&seeds.map(|(name, seed)| (name, seed, [Role::Viewer].as_slice())));
    listening.world.views.send_modify(|view| {
        let changed = ringward::daemon::view::View { tokens: known.tokens.clone(), ..(**view).clone() };
        *view = Arc::new(changed);
    });
    let mut kept = Vec::new();
    for (name, seed) in seeds {
        for number in 0..2 {
            let mut stream = listening.connect().await;
            let request = format!(
                "GET /api/v1 HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
                listening.address,
                bearer(seed)
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut status = [0; 12];
            stream.read_exact(&mut status).await.unwrap();
            assert_eq!(&status, b"HTTP/1.1 200", "{name} {number}");
            kept.push((name, request, stream));
        }
    }
    // None of the six was closed for another.
    for (name, request, mut stream) in kept {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        while !String::from_utf8_lossy(&bytes[bytes.len().min(4)..]).contains("HTTP/1.1 200") {
            let read = stream.read_buf(&mut bytes).await.unwrap();
            assert!(read > 0, "{name} was closed");
        }
    }
    listening.end().await;
}

/// What the log was told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<u8>>>);

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn refused_credentials_are_counted_and_told_to_the_log_once_a_minute() {
    let told = Told::default();
    let writer = told.clone();
    let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _log = tracing::subscriber::set_default(lines);
    let world = scripted();
    let right = bearer(7);
    let wrong = [
        ("of nobody", bearer(9), WhyRefused::TokenUnknown),
        ("with another secret", format!("{}0", &right[..right.len() - 1]), WhyRefused::TokenWrongSecret),
        ("something else", "hunter2hunter2".to_owned(), WhyRefused::TokenMalformed),
    ];
    for (row, token, _) in &wrong {
        for _ in 0..200 {
            let request = [("authorization", format!("Bearer {token}"))];
            let headers: Vec<(&str, &str)> =
                request.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let answer = asked(&world.app, "/api/v1/stop", &headers, REASON.unwrap()).await;
            assert_eq!(answer.status, 401, "{row}");
            assert_eq!(answer.header("connection"), "close", "{row}: it has to come again");
        }
    }
    let text = get(&world.app, "/metrics").await.body;
    for (row, _, why) in &wrong {
        let line = format!("ringward_http_refused_total{{why=\"{}\"}} 200\n", why.as_str());
        assert!(text.contains(&line), "{row}: {line} is missing in:\n{text}");
    }
    let told = String::from_utf8(told.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = told.lines().filter(|line| line.contains("a credential was refused")).collect();
    assert_eq!(lines.len(), 1, "the daemon's clock stands: {told}");
    assert!(lines[0].contains("token_unknown") && lines[0].contains("from=\"ada\""), "{told}");
    for (row, token, _) in &wrong {
        assert!(!told.contains(token) && !text.contains(token), "{row}: the log has the credential");
    }
}
