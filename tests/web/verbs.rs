//! Verbs: what arrives at the daemon, and everything that does not.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request};
use ringward::daemon::view::CommandError;
use ringward::rollout::people::command::Command;
use ringward::rollout::people::refusal::Refusal;
use ringward::rollout::people::verbs::situation::StartPlans;
use ringward::rollout::record::Actor;
use ringward::rollout::record::Gate;
use ringward::web::Peer;
use ringward::web::json::VerbAnswer;

use super::world::{World, plan, report, ring, view};
use super::{ask, decide, send};

const PAUSE: &str = "/api/v1/rollouts/client/pause";
const WAIVE: &str = "/api/v1/rollouts/client/waive";
const CHECK_NOW: &str = "/api/v1/rollouts/client/check-now";

#[tokio::test]
async fn each_verb_arrives_as_it_was_asked() {
    let waive = |ring| Command::Waive { plan: plan("client"), gate: Gate::Soak, ring };
    let rows = [
        (PAUSE, r#"{"reason": "look"}"#, Command::Pause(plan("client"))),
        ("/api/v1/rollouts/client/resume", r#"{"reason": "look"}"#, Command::Resume(plan("client"))),
        (WAIVE, r#"{"reason": "look", "gate": "soak"}"#, waive(None)),
        (WAIVE, r#"{"reason": "look", "gate": "soak", "ring": "Ring 1"}"#, waive(Some(ring("Ring 1")))),
        (CHECK_NOW, r#"{"reason": "look"}"#, Command::CheckNow(plan("client"))),
        ("/api/v1/stop", r#"{"reason": "look"}"#, Command::Stop),
        ("/api/v1/start", r#"{"reason": "look"}"#, Command::Start { plans: StartPlans::GoOn }),
        (
            "/api/v1/start",
            r#"{"reason": "look", "paused": false}"#,
            Command::Start { plans: StartPlans::GoOn },
        ),
        (
            "/api/v1/start",
            r#"{"reason": "look", "paused": true}"#,
            Command::Start { plans: StartPlans::Pause },
        ),
    ];
    for (path, body, command) in rows {
        let world = World::usual();
        let is_bound = path == WAIVE || path.ends_with("resume");
        let answer = match is_bound {
            true => decide(&world.app, path, body).await,
            false => ask(&world.app, Method::POST, path, Some(body)).await,
        };
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.body);
        assert_eq!(answer.json::<VerbAnswer>().done, "done as asked");
        let expected = (Actor::Local { user: "ada".to_owned() }, "look".to_owned(), command);
        assert_eq!(*world.arrived.lock().unwrap(), [expected], "{path} {body}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_does_not_arrive() {
    let world = World::usual();
    let long = format!(r#"{{"reason": "{}"}}"#, "x".repeat(2_001));
    let huge = format!(r#"{{"reason": "{}"}}"#, "x".repeat(64 * 1024));
    let read = r#"{"reason": "look", "gate": "soak", "revision": "44136fa355b3"}"#;
    let rows: [(&str, &str, &str, u16, &str); 24] = [
        ("no body", PAUSE, "", 400, "not a request"),
        ("no JSON", PAUSE, "reason=look", 400, "not a request"),
        ("a list of the fields", PAUSE, r#"["look"]"#, 400, "no JSON object"),
        ("a reason twice", PAUSE, r#"{"reason": "look", "reason": "x"}"#, 400, "duplicate"),
        ("no reason", PAUSE, "{}", 422, "`reason` is missing"),
        ("a blank reason", PAUSE, r#"{"reason": " \n"}"#, 422, "`reason` is missing"),
        ("a reason that is no text", PAUSE, r#"{"reason": 1}"#, 400, "string"),
        ("NUL in the reason", PAUSE, r#"{"reason": "a\u0000b"}"#, 422, "control character"),
        ("a long reason", PAUSE, &long, 422, "2000"),
        ("a huge body", PAUSE, &huge, 413, "64 KiB"),
        ("an unknown key", PAUSE, r#"{"reason": "look", "force": true}"#, 400, "force"),
        ("another verb's gate", PAUSE, r#"{"reason": "look", "gate": "soak"}"#, 422, "`waive`"),
        ("another verb's pause", WAIVE, r#"{"reason": "x", "gate": "soak", "paused": true}"#, 422, "`start`"),
        ("another verb's ring", "/api/v1/start", r#"{"reason": "x", "ring": "Ring 1"}"#, 422, "`waive`"),
        ("NUL where no reason is needed", CHECK_NOW, r#"{"reason": "a\u0000b"}"#, 422, "control character"),
        ("a gate where none is asked", CHECK_NOW, r#"{"gate": "soak"}"#, 422, "`waive`"),
        ("no gate", WAIVE, r#"{"reason": "look"}"#, 422, "`gate` is missing"),
        ("no such gate", WAIVE, r#"{"reason": "look", "gate": "mood"}"#, 400, "adoption"),
        (
            "nothing that was read",
            WAIVE,
            r#"{"reason": "look", "gate": "soak"}"#,
            409,
            "you read nothing of it",
        ),
        ("half of what was read", WAIVE, read, 409, "it is not what you have read"),
        (
            "read for a no",
            PAUSE,
            r#"{"reason": "look", "seen": {}}"#,
            422,
            "`seen` belongs to `approve`, `resume`",
        ),
        ("a no that is none", PAUSE, r#"{"reason": "look", "dry_run": true}"#, 422, "`dry_run` belongs to"),
        (
            "a revision for a no",
            PAUSE,
            r#"{"reason": "look", "revision": "44136fa3"}"#,
            422,
            "`revision` belongs to",
        ),
        ("no such verb", "/api/v1/rollouts/client/hurry", r#"{"reason": "look"}"#, 404, "hurry"),
    ];
    for (row, path, body, status, word) in rows {
        ask(&world.app, Method::POST, path, Some(body)).await.problem(row, status, word);
    }
    for content_type in ["", "text/plain", "application/x-www-form-urlencoded", "application/problem+json"] {
        let mut request = Request::post(PAUSE).body(Body::from(r#"{"reason": "look"}"#)).unwrap();
        if !content_type.is_empty() {
            request.headers_mut().insert("content-type", content_type.parse().unwrap());
        }
        request.extensions_mut().insert(Peer::Local { user: "ada".to_owned() });
        send(&world.app, request).await.problem(content_type, 415, "application/json");
    }
    assert_eq!(*world.arrived.lock().unwrap(), [], "nothing of this reached the daemon");
}

#[tokio::test]
async fn each_refusal_says_what_would_work() {
    let not_now = Refusal::NotNow {
        why: "plan client is neither paused nor halted".to_owned(),
        instead: "ringward explain client says what it waits for".to_owned(),
    };
    let unknown = Refusal::NoSuchPlan { plan: plan("other"), known: vec![plan("client")] };
    let rows = [
        ("refused", CommandError::Refused(not_now), 409, "ringward explain client"),
        ("no such plan", CommandError::Refused(unknown), 404, "ringward knows client"),
        ("no reason", CommandError::Refused(Refusal::NoReason), 422, "--reason"),
        ("not recorded", CommandError::Failed("the disk is full".to_owned()), 500, "the disk is full"),
        ("ending", CommandError::Unavailable("it is ending"), 503, "`ringward stop` works without it"),
    ];
    for (row, error, status, word) in rows {
        let world = World::new(view(vec![report("client")]), Err(error));
        let answer = ask(&world.app, Method::POST, PAUSE, Some(r#"{"reason": "look"}"#)).await;
        let problem = answer.problem(row, status, word);
        assert_eq!(problem.kind.ends_with(":refused"), status == 409, "{row}: {}", problem.kind);
    }
}

#[tokio::test]
async fn a_daemon_that_is_gone_is_told() {
    let world = World::usual();
    let (requests, gone) = tokio::sync::mpsc::channel(1);
    drop(gone);
    let handle = ringward::daemon::Handle::new(requests, world.views.subscribe());
    let app = ringward::web::router(ringward::web::Services { handle, ..world.services.clone() });
    let answer = ask(&app, Method::POST, PAUSE, Some(r#"{"reason": "look"}"#)).await;
    answer.problem("a verb", 503, "does not take requests");
    let answer = ask(&app, Method::GET, "/api/v1/rollouts/client/devices", None).await;
    answer.problem("devices", 503, "does not take requests");
}

/// The rules themselves have their table in `web::guard`; this is that every verb asks for them.
#[tokio::test]
async fn every_verb_over_tcp_keeps_the_rules() {
    let world = World::usual();
    let tcp = |path: &str, origin: Option<&str>| {
        let mut request = Request::post(path)
            .header("content-type", "application/json")
            .header("host", "127.0.0.1:8787")
            .body(Body::from(r#"{"reason": "look", "gate": "soak"}"#))
            .unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        let (peer, local) = ("127.0.0.1:50000".parse().unwrap(), "127.0.0.1:8787".parse().unwrap());
        request.extensions_mut().insert(Peer::Tcp { peer, local, rules: Arc::default() });
        request
    };
    let resume = "/api/v1/rollouts/client/resume";
    for path in [PAUSE, resume, WAIVE, CHECK_NOW, "/api/v1/stop", "/api/v1/start"] {
        let answer = send(&world.app, tcp(path, Some("http://evil.test"))).await;
        let problem = answer.problem(path, 403, "`Origin` is `http://evil.test`");
        assert!(problem.detail.contains("use the command line on the machine"), "{}", problem.detail);
    }
    assert_eq!(*world.arrived.lock().unwrap(), []);
    let answer = send(&world.app, tcp(PAUSE, None)).await;
    answer.problem("the rules let it in, and it is read", 422, "`gate` belongs to");
    let answer = send(&world.app, tcp(WAIVE, None)).await;
    answer.problem("the same", 409, "it is not what you have read");
}
