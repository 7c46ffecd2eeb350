//! `confirm PLAN`: what waits is shown first, and nothing is confirmed without a name and a reason.

use std::path::Path;

use ringward::cli::client::Connection;
use ringward::cli::confirm::{ReadRevision, confirm};
use serde_json::{Value, json};

use crate::definitions::ringward;
use crate::server::{Reply, Server};
use crate::{SCREEN, answers, golden, plan, seen};

async fn shown(name: &str, answer: &Value, of: &str) {
    let server = Server::json(answer);
    let mut out = Vec::new();
    let result = confirm(&Connection::beside(&server.database), &plan(of), None, &SCREEN, &mut out).await;
    golden(name, &seen(&out, result, server.dir.path()));
    assert_eq!(server.requests(), ["GET /api/v1/rollouts"], "{name}: nothing is asked for");
}

#[tokio::test]
async fn what_waits_is_shown_and_not_confirmed() {
    let asking = |changed: &dyn Fn(&mut Value)| {
        let mut rollout = answers::asking(true);
        rollout["revision_waits"] = answers::revision_waits();
        changed(&mut rollout["revision_waits"]);
        answers::daemon(&[rollout])
    };
    let hold = json!({"actor": "local:ana", "reason": "change 4711", "since": "2026-10-13T07:59:00Z"});
    let confirmed = |waits: &mut Value| (waits["confirmed"], waits["command"]) = (hold.clone(), Value::Null);
    let forbidden = |waits: &mut Value| {
        (waits["waits_for"], waits["command"]) = (json!("another_version"), Value::Null);
        waits["why"] = json!("It asks for a version that its own `forbid` covers.");
    };
    shown("confirm.txt", &asking(&|_| {}), "client").await;
    shown("confirm_again.txt", &asking(&confirmed), "client").await;
    shown("confirm_forbidden.txt", &asking(&forbidden), "client").await;
    shown("confirm_new.txt", &answers::with_newcomer(answers::daemon(&[])), "newcomer").await;
    shown("confirm_nothing.txt", &answers::daemon(&[answers::adopting()]), "client").await;
    shown("confirm_unknown_plan.txt", &answers::daemon(&[answers::adopting()]), "clinet").await;
}

/// The daemon has the last word: another revision may have come since.
#[tokio::test]
async fn a_word_is_sent_after_what_waits_was_shown() {
    let problem = json!({
        "type": "urn:ringward:problem:refused", "title": "Refused", "status": 409, "instance": "/x",
        "detail": "another revision waits than the one that you name: revision 77 waits: x; read what it changes, and confirm that one",
    });
    let done = json!({"done": "revision 5f3c of plan client is confirmed by you"});
    for (name, reply) in [
        ("confirm_given.txt", Reply::Http(200, done.to_string())),
        ("confirm_other.txt", Reply::Http(409, problem.to_string())),
    ] {
        let mut rollout = answers::adopting();
        rollout["revision_waits"] = answers::revision_waits();
        let server = Server::start(vec![Reply::Http(200, answers::daemon(&[rollout]).to_string()), reply]);
        let mut out = Vec::new();
        let word = Some(ReadRevision { revision: "5f3c5f3c", reason: "change 4711" });
        let at = Connection::beside(&server.database);
        let result = confirm(&at, &plan("client"), word, &SCREEN, &mut out).await;
        golden(name, &seen(&out, result, server.dir.path()));
        let requests = server.requests();
        assert_eq!(requests[0], "GET /api/v1/rollouts");
        assert!(requests[1].starts_with("POST /api/v1/rollouts/client/confirm "), "{requests:?}");
        assert!(
            requests[1].contains(r#""revision":"5f3c5f3c""#) && requests[1].contains("4711"),
            "{requests:?}"
        );
    }
}

/// The arguments reach the daemon's door, where nobody is.
#[test]
fn the_parser_takes_a_plan_with_a_word_and_without() {
    let directory = tempfile::tempdir().unwrap();
    for word in [&[][..], &["--revision", "5f3c5f3c", "--reason", "change 4711"]] {
        let output = ringward(&[&["confirm", "client", "--db", "none.db"], word].concat(), directory.path());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("there is no database none.db"), "{word:?}: {error}");
    }
}

#[test]
fn half_a_word_is_no_word() {
    for (half, lacks) in [
        (["--reason", "change 4711"], "--revision <DIGEST>"),
        (["--revision", "5f3c5f3c"], "--reason <TEXT>"),
    ] {
        let output = ringward(&["confirm", "client", half[0], half[1]], Path::new("."));
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(lacks), "{error}");
    }
}
