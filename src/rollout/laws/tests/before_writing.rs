//! Logs in which a ring takes devices down unasked, moves more than the guard allows, or halts for reads
//! that did not fail for so long.

use std::collections::BTreeMap;

use super::super::*;
use super::log::*;
use crate::plan::model::{AllowDowngrade, DeviceLimit};
use crate::rollout::record::{AllMoves, Moves};
use crate::rollout::record::{Cancelled, Cause, Today, WriteId};
use crate::version::ClientVersion;

const NEWER: ClientVersion = ClientVersion::new(2026, 9, 1, 0);

/// So many of so many devices of each environment run something newer, and a rollback took some of it back.
fn moves(log: &mut Log, newer: usize, seen: usize, taken_back: usize) -> AllMoves {
    let intent = log.intent(0);
    let all = Environment::ALL.map(|environment| {
        let to = intent.after.target(environment).unwrap().parse().unwrap();
        let from = BTreeMap::from([(NEWER, newer)]);
        (environment, Moves { to, seen, from, taken_back: BTreeMap::from([(NEWER, taken_back)]) })
    });
    all.into()
}

fn allowed(log: &mut Log, allow: AllowDowngrade) {
    match log.event("plan_accepted", 0) {
        Event::PlanAccepted { revision } => revision.plan.rings[0].allow_downgrade = allow,
        _ => unreachable!(),
    }
}

#[test]
fn devices_that_are_taken_down_unasked_are_caught() {
    let range = |text: &str| AllowDowngrade::From(text.parse().unwrap());
    let rows = [
        ("nobody", 0, 20, 0, AllowDowngrade::Nothing, true),
        ("two", 2, 20, 0, AllowDowngrade::Nothing, true),
        ("three of twenty", 3, 20, 0, AllowDowngrade::Nothing, false),
        ("three of sixty", 3, 60, 0, AllowDowngrade::Nothing, true),
        ("all, taken back", 20, 20, 20, AllowDowngrade::Nothing, true),
        ("all, allowed", 20, 20, 0, AllowDowngrade::Any, true),
        ("all, in the range", 20, 20, 0, range("<=2026.9.1"), true),
        ("all, past the range", 20, 20, 0, range("<2026.9.1"), false),
    ];
    for (row, newer, seen, taken_back, allow, is_sound) in rows {
        let mut log = sound();
        allowed(&mut log, allow);
        log.intent(0).moves = Some(moves(&mut sound(), newer, seen, taken_back));
        let found = check(&log.0, &[]);
        let caught = found.iter().any(|one| one.law == Law::NotDown);
        assert_eq!((found.is_empty(), caught), (is_sound, !is_sound), "{row}: {found:#?}");
    }
    let mut log = sound();
    log.intent(0).moves = Some(AllMoves::new());
    let found = check(&log.0, &[]);
    assert!(found.iter().any(|one| one.text.contains("nobody counted")), "{found:#?}");
}

#[test]
fn more_devices_than_the_guard_allows_are_caught() {
    let rows = [
        ("within", 0, 20, true),
        ("one too many", 0, 19, false),
        ("another count than the log's", 1, 100, false),
    ];
    for (row, before, at_most, is_sound) in rows {
        let mut log = sound();
        log.intent(0).today = Some(Today { before, at_most: DeviceLimit::new(at_most).unwrap() });
        let found = check(&log.0, &[]);
        let caught = found.iter().any(|one| one.law == Law::BlastLimit);
        assert_eq!((found.is_empty(), caught), (is_sound, !is_sound), "{row}: {found:#?}");
    }
}

/// A log whose first write was not sent twice, since reads failed, and which then halts for that.
fn unread(second: &str, since: &str) -> Vec<Violation> {
    let mut log = sound();
    log.0.truncate(log.0.iter().position(|one| one.entry.event.kind() == "write_confirmed").unwrap());
    let Event::WritePlanned { ring, intent } = log.event("write_planned", 0).clone() else { unreachable!() };
    let failed = |write| Event::WriteCancelled {
        ring: ring.clone(),
        write: WriteId(write),
        why: Cancelled::ReadFailed { message: "502".to_owned() },
        retry_at: None,
    };
    log.engine("12T09:06", failed(1));
    let again = WriteIntent { id: WriteId(2), judgements: entry_judgements(at(second)), ..*intent };
    log.engine(second, Event::WritePlanned { ring: ring.clone(), intent: Box::new(again) });
    log.engine(second, failed(2));
    let (gate, why, since) = (Gate::Fleet, Unknown::ReadFails, at(since));
    let cause = Cause::UnknownTooLong { ring, gate, environment: None, why, since };
    log.engine(second, Event::Halted { cause });
    check(&log.0, &[])
}

#[test]
fn a_halt_for_reads_that_fail_has_their_failures_on_record() {
    assert_eq!(unread("12T15:10", "12T09:06"), []);
    for (row, second, since) in
        [("too short", "12T15:05", "12T09:06"), ("since another instant", "12T15:10", "12T09:05")]
    {
        let found = unread(second, since);
        assert!(found.iter().any(|one| one.text.contains("not on record as failing")), "{row}: {found:#?}");
    }
}
