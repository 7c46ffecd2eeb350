//! A sound log by hand, and for each law the ways of breaking it.

use super::*;

mod before_writing;
mod drifting;
mod entering;
mod era;
mod health;
mod holding;
mod leaving;
mod log;
mod openings;
mod renamed;
mod rollback;

use log::*;

#[test]
fn a_sound_log_breaks_no_law() {
    assert_eq!(check(&sound().0, &journal()), Vec::new());
}

#[test]
fn what_breaks_the_chain_is_caught() {
    assert_rows(&[
        ("a gap", |log| log.0[5].seq = 9, Law::Chain, "it follows event 5"),
        ("time goes back", |log| log.0[5].at = at("11T00:00"), Law::Chain, "its time lies before"),
        (
            "another rollout",
            |log| log.get("adoption_reached", 0).entry.rollout.as_mut().unwrap().number = 2,
            Law::Chain,
            "not the rollout",
        ),
        ("no rollout", |log| log.get("paused", 0).entry.rollout = None, Law::Chain, "names no rollout"),
        (
            "paused twice",
            |log| log.insert("pause_lifted", 0, &person(), Event::Paused {}),
            Law::Chain,
            "paused",
        ),
        (
            "started unstopped",
            |log| log.insert("paused", 0, &person(), Event::Started {}),
            Law::Chain,
            "not stopped",
        ),
        (
            "a token twice",
            |log| {
                log.insert("paused", 0, &person(), token_made());
                log.insert("paused", 0, &person(), token_made());
            },
            Law::Chain,
            "a token of that name",
        ),
        (
            "a token revoked that nobody made",
            |log| log.insert("paused", 0, &person(), token_revoked()),
            Law::Chain,
            "no such token",
        ),
        (
            "an outcome of no change of access",
            |log| log.insert("paused", 0, &person(), access_settled()),
            Law::Chain,
            "no open change of access",
        ),
        (
            "a second rollout beside a running one",
            |log| log.insert("paused", 0, &engine(), Event::PlanAccepted { revision: revision("v2") }),
            Law::Chain,
            "still runs",
        ),
    ]);
}

#[test]
fn who_may_do_what_is_checked() {
    assert_rows(&[
        ("no reason", |log| log.0[3].entry.reason = "  ".to_owned(), Law::ActorAndReason, "no reason"),
        (
            "the engine lifts a pause",
            |log| log.get("pause_lifted", 0).entry.actor = Actor::Engine,
            Law::PeopleLift,
            "pause_lifted",
        ),
        (
            "the engine pauses",
            |log| log.get("paused", 0).entry.actor = Actor::Engine,
            Law::ActorAndReason,
            "paused",
        ),
        (
            "a person verifies",
            |log| log.get("ring_verified", 0).entry.actor = person(),
            Law::ActorAndReason,
            "only the engine",
        ),
        (
            "a token made over the network",
            |log| log.insert("paused", 0, &Actor::Loopback, token_made()),
            Law::ActorAndReason,
            "only users of the machine",
        ),
        (
            "a token revoked by the engine",
            |log| {
                log.insert("paused", 0, &person(), token_made());
                log.insert("paused", 0, &engine(), token_revoked());
            },
            Law::ActorAndReason,
            "only users of the machine",
        ),
        (
            "a change of access told over the network",
            |log| log.insert("paused", 0, &Actor::Loopback, access_intended()),
            Law::ActorAndReason,
            "only users of the machine",
        ),
        (
            "the engine starts",
            |log| {
                log.insert("paused", 0, &person(), Event::Stopped {});
                log.insert("paused", 0, &engine(), Event::Started {});
            },
            Law::PeopleLift,
            "started",
        ),
    ]);
}

#[test]
fn the_far_ends_journal_is_held_against_the_log() {
    type Row = (&'static str, fn(&mut Log, &mut Vec<UpstreamWrite>), Law, &'static str);
    let rows: [Row; 8] = [
        ("an unknown write", |_, journal| journal[0].body.policies.clear(), Law::IntentFirst, "no intent"),
        (
            "sent twice",
            |_, journal| {
                let again = journal[1].clone();
                journal.push(again);
            },
            Law::IntentFirst,
            "sent before",
        ),
        (
            "before its intent",
            |_, journal| journal[0].received_at = at("12T09:04"),
            Law::IntentFirst,
            "no intent",
        ),
        (
            "confirmed, not applied",
            |_, journal| journal[0].applied_at = None,
            Law::IntentFirst,
            "and was not",
        ),
        (
            "cancelled, and sent",
            |log, _| {
                let (ring, write) = (ring_name("First"), WriteId(1));
                let (why, retry_at) = (Cancelled::Held, None);
                *log.event("write_confirmed", 0) = Event::WriteCancelled { ring, write, why, retry_at };
            },
            Law::IntentFirst,
            "as not sent",
        ),
        (
            "after the opening",
            |log, journal| {
                journal[0].received_at = at("12T16:00");
                log.get("write_confirmed", 0).at = at("12T16:00");
            },
            Law::WriteAllowed,
            "no opening",
        ),
        (
            "long after a stop",
            |log, journal| {
                log.insert("write_confirmed", 0, &person(), Event::Stopped {});
                log.get("write_confirmed", 0).at = at("12T09:10");
                journal[0].received_at = at("12T09:08");
            },
            Law::WriteAllowed,
            "while stopped",
        ),
        (
            "long after a pause",
            |log, journal| {
                log.insert("write_confirmed", 0, &person(), Event::Paused {});
                log.get("write_confirmed", 0).at = at("12T09:10");
                journal[0].received_at = at("12T09:08");
            },
            Law::WriteAllowed,
            "while paused",
        ),
    ];
    for (row, spoil, law, text) in rows {
        let (mut log, mut journal) = (sound(), journal());
        spoil(&mut log, &mut journal);
        let found = check(&log.0, &journal);
        let caught = found.iter().any(|violation| violation.law == law && violation.text.contains(text));
        assert!(caught, "{row}: expected {law} with `{text}`, found {found:#?}");
    }
}

#[test]
fn a_request_that_a_fault_held_back_may_arrive_late() {
    let mut late = journal();
    late[1].received_at = at("14T23:00");
    late[1].applied_at = Some(at("14T23:00"));
    assert!(!check(&sound().0, &late).is_empty());
    late[1].held_back = true;
    assert_eq!(check(&sound().0, &late), Vec::new());
}
