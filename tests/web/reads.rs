//! Reads: shapes, pages, failures, readiness.

use std::sync::Arc;

use axum::http::Method;
use ringward::daemon::Handle;
use ringward::fleet::Class;
use ringward::rollout::record::Event;
use ringward::web::json::{DevicesAnswer, EventsAnswer, RolloutJson, RolloutsAnswer};
use ringward::web::{Services, router};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::world::{
    World, ailing, by_ana, report, ring, stopped, troubled, view, waiting, waiting_digest, with_newcomer,
    write_log,
};
use super::{ask, get};

/// Keys are promises, so they are written down here a second time.
#[tokio::test]
async fn the_keys_of_the_api_are_kept() {
    let world =
        World::new(with_newcomer(stopped(view(vec![troubled("client"), report("servers")]))), Ok("done"));
    let answer = get(&world.app, "/api/v1/rollouts").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    let whole: Value = answer.json();
    let rows = [
        (
            "",
            "account at budget_remaining clock clock_troubles clock_trust decided_ago_seconds faults full_sweep_at head log_unwritable mode new_plans next_check problems \
             revisions rollouts stopped swept_at troubles",
        ),
        ("/stopped", "actor reason since"),
        ("/head", "hash seq"),
        ("/new_plans/0", "command detail digest headline plan remedy revision_waits since"),
        (
            "/new_plans/0/revision_waits",
            "changes command confirmed digest in_force moves since waits_for why",
        ),
        ("/new_plans/0/revision_waits/moves/0", "environments ring"),
        ("/new_plans/0/revision_waits/moves/0/environments/windows", "down from seen text to"),
        ("/problems/0", "errors file"),
        ("/troubles/0", "message read since"),
        ("/faults/0", "message plan"),
        (
            "/rollouts/0",
            "at description digest drifts earliest_move halted held_out id newer_target next_check number paused phase \
             phase_since plan revision_waits rings rollback superseded_offers waiting_on way_back",
        ),
        ("/rollouts/0/drifts/0", "kind ring standing text"),
        ("/rollouts/0/halted", "cause devices gate offers_forbidden offers_held_out ring since text"),
        ("/rollouts/0/held_out/0", "by environment policy ring version"),
        ("/rollouts/0/paused", "actor reason since"),
        (
            "/rollouts/0/waiting_on/0",
            "asked code command detail headline next_look reason remedy ring seen since text until",
        ),
        (
            "/rollouts/0/rings/0",
            "adoption approval assigned_at classes dropped gates group meaning moves name next_opening profiles schedule since state targets \
             unmanaged waived",
        ),
        ("/rollouts/0/rings/0/group", "id name"),
        ("/rollouts/0/rings/0/classes", "macos other windows"),
        ("/rollouts/0/rings/0/classes/other", "arrived due left stalled too_old unseen untargeted"),
        (
            "/rollouts/0/rings/0/gates/0",
            "age_seconds as_of dark environment gate reason stalled threshold value verdict",
        ),
        ("/rollouts/0/rings/0/waived/0", "actor gate reason since"),
        ("/rollouts/1/rings/1/approval", "asked_at asks missing reason verdict words"),
        ("/rollouts/1/rings/1/approval/asks/0", "approved by count members user_group"),
        ("/rollouts/1/rings/1/approval/words/0", "at by expires_at lapsed note voided_at word"),
    ];
    for (place, keys) in rows {
        let object = whole.pointer(place).and_then(Value::as_object).unwrap_or_else(|| panic!("{place}"));
        let mut found: Vec<&str> = object.keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found.join(" "), keys, "{place}");
    }
}

#[tokio::test]
async fn a_new_plan_that_waits_says_why_at_every_door() {
    let world = World::new(with_newcomer(view(Vec::new())), Ok("done"));
    let said = "revision 11507a0e2f5e waits: a new plan with 1 ring";
    let page = get(&world.app, "/").await.body;
    let whole: Value = get(&world.app, "/api/v1/rollouts").await.json();
    assert_eq!(whole["new_plans"][0]["headline"], said);
    let command = "ringward confirm newcomer --revision 11507a0e2f5e --reason …";
    assert_eq!(whole["new_plans"][0]["command"], command);
    assert!(page.contains(said) && page.contains(command) && !page.contains("No plan yet"), "{page}");
    for path in ["/api/v1/rollouts/newcomer", "/plans/newcomer", "/act/pause?plan=newcomer"] {
        let answer = get(&world.app, path).await;
        assert_eq!(answer.status.as_u16(), 404, "{path}");
        assert!(
            answer.body.contains("is new and has no rollout yet") && answer.body.contains(said),
            "{}",
            answer.body
        );
    }
}

/// What a person is to confirm, in parts: in the list, by itself, and for a plan without a rollout.
#[tokio::test]
async fn a_revision_that_waits_is_told_in_parts() {
    let world = World::new(waiting(with_newcomer(view(vec![report("client")]))), Ok("done"));
    let whole: Value = get(&world.app, "/api/v1/rollouts").await.json();
    let one: Value = get(&world.app, "/api/v1/rollouts/client").await.json();
    let told = &whole["rollouts"][0]["revision_waits"];
    assert_eq!(*told, one["revision_waits"]);
    let expected = json!({
        "digest": waiting_digest().as_str(),
        "in_force": report("client").digest.as_str(),
        "since": "2026-10-12T09:58:00Z",
        "waits_for": "person",
        "why": "This daemon's ringward.yaml says `revisions: person`.",
        "changes": ["windows of ring `Early adopters`: 2026.8.2100.0 → 2026.9.100.0", "soak of ring `Everyone`: 72h → 24h"],
        "confirmed": null,
        "command": format!("ringward confirm client --revision {} --reason …", waiting_digest().short()),
        "moves": [{
            "ring": "Early adopters",
            "environments": {"windows": {
                "to": "2026.9.100.0", "seen": 40, "from": {"2026.8.2100.0": 30, "2026.10.7.0": 3}, "down": 3,
                "text": "3 from 2026.10.7.0, 30 from 2026.8.2100.0 → 2026.9.100.0; 3 of them down",
            }},
        }, {"ring": "Everyone", "environments": {}}],
    });
    assert_eq!(*told, expected);
    assert_eq!(whole["new_plans"][0]["revision_waits"]["in_force"], Value::Null);

    // What is confirmed, or cannot be, has no command; nothing waits elsewhere.
    let confirmed = by_ana(waiting(view(vec![report("client"), report("servers")])));
    let whole: Value = get(&World::new(confirmed, Ok("done")).app, "/api/v1/rollouts").await.json();
    let told = &whole["rollouts"][0]["revision_waits"];
    assert_eq!((&told["command"], &told["confirmed"]["actor"]), (&Value::Null, &json!("local:ana")));
    assert_eq!(whole["rollouts"][1]["revision_waits"], Value::Null);
}

#[tokio::test]
async fn health_gates_show_their_numbers() {
    let world = World::new(view(vec![ailing("client")]), Ok("done"));
    let whole: Value = get(&world.app, "/api/v1/rollouts/client").await.json();
    let gates = &whole["rings"][0]["gates"];
    let silent = |of: u32, silent: u32| json!({"of": of, "silent": silent});
    let look = |look: u8, since: &str, found: u32, p: u32| {
        json!({
            "look": look, "at": "2026-10-11T18:00:00Z", "since": since, "day": 4, "ring": silent(40, found),
            "control": silent(100, 5), "p_per_billion": p, "p_at_most_per_billion": 50_000,
        })
    };
    let stalled = json!({
        "stalled": 1, "sighted": 39, "acknowledged": 1, "at_most_per_mille": 100, "after_seconds": 86400,
        "min_devices": 30,
    });
    let dark = json!({
        "arrived": 30, "control_active": 110, "acknowledged": 3, "next_look": "2026-10-12T18:00:00Z",
        "at_most_per_mille": 20, "after_seconds": 86400, "min_devices": 30,
        "looks": [
            look(1, "2026-10-10T18:00:00Z", 3, 420_000_000),
            look(2, "2026-10-09T18:00:00Z", 14, 4_000),
        ],
    });
    assert_eq!((&gates[0]["stalled"], &gates[0]["dark"]), (&stalled, &Value::Null));
    assert_eq!((&gates[1]["stalled"], &gates[1]["dark"]), (&Value::Null, &dark));
    // What halted it is told with the same numbers, as they were then.
    let halt = &whole["halted"];
    assert_eq!((&halt["cause"], &halt["ring"]), (&json!("unhealthy"), &json!("Engineering Ring 0")));
    assert_eq!((&halt["devices"], &halt["gate"]["dark"]), (&json!(14), &dark));
    assert_eq!(halt["gate"]["reason"], "too_many_dark");
}

#[tokio::test]
async fn a_rollout_says_where_it_is_and_why() {
    let world = World::usual();
    let all: RolloutsAnswer = get(&world.app, "/api/v1/rollouts").await.json();
    let one: RolloutJson = get(&world.app, "/api/v1/rollouts/client").await.json();
    assert_eq!(all.rollouts, std::slice::from_ref(&one));
    assert_eq!(all.head.seq, 41);
    assert_eq!((one.id.as_str(), one.phase.as_str()), ("client#3", "running"));
    let [blocker] = one.waiting_on.as_slice() else { panic!("{:?}", one.waiting_on) };
    assert_eq!((blocker.code.as_str(), &blocker.ring), ("gate", &Some(ring("Engineering Ring 0"))));
    assert!(blocker.remedy.contains("ringward waive client --gate adoption"), "{}", blocker.remedy);
    let [first, second] = one.rings.as_slice() else { panic!("{:?}", one.rings) };
    let gate = &first.gates[0];
    assert_eq!((gate.verdict.as_str(), gate.reason.as_deref()), ("wait", Some("too_few_arrived")));
    assert_eq!(gate.age_seconds, Some(600));
    assert_eq!(first.gates[1].reason.as_deref(), Some("no_eligible_device"));
    let adoption = serde_json::to_value(&first.adoption).unwrap();
    assert_eq!(adoption, serde_json::json!({"windows": 0.75, "macos": null}), "30 of 40; nobody seen");
    assert!(second.classes.is_none(), "never read is not zero");
}

#[tokio::test]
async fn devices_come_in_pages() {
    let world = World::usual();
    let pages =
        [("?limit=10", 10, Some(10)), ("?limit=10&offset=20", 5, None), ("?limit=5&offset=20", 5, None)];
    for (query, count, next) in pages {
        let answer: DevicesAnswer =
            get(&world.app, &format!("/api/v1/rollouts/client/devices{query}")).await.json();
        assert_eq!((answer.total, answer.devices.len(), answer.next), (25, count, next), "{query}");
    }
    let beyond: DevicesAnswer = get(&world.app, "/api/v1/rollouts/client/devices?offset=25").await.json();
    assert_eq!((beyond.total, beyond.devices.len(), beyond.next), (25, 0, None));
    let path = "/api/v1/rollouts/client/devices?ring=Everyone&class=too_old";
    let some: DevicesAnswer = get(&world.app, path).await.json();
    assert_eq!(some.total, 2);
    assert!(some.devices.iter().all(|one| one.ring == ring("Everyone") && one.class == Class::TooOld));
    for (dark, total) in [("true", 3), ("false", 22)] {
        let path = format!("/api/v1/rollouts/client/devices?dark={dark}");
        let found: DevicesAnswer = get(&world.app, &path).await.json();
        assert_eq!(found.total, total, "{path}");
        assert!(found.devices.iter().all(|one| one.dark_since.is_some() == (dark == "true")), "{path}");
    }
}

#[tokio::test]
async fn events_come_in_pages_in_both_directions() {
    let world = World::usual();
    write_log(&world.database(), &[Event::Paused {}, Event::PauseLifted {}, Event::Paused {}]);
    let rows: [(&str, &[u64], Option<u64>); 10] = [
        ("", &[4, 3, 2], None),
        ("?limit=2", &[4, 3], Some(3)),
        ("?limit=2&before=3", &[2], None),
        ("?after=0&limit=2", &[2, 3], Some(3)),
        ("?after=3", &[4], None),
        ("?after=4", &[], None),
        ("?limit=3", &[4, 3, 2], None),
        ("?after=1&before=4", &[2, 3], None),
        ("?after=1&before=4&limit=1", &[2], Some(2)),
        ("?after=3&before=4", &[], None),
    ];
    for (query, seqs, next) in rows {
        let path = format!("/api/v1/rollouts/client/events{query}");
        let answer: EventsAnswer = get(&world.app, &path).await.json();
        let found: Vec<u64> = answer.events.iter().map(|event| event.seq).collect();
        assert_eq!((found.as_slice(), answer.next), (seqs, next), "{query}");
    }
    let newest: EventsAnswer = get(&world.app, "/api/v1/rollouts/client/events?limit=1").await.json();
    let event = &newest.events[0];
    assert_eq!((event.kind.as_str(), event.text.as_str()), ("paused", "the plan was paused"));
    assert_eq!((event.actor.as_str(), event.rollout), ("engine", Some(1)));
    assert_eq!(event.hash.len(), 64);
    assert_eq!(event.at, super::world::at("2026-10-12T06:00:03Z"));
}

#[tokio::test]
async fn what_cannot_be_read_is_a_problem() {
    let world = World::usual();
    let rollout = "/api/v1/rollouts/client";
    let rows = [
        ("no such path", Method::GET, "/api/v2".to_owned(), 404, "no /api/v2"),
        ("no such plan", Method::GET, "/api/v1/rollouts/other".to_owned(), 404, "ringward knows client"),
        ("a plan that no name can be", Method::GET, "/api/v1/rollouts/%0A".to_owned(), 404, "control"),
        ("a path that is no text", Method::GET, "/api/v1/rollouts/%FF".to_owned(), 400, "UTF-8"),
        (
            "a plan with a fault",
            Method::GET,
            "/api/v1/rollouts/faulty".to_owned(),
            500,
            "a fault in the test",
        ),
        ("a write to a read", Method::POST, "/api/v1/rollouts".to_owned(), 405, "has no POST"),
        ("a read of a verb", Method::GET, "/api/v1/stop".to_owned(), 405, "has no GET"),
        ("devices of no plan", Method::GET, "/api/v1/rollouts/other/devices".to_owned(), 404, "other"),
        ("devices of no ring", Method::GET, format!("{rollout}/devices?ring=x"), 404, "Everyone"),
        ("devices of no class", Method::GET, format!("{rollout}/devices?class=x"), 400, "too_old"),
        ("an unknown word", Method::GET, format!("{rollout}/devices?rings=x"), 400, "rings"),
        ("a page of nothing", Method::GET, format!("{rollout}/devices?limit=0"), 400, "1 to 1000"),
        ("a page too large", Method::GET, format!("{rollout}/events?limit=1001"), 400, "1 to 1000"),
        ("no number", Method::GET, format!("{rollout}/events?after=x"), 400, "after"),
        ("a number too large", Method::GET, format!("{rollout}/events?after=9007199254740992"), 400, "after"),
        (
            "an offset too large",
            Method::GET,
            format!("{rollout}/devices?offset=9007199254740992"),
            400,
            "offset",
        ),
        ("a plan that was never read", Method::GET, "/api/v1/rollouts/other/plan".to_owned(), 404, "other"),
        ("events of no plan", Method::GET, "/api/v1/rollouts/other/events".to_owned(), 404, "other"),
        ("no log", Method::GET, format!("{rollout}/events"), 503, "no database"),
    ];
    for (row, method, path, status, word) in rows {
        let answer = ask(&world.app, method, &path, None).await;
        let problem = answer.problem(row, status, word);
        let asked = path.split('?').next();
        assert_eq!(problem.instance.as_deref(), asked, "{row}");
        assert_eq!(answer.header("allow").is_empty(), status != 405, "{row}: {:?}", answer.headers);
    }
}

#[tokio::test]
async fn it_is_ready_once_it_has_decided() {
    let world = World::usual();
    let (requests, _kept) = mpsc::channel(1);
    let (views, receiver) = watch::channel(Arc::new(view(Vec::new())));
    let handle = Handle::new(requests, receiver);
    let app = router(Services { handle, ..world.services.clone() });
    assert_eq!(get(&app, "/healthz").await.status, 200);
    let answer = get(&app, "/readyz").await;
    assert_eq!((answer.status.as_u16(), answer.body.contains("nothing is decided")), (503, true));
    get(&app, "/api/v1/rollouts/client").await.problem("too early", 503, "nothing is decided yet");
    views.send_replace(Arc::new(view(vec![report("client")])));
    assert_eq!(get(&app, "/readyz").await.status, 200);
    // Looking at the snapshot changes nothing about it.
    assert_eq!(get(&app, "/api/v1/rollouts/client").await.status, 200);
    assert_eq!(get(&app, "/readyz").await.status, 200);
    drop(views);
    let answer = get(&app, "/readyz").await;
    assert_eq!((answer.status.as_u16(), answer.body.contains("ended")), (503, true));
    assert_eq!(get(&app, "/healthz").await.status, 200, "the process is alive");
}

#[tokio::test]
async fn no_answer_may_be_framed_sniffed_or_shared() {
    let world = World::usual();
    for path in ["/", "/act/stop", "/api/v1/rollouts", "/metrics", "/nowhere", "/healthz"] {
        let answer = get(&world.app, path).await;
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        // The page's forms need the browser to say where they come from.
        let of_the_page = matches!(path, "/" | "/act/stop");
        let referrer = if of_the_page { "same-origin" } else { "no-referrer" };
        assert_eq!(answer.header("referrer-policy"), referrer, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
    }
}
