//! The gates at their boundaries, on fleets told as sightings.

use crate::plan::model::RingPlan;
use crate::rollout::record::{Exempt, Failing, Gate, Unknown, Verdict, Waiting};
use crate::rollout::state::{Assigned, Ring, RingState, Rollout, Soak, State};
use crate::rollout::world::Observations;
use crate::schedule::Schedule;
use crate::time::{SignedDuration, Timestamp, after};
use crate::version::Environment;
use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::{ListedDevice, ListedProfile, Membership, Reported, RingScope, Sweep, SweepScope};
use crate::ids::{DeviceId, GroupId, PlanName, PolicyId, RingName};
use crate::plan::model::{
    Adoption, AllowDowngrade, Health, OnDrift, OnFailure, OnNewTarget, Percent, Plan, PlanDigest, ProfileRef,
    Revision, RollbackRules,
};
use crate::rollout::judge::gates::*;
use crate::rollout::judge::opening::*;
use crate::rollout::judge::subject::*;
use crate::rollout::record::GroupDrift;
use crate::rollout::record::{Cause, RolloutId};
use crate::rollout::record::{Group, GroupContent, Profile, Profiles, VersionEntry};
use crate::rollout::state::{Attempts, Attribution, Between, Halt, OwnedGroup, Phase, Restoring, Votes};
use crate::rollout::world::Observed;
use crate::schedule::{Freeze, Opening, Zone};
use crate::version::ClientVersion;

const OLD: ClientVersion = ClientVersion::new(2026, 6, 880, 0);
const TARGET: ClientVersion = ClientVersion::new(2026, 8, 2100, 0);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const MILLI: SignedDuration = SignedDuration::from_millis(1);

pub(super) fn at(text: &str) -> Timestamp {
    format!("2026-10-{text}:00Z").parse().unwrap()
}

/// The assignment, on a Monday.
fn assigned_at() -> Timestamp {
    at("12T12:00")
}

fn profile() -> PolicyId {
    PolicyId::new("p1").unwrap()
}

fn plan(schedule: Schedule) -> RingPlan {
    RingPlan {
        name: RingName::new("First").unwrap(),
        was: None,
        group: "First".to_owned(),
        profiles: vec![ProfileRef::Id(profile())],
        targets: BTreeMap::from([(Environment::Windows, TARGET)]),
        schedule,
        adoption: Adoption {
            at_least: Percent::whole(90),
            within: "2d".parse().unwrap(),
            seen_at_least: Percent::whole(60),
        },
        soak: "24h".parse().unwrap(),
        health: Health::default(),
        unknown_after: "6h".parse().unwrap(),
        on_failure: OnFailure::Halt,
        rollback: RollbackRules::default(),
        approval: None,
        max_devices: None,
        allow_downgrade: AllowDowngrade::Nothing,
    }
}

fn assigned() -> Assigned {
    Assigned {
        group: GroupId::new("g1").unwrap(),
        policies: BTreeSet::from([profile()]),
        at: assigned_at(),
        deadline_from: assigned_at(),
    }
}

/// One ring and what is known of its devices.
pub(super) struct Bench {
    pub(super) state: State,
    pub(super) rollout: Rollout,
    pub(super) plan: RingPlan,
    pub(super) world: Observations,
}

impl Bench {
    fn new(stage: RingState, schedule: Schedule) -> Self {
        let plan = plan(schedule);
        let name = PlanName::new("client").unwrap();
        let whole = Plan {
            name: name.clone(),
            was: None,
            description: None,
            account: None,
            author: None,
            forbid: Vec::new(),
            on_new_target: OnNewTarget::Replace,
            on_drift: OnDrift::Halt,
            rings: vec![plan.clone()],
        };
        let written = "client".to_owned();
        let revision = Revision { digest: PlanDigest::of_written(&written), written, plan: whole };
        let ring = Ring {
            name: plan.name.clone(),
            stage,
            since: assigned_at(),
            unknown: BTreeMap::new(),
            left: BTreeMap::new(),
            waived: BTreeMap::new(),
            between: Between::default(),
            restoring: Restoring { attempts: Attempts::default(), since: assigned_at(), done: 0 },
            acknowledged: BTreeMap::new(),
            silence_accepted: BTreeMap::new(),
            looked: BTreeSet::new(),
            words: Votes::default(),
            moved: BTreeMap::new(),
        };
        let rollout = Rollout {
            id: RolloutId { plan: name, number: 1 },
            revision: revision.into(),
            phase: Phase::Running,
            phase_since: assigned_at(),
            halted: None,
            rings: vec![ring],
            waiting: None,
            standstills: Vec::new(),
            rollback: None,
            gone: BTreeSet::new(),
            dropped: BTreeSet::new(),
            authors: BTreeSet::new(),
        };
        Self { state: State::default(), rollout, plan, world: Observations::default() }
    }

    fn adopting() -> Self {
        Self::new(RingState::Adopting(assigned()), Schedule::always())
    }

    fn soaking(started_at: Timestamp) -> Self {
        Self::new(RingState::Soaking(assigned(), Soak { started_at }), Schedule::always())
    }

    pub(super) fn entering(schedule: Schedule, read_at: Timestamp) -> Self {
        let mut bench = Self::new(RingState::Entering(Attempts::default()), schedule);
        let listed = vec![Profile { id: profile(), name: None, is_default: false, enabled: true }];
        bench.world.profiles = Some(Observed { value: Profiles { listed }, as_of: read_at });
        bench
    }

    /// A full sweep that lists so many devices with a version, last seen at an instant.
    fn sweep(&mut self, started_at: Timestamp, fleet: &[(usize, ClientVersion, Timestamp)]) {
        let mut devices = Vec::new();
        for (count, version, seen) in fleet {
            for _ in 0..*count {
                devices.push(sighting(devices.len(), *version, *seen));
            }
        }
        let sweep = Sweep { scope: SweepScope::Full, started_at, finished_at: started_at, devices };
        let membership = Membership::new(vec![RingScope {
            assigned_at: (started_at >= assigned_at()).then(assigned_at),
            ..scope(&self.rollout.rings[0], &self.plan, &assigned())
        }]);
        self.world.fleet.observe(sweep, &membership);
    }

    fn verdict(&self, gate: Gate, now: Timestamp) -> Verdict {
        let (rollout, plan, world) = (&self.rollout, &self.plan, &self.world);
        let judged =
            judge(Subject { state: &self.state, rollout, ring: &rollout.rings[0], plan, world, now });
        judged.into_iter().find(|judgement| judgement.gate == gate).unwrap().verdict
    }
}

fn sighting(n: usize, version: ClientVersion, seen: Timestamp) -> ListedDevice {
    ListedDevice {
        id: DeviceId::new(format!("d{n}")).unwrap(),
        name: format!("d{n}"),
        user: None,
        device_type: Some("windows".to_owned()),
        os_version: None,
        client: Reported::Version(version),
        last_seen_at: Some(seen),
        policy: Some(ListedProfile { id: profile(), default: false }),
    }
}

#[test]
fn one_of_400_seen_at_the_first_poll_never_reaches_adoption() {
    let mut bench = Bench::adopting();
    bench.sweep(at("12T11:50"), &[(400, OLD, at("12T11:45"))]);
    // The first poll: one device came back, and runs the target.
    bench.sweep(at("12T12:20"), &[(1, TARGET, at("12T12:16")), (399, OLD, at("12T11:45"))]);
    assert_eq!(bench.verdict(Gate::Adoption, at("12T12:21")), Verdict::Wait(Waiting::TooFewSeen));
    // However low the share asked for of those that were seen.
    bench.plan.adoption.at_least = Percent::whole(1);
    assert_eq!(bench.verdict(Gate::Adoption, at("12T12:21")), Verdict::Wait(Waiting::TooFewSeen));
}

#[test]
fn adoption_asks_for_both_shares_exactly() {
    let (late, before) = (at("12T13:00"), at("12T11:45"));
    let rows = [
        ("9 of 10 seen arrived", 9, 1, 0, Verdict::Pass),
        ("8 of 9 seen arrived", 8, 1, 0, Verdict::Wait(Waiting::TooFewArrived)),
        ("6 of 10 active ones seen", 6, 0, 4, Verdict::Pass),
        ("5 of 9 active ones seen", 5, 0, 4, Verdict::Wait(Waiting::TooFewSeen)),
        ("nobody seen", 0, 0, 9, Verdict::Wait(Waiting::TooFewSeen)),
        ("nobody there", 0, 0, 0, Verdict::Unknown(Unknown::NobodyToMove)),
    ];
    for (row, arrived, due, unseen, verdict) in rows {
        let mut bench = Bench::adopting();
        bench.sweep(at("12T11:50"), &[(arrived + due + unseen, OLD, before)]);
        bench.sweep(at("12T13:01"), &[(arrived, TARGET, late), (due, OLD, late), (unseen, OLD, before)]);
        assert_eq!(bench.verdict(Gate::Adoption, at("12T13:02")), verdict, "{row}");
    }
}

#[test]
fn a_look_at_the_devices_supports_a_verdict_for_so_long() {
    let mut bench = Bench::adopting();
    assert_eq!(bench.verdict(Gate::Adoption, at("12T13:00")), Verdict::Unknown(Unknown::NotSwept));
    bench.sweep(at("12T13:00"), &[(3, TARGET, at("12T12:30"))]);
    let oldest = after(at("12T13:00"), MINUTE * 90);
    assert_eq!(bench.verdict(Gate::Adoption, oldest), Verdict::Pass);
    assert_eq!(bench.verdict(Gate::Adoption, after(oldest, MILLI)), Verdict::Unknown(Unknown::StaleSweep));
}

#[test]
fn the_deadline_fails_at_its_instant_and_a_waiver_ends_it() {
    let mut bench = Bench::adopting();
    let deadline = at("14T12:00");
    bench.sweep(at("12T11:50"), &[(3, OLD, at("12T11:45"))]);
    bench.sweep(at("14T11:50"), &[(3, OLD, at("14T11:45"))]);
    let waits = Verdict::Wait(Waiting::TooFewArrived);
    assert_eq!(bench.verdict(Gate::Adoption, after(deadline, -MILLI)), waits);
    assert_eq!(bench.verdict(Gate::Adoption, deadline), Verdict::Fail(Failing::DeadlineMissed));
    let actor = crate::rollout::record::Actor::Loopback;
    let hold = Attribution { actor, reason: "known".to_owned(), since: deadline };
    bench.rollout.rings[0].waived.insert(Gate::Adoption, hold);
    assert_eq!(bench.verdict(Gate::Adoption, deadline), Verdict::Exempt(Exempt::Waived));
}

#[test]
fn a_soak_passes_at_its_instant_once_half_came_back() {
    let (started, ends) = (at("12T13:00"), at("13T13:00"));
    let rows = [
        ("a moment early", 2, 2, after(ends, -MILLI), Verdict::Wait(Waiting::SoakRunning)),
        ("at its end", 2, 2, ends, Verdict::Pass),
        ("half came back", 1, 1, ends, Verdict::Pass),
        ("less than half came back", 1, 2, ends, Verdict::Wait(Waiting::NotExercised)),
        ("nobody arrived", 0, 0, ends, Verdict::Wait(Waiting::NotExercised)),
    ];
    for (row, back, away, now, verdict) in rows {
        let mut bench = Bench::soaking(started);
        bench.sweep(at("12T12:50"), &[(back + away, TARGET, at("12T12:45"))]);
        bench.sweep(at("13T12:30"), &[(back, TARGET, at("13T12:00")), (away, TARGET, at("12T12:45"))]);
        assert_eq!(bench.verdict(Gate::Soak, now), verdict, "{row}");
    }
}

/// So many arrived, and as many did not move, seen at 12:30 and again a day later.
fn bench_of(arrived: usize, still: usize) -> Bench {
    let mut bench = Bench::adopting();
    bench.sweep(at("12T11:50"), &[(arrived + still, OLD, at("12T11:45"))]);
    bench.sweep(at("12T12:40"), &[(arrived, TARGET, at("12T12:30")), (still, OLD, at("12T12:30"))]);
    bench.sweep(at("13T12:30"), &[(arrived, TARGET, at("13T12:30")), (still, OLD, at("13T12:30"))]);
    bench
}

#[test]
fn devices_that_do_not_move_fail_above_the_share_that_is_allowed() {
    let (before, then) = (after(at("13T12:30"), -MILLI), at("13T12:30"));
    let few = Verdict::Exempt(Exempt::TooFewDevices);
    let fails = Verdict::Fail(Failing::TooManyStalled);
    let rows = [
        ("a moment before their day is over", 26, 4, 0, before, Verdict::Pass),
        ("four of thirty", 26, 4, 0, then, fails.clone()),
        ("three of thirty are a tenth", 27, 3, 0, then, Verdict::Pass),
        ("too few to judge", 25, 4, 0, then, few),
        ("one of them accepted, and the ring is no smaller", 26, 4, 1, then, fails.clone()),
        ("two of them accepted, and two of 28 are few", 26, 4, 2, then, Verdict::Pass),
        ("one of five accepted", 36, 5, 1, then, Verdict::Pass),
        ("one of six accepted", 36, 6, 1, then, fails),
    ];
    for (row, arrived, still, accepted, now, verdict) in rows {
        let mut bench = bench_of(arrived, still);
        let ids = (arrived..arrived + accepted).map(|n| DeviceId::new(format!("d{n}")).unwrap());
        let of = (Gate::Stalled, Some(Environment::Windows));
        bench.rollout.rings[0].acknowledged.insert(of, ids.map(|id| (id, then)).collect());
        assert_eq!(bench.verdict(Gate::Stalled, now), verdict, "{row}");
    }
}

#[test]
fn an_accepted_device_is_news_once_it_was_on_the_target_again() {
    let mut bench = bench_of(26, 4);
    let accepted_at = at("13T13:00");
    let ids = (26..30).map(|n| (DeviceId::new(format!("d{n}")).unwrap(), accepted_at));
    let of = (Gate::Stalled, Some(Environment::Windows));
    bench.rollout.rings[0].acknowledged.insert(of, ids.collect());
    assert_eq!(bench.verdict(Gate::Stalled, accepted_at), Verdict::Pass);
    let seen = at("13T14:00");
    bench.sweep(seen, &[(26, TARGET, seen), (4, OLD, seen)]);
    assert_eq!(bench.verdict(Gate::Stalled, seen), Verdict::Pass, "as it was when it was accepted");
    let there = at("13T15:00");
    bench.sweep(there, &[(30, TARGET, there)]);
    assert_eq!(bench.verdict(Gate::Stalled, there), Verdict::Pass);
    let back = at("13T16:00");
    bench.sweep(back, &[(26, TARGET, back), (4, OLD, back)]);
    assert_eq!(bench.verdict(Gate::Stalled, back), Verdict::Fail(Failing::TooManyStalled));
}

#[test]
fn devices_whose_group_offers_something_else_do_not_stand_still() {
    let content = |version: ClientVersion, policies: &[&str]| GroupContent {
        name: "First".to_owned(),
        versions: vec![VersionEntry::of(Environment::Windows, version)],
        policies: policies.iter().map(|id| PolicyId::new(*id).unwrap()).collect(),
    };
    let group = |content| Group { id: assigned().group, content, updated_at: at("12T12:00") };
    let left = || group(content(TARGET, &["p1"]));
    let found = |seen: Option<Group>, owned: &mut OwnedGroup| {
        let ring = owned.ring.clone();
        let drift = GroupDrift { ring, expected: left(), seen, elsewhere: Vec::new(), never: None };
        owned.drifted = Some(Box::new(drift));
    };
    let fails = Verdict::Fail(Failing::TooManyStalled);
    let waits = Verdict::Wait(Waiting::NotOffered);
    type Drifts<'a> = &'a dyn Fn(&mut OwnedGroup);
    let rows: [(&str, Drifts<'_>, Verdict); 7] = [
        ("as ringward left it", &|_| {}, fails.clone()),
        ("another version", &|owned| found(Some(group(content(OLD, &["p1"]))), owned), waits.clone()),
        ("its profile is out", &|owned| found(Some(group(content(TARGET, &[]))), owned), waits.clone()),
        ("deleted", &|owned| found(None, owned), waits.clone()),
        (
            "one profile more",
            &|owned| found(Some(group(content(TARGET, &["p1", "p2"]))), owned),
            fails.clone(),
        ),
        ("another version, accepted", &|owned| owned.last = group(content(OLD, &["p1"])), waits),
        ("one profile more, accepted", &|owned| owned.last = group(content(TARGET, &["p1", "p2"])), fails),
    ];
    for (row, drifts, verdict) in rows {
        let mut bench = bench_of(26, 4);
        let (name, ring) = (bench.rollout.id.plan.clone(), bench.plan.name.clone());
        let mut owned = OwnedGroup::of(&name, &ring, &left());
        drifts(&mut owned);
        bench.state.groups.insert(assigned().group, owned);
        assert_eq!(bench.verdict(Gate::Stalled, at("13T12:30")), verdict, "{row}");
    }
    let mut bench = bench_of(26, 4);
    let (name, ring) = (bench.rollout.id.plan.clone(), bench.plan.name.clone());
    let gone = OwnedGroup::of(&name, &ring, &left());
    bench.state.lost.insert((name, ring), gone);
    let waits = Verdict::Wait(Waiting::NotOffered);
    assert_eq!(bench.verdict(Gate::Stalled, at("13T12:30")), waits, "deleted, accepted");
}

#[test]
fn a_group_that_is_seen_to_offer_something_else_is_believed_at_once() {
    let content = |version: ClientVersion, policies: &[&str]| GroupContent {
        name: "First".to_owned(),
        versions: vec![VersionEntry::of(Environment::Windows, version)],
        policies: policies.iter().map(|id| PolicyId::new(*id).unwrap()).collect(),
    };
    let group = |content, minutes| Group {
        id: assigned().group,
        content,
        updated_at: at(&format!("12T12:{minutes}")),
    };
    let now = at("13T12:30");
    let (fails, waits) = (Verdict::Fail(Failing::TooManyStalled), Verdict::Wait(Waiting::NotOffered));
    let rows = [
        ("not read", None, fails.clone()),
        ("as ringward left it", Some(Some(group(content(TARGET, &["p1"]), "00"))), fails.clone()),
        ("another version", Some(Some(group(content(OLD, &["p1"]), "01"))), waits.clone()),
        ("an old read", Some(Some(group(content(OLD, &["p1"]), "00"))), fails.clone()),
        ("its profile is out", Some(Some(group(content(TARGET, &[]), "01"))), waits.clone()),
        ("one profile more", Some(Some(group(content(TARGET, &["p1", "p2"]), "01"))), fails.clone()),
        ("gone", Some(None), waits.clone()),
    ];
    for (row, read, verdict) in rows {
        let mut bench = bench_of(26, 4);
        let (name, ring) = (bench.rollout.id.plan.clone(), bench.plan.name.clone());
        let owned = OwnedGroup::of(&name, &ring, &group(content(TARGET, &["p1"]), "00"));
        bench.state.groups.insert(assigned().group, owned);
        let read = read.map(|value| (assigned().group, Observed { value, as_of: now }));
        bench.world.single_groups.extend(read);
        assert_eq!(bench.verdict(Gate::Stalled, now), verdict, "{row}");
    }
    // Halted for it, and started anew: nothing is read yet.
    let mut bench = bench_of(26, 4);
    let (name, ring) = (bench.rollout.id.plan.clone(), bench.plan.name.clone());
    let expected = group(content(TARGET, &["p1"]), "00");
    bench.state.groups.insert(assigned().group, OwnedGroup::of(&name, &ring, &expected));
    let seen = Some(group(content(OLD, &["p1"]), "01"));
    let drift = GroupDrift { ring, expected, seen, elsewhere: Vec::new(), never: None };
    bench.rollout.halted = Some(Halt { cause: Cause::Drift(Box::new(drift)), since: now });
    assert_eq!(bench.verdict(Gate::Stalled, now), waits);
}

#[test]
fn silent_devices_are_looked_for_only_among_enough_and_beside_others() {
    let adopting = bench_of(29, 0);
    let now = at("13T12:30");
    assert_eq!(adopting.verdict(Gate::Dark, now), Verdict::Wait(Waiting::TooSoon), "29 so far");
    let mut soaking = bench_of(29, 0);
    soaking.rollout.rings[0].stage = RingState::Soaking(assigned(), Soak { started_at: now });
    assert_eq!(soaking.verdict(Gate::Dark, now), Verdict::Exempt(Exempt::TooFewDevices), "29 for good");
    assert_eq!(bench_of(30, 0).verdict(Gate::Dark, now), Verdict::Exempt(Exempt::NoControl));
}

#[test]
fn a_ring_is_entered_only_with_a_quarter_of_an_hour_left() {
    let open = vec![Opening::new("0 9 * * Mon-Fri", "7h".parse().unwrap()).unwrap()];
    let day = "2026-10-14".parse().unwrap();
    let freeze = vec![Freeze::new(day, day, "Audit").unwrap()];
    let schedule = Schedule::new(Zone::utc(), open, freeze.clone()).unwrap();
    let rows = [
        ("before", at("12T08:59"), Verdict::Wait(Waiting::OpeningClosed)),
        ("as it opens", at("12T09:00"), Verdict::Pass),
        ("with 15 minutes left", at("12T15:45"), Verdict::Pass),
        ("with less", after(at("12T15:45"), MILLI), Verdict::Wait(Waiting::OpeningEndsSoon)),
        ("as it closes", at("12T16:00"), Verdict::Wait(Waiting::OpeningClosed)),
    ];
    for (row, now, verdict) in rows {
        assert_eq!(opening(&schedule, now).verdict, verdict, "{row}");
    }
    let always = Schedule::new(Zone::utc(), Vec::new(), freeze).unwrap();
    assert_eq!(opening(&always, at("13T23:45")).verdict, Verdict::Pass);
    let soon = Verdict::Wait(Waiting::OpeningEndsSoon);
    assert_eq!(opening(&always, at("13T23:46")).verdict, soon, "a freeze ends it too");
    assert_eq!(crate::rollout::judge::freeze::freeze(&always, at("13T23:59")).verdict, Verdict::Pass);
    assert_eq!(
        crate::rollout::judge::freeze::freeze(&always, at("14T00:00")).verdict,
        Verdict::Wait(Waiting::Frozen)
    );
}

#[test]
fn a_ring_is_entered_on_a_fresh_complete_look() {
    let read = at("12T10:00");
    let oldest = after(read, MINUTE * 30);
    let mut bench = Bench::entering(Schedule::always(), read);
    assert_eq!(bench.verdict(Gate::Fleet, read), Verdict::Unknown(Unknown::NotSwept));
    bench.sweep(read, &[(1, OLD, read)]);
    assert_eq!(bench.verdict(Gate::Fleet, oldest), Verdict::Pass);
    assert_eq!(bench.verdict(Gate::Fleet, after(oldest, MILLI)), Verdict::Unknown(Unknown::StaleSweep));
    bench.world.profiles = None;
    assert_eq!(bench.verdict(Gate::Fleet, read), Verdict::Unknown(Unknown::ProfilesUnread));
    let empty = Observed { value: Profiles { listed: Vec::new() }, as_of: read };
    bench.world.profiles = Some(empty);
    assert_eq!(bench.verdict(Gate::Fleet, read), Verdict::Unknown(Unknown::ProfileUnresolved));
    let mut nobody = Bench::entering(Schedule::always(), read);
    nobody.sweep(read, &[(4, ClientVersion::new(2026, 5, 1, 0), read)]);
    assert_eq!(nobody.verdict(Gate::Fleet, read), Verdict::Unknown(Unknown::NobodyToMove));
}

#[test]
fn an_old_sweep_will_do_while_the_schedule_keeps_a_ring_closed() {
    let open = vec![Opening::new("0 9 * * Mon-Fri", "1h".parse().unwrap()).unwrap()];
    let schedule = Schedule::new(Zone::utc(), open, Vec::new()).unwrap();
    let read = at("12T11:00");
    let mut bench = Bench::entering(schedule, read);
    bench.sweep(read, &[(1, OLD, read)]);
    let rest = after(read, MINUTE * 60 * 13);
    assert_eq!(bench.verdict(Gate::Fleet, rest), Verdict::Pass);
    assert_eq!(bench.verdict(Gate::Fleet, after(rest, MILLI)), Verdict::Unknown(Unknown::StaleSweep));
}
