//! Observations: kept, replaced, pruned, and skipped when spoilt.

use std::path::Path;

use ringward::ids::{DeviceId, RingName};
use ringward::store::{
    MAX_SAMPLE_AGE, MAX_SAMPLES_PER_SERIES, Recovery, RingSample, Seq, Store, StoreError, StoredDevice,
};
use ringward::time::{Timestamp, after};
use ringward::version::Environment;
use rusqlite::Connection;

use super::{open, plan, records, second};

fn device(number: u32, doc: &str) -> StoredDevice {
    let device = DeviceId::new(format!("device-{number:03}")).unwrap();
    StoredDevice { device, doc: doc.to_owned(), swept_at: second(number.into()) }
}

fn sample(ring: &str, environment: Environment, at: Timestamp) -> RingSample {
    let ring = RingName::new(ring).unwrap();
    RingSample { plan: plan(), ring, environment, at, counts: r#"{"arrived": 3}"#.to_owned() }
}

fn spoil(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn devices_are_replaced_deleted_and_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringward.db");
    let mut store = open(&path);
    let all: Vec<_> = (0..300).map(|number| device(number, r#"{"v": 1}"#)).collect();
    store.save_devices(&all).unwrap();
    store.save_devices(&[device(7, r#"{"v": 2}"#), device(300, "null")]).unwrap();
    store.delete_devices(&[device(8, "").device, DeviceId::new("unknown").unwrap()]).unwrap();
    drop(store);

    let loaded = open(&path).view().devices().unwrap();
    assert!(loaded.skipped.is_empty());
    assert_eq!(loaded.rows.len(), 300);
    assert_eq!(loaded.rows[7], device(7, r#"{"v": 2}"#));
    assert_eq!(loaded.rows[8].device.as_str(), "device-009");
}

#[test]
fn a_spoilt_observation_is_skipped_and_does_not_stop_anything() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringward.db");
    let mut store = open(&path);
    store.append(Seq::ZERO, &records(1..=3)).unwrap();
    let rows: Vec<_> = (0..6).map(|number| device(number, "{}")).collect();
    store.save_devices(&rows).unwrap();
    let samples: Vec<_> = (0..5).map(|n| sample("a", Environment::Windows, second(n))).collect();
    store.add_ring_samples(&samples, second(9)).unwrap();
    store.close().unwrap();
    spoil(
        &path,
        "UPDATE devices SET doc = '{broken' WHERE device_id = 'device-001';
         UPDATE devices SET doc = CAST(x'ff22' AS TEXT) WHERE device_id = 'device-002';
         UPDATE devices SET swept_at = 9223372036854775807 WHERE device_id = 'device-003';
         UPDATE devices SET device_id = '' WHERE device_id = 'device-004';
         UPDATE ring_samples SET environment = 'amiga' WHERE at % 10000 = 1000;
         UPDATE ring_samples SET counts = '' WHERE at % 10000 = 2000;",
    );
    let mut store = open(&path);
    let loaded = store.view().devices().unwrap();
    let kept: Vec<_> = loaded.rows.iter().map(|row| row.device.as_str()).collect();
    assert_eq!(kept, ["device-000", "device-005"]);
    let mut columns: Vec<_> = loaded.skipped.iter().map(|row| row.column).collect();
    columns.sort_unstable();
    assert_eq!(columns, ["device_id", "doc", "doc", "swept_at"]);
    let warning = loaded.skipped.iter().find(|row| row.key == "device-001").unwrap().to_string();
    assert!(warning.contains("devices") && warning.contains("next sweep"), "{warning}");

    let loaded = store.view().ring_samples(&plan(), second(0)).unwrap();
    assert_eq!((loaded.rows.len(), loaded.skipped.len()), (3, 2));
    // The next sweep repairs it.
    store.save_devices(&rows).unwrap();
    assert_eq!(store.view().devices().unwrap().rows, rows);
}

#[test]
fn samples_are_pruned_by_age_and_by_count() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(&dir.path().join("ringward.db"));
    let since = |store: &Store, from| store.view().ring_samples(&plan(), from).unwrap().rows;
    let (windows, macos) = (Environment::Windows, Environment::Macos);
    store
        .add_ring_samples(&[sample("a", windows, second(0)), sample("a", macos, second(1))], second(1))
        .unwrap();
    assert_eq!(since(&store, second(0)).len(), 2);
    assert_eq!(since(&store, second(1)).len(), 1);
    store.add_ring_samples(&[], after(second(0), MAX_SAMPLE_AGE)).unwrap();
    assert_eq!(since(&store, second(0)).len(), 2, "at exactly the greatest age it stays");
    store.add_ring_samples(&[], after(second(1), MAX_SAMPLE_AGE)).unwrap();
    assert_eq!(since(&store, second(0)), [sample("a", macos, second(1))]);

    let most = i64::from(MAX_SAMPLES_PER_SERIES);
    let many: Vec<_> = (0..most + 3).map(|number| sample("b", windows, second(number))).collect();
    store.add_ring_samples(&many, second(0)).unwrap();
    let rows = since(&store, second(0));
    assert_eq!(rows.len(), usize::try_from(most).unwrap() + 1, "the other ring's sample is untouched");
    let oldest = rows.iter().find(|row| row.ring.as_str() == "b").unwrap();
    assert_eq!(oldest.at, second(3), "the oldest go first");
}

#[test]
fn an_observation_that_is_not_json_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(&dir.path().join("ringward.db"));
    let error = store.save_devices(&[device(1, "{}"), device(2, "{")]).unwrap_err();
    assert!(matches!(error, StoreError::InvalidObservation(_)), "{error}");
    assert!(error.to_string().contains("device-002"), "{error}");
    assert_eq!(error.recovery(), Recovery::CarryOn);
    assert!(store.view().devices().unwrap().rows.is_empty(), "all or nothing");
}
