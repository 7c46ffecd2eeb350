//! `/metrics`: the newest snapshot in Prometheus' text format, with the counters of the process.
//!
//! The families are built anew for each scrape, so series of a plan that is gone are gone too, and
//! counts of rare facts come from the log, so a restart does not reset them. The names and labels
//! are promises (DESIGN 8).
//!
//! **Invariant:** a scrape reads one snapshot and waits for nobody; labels are plans, rings, gates
//! and closed sets of words, never devices.

use std::collections::BTreeMap;

use prometheus::core::{Collector, GenericCounter};
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, Gauge, GaugeVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder};

use super::json::ApprovalJson;
use super::present::{adoption, counts};
use crate::daemon::view::View;
use crate::fleet::Class;
use crate::rollout::record::ClockDoubt;
use crate::rollout::record::Dark;
use crate::rollout::record::DriftStanding;
use crate::rollout::record::{Evidence, Verdict};
use crate::rollout::state::{HeldOut, Phase, Stage, Tallies};
use crate::rollout::tell::report::Report;
use crate::rollout::tell::revision_waits::RevisionWaits;
use crate::rollout::tell::ring_report::RingReport;
use crate::rollout::tell::waits::{Wait, Waits};
use crate::telemetry::Metrics;
use crate::time::{Timestamp, since};

/// The verdicts, as `Verdict::as_str` names them.
const VERDICTS: [&str; 5] = ["pass", "wait", "fail", "unknown", "exempt"];

/// The text of a scrape at `now`, by the daemon's clock.
///
/// # Errors
/// When the library refuses a name or a series occurs twice: a defect of ringward.
pub(super) fn exposition(
    view: &View,
    metrics: &Metrics,
    now: Timestamp,
) -> Result<String, prometheus::Error> {
    let mut families = of_view(view, now)?;
    families.extend(metrics.gather());
    families.sort_by(|one, other| one.name().cmp(other.name()));
    TextEncoder::new().encode_to_string(&families)
}

fn of_view(view: &View, now: Timestamp) -> Result<Vec<MetricFamily>, prometheus::Error> {
    let families = Families::default();
    families.daemon(view, now)?;
    families.sweeps(view, now)?;
    families.plan_files(view)?;
    families.phases(&view.reports)?;
    // A plan whose file is gone keeps its phase, which says so, and nothing else.
    let live: Vec<&Report> = view.reports.iter().filter(|report| report.phase != Phase::Withdrawn).collect();
    families.holds(&live)?;
    families.drifts(&live)?;
    families.superseded(&live)?;
    families.reasons(&live)?;
    families.facts(&live, &view.tallies, &view.waits)?;
    families.rings(&live)?;
    families.devices(&live)?;
    families.health(&live)?;
    families.gates(&live)?;
    families.thresholds(&live)?;
    Ok(families.registry.gather())
}

/// The families of one scrape.
#[derive(Default)]
struct Families {
    registry: Registry,
}

impl Families {
    fn add<C: Collector + Clone + 'static>(&self, family: C) -> Result<C, prometheus::Error> {
        self.registry.register(Box::new(family.clone()))?;
        Ok(family)
    }

    fn gauge(&self, name: &str, help: &str, value: f64) -> Result<(), prometheus::Error> {
        self.add(Gauge::with_opts(opts(name, help))?)?.set(value);
        Ok(())
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec, prometheus::Error> {
        self.add(GaugeVec::new(opts(name, help), labels)?)
    }

    fn daemon(&self, view: &View, now: Timestamp) -> Result<(), prometheus::Error> {
        let build = self.gauges("build_info", "The version of this ringward.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1.0);
        let clock = "The daemon's clock. All other instants are by it, so subtract them from it.";
        self.gauge("time_seconds", clock, seconds(now))?;
        let stopped = "1 while all writes are stopped.";
        self.gauge("stopped", stopped, truth(view.stop.is_some()))?;
        if let Some(stop) = &view.stop {
            let since = "Since when all writes are stopped; absent while they are not.";
            self.gauge("stopped_since_timestamp_seconds", since, seconds(stop.since))?;
        }
        let unwritable = "1 while the log cannot be written, so that nothing is decided or sent.";
        self.gauge("log_unwritable", unwritable, truth(view.log_unwritable.is_some()))?;
        let behind =
            "Seconds that the machine's clock is behind what was decided and recorded; 0 while it is not.";
        let by = view.clock_behind.map_or(0.0, |(_, by)| by.as_secs_f64());
        self.gauge("clock_behind_seconds", behind, by)?;
        let doubted = "1 for what keeps the machine's clock from being believed: it differs from Cloudflare's, or cannot be compared.";
        let doubted = self.gauges("clock_doubted", doubted, &["code"])?;
        let found = view.second_clock.in_the_way(now).map(|doubt| doubt.code());
        for code in ClockDoubt::CODES {
            doubted.with_label_values(&[code]).set(truth(found == Some(code)));
        }
        if let Some(trust) = view.second_clock.trusted(now) {
            let help = "Until when the machine's clock is believed by a person's word; absent without one.";
            self.gauge("clock_trusted_until_timestamp_seconds", help, seconds(trust.until))?;
        }
        let decided = "When the daemon last decided, by its own clock.";
        self.gauge("last_decision_timestamp_seconds", decided, seconds(view.at))?;
        if let Some(ticked_at) = view.ticked_at {
            let help = "When the scheduler last ticked before the last decision, by the daemon's clock.";
            self.gauge("scheduler_last_tick_timestamp_seconds", help, seconds(ticked_at))?;
        }
        let budget = "Requests to Cloudflare left in the five-minute budget.";
        self.gauge("cloudflare_budget_remaining", budget, view.budget_remaining.into())?;
        let events: IntCounter =
            self.add(GenericCounter::with_opts(opts("events_total", "Records in the log."))?)?;
        events.inc_by(view.head.seq.get());
        let head = "1 for the hash of the log's last record: what `history --verify --head` asks for.";
        let head_of = self.gauges("log_head_info", head, &["hash"])?;
        head_of.with_label_values(&[&view.head.hash.to_string()]).set(1.0);
        Ok(())
    }

    fn sweeps(&self, view: &View, now: Timestamp) -> Result<(), prometheus::Error> {
        let last = ("sweep_age_seconds", "Age of the last sweep of the devices.", view.swept_at);
        let full = ("full_sweep_age_seconds", "Age of the last sweep of all devices.", view.full_sweep_at);
        for (name, help, swept_at) in [last, full] {
            // Never swept has no age: no series, rather than a zero that reads as fresh.
            if let Some(swept_at) = swept_at {
                self.gauge(name, help, since(swept_at, now).as_secs_f64().max(0.0))?;
            }
        }
        let failing = "Since when a kind of read fails; absent for those that succeed.";
        let failing = self.gauges("read_failing_since_timestamp_seconds", failing, &["read"])?;
        let mut begins: BTreeMap<&str, Timestamp> = BTreeMap::new();
        for (read, trouble) in &view.troubles {
            // Reads of several groups or profiles are one kind: the longest trouble counts.
            let begin = begins.entry(read.as_str()).or_insert(trouble.since);
            *begin = trouble.since.min(*begin);
        }
        for (read, begin) in begins {
            failing.with_label_values(&[read]).set(seconds(begin));
        }
        Ok(())
    }

    fn plan_files(&self, view: &View) -> Result<(), prometheus::Error> {
        let errors = self.gauges("plan_errors", "Errors in a plan file or the directory.", &["file"])?;
        for problem in &view.problems {
            errors.with_label_values(&[&problem.file]).set(count(problem.errors.len()));
        }
        let faults = "1 for a plan that a fault in ringward keeps from being decided.";
        let faults = self.gauges("plan_fault", faults, &["plan"])?;
        for (plan, _) in &view.faults {
            faults.with_label_values(&[plan.as_str()]).set(1.0);
        }
        let waits = "Since when a plan's file waits to take effect, by what it waits for.";
        let waits = self.gauges("revision_waiting_since_timestamp_seconds", waits, &["plan", "for"])?;
        for (plan, RevisionWaits { waiting, .. }) in &view.waiting {
            let labels = [plan.as_str(), waiting.revision.waits_for.as_str()];
            waits.with_label_values(&labels).set(seconds(waiting.since));
        }
        Ok(())
    }

    fn phases(&self, reports: &[Report]) -> Result<(), prometheus::Error> {
        let phases = "1 for the phase of the plan's latest rollout.";
        let phases = self.gauges("rollout_phase", phases, &["plan", "phase"])?;
        for report in reports {
            for phase in Phase::ALL {
                let labels = [report.id.plan.as_str(), phase.as_str()];
                phases.with_label_values(&labels).set(truth(report.phase == phase));
            }
        }
        Ok(())
    }

    fn holds(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
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
    fn drifts(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
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
    fn superseded(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
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

    fn reasons(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
        let blockers = "1 for each kind of thing in the way of the rollout's next move.";
        let blockers = self.gauges("rollout_blocker", blockers, &["plan", "code"])?;
        let moves = "When the rollout can move at the earliest; absent where the clock alone cannot tell.";
        let moves = self.gauges("rollout_earliest_move_timestamp_seconds", moves, &["plan"])?;
        for report in live {
            let plan = report.id.plan.as_str();
            for blocker in &report.waiting_on {
                blockers.with_label_values(&[plan, blocker.code()]).set(1.0);
            }
            if let Some(at) = report.earliest_move {
                moves.with_label_values(&[plan]).set(seconds(at));
            }
        }
        Ok(())
    }

    /// What is counted from the log.
    fn facts(&self, live: &[&Report], tallies: &Tallies, waits: &Waits) -> Result<(), prometheus::Error> {
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

    fn rings(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
        let states = self.gauges("ring_state", "1 for the ring's state.", &["plan", "ring", "state"])?;
        let begins = "Since when the ring is in its state.";
        let begins = self.gauges("ring_state_since_timestamp_seconds", begins, &["plan", "ring"])?;
        let targets = "The client version that the ring shall have.";
        let targets =
            self.gauges("ring_target_info", targets, &["plan", "ring", "environment", "version"])?;
        let openings = "When the ring may be entered next; absent where it may now, or is entered.";
        let openings = self.gauges("next_opening_timestamp_seconds", openings, &["plan", "ring"])?;
        let asked =
            "For how long people are asked to let the ring be entered; absent while nobody is waited for.";
        let asked = self.gauges("approval_age_seconds", asked, &["plan", "ring"])?;
        for (plan, now, ring) in rings(live) {
            let name = ring.name.as_str();
            for state in Stage::NAMES {
                states.with_label_values(&[plan, name, state]).set(0.0);
            }
            states.with_label_values(&[plan, name, ring.state]).set(1.0);
            begins.with_label_values(&[plan, name]).set(seconds(ring.since));
            for (environment, version) in &ring.targets {
                let labels = [plan, name, environment.as_str(), &version.to_string()];
                targets.with_label_values(&labels).set(1.0);
            }
            let approval = ring.approval.as_ref().map(ApprovalJson::of);
            if let Some(at) = approval.and_then(|approval| approval.waited_for_since()) {
                asked.with_label_values(&[plan, name]).set(since(at, now).as_secs_f64());
            }
            if let Some(at) = ring.next_opening {
                openings.with_label_values(&[plan, name]).set(seconds(at));
            }
        }
        Ok(())
    }

    fn devices(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
        let devices = "Devices of the ring by environment and class.";
        let devices = self.gauges("ring_devices", devices, &["plan", "ring", "environment", "class"])?;
        let shares = "Arrived devices as a share of those sighted; absent while none was.";
        let shares = self.gauges("ring_adoption_ratio", shares, &["plan", "ring", "environment"])?;
        for (plan, _, ring) in rings(live) {
            let name = ring.name.as_str();
            let Some(census) = &ring.census else { continue };
            for (environment, counts) in counts(census) {
                for class in Class::ALL {
                    let labels = [plan, name, environment, class.as_str()];
                    devices.with_label_values(&labels).set(count(counts.of(class)));
                }
            }
            for environment in ring.targets.keys() {
                if let Some(share) = adoption(census, *environment) {
                    shares.with_label_values(&[plan, name, environment.as_str()]).set(share);
                }
            }
        }
        Ok(())
    }

    /// What the health gates see of entered rings.
    fn health(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
        let labels = ["plan", "ring", "environment"];
        let stalled = "Stalled devices as a share of those sighted, without the acknowledged ones.";
        let stalled = self.gauges("ring_stalled_ratio", stalled, &labels)?;
        let excess = "By how much the silent share is above the control's, at the look where it is most.";
        let excess = self.gauges("ring_dark_excess_ratio", excess, &labels)?;
        let chance = "How likely so many silent devices are by chance, at that look.";
        let chance = self.gauges("ring_dark_chance_ratio", chance, &labels)?;
        let labels = ["plan", "ring", "environment", "gate"];
        let limits = "The share above which a health gate fails; absent where the gate is exempt.";
        let limits = self.gauges("ring_health_threshold_ratio", limits, &labels)?;
        let accepted = "Devices that a person has accepted by resuming; they count for the gate no more.";
        let accepted = self.gauges("ring_acknowledged_devices", accepted, &labels)?;
        for (plan, _, ring) in rings(live) {
            for judgement in &ring.gates {
                let Some(environment) = judgement.environment else { continue };
                let place = [plan, ring.name.as_str(), environment.as_str()];
                let (acknowledged, at_most) = match &judgement.evidence {
                    Evidence::Stalled(seen) => {
                        if seen.sighted() > 0 {
                            let share = count(seen.stalled()) / count(seen.sighted());
                            stalled.with_label_values(&place).set(share);
                        }
                        (seen.acknowledged, seen.at_most)
                    }
                    Evidence::Dark(seen) => {
                        if let Some((most, by_chance)) = excess_of(seen) {
                            excess.with_label_values(&place).set(most);
                            chance.with_label_values(&place).set(by_chance);
                        }
                        (seen.acknowledged, seen.at_most)
                    }
                    _ => continue,
                };
                let of = [plan, ring.name.as_str(), environment.as_str(), judgement.gate.as_str()];
                accepted.with_label_values(&of).set(count(acknowledged));
                if !matches!(judgement.verdict, Verdict::Exempt(_)) {
                    limits.with_label_values(&of).set(at_most.ratio());
                }
            }
        }
        Ok(())
    }

    fn gates(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
        let verdicts = "1 for the gate's verdict; a gate of one environment is `gate/environment`.";
        let verdicts = self.gauges("gate_verdict", verdicts, &["plan", "ring", "gate", "verdict"])?;
        let evaluated = "When the gate was last judged, by the daemon's clock.";
        let labels = ["plan", "ring", "gate"];
        let evaluated = self.gauges("gate_last_evaluation_timestamp_seconds", evaluated, &labels)?;
        for (plan, at, ring) in rings(live) {
            for judgement in &ring.gates {
                let (ring, gate) = (ring.name.as_str(), judgement.name());
                for verdict in VERDICTS {
                    verdicts.with_label_values(&[plan, ring, &gate, verdict]).set(0.0);
                }
                verdicts.with_label_values(&[plan, ring, &gate, judgement.verdict.as_str()]).set(1.0);
                evaluated.with_label_values(&[plan, ring, &gate]).set(seconds(at));
            }
        }
        Ok(())
    }

    /// What the adoption gate asks for, while it judges.
    fn thresholds(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
        let asked = "The adoption that the ring needs to leave; absent while the gate does not judge.";
        let labels = ["plan", "ring", "environment"];
        let asked = self.gauges("ring_adoption_threshold_ratio", asked, &labels)?;
        let deadlines =
            "When an adoption that is still missing halts the rollout; freezes and holds move it.";
        let deadlines = self.gauges("ring_adoption_deadline_timestamp_seconds", deadlines, &labels)?;
        for (plan, _, ring) in rings(live) {
            for judgement in &ring.gates {
                let (Some(environment), Evidence::Adoption { at_least, deadline_at, .. }) =
                    (judgement.environment, &judgement.evidence)
                else {
                    continue;
                };
                let labels = [plan, ring.name.as_str(), environment.as_str()];
                asked.with_label_values(&labels).set(at_least.ratio());
                if ring.state == "adopting" {
                    deadlines.with_label_values(&labels).set(seconds(*deadline_at));
                }
            }
        }
        Ok(())
    }
}

/// Each ring with its plan and the instant of its report.
fn rings<'a>(live: &'a [&Report]) -> impl Iterator<Item = (&'a str, Timestamp, &'a RingReport)> {
    let of_report =
        |report: &&'a Report| report.rings.iter().map(|ring| (report.id.plan.as_str(), report.at, ring));
    live.iter().flat_map(of_report)
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(format!("ringward_{name}"), help)
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// An instant as Prometheus has it: Unix seconds.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 stay below 2^52 for millennia")]
fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a fleet has far fewer than 2^52 devices")]
fn count(number: usize) -> f64 {
    number as f64
}

/// By how much the silent share is above the control's at the look where it is most, and how likely
/// that is by chance. A look without a control says nothing.
fn excess_of(seen: &Dark) -> Option<(f64, f64)> {
    let compared = seen.looks.iter().filter(|look| look.control.of > 0);
    let excesses = compared.map(|look| (look.ring.ratio() - look.control.ratio(), look.p.ratio()));
    excesses.max_by(|one, other| one.0.total_cmp(&other.0))
}
