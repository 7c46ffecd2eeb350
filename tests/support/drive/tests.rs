//! The drive's own tests: a walk of two rings, each fault, and each kind of device.

use std::collections::{BTreeMap, BTreeSet};

use ringward::ids::{DeviceId, PlanName, PolicyId, RingName};
use ringward::plan::model::{
    Adoption, AllowDowngrade, Health, OnDrift, OnFailure, OnNewTarget, Percent, Plan, PlanDigest, ProfileRef,
    Revision, RingPlan, RollbackRules,
};
use ringward::rollout::record::Mode;
use ringward::rollout::record::Profile;
use ringward::rollout::state::Phase;
use ringward::schedule::Schedule;
use ringward::time::{Span, Timestamp};
use ringward::version::{ClientVersion, Environment};

use super::devices::{DeviceScript, Devices};
use super::far_end::{FarEnd, WriteFault};
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

fn account() -> FarEnd {
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
    FarEnd::new(Devices::new(stories.collect(), None), profiles.iter().map(profile).collect())
}

fn drive() -> Drive {
    let begin = at("2026-10-12T06:00:00Z");
    Drive::new(account(), vec![revision()], Pace::default(), Mode::Write, begin)
}

fn phase(drive: &Drive) -> Phase {
    drive.engine.state.plans.values().next().unwrap().rollout.phase
}

#[test]
fn two_rings_walk() {
    let mut drive = drive();
    drive.run_until(at("2026-10-20T06:00:00Z"));
    assert_eq!(phase(&drive), Phase::Completed, "{}", drive.tail());
    assert_eq!(drive.far_end.writes().count(), 2);
    let profiles: BTreeSet<_> = drive.far_end.groups().flat_map(|group| &group.content.policies).collect();
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
        drive.far_end.write_faults.insert(1, fault);
        drive.run_until(at("2026-10-20T06:00:00Z"));
        assert_eq!(phase(&drive), Phase::Completed, "{row}\n{}", drive.tail());
        assert_eq!(drive.far_end.groups().count(), 2, "{row}");
    }
}

#[test]
fn a_crash_after_any_record_ends_alike() {
    let mut whole = drive();
    whole.run_until(at("2026-10-20T06:00:00Z"));
    for records in 1..=whole.engine.log.len() {
        let mut drive = drive();
        drive.crash_after(records);
        drive.run_until(at("2026-10-20T06:00:00Z"));
        assert_eq!(drive.crashes, 1, "after record {records}");
        assert_eq!(phase(&drive), Phase::Completed, "after record {records}\n{}", drive.tail());
        assert_eq!(drive.far_end.groups().count(), 2, "after record {records}");
    }
}
