//! Names of earlier releases: they do nothing, and say what took their place.

use axum::http::Method;

use super::world::World;
use super::{ask, get};

#[tokio::test]
async fn a_former_verb_says_what_it_is_called_now() {
    let world = World::usual();
    for (former, now) in [("refuse", "reject"), ("release-hold", "unblock")] {
        let path = format!("/api/v1/rollouts/client/{former}");
        let answer = ask(&world.app, Method::POST, &path, Some(r#"{"reason": "seen"}"#)).await;
        let told = format!("called {now} now, POST /api/v1/rollouts/{{plan}}/{now}");
        answer.problem(former, 404, &told);
        let page = get(&world.app, &format!("/act/{former}?plan=client&ring=First")).await;
        assert_eq!(page.status, 404, "{former}: {}", page.body);
        assert!(page.body.contains(&format!("{former} is called {now} now")), "{}", page.body);
    }
    let path = "/api/v1/rollouts/client/release";
    ask(&world.app, Method::POST, path, None).await.problem(path, 404, "/api/v1 names every path");
}
