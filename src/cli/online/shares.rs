//! Whether one profile of a ring holds most of its devices. Pure.
//!
//! **Invariant:** a ring of one profile is never told: its profile is the ring.

use std::collections::BTreeSet;

use crate::cli::online::finding::{CheckFinding, Code};
use crate::{
    cli::online::profiles::NamedProfile, cli::online::sizes::RingSizes, fleet::Fleet, ids::PolicyId,
    plan::model::RingPlan, time::Timestamp,
};

/// Nine devices of ten: the other profiles then show next to nothing.
const MOST_TENTHS: usize = 9;

/// What is worth saying of the ring's profiles, as found.
pub(crate) fn of_ring(
    ring: &RingPlan,
    profiles: &[NamedProfile],
    fleet: &Fleet,
    now: Timestamp,
) -> Option<CheckFinding> {
    let devices = |ids: BTreeSet<PolicyId>| RingSizes::of(fleet, &ids, &ring.targets, now).movable();
    let ids: BTreeSet<PolicyId> = profiles.iter().filter_map(|profile| profile.id.clone()).collect();
    let all = devices(ids.clone());
    if ids.len() < 2 || all == 0 {
        return None;
    }
    profiles.iter().find_map(|profile| {
        let of_one = devices(BTreeSet::from([profile.id.clone()?]));
        let problem = format!("profile {} holds {of_one} of the ring's {all} devices", profile.written);
        (of_one * 10 >= all * MOST_TENTHS).then(|| {
            let instead = "check that the others are the profiles that are meant; they add next to nothing to what the ring shows";
            CheckFinding::new(Code::ProfileLarge, problem).instead(instead)
        })
    })
}
