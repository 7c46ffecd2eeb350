//! `status --watch`: what it shows when things change, when nothing does, and when the daemon goes.

use std::time::Duration;

use ringward::cli::client::Connection;
use ringward::cli::exit::{CliError, Exit};
use ringward::cli::render::Format;
use ringward::cli::screen::{Screen, Surface};
use ringward::cli::status::watch::{Watched, watch};
use serde_json::{Value, json};

use crate::server::{Reply, Server};
use crate::{SCREEN, answers, golden, plan, refused};

const PIPE: Screen = Screen { surface: Surface::Stream, ..SCREEN };

/// What `--watch` writes while a daemon gives these answers; it ends when all of them were seen.
async fn watched(of: Option<&str>, format: Format, screen: Screen, mut script: Vec<Reply>) -> String {
    let seen = script.len();
    // Asked for only after the last answer was shown.
    script.push(Reply::Silence);
    let server = Server::start(script);
    let connection = Connection::beside(&server.database);
    let of = of.map(plan);
    let watched = Watched { plan: of.as_ref(), format, every: Duration::from_millis(1) };
    let end = async {
        while server.requests().len() <= seen {
            tokio::task::yield_now().await;
        }
        Ok::<(), CliError>(())
    };
    let mut out = Vec::new();
    watch(&connection, watched, || screen, end, &mut out).await.unwrap();
    String::from_utf8(out).unwrap().replace(&server.dir.path().display().to_string(), "DIR")
}

fn answer(value: &Value) -> Reply {
    Reply::Http(200, value.to_string())
}

fn soaking() -> Value {
    let mut rollout = answers::adopting();
    rollout["rings"][1]["state"] = json!("soaking");
    rollout["waiting_on"][0]["headline"] = json!("ring Early adopters soaks\u{1b}[2J");
    rollout
}

fn stopped() -> Value {
    let mut daemon = answers::daemon(&[soaking(), answers::completed()]);
    daemon["stopped"] = json!({"actor": "local:ana", "reason": "dns", "since": "2026-10-13T07:00:00Z"});
    daemon
}

/// A change, a daemon that goes away twice over, and its return.
fn script() -> Vec<Reply> {
    let adopting = answers::daemon(&[answers::adopting(), answers::completed()]);
    let soaking = answers::daemon(&[soaking(), answers::completed()]);
    vec![
        answer(&adopting),
        answer(&adopting),
        answer(&stopped()),
        Reply::Bytes(Vec::new()),
        Reply::Http(503, answers::problem(503, "the daemon does not take requests now (it is ending)")),
        answer(&soaking),
    ]
}

#[tokio::test]
async fn elsewhere_than_on_a_terminal_each_change_is_a_line() {
    golden("watch_lines.txt", &watched(None, Format::Text, PIPE, script()).await);
    let one = watched(Some("servers"), Format::Text, PIPE, script()).await;
    assert!(!one.contains("client#3") && one.contains("servers#1"), "{one}");
}

#[tokio::test]
async fn a_terminal_is_redrawn_only_when_something_changed() {
    let tall = Screen { surface: Surface::Terminal { rows: 60 }, ..SCREEN };
    let drawn = watched(Some("client"), Format::Text, tall, script()).await;
    let frames: Vec<&str> = drawn.split("\u{1b}[H").skip(1).collect();
    assert_eq!(frames.len(), 5, "an answer that says the same is not drawn again");
    assert!(drawn.starts_with("\u{1b}[2J\u{1b}[H"), "the first one clears the screen");
    assert!(drawn.ends_with("\u{1b}[J\u{1b}[?7h"), "wrapping is on again after each frame");
    let text = frames.join("\n=== frame\n").replace("\u{1b}[K\r\n", "\n").replace("\u{1b}[J", "");
    golden("watch_frames.txt", &text.replace("\u{1b}[?7l", "").replace("\u{1b}[?7h", ""));
}

#[tokio::test]
async fn a_small_window_gets_what_fits_and_is_told() {
    for rows in [1, 2, 10] {
        let small = Screen { surface: Surface::Terminal { rows }, ..SCREEN };
        let drawn = watched(None, Format::Text, small, vec![answer(&stopped())]).await;
        let lines = drawn.matches("\r\n").count();
        assert!(lines < rows.max(2), "{rows} rows: {drawn:?}");
        assert!(drawn.contains("more lines; make the window taller"), "{rows} rows: {drawn:?}");
    }
}

#[tokio::test]
async fn json_is_a_line_for_each_new_answer() {
    let lines = watched(None, Format::Json, PIPE, script()).await;
    let read: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read.len(), 3, "{lines}");
    assert_eq!(read[1], stopped());
}

#[tokio::test]
async fn watching_needs_a_daemon_and_a_plan_to_begin_with() {
    let never = std::future::pending::<Result<(), CliError>>;
    let watched = |plan| Watched { plan, format: Format::Text, every: Duration::from_millis(1) };
    let server = Server::json(&answers::daemon(&[answers::adopting()]));
    let connection = Connection::beside(&server.database);
    let unknown = plan("clinet");
    let mut out = Vec::new();
    let result = watch(&connection, watched(Some(&unknown)), || PIPE, never(), &mut out).await;
    assert_eq!(refused(&out, result).0, Exit::Refused);
    std::fs::remove_file(crate::server::socket(&server.database)).unwrap();
    let result = watch(&connection, watched(None), || PIPE, never(), &mut out).await;
    assert_eq!(refused(&out, result).0, Exit::Failed);
}
