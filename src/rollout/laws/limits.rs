//! The blast limit: how many devices a write may offer something else, by its own count and by the books'.
//!
//! **Invariant:** what goes back is held against no limit.

use super::audit::Law;
use super::case::Case;
use crate::plan::model::RingPlan;
use crate::rollout::record::{Event, Evidence, Today, WriteIntent};
use crate::time::{SignedDuration, since};

/// The guard counts writes for so long.
const DAY: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn check(case: &Case<'_>) {
    let Event::WritePlanned { ring, intent } = case.event else { return };
    let plan = case.line.and_then(|line| line.ring_plan(ring));
    let Some(plan) = plan.filter(|_| !intent.purpose.goes_back()) else { return };
    let counted = intent.judgements.iter().find_map(|judgement| match judgement.evidence {
        Evidence::Fleet { eligible, .. } => Some(eligible),
        _ => None,
    });
    case.under(Law::WriteAllowed).require(counted == Some(intent.devices), || {
        format!("the intent names {} devices, its fleet gate counted {counted:?}", intent.devices)
    });
    of_ring(case, plan, intent);
    of_day(case, intent);
}

/// By the intent's own count.
fn of_ring(case: &Case<'_>, plan: &RingPlan, intent: &WriteIntent) {
    let Some(limit) = plan.max_devices else { return };
    let within = intent.retargets.is_some_and(|devices| !limit.is_exceeded_by(devices));
    case.require(within, || match intent.retargets {
        Some(devices) => {
            format!("the write offers something else to {devices} devices; at most {limit} may be")
        }
        None => format!("the devices are not counted, and at most {limit} may be offered something else"),
    });
}

/// The guard on devices per day, by the books' own count.
fn of_day(case: &Case<'_>, intent: &WriteIntent) {
    let Some(Today { before, at_most }) = intent.today else { return };
    let of_today = case.ledger.writes.applied.iter().filter(|(at, _)| since(*at, case.at) < DAY);
    let counted: usize = of_today.map(|(_, devices)| devices).sum();
    case.require(counted == before, || {
        format!("{before} devices are said to have been written in 24 hours, and the log has {counted}")
    });
    let devices = intent.retargets.unwrap_or(intent.devices);
    case.require(devices == 0 || !at_most.is_exceeded_by(counted + devices), || {
        format!("{devices} devices after {counted} in 24 hours are more than the {at_most} of the guard")
    });
}
