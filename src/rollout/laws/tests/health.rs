//! Logs whose words on health their own numbers do not support.

use super::super::*;
use super::log::*;

/// The word of a gate about Windows in the n-th verification.
fn word(log: &mut Log, n: usize, gate: Gate) -> &mut Judgement {
    let words = log.judgements("ring_verified", n);
    let of = |word: &&mut Judgement| word.gate == gate && word.environment == Some(Environment::Windows);
    words.iter_mut().find(of).unwrap()
}

fn stalled(log: &mut Log) -> &mut Stalled {
    match &mut word(log, 0, Gate::Stalled).evidence {
        Evidence::Stalled(stalled) => stalled,
        _ => unreachable!(),
    }
}

fn dark(log: &mut Log) -> &mut Dark {
    match &mut word(log, 0, Gate::Dark).evidence {
        Evidence::Dark(dark) => dark,
        _ => unreachable!(),
    }
}

/// Ten of twenty-four are silent, and nobody elsewhere: by chance in 13 of a million cases.
fn silent(look: &mut Evaluation) {
    look.ring = Share { of: 24, silent: 10 };
    look.control = Share { of: 40, silent: 0 };
    look.p = PartsPerBillion(12_948);
}

#[test]
fn a_ring_is_verified_by_numbers_that_say_it_is_well() {
    let law = Law::HealthProven;
    assert_rows(&[
        (
            "no word on dark",
            |log| log.judgements("ring_verified", 0).retain(|word| word.gate != Gate::Dark),
            law,
            "dark/windows has 0 verdicts",
        ),
        (
            "no word on health at all, where one was before",
            |log| log.judgements("ring_verified", 1).retain(|word| !word.gate.is_of_health()),
            law,
            "stalled/windows has 0 verdicts",
        ),
        ("too many stalled", |log| stalled(log).counts.stalled = 2, law, "2 of 12 devices stalled"),
        (
            "other devices than adoption's",
            |log| stalled(log).counts.arrived = 10,
            law,
            "other devices than adoption",
        ),
        (
            "accepted by nobody",
            |log| {
                stalled(log).counts.stalled = 2;
                stalled(log).acknowledged = 2;
            },
            law,
            "2 devices count as accepted, and 0 were",
        ),
        ("other thresholds", |log| stalled(log).at_most = Percent::whole(90), law, "other thresholds"),
        ("fewer asked for", |log| dark(log).min_devices = 1, law, "other thresholds"),
        ("an old look", |log| word(log, 0, Gate::Stalled).as_of = Some(at("14T08:00")), law, "2h 10m old"),
        (
            "exempt with enough devices",
            |log| word(log, 0, Gate::Stalled).verdict = Verdict::Exempt(Exempt::TooFewDevices),
            law,
            "say otherwise",
        ),
        (
            "exempt with a control",
            |log| word(log, 0, Gate::Dark).verdict = Verdict::Exempt(Exempt::NoControl),
            law,
            "say otherwise",
        ),
        (
            "waived by nobody",
            |log| word(log, 0, Gate::Dark).verdict = Verdict::Exempt(Exempt::Waived),
            Law::Grounded,
            "not on record",
        ),
        (
            "it waits",
            |log| word(log, 0, Gate::Dark).verdict = Verdict::Wait(Waiting::TooSoon),
            law,
            "say otherwise",
        ),
        ("a control that sleeps", |log| dark(log).control_active = 4, law, "say otherwise"),
        ("a control that is too small to acquit", |log| dark(log).control_known = 9, law, "say otherwise"),
        ("a look beside two devices", |log| dark(log).looks[0].control.of = 2, law, "say otherwise"),
        (
            "no control, and it sleeps",
            |log| {
                (dark(log).control_active, dark(log).control_known) = (0, 20);
                word(log, 0, Gate::Dark).verdict = Verdict::Exempt(Exempt::NoControl);
            },
            law,
            "say otherwise",
        ),
        ("one look only", |log| dark(log).looks.truncate(1), law, "say otherwise"),
        ("twice the same look", |log| dark(log).looks[1].look = 1, law, "say otherwise"),
        ("a look that fails", |log| silent(&mut dark(log).looks[0]), law, "say otherwise"),
        (
            "a chance of its own",
            |log| {
                silent(&mut dark(log).looks[0]);
                dark(log).looks[0].p = PartsPerBillion(700_000);
            },
            law,
            "parts per billion, not 700000",
        ),
        (
            "a control left out",
            |log| {
                dark(log).looks[0].control.silent = 9;
                dark(log).looks[0].ring.silent = 4;
            },
            law,
            "its chance is",
        ),
        (
            "more than half is silent",
            |log| {
                dark(log).looks[0].ring = Share { of: 9, silent: 5 };
                dark(log).looks[0].control = Share { of: 9, silent: 5 };
                dark(log).looks[0].p = PartsPerBillion(681_406_829);
            },
            law,
            "say otherwise",
        ),
        (
            "chance is given more room",
            |log| dark(log).looks[0].p_at_most = PartsPerBillion(1_000_000),
            law,
            "chance must be below 250000",
        ),
        ("silence of 23 hours", |log| dark(log).looks[0].since = at("12T21:00"), law, "shorter than 1 times"),
        (
            "a look after the last read",
            |log| dark(log).looks[0].at = at("14T10:05"),
            law,
            "later than what was read",
        ),
        (
            "written while a ring cannot be judged",
            |log| {
                let environment = Some(Environment::Windows);
                let (ring, gate, why) = (ring_name("First"), Gate::Dark, Unknown::OutageOrHoliday);
                let unknown = Event::GateUnknown { ring, gate, environment, why };
                log.insert("write_planned", 1, &engine(), unknown);
            },
            law,
            "is unknown",
        ),
    ]);
}

#[test]
fn a_log_of_the_time_before_health_was_judged_is_sound() {
    let mut log = sound();
    for n in [0, 1] {
        log.judgements("ring_verified", n).retain(|word| !word.gate.is_of_health());
    }
    assert_eq!(check(&log.0, &journal()), Vec::new());
}

fn devices(count: usize) -> BTreeSet<DeviceId> {
    (0..count).map(|n| DeviceId::new(format!("d{n}")).unwrap()).collect()
}

/// Two of twelve are stalled.
fn unhealthy(count: usize) -> Cause {
    let mut judgement = healthy(Environment::Windows, at("13T10:00"), None).remove(0);
    judgement.verdict = Verdict::Fail(Failing::TooManyStalled);
    if let Evidence::Stalled(stalled) = &mut judgement.evidence {
        stalled.counts.stalled = 2;
    }
    Cause::Unhealthy { ring: ring_name("First"), judgement: Box::new(judgement), devices: devices(count) }
}

fn halt(log: &mut Log, cause: Cause, accepted: usize) {
    log.insert("adoption_reached", 0, &engine(), Event::Halted { cause: cause.clone() });
    let (ring, gate) = (ring_name("First"), Gate::Stalled);
    let environment = Some(Environment::Windows);
    let devices = devices(accepted);
    let acknowledged = vec![Acknowledged { ring, gate, environment, devices }];
    log.insert("adoption_reached", 0, &person(), Event::HaltLifted { cause, acknowledged });
}

#[test]
fn a_halt_for_ill_health_has_its_numbers_and_its_devices() {
    let mut log = sound();
    halt(&mut log, unhealthy(2), 2);
    assert_eq!(check(&log.0, &journal()), Vec::new());
    let law = Law::Grounded;
    assert_rows(&[
        ("one device is not named", |log| halt(log, unhealthy(1), 1), law, "1 devices are named"),
        (
            "halted for devices that were accepted",
            |log| {
                halt(log, unhealthy(2), 2);
                halt(log, unhealthy(2), 2);
            },
            law,
            "was accepted before",
        ),
        (
            "a gate that passes",
            |log| {
                let mut cause = unhealthy(0);
                if let Cause::Unhealthy { judgement, .. } = &mut cause {
                    judgement.verdict = Verdict::Pass;
                }
                halt(log, cause, 0);
            },
            law,
            "does not fail",
        ),
        (
            "numbers that pass",
            |log| {
                let mut cause = unhealthy(1);
                if let Cause::Unhealthy { judgement, .. } = &mut cause
                    && let Evidence::Stalled(stalled) = &mut judgement.evidence
                {
                    stalled.counts.stalled = 1;
                }
                halt(log, cause, 1);
            },
            law,
            "say otherwise",
        ),
        (
            "devices accepted for a gate without any",
            |log| {
                let cause = unhealthy(2);
                log.insert("adoption_reached", 0, &engine(), Event::Halted { cause: cause.clone() });
                let (ring, gate, environment) = (ring_name("First"), Gate::Adoption, None);
                let acknowledged = vec![Acknowledged { ring, gate, environment, devices: devices(1) }];
                log.insert("adoption_reached", 0, &person(), Event::HaltLifted { cause, acknowledged });
            },
            law,
            "nothing to acknowledge",
        ),
    ]);
}
