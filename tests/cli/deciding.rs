//! Verbs that rest on what was read: what is shown, who is asked, and what is sent.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use super::server::{Reply, Server};

const REVISION: &str = "b41c0d9e77a1b41c0d9e77a1b41c0d9e77a1b41c0d9e77a1b41c0d9e77a1b41c";

fn look() -> Reply {
    let seen = json!({"rings": {"First": {"windows": {"from": "2026.7.1376.0", "to": "2026.8.2100.0"}}}, "findings": []});
    let line = "ring `First`: windows 2026.7.1376.0 → 2026.8.2100.0 (12 devices move)";
    let answer =
        json!({"done": "nothing", "revision": REVISION, "seen": seen, "devices": {}, "lines": [line]});
    Reply::Http(200, answer.to_string())
}

fn done() -> Reply {
    Reply::Http(200, json!({"done": "ring `First` is approved by you"}).to_string())
}

fn ringward(server: &Server, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringward"));
    command.args(line.split(' ')).arg("--db").arg(&server.database);
    command
}

fn told(output: &Output) -> String {
    String::from_utf8([output.stdout.clone(), output.stderr.clone()].concat()).unwrap()
}

/// What was sent after the look.
fn sent(server: &Server) -> Vec<Value> {
    let bodies = server.requests().into_iter().map(|request| {
        let body = request.split_once('{').unwrap().1;
        serde_json::from_str(&format!("{{{body}")).unwrap()
    });
    bodies.collect()
}

/// Line, exit code, what is told, and the revision that is sent; `None`: nothing is.
type Row = (&'static str, i32, &'static str, Option<&'static str>);

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_what_was_read_is_said_by_its_revision() {
    let rows: [Row; 8] = [
        ("approve client --ring First --reason fine", 3, "--yes --revision b41c0d9e77a1", None),
        ("resume client --reason fine", 3, "ringward resume client --reason fine --db", None),
        ("waive client --gate soak --reason fine", 3, "there is no terminal to ask on", None),
        ("rollback client --reason fine", 3, "12 devices move", None),
        ("resume client --reason fine --revision b41c0d9e", 3, "--yes\n", None),
        ("rollback client --dry-run", 0, "windows 2026.7.1376.0 → 2026.8.2100.0 (12 devices move)", None),
        (
            "rollback client --reason fine --yes --revision b41c0d9e",
            0,
            "is approved by you",
            Some("b41c0d9e"),
        ),
        (
            "approve client --ring First --reason fine --yes --revision 0badc0de",
            0,
            "is approved",
            Some("0badc0de"),
        ),
    ];
    for (line, exit, words, revision) in rows {
        let server = Server::start(vec![look(), done()]);
        let output = ringward(&server, line).output().unwrap();
        let said = told(&output);
        assert_eq!(output.status.code(), Some(exit), "{line}: {said}");
        assert!(said.contains(words), "{line}: `{words}` is missing in: {said}");
        let sent = sent(&server);
        assert_eq!(sent[0]["dry_run"], true, "{line}: {sent:?}");
        assert_eq!(sent.len(), 1 + usize::from(revision.is_some()), "{line}: {sent:?}");
        if let Some(revision) = revision {
            assert_eq!(sent[1]["revision"], revision, "{line}: {sent:?}");
            assert_eq!(sent[1]["seen"]["rings"]["First"]["windows"]["to"], "2026.8.2100.0", "{line}");
            assert_eq!(sent[1].get("dry_run"), None, "{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_without_a_revision_is_no_command() {
    for line in [
        "resume client --reason fine --yes",
        "rollback client",
        "approve client --reason fine",
        "pause client --yes --reason x",
    ] {
        let server = Server::start(vec![look(), done()]);
        let output = ringward(&server, line).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {}", told(&output));
        assert!(server.requests().is_empty(), "{line}");
    }
}

/// On a terminal of its own; `script` is a part of every Debian.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_nothing_is_taken_for_a_yes_but_a_yes() {
    let rows = [("y\n", 0), ("yes\n", 0), ("n\n", 3), ("\n", 3), ("yesterday\n", 3), ("\u{4}", 3)];
    for (typed, exit) in rows {
        let server = Server::start(vec![look(), done()]);
        let line = format!(
            "{} resume client --reason fine --db {}",
            env!("CARGO_BIN_EXE_ringward"),
            server.database.display()
        );
        let mut terminal = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        terminal.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        let output = terminal.wait_with_output().unwrap();
        let said = told(&output);
        assert_eq!(output.status.code(), Some(exit), "{typed:?}: {said}");
        assert!(said.contains("resume client? [y/N]"), "{typed:?}: {said}");
        assert_eq!(server.requests().len(), if exit == 0 { 2 } else { 1 }, "{typed:?}: {said}");
        if exit == 0 {
            assert_eq!(sent(&server)[1]["revision"], REVISION);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_by_now_is_told() {
    let differs = Reply::Http(
        409,
        super::answers::problem(409, "it is not what you have read: ring `First` goes windows"),
    );
    let server = Server::start(vec![look(), differs]);
    let output = ringward(&server, "resume client --reason fine --yes --revision b41c0d9e").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(told(&output).contains("it is not what you have read: ring `First` goes windows"));
}
