//! Leaving a ring: was it adopted, by the numbers, and did it soak?
//!
//! **Invariant:** shares are compared as whole numbers, over the counts that the event carries.

use super::ledger::{Ledger, Place, RingLine};
use super::superseded::LeftLine;
use super::{Audit, Law, drift, health, shrink};
use crate::fleet::EnvironmentCensus;
use crate::plan::model::{Percent, RingPlan};
use crate::rollout::event::{Event, Recorded};
use crate::rollout::verdict::{Evidence, Exempt, Gate, Judgement, Verdict};
use crate::time::{Timestamp, after};

pub(super) fn check(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let Some(line) = ledger.line(recorded) else { return };
    let (ring, judgements, place, law) = match &recorded.entry.event {
        Event::AdoptionReached { ring, judgements } => {
            (ring, judgements, Place::Adopting, Law::AdoptionProven)
        }
        Event::RingVerified { ring, judgements } => (ring, judgements, Place::Soaking, Law::SoakProven),
        Event::RolloutCompleted {} => {
            for ring in line.rings.iter().filter(|ring| ring.place != Place::Verified) {
                let text = format!("the rollout is complete though {} is not verified", ring.name);
                audit.breach(Law::RingsInOrder, recorded.seq, text);
            }
            audit.require(line.halted.is_none(), Law::Grounded, recorded.seq, || {
                "the rollout is complete though it is halted".to_owned()
            });
            drift::nothing_else(audit, ledger, line, recorded);
            return;
        }
        _ => return,
    };
    // What an earlier rollout left on offer is adopted by what it offers still.
    let left = line.left_in(ring).filter(|_| place == Place::Adopting);
    let offered = left.map(LeftLine::offered);
    let known = left.map(|left| &left.ring).or_else(|| line.ring(ring));
    let (Some(at), Some(plan)) = (known, offered.as_ref().or_else(|| line.ring_plan(ring))) else {
        audit.breach(law, recorded.seq, format!("the rollout has no ring {ring}"));
        return;
    };
    audit.require(at.place == place, law, recorded.seq, || format!("{ring} is elsewhere on its way"));
    adoption(audit, plan, at, recorded, judgements);
    if place == Place::Soaking {
        let held = ledger.stopped || line.paused || line.halted.is_some();
        audit.require(!held, law, recorded.seq, || format!("{ring} is verified while writes are held"));
        soak(audit, plan, at, recorded, judgements);
        drift::on_offer(audit, ledger, line, at, plan, recorded);
        health::proven(audit, ledger, plan, at, recorded, judgements);
    } else {
        audit.require(judgements.len() == plan.targets.len(), law, recorded.seq, || {
            "words of other gates stand among those on adoption".to_owned()
        });
    }
}

/// Every target environment once, each with enough devices on the target.
fn adoption(
    audit: &mut Audit,
    plan: &RingPlan,
    ring: &RingLine<'_>,
    recorded: &Recorded,
    judgements: &[Judgement],
) {
    let (law, seq) = (Law::AdoptionProven, recorded.seq);
    let words = || judgements.iter().filter(|judgement| judgement.gate == Gate::Adoption);
    for environment in plan.targets.keys() {
        let count = words().filter(|word| word.environment == Some(*environment)).count();
        audit.require(count == 1, law, seq, || format!("{environment} has {count} verdicts, not one"));
    }
    let eligible: usize = words().filter_map(census).map(|census| eligible(&census)).sum();
    for word in words() {
        let targeted = word.environment.is_some_and(|environment| plan.targets.contains_key(&environment));
        audit.require(targeted, law, seq, || format!("the ring has no target for {}", word.name()));
        let Evidence::Adoption { census, at_least, seen_at_least, .. } = &word.evidence else {
            audit.breach(law, seq, format!("{} has no counts", word.name()));
            continue;
        };
        counts_add_up(audit, recorded, word, census);
        shrink::leaving_is_told(audit, plan, ring, recorded, word, census);
        let in_force = *at_least == plan.adoption.at_least && *seen_at_least == plan.adoption.seen_at_least;
        audit.require(in_force, law, seq, || {
            format!("{} was judged by other thresholds than the plan's", word.name())
        });
        match word.verdict {
            Verdict::Pass => {
                audit.fresh(law, recorded, &word.name(), word.as_of, audit.limits.watch_max_age);
                if let Some(why) = not_adopted(plan, census) {
                    audit.breach(law, seq, format!("{} passes, but {why}", word.name()));
                }
            }
            Verdict::Exempt(Exempt::Waived) => waived(audit, ring, recorded, word),
            Verdict::Exempt(Exempt::NoEligibleDevice) => {
                audit.fresh(law, recorded, &word.name(), word.as_of, audit.limits.watch_max_age);
                audit.require(self::eligible(census) == 0 && eligible > 0, law, seq, || {
                    format!("{} is exempt as if the ring had no such device, and others", word.name())
                });
            }
            Verdict::Exempt(Exempt::TooFewDevices | Exempt::NoControl)
            | Verdict::Wait(_)
            | Verdict::Fail(_)
            | Verdict::Unknown(_) => {
                audit.breach(law, seq, format!("a gate does not advance: {word}"));
            }
        }
    }
}

pub(super) fn waived(audit: &mut Audit, ring: &RingLine<'_>, recorded: &Recorded, word: &Judgement) {
    audit.require(ring.waived.contains_key(&word.gate), Law::Grounded, recorded.seq, || {
        format!("{} is exempt by a waiver that is not on record", word.name())
    });
}

fn census(word: &Judgement) -> Option<EnvironmentCensus> {
    match &word.evidence {
        Evidence::Adoption { census, .. } => Some(*census),
        _ => None,
    }
}

fn sighted(census: &EnvironmentCensus) -> usize {
    census.counts.arrived + census.counts.due + census.counts.stalled
}

fn eligible(census: &EnvironmentCensus) -> usize {
    sighted(census) + census.counts.unseen
}

/// Whether `part` of `whole` is at least a share, in whole numbers.
pub(super) fn reaches(share: Percent, part: usize, whole: usize) -> bool {
    let tenths = u128::from(u16::from(share));
    1_000 * part as u128 >= tenths * whole as u128
}

/// What keeps the counts from being an adoption; `None`: they are one.
pub(super) fn not_adopted(plan: &RingPlan, census: &EnvironmentCensus) -> Option<String> {
    let (arrived, sighted) = (census.counts.arrived, sighted(census));
    if sighted == 0 {
        return Some("nobody was sighted".to_owned());
    }
    let (active, seen) = (census.active, census.active_sighted);
    if active > 0 && !reaches(plan.adoption.seen_at_least, seen, active) {
        let asked = plan.adoption.seen_at_least;
        return Some(format!(
            "only {seen} of {active} active devices were sighted, and {asked} are asked for"
        ));
    }
    if !reaches(plan.adoption.at_least, arrived, sighted) {
        let asked = plan.adoption.at_least;
        return Some(format!(
            "only {arrived} of {sighted} sighted devices arrived, and {asked} are asked for"
        ));
    }
    None
}

fn counts_add_up(audit: &mut Audit, recorded: &Recorded, word: &Judgement, census: &EnvironmentCensus) {
    let sound = census.active <= eligible(census)
        && census.active_sighted <= census.active
        && census.active_sighted <= sighted(census)
        && census.exercised <= census.counts.arrived
        && census.counts.untargeted == 0;
    audit.require(sound, Law::AdoptionProven, recorded.seq, || {
        format!("the counts of {} do not add up", word.name())
    });
}

/// The soak from its stored beginning, by the revision in force, and devices that came back.
fn soak(
    audit: &mut Audit,
    plan: &RingPlan,
    ring: &RingLine<'_>,
    recorded: &Recorded,
    judgements: &[Judgement],
) {
    let (law, seq) = (Law::SoakProven, recorded.seq);
    let mut words = judgements.iter().filter(|judgement| judgement.gate == Gate::Soak);
    let (Some(word), None) = (words.next(), words.next()) else {
        audit.breach(law, seq, "the soak gate has not exactly one verdict");
        return;
    };
    let others =
        judgements.iter().any(|word| matches!(word.gate, Gate::Opening | Gate::Freeze | Gate::Fleet));
    audit.require(!others, law, seq, || {
        "words of other gates stand among those on leaving the ring".to_owned()
    });
    let Evidence::Soak { started_at, ends_at, arrived, exercised } = &word.evidence else {
        audit.breach(law, seq, "the soak gate has no soak to show");
        return;
    };
    audit.require(ring.adopted_at == Some(*started_at), law, seq, || {
        format!("the soak counts from {started_at}, which is not when adoption was reached")
    });
    match word.verdict {
        Verdict::Pass => {
            let due = after(ring.adopted_at.unwrap_or(Timestamp::MAX), plan.soak.get());
            audit.require(recorded.at >= due && *ends_at == due, law, seq, || {
                format!("the soak ends at {due} by the plan in force")
            });
            let counted: Vec<EnvironmentCensus> = judgements.iter().filter_map(census).collect();
            let same = *arrived == counted.iter().map(|census| census.counts.arrived).sum::<usize>()
                && *exercised == counted.iter().map(|census| census.exercised).sum::<usize>();
            audit.require(same, law, seq, || "soak and adoption count different devices".to_owned());
            audit.require(*arrived > 0 && 2 * exercised >= *arrived, law, seq, || {
                format!("only {exercised} of {arrived} arrived devices came back on a later day")
            });
            audit.fresh(law, recorded, "the soak gate", word.as_of, audit.limits.watch_max_age);
        }
        Verdict::Exempt(Exempt::Waived) => waived(audit, ring, recorded, word),
        Verdict::Exempt(Exempt::NoEligibleDevice | Exempt::TooFewDevices | Exempt::NoControl)
        | Verdict::Wait(_)
        | Verdict::Fail(_)
        | Verdict::Unknown(_) => audit.breach(law, seq, format!("a gate does not advance: {word}")),
    }
}
