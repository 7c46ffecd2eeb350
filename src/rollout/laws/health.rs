//! Health: the words on stalled and dark devices, held against their own numbers.
//!
//! **Invariant:** a ring is verified with both words of each environment, and nothing is written while one
//! cannot be told.

use super::case::Case;
use super::ledger::PlanLine;
use super::proof::ensure;
use super::proof::health::{counts_the_same, is_judged};
use crate::rollout::record::{Event, Evidence, Exempt, Gate, Verdict};

/// A verified ring has both words of each environment, and each advances by its own numbers.
pub(super) fn proven(case: &Case<'_>) {
    let (Event::RingVerified { ring, judgements }, Some(line)) = (case.event, case.line) else { return };
    let Some((ring, plan)) = line.planned_ring(ring) else { return };
    let words = |gate: Gate| judgements.iter().filter(move |word| word.gate == gate);
    let silent = words(Gate::Stalled).chain(words(Gate::Dark)).next().is_none();
    if silent && !case.ledger.judges_health {
        return; // A log of the time before ringward judged health.
    }
    for gate in [Gate::Stalled, Gate::Dark] {
        for environment in plan.targets.keys() {
            let count = words(gate).filter(|word| word.environment == Some(*environment)).count();
            case.require(count == 1, || format!("{gate}/{environment} has {count} verdicts, not one"));
        }
        case.require(words(gate).count() == plan.targets.len(), || {
            format!("gate {gate} judges an environment without a target")
        });
    }
    for word in words(Gate::Stalled).chain(words(Gate::Dark)) {
        if word.verdict == Verdict::Exempt(Exempt::Waived) {
            case.waived(ring.waived.contains_key(&word.gate), word);
        } else {
            case.watched(word);
        }
        let proof = is_judged(case, (ring, plan), word)
            .and_then(|()| ensure(word.verdict.advances(), || "it does not advance"))
            .and_then(|()| counts_the_same(word, judgements));
        case.note(proof.map_err(|why| format!("{word}: {why}")));
    }
}

/// Nothing is written while a ring's health cannot be told: more devices would follow unseen.
pub(super) fn in_sight(case: &Case<'_>) {
    let (Event::WritePlanned { intent, .. }, Some(line)) = (case.event, case.line) else { return };
    // Going back asks no gate.
    if intent.purpose.goes_back() {
        return;
    }
    for ring in &line.rings {
        let mut gates = ring.unknown.keys().map(|(gate, _)| gate);
        if let Some(gate) = gates.find(|gate| matches!(gate, Gate::Stalled | Gate::Dark)) {
            case.breach(format!("a write is planned while gate {gate} of {} is unknown", ring.name));
        }
    }
}

/// What earlier rollouts left on offer is no control, as far as the log can tell.
pub(super) fn compared(case: &Case<'_>) {
    let Event::RingVerified { ring, judgements } = case.event else { return };
    if !case.line.is_some_and(PlanLine::is_without_control) {
        return;
    }
    for word in judgements {
        let Evidence::Dark(dark) = &word.evidence else { continue };
        case.require(dark.control_known == 0, || {
            let known = dark.control_known;
            format!("{ring} is compared with {known} devices, and all others have what it replaces")
        });
    }
}
