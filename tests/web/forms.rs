//! The page's forms: what arrives at the daemon, and everything that does not.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use ringward::daemon::view::CommandError;
use ringward::plan::model::PlanDigest;
use ringward::rollout::people::command::Command;
use ringward::rollout::people::refusal::Refusal;
use ringward::rollout::people::verbs::situation::StartPlans;
use ringward::rollout::record::Actor;
use ringward::rollout::record::WaitsFor;
use ringward::rollout::record::{Evidence, Gate};
use ringward::web::Peer;

use super::world::{
    World, ailing, at, by_ana, ending_at, plan, report, ring, stopped, troubled, view, waiting,
    waiting_digest, with_newcomer,
};
use super::{Answer, form_fields, get, send};

const PAUSE: &str = "/act/pause?plan=client";
const WAIVE: &str = "/act/waive?plan=client&ring=Engineering%20Ring%200&gate=adoption";
const CHECK_NOW: &str = "/act/check-now?plan=client";
const FORM: &str = "application/x-www-form-urlencoded";
const OURS: [(&str, &str); 3] =
    [("host", "127.0.0.1:8787"), ("origin", "http://127.0.0.1:8787"), ("sec-fetch-site", "same-origin")];

/// A form as a browser sends it.
async fn submit(world: &World, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    submit_as(world, path, headers, FORM, body).await
}

async fn submit_as(world: &World, path: &str, headers: &[(&str, &str)], of: &str, body: &str) -> Answer {
    let mut request = Request::post(path).header("content-type", of);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from(body.to_owned())).unwrap();
    let (peer, local) = ("127.0.0.1:50000".parse().unwrap(), "127.0.0.1:8787".parse().unwrap());
    request.extensions_mut().insert(Peer::Tcp { peer, local, rules: Arc::default() });
    send(&world.app, request).await
}

/// What the confirmation at `path` rests on, as its form sends it back.
async fn seen(world: &World, path: &str) -> String {
    let sheet = get(&world.app, path).await;
    assert_eq!(sheet.status, 200, "{path}: {}", sheet.body);
    form_fields(&sheet.body)
}

/// The page again, with why it was not done; or a bare problem, where nothing behind the door was
/// asked.
fn refused(answer: &Answer, row: &str, status: u16, word: &str) {
    assert_eq!(answer.status.as_u16(), status, "{row}: {}", answer.body);
    let of = answer.header("content-type");
    assert!(["text/html; charset=utf-8", "application/problem+json"].contains(&of), "{row}: {of}");
    assert!(answer.body.contains(word), "{row}: `{word}` is missing in:\n{}", answer.body);
}

#[tokio::test]
async fn each_form_arrives_as_it_was_filled_in() {
    let waive =
        Command::Waive { plan: plan("client"), gate: Gate::Adoption, ring: Some(ring("Engineering Ring 0")) };
    let rows = [
        (PAUSE, "", Command::Pause(plan("client"))),
        ("/act/resume?plan=second", "", Command::Resume(plan("second"))),
        (WAIVE, "", waive),
        ("/act/stop", "", Command::Stop),
        ("/act/start", "", Command::Start { plans: StartPlans::GoOn }),
        ("/act/start", "&paused=yes", Command::Start { plans: StartPlans::Pause }),
    ];
    for (path, more, command) in rows {
        let daemon = stopped(view(vec![report("client"), troubled("second")]));
        let world = World::new(ending_at(7, daemon), Ok("done"));
        let body = format!("seen={}&reason=it+%22hurts%22%0D%0Abadly+{more}", seen(&world, path).await);
        let answer = submit(&world, path, &OURS, &body).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
        assert_eq!(answer.header("location"), "/?after=7", "{path}");
        let expected = (Actor::Loopback, "it \"hurts\"\nbadly".to_owned(), command);
        assert_eq!(*world.arrived.lock().unwrap(), [expected], "{path} {more}");
    }
}

/// Name, headers, and what the refusal speaks of.
type Forged = (&'static str, &'static [(&'static str, &'static str)], &'static str);

/// Every row is another site, a rebound name, a proxy, or a client that does not say.
#[tokio::test]
async fn a_forged_form_reaches_nobody() {
    const HOST: (&str, &str) = ("host", "127.0.0.1:8787");
    const ORIGIN: (&str, &str) = ("origin", "http://127.0.0.1:8787");
    let rows: [Forged; 11] = [
        ("no host", &[ORIGIN], "Host"),
        ("a rebound name", &[("host", "evil.test:8787"), ("origin", "http://evil.test:8787")], "evil.test"),
        ("another port", &[("host", "127.0.0.1:9999"), ORIGIN], "9999"),
        ("another site", &[HOST, ("origin", "http://evil.test")], "evil.test"),
        ("a sandboxed frame", &[HOST, ("origin", "null")], "null"),
        ("another port of this machine", &[HOST, ("origin", "http://127.0.0.1:3000")], "3000"),
        ("a site by its word", &[HOST, ("sec-fetch-site", "cross-site")], "cross-site"),
        ("a site beside ours", &[HOST, ORIGIN, ("sec-fetch-site", "same-site")], "same-site"),
        ("typed by hand", &[HOST, ("sec-fetch-site", "none")], "does not say"),
        ("a client that does not say", &[HOST], "does not say"),
        ("through a proxy", &[HOST, ORIGIN, ("x-forwarded-for", "192.0.2.7")], "x-forwarded-for"),
    ];
    for (row, headers, word) in rows {
        for path in [PAUSE, "/act/resume?plan=client", WAIVE, CHECK_NOW, "/act/stop", "/act/start"] {
            let world = World::new(stopped(view(vec![report("client")])), Ok("done"));
            let body = format!("seen={}&reason=look", seen(&world, path).await);
            let answer = submit(&world, path, headers, &body).await;
            // A foreign name is turned away before it reaches the page.
            assert_eq!(answer.status, 403, "{row}: {path}: {}", answer.body);
            assert!(answer.body.contains(word), "{row}: {path}: {}", answer.body);
            assert_eq!(*world.arrived.lock().unwrap(), [], "{row}: {path}");
        }
    }
    let world = World::usual();
    let answer = submit(&world, PAUSE, &[HOST, ORIGIN], "seen=&reason=look").await;
    assert_eq!(answer.status, 303, "an origin is word enough: {}", answer.body);
}

#[tokio::test]
async fn what_makes_no_sense_does_not_arrive() {
    let world = World::usual();
    let long = format!("seen=&reason={}", "x".repeat(2_001));
    let huge = format!("seen=&reason={}", "x".repeat(64 * 1024));
    let rows = [
        ("no reason", PAUSE, "seen=", 422, "`reason` is missing"),
        ("a blank reason", PAUSE, "seen=&reason=+%0D%0A", 422, "`reason` is missing"),
        ("NUL in the reason", PAUSE, "seen=&reason=a%00b", 422, "control character"),
        ("a long reason", PAUSE, &long, 422, "2000"),
        ("an unknown field", PAUSE, "seen=&reason=look&force=1", 422, "force"),
        ("a reason twice", PAUSE, "seen=&reason=look&reason=no", 422, "duplicate"),
        ("another plan than was shown", PAUSE, "seen=client%234&reason=look", 409, "it changed while"),
        ("no sheet before it", WAIVE, "reason=look", 409, "it is not what you have read"),
        ("no sheet at all", WAIVE, "reason=look&read=all", 409, "does not say what you have read"),
        ("no plan", "/act/pause", "seen=&reason=look", 400, "`plan` is missing"),
        ("an unknown plan", "/act/pause?plan=other", "seen=no&reason=look", 404, "ringward knows client"),
        ("no revision", "/act/confirm?plan=client", "reason=look", 400, "`revision` is missing"),
        ("an unknown gate", "/act/waive?plan=client&ring=R&gate=mood", "reason=look", 400, "no gate `mood`"),
        ("an unknown key", "/act/stop?now=1", "reason=look", 400, "now"),
        ("an unknown verb", "/act/hurry?plan=client", "reason=look", 404, "hurry"),
    ];
    for (row, path, body, status, word) in rows {
        refused(&submit(&world, path, &OURS, body).await, row, status, word);
    }
    submit(&world, PAUSE, &OURS, &huge).await.problem("a huge form", 413, "64 KiB");
    for of in ["application/json", "text/plain", "multipart/form-data"] {
        let answer = submit_as(&world, PAUSE, &OURS, of, "seen=&reason=look").await;
        refused(&answer, of, 415, "x-www-form-urlencoded");
    }
    assert_eq!(*world.arrived.lock().unwrap(), [], "nothing of this reached the daemon");
}

/// Nobody acknowledges a cause that they have not seen.
#[tokio::test]
async fn what_changed_since_it_was_shown_is_shown_again() {
    let world = World::new(view(vec![troubled("client")]), Ok("done"));
    let path = "/act/resume?plan=client";
    let body = format!("seen={}&reason=all+well", seen(&world, path).await);
    let mut worse = troubled("client");
    if let Some((_, since)) = &mut worse.halted {
        *since = at("2026-10-12T09:59:00Z");
    }
    world.views.send_replace(Arc::new(view(vec![worse])));
    let answer = submit(&world, path, &OURS, &body).await;
    refused(&answer, "a newer halt", 409, "it is not what you have read: new since: halted since");
    assert!(answer.body.contains(">all well</textarea>"), "what was written stays: {}", answer.body);
    assert_eq!(*world.arrived.lock().unwrap(), []);
    let body = format!("seen={}&reason=all+well", seen(&world, path).await);
    assert_eq!(submit(&world, path, &OURS, &body).await.status, 303);
}

#[tokio::test]
async fn a_refusal_says_what_would_work_and_keeps_the_reason() {
    let not_now = Refusal::NotNow {
        why: "it is paused already by loopback".to_owned(),
        instead: "ringward resume client lifts it".to_owned(),
    };
    let rows = [
        ("refused", CommandError::Refused(not_now), 409, "ringward resume client lifts it"),
        ("not recorded", CommandError::Failed("the disk is full".to_owned()), 500, "the disk is full"),
        ("ending", CommandError::Unavailable("it is ending"), 503, "it is ending"),
    ];
    for (row, error, status, word) in rows {
        let world = World::new(view(vec![report("client")]), Err(error));
        let answer = submit(&world, PAUSE, &OURS, "seen=&reason=%3Cb%3Elook").await;
        refused(&answer, row, status, word);
        assert!(answer.body.contains("It was not done."), "{row}");
        assert!(answer.body.contains(">&#60;b&#62;look</textarea>"), "{row}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_sheet_says_what_it_will_do_and_changes_nothing() {
    let world = World::new(stopped(view(vec![report("client"), troubled("second")])), Ok("done"));
    let rows: [(&str, &[&str]); 5] = [
        (PAUSE, &["Pause client?", "until somebody resumes it", "arriving in ring 1 of 2"]),
        (
            "/act/resume?plan=second",
            &["The pause is lifted", "its cause counts as seen by you", "was deleted by"],
        ),
        (WAIVE, &["Waive gate adoption for Engineering Ring 0", "cannot be taken back", "30 of 40 seen"]),
        ("/act/stop", &["Stop all writes?", "All writes are stopped by local:ada"]),
        (
            "/act/start",
            &["These go on at once: client.", "These stay paused or halted: second.", "name=\"paused\""],
        ),
    ];
    for (path, words) in rows {
        let answer = get(&world.app, path).await;
        assert_eq!(answer.status, 200, "{path}");
        for word in words {
            assert!(answer.body.contains(word), "{path}: `{word}` is missing in:\n{}", answer.body);
        }
        assert!(answer.body.contains("<form method=\"post\""), "{path}");
    }
    assert_eq!(*world.arrived.lock().unwrap(), []);
    let nothing = get(&world.app, "/act/resume?plan=client").await;
    assert!(nothing.body.contains("asking for it will be refused"), "{}", nothing.body);
}

fn confirm_path(plan: &str, digest: &PlanDigest) -> String {
    format!("/act/confirm?plan={plan}&revision={}", digest.as_str())
}

/// Of a plan with a rollout, and of one without.
#[tokio::test]
async fn a_revision_that_waits_is_confirmed_from_its_sheet() {
    let world = World::new(with_newcomer(waiting(view(vec![report("client")]))), Ok("done"));
    let page = get(&world.app, "/").await.body;
    let new = PlanDigest::of_written("new");
    let rows = [
        (
            "client",
            waiting_digest(),
            [
                "2026.8.2100.0 → 2026.9.100.0",
                "of 40 devices seen in 7 days: 3 from 2026.10.7.0",
                "3 of them down",
                "It moves ring Everyone, devices that are not known: its profiles",
                "In force is revision",
            ],
        ),
        (
            "newcomer",
            new,
            [
                "It changes a new plan with 1 ring",
                "of 4 devices seen in 7 days",
                "0 of them down",
                "The plan is new",
                "Confirm revision 11507a0e2f5e of newcomer?",
            ],
        ),
    ];
    for (name, digest, words) in rows {
        let path = confirm_path(name, &digest);
        let button = format!("id=\"confirm-{name}\" href=\"{}\"", path.replace('&', "&#38;"));
        assert!(page.contains(&button), "`{button}` is missing in:\n{page}");
        let sheet = get(&world.app, &path).await.body;
        let command = format!("ringward confirm {name} --revision {} --reason &#39;…&#39;", digest.short());
        for word in words.into_iter().chain([command.as_str(), "takes effect with the next decision"]) {
            assert!(sheet.contains(word), "{name}: `{word}` is missing in:\n{sheet}");
        }
        let body = format!("seen={}&reason=change+4711", seen(&world, &path).await);
        let answer = submit(&world, &path, &OURS, &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, "/?after=41"),
            "{}",
            answer.body
        );
        let command = Command::Confirm { plan: plan(name), revision: digest.as_str().to_owned() };
        let arrived = world.arrived.lock().unwrap().pop();
        assert_eq!(arrived, Some((Actor::Loopback, "change 4711".to_owned(), command)));
    }
}

/// Nobody confirms a revision that came after they read.
#[tokio::test]
async fn a_newer_revision_is_shown_before_it_is_confirmed() {
    let world = World::new(waiting(view(vec![report("client")])), Ok("done"));
    let path = confirm_path("client", &waiting_digest());
    let body = format!("seen={}&reason=change+4711", seen(&world, &path).await);
    let later = PlanDigest::of_written("latest");
    let mut newer = waiting(view(vec![report("client")]));
    let revision = &mut newer.waiting.get_mut(&plan("client")).unwrap().waiting.revision;
    (revision.digest, revision.changes) = (later.clone(), vec!["ring `Everyone` is gone".to_owned()]);
    world.views.send_replace(Arc::new(newer));
    let answer = submit(&world, &path, &OURS, &body).await;
    refused(&answer, "a newer revision", 409, "it changed while you were reading");
    for word in ["It changes ring `Everyone` is gone", ">change 4711</textarea>", later.as_str()] {
        assert!(answer.body.contains(word), "`{word}` is missing in:\n{}", answer.body);
    }
    assert!(!answer.body.contains(waiting_digest().as_str()), "the old one is nowhere: {}", answer.body);
    assert_eq!(*world.arrived.lock().unwrap(), []);
    // An old link says so, and what waits instead.
    let old = get(&world.app, &path).await.body;
    let told = format!("another revision waits than the one that you name: revision {} waits", later.short());
    assert!(old.contains(&told), "`{told}` is missing in:\n{old}");
    let renewed = confirm_path("client", &later);
    let body = format!("seen={}&reason=change+4711", seen(&world, &renewed).await);
    assert_eq!(submit(&world, &renewed, &OURS, &body).await.status, 303);
}

#[tokio::test]
async fn a_revision_is_offered_to_those_who_may_confirm_it() {
    // The table refuses what is confirmed, what cannot be, and what does not wait.
    let confirmed = by_ana(waiting(view(vec![report("client")])));
    let mut forbidden = waiting(view(vec![report("client")]));
    let revision = &mut forbidden.waiting.get_mut(&plan("client")).unwrap().waiting.revision;
    revision.waits_for = WaitsFor::AnotherVersion;
    let mut by_time = waiting(view(vec![report("client")]));
    by_time.waiting.get_mut(&plan("client")).unwrap().waiting.revision.waits_for = WaitsFor::Time;
    let rows = [
        ("confirmed", confirmed, Some("confirmed already by local:ana")),
        ("forbidden", forbidden, Some("its own `forbid` covers")),
        ("nothing", view(vec![report("client")]), Some("no revision of plan client waits")),
        ("time", by_time, None),
    ];
    for (row, shown, refusal) in rows {
        let world = World::new(shown, Ok("done"));
        let page = get(&world.app, "/").await.body;
        assert_eq!(page.contains("id=\"confirm-client\""), refusal.is_none(), "{row}: {page}");
        let sheet = get(&world.app, &confirm_path("client", &waiting_digest())).await.body;
        assert_eq!(sheet.contains("asking for it will be refused"), refusal.is_some(), "{row}: {sheet}");
        assert!(sheet.contains(refusal.unwrap_or("It changes")), "{row}: {sheet}");
    }
    // Whoever may only read gets the command, and no form.
    let world = World::new(waiting(view(vec![report("client")])), Ok("done"));
    let proxied = |path: &str| {
        let mut request = Request::get(path).header("host", "127.0.0.1:8787");
        request = request.header("x-forwarded-for", "192.0.2.7");
        let mut request = request.body(Body::empty()).unwrap();
        let (peer, local) = ("127.0.0.1:50000".parse().unwrap(), "127.0.0.1:8787".parse().unwrap());
        request.extensions_mut().insert(Peer::Tcp { peer, local, rules: Arc::default() });
        request
    };
    let page = send(&world.app, proxied("/")).await.body;
    assert!(
        !page.contains("id=\"confirm-client\"") && page.contains("ringward confirm client --revision"),
        "{page}"
    );
    let sheet = send(&world.app, proxied(&confirm_path("client", &waiting_digest()))).await.body;
    assert!(sheet.contains("Here you can only look") && !sheet.contains("<form"), "{sheet}");
    assert!(
        sheet.contains("ringward confirm client --revision") && sheet.contains("3 of them down"),
        "{sheet}"
    );
    // The approvals that it makes void are told.
    let world = World::new(waiting(view(vec![report("client")])), Ok("done"));
    let sheet = get(&world.app, &confirm_path("client", &waiting_digest())).await.body;
    assert!(sheet.contains("void with another one: ring "), "{sheet}");
}

#[tokio::test]
async fn the_sheet_of_a_halt_says_whom_it_accepts() {
    let mut ill = ailing("client");
    let sheet = get(&World::new(view(vec![ill.clone()]), Ok("done")).app, "/act/resume?plan=client").await;
    for words in [
        "acknowledges 1 stalled windows devices of ring Engineering Ring 0",
        "acknowledges up to 17 silent windows devices of ring Engineering Ring 0",
    ] {
        assert!(sheet.body.contains(words), "`{words}` is missing in:\n{}", sheet.body);
    }
    // When most are silent, nobody is accepted.
    let Evidence::Dark(dark) = &mut ill.rings[0].gates[1].evidence else { panic!("the second is `dark`") };
    for look in &mut dark.looks {
        look.ring.silent = 21;
    }
    let sheet = get(&World::new(view(vec![ill]), Ok("done")).app, "/act/resume?plan=client").await;
    assert!(!sheet.body.contains("silent windows devices of"), "{}", sheet.body);
}

/// What leaves no record needs no reason, and is told on the spot.
#[tokio::test]
async fn a_look_is_asked_for_without_a_reason_and_told_at_once() {
    let world = World::new(view(vec![report("client")]), Ok("reading now: all devices"));
    let sheet = get(&world.app, CHECK_NOW).await;
    assert_eq!((sheet.status.as_u16(), sheet.body.contains("<textarea")), (200, false), "{}", sheet.body);
    assert!(sheet.body.contains("<code>ringward check-now client</code>"), "{}", sheet.body);
    let answer = submit(&world, CHECK_NOW, &OURS, "seen=").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("Reading now: all devices."), "{}", answer.body);
    let expected = (Actor::Loopback, String::new(), Command::CheckNow(plan("client")));
    assert_eq!(*world.arrived.lock().unwrap(), [expected]);
}

/// A verb leads back to the page, which shows the record of it and not what an address claims.
#[tokio::test]
async fn what_was_done_is_read_from_the_log() {
    let world = World::usual();
    super::world::write_log(&world.database(), &[ringward::rollout::record::Event::Paused {}]);
    let page = get(&world.app, "/?after=0").await;
    assert!(!page.body.contains("Done:"), "the engine's records are not what a person did");
    let later = get(&world.app, "/?after=99").await;
    assert_eq!((later.status.as_u16(), later.body.contains("Done:")), (200, false));
}
