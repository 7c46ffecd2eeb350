//! What a decision costs on a large fleet, as a multiple of counting the fleet once. It is printed
//! and not judged: a clock on a shared machine proves nothing. Only with itself is it compared.

use std::collections::BTreeSet;

use ringward::fleet::{Fleet, ListedDevice, ListedProfile, Membership, Reported, Sweep, SweepScope};
use ringward::ids::{DeviceId, GroupId, PlanName};
use ringward::plan::model::{ProfileRef, Revision};
use ringward::rollout::judge::membership::membership;
use ringward::rollout::record::{Actor, Entry, Event, Mode, Recorded, RolloutId};
use ringward::rollout::record::{Group, GroupContent, Profile, Profiles, VersionEntry};
use ringward::rollout::state::State;
use ringward::rollout::tell::decision::decide;
use ringward::rollout::world::{Desired, Known, Observations, Observed};
use ringward::time::{SignedDuration, Stopwatch, Timestamp, after};
use ringward::version::Environment;

use super::plans::{PROFILES, TARGET, Temper, plans, policy, revised};
use crate::support::dice::Dice;
use crate::support::hostile::hostile_plan;

const DEVICES: usize = 20_000;
const TIMES: u32 = 5;
const TURNS: usize = 10;

fn fleet(now: Timestamp) -> Fleet {
    let devices = (0..DEVICES).map(|n| ListedDevice {
        id: DeviceId::new(format!("device-{n:05}")).unwrap(),
        name: format!("laptop-{n}"),
        user: None,
        device_type: Some(if n % 3 == 0 { "mac" } else { "windows" }.to_owned()),
        os_version: None,
        client: Reported::Version(TARGET),
        last_seen_at: Some(now),
        policy: Some(ListedProfile { id: policy(PROFILES[n % PROFILES.len()]), default: false }),
    });
    let mut fleet = Fleet::default();
    let sweep =
        Sweep { scope: SweepScope::Full, started_at: now, finished_at: now, devices: devices.collect() };
    fleet.observe(sweep, &Membership::default());
    fleet
}

/// What a decision needs: a plan whose first ring is assigned, and what is seen of its fleet.
struct Scene {
    state: State,
    world: Observations,
    revision: Revision,
    name: PlanName,
}

fn scene(now: Timestamp) -> Scene {
    let assigned_at = after(now, -SignedDuration::from_hours(2));
    let mut plan = plans(&mut Dice::new(1), now, Temper::Fair).remove(0).plan;
    let template = plan.rings[0].clone();
    plan.rings = (0..PROFILES.len())
        .map(|n| {
            let mut ring = template.clone();
            ring.name = format!("Ring {n}").parse().unwrap();
            ring.profiles = vec![ProfileRef::Id(policy(PROFILES[n]))];
            ring.targets = Environment::ALL.map(|environment| (environment, TARGET)).into();
            ring
        })
        .collect();
    let first = plan.rings[0].name.clone();
    let revision = revised(plan);
    let name = PlanName::new(revision.plan.name.as_str()).unwrap();
    let id = RolloutId { plan: name.clone(), number: 1 };
    let content = GroupContent {
        name: "Group".to_owned(),
        versions: Environment::ALL.map(|environment| VersionEntry::of(environment, TARGET)).to_vec(),
        policies: BTreeSet::from([policy(PROFILES[0])]),
    };
    let group = Group { id: GroupId::new("g").unwrap(), content, updated_at: assigned_at };
    let started =
        Event::DaemonStarted { version: "0.1.0".to_owned(), mode: Mode::Write, settles_seconds: None };
    let mut state = State::default();
    let account = Entry { actor: Actor::Engine, reason: "begin".to_owned(), rollout: None, event: started };
    let events = [
        Event::PlanAccepted { revision: Box::new(revision.clone()) },
        Event::RingReached { ring: first.clone() },
        Event::RingAssigned { ring: first, group: group.clone(), judgements: Vec::new() },
    ];
    let entries = events.map(|event| Entry::engine(&id, "as it was", event));
    for entry in std::iter::once(account).chain(entries) {
        state.apply(&Recorded { seq: state.seq + 1, at: assigned_at, entry }).unwrap();
    }
    let listed = PROFILES.map(|id| Profile { id: policy(id), name: None, is_default: false, enabled: true });
    let world = Observations {
        groups: Some(Observed { value: vec![group], as_of: now }),
        profiles: Some(Observed { value: Profiles { listed: listed.to_vec() }, as_of: now }),
        fleet: fleet(now),
        ..Observations::default()
    };
    Scene { state, world, revision, name }
}

#[test]
fn a_decision_on_a_large_fleet() {
    let now: Timestamp = "2026-10-14T09:00:00Z".parse().unwrap();
    let Scene { state, world, revision, name } = scene(now);
    let once = Stopwatch::start();
    let mut counted = 0;
    for _ in 0..TIMES {
        let rings = membership(&state, &world, now).rings().to_vec();
        counted = rings.iter().map(|ring| world.fleet.census(ring, now).total()).sum();
    }
    let once = once.seconds();
    assert_eq!(counted, DEVICES, "every device is of one ring");
    let known = Known { state: &state, world: &world, now };
    let deciding = Stopwatch::start();
    for _ in 0..TIMES {
        let decision = decide(&name, Desired::Present(&revision), known).unwrap();
        assert!(decision.report.is_some(), "it decides");
    }
    let deciding = deciding.seconds();
    println!(
        "cost: a decision over {DEVICES} devices takes {:.0} ms, {:.1} times as long as counting them",
        deciding * 1_000.0 / f64::from(TIMES),
        deciding / once,
    );
}

/// How long one decision from a state takes, in seconds.
fn decided_in(scene: &Scene, state: &State, now: Timestamp) -> f64 {
    let known = Known { state, world: &scene.world, now };
    let watch = Stopwatch::start();
    let decision = decide(&scene.name, Desired::Present(&scene.revision), known).unwrap();
    assert!(decision.report.is_some(), "it decides");
    watch.seconds()
}

/// A hundred plans in force beside it, each with as much to search as a plan may have: the time of a decision is
/// compared with itself in one run, by turns and the least of several, so that a busy machine proves nothing.
#[test]
fn a_decision_costs_no_more_beside_hostile_plans() {
    let now: Timestamp = "2026-10-14T09:00:00Z".parse().unwrap();
    let scene = scene(now);
    // One fleet: where its devices lie in memory counts for more than any plan.
    let mut crowded = scene.state.clone();
    for number in 0..100 {
        let text = hostile_plan(number);
        let revision = Box::new(ringward::plan::read("hostile.yaml", text.as_bytes()).unwrap());
        let id = RolloutId { plan: revision.plan.name.clone(), number: 1 };
        let entry = Entry::engine(&id, "its file appeared", Event::PlanAccepted { revision });
        crowded.apply(&Recorded { seq: crowded.seq + 1, at: now, entry }).unwrap();
    }
    let (mut alone, mut beside) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..TURNS {
        alone = alone.min(decided_in(&scene, &scene.state, now));
        beside = beside.min(decided_in(&scene, &crowded, now));
    }
    println!(
        "cost: a decision takes {:.0} ms alone and {:.0} ms beside a hundred hostile plans",
        alone * 1_000.0,
        beside * 1_000.0
    );
    assert!(beside <= 2.0 * alone, "{beside} s beside them, {alone} s alone");
}
