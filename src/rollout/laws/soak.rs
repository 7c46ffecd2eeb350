//! Soak: did a ring wait for long enough, with devices that came back, and while nothing was held?
//!
//! **Invariant:** a soak counts from when the books have the adoption, by the plan in force.

use super::audit::{Audit, Law};
use super::case::Case;
use super::ledger::RingLine;
use super::proof::adoption::census;
use crate::fleet::EnvironmentCensus;
use crate::plan::model::RingPlan;
use crate::rollout::record::Event;
use crate::rollout::record::{Evidence, Exempt, Gate, Judgement, Verdict};
use crate::time::{Timestamp, after};

pub(super) fn check(audit: &mut Audit, case: &Case<'_>) {
    let (Event::RingVerified { ring: name, judgements }, Some(line)) = (case.event, case.line) else {
        return;
    };
    let Some((ring, plan)) = line.planned_ring(name) else { return };
    let held = case.ledger.stopped || line.paused || line.halted.is_some();
    audit.require(!held, Law::SoakProven, || format!("{name} is verified while writes wait"));
    soaked(audit, case, (ring, plan), judgements);
}

/// The soak from its stored beginning, by the revision in force, and devices that came back.
fn soaked(
    audit: &mut Audit,
    case: &Case<'_>,
    (ring, plan): (&RingLine<'_>, &RingPlan),
    judgements: &[Judgement],
) {
    let law = Law::SoakProven;
    let mut words = judgements.iter().filter(|judgement| judgement.gate == Gate::Soak);
    let (Some(word), None) = (words.next(), words.next()) else {
        return audit.breach(law, "the soak gate has not exactly one verdict");
    };
    let others =
        judgements.iter().any(|word| matches!(word.gate, Gate::Opening | Gate::Freeze | Gate::Fleet));
    audit.require(!others, law, || "verdicts of other gates stand among those on leaving the ring".into());
    let Evidence::Soak { started_at, ends_at, arrived, exercised } = &word.evidence else {
        return audit.breach(law, "the soak gate has no soak to show");
    };
    audit.require(ring.adopted_at == Some(*started_at), law, || {
        format!("the soak counts from {started_at}, which is not when adoption was reached")
    });
    match word.verdict {
        Verdict::Pass => {
            let due = after(ring.adopted_at.unwrap_or(Timestamp::MAX), plan.soak.get());
            audit.require(case.at >= due && *ends_at == due, law, || {
                format!("the soak ends at {due} by the plan in force")
            });
            let counted: Vec<EnvironmentCensus> = judgements.iter().filter_map(census).collect();
            let same = *arrived == counted.iter().map(|census| census.counts.arrived).sum::<usize>()
                && *exercised == counted.iter().map(|census| census.exercised).sum::<usize>();
            audit.require(same, law, || "soak and adoption count different devices".into());
            audit.require(*arrived > 0 && 2 * exercised >= *arrived, law, || {
                format!("only {exercised} of {arrived} arrived devices came back on a later day")
            });
            audit.fresh(law, case.at, "the soak gate", word.as_of, audit.tolerance.watch_max_age);
        }
        Verdict::Exempt(Exempt::Waived) => audit.waived(ring.waived.contains_key(&word.gate), word),
        _ => audit.breach(law, format!("a gate does not advance: {word}")),
    }
}
