//! The page: complete, and safe with hostile names.

use ringward::rollout::event::{Event, Mode};

use super::get;
use super::world::{HOSTILE, World, report, stopped, troubled, view, write_log};

#[tokio::test]
async fn the_page_tells_the_whole_story() {
    let mut snapshot = stopped(view(vec![report("client"), troubled("second")]));
    snapshot.mode = Mode::Observe;
    let world = World::new(snapshot, Ok("done"));
    write_log(&world.database(), &[Event::Paused {}, Event::RolloutWithdrawn {}]);
    let answer = get(&world.app, "/").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/html; charset=utf-8"));
    let page = &answer.body;
    for word in [
        "stopped · ringward",
        "Observing only",
        "All writes are stopped",
        "local:ada since 2026-10-12 09:58 UTC: call from the desk",
        "client#3",
        "adopting",
        "windows 2026.8.2100.0",
        "30 arrived, 8 due, 2 stalled, 5 unseen, 1 too old, 4 left",
        r#"<meter min="0" max="40" value="30">"#,
        "other: 7 untargeted",
        "adoption/windows: wait",
        "too few arrived",
        "95% arrived, 50% sighted, by 2026-10-19 09:00 UTC",
        "read 10m earlier",
        "What helps: nothing: it goes on by itself as devices arrive; to go on without them: ringward waive client --gate adoption",
        "soak waived by local:ada on 2026-10-12 09:30 UTC: urgent fix",
        "left as it is in the group: linux 2026.7.1.0",
        "opens 2026-10-13 09:00 UTC",
        "not known yet",
        "Paused",
        "Halted",
        "write 7 is in doubt",
        "broken.yaml:2:1: no rings",
        "Plan faulty cannot be decided",
        "Reading deployment groups fails",
        "status 503",
        "the plan was paused",
        "ringward 0.1.0 started",
        "Requests left in the budget: 587",
    ] {
        assert!(page.contains(word), "`{word}` is missing in:\n{page}");
    }
    let newest = page.find("the rollout was withdrawn").unwrap();
    assert!(newest < page.find("the plan was paused").unwrap(), "the newest event stands first");
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let world = World::new(view(vec![troubled(HOSTILE)]), Ok("done"));
    write_log(&world.database(), &[Event::Paused {}]);
    let page = get(&world.app, "/").await.body;
    assert!(
        page.matches("&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#38;&#39;x&#39;").count() >= 8,
        "{page}"
    );
    assert!(!page.contains("<script"), "{page}");
    assert!(!page.contains("&'x'"), "{page}");
    for inline in [" style=", " onclick=", "<style", "javascript:", "src="] {
        assert!(!page.contains(inline), "the policy would block `{inline}`");
    }
}

#[tokio::test]
async fn without_log_or_plans_the_page_still_stands() {
    let world = World::new(view(Vec::new()), Ok("done"));
    let answer = get(&world.app, "/").await;
    assert_eq!(answer.status, 200);
    for word in ["nothing to do", "No plan yet", "the log cannot be read: there is no database"] {
        assert!(answer.body.contains(word), "`{word}` is missing in:\n{}", answer.body);
    }
    let style = get(&world.app, "/page.css").await;
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    assert!(answer.body.contains("href=\"/page.css?"));
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
