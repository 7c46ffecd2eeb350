//! A sound rollback by hand, and the ways of spoiling it.

use super::super::*;
use super::log::*;
use crate::rollout::record::{Ground, HowBack, RollbackStep, RollbackTarget, Trigger};

const OLD: ClientVersion = ClientVersion::new(2026, 7, 1376, 0);

/// The rollback target of a ring that ringward gave a group, by the plan.
fn step(ring: &str, policy: &str, environments: &[Environment]) -> RollbackStep {
    let way = RollbackTarget { from: TARGET, to: OLD, ground: Ground::Plan };
    RollbackStep {
        ring: ring_name(ring),
        policies: policies(&[policy]),
        back: environments.iter().map(|environment| (*environment, way.clone())).collect(),
    }
}

/// What a ring's group is taken back to.
fn taken_back(name: &str, policy: &str, environments: &[Environment]) -> GroupContent {
    let mut content = content(name, policy, environments);
    for entry in &mut content.versions {
        entry.version = OLD.to_string();
    }
    content
}

/// The two rings of the sound log on their way back: the second by a write, the first in place.
fn back() -> Log {
    use Environment::{Macos, Windows};
    let both = [Windows, Macos];
    let mut log = sound();
    for ring in log.0.iter_mut().filter_map(|recorded| match &mut recorded.entry.event {
        Event::PlanAccepted { revision } => Some(&mut revision.plan.rings),
        _ => None,
    }) {
        for plan in ring {
            plan.rollback.to = both.map(|environment| (environment, OLD)).into();
        }
    }
    let steps = vec![step("Second", "p2", &[Windows]), step("First", "p1", &both)];
    let to = steps[1].to();
    log.person("18T03:00", Event::RollbackStarted { trigger: Trigger::Person, steps: steps.clone() });
    let mut write = intent(3, "Second", "p2", &[Windows], at("18T02:50"));
    write.before = Some(group("g2", content("Second", "p2", &[Windows]), at("14T10:16")));
    write.after = taken_back("Second", "p2", &[Windows]);
    write.purpose = Purpose::Rollback { to: steps[0].to() };
    write.judgements = Vec::new();
    let (ring, given) = (ring_name("Second"), group("g2", write.after.clone(), at("18T03:01")));
    log.engine("18T03:00", Event::WritePlanned { ring: ring.clone(), intent: Box::new(write) });
    log.engine(
        "18T03:01",
        Event::WriteConfirmed { ring: ring.clone(), write: WriteId(3), group: given, counted: None },
    );
    let judgements = vec![adopted(Windows, at("18T03:30"))];
    log.engine("18T03:31", Event::RingRolledBack { ring, how: HowBack::Adopted, judgements });
    let (ring, found) = (ring_name("First"), taken_back("First", "p1", &both));
    let in_place =
        Event::RollbackInPlace { ring: ring.clone(), group: group("g1", found, at("18T02:00")), to };
    log.engine("18T03:31", in_place);
    let mut judgements = vec![adopted(Windows, at("18T05:30")), adopted(Macos, at("18T05:30"))];
    judgements[1].verdict = Verdict::Wait(Waiting::TooFewArrived);
    log.engine("18T05:31", Event::RingRolledBack { ring, how: HowBack::OutOfTime, judgements });
    log.engine("18T05:31", Event::RollbackCompleted {});
    log
}

fn steps(log: &mut Log) -> &mut Vec<RollbackStep> {
    match log.event("rollback_started", 0) {
        Event::RollbackStarted { steps, .. } => steps,
        _ => unreachable!(),
    }
}

fn way(log: &mut Log) -> &mut RollbackTarget {
    steps(log)[0].back.get_mut(&Environment::Windows).unwrap()
}

/// A new rollout that begins after the rollback, up to a ring that is entered in place.
fn offered_again(log: &mut Log) {
    let group = group("g2", content("Second", "p2", &[Environment::Windows]), at("18T06:00"));
    let ring = ring_name("Second");
    log.engine("18T06:10", Event::RingAssigned { ring, group, judgements: Vec::new() });
}

#[test]
fn what_spoils_a_rollback_is_caught() {
    assert_eq!(check(&back().0, &[]), Vec::new());
    type Spoil = fn(&mut Log);
    let rows: Vec<(&str, Spoil, Law, &str)> = vec![
        (
            "the engine begins it",
            |log| log.get("rollback_started", 0).entry.actor = Actor::Engine,
            Law::ActorAndReason,
            "rollback_started",
        ),
        ("the earliest ring first", |log| steps(log).reverse(), Law::SoundRollback, "the latest first"),
        ("to what is taken back", |log| way(log).to = TARGET, Law::SoundRollback, "what is taken back"),
        (
            "below 2026.6",
            |log| way(log).to = ClientVersion::new(2026, 5, 1, 0),
            Law::SoundRollback,
            "ignores assignments",
        ),
        (
            "from what nobody offered",
            |log| way(log).from = ClientVersion::new(2026, 9, 1, 0),
            Law::SoundRollback,
            "no write of this plan offered",
        ),
        (
            "by a soak that never was",
            |log| way(log).ground = Ground::Verified { at: at("10T10:00") },
            Law::SoundRollback,
            "were not verified",
        ),
        (
            "by a write that found something else",
            |log| way(log).ground = Ground::BeforeWrite { write: WriteId(2) },
            Law::SoundRollback,
            "was not on offer before",
        ),
        (
            "while it is paused",
            |log| log.insert("rollback_started", 0, &person(), Event::Paused {}),
            Law::SoundRollback,
            "while the plan is paused or halted",
        ),
        (
            "a write while it is stopped",
            |log| log.insert("write_planned", 2, &person(), Event::Stopped {}),
            Law::WriteAllowed,
            "stopped",
        ),
        (
            "another entry goes with it",
            |log| log.intent(2).after.versions.clear(),
            Law::NothingDropped,
            "not what was there",
        ),
        (
            "a profile goes with it",
            |log| log.intent(2).after.policies.clear(),
            Law::NothingDropped,
            "changes profiles",
        ),
        (
            "the ring before it follows too soon",
            |log| log.get("ring_rolled_back", 1).at = at("18T04:00"),
            Law::SoundRollback,
            "to come back",
        ),
        (
            "it ends before all are back",
            |log| log.remove("ring_rolled_back", 1),
            Law::SoundRollback,
            "has not gone back",
        ),
        ("it is offered again", offered_again, Law::BlockedVersion, "is offered to profile p2"),
        (
            "the engine releases it",
            |log| log.engine("18T06:00", Event::VersionReleased { version: TARGET }),
            Law::BlockedVersion,
            "the engine did version_released",
        ),
        (
            "what is released was never held",
            |log| log.person("18T06:00", Event::VersionReleased { version: OLD }),
            Law::Grounded,
            "was not blocked",
        ),
    ];
    for (row, spoil, law, text) in rows {
        let mut log = back();
        spoil(&mut log);
        let found = check(&log.0, &[]);
        let caught = found.iter().any(|one| one.law == law && one.text.contains(text));
        assert!(caught, "{row}: {found:#?}");
    }
}

/// After a release the same is no breach.
#[test]
fn what_is_released_may_be_offered() {
    let mut log = back();
    log.person("18T06:00", Event::VersionReleased { version: TARGET });
    offered_again(&mut log);
    assert!(check(&log.0, &[]).iter().all(|one| one.law != Law::BlockedVersion));
}
