//! The durable over a real database whose commits can be made to fail.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::daemon::files::PlanFiles;
use crate::daemon::files::{Settles, Yml, look};
use crate::daemon::log::{self, Replayed};
use crate::daemon::view::CommandError;
use crate::engine::{Pass, ReadAnswer};
use crate::fleet::Sweep;
use crate::ids::{AccountId, PlanName};
use crate::rollout::people::command::Command;
use crate::rollout::record::{Actor, Entry, Event, Mode, Recorded};
use crate::rollout::tell::waits::Wait;
use crate::rollout::world::Read;
use crate::store::OpenError;
use crate::time::{Clock, SignedDuration, Timestamp, after, since};

const PLAN: &str = include_str!("../../../rollouts/examples/three-rings.yaml");

fn plan() -> PlanName {
    "cloudflare-one-client".parse().unwrap()
}

fn engine(directory: &Path) -> DurableEngine {
    engine_on(directory, "2026-10-12T06:00:00Z@2026-11-21T00:00:00Z*1".parse().unwrap())
}

fn engine_on(directory: &Path, clock: Clock) -> DurableEngine {
    std::fs::write(directory.join("plan.yaml"), PLAN).unwrap();
    let account: AccountId = "023e105f4ecef8ad9ca31a8372d0c353".parse().unwrap();
    let files = PlanFiles::new(directory.to_owned(), account.clone(), Settles::of(0.0, &clock));
    let mut durable =
        DurableEngine::open(&directory.join("ringward.db"), account, clock, Mode::Write, files).unwrap();
    durable.take_look(look(directory, Yml::Read));
    let pass = durable.pass().unwrap().unwrap();
    assert_eq!(pass.reports.len(), 1, "the plan is accepted");
    durable
}

/// Makes each append of a kind of event fail, or lets it pass again.
fn refuse(directory: &Path, statement: &str) {
    let connection = rusqlite::Connection::open(directory.join("ringward.db")).unwrap();
    connection.execute_batch(statement).unwrap();
}

#[test]
fn a_verb_whose_commit_fails_is_answered_as_failed() {
    let directory = tempfile::tempdir().unwrap();
    let mut durable = engine(directory.path());
    let ana = Actor::Local { user: "ana".to_owned() };
    refuse(
        directory.path(),
        "CREATE TRIGGER fault BEFORE INSERT ON events WHEN NEW.kind = 'paused'
         BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END",
    );
    let answer = durable.command(&ana, "dns is down", &Command::Pause(plan())).unwrap();
    assert!(matches!(answer, Err(CommandError::Failed(_))), "{answer:?}");
    assert!(durable.engine.state.plans[&plan()].paused.is_none(), "what is not in the log did not happen");

    refuse(directory.path(), "DROP TRIGGER fault");
    let answer = durable.command(&ana, "dns is down", &Command::Pause(plan())).unwrap();
    assert_eq!(answer, Ok("plan cloudflare-one-client is paused".to_owned()));
    let view = durable.store.as_ref().unwrap().view();
    view.verify_chain().unwrap();
    assert_eq!(log::replay(view).unwrap(), durable.engine.state, "the log replays to the live state");
}

/// However long a pass is, an end waits for one plan of it.
#[test]
fn a_pass_is_broken_off_before_its_next_plan() {
    let directory = tempfile::tempdir().unwrap();
    let mut durable = engine(directory.path());
    for number in 1..=3 {
        let plan = format!(
            "plan: another-{number}\nversions: {{windows: 2026.8.2100.0}}\nrings: [{{name: R{number}, profiles: [p{number}]}}]\n"
        );
        std::fs::write(directory.path().join(format!("{number}.yaml")), plan).unwrap();
    }
    durable.take_look(look(directory.path(), Yml::Read));
    let passed = |durable: &DurableEngine| durable.engine.state.plans.len();
    let (before, began) = (durable.engine.state.seq, passed(&durable));
    durable.end.cancel();
    assert!(durable.pass().unwrap().is_none(), "nothing may follow from it");
    assert_eq!(durable.engine.state.seq, before, "no plan was come to");
    assert!(!durable.append_next().unwrap(), "and none is come to later");

    durable.end = CancellationToken::new();
    durable.engine.begin_pass(durable.files.plans());
    let mut steps = Vec::new();
    while durable.append_next().unwrap() {
        steps.push(passed(&durable) - began);
    }
    assert_eq!(steps, [1, 2, 3, 3], "a step is one plan, that of before among them, which adds nothing");
}

#[test]
fn counts_of_rings_that_cannot_be_kept_cost_only_themselves() {
    let directory = tempfile::tempdir().unwrap();
    let mut durable = engine(directory.path());
    refuse(directory.path(), "ALTER TABLE ring_samples RENAME TO elsewhere");
    durable.sampled_at = None;
    durable.pass().unwrap().unwrap();
    assert!(durable.sampled_at.is_some(), "they were counted");
    assert!(
        durable.lost.is_none() && durable.losses.count == 0 && durable.engine.world.log_unwritable.is_none()
    );
    let ana = Actor::Local { user: "ana".to_owned() };
    let answer = durable.command(&ana, "dns is down", &Command::Pause(plan())).unwrap();
    assert!(answer.is_ok(), "the log goes on: {answer:?}");
}

#[test]
fn what_is_appended_survives_a_restart_with_its_order() {
    let directory = tempfile::tempdir().unwrap();
    let before = {
        let mut durable = engine(directory.path());
        let ana = Actor::Local { user: "ana".to_owned() };
        durable.command(&ana, "a look first", &Command::Pause(plan())).unwrap().unwrap();
        durable.engine.state.clone()
    };
    let again = engine(directory.path());
    assert_eq!(again.engine.state.plans[&plan()].paused, before.plans[&plan()].paused);
    assert_eq!(again.engine.state.plans[&plan()].rollout.id, before.plans[&plan()].rollout.id);
    assert!(again.engine.state.seq > before.seq, "the restart is on record");
}

#[test]
fn a_decision_is_recorded_at_the_instant_it_was_made_for() {
    let directory = tempfile::tempdir().unwrap();
    let mut durable = engine(directory.path());
    // A year per second: whatever reads the clock again is days late.
    durable.watch.clock = Clock::fast_from(durable.now(), 3e7);
    std::fs::remove_file(directory.path().join("plan.yaml")).unwrap();
    let changed = PLAN.replace("2026.8.2100.0", "2026.8.2101.0");
    std::fs::write(directory.path().join("plan.yaml"), changed).unwrap();
    durable.take_look(look(directory.path(), Yml::Read));
    let before = durable.engine.state.seq;
    let pass = durable.pass().unwrap().unwrap();
    assert!(durable.engine.state.seq > before, "the change is on record");
    assert_eq!(durable.engine.state.last_at, Some(pass.reports[0].at));
}

#[test]
fn what_rollouts_waited_for_is_the_same_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut durable = engine(directory.path());
    let ana = Actor::Local { user: "ana".to_owned() };
    durable.command(&ana, "a look first", &Command::Pause(plan())).unwrap().unwrap();
    durable.pass().unwrap().unwrap();
    let Replayed { state, waits: mut replayed, .. } =
        log::replay_all(durable.store.as_ref().unwrap().view()).unwrap();
    let month = SignedDuration::from_hours(30 * 24);
    let later = after(durable.now(), month);
    replayed.settle(&state, later);
    durable.waits.settle(&durable.engine.state, later);
    assert_eq!(replayed, durable.waits);
    assert!(replayed.of(&plan(), Wait::Human) >= month, "a paused plan waits for a person");
}

#[test]
fn a_clock_that_was_set_back_stops_writes_until_it_has_caught_up() {
    let directory = tempfile::tempdir().unwrap();
    let mut durable = engine(directory.path());
    let last = durable.now();
    // (row, seconds from the last instant to the clock, whether it counts as set back)
    let rows = [
        ("an hour back", -3_600, true),
        ("six seconds back", -6, true),
        ("time keeping at work", -4, false),
        ("caught up", 0, false),
        ("later", 600, false),
        ("back again", -86_400, true),
    ];
    for (row, seconds, is_behind) in rows {
        // It stands still, so that a slow machine changes nothing.
        let stands = crate::time::after(last, SignedDuration::from_secs(seconds));
        durable.watch.clock = Clock::fast_from(stands, 1e-9);
        // Time goes on from the later clock's pass.
        let last = durable.now();
        let pass = durable.pass().unwrap().unwrap();
        let expected = is_behind.then_some(last);
        assert_eq!(durable.engine.world.clock_behind, expected, "{row}");
        assert!(durable.now() >= last, "{row}: recorded time never goes back");
        let told = |blocker: &crate::rollout::decide::blocker::Blocker| blocker.code() == "clock_behind";
        assert_eq!(pass.reports[0].waiting_on.iter().any(told), is_behind, "{row}");
    }
    let view = durable.store.as_ref().unwrap().view();
    assert_eq!(log::replay(view).unwrap(), durable.engine.state, "the log replays to the live state");
}

#[test]
fn an_instant_that_was_looked_at_is_never_left_behind() {
    let directory = tempfile::tempdir().unwrap();
    let mut durable = engine(directory.path());
    let last = durable.engine.state.last_at.unwrap();
    // Shorter than what counts as a step of the clock.
    let hour = SignedDuration::from_mins(4);
    let stands = |at: Timestamp| Clock::fast_from(at, 1e-9);
    type Use = fn(&mut DurableEngine);
    let uses: [(&str, Use); 3] = [
        ("a pass", |durable| drop(durable.pass().unwrap().unwrap())),
        ("a look at the clock", |durable| durable.look_at_clock().unwrap()),
        ("a sweep after a look", |durable| {
            durable.look_at_clock().unwrap();
            let (started_at, scope) = (durable.now(), crate::fleet::SweepScope::Full);
            let sweep = Sweep { scope, started_at, finished_at: started_at, devices: Vec::new() };
            let answer = Ok(ReadAnswer::Sweep(sweep));
            let changes = durable.engine.handle_read(&Read::FullSweep, started_at, answer, started_at);
            durable.keep_devices(changes.unwrap(), started_at).unwrap();
        }),
    ];
    for (hours, (row, used)) in (1..).zip(uses) {
        let later = after(last, hour * hours);
        durable.watch.clock = stands(later);
        let recorded = durable.engine.state.seq;
        used(&mut durable);
        assert_eq!(durable.engine.state.seq, recorded, "{row}: the log does not say how late it was");
        durable.watch.clock = stands(after(later, -hour / 2));
        assert_eq!(durable.now(), later, "{row}");
        durable.pass().unwrap().unwrap();
        assert_eq!(durable.engine.world.clock_behind, Some(later), "{row}: nothing is written until then");
    }
}

/// The durable on a clock that stands, so that a slow machine changes nothing.
fn standing(directory: &Path) -> (DurableEngine, Timestamp) {
    let mut durable = engine(directory);
    let last = durable.now();
    durable.watch.clock = Clock::fast_from(last, 1e-9);
    durable.pass().unwrap().unwrap();
    (durable, last)
}

fn steps(durable: &DurableEngine) -> Vec<(Timestamp, Timestamp)> {
    let view = durable.store.as_ref().unwrap().view();
    let log: Vec<Recorded> = log::events(view).collect::<Result<_, _>>().unwrap();
    assert_eq!(crate::rollout::laws::check(&log, &[]), [], "no law is broken");
    let steps = log.iter().filter_map(|recorded| match recorded.entry.event {
        Event::ClockStepped { from, to } => Some((from, to)),
        _ => None,
    });
    steps.collect()
}

#[test]
fn steps_of_the_clock_are_events_once_each() {
    let hour = SignedDuration::from_hours(1);
    // (row, hours that the clock goes by, steps on record, whether deadlines stood still)
    let rows: [(&str, &[i64], usize, bool); 5] = [
        ("two hours forward", &[2], 1, true),
        ("two hours back", &[-2], 1, false),
        ("two hours back and right again", &[-2, 2], 1, false),
        ("two hours forward and right again", &[2, -2], 2, true),
        ("a day asleep", &[24], 1, true),
    ];
    for (row, moves, expected, stood_still) in rows {
        let directory = tempfile::tempdir().unwrap();
        let (mut durable, last) = standing(directory.path());
        let mut at = last;
        for hours in moves {
            at = after(at, hour * i32::try_from(*hours).unwrap());
            durable.watch.clock = Clock::fast_from(at, 1e-9);
            durable.pass().unwrap().unwrap();
            durable.pass().unwrap().unwrap();
        }
        let found = steps(&durable);
        assert_eq!(found.len(), expected, "{row}: {found:?}");
        assert_eq!(found[0], (last, after(last, hour * i32::try_from(moves[0]).unwrap())), "{row}");
        let spans = &durable.engine.state.plans[&plan()].rollout.standstills;
        assert_eq!(!spans.is_empty(), stood_still, "{row}: {spans:?}");
        assert!(durable.engine.state.plans[&plan()].rollout.halted.is_none(), "{row}");
    }
}

/// The clock may step while what follows a look is under way: a read of a file, a commit, a whole pass.
#[test]
fn a_step_between_two_looks_is_found_whatever_was_done_in_between() {
    let hour = SignedDuration::from_hours(1);
    let ana = Actor::Local { user: "ana".to_owned() };
    // (row, hours by the clock at a look, and when a word is then recorded)
    let rows = [("nothing happens", None), ("a word comes before it", Some(0)), ("and after it", Some(2))];
    for (row, word_after) in rows {
        let directory = tempfile::tempdir().unwrap();
        let (mut durable, last) = standing(directory.path());
        durable.look_at_clock().unwrap();
        if let Some(hours) = word_after {
            durable.watch.clock = Clock::fast_from(after(last, hour * hours), 1e-9);
            durable.command(&ana, "a look first", &Command::Pause(plan())).unwrap().unwrap();
            assert_eq!(durable.engine.state.last_at, Some(last), "{row}: as of the last look");
        }
        durable.watch.clock = Clock::fast_from(after(last, hour * 2), 1e-9);
        durable.pass().unwrap().unwrap();
        assert_eq!(steps(&durable), [(last, after(last, hour * 2))], "{row}");
        assert_eq!(durable.now(), after(last, hour * 2), "{row}");
    }
}

#[test]
fn a_clock_that_is_set_back_after_a_look_that_nothing_followed_is_on_record() {
    let directory = tempfile::tempdir().unwrap();
    let (mut durable, last) = standing(directory.path());
    let (later, back) =
        (after(last, SignedDuration::from_mins(4)), after(last, -SignedDuration::from_hours(2)));
    durable.watch.clock = Clock::fast_from(later, 1e-9);
    durable.look_at_clock().unwrap();
    durable.watch.clock = Clock::fast_from(back, 1e-9);
    durable.pass().unwrap().unwrap();
    assert_eq!(steps(&durable), [(later, back)]);
    assert_eq!(durable.engine.world.clock_behind, Some(later));
}

#[test]
fn a_clock_that_was_set_back_while_no_daemon_ran_is_on_record() {
    let directory = tempfile::tempdir().unwrap();
    let (mut before, last) = standing(directory.path());
    let ahead = after(last, SignedDuration::from_mins(4));
    before.watch.clock = Clock::fast_from(ahead, 1e-9);
    let ana = Actor::Local { user: "ana".to_owned() };
    before.look_at_clock().unwrap();
    before.command(&ana, "a look first", &Command::Pause(plan())).unwrap().unwrap();
    assert_eq!(steps(&before), []);
    drop(before);
    // It runs by its own clock again, which is four minutes behind what the log says.
    let again = engine(directory.path());
    let found = steps(&again);
    assert!(found.len() == 1 && found[0].0 == ahead && found[0].1 < ahead, "{found:?}");
}

/// Nobody reads, ages or alerts by a clock that stands still.
#[test]
fn a_clock_that_is_behind_goes_on_looking_at_half_its_pace() {
    let directory = tempfile::tempdir().unwrap();
    let (mut durable, last) = standing(directory.path());
    let (days, hour) = (SignedDuration::from_hours(24 * 4_000), SignedDuration::from_hours(1));
    // A moment of the wall is hours of this clock.
    durable.watch.clock = Clock::fast_from(after(last, -days), 1e6);
    let pass = durable.pass().unwrap().unwrap();
    let due = |pass: &Pass| pass.wants.values().flatten().map(|want| want.at).min().unwrap();
    let (begun, first, last) = (durable.watch.seen, due(&pass), durable.now());
    while durable.now() < after(last, hour) {
        durable.look_at_clock().unwrap();
    }
    let pass = durable.pass().unwrap().unwrap();
    assert!(since(last, durable.now()) * 2 <= since(begun, durable.watch.seen), "the clock catches up");
    assert_eq!(durable.engine.world.clock_behind, Some(durable.now()));
    assert!(first <= durable.now(), "reads are due");
    let codes: Vec<_> = pass.reports[0].waiting_on.iter().map(|blocker| blocker.code()).collect();
    assert_eq!(codes[0], "clock_behind", "{codes:?}");
    assert_eq!(steps(&durable).len(), 1, "the step is on record once");
}

#[test]
fn what_was_seen_while_the_clock_was_behind_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let (mut durable, last) = standing(directory.path());
    durable.watch.clock = Clock::fast_from(after(last, -SignedDuration::from_hours(1)), 1e-9);
    durable.pass().unwrap().unwrap();
    durable.engine.world.groups = Some(crate::rollout::world::Observed { value: Vec::new(), as_of: last });
    durable.pass().unwrap().unwrap();
    assert!(durable.engine.world.groups.is_some(), "it still looks");
    durable.watch.clock = Clock::fast_from(after(last, SignedDuration::from_mins(1)), 1e-9);
    durable.pass().unwrap().unwrap();
    assert_eq!((durable.engine.world.clock_behind, &durable.engine.world.groups), (None, &None));
}

#[test]
fn a_person_confirms_a_clock_that_is_behind_the_log_and_cloudflare_bears_it_out() {
    let directory = tempfile::tempdir().unwrap();
    let (mut durable, last) = standing(directory.path());
    let ana = Actor::Local { user: "ana".to_owned() };
    let ask = |durable: &mut DurableEngine| {
        durable
            .command(&ana, "the battery was flat", &Command::ConfirmClock)
            .unwrap()
            .map_err(|why| why.to_string())
    };
    assert!(ask(&mut durable).unwrap_err().contains("not behind the log"));
    // It was ahead by 40 days, and is right again.
    let right = after(last, -SignedDuration::from_hours(24 * 40));
    durable.watch.clock = Clock::fast_from(right, 1e-9);
    durable.pass().unwrap().unwrap();
    let agreed = |minutes: i64| crate::rollout::record::AgreedAnswer {
        at: after(right, -SignedDuration::from_mins(minutes)),
        ahead_ms: 300,
    };
    let rows: [(&str, &[i64]); 4] = [
        ("no answer", &[]),
        ("two answers", &[1, 0]),
        ("an old one among them", &[11, 1, 0]),
        ("one from the future", &[2, 1, -1]),
    ];
    for (row, answers) in rows {
        durable.engine.world.second_clock.agreed = answers.iter().copied().map(agreed).collect();
        assert!(ask(&mut durable).unwrap_err().contains("fewer than three answers"), "{row}");
    }
    durable.engine.world.second_clock.agreed = [10, 1, 0].map(agreed).to_vec();
    let done = ask(&mut durable).unwrap();
    assert!(done.starts_with("the clock is confirmed"), "{done}");
    assert_eq!(durable.now(), right);
    durable.pass().unwrap().unwrap();
    assert_eq!(durable.engine.world.clock_behind, None);
    assert!(ask(&mut durable).unwrap_err().contains("not behind the log"), "once");
    durable.command(&ana, "a look first", &Command::Pause(plan())).unwrap().unwrap();
    assert_eq!(durable.engine.state.last_at, Some(right), "what follows is dated by the clock");
    assert_eq!(durable.engine.state.plans[&plan()].rollout.phase_since, right, "nothing lies in the future");
    assert_eq!(steps(&durable).len(), 1);
    let view = durable.store.as_ref().unwrap().view();
    view.verify_chain().unwrap();
    assert_eq!(log::replay(view).unwrap(), durable.engine.state, "the log replays to the live state");
    // A restart goes on by the clock, though the rows are dated 40 days later.
    drop(durable);
    let mut again = self::engine(directory.path());
    again.pass().unwrap().unwrap();
    assert_eq!(again.engine.world.clock_behind, None);
    assert!(since(last, again.now()) < SignedDuration::from_hours(1), "{}", again.now());
    assert_eq!(steps(&again).len(), 1);
}

#[test]
fn a_demos_log_comes_back_too() {
    let directory = tempfile::tempdir().unwrap();
    let mut durable = engine_on(directory.path(), Clock::paced_from(Timestamp::UNIX_EPOCH, 10_000.0));
    let ana = Actor::Local { user: "ana".to_owned() };
    refuse(
        directory.path(),
        "CREATE TRIGGER fault BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END",
    );
    let answer = durable.command(&ana, "dns is down", &Command::Pause(plan())).unwrap();
    assert!(answer.is_err() && durable.lost.is_some(), "{answer:?}");
    refuse(directory.path(), "DROP TRIGGER fault");
    regain(&mut durable).unwrap();
    assert!(durable.lost.is_none() && durable.engine.world.log_unwritable.is_none());
}

#[test]
fn a_log_that_fails_holds_everything_until_it_is_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut durable = engine(directory.path());
    let ana = Actor::Local { user: "ana".to_owned() };
    let (database, away) = (directory.path().join("ringward.db"), directory.path().join("away.db"));
    refuse(
        directory.path(),
        "CREATE TRIGGER fault BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END",
    );
    let answer = durable.command(&ana, "dns is down", &Command::Pause(plan())).unwrap();
    let Err(CommandError::Failed(why)) = answer else { panic!("{answer:?}") };
    assert!(why.contains("the disk is on fire"), "{why}");
    assert!(durable.lost.is_some(), "opening it again needs a record, and that fails as well");

    let before = durable.engine.state.clone();
    let pass = durable.pass().unwrap().unwrap();
    assert!(durable.engine.due_write().is_none());
    assert_eq!(durable.engine.state, before, "nothing is decided");
    let codes: Vec<_> = pass.reports[0].waiting_on.iter().map(|blocker| blocker.code()).collect();
    assert_eq!(codes[0], "log_unwritable", "{codes:?}");
    let view = durable.view(&pass, 0, None);
    assert!(view.log_unwritable.unwrap().message.contains("the disk is on fire"));
    let stopped = durable.command(&ana, "dns is down", &Command::Stop).unwrap().unwrap();
    assert!(durable.stop_file.is_there() && stopped.contains("by the stop file"), "{stopped}");

    std::fs::rename(&database, &away).unwrap();
    regain(&mut durable).unwrap();
    assert!(durable.lost.is_some() && !database.exists(), "nothing is made in its place");
    std::fs::rename(&away, &database).unwrap();
    refuse(directory.path(), "DROP TRIGGER fault");
    regain(&mut durable).unwrap();
    assert!(durable.lost.is_none() && durable.engine.world.log_unwritable.is_none());
    durable.pass().unwrap().unwrap();
    assert!(durable.engine.state.stop.is_some(), "the stop is recorded as soon as it can be");
    let view = durable.store.as_ref().unwrap().view();
    view.verify_chain().unwrap();
    assert_eq!(log::replay(view).unwrap(), durable.engine.state, "the log replays to the live state");
}

/// A full disk: the command line leaves an empty stop file, and the daemon is told who and why.
#[test]
fn a_stop_that_the_log_cannot_take_is_seen_and_recorded_in_the_end() {
    let rows = [("the daemon meets the empty file first", true), ("it is asked first", false)];
    for (row, met) in rows {
        let directory = tempfile::tempdir().unwrap();
        let mut durable = engine(directory.path());
        let ana = Actor::Local { user: "ana".to_owned() };
        refuse(
            directory.path(),
            "CREATE TRIGGER fault BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
        );
        std::fs::write(durable.stop_file.path(), "").unwrap();
        if met {
            let pass = durable.pass().unwrap().unwrap();
            assert!(durable.view(&pass, 0, None).stop.is_some(), "{row}");
        }
        let stopped = durable.command(&ana, " full ", &Command::Stop).unwrap().unwrap();
        assert!(stopped.contains("the log cannot be written"), "{row}: {stopped}");
        let again = Actor::Local { user: "bob".to_owned() };
        durable.command(&again, "again", &Command::Stop).unwrap().unwrap();

        let pass = durable.pass().unwrap().unwrap();
        let hold = durable.view(&pass, 0, None).stop.unwrap();
        assert_eq!((&hold.actor, hold.reason.as_str()), (&ana, "full"), "{row}");
        let codes: Vec<_> = pass.reports[0].waiting_on.iter().map(|blocker| blocker.code()).collect();
        assert!(codes.contains(&"stopped"), "{row}: {codes:?}");
        let start = Command::Start { plans: crate::rollout::people::verbs::situation::StartPlans::GoOn };
        let Err(CommandError::Failed(why)) = durable.command(&ana, "over", &start).unwrap() else {
            panic!("{row}: started")
        };
        assert!(why.contains("could not be recorded") && why.contains("the disk is full"), "{row}: {why}");
        assert!(durable.stop_file.is_there() && durable.engine.is_stopped(), "{row}");

        refuse(directory.path(), "DROP TRIGGER fault");
        regain(&mut durable).unwrap();
        durable.pass().unwrap().unwrap();
        let hold = durable.engine.state.stop.clone().unwrap();
        assert_eq!((&hold.actor, hold.reason.as_str()), (&ana, "full"), "{row}");
        let told = durable.command(&ana, "over", &start).unwrap().unwrap();
        assert!(!durable.engine.is_stopped() && !durable.stop_file.is_there(), "{row}: {told}");
        durable.pass().unwrap().unwrap();
        assert!(!durable.engine.is_stopped(), "{row}: a stop that was lifted does not come back");
    }
}

/// Opens a lost log again without waiting.
fn regain(durable: &mut DurableEngine) -> Result<(), EngineError> {
    durable.hurry();
    durable.regain_when_due()
}

#[test]
fn a_log_that_another_wrote_ends_the_daemon() {
    let directory = tempfile::tempdir().unwrap();
    let mut durable = engine(directory.path());
    refuse(
        directory.path(),
        "DROP TRIGGER events_no_update; UPDATE events SET reason = 'nothing to see' WHERE seq = 2",
    );
    let ana = Actor::Local { user: "ana".to_owned() };
    let error = durable.command(&ana, "dns is down", &Command::Pause(plan())).unwrap_err();
    assert!(error.to_string().contains("record 2 "), "{error}");
    let error = durable.verify_on_disk().unwrap_err();
    assert!(matches!(error, EngineError::Open(OpenError::BrokenLog { .. })), "{error}");
}

#[test]
fn plans_named_yml_are_read_unless_an_earlier_release_wrote_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let mut durable = engine(directory.path());
    assert_eq!(durable.yml(), Yml::Read);
    let earlier =
        Event::DaemonStarted { version: "0.0.9".to_owned(), mode: Mode::Write, settles_seconds: None };
    let id = durable.engine.state.plans[&plan()].rollout.id.clone();
    let entry = Entry { rollout: None, ..Entry::engine(&id, "the daemon starts", earlier) };
    let now = durable.now();
    durable.append(vec![entry], now).unwrap();
    drop(durable);
    assert_eq!(self::engine(directory.path()).yml(), Yml::Report, "after the restart, too");
}
