//! Logs that enter a ring wrongly, or end a write wrongly.

use super::super::*;
use super::log::*;

#[test]
fn a_write_that_was_not_allowed_is_caught() {
    let law = Law::WriteAllowed;
    assert_rows(&[
        ("stopped", |log| log.insert("write_planned", 0, &person(), Event::Stopped {}), law, "stopped"),
        ("paused", |log| log.insert("write_planned", 0, &person(), Event::Paused {}), law, "paused"),
        ("before the opening", |log| log.get("write_planned", 0).at = at("12T08:59"), law, "no opening"),
        ("14 minutes left", |log| log.get("write_planned", 0).at = at("12T15:46"), law, "too soon"),
        ("frozen", |log| log.get("write_planned", 0).at = at("20T10:00"), law, "freeze is on: Audit"),
        (
            "a gate dropped",
            |log| drop(log.judgements("write_planned", 0).remove(1)),
            law,
            "freeze has 0 verdicts",
        ),
        (
            "a gate that waits",
            |log| log.judgements("write_planned", 0)[0].verdict = Verdict::Wait(Waiting::OpeningClosed),
            law,
            "does not pass",
        ),
        (
            "a gate that is unknown",
            |log| log.judgements("write_planned", 0)[2].verdict = Verdict::Unknown(Unknown::StaleSweep),
            law,
            "does not pass",
        ),
        (
            "an entry gate waived",
            |log| log.judgements("write_planned", 0)[0].verdict = Verdict::Exempt(Exempt::Waived),
            law,
            "does not pass",
        ),
        (
            "a sweep of 31 minutes ago",
            |log| log.intent(0).judgements = entry_judgements(at("12T08:34")),
            law,
            "31m old",
        ),
        (
            "a sweep of the future",
            |log| log.intent(0).judgements = entry_judgements(at("12T09:34")),
            law,
            "later than the decision",
        ),
        ("other counts than the gate's", |log| log.intent(0).devices = 21, law, "21 devices"),
        (
            "another revision",
            |log| log.intent(0).digest = PlanDigest::of_written("v2"),
            law,
            "another revision",
        ),
        ("another profile", |log| log.intent(0).policies = policies(&["p9"]), law, "leaves out profile p1"),
        (
            "a daemon that observes",
            |log| {
                let mode = Mode::Observe;
                *log.event("daemon_started", 0) =
                    Event::DaemonStarted { version: "0".to_owned(), mode, settles_seconds: None };
            },
            law,
            "in read-only mode",
        ),
    ]);
}

fn limited(log: &mut Log, limit: u32) {
    match log.event("plan_accepted", 0) {
        Event::PlanAccepted { revision } => revision.plan.rings[0].max_devices = DeviceLimit::new(limit),
        _ => unreachable!(),
    }
}

#[test]
fn a_write_beyond_the_blast_limit_is_caught() {
    let law = Law::BlastLimit;
    assert_rows(&[
        ("one too many", |log| limited(log, 19), law, "20 devices; at most 19"),
        (
            "never counted",
            |log| {
                limited(log, 20);
                log.intent(0).retargets = None;
            },
            law,
            "not counted",
        ),
    ]);
    for (kind, n) in [("write_confirmed", 0), ("write_doubted", 0)] {
        for (count, sound_so) in [(20, true), (21, false)] {
            let mut log = sound();
            limited(&mut log, 20);
            if let Event::PlanAccepted { revision } = log.event("plan_accepted", 0) {
                revision.plan.rings[1].max_devices = DeviceLimit::new(20);
            }
            if let Event::WriteConfirmed { counted, .. } | Event::WriteDoubted { counted, .. } =
                log.event(kind, n)
            {
                *counted = Some(count);
            }
            let found = check(&log.0, &[]);
            let caught = found.iter().any(|one| one.law == law && one.text.contains("was sent for 21"));
            assert_eq!((found.is_empty(), caught), (sound_so, !sound_so), "{kind}, {count}: {found:#?}");
        }
    }
    let mut log = sound();
    limited(&mut log, 20);
    assert_eq!(check(&log.0, &journal()), Vec::new(), "exactly the limit is allowed");
    let mut journal = journal();
    journal[0].retargeted = Some(20);
    assert_eq!(check(&log.0, &journal), Vec::new(), "by Cloudflare's count as well");
    journal[0].retargeted = Some(21);
    let found = check(&log.0, &journal);
    assert!(found.iter().any(|one| one.law == law && one.seq.is_none()), "{found:#?}");
}

/// A newer target from `v2` on, with another version for the first ring.
fn newer(word: OnNewTarget) -> Box<Revision> {
    let mut newer = revision("v2");
    newer.plan.on_new_target = word;
    for version in newer.plan.rings[0].targets.values_mut() {
        *version = ClientVersion::new(2026, 9, 1, 0);
    }
    newer
}

#[test]
fn what_does_not_wait_or_does_not_take_over_is_caught() {
    let (law, who) = (Law::Grounded, engine());
    let waits = |revision| Event::NewTargetWaits { revision };
    let takes_over = |log: &mut Log, revision: Box<Revision>| {
        log.remove("rollout_completed", 0);
        let place = log.0.len() - 1;
        log.0.truncate(place);
        log.engine("16T10:20", Event::RolloutSuperseded { by: revision.digest.clone() });
        log.engine("16T10:20", Event::PlanAccepted { revision });
        log.0.last_mut().unwrap().entry.rollout.as_mut().unwrap().number = 2;
    };
    assert_rows(&[
        (
            "it would replace",
            |log| {
                log.insert(
                    "adoption_reached",
                    0,
                    &engine(),
                    Event::NewTargetWaits { revision: newer(OnNewTarget::Replace) },
                )
            },
            law,
            "does not say `on_new_target: finish`",
        ),
        (
            "it changes no entered ring",
            |log| {
                let mut same = revision("v2");
                same.plan.on_new_target = OnNewTarget::Finish;
                log.insert("adoption_reached", 0, &engine(), Event::NewTargetWaits { revision: same });
            },
            law,
            "changes no entered ring",
        ),
        (
            "nothing waited",
            |log| log.insert("adoption_reached", 0, &engine(), Event::NewTargetDropped {}),
            Law::Chain,
            "new_target_dropped does not fit",
        ),
    ]);
    let mut log = sound();
    log.insert("adoption_reached", 0, &who, waits(newer(OnNewTarget::Finish)));
    log.insert("adoption_reached", 0, &who, Event::NewTargetDropped {});
    assert_eq!(check(&log.0, &[]), Vec::new(), "it waits, and is taken back");
    for (word, sound_so) in [(OnNewTarget::Replace, true), (OnNewTarget::Finish, false)] {
        let mut log = sound();
        takes_over(&mut log, newer(word));
        let found = check(&log.0, &[]);
        assert_eq!(found.is_empty(), sound_so, "{word:?}: {found:#?}");
        assert!(found.iter().all(|one| one.law == law && one.text.contains("takes over")), "{found:#?}");
    }
}

#[test]
fn intents_come_first_and_one_by_one() {
    let law = Law::IntentFirst;
    assert_rows(&[
        ("an outcome without an intent", |log| log.remove("write_planned", 0), law, "no intent"),
        ("a number twice", |log| log.intent(1).id = WriteId(1), law, "write 1 follows write 1"),
        (
            "a second write while one is open",
            |log| {
                let again = log.event("write_planned", 1).clone();
                log.insert("write_doubted", 0, &engine(), again);
            },
            law,
            "in flight, or its outcome is unknown",
        ),
        (
            "confirmed with other content",
            |log| match log.event("write_confirmed", 0) {
                Event::WriteConfirmed { group, .. } => group.content.policies.clear(),
                _ => unreachable!(),
            },
            law,
            "is not as write 1 intended",
        ),
        (
            "a second group for a ring",
            |log| {
                let mut again = log.event("write_planned", 0).clone();
                if let Event::WritePlanned { intent, .. } = &mut again {
                    intent.id = WriteId(2);
                }
                log.insert("adoption_reached", 0, &engine(), again);
            },
            law,
            "a group is created though",
        ),
    ]);
}

#[test]
fn a_write_that_drops_something_is_caught() {
    let law = Law::NothingDropped;
    let before = |log: &mut Log, extra: &str| {
        let mut before = log.intent(0).after.clone();
        before.versions = vec![VersionEntry { environment: None, version: extra.to_owned() }];
        log.intent(0).before = Some(group("g1", before, at("12T08:40")));
    };
    let mut log = sound();
    before(&mut log, "2026.6.880.0");
    let found = check(&log.0, &[]);
    assert!(found.iter().any(|violation| violation.law == law), "an unmanaged entry is dropped: {found:#?}");
    assert_rows(&[
        ("a target left out", |log| drop(log.intent(0).after.versions.pop()), law, "not the plan's targets"),
        (
            "a profile put in that is not the ring's",
            |log| log.intent(0).after.policies = policies(&["p1", "p9"]),
            law,
            "are not the ring's",
        ),
        (
            "somebody's profile taken out",
            |log| {
                let mut before = log.intent(0).after.clone();
                before.policies = policies(&["p1", "theirs"]);
                log.intent(0).before = Some(group("g1", before, at("12T08:40")));
            },
            law,
            "profile theirs is dropped",
        ),
        (
            "another ring's group",
            |log| {
                let before = log.intent(0).after.clone();
                log.intent(1).before = Some(group("g1", before, at("12T09:06")));
            },
            law,
            "belongs to another ring",
        ),
        (
            "moved out of nowhere",
            |log| log.intent(1).purpose = Purpose::MoveOut { from: ring_name("First"), plan: None },
            law,
            "does not exist",
        ),
    ]);
}

#[test]
fn rings_out_of_order_are_caught() {
    let law = Law::RingsInOrder;
    assert_rows(&[
        (
            "reached too early",
            |log| log.insert("ring_verified", 0, &engine(), Event::RingReached { ring: ring_name("Second") }),
            law,
            "before First is verified",
        ),
        ("entered unreached", |log| log.remove("ring_reached", 0), law, "not its turn"),
        ("complete too early", |log| log.remove("ring_verified", 1), law, "though Second is not verified"),
        (
            "an entered ring revised",
            |log| {
                let mut changed = revision("v2");
                changed.plan.rings[0].targets = targets(&[Environment::Windows]);
                log.insert(
                    "ring_verified",
                    0,
                    &engine(),
                    Event::PlanRevised { revision: changed, restricts_only: false, dropped: [].into() },
                );
            },
            law,
            "First, which is entered",
        ),
        (
            "two rings at once",
            |log| {
                log.remove("ring_verified", 0);
                log.remove("adoption_reached", 0);
            },
            Law::OneRingAtATime,
            "First and Second",
        ),
    ]);
}

#[test]
fn a_doubt_ended_wrongly_is_caught() {
    let law = Law::DoubtSettled;
    assert_rows(&[
        (
            "59 seconds apart",
            |log| match log.event("write_settled", 0) {
                Event::WriteSettled { second_read_at, .. } => {
                    *second_read_at = at("14T10:18") + SignedDuration::from_secs(59);
                }
                _ => unreachable!(),
            },
            law,
            "less than a minute apart",
        ),
        ("one read only", |log| log.remove("doubt_read", 0), law, "not on record"),
        (
            "two reads that differ",
            |log| match log.event("doubt_read", 0) {
                Event::DoubtRead { finding, .. } => *finding = Finding::NotApplied {},
                _ => unreachable!(),
            },
            law,
            "not on record",
        ),
        (
            "a read from before the doubt",
            |log| match log.event("doubt_read", 0) {
                Event::DoubtRead { read_at, .. } => *read_at = at("14T10:16"),
                _ => unreachable!(),
            },
            law,
            "says nothing about an outcome that is unknown",
        ),
        (
            "an answer ends the doubt",
            |log| {
                let (ring, write) = (ring_name("Second"), WriteId(2));
                let group = group("g2", content("Second", "p2", &[Environment::Windows]), at("14T10:16"));
                *log.event("write_settled", 0) = Event::WriteConfirmed { ring, write, group, counted: None };
            },
            law,
            "only two reads end that",
        ),
        (
            "a refusal after a doubt",
            |log| {
                let (ring, write) = (ring_name("Second"), WriteId(2));
                let message = "taken".to_owned();
                *log.event("write_settled", 0) = Event::WriteRefused { ring, write, status: 409, message };
            },
            law,
            "409 too",
        ),
        (
            "a write after a doubt that does not say so",
            |log| {
                let (ring, write) = (ring_name("Second"), WriteId(2));
                let finding = Finding::NotApplied {};
                match (log.event("doubt_read", 0), finding.clone()) {
                    (Event::DoubtRead { finding, .. }, not_applied) => *finding = not_applied,
                    _ => unreachable!(),
                }
                let (first_read_at, second_read_at) = (at("14T10:18"), at("14T10:19"));
                *log.event("write_settled", 0) =
                    Event::WriteSettled { ring, write, finding, first_read_at, second_read_at };
                let mut again = log.event("write_planned", 1).clone();
                if let Event::WritePlanned { intent, .. } = &mut again {
                    intent.id = WriteId(3);
                }
                log.insert("gate_unknown", 0, &engine(), again);
            },
            law,
            "does not say so",
        ),
    ]);
}
