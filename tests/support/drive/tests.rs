//! The drive's own tests: a walk of two rings, each fault, and each kind of device.

use std::collections::{BTreeMap, BTreeSet};

use ringward::engine::{Engine, LookAnswer, ReadAnswer, ReadFailed};
use ringward::ids::{DeviceId, PlanName, PolicyId, RingName};
use ringward::plan::model::{
    Adoption, AllowDowngrade, Health, OnDrift, OnFailure, OnNewTarget, Percent, Plan, PlanDigest, ProfileRef,
    Revision, RingPlan, RollbackRules,
};
use ringward::rollout::record::{Cancelled, Event, Mode, Profile, Recorded};
use ringward::rollout::state::Phase;
use ringward::rollout::world::{Desired, Read};
use ringward::schedule::Schedule;
use ringward::simulation::replayed;
use ringward::time::{Span, Timestamp};
use ringward::version::{ClientVersion, Environment};

use super::devices::{DeviceScript, Devices};
use super::upstream::{Upstream, WriteFault};
use super::{Drive, Pace};

const OLD: ClientVersion = ClientVersion::new(2026, 6, 880, 0);
const NEW: ClientVersion = ClientVersion::new(2026, 8, 2100, 0);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn policy(text: &str) -> PolicyId {
    PolicyId::new(text).unwrap()
}

fn ring(name: &str, profile: &str) -> RingPlan {
    RingPlan {
        name: RingName::new(name).unwrap(),
        was: None,
        group: name.to_owned(),
        profiles: vec![ProfileRef::Named(profile.to_owned())],
        targets: BTreeMap::from([(Environment::Windows, NEW)]),
        schedule: Schedule::always(),
        adoption: Adoption {
            at_least: Percent::whole(90),
            within: Span::hours(168),
            seen_at_least: Percent::whole(60),
        },
        soak: Span::hours(48),
        health: Health::default(),
        unknown_after: Span::hours(6),
        on_failure: OnFailure::Halt,
        rollback: RollbackRules::default(),
        approval: None,
        max_devices: None,
        allow_downgrade: AllowDowngrade::Nothing,
    }
}

fn revision() -> Revision {
    let plan = Plan {
        name: PlanName::new("client").unwrap(),
        was: None,
        description: None,
        account: None,
        author: None,
        forbid: Vec::new(),
        on_new_target: OnNewTarget::Replace,
        on_drift: OnDrift::Halt,
        rings: vec![ring("First", "Engineering"), ring("Second", "Support")],
    };
    let written = "client".to_owned();
    Revision { digest: PlanDigest::of_written(&written), written, plan }
}

fn account() -> Upstream {
    let profiles = ["Engineering", "Support"];
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
    Upstream::new(Devices::new(stories.collect(), None), profiles.iter().map(profile).collect())
}

fn drive() -> Drive {
    let begin = at("2026-10-12T06:00:00Z");
    Drive::new(account(), vec![revision()], Pace::default(), Mode::Write, begin)
}

fn phase(drive: &Drive) -> Phase {
    drive.daemon.engine.state.plans.values().next().unwrap().rollout.phase
}

#[test]
fn two_rings_walk() {
    let mut drive = drive();
    drive.run_until(at("2026-10-20T06:00:00Z"));
    assert_eq!(phase(&drive), Phase::Completed, "{}", drive.tail());
    assert_eq!(drive.upstream.writes().count(), 2);
    let profiles: BTreeSet<_> = drive.upstream.groups().flat_map(|group| &group.content.policies).collect();
    assert_eq!(profiles.len(), 2);
}

#[test]
fn every_write_fault_is_survived() {
    let rows = [
        ("reset before", WriteFault::ResetBefore),
        ("reset after", WriteFault::ResetAfter),
        ("applied late", WriteFault::AppliedLate("3m".parse::<Span>().unwrap().get())),
        ("5xx, applied", WriteFault::ServerError { applied: true }),
        ("5xx, not applied", WriteFault::ServerError { applied: false }),
        ("429", WriteFault::RateLimited { retry_after: None }),
        ("connect refused", WriteFault::ConnectRefused),
        ("answer differs", WriteFault::AnswerDiffers),
    ];
    for (row, fault) in rows {
        let mut drive = drive();
        drive.upstream.write_faults.insert(1, fault);
        drive.run_until(at("2026-10-20T06:00:00Z"));
        assert_eq!(phase(&drive), Phase::Completed, "{row}\n{}", drive.tail());
        assert_eq!(drive.upstream.groups().count(), 2, "{row}");
    }
}

#[test]
fn a_crash_after_any_record_ends_alike() {
    let mut whole = drive();
    whole.run_until(at("2026-10-20T06:00:00Z"));
    for records in 1..=whole.daemon.log.len() {
        let mut drive = drive();
        drive.crash_after(records);
        drive.run_until(at("2026-10-20T06:00:00Z"));
        assert_eq!(drive.crashes, 1, "after record {records}");
        assert_eq!(phase(&drive), Phase::Completed, "after record {records}\n{}", drive.tail());
        assert_eq!(drive.upstream.groups().count(), 2, "after record {records}");
    }
}

/// What is announced in the log alone is handed out: an engine whose write nobody acknowledged has none.
#[test]
fn nothing_is_handed_out_before_its_event_is_recorded() {
    let mut drive = drive();
    while drive.daemon.engine.state.pending_write().is_none() {
        assert!(drive.step(at("2026-10-13T06:00:00Z")), "{}", drive.tail());
    }
    let is_planned = |recorded: &Recorded| matches!(recorded.entry.event, Event::WritePlanned { .. });
    let planned = drive.daemon.log.iter().position(is_planned).unwrap();
    let mut engine = Engine::default();
    engine.state = replayed(&drive.daemon.log[..planned]).unwrap();
    engine.world = drive.daemon.engine.world.clone();
    let (now, revision) = (drive.now, revision());
    let desired = |_: &PlanName| Desired::Present(&revision);
    engine.begin_pass([&revision.plan.name]);
    let entries = engine.poll_append(desired, now).unwrap();
    assert!(matches!(entries.last().unwrap().event, Event::WritePlanned { .. }), "{entries:?}");
    assert!(engine.poll_look(now).is_none() && engine.poll_send(desired, false, now).is_none());
    let folded = engine.fold(&entries, now).unwrap();
    engine.handle_appended(folded);
    assert!(engine.poll_append(desired, now).is_none(), "the pass is at its end");
    let ended = |engine: &Engine| {
        let mut engine = engine.clone();
        engine.handle_end();
        let entries = engine.poll_append(desired, now).unwrap();
        entries.into_iter().map(|entry| entry.event).collect::<Vec<_>>()
    };
    let told = ended(&engine);
    let is_left = matches!(told[..], [Event::WriteCancelled { why: Cancelled::Ending, .. }]);
    assert!(is_left, "an end before anything was looked at leaves no doubt behind: {told:?}");
    let look = engine.poll_look(now).unwrap();
    assert!(engine.poll_look(now).is_none(), "one write at a time");
    assert!(engine.poll_send(desired, false, now).is_none(), "nothing was looked at");
    let mut unread = engine.clone();
    let failed = ReadFailed { message: "503".to_owned(), come_back_at: None };
    unread.handle_look(look.write, look.at, Err(failed), now);
    let told = ended(&unread);
    let is_read = matches!(told[..], [Event::WriteCancelled { why: Cancelled::ReadFailed { .. }, .. }]);
    assert!(is_read, "what became of it is told once: {told:?}");
    let answers = look.reads.iter().map(|read| match read {
        Read::Groups => ReadAnswer::Groups(Vec::new()),
        other => panic!("a group that is to be created needs {other:?}"),
    });
    let answers = answers.collect();
    engine.handle_look(look.write, look.at, Ok(LookAnswer { answers, doubt: None }), now);
    assert!(engine.poll_send(desired, false, now).is_some());
    assert!(engine.poll_send(desired, false, now).is_none(), "once");
}
