//! The brake against a write in each of its moments: planned, looked at, cleared, in flight,
//! applied, in doubt; and what somebody does right after it.
//!
//! **Invariant:** nothing is sent between a stop or pause and the verb that lifts it, whatever else
//! is asked for meanwhile; afterwards the walk ends as it would have.

use ringward::ids::{DeviceId, PlanName};
use ringward::plan::model::Revision;
use ringward::rollout::laws::{self, Tolerance};
use ringward::rollout::people::command::Command;
use ringward::rollout::people::verbs::situation::StartPlans;
use ringward::rollout::record::Profile;
use ringward::rollout::record::{Actor, Event, Mode};
use ringward::rollout::state::Phase;
use ringward::time::{SignedDuration, Timestamp, after};

use super::plans::{OLD, policy};
use super::support::drive::devices::{DeviceScript, Devices};
use super::support::drive::upstream::{Upstream, WriteFault};
use super::support::drive::{Drive, Happening, Note, Pace};
use super::{is_over, journal};

const PLAN: &str = "\
plan: alpha
versions: {windows: 2026.8.2100.0}
defaults: {soak: 48h}
rings:
  - {name: First, profiles: [engineering]}
  - {name: Second, profiles: [support]}
";

fn name() -> PlanName {
    PlanName::new("alpha").unwrap()
}

fn drive() -> Drive {
    let profiles = ["engineering", "support"];
    let stories = profiles.iter().flat_map(|profile| {
        (0..5).map(move |n| {
            let id = DeviceId::new(format!("{profile}-{n}")).unwrap();
            DeviceScript::new(id, "windows", OLD, policy(profile))
        })
    });
    let profile = |name: &&str| Profile {
        id: policy(name),
        name: Some((*name).to_owned()),
        is_default: false,
        enabled: true,
    };
    let upstream =
        Upstream::new(Devices::new(stories.collect(), None), profiles.iter().map(profile).collect());
    let revision: Revision = ringward::plan::read("alpha.yaml", PLAN.as_bytes()).unwrap();
    let begin = "2026-10-12T06:00:00Z".parse().unwrap();
    Drive::new(upstream, vec![revision], Pace::default(), Mode::Write, begin)
}

fn ask(drive: &mut Drive, at: Timestamp, command: Command) {
    let ann = Actor::Local { user: "ann".to_owned() };
    drive.at(at, Happening::Command(ann, "a test".to_owned(), command));
}

/// Runs until an event of a kind is in the log, and gives its instant.
fn until(drive: &mut Drive, kind: &str) -> Timestamp {
    let end = after(drive.now, SignedDuration::from_hours(24 * 20));
    let of_kind = |drive: &Drive| {
        drive.daemon.log.iter().find(|recorded| recorded.entry.event.kind() == kind).map(|found| found.at)
    };
    loop {
        if let Some(at) = of_kind(drive) {
            return at;
        }
        assert!(drive.step(end), "no {kind}\n{}", drive.tail());
    }
}

fn kinds(drive: &Drive, since: Timestamp) -> Vec<&'static str> {
    let log = drive.daemon.log.iter().filter(|recorded| recorded.at >= since);
    log.map(|recorded| recorded.entry.event.kind()).collect()
}

fn lawful(drive: &Drive, row: &str) {
    let limits = Tolerance { in_transit: SignedDuration::ZERO, ..Tolerance::default() };
    let broken = laws::check_within(&drive.daemon.log, &journal(drive), limits);
    assert!(broken.is_empty(), "{row}: {broken:?}\n{}", drive.tail());
}

#[derive(Debug, Clone, Copy)]
enum Brake {
    Stop,
    StopFile,
    Pause,
}

/// What is asked for right after the brake, none of which lifts it.
fn afterwards(brake: Brake) -> Vec<(&'static str, Vec<Command>)> {
    let (resume, look) = (Command::Resume(name()), Command::CheckNow(name()));
    let go_on = Command::Start { plans: StartPlans::GoOn };
    let paused = Command::Start { plans: StartPlans::Pause };
    match brake {
        Brake::Stop | Brake::StopFile => vec![
            ("nothing", vec![]),
            ("resume", vec![resume.clone()]),
            ("check-now", vec![look]),
            ("stop again", vec![Command::Stop]),
            ("pause, resume", vec![Command::Pause(name()), resume]),
            ("start --paused", vec![paused]),
        ],
        Brake::Pause => vec![
            ("nothing", vec![]),
            ("start", vec![go_on.clone()]),
            ("check-now", vec![look]),
            ("pause again", vec![Command::Pause(name())]),
            ("stop, start", vec![Command::Stop, go_on]),
            ("stop, resume, start --paused", vec![Command::Stop, resume, paused]),
        ],
    }
}

/// From the instant a write is planned: the look takes a second, the last word another one, then it
/// is sent; it is applied a second later, and answered after another.
const MOMENTS: [(&str, i64); 6] = [
    ("planned", 0),
    ("looked at", 500),
    ("about to be cleared", 1_500),
    ("in flight", 2_500),
    ("applied, unanswered", 3_500),
    ("long settled, or in doubt", 30_000),
];

fn faults() -> [(&'static str, Option<WriteFault>); 5] {
    [
        ("no fault", None),
        ("reset before", Some(WriteFault::ResetBefore)),
        ("reset after", Some(WriteFault::ResetAfter)),
        ("applied late", Some(WriteFault::AppliedLate(SignedDuration::from_mins(3)))),
        ("5xx, not applied", Some(WriteFault::ServerError { applied: false })),
    ]
}

#[test]
fn the_brake_beats_a_write_in_each_of_its_moments() {
    for (moment, millis) in MOMENTS {
        // What is never sent meets no fault.
        let is_sent = millis > 2_000;
        for (fault, what) in faults().into_iter().take(if is_sent { 5 } else { 1 }) {
            for brake in [Brake::Stop, Brake::StopFile, Brake::Pause] {
                for (then, commands) in afterwards(brake) {
                    let paces = if commands.is_empty() { 1 } else { 2 };
                    for apart in [0, 90_000].into_iter().take(paces) {
                        let row = format!("{brake:?} when {moment} ({fault}), then {then} {apart} ms apart");
                        let mut drive = drive();
                        drive.upstream.write_faults.extend(what.clone().map(|fault| (1, fault)));
                        let planned = until(&mut drive, "write_planned");
                        let braked = after(planned, SignedDuration::from_millis(millis));
                        let since = drive.upstream.writes().count();
                        assert_eq!(since, 0, "{row}: it is only planned");
                        brakes(&mut drive, brake, braked);
                        let mut at = braked;
                        for command in &commands {
                            at = after(at, SignedDuration::from_millis(apart));
                            ask(&mut drive, at, command.clone());
                        }
                        let quiet_until = after(braked, SignedDuration::from_hours(1));
                        drive.run_until(quiet_until);
                        // What was sent before is on its way; nothing else is.
                        let late: Vec<_> =
                            drive.upstream.writes().filter(|request| request.at > braked).collect();
                        assert!(late.is_empty(), "{row}: {late:?}\n{}", drive.tail());
                        assert!(drive.daemon.engine.state.pending_write().is_none(), "{row}: it is settled");
                        lawful(&drive, &row);
                        if then == "nothing" && apart == 0 {
                            release(&mut drive, &row);
                        }
                    }
                }
            }
        }
    }
}

fn brakes(drive: &mut Drive, brake: Brake, at: Timestamp) {
    match brake {
        Brake::Stop => ask(drive, at, Command::Stop),
        Brake::Pause => ask(drive, at, Command::Pause(name())),
        Brake::StopFile => {
            let ann = Actor::Local { user: "ann".to_owned() };
            drive.at(at, Happening::StopFile(ann, "a test".to_owned()));
        }
    }
}

/// Lifts everything, and the walk ends.
fn release(drive: &mut Drive, row: &str) {
    if drive.daemon.engine.state.stop.is_some() {
        ask(drive, drive.now, Command::Start { plans: StartPlans::GoOn });
    }
    ask(drive, drive.now, Command::Resume(name()));
    drive.run_until(after(drive.now, SignedDuration::from_hours(24 * 14)));
    assert!(is_over(drive), "{row}\n{}", drive.tail());
    assert_eq!(drive.daemon.engine.state.plans[&name()].rollout.phase, Phase::Completed, "{row}");
    assert_eq!(drive.upstream.groups().count(), 2, "{row}");
    lawful(drive, row);
}

#[test]
fn a_resume_lifts_pause_and_halt_and_only_something_new_halts_again() {
    let mut drive = drive();
    for write in 1..=2 {
        drive.upstream.write_faults.insert(write, WriteFault::Refused(400));
    }
    let halted = until(&mut drive, "halted");
    // A pause while it is halted holds as well, and is no second halt.
    ask(&mut drive, halted, Command::Pause(name()));
    ask(&mut drive, halted, Command::CheckNow(name()));
    drive.run_until(after(halted, SignedDuration::from_hours(1)));
    assert_eq!(drive.upstream.writes().count(), 1, "{}", drive.tail());
    let first = drive.now;
    ask(&mut drive, first, Command::Resume(name()));
    drive.run_until(after(first, SignedDuration::from_hours(1)));
    let found = kinds(&drive, first);
    assert_eq!(found.get(..2), Some(["pause_lifted", "halt_lifted"].as_slice()), "{found:?}");
    assert_eq!(found.iter().filter(|kind| **kind == "halted").count(), 1, "a new refusal halts: {found:?}");
    assert_eq!(drive.upstream.writes().count(), 2);
    // Twice the same is refused, with what would work.
    let again = drive.now;
    ask(&mut drive, again, Command::Resume(name()));
    ask(&mut drive, again, Command::Resume(name()));
    drive.run_until(after(again, SignedDuration::from_hours(24 * 14)));
    let refused: Vec<String> = drive
        .notes
        .iter()
        .filter_map(|(_, _, note)| match note {
            Note::Refused(_, Command::Resume(_), refusal) => Some(refusal.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(
        refused,
        ["plan alpha is neither paused nor halted; ringward explain alpha says what it waits for"]
    );
    let halts =
        drive.daemon.log.iter().filter(|recorded| matches!(recorded.entry.event, Event::Halted { .. }));
    assert_eq!(halts.count(), 2, "{}", drive.tail());
    assert_eq!(drive.daemon.engine.state.plans[&name()].rollout.phase, Phase::Completed, "{}", drive.tail());
    lawful(&drive, "halted twice");
}
