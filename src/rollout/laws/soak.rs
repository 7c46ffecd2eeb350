//! Soak: did a ring wait for long enough, with devices that came back, and while nothing was held?
//!
//! **Invariant:** a soak counts from when the books have the adoption, by the plan in force.

use super::case::Case;
use super::ledger::PlannedRing;
use super::proof::adoption::census;
use crate::fleet::EnvironmentCensus;
use crate::rollout::record::{Event, Evidence, Exempt, Gate, Judgement, Verdict};
use crate::time::{Timestamp, after};

pub(super) fn check(case: &Case<'_>) {
    let (Event::RingVerified { ring: name, judgements }, Some(line)) = (case.event, case.line) else {
        return;
    };
    let Some((ring, plan)) = line.planned_ring(name) else { return };
    let held = case.ledger.stopped || line.paused || line.halted.is_some();
    case.require(!held, || format!("{name} is verified while writes wait"));
    soaked(case, (ring, plan), judgements);
}

/// The soak from its stored beginning, by the revision in force, and devices that came back.
fn soaked(case: &Case<'_>, (ring, plan): PlannedRing<'_>, judgements: &[Judgement]) {
    let mut words = judgements.iter().filter(|judgement| judgement.gate == Gate::Soak);
    let (Some(word), None) = (words.next(), words.next()) else {
        return case.breach("the soak gate has not exactly one verdict");
    };
    let others =
        judgements.iter().any(|word| matches!(word.gate, Gate::Opening | Gate::Freeze | Gate::Fleet));
    case.require(!others, || "verdicts of other gates stand among those on leaving the ring");
    let Evidence::Soak { started_at, ends_at, arrived, exercised } = &word.evidence else {
        return case.breach("the soak gate has no soak to show");
    };
    case.require(ring.adopted_at == Some(*started_at), || {
        format!("the soak counts from {started_at}, which is not when adoption was reached")
    });
    match word.verdict {
        Verdict::Pass => {
            let due = after(ring.adopted_at.unwrap_or(Timestamp::MAX), plan.soak.get());
            case.require(case.at >= due && *ends_at == due, || {
                format!("the soak ends at {due} by the plan in force")
            });
            let counted: Vec<EnvironmentCensus> = judgements.iter().filter_map(census).collect();
            let same = *arrived == counted.iter().map(|census| census.counts.arrived).sum::<usize>()
                && *exercised == counted.iter().map(|census| census.exercised).sum::<usize>();
            case.require(same, || "soak and adoption count different devices");
            case.require(*arrived > 0 && 2 * exercised >= *arrived, || {
                format!("only {exercised} of {arrived} arrived devices came back on a later day")
            });
            case.watched_as("the soak gate", word);
        }
        Verdict::Exempt(Exempt::Waived) => case.waived(ring.waived.contains_key(&word.gate), word),
        _ => case.breach(format!("a gate does not advance: {word}")),
    }
}
