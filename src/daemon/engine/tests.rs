//! The engine over a real database whose commits can be made to fail.

use std::path::Path;

use super::*;
use crate::daemon::files::PlanFiles;
use crate::daemon::files::{Settles, Yml, look};
use crate::daemon::log::{self, Replayed};
use crate::daemon::view::CommandError;
use crate::fleet::Sweep;
use crate::ids::{AccountId, PlanName};
use crate::rollout::people::command::Command;
use crate::rollout::record::{Actor, Entry, Event, Mode, Recorded};
use crate::rollout::tell::waits::Wait;
use crate::store::OpenError;
use crate::time::{Clock, SignedDuration, Timestamp, after, since};

const PLAN: &str = include_str!("../../../rollouts/examples/three-rings.yaml");

fn plan() -> PlanName {
    "cloudflare-one-client".parse().unwrap()
}

fn engine(directory: &Path) -> Engine {
    std::fs::write(directory.join("plan.yaml"), PLAN).unwrap();
    let account: AccountId = "023e105f4ecef8ad9ca31a8372d0c353".parse().unwrap();
    let clock = "2026-10-12T06:00:00Z@2026-11-21T00:00:00Z*1".parse().unwrap();
    let files = PlanFiles::new(directory.to_owned(), account.clone(), Settles::of(0.0, &clock));
    let mut engine =
        Engine::open(&directory.join("ringward.db"), account, clock, Mode::Write, files).unwrap();
    engine.take_look(look(directory, Yml::Read));
    let pass = engine.pass().unwrap();
    assert_eq!(pass.reports.len(), 1, "the plan is accepted");
    engine
}

/// Makes each append of a kind of event fail, or lets it pass again.
fn refuse(directory: &Path, statement: &str) {
    let connection = rusqlite::Connection::open(directory.join("ringward.db")).unwrap();
    connection.execute_batch(statement).unwrap();
}

#[test]
fn a_verb_whose_commit_fails_is_answered_as_failed() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = engine(directory.path());
    let ana = Actor::Local { user: "ana".to_owned() };
    refuse(
        directory.path(),
        "CREATE TRIGGER fault BEFORE INSERT ON events WHEN NEW.kind = 'paused'
         BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END",
    );
    let answer = engine.command(&ana, "dns is down", &Command::Pause(plan())).unwrap();
    assert!(matches!(answer, Err(CommandError::Failed(_))), "{answer:?}");
    assert!(engine.state.plans[&plan()].paused.is_none(), "what is not in the log did not happen");

    refuse(directory.path(), "DROP TRIGGER fault");
    let answer = engine.command(&ana, "dns is down", &Command::Pause(plan())).unwrap();
    assert_eq!(answer, Ok("plan cloudflare-one-client is paused".to_owned()));
    let view = engine.store.as_ref().unwrap().view();
    view.verify_chain().unwrap();
    assert_eq!(log::replay(view).unwrap(), engine.state, "the log replays to the live state");
}

#[test]
fn counts_of_rings_that_cannot_be_kept_cost_only_themselves() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = engine(directory.path());
    refuse(directory.path(), "ALTER TABLE ring_samples RENAME TO elsewhere");
    engine.sampled_at = None;
    engine.pass().unwrap();
    assert!(engine.sampled_at.is_some(), "they were counted");
    assert!(!engine.is_lost() && engine.losses.count == 0 && engine.world.log_unwritable.is_none());
    let ana = Actor::Local { user: "ana".to_owned() };
    let answer = engine.command(&ana, "dns is down", &Command::Pause(plan())).unwrap();
    assert!(answer.is_ok(), "the log goes on: {answer:?}");
}

#[test]
fn what_is_appended_survives_a_restart_with_its_order() {
    let directory = tempfile::tempdir().unwrap();
    let before = {
        let mut engine = engine(directory.path());
        let ana = Actor::Local { user: "ana".to_owned() };
        engine.command(&ana, "a look first", &Command::Pause(plan())).unwrap().unwrap();
        engine.state.clone()
    };
    let again = engine(directory.path());
    assert_eq!(again.state.plans[&plan()].paused, before.plans[&plan()].paused);
    assert_eq!(again.state.plans[&plan()].rollout.id, before.plans[&plan()].rollout.id);
    assert!(again.state.seq > before.seq, "the restart is on record");
}

#[test]
fn a_decision_is_recorded_at_the_instant_it_was_made_for() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = engine(directory.path());
    // A year per second: whatever reads the clock again is days late.
    engine.watch.clock = Clock::fast_from(engine.now(), 3e7);
    std::fs::remove_file(directory.path().join("plan.yaml")).unwrap();
    let changed = PLAN.replace("2026.8.2100.0", "2026.8.2101.0");
    std::fs::write(directory.path().join("plan.yaml"), changed).unwrap();
    engine.take_look(look(directory.path(), Yml::Read));
    let before = engine.state.seq;
    let pass = engine.pass().unwrap();
    assert!(engine.state.seq > before, "the change is on record");
    assert_eq!(engine.state.last_at, Some(pass.reports[0].at));
}

#[test]
fn what_rollouts_waited_for_is_the_same_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = engine(directory.path());
    let ana = Actor::Local { user: "ana".to_owned() };
    engine.command(&ana, "a look first", &Command::Pause(plan())).unwrap().unwrap();
    engine.pass().unwrap();
    let Replayed { state, waits: mut replayed, .. } =
        log::replay_all(engine.store.as_ref().unwrap().view()).unwrap();
    let month = SignedDuration::from_hours(30 * 24);
    let later = after(engine.now(), month);
    replayed.settle(&state, later);
    engine.waits.settle(&engine.state, later);
    assert_eq!(replayed, engine.waits);
    assert!(replayed.of(&plan(), Wait::Human) >= month, "a paused plan waits for a person");
}

#[test]
fn a_clock_that_was_set_back_stops_writes_until_it_has_caught_up() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = engine(directory.path());
    let last = engine.now();
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
        engine.watch.clock = Clock::fast_from(stands, 1e-9);
        // Time goes on from the later clock's pass.
        let last = engine.now();
        let pass = engine.pass().unwrap();
        let expected = is_behind.then_some(last);
        assert_eq!(engine.world.clock_behind, expected, "{row}");
        assert!(engine.now() >= last, "{row}: recorded time never goes back");
        let told = |blocker: &crate::rollout::decide::blocker::Blocker| blocker.code() == "clock_behind";
        assert_eq!(pass.reports[0].waiting_on.iter().any(told), is_behind, "{row}");
    }
    let view = engine.store.as_ref().unwrap().view();
    assert_eq!(log::replay(view).unwrap(), engine.state, "the log replays to the live state");
}

#[test]
fn an_instant_that_was_looked_at_is_never_left_behind() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = engine(directory.path());
    let last = engine.state.last_at.unwrap();
    // Shorter than what counts as a step of the clock.
    let hour = SignedDuration::from_mins(4);
    let stands = |at: Timestamp| Clock::fast_from(at, 1e-9);
    type Use = fn(&mut Engine);
    let uses: [(&str, Use); 3] = [
        ("a pass", |engine| drop(engine.pass().unwrap())),
        ("a look at the clock", |engine| engine.look_at_clock().unwrap()),
        ("a sweep after a look", |engine| {
            engine.look_at_clock().unwrap();
            let (started_at, scope) = (engine.now(), crate::fleet::SweepScope::Full);
            let sweep = Sweep { scope, started_at, finished_at: started_at, devices: Vec::new() };
            engine.observe_sweep(sweep).unwrap();
        }),
    ];
    for (hours, (row, used)) in (1..).zip(uses) {
        let later = after(last, hour * hours);
        engine.watch.clock = stands(later);
        let recorded = engine.state.seq;
        used(&mut engine);
        assert_eq!(engine.state.seq, recorded, "{row}: the log does not say how late it was");
        engine.watch.clock = stands(after(later, -hour / 2));
        assert_eq!(engine.now(), later, "{row}");
        engine.pass().unwrap();
        assert_eq!(engine.world.clock_behind, Some(later), "{row}: nothing is written until then");
    }
}

/// The engine on a clock that stands, so that a slow machine changes nothing.
fn standing(directory: &Path) -> (Engine, Timestamp) {
    let mut engine = engine(directory);
    let last = engine.now();
    engine.watch.clock = Clock::fast_from(last, 1e-9);
    engine.pass().unwrap();
    (engine, last)
}

fn steps(engine: &Engine) -> Vec<(Timestamp, Timestamp)> {
    let view = engine.store.as_ref().unwrap().view();
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
        let (mut engine, last) = standing(directory.path());
        let mut at = last;
        for hours in moves {
            at = after(at, hour * i32::try_from(*hours).unwrap());
            engine.watch.clock = Clock::fast_from(at, 1e-9);
            engine.pass().unwrap();
            engine.pass().unwrap();
        }
        let found = steps(&engine);
        assert_eq!(found.len(), expected, "{row}: {found:?}");
        assert_eq!(found[0], (last, after(last, hour * i32::try_from(moves[0]).unwrap())), "{row}");
        let spans = &engine.state.plans[&plan()].rollout.standstills;
        assert_eq!(!spans.is_empty(), stood_still, "{row}: {spans:?}");
        assert!(engine.state.plans[&plan()].rollout.halted.is_none(), "{row}");
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
        let (mut engine, last) = standing(directory.path());
        engine.look_at_clock().unwrap();
        if let Some(hours) = word_after {
            engine.watch.clock = Clock::fast_from(after(last, hour * hours), 1e-9);
            engine.command(&ana, "a look first", &Command::Pause(plan())).unwrap().unwrap();
            assert_eq!(engine.state.last_at, Some(last), "{row}: as of the last look");
        }
        engine.watch.clock = Clock::fast_from(after(last, hour * 2), 1e-9);
        engine.pass().unwrap();
        assert_eq!(steps(&engine), [(last, after(last, hour * 2))], "{row}");
        assert_eq!(engine.now(), after(last, hour * 2), "{row}");
    }
}

#[test]
fn a_clock_that_is_set_back_after_a_look_that_nothing_followed_is_on_record() {
    let directory = tempfile::tempdir().unwrap();
    let (mut engine, last) = standing(directory.path());
    let (later, back) =
        (after(last, SignedDuration::from_mins(4)), after(last, -SignedDuration::from_hours(2)));
    engine.watch.clock = Clock::fast_from(later, 1e-9);
    engine.look_at_clock().unwrap();
    engine.watch.clock = Clock::fast_from(back, 1e-9);
    engine.pass().unwrap();
    assert_eq!(steps(&engine), [(later, back)]);
    assert_eq!(engine.world.clock_behind, Some(later));
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
    let (mut engine, last) = standing(directory.path());
    let (days, hour) = (SignedDuration::from_hours(24 * 4_000), SignedDuration::from_hours(1));
    // A moment of the wall is hours of this clock.
    engine.watch.clock = Clock::fast_from(after(last, -days), 1e6);
    let pass = engine.pass().unwrap();
    let due = |pass: &Pass| pass.reads.iter().map(|want| want.at).min().unwrap();
    let (begun, first, last) = (engine.watch.seen(), due(&pass), engine.now());
    while engine.now() < after(last, hour) {
        engine.look_at_clock().unwrap();
    }
    let pass = engine.pass().unwrap();
    assert!(since(last, engine.now()) * 2 <= since(begun, engine.watch.seen()), "the clock catches up");
    assert_eq!(engine.world.clock_behind, Some(engine.now()));
    assert!(first <= engine.now(), "reads are due");
    let codes: Vec<_> = pass.reports[0].waiting_on.iter().map(|blocker| blocker.code()).collect();
    assert_eq!(codes[0], "clock_behind", "{codes:?}");
    assert_eq!(steps(&engine).len(), 1, "the step is on record once");
}

#[test]
fn what_was_seen_while_the_clock_was_behind_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let (mut engine, last) = standing(directory.path());
    engine.watch.clock = Clock::fast_from(after(last, -SignedDuration::from_hours(1)), 1e-9);
    engine.pass().unwrap();
    engine.world.groups = Some(crate::rollout::world::Observed { value: Vec::new(), as_of: last });
    engine.pass().unwrap();
    assert!(engine.world.groups.is_some(), "it still looks");
    engine.watch.clock = Clock::fast_from(after(last, SignedDuration::from_mins(1)), 1e-9);
    engine.pass().unwrap();
    assert_eq!((engine.world.clock_behind, &engine.world.groups), (None, &None));
}

#[test]
fn a_person_confirms_a_clock_that_is_behind_the_log_and_cloudflare_bears_it_out() {
    let directory = tempfile::tempdir().unwrap();
    let (mut engine, last) = standing(directory.path());
    let ana = Actor::Local { user: "ana".to_owned() };
    let ask = |engine: &mut Engine| {
        engine
            .command(&ana, "the battery was flat", &Command::ConfirmClock)
            .unwrap()
            .map_err(|why| why.to_string())
    };
    assert!(ask(&mut engine).unwrap_err().contains("not behind the log"));
    // It was ahead by 40 days, and is right again.
    let right = after(last, -SignedDuration::from_hours(24 * 40));
    engine.watch.clock = Clock::fast_from(right, 1e-9);
    engine.pass().unwrap();
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
        engine.world.second_clock.agreed = answers.iter().copied().map(agreed).collect();
        assert!(ask(&mut engine).unwrap_err().contains("fewer than three answers"), "{row}");
    }
    engine.world.second_clock.agreed = [10, 1, 0].map(agreed).to_vec();
    let done = ask(&mut engine).unwrap();
    assert!(done.starts_with("the clock is confirmed"), "{done}");
    assert_eq!(engine.now(), right);
    engine.pass().unwrap();
    assert_eq!(engine.world.clock_behind, None);
    assert!(ask(&mut engine).unwrap_err().contains("not behind the log"), "once");
    engine.command(&ana, "a look first", &Command::Pause(plan())).unwrap().unwrap();
    assert_eq!(engine.state.last_at, Some(right), "what follows is dated by the clock");
    assert_eq!(engine.state.plans[&plan()].rollout.phase_since, right, "nothing lies in the future");
    assert_eq!(steps(&engine).len(), 1);
    let view = engine.store.as_ref().unwrap().view();
    view.verify_chain().unwrap();
    assert_eq!(log::replay(view).unwrap(), engine.state, "the log replays to the live state");
    // A restart goes on by the clock, though the rows are dated 40 days later.
    drop(engine);
    let mut again = self::engine(directory.path());
    again.pass().unwrap();
    assert_eq!(again.world.clock_behind, None);
    assert!(since(last, again.now()) < SignedDuration::from_hours(1), "{}", again.now());
    assert_eq!(steps(&again).len(), 1);
}

#[test]
fn a_log_that_fails_holds_everything_until_it_is_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = engine(directory.path());
    let ana = Actor::Local { user: "ana".to_owned() };
    let (database, away) = (directory.path().join("ringward.db"), directory.path().join("away.db"));
    refuse(
        directory.path(),
        "CREATE TRIGGER fault BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END",
    );
    let answer = engine.command(&ana, "dns is down", &Command::Pause(plan())).unwrap();
    let Err(CommandError::Failed(why)) = answer else { panic!("{answer:?}") };
    assert!(why.contains("the disk is on fire"), "{why}");
    assert!(engine.is_lost(), "opening it again needs a record, and that fails as well");

    let before = engine.state.clone();
    let pass = engine.pass().unwrap();
    assert!(pass.write.is_none());
    assert_eq!(engine.state, before, "nothing is decided");
    let codes: Vec<_> = pass.reports[0].waiting_on.iter().map(|blocker| blocker.code()).collect();
    assert_eq!(codes[0], "log_unwritable", "{codes:?}");
    let view = engine.view(&pass, 0, None);
    assert!(view.log_unwritable.unwrap().message.contains("the disk is on fire"));
    let stopped = engine.command(&ana, "dns is down", &Command::Stop).unwrap().unwrap();
    assert!(engine.stop_file.is_there() && stopped.contains("by the stop file"), "{stopped}");

    std::fs::rename(&database, &away).unwrap();
    regain(&mut engine).unwrap();
    assert!(engine.is_lost() && !database.exists(), "nothing is made in its place");
    std::fs::rename(&away, &database).unwrap();
    refuse(directory.path(), "DROP TRIGGER fault");
    regain(&mut engine).unwrap();
    assert!(!engine.is_lost() && engine.world.log_unwritable.is_none());
    engine.pass().unwrap();
    assert!(engine.state.stop.is_some(), "the stop is recorded as soon as it can be");
    let view = engine.store.as_ref().unwrap().view();
    view.verify_chain().unwrap();
    assert_eq!(log::replay(view).unwrap(), engine.state, "the log replays to the live state");
}

/// A full disk: the command line leaves an empty stop file, and the daemon is told who and why.
#[test]
fn a_stop_that_the_log_cannot_take_is_seen_and_recorded_in_the_end() {
    let rows = [("the daemon meets the empty file first", true), ("it is asked first", false)];
    for (row, met) in rows {
        let directory = tempfile::tempdir().unwrap();
        let mut engine = engine(directory.path());
        let ana = Actor::Local { user: "ana".to_owned() };
        refuse(
            directory.path(),
            "CREATE TRIGGER fault BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
        );
        std::fs::write(engine.stop_file.path(), "").unwrap();
        if met {
            let pass = engine.pass().unwrap();
            assert!(engine.view(&pass, 0, None).stop.is_some(), "{row}");
        }
        let stopped = engine.command(&ana, " full ", &Command::Stop).unwrap().unwrap();
        assert!(stopped.contains("the log cannot be written"), "{row}: {stopped}");
        let again = Actor::Local { user: "bob".to_owned() };
        engine.command(&again, "again", &Command::Stop).unwrap().unwrap();

        let pass = engine.pass().unwrap();
        let hold = engine.view(&pass, 0, None).stop.unwrap();
        assert_eq!((&hold.actor, hold.reason.as_str()), (&ana, "full"), "{row}");
        let codes: Vec<_> = pass.reports[0].waiting_on.iter().map(|blocker| blocker.code()).collect();
        assert!(codes.contains(&"stopped"), "{row}: {codes:?}");
        let start = Command::Start { plans: crate::rollout::people::verbs::situation::StartPlans::GoOn };
        let Err(CommandError::Failed(why)) = engine.command(&ana, "over", &start).unwrap() else {
            panic!("{row}: started")
        };
        assert!(why.contains("could not be recorded") && why.contains("the disk is full"), "{row}: {why}");
        assert!(engine.stop_file.is_there() && engine.is_stopped(), "{row}");

        refuse(directory.path(), "DROP TRIGGER fault");
        regain(&mut engine).unwrap();
        engine.pass().unwrap();
        let hold = engine.state.stop.clone().unwrap();
        assert_eq!((&hold.actor, hold.reason.as_str()), (&ana, "full"), "{row}");
        let told = engine.command(&ana, "over", &start).unwrap().unwrap();
        assert!(!engine.is_stopped() && !engine.stop_file.is_there(), "{row}: {told}");
        engine.pass().unwrap();
        assert!(!engine.is_stopped(), "{row}: a stop that was lifted does not come back");
    }
}

/// Opens a lost log again without waiting.
fn regain(engine: &mut Engine) -> Result<(), EngineError> {
    engine.hurry();
    engine.regain_when_due()
}

#[test]
fn a_log_that_another_wrote_ends_the_daemon() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = engine(directory.path());
    refuse(
        directory.path(),
        "DROP TRIGGER events_no_update; UPDATE events SET reason = 'nothing to see' WHERE seq = 2",
    );
    let ana = Actor::Local { user: "ana".to_owned() };
    let error = engine.command(&ana, "dns is down", &Command::Pause(plan())).unwrap_err();
    assert!(error.to_string().contains("record 2 "), "{error}");
    let error = engine.verify_on_disk().unwrap_err();
    assert!(matches!(error, EngineError::Open(OpenError::BrokenLog { .. })), "{error}");
}

#[test]
fn plans_named_yml_are_read_unless_an_earlier_release_wrote_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = engine(directory.path());
    assert_eq!(engine.yml(), Yml::Read);
    let earlier =
        Event::DaemonStarted { version: "0.0.9".to_owned(), mode: Mode::Write, settles_seconds: None };
    let id = engine.state.plans[&plan()].rollout.id.clone();
    let entry = Entry { rollout: None, ..Entry::engine(&id, "the daemon starts", earlier) };
    let now = engine.now();
    engine.append(vec![entry], now).unwrap();
    drop(engine);
    assert_eq!(self::engine(directory.path()).yml(), Yml::Report, "after the restart, too");
}
