//! The transition table where the suites of whole runs found it wanting.

use crate::plan::model::Revision;
use crate::rollout::record::{Actor, Event, Mode, Recorded, RolloutId};
use crate::rollout::state::{Attempts, RingState};
use crate::time::{Timestamp, after};
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ids::{GroupId, PlanName, PolicyId, RingName};
use crate::plan::model::{
    Adoption, AllowDowngrade, DeviceLimit, Health, OnDrift, OnFailure, OnNewTarget, Percent, Plan,
    PlanDigest, ProfileRef, RingPlan, RollbackRules,
};
use crate::rollout::decide::outcome::{SendOutcome, Unsent, outcome_entry, unsent_entry};
use crate::rollout::judge::last_check::{FreshRead, clear_to_send};
use crate::rollout::record::{Cancelled, Entry, Purpose, WriteId, WriteIntent};
use crate::rollout::record::{Gate, Unknown};
use crate::rollout::record::{Group, GroupContent};
use crate::rollout::state::account::*;
use crate::rollout::world::{Desired, Known, Observations, Observed};
use crate::schedule::Schedule;
use crate::version::Environment;

fn revision() -> Revision {
    let ring = RingPlan {
        name: RingName::new("First").unwrap(),
        was: None,
        group: "First".to_owned(),
        profiles: vec![ProfileRef::Named("Engineering".to_owned())],
        targets: BTreeMap::from([(Environment::Windows, "2026.8.2100.0".parse().unwrap())]),
        schedule: Schedule::always(),
        adoption: Adoption {
            at_least: Percent::whole(90),
            within: "7d".parse().unwrap(),
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
    };
    let plan = Plan {
        name: PlanName::new("client").unwrap(),
        was: None,
        description: None,
        account: None,
        author: None,
        forbid: Vec::new(),
        on_new_target: OnNewTarget::Replace,
        on_drift: OnDrift::Halt,
        rings: vec![ring],
    };
    Revision { digest: PlanDigest::of_written("v1"), written: "v1".to_owned(), plan }
}

fn intent() -> WriteIntent {
    let policies: BTreeSet<PolicyId> = [PolicyId::new("p1").unwrap()].into();
    WriteIntent {
        id: WriteId(1),
        digest: PlanDigest::of_written("v1"),
        purpose: Purpose::Target,
        before: None,
        after: GroupContent { name: "First".to_owned(), versions: Vec::new(), policies: policies.clone() },
        policies,
        judgements: Vec::new(),
        devices: 1,
        retargets: Some(1),
        after_doubt: false,
        moves: None,
        today: None,
    }
}

/// A log up to a planned write.
fn deploying() -> State {
    let ring = RingName::new("First").unwrap();
    let mut state = State::default();
    for event in [
        Event::PlanAccepted { revision: Box::new(revision()) },
        Event::RingReached { ring: ring.clone() },
        Event::WritePlanned { ring, intent: Box::new(intent()) },
    ] {
        state.apply(&next(&state, Actor::Engine, event)).unwrap();
    }
    state
}

fn next(state: &State, actor: Actor, event: Event) -> Recorded {
    let id = RolloutId { plan: PlanName::new("client").unwrap(), number: 1 };
    let entry = Entry { actor, ..Entry::engine(&id, "for a test", event) };
    Recorded { seq: state.seq + 1, at: "2026-10-12T09:00:00Z".parse().unwrap(), entry }
}

#[test]
fn a_person_may_waive_while_a_write_has_no_outcome() {
    let mut state = deploying();
    let waived = Event::GateWaived { ring: RingName::new("First").unwrap(), gate: Gate::Soak };
    state.apply(&next(&state, Actor::Loopback, waived.clone())).unwrap();
    assert!(state.pending_write().is_some(), "the write is still open");
    assert!(state.pending_write().unwrap().1.waived.contains_key(&Gate::Soak));
    let again = state.apply(&next(&state, Actor::Loopback, waived));
    assert!(again.unwrap_err().why.contains("waived already"));
}

#[test]
fn a_ring_that_the_file_names_again_is_let_go_by_nobody() {
    let mut state = deploying();
    let ring = RingName::new("First").unwrap();
    let mut does = |actor: Actor, event: Event| {
        let recorded = next(&state, actor, event);
        state.apply(&recorded).map(|()| state.plans.values().any(|plan| plan.rollout.rings[0].is_free()))
    };
    let revised = |dropped: &[&RingName]| {
        let dropped = dropped.iter().map(|ring| (*ring).clone()).collect();
        Event::PlanRevised { revision: Box::new(revision()), restricts_only: true, dropped }
    };
    let let_go = Event::GateWaived { ring: ring.clone(), gate: Gate::Ring };
    assert!(does(Actor::Loopback, let_go.clone()).is_err(), "the file names it");
    assert_eq!(does(Actor::Engine, revised(&[&ring])), Ok(false));
    assert_eq!(does(Actor::Loopback, let_go.clone()), Ok(true));
    assert_eq!(does(Actor::Engine, revised(&[])), Ok(false), "the file names it again");
    assert_eq!(does(Actor::Engine, revised(&[&ring])), Ok(false), "who let it go did not speak of this file");
    assert_eq!(does(Actor::Loopback, let_go), Ok(true));
}

#[test]
fn an_event_that_does_not_fit_changes_nothing() {
    let mut state = deploying();
    let before = state.clone();
    let ring = RingName::new("First").unwrap();
    let rows = [
        ("verified too early", Event::RingVerified { ring: ring.clone(), judgements: Vec::new() }),
        ("a second write", Event::WritePlanned { ring: ring.clone(), intent: Box::new(intent()) }),
        ("complete too early", Event::RolloutCompleted {}),
        (
            "another write's outcome",
            Event::WriteDoubted { ring, write: WriteId(2), why: "reset".to_owned(), counted: None },
        ),
    ];
    for (row, event) in rows {
        assert!(state.apply(&next(&before, Actor::Engine, event)).is_err(), "{row}");
        assert_eq!(state, before, "{row}");
    }
    let mut gap = next(&before, Actor::Loopback, Event::Paused {});
    gap.seq += 1;
    assert!(state.apply(&gap).is_err());
    assert_eq!(state, before);
}

#[test]
fn the_fresh_count_has_the_last_word() {
    let now: Timestamp = "2026-10-12T09:00:00Z".parse().unwrap();
    let look = Observed { value: FreshRead::Groups(Vec::new()), as_of: now };
    let plan = PlanName::new("client").unwrap();
    let minutes = |minutes| after(now, crate::time::SignedDuration::from_mins(minutes));
    let counted = |value, as_of| Some(Observed { value, as_of });
    let too_many = |counted| Cancelled::TooManyDevices { counted, at_most: DeviceLimit::new(20).unwrap() };
    let old =
        Cancelled::ReadFailed { message: "the count of its devices before the write is too old".to_owned() };
    let none = Cancelled::ReadFailed { message: "its devices were not counted before the write".to_owned() };
    let limit = DeviceLimit::new(20);
    let rows = [
        ("no limit, no count", None, None, Ok(())),
        ("no limit, whatever is counted", None, counted(1_000_000, now), Ok(())),
        ("just the limit", limit, counted(20, now), Ok(())),
        ("none at all", limit, counted(0, now), Ok(())),
        ("one more", limit, counted(21, now), Err(too_many(21))),
        ("more than a number holds", limit, counted(usize::MAX, now), Err(too_many(usize::MAX))),
        ("not counted", limit, None, Err(none)),
        ("counted half an hour ago", limit, counted(20, minutes(-30)), Ok(())),
        ("counted before that", limit, counted(20, minutes(-31)), Err(old)),
        ("a clock that was set back", limit, counted(20, minutes(120)), Ok(())),
        ("too many by any clock", limit, counted(21, minutes(120)), Err(too_many(21))),
    ];
    let world = Observations::default();
    for (row, limit, count, said) in rows {
        let mut state = deploying();
        for plan in state.plans.values_mut().map(Arc::make_mut) {
            std::sync::Arc::make_mut(&mut plan.rollout.revision).plan.rings[0].max_devices = limit;
        }
        let known = Known { state: &state, world: &world, now };
        let cleared = clear_to_send(known, &plan, Desired::InForce, &look, count.as_ref());
        assert_eq!(cleared, said, "{row}");
    }
}

#[test]
fn time_without_a_daemon_counts_against_no_gate() {
    let mut state = deploying();
    let ring = RingName::new("First").unwrap();
    let overtaken = Cancelled::OpeningClosed;
    let cancelled =
        Event::WriteCancelled { ring: ring.clone(), write: WriteId(1), why: overtaken, retry_at: None };
    state.apply(&next(&state, Actor::Engine, cancelled)).unwrap();
    let why = Unknown::StaleSweep;
    let unknown = Event::GateUnknown { ring, gate: Gate::Fleet, environment: None, why };
    state.apply(&next(&state, Actor::Engine, unknown)).unwrap();
    let started =
        Event::DaemonStarted { version: "0.1.0".to_owned(), mode: Mode::Write, settles_seconds: None };
    let mut restart = next(&state, Actor::Engine, started);
    restart.entry.rollout = None;
    restart.at = "2026-10-12T17:00:00Z".parse().unwrap();
    state.apply(&restart).unwrap();
    let rollout = &state.plans.values().next().unwrap().rollout;
    let since = rollout.rings[0].unknown[&(Gate::Fleet, None)].since;
    assert_eq!(since, restart.at, "eight hours off do not halt it at the first look");
}

#[test]
fn time_without_a_file_counts_against_no_gate() {
    let mut state = deploying();
    let ring = RingName::new("First").unwrap();
    let overtaken = Cancelled::OpeningClosed;
    let cancelled =
        Event::WriteCancelled { ring: ring.clone(), write: WriteId(1), why: overtaken, retry_at: None };
    let why = Unknown::StaleSweep;
    let unknown = Event::GateUnknown { ring, gate: Gate::Fleet, environment: None, why };
    for event in [cancelled, unknown, Event::RolloutWithdrawn {}] {
        state.apply(&next(&state, Actor::Engine, event)).unwrap();
    }
    let mut back = next(&state, Actor::Engine, Event::RolloutReturned {});
    back.at = "2026-10-20T17:00:00Z".parse().unwrap();
    state.apply(&back).unwrap();
    let rollout = &state.plans.values().next().unwrap().rollout;
    let since = rollout.rings[0].unknown[&(Gate::Fleet, None)].since;
    assert_eq!(since, back.at, "eight days without a file do not halt it at the first look");
    assert!(rollout.standstills.iter().any(|span| span.until == Some(back.at)), "its deadlines stood still");
}

#[test]
fn a_write_in_doubt_is_not_sent_whatever_the_look_shows() {
    let mut state = deploying();
    let now = "2026-10-12T09:00:00Z".parse().unwrap();
    let look = Observed { value: FreshRead::Groups(Vec::new()), as_of: now };
    let plan = PlanName::new("client").unwrap();
    let cleared = |state: &State, now| {
        let known = Known { state, world: &Observations::default(), now };
        clear_to_send(known, &plan, Desired::InForce, &look, None)
    };
    assert_eq!(cleared(&state, now), Ok(()), "fresh, and nothing is in the way");
    let later = after(now, crate::time::SignedDuration::from_mins(31));
    assert!(matches!(cleared(&state, later), Err(Cancelled::ReadFailed { .. })), "the look is too old");
    let why = "the log was read again".to_owned();
    let doubted =
        Event::WriteDoubted { ring: RingName::new("First").unwrap(), write: WriteId(1), why, counted: None };
    state.apply(&next(&state, Actor::Engine, doubted)).unwrap();
    assert_eq!(cleared(&state, now), Err(Cancelled::Held));
}

/// The attempts of the ring that is entering.
fn attempts(state: &State) -> Attempts {
    match &state.plans.values().next().unwrap().rollout.rings[0].stage {
        RingState::Entering(attempts) => attempts.clone(),
        other => panic!("{}", other.as_str()),
    }
}

/// Ends the write under way at an instant, and plans the next one there unless `last`.
fn end_write(state: &mut State, number: u64, why: Cancelled, at: &str, last: bool) {
    let (ring, write) = (RingName::new("First").unwrap(), WriteId(number));
    let cancelled = Event::WriteCancelled { ring: ring.clone(), write, why, retry_at: None };
    let again = Event::WritePlanned {
        ring,
        intent: Box::new(WriteIntent { id: WriteId(number + 1), after_doubt: true, ..intent() }),
    };
    for event in [cancelled].into_iter().chain((!last).then_some(again)) {
        let mut recorded = next(state, Actor::Engine, event);
        recorded.at = at.parse().unwrap();
        state.apply(&recorded).unwrap();
    }
}

#[test]
fn reads_that_fail_are_no_writes_that_came_to_nothing() {
    let failed = || Cancelled::ReadFailed { message: "502".to_owned() };
    let old = || Cancelled::Unreadable { message: "502".to_owned() };
    let mut state = deploying();
    for number in 1..=6 {
        let at = format!("2026-10-12T09:{:02}:00Z", number * 5);
        end_write(&mut state, number, failed(), &at, number == 6);
    }
    let reads = attempts(&state).reads.unwrap();
    assert_eq!((attempts(&state).failed, reads.times), (0, 6));
    assert_eq!(reads.since, "2026-10-12T09:05:00Z".parse().unwrap());
    // As logs of older versions have it, each counted.
    let mut state = deploying();
    (1..=6).for_each(|number| end_write(&mut state, number, old(), "2026-10-12T09:30:00Z", number == 6));
    assert_eq!((attempts(&state).failed, attempts(&state).reads), (6, None));
    let rows = [
        ("in a row", failed(), "2026-10-12T09:45:00Z", Some(2)),
        ("after a day", failed(), "2026-10-13T09:00:00Z", Some(2)),
        ("the daemon ended", Cancelled::Ending, "2026-10-12T09:45:00Z", Some(1)),
        ("the read says why", Cancelled::FreezeBegun, "2026-10-12T09:45:00Z", None),
        ("the group was edited", Cancelled::ConcurrentEdit, "2026-10-12T09:45:00Z", None),
    ];
    for (row, why, at, times) in rows {
        let mut state = deploying();
        end_write(&mut state, 1, failed(), "2026-10-12T09:30:00Z", false);
        end_write(&mut state, 2, why, at, true);
        assert_eq!(attempts(&state).reads.map(|reads| reads.times), times, "{row}");
    }
    // The next write was planned long after: those reads are not in a row.
    let mut state = deploying();
    end_write(&mut state, 1, failed(), "2026-10-12T09:30:00Z", true);
    let ring = RingName::new("First").unwrap();
    let intent = Box::new(WriteIntent { id: WriteId(2), ..intent() });
    let mut planned = next(&state, Actor::Engine, Event::WritePlanned { ring, intent });
    planned.at = "2026-10-13T09:00:00Z".parse().unwrap();
    state.apply(&planned).unwrap();
    end_write(&mut state, 2, failed(), "2026-10-13T09:01:00Z", true);
    assert_eq!(attempts(&state).reads.unwrap().since, "2026-10-13T09:01:00Z".parse().unwrap());
}

#[test]
fn what_was_not_sent_is_in_no_doubt() {
    let mut state = deploying();
    end_write(&mut state, 1, Cancelled::OpeningClosed, "2026-10-12T09:30:00Z", false);
    let retry_at = Some("2026-10-12T09:40:00Z".parse().unwrap());
    let unsent = Unsent::read_failed("Cloudflare asked to slow down".to_owned(), retry_at);
    let entry = unsent_entry(&state, WriteId(2), unsent).unwrap();
    let Event::WriteCancelled { why: Cancelled::ReadFailed { .. }, retry_at: until, .. } = &entry.event
    else {
        panic!("{entry:?}")
    };
    assert_eq!(*until, retry_at, "although the outcome of an earlier write was unknown");
    let message = "429".to_owned();
    let answer = outcome_entry(&state, WriteId(2), SendOutcome::RateLimited { message, retry_at }, None);
    assert!(matches!(answer.unwrap().event, Event::WriteDoubted { .. }), "the write itself is");
}

#[test]
fn devices_count_for_a_day_in_all_plans() {
    let mut state = deploying();
    let ring = RingName::new("First").unwrap();
    let content = intent().after;
    let at = "2026-10-12T09:00:00Z".parse().unwrap();
    let group = Group { id: GroupId::new("g-1").unwrap(), content, updated_at: at };
    let confirmed = Event::WriteConfirmed { ring, write: WriteId(1), group, counted: Some(7) };
    state.apply(&next(&state, Actor::Engine, confirmed)).unwrap();
    let later = |minutes| after(at, crate::time::SignedDuration::from_mins(minutes));
    let rows = [(0, 7), (24 * 60 - 1, 7), (24 * 60, 0)];
    for (minutes, devices) in rows {
        assert_eq!(state.day.devices(later(minutes)), devices, "{minutes}");
    }
    assert_eq!(state.day.next_end(at), Some(later(24 * 60)));
}
