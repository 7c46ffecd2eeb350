//! Logs in which time, a waiver or an unknown gate counts for what it must not count for.

use super::super::*;
use super::log::*;

/// The first ring adopts, its file is gone from the 13th to the 17th, and it misses its deadline.
fn missed(deadline_at: Timestamp, halted_at: &str) -> Log {
    let mut log = sound();
    let place = log.place("adoption_reached", 0);
    log.0.truncate(place);
    log.engine("13T10:00", Event::RolloutWithdrawn {});
    log.engine("17T10:00", Event::RolloutReturned {});
    let mut judgement = adopted(Environment::Windows, at(halted_at));
    judgement.verdict = Verdict::Fail(Failing::DeadlineMissed);
    if let Evidence::Adoption { census, deadline_at: told, .. } = &mut judgement.evidence {
        (census.counts.arrived, census.counts.due, *told) = (5, 5, deadline_at);
        census.exercised = 5;
    }
    let cause = Cause::AdoptionMissed { ring: ring_name("First"), judgement: Box::new(judgement) };
    log.engine(halted_at, Event::Halted { cause });
    log
}

#[test]
fn a_deadline_is_neither_early_nor_late() {
    // Assigned on the 12th at 9:06; seven days, four without a file, one frozen.
    let due = at("24T09:06");
    assert_eq!(check(&missed(due, "24T09:06").0, &[]), Vec::new());
    let rows = [
        ("without the days that its file was gone", missed(at("20T09:06"), "24T09:06")),
        ("a day that nothing pushed it", missed(at("25T09:06"), "25T09:06")),
    ];
    for (row, log) in rows {
        let found = check(&log.0, &[]);
        let caught = found.iter().any(|one| one.law == Law::Grounded && one.text.contains("must lie from"));
        assert!(caught, "{row}: {found:#?}");
    }
}

fn waive_soak(log: &mut Log, before: &str) {
    let waived = Event::GateWaived { ring: ring_name("First"), gate: Gate::Soak };
    log.insert(before, 0, &person(), waived);
    let soak = log.judgements("ring_verified", 0).last_mut().unwrap();
    soak.verdict = Verdict::Exempt(Exempt::Waived);
}

#[test]
fn what_counts_for_another_version_or_too_long_is_caught() {
    assert_rows(&[
        (
            "a waiver of the version before",
            |log| {
                waive_soak(log, "write_planned");
                let mut next = revision("v2");
                for version in next.plan.rings[0].targets.values_mut() {
                    *version = ClientVersion::new(2026, 9, 1, 0);
                }
                log.insert(
                    "write_planned",
                    0,
                    &engine(),
                    Event::PlanRevised { revision: next, restricts_only: false, dropped: [].into() },
                );
            },
            Law::Grounded,
            "a waiver that is not on record",
        ),
        (
            "unknown for hours while a write was in doubt",
            |log| {
                let (gate, environment) = (Gate::Stalled, Some(Environment::Windows));
                let (ring, why) = (ring_name("First"), Unknown::StaleSweep);
                let unknown = Event::GateUnknown { ring, gate, environment, why };
                log.insert("write_doubted", 0, &engine(), unknown);
                log.get("write_settled", 0).at = at("14T17:00");
            },
            Law::Grounded,
            "nothing halted",
        ),
    ]);
}

#[test]
fn a_waived_soak_is_no_proof_for_a_later_rollout() {
    let again = |log: &mut Log| {
        let place = log.place("rollout_completed", 0);
        log.0.truncate(place);
        let next = revision("v1");
        let first = ring_name("First");
        let group = group("g1", content("First", "p1", &Environment::ALL), at("12T09:06"));
        let soak = SoakFact {
            group: group.id.clone(),
            policies: policies(&["p1"]),
            targets: targets(&Environment::ALL),
            verified_at: at("14T10:10"),
        };
        log.engine("16T10:40", Event::RolloutSuperseded { by: next.digest.clone() });
        for event in [
            Event::PlanAccepted { revision: next },
            Event::RingReached { ring: first.clone() },
            Event::RingRecognised { ring: first, group, soak },
        ] {
            log.engine("16T10:40", event);
            log.0.last_mut().unwrap().entry.rollout.as_mut().unwrap().number = 2;
        }
    };
    let mut log = sound();
    again(&mut log);
    assert_eq!(check(&log.0, &[]), Vec::new(), "a soak that ran is one");
    let mut log = sound();
    waive_soak(&mut log, "ring_verified");
    again(&mut log);
    let found = check(&log.0, &[]);
    let caught = found.iter().any(|one| one.law == Law::SoakProven && one.text.contains("does not have"));
    assert!(caught && found.len() == 1, "{found:#?}");
}

/// A ring's writes, all but the last of which were applied; then the plan is paused, and the last is planned, spoilt.
fn paused_before_the_last(purposes: &[Purpose], spoil: fn(&mut WriteIntent)) -> Vec<Violation> {
    let mut log = sound();
    let place = log.place("write_planned", 0);
    log.0.truncate(place);
    let first = ring_name("First");
    for (n, purpose) in (1..).zip(purposes) {
        if n == purposes.len() as u64 {
            log.person("12T09:30", Event::Paused {});
        }
        let mut write = intent(n, "First", "p1", &Environment::ALL, at("12T08:50"));
        write.purpose = purpose.clone();
        let other = content("Second", "p1", &Environment::ALL);
        let empty = GroupContent { policies: BTreeSet::new(), ..other.clone() };
        let between = match purpose {
            Purpose::MoveOut { .. } => Some((other, empty)),
            Purpose::PutBack { .. } => Some((empty, other)),
            Purpose::Target | Purpose::Restore | Purpose::Rollback { .. } => None,
        };
        let mut id = "g1";
        if let Some((before, after)) = between {
            id = "g2";
            (write.before, write.after) = (Some(group(id, before, at("12T08:00"))), after);
        }
        if n == purposes.len() as u64 {
            spoil(&mut write);
        }
        let given = group(id, write.after.clone(), at("12T09:06"));
        log.engine("12T09:40", Event::WritePlanned { ring: first.clone(), intent: Box::new(write) });
        if n < purposes.len() as u64 {
            let confirmed =
                Event::WriteConfirmed { ring: first.clone(), write: WriteId(n), group: given, counted: None };
            log.engine("12T09:20", confirmed);
        }
    }
    check(&log.0, &[])
}

#[test]
fn a_hold_lets_the_second_half_of_a_move_go_on_and_nothing_else() {
    let move_out = || Purpose::MoveOut { from: ring_name("Second"), plan: None };
    let put_back = || Purpose::PutBack { from: ring_name("Second"), plan: None };
    let rows = [
        ("the second half", vec![move_out(), Purpose::Target], false),
        ("no half before it", vec![Purpose::Target], true),
        ("another profile taken out", vec![move_out(), move_out()], true),
        ("a group written back", vec![move_out(), Purpose::Restore], true),
        ("after the second half", vec![move_out(), Purpose::Target, Purpose::Restore], true),
        ("another target after it", vec![move_out(), Purpose::Target, Purpose::Target], true),
        ("the way back", vec![move_out(), put_back()], false),
        ("the rollback target of what went in", vec![move_out(), Purpose::Target, put_back()], true),
        ("the way back twice", vec![move_out(), put_back(), put_back()], true),
        ("the second half of what went back", vec![move_out(), put_back(), Purpose::Target], true),
    ];
    let paused = |found: &[Violation]| found.iter().any(|found| found.text.contains("the plan is paused"));
    for (row, purposes, caught) in rows {
        let found = paused_before_the_last(&purposes, |_| {});
        assert_eq!(paused(&found), caught, "{row}: {found:#?}");
    }
    let found = paused_before_the_last(&[move_out(), put_back()], |write| {
        let before = write.before.as_mut().unwrap();
        before.id = GroupId::new("g3").unwrap();
    });
    assert!(paused(&found), "a way back into another group: {found:#?}");
}

#[test]
fn what_is_put_back_is_what_was_taken_out_and_nothing_else() {
    let move_out = || Purpose::MoveOut { from: ring_name("Second"), plan: None };
    let put_back = || Purpose::PutBack { from: ring_name("Second"), plan: None };
    let both = || vec![move_out(), put_back()];
    type Spoil = fn(&mut WriteIntent);
    let rows: [(&str, Vec<Purpose>, Spoil, Option<&str>); 6] = [
        ("what was taken out", both(), |_| {}, None),
        ("what was never out", vec![put_back()], |_| {}, Some("more is put back")),
        (
            "a profile more",
            both(),
            |write| write.after.policies.extend(policies(&["p2"])),
            Some("more is put back"),
        ),
        ("another version", both(), |write| write.after.versions.clear(), Some("more is put back")),
        ("nothing", both(), |write| write.after.policies.clear(), Some("more is put back")),
        ("into no group", both(), |write| write.before = None, Some("put back into no group")),
    ];
    for (row, purposes, spoil, expected) in rows {
        let found = paused_before_the_last(&purposes, spoil);
        let told =
            found.iter().find(|found| found.law == Law::NothingDropped && found.text.contains("put back"));
        assert_eq!(told.is_some(), expected.is_some(), "{row}: {found:#?}");
        assert!(
            expected.is_none_or(|text| told.is_some_and(|told| told.text.contains(text))),
            "{row}: {told:?}"
        );
    }
}

#[test]
fn no_other_ring_is_entered_while_a_profile_is_in_no_group() {
    let mut log = sound();
    let entered = log.place("write_planned", 1);
    let rest = log.0.split_off(entered);
    let Event::WritePlanned { ring: second, .. } = &rest[0].entry.event else { unreachable!() };
    assert_eq!(*second, ring_name("Second"));
    let told = |log: &Log| {
        let found = check(&log.0, &[]);
        found.iter().any(|one| one.text.contains("Second is entered while a profile of First is in no group"))
    };
    let mut sound = Log([log.0.clone(), rest.clone()].concat());
    sound.renumber();
    assert!(!told(&sound));

    let mut write = intent(9, "First", "p1", &Environment::ALL, at("12T08:50"));
    write.purpose = Purpose::MoveOut { from: ring_name("Second"), plan: None };
    let other = content("Second", "p1", &Environment::ALL);
    write.before = Some(group("g2", other.clone(), at("12T08:00")));
    write.after = GroupContent { policies: BTreeSet::new(), ..other };
    let given = group("g2", write.after.clone(), at("12T09:06"));
    let (ring, write_id) = (ring_name("First"), write.id);
    let planned = Event::WritePlanned { ring: ring.clone(), intent: Box::new(write) };
    let confirmed = Event::WriteConfirmed { ring, write: write_id, group: given, counted: None };
    for event in [planned, confirmed] {
        log.engine("12T09:40", event);
        log.0.last_mut().unwrap().at = rest[0].at;
    }
    log.0.extend(rest);
    log.renumber();
    assert!(told(&log));
}
