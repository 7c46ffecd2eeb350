//! Leaving a ring: is its adoption counted in every target environment, freshly, and enough; did it soak for long
//! enough, with devices that came back, and while nothing was held; and do the words on stalled and dark devices hold
//! against their own numbers?
//!
//! **Invariant:** who left without a word is taken as still there and not on the target, and as active and not seen; the
//! adoption must hold all the same. A soak counts from when the books have the adoption, by the plan in force. A ring is
//! verified with both words on health of each environment, and nothing is written while one cannot be told.

use super::audit::Law;
use super::case::Case;
use super::ledger::{LedgerRingState, LeftLine, PlanLine, PlannedRing, is_of_health};
use super::proof::adoption::{adds_up, census, eligible, is_adopted};
use super::proof::ensure;
use super::proof::health::{counts_the_same, is_judged};
use crate::fleet::EnvironmentCensus;
use crate::rollout::record::{Event, Evidence, Exempt, Gate, Judgement, Verdict};
use crate::time::{Timestamp, after};

/// So many of a hundred devices must not leave without an event.
const PER_CENT: usize = 5;

/// Adoption is reached, or the ring verified: in the state that it is in, and with enough devices.
pub(super) fn adopted(case: &Case<'_>) {
    let Some(line) = case.line else { return };
    let (ring, judgements, state, law) = match case.event {
        Event::AdoptionReached { ring, judgements } => {
            (ring, judgements, LedgerRingState::Adopting, Law::AdoptionProven)
        }
        Event::RingVerified { ring, judgements } => {
            (ring, judgements, LedgerRingState::Soaking, Law::SoakProven)
        }
        _ => return,
    };
    let of_event = case.under(law);
    // What an earlier rollout left on offer is adopted by what it offers still.
    let left = line.left_in(ring).filter(|_| state == LedgerRingState::Adopting);
    let offered = left.map(LeftLine::offered);
    let known = left.map(|left| &left.ring).or_else(|| line.ring(ring));
    let (Some(at), Some(plan)) = (known, offered.as_ref().or_else(|| line.ring_plan(ring))) else {
        return of_event.breach(format!("the rollout has no ring {ring}"));
    };
    of_event.require(at.state == state, || format!("{ring} is elsewhere on its way"));
    adoption(case, (at, plan), judgements);
    let only_these = judgements.len() == plan.targets.len() || state == LedgerRingState::Soaking;
    of_event.require(only_these, || "verdicts of other gates stand among those on adoption");
}

/// Every target environment once, each with enough devices on the target.
fn adoption(case: &Case<'_>, (ring, plan): PlannedRing<'_>, judgements: &[Judgement]) {
    let words = || judgements.iter().filter(|judgement| judgement.gate == Gate::Adoption);
    for environment in plan.targets.keys() {
        let count = words().filter(|word| word.environment == Some(*environment)).count();
        case.require(count == 1, || format!("{environment} has {count} verdicts, not one"));
    }
    let of_ring: usize = words().filter_map(census).map(|census| eligible(&census)).sum();
    for word in words() {
        let targeted = word.environment.is_some_and(|environment| plan.targets.contains_key(&environment));
        case.require(targeted, || format!("the ring has no target for {}", word.name()));
        let Evidence::Adoption { census, at_least, seen_at_least, .. } = &word.evidence else {
            case.breach(format!("{} has no counts", word.name()));
            continue;
        };
        case.require(adds_up(census), || format!("the counts of {} do not add up", word.name()));
        leaving_is_told(case, (ring, plan), word, census);
        let in_force = *at_least == plan.adoption.at_least && *seen_at_least == plan.adoption.seen_at_least;
        case.require(in_force, || format!("{} was judged by other thresholds than the plan's", word.name()));
        match word.verdict {
            Verdict::Pass => {
                case.watched(word);
                let proof = is_adopted(plan, census);
                case.note(proof.map_err(|why| format!("{} passes, but {why}", word.name())));
            }
            Verdict::Exempt(Exempt::Waived) => case.waived(ring.waived.contains_key(&word.gate), word),
            Verdict::Exempt(Exempt::NoEligibleDevice) => {
                case.watched(word);
                case.require(eligible(census) == 0 && of_ring > 0, || {
                    format!("{} is exempt as if the ring had no such device, and others", word.name())
                });
            }
            _ => case.breach(format!("a gate does not advance: {word}")),
        }
    }
}

fn leaving_is_told(
    case: &Case<'_>,
    (ring, plan): PlannedRing<'_>,
    word: &Judgement,
    census: &EnvironmentCensus,
) {
    let counts = census.counts;
    let told = word.environment.and_then(|environment| ring.left.get(&environment)).copied().unwrap_or(0);
    let untold = counts.left.saturating_sub(told);
    if untold == 0 {
        return;
    }
    let name = word.name();
    let here = counts.arrived + counts.due + counts.stalled + counts.unseen + counts.too_old;
    let all = here + counts.untargeted + counts.left;
    case.require(untold * 100 < all * PER_CENT, || {
        format!("{untold} of the {all} devices of {name} left without an event that says so")
    });
    let mut stayed = *census;
    stayed.counts.due += untold;
    let mut unseen = *census;
    unseen.active += untold;
    let rests_on = is_adopted(plan, &stayed).is_err() || is_adopted(plan, &unseen).is_err();
    case.require(word.verdict != Verdict::Pass || !rests_on, || {
        format!("{name} passes because {untold} devices left, and no event says so")
    });
}

/// What is on record of devices that leave is so by the books.
pub(super) fn devices_left(case: &Case<'_>) {
    let Event::DevicesLeft { ring, environment, left, before, of } = case.event else { return };
    let line = case.line;
    let left_there = line.and_then(|line| line.left_in(ring)).map(|left| &left.ring);
    let line = left_there.or_else(|| line.and_then(|line| line.ring(ring)));
    let on_its_way =
        line.is_some_and(|line| matches!(line.state, LedgerRingState::Adopting | LedgerRingState::Soaking));
    let known = line.and_then(|line| line.left.get(environment)).copied().unwrap_or(0);
    case.require(on_its_way, || format!("{ring} is not on its way, so nobody leaves it"));
    case.require(known == *before && left != before && left <= of, || {
        format!("{known} devices had left {ring}, by the log, not {before}; now {left} of {of}")
    });
}

/// A ring is verified after its soak, and while nothing is held.
pub(super) fn soaked(case: &Case<'_>) {
    let (Event::RingVerified { ring, judgements }, Some(line)) = (case.event, case.line) else { return };
    let Some((ring, plan)) = line.planned_ring(ring) else { return };
    let held = case.ledger.stopped || line.paused || line.halted.is_some();
    case.require(!held, || format!("{} is verified while writes wait", ring.name));
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

/// A verified ring has both words of each environment, and each advances by its own numbers.
pub(super) fn healthy(case: &Case<'_>) {
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
        if let Some(gate) = gates.find(|gate| is_of_health(**gate)) {
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
        let known = dark.control_known;
        case.require(known == 0, || {
            format!("{ring} is compared with {known} devices, and all others have what it replaces")
        });
    }
}
