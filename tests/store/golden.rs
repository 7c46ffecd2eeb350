//! The golden logs of each schema open, migrate forward and verify, for ever.
//!
//! `tests/fixtures/store/schema-N.sql` was made by `write_a_golden_log` below, then
//! `recompute.py COPY --dump`, which also checked its hashes without any of our code.
//! `schema-1-rollout.sql` is the log of a whole rollout, with its projections, that the last ringward of
//! schema 1 wrote. Before the first release they may be made again; afterwards they never change.

use std::path::{Path, PathBuf};

use ringward::daemon::log;
use ringward::store::{Page, Reader, Seq, Store};
use ringward::time::Clock;
use rusqlite::Connection;

use super::{account, open, plan, record, records, second};

const SCHEMA_1: &str = include_str!("../fixtures/store/schema-1.sql");
const SCHEMA_1_ROLLOUT: &str = include_str!("../fixtures/store/schema-1-rollout.sql");
const SCHEMA_2: &str = include_str!("../fixtures/store/schema-2.sql");
const RECORDS: i64 = 7;

/// The head that `recompute.py` printed, of each schema alike.
const GOLDEN_HEAD: &str = "e4a84e8e26256ec535cb6a98f836ba6ad592e5bb4bf1697001d63c38b266ed4a";

/// A database as an older or this ringward left it.
fn left(dir: &Path, dump: &str) -> PathBuf {
    let path = dir.join("golden.db");
    Connection::open(&path).unwrap().execute_batch(dump).unwrap();
    path
}

fn tables(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let sql =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY name";
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn the_golden_logs_of_both_schemas_open_and_verify() {
    for (schema, dump) in [(1, SCHEMA_1), (2, SCHEMA_2)] {
        let dir = tempfile::tempdir().unwrap();
        let path = left(dir.path(), dump);
        let before = tables(&path);
        let report = Reader::open(&path).unwrap().view().verify_chain().unwrap();
        assert_eq!((report.records, report.head.hash.to_string().as_str()), (7, GOLDEN_HEAD));
        assert_eq!(tables(&path), before, "a reader of schema {schema} migrates nothing");
        let mut store = Store::open_for_writing(&path, &account(), &Clock::Real, second(100)).unwrap();
        let read: Vec<_> = store.view().records(Seq::new(1)).map(|record| record.unwrap().record).collect();
        assert_eq!(read, records(1..=RECORDS), "every byte as it was given");
        assert_eq!(store.view().history(&plan(), Page::Newest, 1).unwrap()[0].seq, Seq::new(7));
        assert_eq!(store.view().head().unwrap().hash.to_string(), GOLDEN_HEAD);
        store.append(Seq::new(7), &[record(8)]).unwrap();
        assert_eq!(store.view().verify_chain().unwrap().records, 8);
        store.close().unwrap();
        assert_eq!(
            tables(&path),
            ["devices", "events", "meta", "migrations", "ring_samples"],
            "schema {schema}"
        );
    }
}

/// The tables that schema 2 has no more say nothing that the log does not.
#[test]
fn a_rollout_of_schema_1_is_brought_forward_and_replays_to_the_same_state() {
    let dir = tempfile::tempdir().unwrap();
    let path = left(dir.path(), SCHEMA_1_ROLLOUT);
    let phase = "SELECT plan, rollout, phase FROM rollouts ORDER BY plan, rollout";
    let ring = "SELECT plan, rollout, ring || ' ' || state FROM rings ORDER BY plan, rollout, position";
    let said = |sql| -> Vec<(String, u32, String)> {
        let connection = Connection::open(&path).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    };
    let (phases, rings) = (said(phase), said(ring));
    assert!(!phases.is_empty() && !rings.is_empty());

    let store = Store::open_for_writing(&path, &account(), &Clock::Real, second(100)).unwrap();
    let state = log::replay(store.view()).unwrap();
    let mut replayed = (Vec::new(), Vec::new());
    for (plan, known) in &state.plans {
        let row = |text: String| (plan.to_string(), u32::try_from(known.rollout.id.number).unwrap(), text);
        replayed.0.push(row(known.rollout.phase.as_str().to_owned()));
        let rings = known.rollout.rings.iter();
        replayed.1.extend(rings.map(|ring| row(format!("{} {}", ring.name, ring.stage.as_str()))));
    }
    assert_eq!(replayed, (phases, rings), "what the projections said follows from the log");
    let records: Vec<_> = store.view().records(Seq::new(1)).map(|record| record.unwrap().record).collect();
    store.close().unwrap();
    assert_eq!(tables(&path), ["devices", "events", "meta", "migrations", "ring_samples"]);

    let mut today = open(&dir.path().join("today.db"));
    today.append(Seq::ZERO, &records).unwrap();
    assert_eq!(log::replay(today.view()).unwrap(), state);
}

/// The same records written today have the same hashes: neither the recipe nor the columns moved.
#[test]
fn today_writes_the_same_log() {
    let dir = tempfile::tempdir().unwrap();
    let head = write_a_golden_log(&dir.path().join("today.db"));
    assert_eq!(head, GOLDEN_HEAD);
}

/// With `RINGWARD_GOLDEN=FILE` it leaves the log there, to be dumped.
fn write_a_golden_log(path: &Path) -> String {
    let mut store = open(path);
    store.append(Seq::ZERO, &records(1..=4)).unwrap();
    store.append(Seq::new(4), &records(5..=RECORDS)).unwrap();
    let head = store.view().head().unwrap().hash.to_string();
    store.close().unwrap();
    if let Some(copy) = std::env::var_os("RINGWARD_GOLDEN") {
        Reader::open(path).unwrap().backup_to(Path::new(&copy)).unwrap();
    }
    head
}
