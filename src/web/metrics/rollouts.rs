//! Rollouts: phases, holds, drift, reasons, and what is counted of them from the log.
//!
//! **Invariant:** labels are plans, rings and closed sets of words.

use prometheus::{CounterVec, IntCounterVec};

use crate::rollout::record::DriftStanding;
use crate::rollout::state::{HeldOut, Phase, Tallies};
use crate::rollout::tell::report::Report;
use crate::rollout::tell::waits::{Wait, Waits};
use crate::web::metrics::families::{Families, count, opts, seconds, truth};

impl Families {
    pub(super) fn phases(&self, reports: &[Report]) -> Result<(), prometheus::Error> {
        let phases = "1 for the phase of the plan's latest rollout.";
        let series = reports.iter().flat_map(|report| {
            Phase::ALL.map(|phase| ([report.id.plan.as_str(), phase.as_str()], truth(report.phase == phase)))
        });
        self.each("rollout_phase", phases, ["plan", "phase"], series)
    }

    pub(super) fn holds(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
        let holds = "1 while the plan is paused by a person or halted by ringward.";
        let holds = self.gauges("rollout_hold", holds, &["plan", "hold"])?;
        let begins = "Since when the plan is paused or halted; absent while it is not.";
        let begins = self.gauges("rollout_hold_since_timestamp_seconds", begins, &["plan", "hold"])?;
        for report in live {
            let plan = report.id.plan.as_str();
            let paused = report.paused.as_ref().map(|hold| hold.since);
            let halted = report.halted.as_ref().map(|(_, since)| *since);
            for (hold, since) in [("paused", paused), ("halted", halted)] {
                holds.with_label_values(&[plan, hold]).set(truth(since.is_some()));
                if let Some(since) = since {
                    begins.with_label_values(&[plan, hold]).set(seconds(since));
                }
            }
        }
        Ok(())
    }

    /// What somebody else did. A drift that nobody needs to look at stays in sight as 0.
    pub(super) fn drifts(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
        let drifts = "1 for each kind of drift that halts the rollout or is to be written back; 0 for one that \
                      was accepted, or changes nothing.";
        let drifts = self.gauges("drift", drifts, &["plan", "ring", "kind"])?;
        for report in live {
            for found in &report.drifts {
                let labels = [report.id.plan.as_str(), found.ring.as_str(), found.kind.as_str()];
                let series = drifts.with_label_values(&labels);
                let open = matches!(found.standing, DriftStanding::Halts | DriftStanding::ToRestore);
                // Two groups of a ring may drift in the same way: one that is open counts.
                series.set(truth(open).max(series.get()));
            }
        }
        Ok(())
    }

    /// What earlier rollouts left on offer.
    pub(super) fn superseded(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
        let offers = "Devices to which a rollout that was never completed still offers a version.";
        let labels = ["plan", "ring", "environment", "version"];
        let offers = self.gauges("superseded_offer_devices", offers, &labels)?;
        let failing = "1 while a health gate fails for what a rollout that was never completed still offers.";
        let failing = self.gauges("superseded_offer_failing", failing, &["plan", "ring"])?;
        for report in live {
            let plan = report.id.plan.as_str();
            for offer in &report.superseded {
                let ring = offer.ring.as_str();
                for (environment, version) in &offer.versions {
                    let labels = [plan, ring, environment.as_str(), &version.to_string()];
                    let devices = offer.devices.get(environment).map_or(0, |devices| devices.values().sum());
                    offers.with_label_values(&labels).set(count(devices));
                }
                let series = failing.with_label_values(&[plan, ring]);
                series.set(truth(offer.failing().is_some()).max(series.get()));
            }
        }
        Ok(())
    }

    pub(super) fn reasons(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
        let blockers = "1 for each kind of thing in the way of the rollout's next move.";
        let blockers = self.gauges("rollout_blocker", blockers, &["plan", "code"])?;
        let moves = "When the rollout can move at the earliest; absent where the clock alone cannot tell.";
        for report in live {
            let plan = report.id.plan.as_str();
            for blocker in &report.waiting_on {
                blockers.with_label_values(&[plan, blocker.code()]).set(1.0);
            }
        }
        let earliest =
            live.iter().filter_map(|one| Some(([one.id.plan.as_str()], seconds(one.earliest_move?))));
        self.each("rollout_earliest_move_timestamp_seconds", moves, ["plan"], earliest)
    }

    /// What is counted from the log.
    pub(super) fn facts(
        &self,
        live: &[&Report],
        tallies: &Tallies,
        waits: &Waits,
    ) -> Result<(), prometheus::Error> {
        let halts = "Halts by ringward, counted from the log.";
        let halts = self.add(IntCounterVec::new(opts("halts_total", halts), &["plan", "cause"])?)?;
        let rollbacks = "Rollbacks, by what set them off, counted from the log.";
        let rollbacks =
            self.add(IntCounterVec::new(opts("rollbacks_total", rollbacks), &["plan", "trigger"])?)?;
        let held = "1 for each version that a rollback of the plan holds out of a ring's profiles.";
        let held = self.gauges("held_out_info", held, &["plan", "ring", "environment", "version"])?;
        let waited = "Time that the plan's rollouts waited, by what for, counted from the log.";
        let waited = self.add(CounterVec::new(opts("wait_seconds_total", waited), &["plan", "kind"])?)?;
        for report in live {
            let plan = report.id.plan.as_str();
            let of_plan = tallies.halts.iter().filter(|((of, _), _)| *of == report.id.plan);
            for ((_, cause), number) in of_plan {
                halts.with_label_values(&[plan, cause]).inc_by(*number);
            }
            let of_plan = tallies.rollbacks.iter().filter(|((of, _), _)| *of == report.id.plan);
            for ((_, trigger), number) in of_plan {
                rollbacks.with_label_values(&[plan, trigger.as_str()]).inc_by(*number);
            }
            for HeldOut { ring, environment, version, .. } in &report.held_out {
                let labels = [plan, ring.as_str(), environment.as_str(), &version.to_string()];
                held.with_label_values(&labels).set(1.0);
            }
            for kind in Wait::ALL {
                let span = waits.of(&report.id.plan, kind).as_secs_f64();
                waited.with_label_values(&[plan, kind.as_str()]).inc_by(span);
            }
        }
        Ok(())
    }
}
