//! `healthcheck`: a daemon that answers but no longer decides is not well.

use ringward::cli::client::Connection;
use ringward::cli::exit::Exit;
use ringward::cli::healthcheck::healthcheck;
use ringward::time::{Clock, SignedDuration, after};
use serde_json::json;

use crate::answers;
use crate::server::Server;

/// Ten days of simulated time pass in a minute and a half.
const FAST: f64 = 10_000.0;

#[tokio::test]
async fn health_is_the_age_of_the_last_decision_on_the_wall() {
    let hours = SignedDuration::from_hours;
    let fast = Clock::fast_from("2026-10-12T06:00:00Z".parse().unwrap(), FAST);
    let rows = [
        ("just now", Clock::Real, SignedDuration::ZERO, None),
        ("two minutes", Clock::Real, SignedDuration::from_mins(-2), None),
        ("an hour", Clock::Real, hours(-1), Some("1h")),
        ("a clock that was set back", Clock::Real, hours(5), None),
        ("a simulated day is seconds", fast, hours(-24), None),
        ("thirty of them are minutes", fast, hours(-24 * 30), Some("4m")),
    ];
    for (row, clock, away, ill) in rows {
        let mut answer = answers::daemon(&[answers::halted()]);
        answer["at"] = json!(after(clock.now(), away));
        answer["clock"] = json!(clock.to_string());
        let server = Server::json(&answer);
        let mut out = Vec::new();
        let result = healthcheck(&Connection::beside(&server.database), &mut out).await;
        let said = String::from_utf8(out).unwrap();
        match (result, ill) {
            (Ok(()), None) => assert!(said.starts_with("healthy: the last decision was "), "{row}: {said}"),
            (Err(error), Some(age)) => {
                assert_eq!((error.exit(), said.as_str()), (Exit::Failed, ""), "{row}");
                let error = error.to_string();
                assert!(error.contains(&format!("its last decision was {age}")), "{row}: {error}");
                assert!(error.contains("restart it"), "{row}: {error}");
            }
            (result, _) => panic!("{row}: {result:?}"),
        }
    }
}

/// No restart would fix a full disk: it is well, and says what is not.
#[tokio::test]
async fn a_log_that_cannot_be_written_is_said() {
    let mut answer = answers::daemon(&[answers::halted()]);
    answer["at"] = json!(Clock::Real.now());
    answer["clock"] = json!("real");
    answer["log_unwritable"] = json!({"since": Clock::Real.now(), "message": "the disk is full"});
    let server = Server::json(&answer);
    let mut out = Vec::new();
    healthcheck(&Connection::beside(&server.database), &mut out).await.unwrap();
    let said = String::from_utf8(out).unwrap();
    assert!(said.starts_with("healthy: ") && said.ends_with("; its log cannot be written\n"), "{said}");
}
