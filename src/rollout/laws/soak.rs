//! Soak: did a ring wait for long enough, with devices that came back, and while nothing was held?
//!
//! **Invariant:** a soak counts from when the books have the adoption, by the plan in force.

use super::audit::Audit;
use super::ledger::{Ledger, RingLine};
use super::proof::adoption::census;
use super::violation::Law;
use crate::fleet::EnvironmentCensus;
use crate::plan::model::RingPlan;
use crate::rollout::record::{Event, Recorded};
use crate::rollout::record::{Evidence, Exempt, Gate, Judgement, Verdict};
use crate::time::{Timestamp, after};

pub(super) fn check(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let (Event::RingVerified { ring: name, judgements }, Some(line)) =
        (&recorded.entry.event, ledger.line(recorded))
    else {
        return;
    };
    let Some((ring, plan)) = line.planned_ring(name) else { return };
    let held = ledger.stopped || line.paused || line.halted.is_some();
    audit.require(!held, Law::SoakProven, || format!("{name} is verified while writes are held"));
    soaked(audit, plan, ring, recorded, judgements);
}

/// The soak from its stored beginning, by the revision in force, and devices that came back.
fn soaked(
    audit: &mut Audit,
    plan: &RingPlan,
    ring: &RingLine<'_>,
    recorded: &Recorded,
    judgements: &[Judgement],
) {
    let law = Law::SoakProven;
    let mut words = judgements.iter().filter(|judgement| judgement.gate == Gate::Soak);
    let (Some(word), None) = (words.next(), words.next()) else {
        audit.breach(law, "the soak gate has not exactly one verdict");
        return;
    };
    let others =
        judgements.iter().any(|word| matches!(word.gate, Gate::Opening | Gate::Freeze | Gate::Fleet));
    audit.require(!others, law, || "words of other gates stand among those on leaving the ring".to_owned());
    let Evidence::Soak { started_at, ends_at, arrived, exercised } = &word.evidence else {
        audit.breach(law, "the soak gate has no soak to show");
        return;
    };
    audit.require(ring.adopted_at == Some(*started_at), law, || {
        format!("the soak counts from {started_at}, which is not when adoption was reached")
    });
    match word.verdict {
        Verdict::Pass => {
            let due = after(ring.adopted_at.unwrap_or(Timestamp::MAX), plan.soak.get());
            audit.require(recorded.at >= due && *ends_at == due, law, || {
                format!("the soak ends at {due} by the plan in force")
            });
            let counted: Vec<EnvironmentCensus> = judgements.iter().filter_map(census).collect();
            let same = *arrived == counted.iter().map(|census| census.counts.arrived).sum::<usize>()
                && *exercised == counted.iter().map(|census| census.exercised).sum::<usize>();
            audit.require(same, law, || "soak and adoption count different devices".to_owned());
            audit.require(*arrived > 0 && 2 * exercised >= *arrived, law, || {
                format!("only {exercised} of {arrived} arrived devices came back on a later day")
            });
            audit.fresh(law, recorded.at, "the soak gate", word.as_of, audit.tolerance.watch_max_age);
        }
        Verdict::Exempt(Exempt::Waived) => audit.waived(ring.waived.contains_key(&word.gate), word),
        Verdict::Exempt(Exempt::NoEligibleDevice | Exempt::TooFewDevices | Exempt::NoControl)
        | Verdict::Wait(_)
        | Verdict::Fail(_)
        | Verdict::Unknown(_) => audit.breach(law, format!("a gate does not advance: {word}")),
    }
}
