//! Rings: their states, devices and gates.
//!
//! **Invariant:** labels are plans, rings, gates and closed sets of words, never devices.

use crate::fleet::Class;
use crate::rollout::record::Dark;
use crate::rollout::record::{Evidence, Verdict};
use crate::rollout::state::Stage;
use crate::rollout::tell::report::Report;
use crate::rollout::tell::ring_report::RingReport;
use crate::time::{Timestamp, since};
use crate::web::metrics::families::{Families, count, seconds};
use crate::web::present::{adoption, counts};

/// The verdicts, as `Verdict::as_str` names them.
const VERDICTS: [&str; 5] = ["pass", "wait", "fail", "unknown", "exempt"];

impl Families {
    pub(super) fn rings(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
        let states = self.gauges("ring_state", "1 for the ring's state.", &["plan", "ring", "state"])?;
        let begins = "Since when the ring is in its state.";
        let since_when = rings(live).map(|(plan, _, ring)| ([plan, ring.name.as_str()], seconds(ring.since)));
        self.each("ring_state_since_timestamp_seconds", begins, ["plan", "ring"], since_when)?;
        let targets = "The client version that the ring shall have.";
        let targets =
            self.gauges("ring_target_info", targets, &["plan", "ring", "environment", "version"])?;
        let openings = "When the ring may be entered next; absent where it may now, or is entered.";
        let next = rings(live)
            .filter_map(|(plan, _, ring)| Some(([plan, ring.name.as_str()], seconds(ring.next_opening?))));
        self.each("next_opening_timestamp_seconds", openings, ["plan", "ring"], next)?;
        let asked =
            "For how long people are asked to let the ring be entered; absent while nobody is waited for.";
        let ages = rings(live).filter_map(|(plan, now, ring)| {
            let approval = ring.approval.as_ref().filter(|one| one.judgement.verdict != Verdict::Pass)?;
            Some(([plan, ring.name.as_str()], since(approval.asked_at?, now).as_secs_f64()))
        });
        self.each("approval_age_seconds", asked, ["plan", "ring"], ages)?;
        for (plan, _, ring) in rings(live) {
            let name = ring.name.as_str();
            for state in Stage::NAMES {
                states.with_label_values(&[plan, name, state]).set(0.0);
            }
            states.with_label_values(&[plan, name, ring.state]).set(1.0);
            for (environment, version) in &ring.targets {
                let labels = [plan, name, environment.as_str(), &version.to_string()];
                targets.with_label_values(&labels).set(1.0);
            }
        }
        Ok(())
    }

    pub(super) fn devices(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
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
    pub(super) fn health(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
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

    pub(super) fn gates(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
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
    pub(super) fn thresholds(&self, live: &[&Report]) -> Result<(), prometheus::Error> {
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

/// By how much the silent share is above the control's at the look where it is most, and how likely
/// that is by chance. A look without a control says nothing.
fn excess_of(seen: &Dark) -> Option<(f64, f64)> {
    let compared = seen.looks.iter().filter(|look| look.control.of > 0);
    let excesses = compared.map(|look| (look.ring.ratio() - look.control.ratio(), look.p.ratio()));
    excesses.max_by(|one, other| one.0.total_cmp(&other.0))
}
