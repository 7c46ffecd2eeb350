//! The golden log of each released schema opens, migrates forward and verifies, for ever.
//!
//! `tests/fixtures/store/schema-1.sql` was made by `write_a_golden_log` below, then
//! `recompute.py COPY --dump`, which also checked its hashes without any of our code. Before the
//! first release it may be made again; afterwards it never changes.

use std::path::Path;

use ringward::store::{Page, Reader, Seq, Store};
use ringward::time::Clock;
use rusqlite::Connection;

use super::{account, no_projections, open, plan, projections, record, records, second};

const SCHEMA_1: &str = include_str!("../fixtures/store/schema-1.sql");
const RECORDS: i64 = 7;

/// The head that `recompute.py` printed.
const SCHEMA_1_HEAD: &str = "e4a84e8e26256ec535cb6a98f836ba6ad592e5bb4bf1697001d63c38b266ed4a";

#[test]
fn the_golden_log_of_schema_1_opens_and_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("golden.db");
    Connection::open(&path).unwrap().execute_batch(SCHEMA_1).unwrap();
    {
        let reader = Reader::open(&path).unwrap();
        let report = reader.view().verify_chain().unwrap();
        assert_eq!((report.records, report.head.hash.to_string().as_str()), (7, SCHEMA_1_HEAD));
    }
    let mut store = Store::open_for_writing(&path, &account(), &Clock::Real, second(100)).unwrap();
    let read: Vec<_> = store.view().records(Seq::new(1)).map(|record| record.unwrap().record).collect();
    assert_eq!(read, records(1..=RECORDS), "every byte as it was given");
    assert_eq!(store.view().projections().unwrap(), projections(Seq::new(7), &["a", "b"]));
    assert_eq!(store.view().history(&plan(), Page::Newest, 1).unwrap()[0].seq, Seq::new(7));
    store.append(Seq::new(7), &[record(8)], &no_projections()).unwrap();
    assert_eq!(store.view().verify_chain().unwrap().records, 8);
}

/// The same records written today have the same hashes: neither the recipe nor the columns moved.
#[test]
fn today_writes_the_same_log() {
    let dir = tempfile::tempdir().unwrap();
    let head = write_a_golden_log(&dir.path().join("today.db"));
    assert_eq!(head, SCHEMA_1_HEAD);
}

/// With `RINGWARD_GOLDEN=FILE` it leaves the log there, to be dumped.
fn write_a_golden_log(path: &Path) -> String {
    let mut store = open(path);
    store.append(Seq::ZERO, &records(1..=4), &no_projections()).unwrap();
    store.append(Seq::new(4), &records(5..=RECORDS), &projections(Seq::new(7), &["a", "b"])).unwrap();
    let head = store.view().head().unwrap().hash.to_string();
    store.close().unwrap();
    if let Some(copy) = std::env::var_os("RINGWARD_GOLDEN") {
        Reader::open(path).unwrap().backup_to(Path::new(&copy)).unwrap();
    }
    head
}
