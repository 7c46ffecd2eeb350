//! Rings: their states, devices and gates.
//!
//! **Invariant:** labels are plans, rings, gates and closed sets of words, never devices.

use crate::fleet::Class;
use crate::rollout::record::{Dark, Evidence, Judgement, Verdict};
use crate::rollout::state::RingState;
use crate::time::since;
use crate::web::metrics::families::Of::{Gate, Ring};
use crate::web::metrics::families::{Metric, count, metric_table, seconds};
use crate::web::present::{adoption, counts};

/// The verdicts, as `Verdict::as_str` names them.
const VERDICTS: [&str; 5] = ["pass", "wait", "fail", "unknown", "exempt"];

metric_table! {
    "ring_state" ["state"] "1 for the ring's state."
        => Ring(|ring, _, to| to.state(&[], &RingState::NAMES, ring.state));
    "ring_state_since_timestamp_seconds" [] "Since when the ring is in its state."
        => Ring(|ring, _, to| to.set(&[], seconds(ring.since)));
    "ring_target_info" ["environment", "version"] "The client version that the ring shall have."
        => Ring(|ring, _, to| {
            for (environment, version) in &ring.targets {
                to.set(&[environment.as_str(), &version.to_string()], 1.0);
            }
        });
    "next_opening_timestamp_seconds" [] "When the ring may be entered next; absent where it may now, or is entered."
        => Ring(|ring, _, to| to.one(ring.next_opening.map(seconds)));
    "approval_age_seconds" []
        "For how long people are asked to let the ring be entered; absent while nobody is waited for."
        => Ring(|ring, at, to| {
            let waits = ring.approval.as_ref().filter(|one| one.judgement.verdict != Verdict::Pass);
            let asked_at = waits.and_then(|one| one.asked_at);
            to.one(asked_at.map(|asked_at| since(asked_at, at).as_secs_f64()));
        });
    "ring_devices" ["environment", "class"] "Devices of the ring by environment and class."
        => Ring(|ring, _, to| {
            for (environment, counts) in ring.census.iter().flat_map(counts) {
                for class in Class::ALL {
                    to.set(&[environment, class.as_str()], count(counts.of(class)));
                }
            }
        });
    "ring_adoption_ratio" ["environment"] "Arrived devices as a share of those seen; absent while none was."
        => Ring(|ring, _, to| {
            for environment in ring.targets.keys() {
                let share = ring.census.as_ref().and_then(|census| adoption(census, *environment));
                share.into_iter().for_each(|share| to.set(&[environment.as_str()], share));
            }
        });
    // What the health gates see of entered rings.
    "ring_stalled_ratio" [] "Stalled devices as a share of those seen, without the acknowledged ones."
        => Gate(|judgement, to| {
            let Evidence::Stalled(seen) = &judgement.evidence else { return };
            let (stalled, sighted) = (seen.stalled(), seen.sighted());
            to.one((sighted > 0).then(|| count(stalled) / count(sighted)));
        });
    "ring_dark_excess_ratio" []
        "By how much the silent share is above the control's, at the evaluation where it is most."
        => Gate(|judgement, to| to.one(excess(judgement).map(|(most, _)| most)));
    "ring_dark_chance_ratio" [] "How likely so many silent devices are by chance, at that evaluation."
        => Gate(|judgement, to| to.one(excess(judgement).map(|(_, by_chance)| by_chance)));
    "ring_health_threshold_ratio" ["gate"] "The share above which a health gate fails; absent where the gate is exempt."
        => Gate(|judgement, to| {
            let at_most = match &judgement.evidence {
                _ if matches!(judgement.verdict, Verdict::Exempt(_)) => return,
                Evidence::Stalled(seen) => seen.at_most,
                Evidence::Dark(seen) => seen.at_most,
                _ => return,
            };
            to.set(&[judgement.gate.as_str()], at_most.ratio());
        });
    "ring_acknowledged_devices" ["gate"]
        "Devices that a person has accepted by resuming; they count for the gate no more."
        => Gate(|judgement, to| {
            let acknowledged = match &judgement.evidence {
                Evidence::Stalled(seen) => seen.acknowledged,
                Evidence::Dark(seen) => seen.acknowledged,
                _ => return,
            };
            to.set(&[judgement.gate.as_str()], count(acknowledged));
        });
    "gate_verdict" ["gate", "verdict"] "1 for the gate's verdict; a gate of one environment is `gate/environment`."
        => Ring(|ring, _, to| {
            for judgement in &ring.gates {
                to.state(&[&judgement.name()], &VERDICTS, judgement.verdict.as_str());
            }
        });
    "gate_last_evaluation_timestamp_seconds" ["gate"] "When the gate was last judged, by the daemon's clock."
        => Ring(|ring, at, to| {
            ring.gates.iter().for_each(|judgement| to.set(&[&judgement.name()], seconds(at)))
        });
    // What the adoption gate asks for, while it judges.
    "ring_adoption_threshold_ratio" []
        "The adoption that the ring needs to leave; absent while the gate does not judge."
        => Gate(|judgement, to| {
            if let Evidence::Adoption { at_least, .. } = &judgement.evidence {
                to.set(&[], at_least.ratio());
            }
        });
    "ring_adoption_deadline_timestamp_seconds" ["environment"]
        "When an adoption that is still missing halts the rollout; freezes, pauses and halts move it."
        => Ring(|ring, _, to| {
            for judgement in ring.gates.iter().filter(|_| ring.state == "adopting") {
                if let (Some(environment), Evidence::Adoption { deadline_at, .. }) =
                    (judgement.environment, &judgement.evidence)
                {
                    to.set(&[environment.as_str()], seconds(*deadline_at));
                }
            }
        });
}

/// By how much the silent share is above the control's at the look where it is most, and how likely
/// that is by chance. A look without a control says nothing.
fn excess(judgement: &Judgement) -> Option<(f64, f64)> {
    let Evidence::Dark(Dark { looks, .. }) = &judgement.evidence else { return None };
    let compared = looks.iter().filter(|look| look.control.of > 0);
    let excesses = compared.map(|look| (look.ring.ratio() - look.control.ratio(), look.p.ratio()));
    excesses.max_by(|one, other| one.0.total_cmp(&other.0))
}
