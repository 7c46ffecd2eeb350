//! Counts of devices: whether they are an adoption.
//!
//! **Invariant:** shares are compared as whole numbers, over the counts that the event carries.

use super::{Proof, ensure};
use crate::fleet::EnvironmentCensus;
use crate::plan::model::{Percent, RingPlan};
use crate::rollout::record::{Evidence, Judgement};

pub(crate) fn census(word: &Judgement) -> Option<EnvironmentCensus> {
    match &word.evidence {
        Evidence::Adoption { census, .. } => Some(*census),
        _ => None,
    }
}

pub(crate) fn sighted(census: &EnvironmentCensus) -> usize {
    census.counts.arrived + census.counts.due + census.counts.stalled
}

pub(crate) fn eligible(census: &EnvironmentCensus) -> usize {
    sighted(census) + census.counts.unseen
}

/// Whether `part` of `whole` is at least a share, in whole numbers.
fn reaches(share: Percent, part: usize, whole: usize) -> bool {
    let tenths = u128::from(u16::from(share));
    1_000 * part as u128 >= tenths * whole as u128
}

/// Whether the counts are an adoption.
pub(crate) fn is_adopted(plan: &RingPlan, census: &EnvironmentCensus) -> Proof {
    let (arrived, sighted, asked) = (census.counts.arrived, sighted(census), plan.adoption.at_least);
    let (active, seen, asked_seen) = (census.active, census.active_sighted, plan.adoption.seen_at_least);
    ensure(sighted > 0, || "nobody was seen")?;
    ensure(active == 0 || reaches(asked_seen, seen, active), || {
        format!("only {seen} of {active} active devices were seen, and the threshold is {asked_seen}")
    })?;
    ensure(reaches(asked, arrived, sighted), || {
        format!("only {arrived} of {sighted} seen devices arrived, and the threshold is {asked}")
    })
}

pub(crate) fn adds_up(census: &EnvironmentCensus) -> bool {
    census.active <= eligible(census)
        && census.active_sighted <= census.active
        && census.active_sighted <= sighted(census)
        && census.exercised <= census.counts.arrived
        && census.counts.untargeted == 0
}
