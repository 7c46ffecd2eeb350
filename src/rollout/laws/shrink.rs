//! Devices that leave: an adoption must not come about by their leaving without a word in the log.
//!
//! **Invariant:** who left without a word is taken as still there and not on the target, and as
//! active and not seen; the adoption must hold all the same.

use super::exit::not_adopted;
use super::ledger::{Ledger, Place, RingLine};
use super::{Audit, Law};
use crate::fleet::EnvironmentCensus;
use crate::plan::model::RingPlan;
use crate::rollout::event::{Event, Recorded};
use crate::rollout::verdict::{Judgement, Verdict};

/// So many of a hundred devices must not leave without an event.
const PER_CENT: usize = 5;

pub(super) fn check(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let Event::DevicesLeft { ring, environment, left, before, of } = &recorded.entry.event else { return };
    let line = ledger.line(recorded);
    let left_there = line.and_then(|line| line.left_in(ring)).map(|left| &left.ring);
    let line = left_there.or_else(|| line.and_then(|line| line.ring(ring)));
    let on_its_way = line.is_some_and(|line| matches!(line.place, Place::Adopting | Place::Soaking));
    let known = line.and_then(|line| line.left.get(environment)).copied().unwrap_or(0);
    audit.require(on_its_way, Law::Grounded, recorded.seq, || {
        format!("{ring} is not on its way, so nobody leaves it")
    });
    audit.require(known == *before && left != before && left <= of, Law::Grounded, recorded.seq, || {
        format!("{known} devices had left {ring}, by the log, not {before}; now {left} of {of}")
    });
}

pub(super) fn leaving_is_told(
    audit: &mut Audit,
    plan: &RingPlan,
    ring: &RingLine<'_>,
    recorded: &Recorded,
    word: &Judgement,
    census: &EnvironmentCensus,
) {
    let counts = census.counts;
    let told = word.environment.and_then(|environment| ring.left.get(&environment)).copied().unwrap_or(0);
    let untold = counts.left.saturating_sub(told);
    if untold == 0 {
        return;
    }
    let (law, name) = (Law::AdoptionProven, word.name());
    let here = counts.arrived + counts.due + counts.stalled + counts.unseen + counts.too_old;
    let all = here + counts.untargeted + counts.left;
    audit.require(untold * 100 < all * PER_CENT, law, recorded.seq, || {
        format!("{untold} of the {all} devices of {name} left without an event that says so")
    });
    let mut stayed = *census;
    stayed.counts.due += untold;
    let mut unseen = *census;
    unseen.active += untold;
    let rests_on = not_adopted(plan, &stayed).is_some() || not_adopted(plan, &unseen).is_some();
    audit.require(word.verdict != Verdict::Pass || !rests_on, law, recorded.seq, || {
        format!("{name} passes because {untold} devices left, and no event says so")
    });
}
