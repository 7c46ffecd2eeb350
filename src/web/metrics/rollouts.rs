//! Rollouts: phases, holds, drift, reasons, and what is counted of them from the log.
//!
//! **Invariant:** labels are plans, rings and closed sets of words.

use crate::rollout::record::DriftStanding;
use crate::rollout::state::Phase;
use crate::rollout::tell::report::Report;
use crate::rollout::tell::waits::Wait;
use crate::time::Timestamp;
use crate::web::metrics::families::Of::{Daemon, Rollout};
use crate::web::metrics::families::{Metric, count, metric_table, seconds, total, truth};

metric_table! {
    // That of a plan whose file is gone, too.
    "rollout_phase" ["plan", "phase"] "1 for the phase of the plan's latest rollout."
        => Daemon(|view, _, to| {
            for report in &view.reports {
                to.state(&[report.id.plan.as_str()], &Phase::ALL.map(Phase::as_str), report.phase.as_str());
            }
        });
    "rollout_hold" ["hold"] "1 while the plan is paused by a person or halted by ringward."
        => Rollout(|report, _, to| {
            holds(report).into_iter().for_each(|(hold, since)| to.set(&[hold], truth(since.is_some())))
        });
    "rollout_hold_since_timestamp_seconds" ["hold"] "Since when the plan is paused or halted; absent while it is not."
        => Rollout(|report, _, to| {
            for (hold, since) in holds(report) {
                since.into_iter().for_each(|since| to.set(&[hold], seconds(since)));
            }
        });
    // What somebody else did. A drift that nobody needs to look at stays in sight as 0.
    "drift" ["ring", "kind"]
        "1 for each kind of drift that halts the rollout or is to be written back; 0 for one that was accepted, or changes nothing."
        => Rollout(|report, _, to| {
            for found in &report.drifts {
                let open = matches!(found.standing, DriftStanding::Halts | DriftStanding::ToRestore);
                // Two groups of a ring may drift in the same way: one that is open counts.
                to.any(&[found.ring.as_str(), found.kind.as_str()], open);
            }
        });
    // What earlier rollouts left on offer.
    "superseded_offer_devices" ["ring", "environment", "version"]
        "Devices to which a rollout that was never completed still offers a version."
        => Rollout(|report, _, to| {
            for offer in &report.superseded {
                for (environment, version) in &offer.versions {
                    let devices = offer.devices.get(environment).map_or(0, |devices| devices.values().sum());
                    let labels = [offer.ring.as_str(), environment.as_str(), &version.to_string()];
                    to.set(&labels, count(devices));
                }
            }
        });
    "superseded_offer_failing" ["ring"]
        "1 while a health gate fails for what a rollout that was never completed still offers."
        => Rollout(|report, _, to| {
            let offers = report.superseded.iter();
            offers.for_each(|offer| to.any(&[offer.ring.as_str()], offer.failing().is_some()));
        });
    "rollout_blocker" ["code"] "1 for each kind of thing in the way of the rollout's next move."
        => Rollout(|report, _, to| report.waiting_on.iter().for_each(|blocker| to.any(&[blocker.code()], true)));
    "rollout_earliest_move_timestamp_seconds" []
        "When the rollout can move at the earliest; absent where it depends on more than the clock."
        => Rollout(|report, _, to| to.one(report.earliest_move.map(seconds)));
    "halts_total" ["cause"] "Halts by ringward, counted from the log."
        => Rollout(|report, view, to| {
            let halts = view.tallies.halts.iter().filter(|((plan, _), _)| *plan == report.id.plan);
            halts.for_each(|((_, cause), number)| to.set(&[cause], total(*number)));
        });
    "rollbacks_total" ["trigger"] "Rollbacks, by what set them off, counted from the log."
        => Rollout(|report, view, to| {
            let all = view.tallies.rollbacks.iter().filter(|((plan, _), _)| *plan == report.id.plan);
            all.for_each(|((_, trigger), number)| to.set(&[trigger.as_str()], total(*number)));
        });
    "held_out_info" ["ring", "environment", "version"]
        "1 for each version that a rollback of the plan blocked for a ring's profiles."
        => Rollout(|report, _, to| {
            for held in &report.blocked_versions {
                to.any(&[held.ring.as_str(), held.environment.as_str(), &held.version.to_string()], true);
            }
        });
    "wait_seconds_total" ["kind"] "Time that the plan's rollouts waited, by what for, counted from the log."
        => Rollout(|report, view, to| {
            for kind in Wait::ALL {
                to.set(&[kind.as_str()], view.waits.of(&report.id.plan, kind).as_secs_f64());
            }
        });
}

/// Since when a plan is held, by each who can.
fn holds(report: &Report) -> [(&'static str, Option<Timestamp>); 2] {
    let paused = report.paused.as_ref().map(|hold| hold.since);
    [("paused", paused), ("halted", report.halted.as_ref().map(|(_, since)| *since))]
}
