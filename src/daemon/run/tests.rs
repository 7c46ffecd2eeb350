//! The loop's inputs: what ends it, what wakes it, and that nothing puts its timer off.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::inputs::*;
use crate::daemon::plans_reader::Looked;
use crate::daemon::upstream::TaskReport;
use crate::daemon::view::DaemonRequest;
use crate::time::Clock;

/// More draws than any fair choice needs.
const MANY: usize = 10_000;

struct Outside {
    seen: mpsc::Sender<TaskReport>,
    looks: mpsc::Sender<Looked>,
    requests: mpsc::Sender<DaemonRequest>,
    ticks: mpsc::Sender<()>,
    token: CancellationToken,
}

fn inputs() -> (Inputs, Outside) {
    let (seen_in, seen) = mpsc::channel(1);
    let (looks_in, looks) = mpsc::channel(1);
    let (requests_in, requests) = mpsc::channel(1);
    let (ticks_in, ticks) = mpsc::channel(1);
    let token = CancellationToken::new();
    let outside = Outside {
        seen: seen_in,
        looks: looks_in,
        requests: requests_in,
        ticks: ticks_in,
        token: token.clone(),
    };
    (Inputs { seen, looks, requests, ticks, token }, outside)
}

fn word(input: &Input) -> &'static str {
    match input {
        Input::Seen(_) => "seen",
        Input::Looked(_) => "looked",
        Input::Request(_) => "request",
        Input::Tick => "tick",
        Input::Timer => "timer",
        Input::End => "end",
    }
}

#[test]
fn a_sleep_goes_on_after_an_input_that_changed_nothing() {
    let rows = [
        ("at once", 10.0, 0.0, 10.0),
        ("after a tick", 10.0, 3.0, 7.0),
        ("it is over", 10.0, 10.0, 0.0),
        ("it was over long ago", 10.0, 4_000.0, 0.0),
        ("nothing to wait for", 0.0, 1.0, 0.0),
    ];
    for (row, sleep, passed, left) in rows {
        let left = Duration::from_secs_f64(left);
        assert_eq!(left_of(Duration::from_secs_f64(sleep), passed), left, "{row}");
    }
}

#[test]
fn no_sleep_is_longer_than_a_minute() {
    let at = |text: &str| Some(text.parse().unwrap());
    // It stands still at the first of January.
    let clock = Clock::fast_from("2026-01-01T00:00:00Z".parse().unwrap(), 1e-9);
    let rows = [
        ("no timer", None, 60.0),
        ("a timer after the weekend", at("2026-01-05T08:00:00Z"), 60.0),
        ("the clock was set back by years", at("2036-01-01T00:00:00Z"), 60.0),
        ("it is due", at("2025-12-31T00:00:00Z"), 0.001),
    ];
    for (row, timer, seconds) in rows {
        let asleep = at_most(timer.map(|at| clock.wall_until(at)));
        assert_eq!(asleep, Duration::from_secs_f64(seconds), "{row}");
    }
}

#[tokio::test]
async fn a_timer_that_is_due_comes_among_inputs_that_never_stop() {
    let (mut inputs, outside) = inputs();
    let mut words = std::collections::BTreeSet::new();
    for _ in 0..MANY {
        let _ = outside.ticks.try_send(());
        let _ = outside.requests.try_send(DaemonRequest::LookNow);
        words.insert(word(&inputs.next(Duration::ZERO).await));
        if words.len() == 3 {
            break;
        }
    }
    assert_eq!(words.into_iter().collect::<Vec<_>>(), ["request", "tick", "timer"]);
}

#[tokio::test]
async fn the_end_comes_before_everything_else() {
    let (mut inputs, outside) = inputs();
    outside.ticks.try_send(()).unwrap();
    outside.requests.try_send(DaemonRequest::LookNow).unwrap();
    outside.token.cancel();
    for _ in 0..100 {
        assert_eq!(word(&inputs.next(Duration::ZERO).await), "end");
    }
}

#[tokio::test]
async fn a_source_that_is_gone_leaves_the_others() {
    let (mut inputs, Outside { seen, looks, requests, ticks, token }) = inputs();
    drop((seen, looks, requests));
    ticks.try_send(()).unwrap();
    // Without a timer in sight: only the tick can come.
    assert_eq!(word(&inputs.next(Duration::from_secs(3_600)).await), "tick");
    drop(ticks);
    assert_eq!(word(&inputs.next(Duration::ZERO).await), "timer", "every source is gone");
    token.cancel();
    assert_eq!(word(&inputs.next(Duration::from_secs(3_600)).await), "end");
}
