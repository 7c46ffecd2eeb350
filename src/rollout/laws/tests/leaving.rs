//! Logs that leave a ring wrongly, and halts without grounds.

use super::super::*;
use super::log::*;

#[test]
fn an_adoption_that_is_none_is_caught() {
    let law = Law::AdoptionProven;
    assert_rows(&[
        (
            "an environment missing",
            |log| drop(log.judgements("adoption_reached", 0).pop()),
            law,
            "macos has 0",
        ),
        (
            "an environment twice",
            |log| {
                let again = log.judgements("adoption_reached", 0)[0].clone();
                log.judgements("adoption_reached", 0).push(again);
            },
            law,
            "windows has 2",
        ),
        (
            "an environment without a target",
            |log| log.judgements("adoption_reached", 1)[0].environment = Some(Environment::Macos),
            law,
            "no target for adoption/macos",
        ),
        (
            "one device short",
            |log| log.census("adoption_reached", 0).counts.due = 2,
            law,
            "only 9 of 11 seen",
        ),
        (
            "too few seen",
            |log| log.census("adoption_reached", 0).active_sighted = 5,
            law,
            "only 5 of 10 active",
        ),
        (
            "nobody seen",
            |log| {
                let counts = Counts { unseen: 10, ..Counts::default() };
                *log.census("adoption_reached", 0) =
                    EnvironmentCensus { counts, ..EnvironmentCensus::default() };
            },
            law,
            "nobody was seen",
        ),
        (
            "counts that do not add up",
            |log| log.census("adoption_reached", 0).active = 13,
            law,
            "do not add up",
        ),
        (
            "other thresholds",
            |log| match &mut log.judgements("adoption_reached", 0)[0].evidence {
                Evidence::Adoption { at_least, .. } => *at_least = Percent::whole(10),
                _ => unreachable!(),
            },
            law,
            "other thresholds",
        ),
        (
            "a look of 91 minutes ago",
            |log| log.judgements("adoption_reached", 0)[0].as_of = Some(at("13T08:39")),
            law,
            "1h 31m old",
        ),
        ("never looked", |log| log.judgements("adoption_reached", 0)[0].as_of = None, law, "never read"),
        (
            "unknown",
            |log| log.judgements("adoption_reached", 0)[0].verdict = Verdict::Unknown(Unknown::NotSwept),
            law,
            "does not advance",
        ),
        (
            "exempt with devices",
            |log| {
                log.judgements("adoption_reached", 0)[0].verdict = Verdict::Exempt(Exempt::NoEligibleDevice);
            },
            law,
            "as if the ring had no such device",
        ),
        (
            "exempt without a waiver",
            |log| log.judgements("adoption_reached", 0)[0].verdict = Verdict::Exempt(Exempt::Waived),
            Law::Grounded,
            "not on record",
        ),
    ]);
}

/// 12 devices: 9 arrived, 1 due, 2 unseen; with `left` more that left.
fn leavers(left: usize, before: usize) -> Event {
    let (ring, environment) = (ring_name("First"), Environment::Windows);
    Event::DevicesLeft { ring, environment, left, before, of: 12 + left }
}

#[test]
fn an_adoption_by_devices_that_left_without_a_word_is_caught() {
    let law = Law::AdoptionProven;
    assert_rows(&[
        (
            "two left, and nobody says so",
            |log| log.census("adoption_reached", 0).counts.left = 2,
            law,
            "2 of the 14 devices of adoption/windows left without an event",
        ),
        (
            "two left, one was told of",
            |log| {
                log.insert("adoption_reached", 0, &engine(), leavers(1, 0));
                log.census("adoption_reached", 0).counts.left = 2;
            },
            law,
            "1 of the 14 devices",
        ),
        (
            "too few to matter by number, and the share rests on them",
            |log| {
                let census = log.census("adoption_reached", 0);
                census.counts = Counts { arrived: 90, due: 10, left: 2, ..Counts::default() };
                (census.active, census.active_sighted) = (100, 100);
            },
            law,
            "passes because 2 devices left",
        ),
        (
            "told of before the ring is entered",
            |log| log.insert("write_planned", 0, &engine(), leavers(1, 0)),
            Law::Grounded,
            "not on its way",
        ),
        (
            "told twice",
            |log| {
                log.insert("adoption_reached", 0, &engine(), leavers(1, 0));
                log.insert("adoption_reached", 0, &engine(), leavers(2, 0));
            },
            Law::Grounded,
            "1 devices had left First, by the log, not 0",
        ),
    ]);
    let mut log = sound();
    log.insert("adoption_reached", 0, &engine(), leavers(2, 0));
    log.census("adoption_reached", 0).counts.left = 2;
    assert_eq!(check(&log.0, &[]), []);
}

fn soak_of(log: &mut Log, n: usize) -> &mut Judgement {
    log.judgements("ring_verified", n).last_mut().unwrap()
}

#[test]
fn a_soak_that_is_none_is_caught() {
    let law = Law::SoakProven;
    assert_rows(&[
        ("a minute early", |log| log.get("ring_verified", 0).at = at("14T10:09"), law, "the soak ends at"),
        ("no word on soak", |log| drop(log.judgements("ring_verified", 0).pop()), law, "not exactly one"),
        (
            "another beginning",
            |log| match &mut soak_of(log, 0).evidence {
                Evidence::Soak { started_at, .. } => *started_at = at("13T10:00"),
                _ => unreachable!(),
            },
            law,
            "not when adoption was reached",
        ),
        (
            "nobody came back",
            |log| {
                for word in log.judgements("ring_verified", 1) {
                    match &mut word.evidence {
                        Evidence::Soak { exercised, .. } => *exercised = 4,
                        Evidence::Adoption { census, .. } => census.exercised = 4,
                        _ => {}
                    }
                }
            },
            law,
            "only 4 of 9",
        ),
        (
            "other devices than adoption's",
            |log| match &mut soak_of(log, 0).evidence {
                Evidence::Soak { arrived, .. } => *arrived = 10,
                _ => unreachable!(),
            },
            law,
            "count different devices",
        ),
        ("an old look", |log| soak_of(log, 0).as_of = Some(at("14T08:00")), law, "2h 10m old"),
        ("verified while paused", |log| log.remove("pause_lifted", 0), law, "while writes wait"),
        (
            "recognised by no soak",
            |log| {
                let group = group("g1", content("First", "p1", &Environment::ALL), at("12T09:06"));
                let soak = SoakFact {
                    group: group.id.clone(),
                    policies: policies(&["p1"]),
                    targets: targets(&Environment::ALL),
                    verified_at: at("11T10:00"),
                };
                let ring = ring_name("First");
                log.insert("write_planned", 0, &engine(), Event::RingRecognised { ring, group, soak });
            },
            law,
            "the log does not have",
        ),
    ]);
}

#[test]
fn halts_and_waivers_have_grounds() {
    let law = Law::Grounded;
    assert_rows(&[
        (
            "a gate that cannot be waived",
            |log| {
                let waived = Event::GateWaived { ring: ring_name("First"), gate: Gate::Fleet };
                log.insert("adoption_reached", 0, &person(), waived);
            },
            law,
            "cannot be waived",
        ),
        ("known, and never unknown", |log| log.remove("gate_unknown", 0), law, "was not unknown"),
        (
            "halted before the deadline",
            |log| {
                let mut judgement = adopted(Environment::Windows, at("13T10:00"));
                judgement.verdict = Verdict::Fail(Failing::DeadlineMissed);
                let cause =
                    Cause::AdoptionMissed { ring: ring_name("First"), judgement: Box::new(judgement) };
                log.insert("adoption_reached", 0, &engine(), Event::Halted { cause });
            },
            law,
            "the deadline is",
        ),
        (
            "halted for a refusal that never was",
            |log| {
                let (ring, message) = (ring_name("First"), "no".to_owned());
                let cause = Cause::WriteRefused { ring, status: 403, message };
                log.insert("adoption_reached", 0, &engine(), Event::Halted { cause });
            },
            law,
            "no refusal with 403",
        ),
        (
            "halted for drift that is none",
            |log| {
                let as_left = group("g1", content("First", "p1", &Environment::ALL), at("12T09:06"));
                let cause = Cause::Drift(Box::new(GroupDrift {
                    ring: ring_name("First"),
                    expected: as_left.clone(),
                    seen: Some(as_left),
                    elsewhere: Vec::new(),
                    never: None,
                }));
                log.insert("adoption_reached", 0, &engine(), Event::Halted { cause });
            },
            law,
            "as ringward left it",
        ),
        (
            "unknown for an hour only",
            |log| {
                let cause = Cause::UnknownTooLong {
                    ring: ring_name("Second"),
                    gate: Gate::Adoption,
                    environment: Some(Environment::Windows),
                    why: Unknown::StaleSweep,
                    since: at("14T12:00"),
                };
                log.insert("gate_known", 0, &engine(), Event::Halted { cause });
            },
            law,
            "unknown for that long",
        ),
        (
            "too few failures",
            |log| {
                let (ring, last) = (ring_name("First"), "x".to_owned());
                let cause = Cause::WritesKeepFailing { ring, attempts: 6, last };
                log.insert("adoption_reached", 0, &engine(), Event::Halted { cause });
            },
            law,
            "0 writes in a row",
        ),
    ]);
}
