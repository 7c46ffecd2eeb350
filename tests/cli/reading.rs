//! `status`, `explain`, `devices`, the verbs, and whatever can sit at the other end of the socket.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use ringward::cli::client::{Connection, MAX_ANSWER_BYTES};
use ringward::cli::devices::{Filter, devices};
use ringward::cli::exit::Exit;
use ringward::cli::explain::explain;
use ringward::cli::render::Format;
use ringward::cli::screen::{Glyphs, Ink, Screen, Surface};
use ringward::cli::status::status;
use ringward::cli::verbs::{ask, start};
use ringward::fleet::Class;
use ringward::rollout::people::verbs::verb::Verb;
use ringward::web::json::VerbRequest;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::server::{Reply, Server};
use crate::{SCREEN, answers, golden, plan, refused, ring, seen};

/// Long enough for a scripted answer on a busy machine, short enough for silence.
const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn status_shows_all_plans_with_trouble_on_top() {
    let rows = [
        ("status.txt", answers::daemon(&[answers::adopting(), answers::completed()]), None),
        ("status_one.txt", answers::daemon(&[answers::adopting(), answers::completed()]), Some("servers")),
        ("status_troubled.txt", answers::troubled_daemon(&[answers::halted()]), None),
        ("status_asking.txt", answers::daemon(&[answers::asking(true), answers::asking(false)]), None),
        ("status_empty.txt", answers::daemon(&[]), None),
        ("status_new.txt", answers::with_newcomer(answers::daemon(&[])), None),
        ("status_unknown_plan.txt", answers::daemon(&[answers::adopting()]), Some("clinet")),
    ];
    for (name, answer, of) in rows {
        let server = Server::json(&answer);
        let mut out = Vec::new();
        let of = of.map(plan);
        let result =
            status(&Connection::beside(&server.database), of.as_ref(), Format::Text, &SCREEN, &mut out).await;
        golden(name, &seen(&out, result, server.dir.path()));
        assert_eq!(server.requests(), ["GET /api/v1/rollouts"]);
    }
}

#[tokio::test]
async fn json_is_what_the_daemon_said() {
    let answer = answers::daemon(&[answers::adopting(), answers::completed()]);
    let server = Server::start(vec![
        Reply::Http(200, answer.to_string()),
        Reply::Http(200, answer.to_string()),
        Reply::Http(200, answer.to_string()),
    ]);
    let connection = Connection::beside(&server.database);
    let mut out = Vec::new();
    status(&connection, None, Format::Json, &SCREEN, &mut out).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), answer);
    let mut out = Vec::new();
    status(&connection, Some(&plan("servers")), Format::Json, &SCREEN, &mut out).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&out).unwrap()["rollouts"], json!([answers::completed()]));
    let mut out = Vec::new();
    explain(&connection, &plan("client"), Format::Json, &SCREEN, &mut out).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), answers::adopting());
}

#[tokio::test]
async fn explain_says_why_and_what_would_change_it() {
    let rows = [
        ("explain.txt", answers::daemon(&[answers::adopting()]), "client"),
        ("explain_held.txt", answers::troubled_daemon(&[answers::halted()]), "client"),
        ("explain_completed.txt", answers::daemon(&[answers::completed()]), "servers"),
        ("explain_unknown_plan.txt", answers::daemon(&[]), "client"),
        ("explain_new.txt", answers::with_newcomer(answers::daemon(&[answers::adopting()])), "newcomer"),
    ];
    for (name, answer, of) in rows {
        let server = Server::json(&answer);
        let mut out = Vec::new();
        let result =
            explain(&Connection::beside(&server.database), &plan(of), Format::Text, &SCREEN, &mut out).await;
        golden(name, &seen(&out, result, server.dir.path()));
    }
}

#[tokio::test]
async fn devices_are_fetched_page_by_page() {
    let mut hostile = answers::device(2, "too_old");
    hostile["name"] = json!("\u{1b}]0;owned\u{7}");
    for key in ["user", "os", "os_version", "environment", "client", "last_seen_at"] {
        hostile[key] = Value::Null;
    }
    let pages = [
        answers::devices(3, &[answers::device(1, "arrived"), hostile], Some(2)),
        answers::devices(3, &[answers::device(3, "due")], None),
    ];
    let known = answers::daemon(&[answers::adopting()]);
    let script = std::iter::once(&known).chain(&pages);
    let server = Server::start(script.map(|answer| Reply::Http(200, answer.to_string())).collect());
    let mut out = Vec::new();
    let (ring, client) = (ring("Ring 0 & co"), plan("client"));
    let filter = Filter { ring: Some(ring), class: Some(Class::TooOld), dark: false };
    let result =
        devices(&Connection::beside(&server.database), &client, &filter, Format::Text, &SCREEN, &mut out)
            .await;
    golden("devices.txt", &seen(&out, result, server.dir.path()));
    let path = "GET /api/v1/rollouts/client/devices?limit=1000&offset";
    assert_eq!(
        server.requests(),
        [
            "GET /api/v1/rollouts".to_owned(),
            format!("{path}=0&ring=Ring%200%20%26%20co&class=too_old"),
            format!("{path}=2&ring=Ring%200%20%26%20co&class=too_old"),
        ]
    );
}

/// A fleet as an on-call engineer meets it: some stalled, one with a name from a prankster.
fn fleet() -> Vec<Value> {
    let device = |number: usize, ring: &str, class: &str, name: &str, client: Value, seen: Value| {
        let mut device = answers::device(number, class);
        (device["ring"], device["name"], device["client"], device["last_seen_at"]) =
            (json!(ring), json!(name), client, seen);
        device
    };
    let (old, new) = (json!("2026.6.880.0"), json!("2026.8.2100.0"));
    let (early, first) = ("Early adopters", "Engineering Ring 0");
    let mut mac = device(5, first, "due", "mac-1", old.clone(), json!("2026-10-13T07:00:00Z"));
    (mac["environment"], mac["os"], mac["os_version"]) = (json!("macos"), json!("mac"), json!("15.6.1"));
    let mut linux = device(8, early, "untargeted", "build-7", Value::Null, Value::Null);
    (linux["environment"], linux["os"], linux["os_version"]) = (Value::Null, json!("linux"), json!("6.1"));
    let mut nobody = device(6, "Everyone", "unseen", "kiosk", old.clone(), Value::Null);
    nobody["user"] = Value::Null;
    let long = "the-laptop-of-somebody-who-likes-long-names-0001.corp.example.test";
    let mut hostile =
        device(9, "Gone ring", "left", "\u{1b}]0;owned\u{7}", old.clone(), json!("2026-10-01T07:00:00Z"));
    hostile["user"] = json!("a\u{202e}b@example.test");
    vec![
        device(1, first, "arrived", "laptop-1", new, json!("2026-10-13T07:54:00Z")),
        device(2, early, "stalled", long, old.clone(), json!("2026-10-12T07:00:00Z")),
        device(3, early, "stalled", "LAPTOP-0042", old.clone(), json!("2026-10-13T07:59:00Z")),
        device(
            4,
            first,
            "too_old",
            "環境環境環境環境環境環境環境環境",
            json!("2025.10.186.0"),
            json!("2026-10-13T06:00:00Z"),
        ),
        mac,
        nobody,
        device(7, early, "unseen", "drawer", old, json!("2026-09-01T07:00:00Z")),
        linux,
        hostile,
    ]
}

#[tokio::test]
async fn devices_that_need_attention_come_first_and_fit_the_screen() {
    let narrow = Screen { columns: 60, ..SCREEN };
    let pipe = Screen { surface: Surface::Stream, ..SCREEN };
    let wide = Screen { columns: 160, ..SCREEN };
    let mut text = String::new();
    for (row, screen) in
        [("80 columns", SCREEN), ("60 columns", narrow), ("160 columns", wide), ("a pipe", pipe)]
    {
        let devices_of_all = fleet();
        let script = [answers::daemon(&[answers::adopting()]), answers::devices(9, &devices_of_all, None)];
        let server =
            Server::start(script.iter().map(|answer| Reply::Http(200, answer.to_string())).collect());
        let mut out = Vec::new();
        let connection = Connection::beside(&server.database);
        let result =
            devices(&connection, &plan("client"), &Filter::default(), Format::Text, &screen, &mut out).await;
        let shown = seen(&out, result, server.dir.path());
        if row != "a pipe" {
            for line in shown.lines() {
                assert!(UnicodeWidthStr::width(line) <= screen.columns, "{row}: {line}");
            }
        }
        text.push_str(&format!("# {row}\n{shown}"));
    }
    golden("devices_attention.txt", &text);
}

#[tokio::test]
async fn silent_devices_are_asked_for_and_told() {
    let narrow = Screen { columns: 60, ..SCREEN };
    let mut since = answers::device(1, "arrived");
    since["dark_since"] = json!("2026-10-12T20:00:00Z");
    let mut accepted = answers::device(2, "arrived");
    (accepted["dark_since"], accepted["acknowledged"]) = (json!("2026-10-11T20:00:00Z"), json!(["dark"]));
    let mut text = String::new();
    for (row, screen, found) in [
        ("80 columns", SCREEN, vec![since.clone(), accepted.clone()]),
        ("60 columns", narrow, vec![since, accepted]),
        ("nobody", SCREEN, Vec::new()),
    ] {
        let script = [answers::daemon(&[answers::adopting()]), answers::devices(found.len(), &found, None)];
        let server =
            Server::start(script.iter().map(|answer| Reply::Http(200, answer.to_string())).collect());
        let mut out = Vec::new();
        let filter = Filter { dark: true, ..Filter::default() };
        let connection = Connection::beside(&server.database);
        let result = devices(&connection, &plan("client"), &filter, Format::Text, &screen, &mut out).await;
        let shown = seen(&out, result, server.dir.path());
        for line in shown.lines() {
            assert!(UnicodeWidthStr::width(line) <= screen.columns, "{row}: {line}");
        }
        let asked = "GET /api/v1/rollouts/client/devices?limit=1000&offset=0&dark=true";
        assert_eq!(server.requests().last().map(String::as_str), Some(asked), "{row}");
        text.push_str(&format!("# {row}\n{shown}"));
    }
    golden("devices_dark.txt", &text);
}

#[tokio::test]
async fn narrow_wide_plain_and_coloured_screens_show_the_same() {
    let screens = [
        ("status_narrow.txt", Screen { columns: 40, ..SCREEN }),
        ("status_wide.txt", Screen { columns: 132, ..SCREEN }),
        ("status_ascii.txt", Screen { glyphs: Glyphs::Ascii, ..SCREEN }),
    ];
    let answer = answers::troubled_daemon(&[answers::halted()]);
    for (name, screen) in screens {
        let server = Server::json(&answer);
        let mut out = Vec::new();
        let result =
            status(&Connection::beside(&server.database), None, Format::Text, &screen, &mut out).await;
        let shown = seen(&out, result, server.dir.path());
        for line in shown.lines().filter(|line| !line.contains("ringward ")) {
            assert!(UnicodeWidthStr::width(line) <= screen.columns, "{name}: {line}");
        }
        golden(name, &shown);
    }
    let of = |ink| async move {
        let server = Server::json(&answers::troubled_daemon(&[answers::halted()]));
        let (connection, screen) = (Connection::beside(&server.database), Screen { ink, ..SCREEN });
        let mut out = Vec::new();
        status(&connection, None, Format::Text, &screen, &mut out).await.unwrap();
        String::from_utf8(out).unwrap()
    };
    let (plain, coloured) = (of(Ink::Plain).await, of(Ink::Colour).await);
    assert_ne!(plain, coloured);
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain, "colour changes nothing else");
}

#[tokio::test]
async fn pages_that_do_not_fit_together_are_no_list() {
    let one = [answers::device(1, "due")];
    let rows = [
        ("stays where it is", vec![answers::devices(2, &one, Some(0))], "do not fit"),
        ("skips devices", vec![answers::devices(9, &one, Some(5))], "do not fit"),
        ("ends too soon", vec![answers::devices(2, &one, None)], "1 of 2"),
        (
            "grows meanwhile",
            vec![answers::devices(2, &one, Some(1)), answers::devices(3, &one, None)],
            "2 of 3",
        ),
        (
            "shrinks meanwhile",
            vec![answers::devices(2, &one, Some(1)), answers::devices(1, &[], None)],
            "1 of 2",
        ),
    ];
    for (row, pages, words) in rows {
        let server = Server::start(pages.iter().map(|page| Reply::Http(200, page.to_string())).collect());
        let mut out = Vec::new();
        let connection = Connection::beside(&server.database).with_patience(SHORT);
        let result =
            devices(&connection, &plan("client"), &Filter::default(), Format::Json, &SCREEN, &mut out).await;
        let (exit, message) = refused(&out, result);
        assert!(exit == Exit::Failed && message.contains(words), "{row}: {message}");
    }
}

fn because(reason: &str) -> VerbRequest {
    VerbRequest { reason: reason.to_owned(), ..VerbRequest::default() }
}

#[tokio::test]
async fn verbs_ask_the_daemon_and_say_what_it_did() {
    let done = || Reply::Http(200, json!({"done": "plan client is paused"}).to_string());
    let server = Server::start((0..3).map(|_| done()).collect());
    let connection = Connection::beside(&server.database);
    let client = plan("client");
    let mut out = Vec::new();
    let no = VerbRequest { ring: Some(ring("Ring 0")), ..because("urgent") };
    ask(&connection, Some(&client), Verb::Pause, &because("dns"), &mut out).await.unwrap();
    ask(&connection, Some(&client), Verb::Reject, &no, &mut out).await.unwrap();
    start(&connection, &VerbRequest { paused: Some(true), ..because("fixed") }, &mut out).await.unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "plan client is paused\n".repeat(3));
    assert_eq!(
        server.requests(),
        [
            r#"POST /api/v1/rollouts/client/pause {"reason":"dns"}"#,
            r#"POST /api/v1/rollouts/client/reject {"reason":"urgent","ring":"Ring 0"}"#,
            r#"POST /api/v1/start {"reason":"fixed","paused":true}"#,
        ]
    );
}

#[tokio::test]
async fn a_refused_verb_has_its_own_exit() {
    let rows = [
        ("refused", 409, Exit::Refused, "it is paused already; ringward resume client lifts it"),
        ("no such plan", 404, Exit::Refused, "there is no plan `client`; ringward knows servers"),
        ("no reason", 422, Exit::Usage, "a reason is needed; say it with --reason"),
        ("ending", 503, Exit::Failed, "the daemon does not take requests now (it is ending)"),
        ("a fault", 500, Exit::Failed, "this is a fault in ringward; the daemon goes on"),
    ];
    for (row, status, exit, detail) in rows {
        let server = Server::start(vec![Reply::Http(status, answers::problem(status, detail))]);
        let mut out = Vec::new();
        let (at, request) = (Connection::beside(&server.database), because("x"));
        let result = ask(&at, Some(&plan("client")), Verb::Pause, &request, &mut out).await;
        assert_eq!(refused(&out, result), (exit, detail.to_owned()), "{row}");
    }
}

#[tokio::test]
async fn whatever_answers_is_bounded_and_told() {
    let sound = answers::daemon(&[]).to_string();
    let mut other_clock = answers::daemon(&[]);
    other_clock["clock"] = json!("noon");
    let mut no_head = answers::daemon(&[]);
    no_head["head"] = json!({"seq": "many", "hash": ""});
    let half = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", sound.len() + 1, sound);
    let claimed = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", usize::MAX);
    let rows = [
        ("no HTTP", Reply::Bytes(b"SSH-2.0-OpenSSH\r\n".to_vec()), "broke before"),
        ("nothing at all", Reply::Bytes(Vec::new()), "broke before"),
        ("half an answer", Reply::Bytes(half.into_bytes()), "broke before"),
        ("a claim of much", Reply::Bytes(claimed.into_bytes()), "broke before"),
        ("an endless answer", Reply::Endless("x"), "longer than"),
        (
            "an endless header",
            Reply::Bytes([b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 4_000_000]].concat()),
            "broke before",
        ),
        ("too long", Reply::Http(200, " ".repeat(MAX_ANSWER_BYTES + 1)), "longer than"),
        ("silence", Reply::Silence, "did not answer"),
        ("no JSON", Reply::Http(200, "<html>".to_owned()), "cannot be understood"),
        ("more than one answer", Reply::Http(200, format!("{sound}{sound}")), "cannot be understood"),
        ("another shape", Reply::Http(200, no_head.to_string()), "head.seq"),
        ("another clock", Reply::Http(200, other_clock.to_string()), "not a clock"),
        ("an error page", Reply::Http(502, "<html>\u{1b}[2J".to_owned()), "answered 502"),
        ("deep JSON", Reply::Http(200, "[".repeat(1_000_000)), "cannot be understood"),
    ];
    for (row, reply, words) in rows {
        let server = Server::start(vec![reply]);
        let patience = if row == "silence" { SHORT } else { Duration::from_secs(60) };
        let connection = Connection::beside(&server.database).with_patience(patience);
        let mut out = Vec::new();
        let (exit, message) =
            refused(&out.clone(), status(&connection, None, Format::Text, &SCREEN, &mut out).await);
        assert!(exit == Exit::Failed && message.contains(words), "{row}: {message}");
        assert!(!message.chars().any(char::is_control), "{row}: {message:?}");
    }
}

#[tokio::test]
async fn no_daemon_is_told_with_the_way_to_one() {
    let server = Server::start(Vec::new());
    let socket = crate::server::socket(&server.database);
    let mut text = String::new();
    for case in ["a socket that nobody listens on", "no socket", "no database"] {
        match case {
            "no socket" => std::fs::remove_file(&socket).unwrap(),
            "no database" => std::fs::remove_file(&server.database).unwrap(),
            _ => {
                std::fs::remove_file(&socket).unwrap();
                drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
            }
        }
        let connection = Connection::beside(&server.database);
        let mut out = Vec::new();
        let result = status(&connection, None, Format::Text, &SCREEN, &mut out).await;
        text.push_str(&format!("# {case}\n{}", seen(&out, result, server.dir.path())));
        let mut out = Vec::new();
        let result =
            start(&connection, &VerbRequest { paused: Some(false), ..because("fixed") }, &mut out).await;
        text.push_str(&seen(&out, result, server.dir.path()));
    }
    golden("no_daemon.txt", &text);
}

/// Root passes every permission, so this row needs another user to mean something.
#[tokio::test]
async fn a_socket_of_another_user_is_told() {
    let server = Server::start(Vec::new());
    std::fs::set_permissions(crate::server::socket(&server.database), PermissionsExt::from_mode(0o000))
        .unwrap();
    let connection = Connection::beside(&server.database).with_patience(SHORT);
    let mut out = Vec::new();
    let (exit, message) =
        refused(&out.clone(), status(&connection, None, Format::Text, &SCREEN, &mut out).await);
    assert_eq!(exit, Exit::Failed);
    let root = std::fs::read_to_string("/proc/self/status").unwrap().contains("Uid:\t0\t0");
    let words = if root { "did not answer" } else { "may not talk to the daemon" };
    assert!(message.contains(words), "{message}");
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_failure() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for format in [Format::Text, Format::Json] {
        let server = Server::json(&answers::daemon(&[answers::adopting()]));
        let result = status(&Connection::beside(&server.database), None, format, &SCREEN, &mut Closed).await;
        let error = result.expect_err("output that cannot be written");
        assert!(error.is_quiet() && error.exit() == Exit::Done, "{format:?}: {error}");
    }
}
