//! Classes against stories: each row tells what a device did and what it therefore is.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::ids::{DeviceId, PolicyId};
use crate::schedule::Zone;
use crate::time::{SignedDuration, Timestamp, after};
use crate::version::{ClientVersion, Environment};

const OLD: ClientVersion = ClientVersion::new(2026, 6, 880, 0);
const TARGET: ClientVersion = ClientVersion::new(2026, 8, 2100, 0);
const NEVER: i64 = i64::MIN;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// The assignment, which all times below count from, in milliseconds.
fn assigned() -> Timestamp {
    "2026-10-12T12:00:00Z".parse().unwrap()
}

fn at(millis: i64) -> Timestamp {
    after(assigned(), SignedDuration::from_millis(millis))
}

fn policy(name: &str) -> PolicyId {
    PolicyId::new(name).unwrap()
}

fn device(name: &str) -> DeviceId {
    DeviceId::new(name).unwrap()
}

/// The ring of profiles `in` and `also`, with a target for Windows only.
fn scope(assigned_at: Option<Timestamp>) -> RingScope {
    RingScope {
        policies: [policy("in"), policy("also")].into(),
        targets: BTreeMap::from([(Environment::Windows, TARGET)]),
        assigned_at,
        zone: Zone::utc(),
        stalled_after: SignedDuration::from_hours(24),
    }
}

/// One listing: the OS, what the client says, when it was seen, the profile.
type Listing = (&'static str, Reported, i64, &'static str);

fn sighting(id: &str, (os, client, seen, profile): Listing) -> ListedDevice {
    ListedDevice {
        id: device(id),
        name: id.to_owned(),
        user: None,
        device_type: Some(os.to_owned()),
        os_version: None,
        client,
        last_seen_at: (seen != NEVER).then(|| at(seen)),
        policy: Some(ListedProfile { id: policy(profile), default: false }),
    }
}

fn sweep(scope: SweepScope, started: i64, devices: Vec<ListedDevice>) -> Sweep {
    Sweep { scope, started_at: at(started), finished_at: at(started + 1_000), devices }
}

/// Full sweeps, each with what it lists of the one device, folded as they would have been: the
/// ring has its assignment only from the assignment on.
fn fleet_of(story: &[(i64, Option<Listing>)]) -> Fleet {
    let mut fleet = Fleet::default();
    for (started, listing) in story {
        let membership = Membership::new(vec![scope((*started >= 0).then(assigned))]);
        let listed = listing.iter().map(|listing| sighting("d", listing.clone())).collect();
        let _ = fleet.observe(sweep(SweepScope::Full, *started, listed), &membership);
    }
    fleet
}

fn class_at(fleet: &Fleet, now: i64) -> Option<Class> {
    scope(Some(assigned())).class(fleet.device(&device("d")).unwrap(), at(now))
}

fn ran(version: ClientVersion) -> Reported {
    Reported::Version(version)
}

fn win(version: ClientVersion, seen: i64) -> Option<Listing> {
    Some(("windows", ran(version), seen, "in"))
}

#[test]
fn a_device_is_what_its_story_says() {
    const DUE: i64 = 15 * MINUTE;
    let before = (-HOUR, win(OLD, -2 * HOUR));
    type Row = (&'static str, Vec<(i64, Option<Listing>)>, i64, Option<Class>);
    let unreadable = Reported::Unreadable("nightly".to_owned());
    let ancient = ClientVersion::new(2026, 5, 1155, 1);
    let first_able = ClientVersion::FIRST_ASSIGNABLE;
    let rows: Vec<Row> = vec![
        ("asleep since before", vec![before.clone()], HOUR, Some(Class::Unseen)),
        ("seen at the assignment on the target", vec![(1, win(TARGET, 0))], HOUR, Some(Class::Unseen)),
        ("seen just after it on the target", vec![(2, win(TARGET, 1))], HOUR, Some(Class::Arrived)),
        ("seen at its due instant", vec![before.clone(), (DUE, win(OLD, DUE))], DUE, Some(Class::Unseen)),
        ("seen just after it", vec![before.clone(), (DUE + 1, win(OLD, DUE + 1))], DUE + 1, Some(Class::Due)),
        (
            "not there a moment before a day is over",
            vec![before.clone(), (HOUR, win(OLD, HOUR))],
            25 * HOUR - 1,
            Some(Class::Due),
        ),
        (
            "not there when a day is over",
            vec![before.clone(), (HOUR, win(OLD, HOUR)), (25 * HOUR, win(OLD, 25 * HOUR))],
            25 * HOUR,
            Some(Class::Stalled),
        ),
        (
            "off when its day is over, and not seen since",
            vec![before.clone(), (HOUR, win(OLD, HOUR)), (70 * HOUR, win(OLD, 25 * HOUR - 1))],
            70 * HOUR,
            Some(Class::Due),
        ),
        (
            "off over a weekend, and back on the old version",
            vec![before.clone(), (HOUR, win(OLD, HOUR)), (70 * HOUR, win(OLD, 70 * HOUR))],
            70 * HOUR,
            Some(Class::Stalled),
        ),
        (
            "the day counts from its own first time seen when due",
            vec![before.clone(), (70 * HOUR, win(OLD, 70 * HOUR))],
            72 * HOUR,
            Some(Class::Due),
        ),
        (
            "late, and there at last",
            vec![before.clone(), (HOUR, win(OLD, HOUR)), (48 * HOUR, win(TARGET, 48 * HOUR))],
            48 * HOUR,
            Some(Class::Arrived),
        ),
        (
            "arrived, then on another version",
            vec![before.clone(), (HOUR, win(TARGET, HOUR)), (2 * HOUR, win(OLD, 2 * HOUR))],
            2 * HOUR,
            Some(Class::Stalled),
        ),
        (
            "arrived, away, and back on the target",
            vec![
                (HOUR, win(TARGET, HOUR)),
                (2 * HOUR, win(OLD, 2 * HOUR)),
                (3 * HOUR, win(TARGET, 3 * HOUR)),
            ],
            3 * HOUR,
            Some(Class::Arrived),
        ),
        (
            "new to the ring",
            vec![(-HOUR, None), (HOUR, Some(("windows", Reported::Null, HOUR, "in")))],
            HOUR,
            Some(Class::Unseen),
        ),
        ("listed first when all were, as after a loss", vec![(HOUR, win(OLD, HOUR))], HOUR, Some(Class::Due)),
        (
            "listed first when all were, and not seen since it could know",
            vec![(HOUR, win(OLD, DUE))],
            HOUR,
            Some(Class::Unseen),
        ),
        (
            "no version, seen when due",
            vec![before.clone(), (HOUR, Some(("windows", Reported::Null, HOUR, "in")))],
            HOUR,
            Some(Class::Due),
        ),
        (
            "a version that cannot be read",
            vec![before.clone(), (HOUR, Some(("windows", unreadable, HOUR, "in")))],
            HOUR,
            Some(Class::Due),
        ),
        ("a client too old", vec![before.clone(), (HOUR, win(ancient, HOUR))], HOUR, Some(Class::TooOld)),
        (
            "the first client that can",
            vec![before.clone(), (HOUR, win(first_able, HOUR))],
            HOUR,
            Some(Class::Due),
        ),
        ("another OS", vec![(HOUR, Some(("linux", ran(OLD), HOUR, "in")))], HOUR, Some(Class::Untargeted)),
        (
            "no target for it",
            vec![(HOUR, Some(("mac", ran(OLD), HOUR, "in")))],
            HOUR,
            Some(Class::Untargeted),
        ),
        (
            "never seen at all",
            vec![(HOUR, Some(("windows", ran(OLD), NEVER, "in")))],
            HOUR,
            Some(Class::Unseen),
        ),
        (
            "moved out of the ring",
            vec![
                before.clone(),
                (HOUR, win(OLD, HOUR)),
                (2 * HOUR, Some(("windows", ran(OLD), 2 * HOUR, "out"))),
            ],
            2 * HOUR,
            Some(Class::Left),
        ),
        ("never in the ring", vec![(HOUR, Some(("windows", ran(OLD), HOUR, "out")))], HOUR, None),
        (
            "moved within the ring",
            vec![
                before.clone(),
                (HOUR, win(OLD, HOUR)),
                (2 * HOUR, Some(("windows", ran(OLD), 2 * HOUR, "also"))),
            ],
            2 * HOUR,
            Some(Class::Due),
        ),
        (
            "moved into the ring: due from its first listing there",
            vec![(-HOUR, Some(("windows", ran(OLD), -HOUR, "out"))), (2 * HOUR, win(OLD, 2 * HOUR))],
            2 * HOUR,
            Some(Class::Unseen),
        ),
        (
            "moved into the ring, and seen again",
            vec![
                (-HOUR, Some(("windows", ran(OLD), -HOUR, "out"))),
                (2 * HOUR, win(OLD, 2 * HOUR)),
                (3 * HOUR, win(OLD, 2 * HOUR + 1)),
            ],
            3 * HOUR,
            Some(Class::Due),
        ),
        ("missing from one full sweep", vec![before.clone(), (HOUR, None)], HOUR, Some(Class::Unseen)),
        (
            "missing from two",
            vec![before.clone(), (HOUR, None), (7 * HOUR, None)],
            7 * HOUR,
            Some(Class::Left),
        ),
        (
            "missing from two, and back",
            vec![before, (HOUR, None), (7 * HOUR, None), (13 * HOUR, win(TARGET, 13 * HOUR))],
            13 * HOUR,
            Some(Class::Arrived),
        ),
    ];
    for (row, story, now, label) in rows {
        assert_eq!(class_at(&fleet_of(&story), now), label, "{row}");
    }
}

#[test]
fn before_the_assignment_nobody_is_late() {
    let fleet = fleet_of(&[(-HOUR, win(TARGET, -HOUR))]);
    let class = scope(None).class(fleet.device(&device("d")).unwrap(), at(-HOUR));
    assert_eq!(class, Some(Class::Unseen));
}

#[test]
fn a_late_page_of_an_older_sweep_changes_nothing() {
    let mut fleet = fleet_of(&[(-HOUR, win(OLD, -HOUR)), (HOUR, win(TARGET, HOUR))]);
    let membership = Membership::new(vec![scope(Some(assigned()))]);
    let late = vec![sighting("d", ("windows", ran(OLD), 30 * MINUTE, "out"))];
    let _ = fleet.observe(sweep(SweepScope::SeenAfter(at(0)), 31 * MINUTE, late), &membership);
    assert_eq!(class_at(&fleet, HOUR), Some(Class::Arrived));
}

#[test]
fn only_a_sweep_that_continues_the_last_one_moves_what_is_known() {
    let rows = [
        ("it reaches back beyond the last", 6 * HOUR - 10 * MINUTE, 6 * HOUR + 30 * MINUTE),
        ("it reaches back just to the last", 6 * HOUR, 6 * HOUR + 30 * MINUTE),
        ("it leaves a gap", 6 * HOUR + 1, 6 * HOUR),
    ];
    for (row, from, known) in rows {
        let mut fleet = fleet_of(&[(6 * HOUR, win(OLD, HOUR))]);
        let membership = Membership::default();
        let scope = SweepScope::SeenAfter(at(from));
        let _ = fleet.observe(sweep(scope, 6 * HOUR + 30 * MINUTE, Vec::new()), &membership);
        assert_eq!(fleet.swept_at(), Some(at(known)), "{row}");
        assert_eq!(fleet.full_sweep_at(), Some(at(6 * HOUR)), "{row}");
    }
}

#[test]
fn an_incremental_sweep_cannot_say_that_a_device_is_missing() {
    let mut fleet = fleet_of(&[(0, win(OLD, -HOUR))]);
    for round in 1..5 {
        let scope = SweepScope::SeenAfter(at((round - 1) * HOUR));
        let _ = fleet.observe(sweep(scope, round * HOUR, Vec::new()), &Membership::default());
    }
    assert_eq!(class_at(&fleet, 5 * HOUR), Some(Class::Unseen));
}

#[test]
fn a_ring_is_known_as_far_as_its_least_polled_profile() {
    let ring = scope(None).policies;
    let mut fleet = Fleet::default();
    let poll = |fleet: &mut Fleet, profile: &str, started| {
        let scope = SweepScope::Profile(policy(profile));
        let _ = fleet.observe(sweep(scope, started, Vec::new()), &Membership::default());
    };
    poll(&mut fleet, "in", HOUR);
    poll(&mut fleet, "also", HOUR);
    assert_eq!(fleet.known_until(&ring), None, "polls replace no full sweep");
    let _ = fleet.observe(sweep(SweepScope::Full, 0, Vec::new()), &Membership::default());
    assert_eq!(fleet.known_until(&ring), Some(at(HOUR)));
    poll(&mut fleet, "in", 2 * HOUR);
    assert_eq!(fleet.known_until(&ring), Some(at(HOUR)), "the other profile was not polled");
    poll(&mut fleet, "also", 2 * HOUR);
    assert_eq!(fleet.known_until(&ring), Some(at(2 * HOUR)));
}

#[test]
fn activity_is_what_was_seen_in_the_week_before() {
    let week = 7 * 24 * HOUR;
    let rows = [
        ("seen just a week before", vec![(-HOUR, win(OLD, -week))], 1),
        ("seen a moment earlier", vec![(-HOUR, win(OLD, -week - 1))], 0),
        (
            "away for weeks, and back after the assignment",
            vec![(-HOUR, win(OLD, -week - 1)), (HOUR, win(OLD, HOUR))],
            0,
        ),
        ("never seen", vec![(-HOUR, Some(("windows", ran(OLD), NEVER, "in")))], 0),
        ("too old to move", vec![(-HOUR, win(ClientVersion::new(2025, 1, 1, 0), -HOUR))], 0),
    ];
    for (row, story, active) in rows {
        let census = fleet_of(&story).census(&scope(Some(assigned())), at(2 * HOUR));
        assert_eq!(census.environments[&Environment::Windows].active, active, "{row}");
    }
}

#[test]
fn a_device_is_exercised_once_seen_on_a_later_day() {
    let rows = [
        ("the same day", 11 * HOUR, 0),
        ("just before midnight", 12 * HOUR - 1, 0),
        ("at midnight", 12 * HOUR, 1),
    ];
    for (row, seen, exercised) in rows {
        let fleet = fleet_of(&[(HOUR, win(TARGET, HOUR)), (seen, win(TARGET, seen))]);
        let census = fleet.census(&scope(Some(assigned())), at(seen));
        assert_eq!(census.exercised(), exercised, "{row}");
    }
}

#[test]
fn a_device_gone_for_long_is_forgotten() {
    let month = i64::try_from(FORGET_AFTER.as_millis()).unwrap();
    let kept = fleet_of(&[(0, win(OLD, 0)), (month, None)]);
    assert!(kept.device(&device("d")).is_some());
    let forgotten = fleet_of(&[(0, win(OLD, 0)), (month + 1, None)]);
    assert!(forgotten.device(&device("d")).is_none());
}

fn listing() -> impl Strategy<Value = Listing> {
    let os = prop::sample::select(vec!["windows", "mac", "linux"]);
    let client = prop::sample::select(vec![
        ran(OLD),
        ran(TARGET),
        ran(ClientVersion::new(2026, 5, 1, 0)),
        Reported::Null,
        Reported::Unreadable("x".to_owned()),
    ]);
    let seen = prop_oneof![1 => Just(NEVER), 9 => -20 * HOUR..40 * HOUR];
    let profile = prop::sample::select(vec!["in", "also", "out"]);
    (os, client, seen, profile)
}

fn history() -> impl Strategy<Value = Vec<(i64, BTreeMap<u8, Listing>)>> {
    let listed = prop::collection::btree_map(0_u8..8, listing(), 0..8);
    prop::collection::vec((-10 * HOUR..40 * HOUR, listed), 1..6)
}

proptest! {
    #[test]
    fn counts_always_add_up(mut history in history(), now in 0..80 * HOUR) {
        history.sort_by_key(|(started, _)| *started);
        let mut fleet = Fleet::default();
        for (started, listed) in history {
            let membership = Membership::new(vec![scope((started >= 0).then(assigned))]);
            let devices =
                listed.into_iter().map(|(id, listing)| sighting(&id.to_string(), listing)).collect();
            let _ = fleet.observe(sweep(SweepScope::Full, started, devices), &membership);
        }
        let ring = scope(Some(assigned()));
        let census = fleet.census(&ring, at(now));
        prop_assert_eq!(&census, &ring.census(fleet.devices(), at(now)), "the index leaves nobody out");
        let counted = fleet.devices().filter(|device| ring.class(device, at(now)).is_some()).count();
        prop_assert_eq!(census.total(), counted);
        let all: Vec<Counts> =
            census.environments.values().map(|census| census.counts).chain([census.other]).collect();
        for class in Class::ALL {
            let told = fleet.devices().filter(|device| ring.class(device, at(now)) == Some(class)).count();
            prop_assert_eq!(all.iter().map(|counts| counts.of(class)).sum::<usize>(), told);
        }
        for census in census.environments.values() {
            let counts = census.counts;
            prop_assert!(census.active_sighted <= census.active && census.active <= counts.eligible());
            prop_assert!(census.exercised <= counts.arrived && counts.arrived <= counts.sighted());
        }
    }
}
