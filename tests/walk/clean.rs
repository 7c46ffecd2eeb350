//! Without faults: every ring is verified, by exactly one write each, inside the openings.

use ringward::plan;
use ringward::rollout::record::Mode;
use ringward::schedule::Writable;

use crate::support::{WITH_SCHEDULE, Walk, end, until_completed};

/// Each ring has exactly one applied write, and each arrived inside an opening and outside
/// freezes.
pub(crate) fn assert_one_write_per_ring(walk: &Walk, plan_text: &str) {
    let plan = plan::read("plan.yaml", plan_text.as_bytes()).unwrap().plan;
    let applied: Vec<_> = walk.writes().into_iter().filter(|row| row.applied == Some(true)).collect();
    assert_eq!(applied.len(), plan.rings.len(), "{applied:#?}");
    for (row, ring) in applied.iter().zip(&plan.rings) {
        let name = row.body.as_ref().and_then(|body| body["name"].as_str());
        assert_eq!(name, Some(ring.name.as_str()), "the rings are written in order");
        assert_ne!(ring.schedule.writable(row.at), Writable::NotNow, "{name:?} was written at {}", row.at);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_ring_is_verified_by_one_write_inside_its_opening() {
    let walk = Walk::new(WITH_SCHEDULE, 20_000.0, 1, 300).await;
    let daemon = walk.daemon(Mode::Write).await;
    until_completed(&daemon).await;
    end(daemon).await;
    walk.assert_all_verified();
    walk.assert_lawful(|_| false);
    assert_one_write_per_ring(&walk, WITH_SCHEDULE);
}
