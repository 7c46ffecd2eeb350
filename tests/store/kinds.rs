//! What an earlier release wrote is read as what this one writes, for ever.
//!
//! `tests/fixtures/store/kinds-N.sql` is a log whose plans are of version N: `kinds-1.sql` says `on_drift: adopt`,
//! `kinds-2.sql` says `accept`. Their hashes were made and checked without ringward; `recompute.py` does it again.
//! A release never changes one: a new version of a kind gets a log of its own.

use std::collections::BTreeMap;

use ringward::daemon::log;
use ringward::plan::model::{OnDrift, Plan};
use ringward::rollout::record::{Eras, Event};
use ringward::store::{Reader, Seq};
use rusqlite::Connection;

/// The version of the kinds that keep a plan, and the log.
const LOGS: [(u32, &str); 2] =
    [(1, include_str!("../fixtures/store/kinds-1.sql")), (2, include_str!("../fixtures/store/kinds-2.sql"))];

/// The plan that an event keeps whole.
fn plan_of(event: &Event) -> Option<&Plan> {
    match event {
        Event::PlanAccepted { revision }
        | Event::PlanRevised { revision, .. }
        | Event::NewTargetWaits { revision } => Some(&revision.plan),
        Event::PlanRestricted { plan, .. } => Some(plan),
        _ => None,
    }
}

#[test]
fn each_version_of_a_kind_is_read_as_the_newest() {
    let mut read = Vec::new();
    for (version, dump) in LOGS {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("golden.db");
        Connection::open(&path).unwrap().execute_batch(dump).unwrap();
        let reader = Reader::open(&path).unwrap();
        let view = reader.view();
        assert_eq!(view.verify_chain().unwrap().records, 5, "version {version}");

        let (mut eras, mut plans) = (Eras::default(), BTreeMap::new());
        for record in view.records(Seq::ZERO) {
            let record = record.unwrap();
            let recorded = log::next_from_record(&record, &mut eras).unwrap();
            let entry = &recorded.entry;
            let Some(plan) = plan_of(&entry.event) else { continue };
            assert_eq!(record.record.kind_version, version, "{}", entry.event.kind());
            assert_eq!(plan.on_drift, OnDrift::Accept, "{} of version {version}", entry.event.kind());
            assert_eq!(log::to_record(entry, recorded.at).kind_version, 2, "it is written as the newest");
            plans.insert(entry.event.kind(), plan.clone());
        }
        let kinds: Vec<_> = plans.keys().copied().collect();
        assert_eq!(kinds, ["new_target_waits", "plan_accepted", "plan_restricted", "plan_revised"]);
        log::replay(view).unwrap();
        read.push(plans);
    }
    assert_eq!(read[0], read[1], "the same plans, whatever wrote them");
}
