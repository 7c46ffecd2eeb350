//! `history` and `history --verify`, on databases as the daemon writes them.

use std::path::{Path, PathBuf};

use ringward::cli::exit::Exit;
use ringward::cli::history::{Part, history};
use ringward::cli::render::Format;
use ringward::cli::verify::verify;
use ringward::daemon::log::to_record;
use ringward::ids::AccountId;
use ringward::rollout::record::{Actor, Entry, Event, Mode, RolloutId};
use ringward::store::{NewRecord, RecordHash, Seq, Store};
use ringward::time::{Clock, SignedDuration, Timestamp, after};
use serde_json::Value;

use crate::{SCREEN, at, golden, plan, refused, ring, seen};

const PLAN: &str =
    "plan: client\nversions: {windows: 2026.8.2100.0}\nrings:\n  - {name: Ring 0, profiles: [Engineering]}\n";

fn entry(actor: &str, of: Option<&str>, reason: &str, event: Event) -> Entry {
    let rollout = of.map(|name| RolloutId { plan: plan(name), number: 1 });
    Entry { actor: actor.parse().unwrap(), reason: reason.to_owned(), rollout, event }
}

fn accepted(name: &str) -> Entry {
    let text = PLAN.replace("plan: client", &format!("plan: {name}"));
    let revision = ringward::plan::read("plan.yaml", text.as_bytes()).unwrap();
    entry(
        "engine",
        Some(name),
        "a plan's file appeared",
        Event::PlanAccepted { revision: Box::new(revision) },
    )
}

/// A log that keeps all laws.
pub(crate) fn sound() -> Vec<Entry> {
    let started =
        || Event::DaemonStarted { version: "0.1.0".to_owned(), mode: Mode::Write, settles_seconds: None };
    let client = Some("client");
    vec![
        entry("engine", None, "the daemon starts", started()),
        accepted("servers"),
        accepted("client"),
        entry(
            "engine",
            client,
            "every earlier ring is verified",
            Event::RingReached { ring: ring("Ring 0") },
        ),
        entry("local:ana", client, "dns is slow\nin \u{1b}[31mPorto", Event::Paused {}),
        entry("loopback", None, "everything is down", Event::Stopped {}),
        entry("engine", None, "the daemon starts", started()),
        entry("local:bob", None, "fixed", Event::Started {}),
        entry("local:ana", client, "seen", Event::PauseLifted {}),
    ]
}

pub(crate) fn database(dir: &Path, records: &[NewRecord]) -> PathBuf {
    let path = dir.join("ringward.db");
    let account = AccountId::new("023e105f4ecef8ad9ca31a8372d0c353").unwrap();
    let mut store = Store::open_for_writing(&path, &account, &Clock::Real, instant(0)).unwrap();
    store.append(Seq::ZERO, records).unwrap();
    store.close().unwrap();
    path
}

/// An hour for each record.
fn instant(index: i64) -> Timestamp {
    after(at("2026-10-12T06:00:00Z"), SignedDuration::from_hours(index))
}

pub(crate) fn records(log: &[Entry]) -> Vec<NewRecord> {
    (0..).zip(log).map(|(index, entry)| to_record(entry, instant(index))).collect()
}

#[test]
fn history_is_one_line_for_each_record() {
    let dir = tempfile::tempdir().unwrap();
    let mut records = records(&sound());
    // A record of a later ringward.
    records.push(NewRecord {
        kind: "approved".to_owned(),
        kind_version: 2,
        reason: "looks good".to_owned(),
        payload: "{}".to_owned(),
        at: instant(9),
        ..records[4].clone()
    });
    let path = database(dir.path(), &records);
    for (name, of) in [("history.txt", "client"), ("history_unknown_plan.txt", "clinet")] {
        let mut out = Vec::new();
        let result = history(&path, &plan(of), Part::default(), Format::Text, &SCREEN, &mut out);
        golden(name, &seen(&out, result, dir.path()));
    }
    let mut out = Vec::new();
    history(&path, &plan("client"), Part::default(), Format::Json, &SCREEN, &mut out).unwrap();
    let lines: Vec<Value> =
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<u64> = lines.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [3, 4, 5, 6, 7, 8, 9, 10], "from the plan's first record on, stops included");
    assert_eq!(lines[2]["reason"], "dns is slow\nin \u{1b}[31mPorto", "as it was recorded");
}

/// The value stays as it was recorded; a terminal obeys nothing of it.
#[test]
fn json_has_nothing_that_a_terminal_would_obey() {
    let dir = tempfile::tempdir().unwrap();
    let reason = "\u{9b}31mred \u{202e}txet \u{3164}\u{7f}";
    let records = records(&sound());
    let odd = NewRecord { reason: reason.to_owned(), at: instant(9), ..records[5].clone() };
    let path = database(dir.path(), &[records, vec![odd]].concat());
    let mut out = Vec::new();
    history(&path, &plan("client"), Part::default(), Format::Json, &SCREEN, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains(['\u{9b}', '\u{202e}', '\u{3164}', '\u{7f}']), "{text:?}");
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["reason"], reason);
}

#[test]
fn a_part_of_a_history_says_what_it_leaves_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = database(dir.path(), &records(&sound()));
    let rows = [
        ("the newest three", Part { limit: Some(3), before: None }),
        ("the three before", Part { limit: Some(3), before: Some(7) }),
        ("the first", Part { limit: Some(3), before: Some(4) }),
        ("all before", Part { limit: None, before: Some(5) }),
        ("more than there are", Part { limit: Some(100), before: None }),
        ("none", Part { limit: Some(3), before: Some(1) }),
    ];
    let mut text = String::new();
    for (row, part) in rows {
        let mut out = Vec::new();
        let result = history(&path, &plan("client"), part, Format::Text, &SCREEN, &mut out);
        text.push_str(&format!("# {row}\n{}", seen(&out, result, dir.path())));
        let mut out = Vec::new();
        history(&path, &plan("client"), part, Format::Json, &SCREEN, &mut out).unwrap();
        let lines = out.iter().filter(|byte| **byte == b'\n').count();
        assert!(part.limit.is_none_or(|limit| lines <= limit), "{row}: JSON Lines hold records only");
    }
    golden("history_part.txt", &text);
}

#[test]
fn a_sound_log_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let path = database(dir.path(), &records(&sound()));
    let mut out = Vec::new();
    let result = verify(&path, None, Format::Text, &mut out);
    assert!(result.is_ok(), "{result:?}");
    golden("verify.txt", &seen(&out, result, dir.path()));
    let mut out = Vec::new();
    verify(&path, None, Format::Json, &mut out).unwrap();
    let said: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!((&said["chain"]["records"], &said["violations"]), (&9.into(), &serde_json::json!([])));
}

#[test]
fn broken_laws_and_misfits_are_told() {
    let client = Some("client");
    let mut engine_lifts = sound();
    engine_lifts[8].actor = Actor::Engine;
    let mut never_paused = sound();
    never_paused.remove(4);
    let mut unknown = records(&sound());
    unknown[8].kind_version = 9;
    let mut own_words = records(&sound());
    own_words[3].payload = r#"{"ring": "Ring 0", "colour": "red"}"#.to_owned();
    let other_ring = entry("engine", client, "x", Event::RingReached { ring: ring("Ring 9") });
    let rows = [
        ("a law", records(&engine_lifts)),
        ("an event that does not fit", records(&never_paused)),
        ("a ring that is not there", records(&[sound(), vec![other_ring]].concat())),
        ("a later version", unknown),
        ("a key of another ringward", own_words),
    ];
    let mut text = String::new();
    for (row, records) in rows {
        let dir = tempfile::tempdir().unwrap();
        let path = database(dir.path(), &records);
        let mut out = Vec::new();
        let result = verify(&path, None, Format::Text, &mut out);
        assert_eq!(result.as_ref().map_err(|error| error.exit()), Err(Exit::Failed), "{row}");
        text.push_str(&format!("# {row}\n{}", seen(&out, result, dir.path())));
    }
    golden("verify_broken.txt", &text);
}

#[test]
fn a_flipped_byte_is_found_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = database(dir.path(), &records(&sound()));
    let bytes = std::fs::read(&path).unwrap();
    // The reason of record 8.
    let place = bytes.windows(5).position(|window| window == b"fixed").unwrap();
    let mut flipped = bytes;
    flipped[place] ^= 1;
    std::fs::write(&path, flipped).unwrap();
    let mut out = Vec::new();
    let (exit, message) = refused(&out.clone(), verify(&path, None, Format::Text, &mut out));
    assert!(exit == Exit::Failed && message.contains("record 8 of the log"), "{message}");
    let mut out = Vec::new();
    let error = history(&path, &plan("client"), Part::default(), Format::Text, &SCREEN, &mut out)
        .expect_err("a bad row");
    assert!(error.to_string().contains("record 8 of the log"), "{error}");
}

/// What a chain shows by itself, and what only a pinned head does.
#[test]
fn a_deleted_row_a_reordered_pair_and_a_cut_tail_are_found() {
    let whole = tempfile::tempdir().unwrap();
    let path = database(whole.path(), &records(&sound()));
    let mut out = Vec::new();
    verify(&path, None, Format::Text, &mut out).unwrap();
    let told = String::from_utf8(out).unwrap();
    assert!(told.contains("cannot be seen without a head that was noted before"), "{told}");
    let head = told.lines().find_map(|line| line.strip_prefix("head ")).unwrap();
    let head: RecordHash = head.parse().unwrap();
    let mut out = Vec::new();
    verify(&path, Some(head), Format::Text, &mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("the pinned head is record 9"));

    let swap = "UPDATE events SET seq = 500 WHERE seq = 5; UPDATE events SET seq = 5 WHERE seq = 6;
                UPDATE events SET seq = 6 WHERE seq = 500;";
    let rows = [
        ("a deleted row", "DELETE FROM events WHERE seq = 5;", None, "record 5 of the log"),
        ("a reordered pair", swap, None, "record 5 of the log"),
        ("a cut tail, pinned", "DELETE FROM events WHERE seq > 7;", Some(head), "the pinned head"),
    ];
    for (row, sql, pinned, words) in rows {
        let dir = tempfile::tempdir().unwrap();
        let path = database(dir.path(), &records(&sound()));
        by_hand(&path, sql);
        let mut out = Vec::new();
        let error = verify(&path, pinned, Format::Text, &mut out).expect_err(row).to_string();
        assert!(error.contains(words), "{row}: {error}");
    }
    let dir = tempfile::tempdir().unwrap();
    let path = database(dir.path(), &records(&sound()));
    by_hand(&path, "DELETE FROM events WHERE seq > 7;");
    let mut out = Vec::new();
    verify(&path, None, Format::Text, &mut out).unwrap();
}

/// As somebody does it who has the file.
fn by_hand(path: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch("DROP TRIGGER IF EXISTS events_no_update; DROP TRIGGER IF EXISTS events_no_delete;")
        .unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn a_file_that_is_no_database_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringward.db");
    for (row, words) in [("missing", "there is no database"), ("text", "database")] {
        if row == "text" {
            std::fs::write(&path, "x".repeat(5000)).unwrap();
        }
        let mut out = Vec::new();
        let (exit, message) = refused(
            &out.clone(),
            history(&path, &plan("client"), Part::default(), Format::Text, &SCREEN, &mut out),
        );
        assert!(exit == Exit::Failed && message.contains(words), "{row}: {message}");
        let (exit, message) = refused(&out.clone(), verify(&path, None, Format::Json, &mut out));
        assert!(exit == Exit::Failed && message.contains(words), "{row}: {message}");
    }
}
