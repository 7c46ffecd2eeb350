//! Logs that write a drifted group back, or accept a drift, wrongly.

use super::super::*;
use super::log::*;
use crate::plan::model::{Forbid, OnDrift};
use crate::rollout::record::Never;

fn drift() -> GroupDrift {
    let environments = [Environment::Windows, Environment::Macos];
    let expected = group("g1", content("First", "p1", &environments), at("12T09:06"));
    let mut seen = group("g1", content("First", "p1", &environments), at("13T10:55"));
    seen.content.versions[0].version = "2026.7.1376.0".to_owned();
    GroupDrift { ring: ring_name("First"), expected, seen: Some(seen), elsewhere: Vec::new(), never: None }
}

fn set(log: &mut Log, on_drift: OnDrift) {
    match log.event("plan_accepted", 0) {
        Event::PlanAccepted { revision } => revision.plan.on_drift = on_drift,
        _ => unreachable!(),
    }
}

/// The first ring's group drifts in its soak, is written back, and the ring is verified after it.
fn restored() -> Log {
    use Environment::{Macos, Windows};
    let first = ring_name("First");
    let mut log = Log(sound().0.into_iter().take(6).collect());
    set(&mut log, OnDrift::Restore);
    let found = drift();
    log.engine("13T11:00", Event::DriftFound { drift: Box::new(found.clone()) });
    let mut write = intent(2, "First", "p1", &[Windows, Macos], at("13T10:50"));
    (write.purpose, write.before) = (Purpose::Restore, found.seen);
    let given = group("g1", write.after.clone(), at("13T11:06"));
    log.engine("13T11:05", Event::WritePlanned { ring: first.clone(), intent: Box::new(write) });
    log.engine(
        "13T11:06",
        Event::WriteConfirmed { ring: first.clone(), write: WriteId(2), group: given, counted: None },
    );
    let judgements = vec![adopted(Windows, at("14T10:00")), adopted(Macos, at("14T10:00"))];
    log.engine("14T10:10", Event::AdoptionReached { ring: first.clone(), judgements });
    let soak = soaked(at("14T10:10"), at("15T10:10"), 2, at("15T10:00"));
    let judgements = vec![adopted(Windows, at("15T10:00")), adopted(Macos, at("15T10:00")), soak];
    log.engine("15T10:10", Event::RingVerified { ring: first, judgements });
    log
}

fn forbid(log: &mut Log, versions: &str) {
    let (versions, reason) = (versions.parse().unwrap(), "a test".to_owned());
    match log.event("plan_accepted", 0) {
        Event::PlanAccepted { revision } => revision.plan.forbid.push(Forbid { versions, reason }),
        _ => unreachable!(),
    }
}

/// The first ring's group drifts and is written back so many times, then it drifts once more.
fn restored_often(times: u32) -> Log {
    use Environment::{Macos, Windows};
    let first = ring_name("First");
    let mut log = Log(sound().0.into_iter().take(6).collect());
    set(&mut log, OnDrift::Restore);
    for n in 0..=times {
        let when = |minute: u32| format!("13T{}:{minute:02}", 11 + n);
        let mut found = drift();
        if let Some(seen) = &mut found.seen {
            seen.updated_at = at(&when(0));
        }
        if n == times {
            log.engine(&when(1), Event::DriftFound { drift: Box::new(found) });
            break;
        }
        log.engine(&when(1), Event::DriftFound { drift: Box::new(found.clone()) });
        let mut write = intent(u64::from(n) + 2, "First", "p1", &[Windows, Macos], at(&when(2)));
        (write.purpose, write.before) = (Purpose::Restore, found.seen);
        let (id, given) = (write.id, group("g1", write.after.clone(), at(&when(4))));
        log.engine(&when(3), Event::WritePlanned { ring: first.clone(), intent: Box::new(write) });
        log.engine(
            &when(4),
            Event::WriteConfirmed { ring: first.clone(), write: id, group: given, counted: None },
        );
    }
    log
}

fn halted(never: Never) -> Event {
    Event::Halted { cause: Cause::Drift(Box::new(GroupDrift { never: Some(never), ..drift() })) }
}

fn updater(moved: usize, of: usize) -> Cause {
    Cause::OtherUpdater(Box::new(OtherUpdater {
        ring: ring_name("First"),
        of,
        moved,
        versions: vec![MovedTo {
            environment: Environment::Windows,
            version: "2026.9.100.0".parse().unwrap(),
            devices: moved,
        }],
        since: at("12T11:00"),
    }))
}

#[test]
fn a_group_written_back_breaks_no_law() {
    assert_eq!(check(&restored().0, &[]), Vec::new());
    let mut log = Log(sound().0.into_iter().take(6).collect());
    log.engine("13T11:00", Event::Halted { cause: updater(4, 20) });
    assert_eq!(check(&log.0, &[]), Vec::new());
}

#[test]
fn a_group_is_written_back_three_times_and_no_more() {
    assert_eq!(check(&restored_often(3).0, &[]), Vec::new());
    let found = check(&restored_often(4).0, &[]);
    assert!(found.iter().any(|violation| violation.text.contains("was 3 times before")), "{found:#?}");

    let halt = |times: u32, told: u32| {
        let mut log = restored_often(times);
        log.engine("13T16:00", halted(Never::TooOften { times: told }));
        check(&log.0, &[])
    };
    assert_eq!(halt(3, 3), Vec::new());
    for (times, told) in [(2, 2), (2, 3), (3, 4)] {
        let found = halt(times, told);
        let text = format!("it was written back {times} times");
        assert!(found.iter().any(|violation| violation.text.contains(&text)), "{times} {told}: {found:#?}");
    }
}

#[test]
fn a_halt_for_a_forbidden_build_needs_one() {
    let halt = |versions: Option<&str>| {
        let mut log = Log(restored().0.into_iter().take(6).collect());
        versions.into_iter().for_each(|versions| forbid(&mut log, versions));
        let version = "windows 2026.8.2100.0".to_owned();
        log.engine("13T11:00", halted(Never::Forbidden { version, reason: "a test".to_owned() }));
        check(&log.0, &[])
    };
    let borne_out = halt(Some("=2026.8.2100"));
    assert!(!borne_out.iter().any(|violation| violation.text.contains("forbids nothing")), "{borne_out:#?}");
    for versions in [None, Some("<2026.8.2100")] {
        let found = halt(versions);
        assert!(found.iter().any(|violation| violation.text.contains("forbids nothing")), "{found:#?}");
    }
}

#[test]
fn a_drift_dealt_with_wrongly_is_caught() {
    let rows: [Row; 14] = [
        (
            "a drift that is not on record",
            |log| log.remove("drift_found", 0),
            Law::WriteAllowed,
            "not on record",
        ),
        (
            "another content than ringward left",
            |log| log.intent(1).after.versions[0].version = "2026.7.1376.0".to_owned(),
            Law::NothingDropped,
            "as ringward left it",
        ),
        (
            "a profile left out",
            |log| log.intent(1).after.policies.clear(),
            Law::NothingDropped,
            "as ringward left it",
        ),
        ("a plan that halts", |log| set(log, OnDrift::Halt), Law::WriteAllowed, "does not have drift"),
        (
            "another group than was seen",
            |log| log.intent(1).before = None,
            Law::WriteAllowed,
            "not on record",
        ),
        (
            "verified before it is written back",
            |log| {
                log.remove("write_planned", 1);
                log.remove("write_confirmed", 1);
                log.remove("adoption_reached", 1);
            },
            Law::SoakProven,
            "is to be written back",
        ),
        (
            "another write before it",
            |log| {
                let mut other = log.event("write_planned", 1).clone();
                if let Event::WritePlanned { intent, .. } = &mut other {
                    intent.purpose = Purpose::Target;
                }
                log.insert("write_planned", 1, &engine(), other);
            },
            Law::WriteAllowed,
            "is to be written back first",
        ),
        (
            "a drift that is none",
            |log| match log.event("drift_found", 0) {
                Event::DriftFound { drift } => drift.seen = Some(drift.expected.clone()),
                _ => unreachable!(),
            },
            Law::Grounded,
            "as ringward left it",
        ),
        (
            "accepted by a plan that does not",
            |log| {
                let drift = Drift::Group(Box::new(drift()));
                log.insert("write_planned", 1, &engine(), Event::DriftAdopted { drift });
            },
            Law::Grounded,
            "does not accept",
        ),
        (
            "a halt for what can be written back",
            |log| {
                let cause = Cause::Drift(Box::new(drift()));
                log.insert("write_planned", 1, &engine(), Event::Halted { cause });
            },
            Law::Grounded,
            "nothing stands against it",
        ),
        (
            "a build that the plan forbids by now",
            |log| forbid(log, "=2026.8.2100"),
            Law::WriteAllowed,
            "which the plan forbids",
        ),
        (
            "on record as to be written back, and never is",
            |log| match log.event("drift_found", 0) {
                Event::DriftFound { drift } => drift.never = Some(Never::TooOften { times: 3 }),
                _ => unreachable!(),
            },
            Law::Grounded,
            "never written back",
        ),
        (
            "too few devices for another updater",
            |log| log.insert("drift_found", 0, &engine(), Event::Halted { cause: updater(2, 10) }),
            Law::Grounded,
            "too few",
        ),
        (
            "a tenth of a ring is not more than a tenth",
            |log| log.insert("drift_found", 0, &engine(), Event::Halted { cause: updater(3, 30) }),
            Law::Grounded,
            "too few",
        ),
    ];
    for (row, spoil, law, text) in rows {
        let mut log = restored();
        spoil(&mut log);
        let found = check(&log.0, &[]);
        let caught = found.iter().any(|violation| violation.law == law && violation.text.contains(text));
        assert!(caught, "{row}: expected {law} with `{text}`, found {found:#?}");
    }
}

#[test]
fn a_ring_off_its_targets_is_not_verified() {
    let mut log = restored();
    set(&mut log, OnDrift::Accept);
    for kind in ["drift_found", "write_planned", "write_confirmed", "adoption_reached"] {
        let nth = usize::from(kind != "drift_found");
        log.remove(kind, nth);
    }
    let drift = Drift::Group(Box::new(drift()));
    log.insert("ring_verified", 0, &engine(), Event::DriftAdopted { drift });
    let found = check(&log.0, &[]);
    let caught = found.iter().any(|violation| violation.text.contains("does not offer its targets"));
    assert!(caught, "{found:#?}");
}
