//! The page: complete, and safe with hostile names.

use std::sync::Arc;

use ringward::ids::GroupId;
use ringward::rollout::decide::blocker::{BlockReport, Blocker};
use ringward::rollout::judge::grouping::Veto;
use ringward::rollout::record::ClockDoubt;
use ringward::rollout::record::Unknown;
use ringward::rollout::record::{Block, Cause, Event, Mode, WriteId, WriteIntent};
use ringward::rollout::state::Phase;
use ringward::rollout::tell::report::Report;
use ringward::rollout::world::Trouble;
use ringward::web::{Peer, rollout_json};

use axum::body::Body;
use axum::http::Request;

use super::world::{HOSTILE, World, ailing, at, report, ring, stopped, troubled, view, write_log};
use super::{Answer, get, send};

/// A reader over TCP on a loopback address, with other headers.
async fn seen_by(world: &World, path: &str, peer: &str, more: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path).header("host", "127.0.0.1:8787");
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    let (peer, local) = (peer.parse().unwrap(), "127.0.0.1:8787".parse().unwrap());
    request.extensions_mut().insert(Peer::Tcp { peer, local, rules: Arc::default() });
    send(&world.app, request).await
}

fn holds(page: &str, words: &[&str]) {
    for word in words {
        assert!(page.contains(word), "`{word}` is missing in:\n{page}");
    }
}

#[tokio::test]
async fn the_page_tells_the_whole_story() {
    let mut snapshot = stopped(view(vec![report("client"), troubled("second")]));
    snapshot.mode = Mode::Observe;
    let world = World::new(snapshot, Ok("done"));
    write_log(&world.database(), &[Event::Paused {}, Event::RolloutWithdrawn {}]);
    let answer = get(&world.app, "/").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/html; charset=utf-8"));
    let page = &answer.body;
    holds(
        page,
        &[
            "stopped · ringward",
            "Read-only mode",
            "All writes are stopped",
            "local:ada since 2026-10-12 09:58 UTC: call from the desk",
            ">client#3</a>",
            "Devices are arriving in ring 1 of 2, Engineering Ring 0",
            "adopting",
            r#"<span class="version">2026.8.2100.0</span>"#,
            "75% <span class=\"soft\">of those seen",
            r#"aria-label="windows: 30 arrived, 8 due, 2 stalled, 5 not seen, 1 too old, 4 left""#,
            "30 of 45 arrived",
            "other systems",
            "7 untargeted",
            "adoption/windows: <strong>wait</strong>",
            "too few arrived",
            "95% arrived, 50% seen, by 2026-10-19 09:00 UTC",
            "read 10m before",
            "What to do: nothing: it goes on by itself as devices arrive; to go on without them: <code>ringward waive client --gate adoption",
            "Gate soak was waived by local:ada on 2026-10-12 09:30 UTC: urgent fix",
            "Left as it is in the group: linux 2026.7.1.0",
            "opens 2026-10-13 09:00 UTC",
            "Not known yet",
            "Loopback paused the plan: ",
            "Ringward halted it, because the group of",
            "The outcome of write 7",
            "broken.yaml:2:1: no rings",
            "Plan faulty cannot be decided",
            "Reading deployment groups fails",
            "status 503",
            "the plan was paused",
            "ringward 0.1.0 started",
            "Requests left in the budget: 587",
        ],
    );
    let newest = page.find("the rollout was withdrawn").unwrap();
    assert!(newest < page.find("the plan was paused").unwrap(), "the newest event stands first");
}

/// Everything that can be in the way, with a word of it.
fn blockers() -> Vec<(Blocker, &'static str)> {
    let name = || ring("Ring 0");
    let until = at("2026-10-13T09:00:00Z");
    let intent: WriteIntent = serde_json::from_value(serde_json::json!({
        "id": 9, "digest": "0".repeat(64), "purpose": "target", "before": null, "devices": 12,
        "after": {"name": "Ring 0", "versions": [], "policies": ["p-1"]},
        "policies": ["p-1"], "judgements": [], "after_doubt": false,
    }))
    .unwrap();
    let gate = match report("client").waiting_on.remove(0) {
        Blocker::Gate(_, judgement) => judgement,
        other => panic!("{other:?}"),
    };
    let halted = Cause::UnknownTooLong {
        ring: name(),
        gate: gate.gate,
        environment: None,
        why: Unknown::StaleSweep,
        since: until,
    };
    let hold = stopped(view(Vec::new())).stop.unwrap();
    let doubt = Blocker::OutcomeUnknown {
        ring: name(),
        write: WriteId(7),
        why: "a reset".to_owned(),
        read_at: Some(until),
    };
    let twice = Veto::AmbiguousName { name: "Ring 0".to_owned(), ids: vec![GroupId::new("g-9").unwrap()] };
    vec![
        (Blocker::Stopped(hold.clone()), "all writes are stopped by local:ada"),
        (Blocker::Paused(hold), "paused by local:ada"),
        (Blocker::Halted(halted), "halted: gate adoption of Ring 0 is unknown"),
        (
            Blocker::Block(Box::new(BlockReport {
                block: Block::FileMissing { file: Some("client.yaml".to_owned()) },
                since: until,
                until: None,
            })),
            "no readable file names the plan; client.yaml did",
        ),
        (Blocker::Forbidden(name(), "2026.8.2100.0".parse().unwrap()), "the plan forbids 2026.8.2100.0"),
        (Blocker::OffersForbidden(name(), "2026.8.2100.0".parse().unwrap()), "forbids by now"),
        (Blocker::ClockBehind(until), "the clock was set back"),
        (
            Blocker::ClockDoubted(ClockDoubt::Differs { ahead: 122_400 }),
            "this machine's clock is 1d 10h ahead of Cloudflare's",
        ),
        (
            Blocker::LogUnwritable(Trouble { since: until, message: "the disk is full".to_owned() }),
            "the log cannot be written since 2026-10-13 09:00 UTC: the disk is full",
        ),
        (Blocker::Gate(name(), gate), "30 of 40 seen devices arrived"),
        (Blocker::Veto(name(), twice), "deployment groups are named"),
        (
            Blocker::BetweenGroups {
                ring: name(),
                profiles: vec!["IT".to_owned()],
                from: name(),
                last: None,
            },
            "IT is in no deployment group",
        ),
        (Blocker::GroupsUnread(name()), "have not been read lately"),
        (Blocker::InFlight(name(), WriteId(7)), "write 7 waits for Cloudflare"),
        (doubt, "the outcome of write 7 is unknown (a reset)"),
        (Blocker::OtherWrite { plan: "other#1".to_owned(), write: WriteId(7) }, "write 7 of other#1"),
        (Blocker::Backoff { ring: name(), until, last: None }, "tried again at 2026-10-13"),
        (Blocker::Observing(name(), Box::new(intent)), "read-only mode; it would write"),
        (Blocker::Moving, "it moves with the next decision"),
    ]
}

/// Who is called at night sees what was measured, beside what it is measured against.
#[tokio::test]
async fn a_halt_for_health_shows_shares_control_and_chance() {
    let page = get(&World::new(view(vec![ailing("client")]), Ok("done")).app, "/").await.body;
    let told = "Silent since 2026-10-09 18:00 UTC: 35.0 %, control 5.0 %: 30.0 points above, at most 2.0; by chance \
                with p 4.0e-6, threshold 5.0e-5 down";
    assert_eq!(page.matches(told).count(), 2, "as it was at the halt, and as it is now:\n{page}");
    holds(
        &page,
        &[
            "too many windows devices of ring Engineering Ring 0 went silent",
            "It failed for 14 devices.",
            r#"href="/api/v1/rollouts/client/devices?ring=Engineering%20Ring%200&#38;dark=true""#,
            "2.6 % stalled, at most 10.0 %",
            "<code>ringward resume client --reason …</code>",
        ],
    );
    // A drift that keeps nothing from moving is told as well, as text.
    let page = get(&World::new(view(vec![troubled("client")]), Ok("done")).app, "/").await.body;
    holds(&page, &["Drift, noted: ", "Drift, accepted: "]);
    assert!(!page.contains("Drift, halts"), "it stands among the reasons:\n{page}");
}

#[tokio::test]
async fn each_reason_is_shown_with_what_helps() {
    for (blocker, word) in blockers() {
        let code = blocker.code();
        let report = Report { waiting_on: vec![blocker], ..report("client") };
        let said = rollout_json(&report, None).waiting_on.remove(0);
        assert!(said.text.contains(word), "{code}: {}", said.text);
        let world = World::new(view(vec![report]), Ok("done"));
        let page = get(&world.app, "/").await.body;
        let escaped = |text: &str| text.replace('\'', "&#39;").replace('"', "&#34;").replace('>', "&#62;");
        // The first letter is a capital on the page.
        let headline: String = escaped(&said.headline).chars().skip(1).collect();
        holds(&page, &[&headline, &escaped(&said.detail)]);
        if let Some(command) = &said.command {
            holds(&page, &[&format!("<code>{}</code>", escaped(command))]);
        }
        assert_eq!(page.contains("What to do: "), code != "moving", "{code} in:\n{page}");
    }
}

#[tokio::test]
async fn each_phase_has_its_headline() {
    let of = |phase, state: &'static str| {
        let mut one = Report { phase, waiting_on: Vec::new(), ..report("client") };
        one.rings.truncate(1);
        one.rings[0].state = state;
        one
    };
    let rows = [
        (Phase::Running, "entering", "Waiting to enter ring 1 of 1, Engineering Ring 0"),
        (Phase::Running, "deploying", "Writing the assignment of ring 1 of 1"),
        (Phase::Running, "adopting", "Devices are arriving in ring 1 of 1"),
        (Phase::Running, "soaking", "Soaking ring 1 of 1"),
        (Phase::Completed, "verified", "Every ring is verified"),
        (Phase::Superseded, "soaking", "A newer target took over"),
        (Phase::Withdrawn, "soaking", "file is gone; nothing is written"),
    ];
    for (phase, state, headline) in rows {
        let world = World::new(view(vec![of(phase, state)]), Ok("done"));
        let page = get(&world.app, "/").await.body;
        holds(&page, &[headline]);
        let pausable = page.contains("/act/pause?plan=client");
        assert_eq!(pausable, phase == Phase::Running, "{state}: a rollout that is finished is not paused");
    }
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let world = World::new(view(vec![troubled(HOSTILE)]), Ok("done"));
    write_log(&world.database(), &[Event::Paused {}]);
    let sheet = format!("/act/pause?plan={}", "%3Cscript%3Ealert%28%221%22%29%3C%2Fscript%3E%26%27x%27");
    for path in ["/", sheet.as_str(), "/plans/%3Cscript%3Ealert%28%221%22%29%3C%2Fscript%3E%26%27x%27"] {
        let answer = get(&world.app, path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let page = answer.body;
        let escaped = "&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#38;&#39;x&#39;";
        assert!(page.matches(escaped).count() >= 3, "{path}: {page}");
        let scripts = usize::from(!path.starts_with("/act"));
        assert_eq!(page.matches("<script").count(), scripts, "only our own: {page}");
        assert!(!page.contains("&'x'"), "{page}");
        for inline in [" style=", " onclick=", "<style", "javascript:"] {
            assert!(!page.contains(inline), "{path}: the policy would block `{inline}`");
        }
    }
}

/// A name cannot make the text around it read as something else.
#[tokio::test]
async fn the_reading_direction_stays_ours() {
    let mut one = report("client");
    one.rings[0].name = ring("Ring \u{202e}gniR\u{200b} 環 حلقة 🚀");
    one.rings[0].gates[0].environment = None;
    let world = World::new(view(vec![one]), Ok("done"));
    let page = get(&world.app, "/").await.body;
    assert!(!page.contains('\u{202e}'));
    holds(&page, &["<bdi>Ring \u{fffd}gniR\u{fffd} 環 حلقة 🚀</bdi>"]);
    // The link to waive its gate still names the ring as it is.
    holds(&page, &["ring=Ring%20%E2%80%AEgniR"]);
}

#[tokio::test]
async fn without_log_or_plans_the_page_still_stands() {
    let world = World::new(view(Vec::new()), Ok("done"));
    let answer = get(&world.app, "/").await;
    assert_eq!(answer.status, 200);
    holds(&answer.body, &["nothing to do", "No plan yet", "the log cannot be read: there is no database"]);
}

#[tokio::test]
async fn the_page_loads_only_its_own_and_keeps_it() {
    let world = World::usual();
    let page = get(&world.app, "/").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    // With `no-referrer` a browser would send our own form as if it came from nowhere.
    assert_eq!(page.header("referrer-policy"), "same-origin");
    let assets: Vec<&str> = page.body.split('"').filter(|text| text.starts_with("/assets/")).collect();
    assert_eq!(assets.len(), 3, "{assets:?}");
    for path in assets {
        let asset = get(&world.app, path).await;
        assert_eq!(asset.status, 200, "{path}");
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
        let wanted = match path.rsplit('.').next().unwrap() {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(asset.header("content-type"), wanted, "{path}");
        assert!(!asset.body.is_empty());
    }
    get(&world.app, "/assets/page-000000000000.css").await.problem("an old one", 404, "reload");
}

#[tokio::test]
async fn the_page_shows_the_last_twenty_events() {
    let world = World::usual();
    let events: Vec<Event> = (0..30).map(|_| Event::Paused {}).collect();
    write_log(&world.database(), &events);
    let page = get(&world.app, "/").await.body;
    assert_eq!(page.matches("the plan was paused").count(), 20);
    assert!(page.contains("#31<") && page.contains("#12<") && !page.contains("#11<"), "{page}");
}

#[tokio::test]
async fn a_plan_has_a_page_with_all_of_its_events() {
    let world = World::new(view(vec![report("client"), report("second")]), Ok("done"));
    let events: Vec<Event> = (0..120).map(|_| Event::Paused {}).collect();
    write_log(&world.database(), &events);
    let mut path = "/plans/client".to_owned();
    let mut shown = Vec::new();
    loop {
        let answer = get(&world.app, &path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.body.contains("second#3"), "only its own");
        let numbers =
            answer.body.split(" · #").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned());
        shown.extend(numbers);
        match answer.body.split("href=\"").find(|rest| rest.starts_with("/plans/client?before=")) {
            Some(rest) => path = rest.split('"').next().unwrap().to_owned(),
            None => break,
        }
    }
    let all: Vec<String> = (2..=121).rev().map(|seq: u32| seq.to_string()).collect();
    assert_eq!(shown, all, "each once, newest first");
    let unknown = get(&world.app, "/plans/nothing").await;
    assert_eq!((unknown.status.as_u16(), unknown.header("content-type")), (404, "text/html; charset=utf-8"));
    holds(&unknown.body, &["There is no such plan or ring", "ringward knows client, second"]);
}

#[tokio::test]
async fn a_ring_shows_its_way() {
    let mut first = report("client");
    first.id.number = 1;
    let world = World::new(view(vec![first]), Ok("done"));
    let name = || ring("Engineering Ring 0");
    let adopted = || Event::AdoptionReached { ring: name(), judgements: Vec::new() };
    let reached = || Event::RingReached { ring: name() };
    // The ring was sent back: what it had reached before does not count.
    write_log(&world.database(), &[reached(), adopted(), reached()]);
    let page = get(&world.app, "/").await.body;
    let way = page.split("class=\"steps\"").nth(1).unwrap().split("</ol>").next().unwrap();
    let steps: Vec<bool> = way.split("<li").skip(1).map(|step| !step.contains("not yet")).collect();
    assert_eq!(steps, [true, true, false, false], "{way}");
}

/// Name, peer, headers, and what the refusal speaks of (`None`: allowed).
type Reader<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], Option<&'a str>);

/// Who may act is offered the verb; who may not, the command and the reason.
#[tokio::test]
async fn a_reader_is_offered_what_they_may_do() {
    let world = World::usual();
    let here = "127.0.0.1:50000";
    let by_a_link = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
    let by_a_proxy = [("x-forwarded-for", "192.0.2.7")];
    let rows: [Reader; 4] = [
        ("on this machine", here, &[], None),
        ("by a link in a chat", here, &by_a_link, None),
        ("through a proxy", here, &by_a_proxy, Some("x-forwarded-for")),
        ("from elsewhere", "192.0.2.7:50000", &[], Some("192.0.2.7")),
    ];
    for (row, peer, more, refused) in rows {
        let answer = seen_by(&world, "/", peer, more).await;
        let sheet = seen_by(&world, "/act/pause?plan=client", peer, more).await;
        let links = answer.body.contains("href=\"/act/");
        let form = sheet.body.contains("<form");
        assert_eq!((links, form), (refused.is_none(), refused.is_none()), "{row}");
        if let Some(why) = refused {
            holds(&answer.body, &["Here you can only look", why]);
            for page in [&answer.body, &sheet.body] {
                holds(page, &["ringward pause client --reason &#39;…&#39;</code>"]);
            }
        }
    }
}
