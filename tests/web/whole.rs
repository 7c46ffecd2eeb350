//! The real daemon behind the router: verbs reach the log, and reads show what they did.

use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use ringward::cloudflare::{CloudflareClient, Settings as ClientSettings};
use ringward::daemon::files::Settles;
use ringward::daemon::{DaemonSettings, start};
use ringward::ids::AccountId;
use ringward::plan::model::Revisions;
use ringward::rollout::record::Mode;
use ringward::telemetry::Metrics;
use ringward::time::Clock;
use ringward::web::json::{EventsAnswer, PlanAnswer, RolloutJson, RolloutsAnswer, VerbAnswer};
use ringward::web::{Services, router};

use super::{ask, decide, get};

/// A verb that must be carried out.
async fn done(app: &Router, path: &str) -> String {
    let reason = r#"{"reason": "a test"}"#;
    let answer = match path.ends_with("resume") {
        true => decide(app, path, reason).await,
        false => ask(app, Method::POST, path, Some(reason)).await,
    };
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json::<VerbAnswer>().done
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_reach_the_log_and_reads_show_it() {
    let directory = tempfile::tempdir().unwrap();
    let plans = directory.path().join("plans");
    std::fs::create_dir(&plans).unwrap();
    std::fs::write(plans.join("all.yaml"), include_bytes!("../plans/good/smallest.yaml")).unwrap();
    // A port that nobody listens on any more: every read of the API fails.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let api = format!("http://127.0.0.1:{port}/client/v4").parse().unwrap();
    let account = AccountId::new("023e105f4ecef8ad9ca31a8372d0c353").unwrap();
    let metrics = Arc::new(Metrics::new().unwrap());
    let token = "a-token-of-nobody".to_owned().into();
    let client = ClientSettings {
        observer: Arc::<Metrics>::clone(&metrics),
        ..ClientSettings::new(api, account.clone(), token, Clock::Real)
    };
    let client = CloudflareClient::new(client).unwrap();
    let database = directory.path().join("ringward.db");
    let settings = DaemonSettings {
        plans,
        database: database.clone(),
        account,
        clock: Clock::Real,
        mode: Mode::Write,
        client,
        approval_floor: None,
        revisions: Revisions::File,
        settles: Settles::of(0.0, &Clock::Real),
        devices_per_day: None,
        clock_trust: None,
    };
    let mut daemon = start(settings).await.unwrap();
    let mut handle = daemon.handle();
    let app = router(Services { handle: daemon.handle(), database, identities: Arc::default(), metrics });
    while handle.view().troubles.is_empty() {
        assert!(handle.changed().await, "the daemon ended");
    }
    assert_eq!(get(&app, "/readyz").await.status, 200);

    done(&app, "/api/v1/rollouts/no/pause").await;
    done(&app, "/api/v1/stop").await;
    let all: RolloutsAnswer = get(&app, "/api/v1/rollouts").await.json();
    let stopped = all.stopped.unwrap();
    assert_eq!((stopped.actor.to_string().as_str(), stopped.reason.as_str()), ("local:ada", "a test"));
    assert!(!all.troubles.is_empty());
    let again = ask(&app, Method::POST, "/api/v1/stop", Some(r#"{"reason": "a test"}"#)).await;
    again.problem("stopped twice", 409, "ringward start --reason … allows writes again");
    let one: RolloutJson = get(&app, "/api/v1/rollouts/no").await.json();
    assert_eq!(one.paused.unwrap().actor.to_string(), "local:ada");
    let codes: Vec<&str> = one.waiting_on.iter().map(|blocker| blocker.code.as_str()).collect();
    // No answer of Cloudflare told the time.
    assert_eq!(codes.get(..3), Some(["stopped", "clock_unknown", "paused"].as_slice()), "{codes:?}");
    let looked = ask(&app, Method::POST, "/api/v1/rollouts/no/check-now", Some("{}")).await;
    let looked = looked.json::<VerbAnswer>().done;
    assert!(looked.contains("the plan files were read; reading now: all devices"), "{looked}");
    let resumed = done(&app, "/api/v1/rollouts/no/resume").await;
    assert!(resumed.contains("all writes are still stopped: ringward start"), "{resumed}");
    done(&app, "/api/v1/start").await;
    let plan: PlanAnswer = get(&app, "/api/v1/rollouts/no/plan").await.json();
    assert_eq!((plan.digest, plan.rollout, plan.seq > 0), (one.digest, 1, true));
    assert_eq!(plan.written["versions"], serde_json::json!({"windows": "2026.6.822.0"}));
    let events: EventsAnswer = get(&app, "/api/v1/rollouts/no/events?after=0").await.json();
    let kinds: Vec<&str> = events.events.iter().map(|event| event.kind.as_str()).collect();
    assert!(kinds.starts_with(&["plan_accepted"]), "{kinds:?}");
    assert!(kinds.ends_with(&["paused", "pause_lifted"]), "{kinds:?}");

    let text = get(&app, "/metrics").await.body;
    assert!(text.contains(r#"ringward_rollout_phase{phase="running",plan="no"} 1"#), "{text}");
    assert!(text.contains("ringward_cloudflare_requests_total{code="), "{text}");
    let page = get(&app, "/").await.body;
    assert!(page.contains("writes were allowed again") && page.contains("fails</strong> since"), "{page}");
    for place in [&text, &page] {
        assert!(!place.contains("a-token-of-nobody"));
    }

    daemon.stop();
    daemon.ended().await.unwrap();
    assert_eq!(get(&app, "/readyz").await.status, 503);
}
