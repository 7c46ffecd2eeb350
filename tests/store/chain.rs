//! The log: appended in order, never changed, and every change found.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use aws_lc_rs::digest;
use ringward::store::{
    BadRow, ChainReport, Flaw, Head, Page, Reader, Record, Recovery, Seq, Store, StoreError,
};
use rusqlite::Connection;
use rusqlite::types::Value;

use super::{open, plan, record, records, second};

fn ten_records(path: &Path) -> Vec<Record> {
    let mut store = open(path);
    let stored = store.append(Seq::ZERO, &records(1..=10)).unwrap();
    store.close().unwrap();
    stored
}

fn verify(path: &Path) -> Result<ChainReport, StoreError> {
    Reader::open(path).unwrap().view().verify_chain()
}

fn numbers(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.seq.get()).collect()
}

#[test]
fn what_was_appended_is_read_back_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringward.db");
    let stored = ten_records(&path);
    let given = records(1..=10);
    assert!(stored.iter().zip(&given).all(|(stored, given)| stored.record == *given));
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.view().read_from(Seq::new(1), 100).unwrap(), stored);
    assert_eq!(reader.view().head().unwrap(), stored[9].as_head());
    let report = reader.view().verify_chain().unwrap();
    assert_eq!(report, ChainReport { records: 10, head: stored[9].as_head() });
}

/// The recipe of `ringward::store` written a second time, from the stored columns.
#[test]
fn an_auditor_gets_the_same_hashes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringward.db");
    ten_records(&path);
    let connection = Connection::open(&path).unwrap();
    let sql = "SELECT seq, at, plan, rollout, kind, kind_version, actor, reason, payload, prev_hash, hash
               FROM events ORDER BY seq";
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut before = vec![0; 32];
    let mut seen = 0;
    while let Some(row) = rows.next().unwrap() {
        let mut hashed = b"ringward event 1\n".to_vec();
        let long = |hashed: &mut Vec<u8>, kind: u8, bytes: &[u8]| {
            hashed.push(kind);
            hashed.extend((bytes.len() as u64).to_be_bytes());
            hashed.extend(bytes);
        };
        for column in 0..10 {
            match row.get(column).unwrap() {
                Value::Null => hashed.push(5),
                Value::Integer(number) => {
                    hashed.push(1);
                    hashed.extend(number.to_be_bytes());
                }
                Value::Text(text) => long(&mut hashed, 3, text.as_bytes()),
                Value::Blob(blob) => long(&mut hashed, 4, &blob),
                Value::Real(_) => panic!("no column is a REAL"),
            }
        }
        assert_eq!(row.get::<_, Vec<u8>>(9).unwrap(), before);
        before = digest::digest(&digest::SHA256, &hashed).as_ref().to_vec();
        assert_eq!(row.get::<_, Vec<u8>>(10).unwrap(), before);
        seen += 1;
    }
    assert_eq!(seen, 10);
}

#[test]
fn the_first_bad_row_is_named() {
    let swap = "UPDATE events SET seq = -1 WHERE seq = 4; UPDATE events SET seq = 4 WHERE seq = 5;
                UPDATE events SET seq = 5 WHERE seq = -1;";
    let shift = "DELETE FROM events WHERE seq = 5; UPDATE events SET seq = -seq WHERE seq > 5;
                 UPDATE events SET seq = -seq - 1 WHERE seq < 0;";
    let missing = |next| Flaw::Missing(Seq::new(next));
    type Row<'a> = (&'a str, &'a str, Option<(u64, Flaw)>);
    let rows: [Row<'_>; 16] = [
        ("nothing", "", None),
        ("the last row cut off, which only a noted head can show", "DELETE FROM events WHERE seq = 10", None),
        ("a payload", "UPDATE events SET payload = '{}' WHERE seq = 4", Some((4, Flaw::Changed))),
        (
            "a space in a payload",
            "UPDATE events SET payload = payload || ' ' WHERE seq = 4",
            Some((4, Flaw::Changed)),
        ),
        ("an actor", "UPDATE events SET actor = 'mallory' WHERE seq = 10", Some((10, Flaw::Changed))),
        ("a time", "UPDATE events SET at = at + 1 WHERE seq = 1", Some((1, Flaw::Changed))),
        (
            "a plan taken off",
            "UPDATE events SET plan = NULL, rollout = NULL WHERE seq = 4",
            Some((4, Flaw::Changed)),
        ),
        ("a version of a kind", "UPDATE events SET kind_version = 9 WHERE seq = 4", Some((4, Flaw::Changed))),
        ("a hash", "UPDATE events SET hash = zeroblob(32) WHERE seq = 4", Some((4, Flaw::Changed))),
        ("a link", "UPDATE events SET prev_hash = zeroblob(32) WHERE seq = 4", Some((4, Flaw::Changed))),
        ("two bad rows", "UPDATE events SET reason = 'x' WHERE seq IN (7, 3)", Some((3, Flaw::Changed))),
        ("a row deleted", "DELETE FROM events WHERE seq = 5", Some((5, missing(6)))),
        ("the first row deleted", "DELETE FROM events WHERE seq = 1", Some((1, missing(2)))),
        (
            "deleted, and the next one changed",
            "DELETE FROM events WHERE seq = 5; UPDATE events SET reason = 'x' WHERE seq = 6",
            Some((5, missing(6))),
        ),
        ("a pair swapped", swap, Some((4, Flaw::Changed))),
        ("deleted and renumbered", shift, Some((5, Flaw::Changed))),
    ];
    for (row, sql, expected) in rows {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ringward.db");
        let stored = ten_records(&path);
        let tamper = Connection::open(&path).unwrap();
        tamper.execute_batch("DROP TRIGGER events_no_update; DROP TRIGGER events_no_delete;").unwrap();
        tamper.execute_batch("PRAGMA ignore_check_constraints = 1;").unwrap();
        tamper.execute_batch(sql).unwrap();
        drop(tamper);
        match (verify(&path), expected) {
            (Ok(report), None) => {
                let whole = report.head == stored[9].as_head();
                assert_eq!(whole, row == "nothing", "{row}");
            }
            (Err(StoreError::BadRow(found)), Some((seq, flaw))) => {
                assert_eq!(found, BadRow { seq: Seq::new(seq), flaw }, "{row}");
                assert!(found.to_string().contains(&format!("record {seq} ")), "{found}");
            }
            (found, expected) => panic!("{row}: {found:?} instead of {expected:?}"),
        }
    }
}

/// Who knows the recipe can give a changed row a fitting hash; then the next row does not follow.
#[test]
fn a_row_with_a_new_fitting_hash_breaks_the_link() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("ringward.db"), dir.path().join("other.db"));
    ten_records(&path);
    let mut forger = open(&other);
    let mut forged = records(1..=4);
    forged[3].actor = "mallory".to_owned();
    forger.append(Seq::ZERO, &forged).unwrap();
    forger.close().unwrap();

    let tamper = Connection::open(&path).unwrap();
    tamper.execute("ATTACH ?1 AS forged", [other.to_str().unwrap()]).unwrap();
    tamper
        .execute_batch(
            "DROP TRIGGER events_no_update;
             UPDATE events SET (actor, hash) = (SELECT actor, hash FROM forged.events WHERE seq = 4) WHERE seq = 4;",
        )
        .unwrap();
    drop(tamper);
    let Err(StoreError::BadRow(found)) = verify(&path) else { panic!("the forgery was not found") };
    assert_eq!(found, BadRow { seq: Seq::new(5), flaw: Flaw::NotLinked });
}

#[test]
fn a_flipped_bit_on_the_disk_is_found_wherever_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringward.db");
    ten_records(&path);
    let mut bytes = fs::read(&path).unwrap();
    let marker = "marker-7-".as_bytes();
    let place = bytes.windows(marker.len()).position(|window| window == marker).unwrap();
    bytes[place] ^= 1;
    fs::write(&path, bytes).unwrap();

    let changed = BadRow { seq: Seq::new(7), flaw: Flaw::Changed };
    let is_changed = |error: StoreError| {
        assert_eq!(error.recovery(), Recovery::NeedsPerson);
        matches!(error, StoreError::BadRow(bad) if bad == changed)
    };
    let reader = Reader::open(&path).unwrap();
    assert!(is_changed(reader.view().verify_chain().unwrap_err()));
    assert!(is_changed(reader.view().read_from(Seq::new(6), 5).unwrap_err()));
    assert!(is_changed(reader.view().history(&plan(), Page::Newest, 10).unwrap_err()));
    let mut replay = reader.view().records(Seq::new(1));
    assert!(is_changed(replay.next().unwrap().unwrap_err()));
    assert!(replay.next().is_none(), "a replay ends at the first error");
    assert_eq!(reader.view().read_from(Seq::new(8), 5).unwrap().len(), 3);
}

#[test]
fn sqlite_itself_refuses_to_change_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringward.db");
    ten_records(&path);
    let hash = "(SELECT hash FROM events WHERE seq = 10)";
    let insert = |verb: &str, seq: u32, at: &str, prev: &str| {
        format!(
            "{verb} INTO events VALUES ({seq}, {at}, NULL, NULL, 'k', 1, 'a', 'r', '{{}}', {prev}, zeroblob(32))"
        )
    };
    let late = "(SELECT at FROM events WHERE seq = 10)";
    let rows = [
        ("update", "UPDATE events SET reason = 'x' WHERE seq = 4".to_owned(), "append-only"),
        ("delete", "DELETE FROM events WHERE seq = 10".to_owned(), "append-only"),
        ("delete all", "DELETE FROM events".to_owned(), "append-only"),
        ("replace", insert("INSERT OR REPLACE", 10, late, hash), "append-only"),
        ("a gap", insert("INSERT", 12, late, hash), "append-only"),
        ("another chain", insert("INSERT", 11, late, "zeroblob(32)"), "chain"),
        ("an earlier time", insert("INSERT", 11, "0", hash), "back in time"),
    ];
    let connection = Connection::open(&path).unwrap();
    for (row, sql, reason) in rows {
        let error = connection.execute(&sql, []).unwrap_err().to_string();
        assert!(error.contains(reason), "{row}: {error}");
    }
    let allowed = insert("INSERT", 11, late, hash);
    assert_eq!(connection.execute(&allowed, []).unwrap(), 1, "the rows above fail for their own reason only");
}

#[test]
fn a_refused_batch_changes_nothing() {
    type Batch = (Seq, Vec<ringward::store::NewRecord>);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringward.db");
    let good = || {
        let mut store = open(&path);
        let head = store.view().head().unwrap();
        if head == Head::EMPTY {
            store.append(Seq::ZERO, &records(1..=3)).unwrap();
        }
        store
    };
    let mut blank = record(5);
    blank.reason.clear();
    let rows: [(&str, Batch, Recovery); 6] = [
        ("behind", (Seq::new(2), records(4..=4)), Recovery::Reopen),
        ("ahead", (Seq::new(4), records(4..=4)), Recovery::Reopen),
        ("from nothing", (Seq::ZERO, records(4..=4)), Recovery::Reopen),
        ("before the head", (Seq::new(3), records(2..=2)), Recovery::CarryOn),
        ("back within the batch", (Seq::new(3), vec![record(6), record(5)]), Recovery::CarryOn),
        ("no reason", (Seq::new(3), vec![record(4), blank]), Recovery::CarryOn),
    ];
    for (row, (expected, batch), recovery) in rows {
        let mut store = good();
        let head = store.view().head().unwrap();
        let error = store.append(expected, &batch).unwrap_err();
        assert_eq!(error.recovery(), recovery, "{row}: {error}");
        assert_eq!(store.view().head().unwrap(), head, "{row}");
        let next = store.append(head.seq, &[]);
        assert_eq!(next.is_ok(), recovery == Recovery::CarryOn, "{row}: memory that is behind stays refused");
    }
    let mut store = good();
    let same_instant = vec![record(3), record(3)];
    store.append(Seq::new(3), &same_instant).unwrap();
}

#[test]
fn histories_are_paged_both_ways() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(&dir.path().join("ringward.db"));
    // 1,200 records span three portions of a replay; every third belongs to no plan.
    store.append(Seq::ZERO, &records(1..=1200)).unwrap();
    let view = store.view();
    let replayed: Vec<Record> = view.records(Seq::new(1)).collect::<Result<_, _>>().unwrap();
    assert_eq!(numbers(&replayed), (1..=1200).collect::<Vec<_>>());
    assert_eq!(view.records(Seq::new(1201)).count(), 0);
    assert_eq!(view.records(Seq::new(501)).count(), 700);

    let rows = [
        ("oldest", Page::After(Seq::ZERO), 3, vec![1, 2, 4]),
        ("after one", Page::After(Seq::new(4)), 3, vec![5, 7, 8]),
        ("after one of no plan", Page::After(Seq::new(3)), 1, vec![4]),
        ("newest", Page::Newest, 3, vec![1199, 1198, 1196]),
        ("before one", Page::Before(Seq::new(1196)), 2, vec![1195, 1193]),
        ("before the first", Page::Before(Seq::new(1)), 3, vec![]),
        ("after the last", Page::After(Seq::new(u64::MAX)), 3, vec![]),
        ("none asked for", Page::Newest, 0, vec![]),
    ];
    for (row, page, limit, expected) in rows {
        assert_eq!(numbers(&view.history(&plan(), page, limit).unwrap()), expected, "{row}");
    }
    let unknown = ringward::ids::PlanName::new("unknown").unwrap();
    assert!(view.history(&unknown, Page::Newest, 10).unwrap().is_empty());
}

#[test]
fn a_chain_is_verified_while_the_daemon_appends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringward.db");
    let mut store = open(&path);
    store.append(Seq::ZERO, &records(1..=10)).unwrap();
    let reader = Reader::open(&path).unwrap();
    let mut appended = 10;
    let report = reader.view().walk(|_| {
        appended += 1;
        store.append(Seq::new(appended - 1), &[record(appended.cast_signed())]).unwrap();
        ControlFlow::Continue(())
    });
    assert_eq!(report.unwrap().records, 10, "a walk sees one snapshot");
    assert_eq!(reader.view().verify_chain().unwrap().records, 20);
    assert_eq!(reader.view().head().unwrap().at, Some(second(20)));
}

#[test]
fn a_copy_is_whole_checked_and_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("ringward.db"), dir.path().join("copy.db"));
    let mut store = open(&path);
    store.append(Seq::ZERO, &records(1..=10)).unwrap();
    let reader = Reader::open(&path).unwrap();
    let report = reader.backup_to(&copy).unwrap();
    assert_eq!(report, reader.view().verify_chain().unwrap());
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let error = reader.backup_to(&copy).unwrap_err().to_string();
    assert!(error.contains("not replaced"), "{error}");
    assert!(reader.backup_to(&dir.path().join("none/copy.db")).is_err());
    let mut names: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["copy.db", "ringward.db", "ringward.db-shm", "ringward.db-wal", "ringward.db.lock"]);

    let mut restored: Store = open(&copy);
    restored.append(Seq::new(10), &records(11..=11)).unwrap();
}
