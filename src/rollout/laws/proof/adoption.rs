//! Counts of devices: whether they are an adoption.
//!
//! **Invariant:** shares are compared as whole numbers, over the counts that the event carries.

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

/// What keeps the counts from being an adoption; `None`: they are one.
pub(crate) fn not_adopted(plan: &RingPlan, census: &EnvironmentCensus) -> Option<String> {
    let (arrived, sighted) = (census.counts.arrived, sighted(census));
    if sighted == 0 {
        return Some("nobody was seen".to_owned());
    }
    let (active, seen) = (census.active, census.active_sighted);
    if active > 0 && !reaches(plan.adoption.seen_at_least, seen, active) {
        let asked = plan.adoption.seen_at_least;
        return Some(format!(
            "only {seen} of {active} active devices were seen, and the threshold is {asked}"
        ));
    }
    if !reaches(plan.adoption.at_least, arrived, sighted) {
        let asked = plan.adoption.at_least;
        return Some(format!(
            "only {arrived} of {sighted} seen devices arrived, and the threshold is {asked}"
        ));
    }
    None
}

pub(crate) fn adds_up(census: &EnvironmentCensus) -> bool {
    census.active <= eligible(census)
        && census.active_sighted <= census.active
        && census.active_sighted <= sighted(census)
        && census.exercised <= census.counts.arrived
        && census.counts.untargeted == 0
}
