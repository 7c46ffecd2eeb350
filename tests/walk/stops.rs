//! Observing writes nothing; a stop while a write is about to be sent sends nothing.

use std::process::Command as Process;

use ringward::daemon::stop_file::{StopFile, Stopping};
use ringward::rollout::people::command::Command;
use ringward::rollout::record::{Actor, Cancelled, Event, Mode};
use ringward::sandbox::FaultScript;
use ringward::time::{SignedDuration, after};

use crate::bad_input::status_until;
use crate::kills::{ringward, terminate};
use crate::support::{TWO_RINGS, Walk, as_read, count, end, until, until_completed};

fn ana() -> Actor {
    Actor::Local { user: "ana".to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn observing_sends_no_write_and_says_what_it_would() {
    let walk = Walk::new(TWO_RINGS, 20_000.0, 3, 80).await;
    let daemon = walk.daemon(Mode::Observe).await;
    let five_days = SignedDuration::from_hours(5 * 24);
    let last_day = after(walk.clock.now(), five_days);
    until(&daemon, "what it would write", |view| {
        let mut told = view.reports.iter().flat_map(|report| &report.waiting_on).map(ToString::to_string);
        told.any(|text| text.contains("it would write: create deployment group `First`"))
    })
    .await;
    until(&daemon, "five days", |view| view.at >= last_day).await;
    end(daemon).await;
    assert!(walk.sandbox.journal().requests.len() > 50, "it did read");
    assert_eq!(walk.writes(), []);
    assert_eq!(count(&walk.log(), |event| matches!(event, Event::WritePlanned { .. })), 0);
}

/// The look before the write is held for a while, so that the stop comes in between.
fn hold_the_look(walk: &Walk) {
    let hold = serde_json::json!([
        {"operation": "list-deployment-groups", "kind": "delay", "hold_wall_ms": 400, "skip": 0, "times": 500},
    ]);
    let scripts: Vec<FaultScript> = serde_json::from_value(hold).unwrap();
    walk.sandbox.with_account(|account| account.add_faults(&scripts).unwrap());
}

fn about_to_write(view: &ringward::daemon::view::View) -> bool {
    view.reports
        .iter()
        .flat_map(|report| &report.waiting_on)
        .any(|blocker| blocker.code() == "write_in_flight")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_a_write_is_about_to_be_sent_sends_nothing() {
    // Slow enough that the held look is still fresh, fast enough to get there.
    let walk = Walk::new(TWO_RINGS, 2_000.0, 4, 80).await;
    hold_the_look(&walk);
    let daemon = walk.daemon(Mode::Write).await;
    until(&daemon, "a write about to be sent", about_to_write).await;
    let done = daemon.handle().command(ana(), "dns is down".to_owned(), Command::Stop).await.unwrap();
    assert_eq!(done, "all writes are stopped");
    until(&daemon, "the write cancelled", |view| !about_to_write(view)).await;
    assert_eq!(walk.writes(), [], "nothing was sent");
    let log = walk.log();
    let stopped = |event: &Event| matches!(event, Event::WriteCancelled { why: Cancelled::Stopped, .. });
    assert_eq!(count(&log, stopped), 1);
    assert!(StopFile::beside(&walk.database()).is_there());
    end(daemon).await;
    assert_eq!(walk.writes(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_file_alone_stops_and_only_start_starts() {
    let walk = Walk::new(TWO_RINGS, 20_000.0, 5, 80).await;
    let stop_file = StopFile::beside(&walk.database());
    let stopping = Stopping { actor: ana(), reason: "no daemon needed".to_owned(), at: walk.clock.now() };
    stop_file.put(&stopping).unwrap();
    let daemon = walk.daemon(Mode::Write).await;
    until(&daemon, "the stop recorded", |view| view.stop.is_some()).await;
    let day = after(walk.clock.now(), SignedDuration::from_hours(48));
    until(&daemon, "two days", |view| view.at >= day).await;
    // Removing the file is not a start: what the log calls stopped stays stopped.
    std::fs::remove_file(stop_file.path()).unwrap();
    daemon.handle().look_now();
    until(&daemon, "the file is back", |_| stop_file.is_there()).await;
    assert_eq!(walk.writes(), []);
    let start = Command::Start { plans: ringward::rollout::people::verbs::situation::StartPlans::GoOn };
    daemon.handle().command(ana(), "dns is back".to_owned(), start).await.unwrap();
    until_completed(&daemon).await;
    end(daemon).await;
    walk.assert_all_verified();
    walk.assert_lawful(|_| false);
}

/// The command line beside a running daemon, over its real socket.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_stops_and_starts_a_running_daemon() {
    let walk = Walk::new(TWO_RINGS, 2_000.0, 6, 40).await;
    let mut child = ringward(&walk, &[]).spawn().unwrap();
    let database = walk.database();
    let ask = |arguments: &[&str]| {
        let run = |arguments: &[&str]| {
            let mut command = Process::new(env!("CARGO_BIN_EXE_ringward"));
            command.args(arguments).args(["--db", database.to_str().unwrap()]).output().unwrap()
        };
        let output = as_read(run, arguments);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let told = status_until(&database, |text| text.contains("short"));
    assert!(told.contains("First"), "{told}");
    let (code, said) = ask(&["stop", "--reason", "dns is down"]);
    assert_eq!(code, Some(0), "{said}");
    let told = status_until(&database, |text| text.contains("dns is down"));
    assert!(told.contains("local:"), "it says who: {told}");
    let (code, said) = ask(&["start", "--paused", "--reason", "dns is back"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = ask(&["start", "--reason", "again"]);
    assert_eq!(code, Some(3), "writes are not stopped: {said}");
    let (code, said) = ask(&["resume", "short", "--reason", "looked at it"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = ask(&["waive", "short", "--gate", "opening", "--reason", "hurry"]);
    assert_eq!(code, Some(3), "the schedule is changed in the plan: {said}");
    let (code, said) = ask(&["pause", "other", "--reason", "x"]);
    assert!(code == Some(3) && said.contains("short"), "it names the plans there are: {said}");
    terminate(&mut child);
    let wanted = ["stopped", "started", "paused", "pause_lifted"];
    let log = walk.log();
    let holds: Vec<_> =
        log.iter().map(|recorded| recorded.entry.event.kind()).filter(|kind| wanted.contains(kind)).collect();
    assert_eq!(holds, ["stopped", "paused", "started", "pause_lifted"]);
}
