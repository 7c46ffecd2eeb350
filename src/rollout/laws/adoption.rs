//! Adoption: is it counted in every target environment, freshly, and enough?
//!
//! **Invariant:** who left without a word is taken as still there and not on the target, and as
//! active and not seen; the adoption must hold all the same.

use super::audit::Law;
use super::case::Case;
use super::ledger::{LedgerRingState, LeftLine, PlannedRing};
use super::proof::adoption::{adds_up, census, eligible, is_adopted};
use crate::fleet::EnvironmentCensus;
use crate::rollout::record::{Event, Evidence, Exempt, Gate, Judgement, Verdict};

/// So many of a hundred devices must not leave without an event.
const PER_CENT: usize = 5;

pub(super) fn check(case: &Case<'_>) {
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
    adopted(case, (at, plan), judgements);
    let only_these = judgements.len() == plan.targets.len();
    of_event.require(
        only_these || state == LedgerRingState::Soaking,
        || "verdicts of other gates stand among those on adoption",
    );
}

/// Every target environment once, each with enough devices on the target.
fn adopted(case: &Case<'_>, (ring, plan): PlannedRing<'_>, judgements: &[Judgement]) {
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
                case.note(
                    is_adopted(plan, census).map_err(|why| format!("{} passes, but {why}", word.name())),
                );
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
pub(super) fn leaving(case: &Case<'_>) {
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
