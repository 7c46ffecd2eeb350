//! Health: whether the numbers of a word on stalled or dark devices support it.
//!
//! **Invariant:** nothing here asks the gates or the fleet what numbers mean: shares are compared
//! as whole numbers, and chances are summed over factorials of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::adoption::census;
use super::{Proof, ensure};
use crate::fleet::Share;
use crate::ids::DeviceId;
use crate::plan::model::{HealthLimit, Percent, RingPlan};
use crate::rollout::laws::case::Case;
use crate::rollout::laws::ledger::{LedgerRingState, PlannedRing};
use crate::rollout::record::{
    Dark, Evaluation, Evidence, Exempt, Failing, Gate, Judgement, Stalled, Verdict,
};
use crate::time::{Span, Timestamp, after};

/// The looks at a ring share this chance of a false alarm, in parts per billion.
const CHANCE: u128 = 1_000_000;

/// How many looks there are to pass; they share what a day may spend.
const LOOKS: usize = 2;

/// Adoption and health look at the same devices.
pub(crate) fn counts_the_same(word: &Judgement, judgements: &[Judgement]) -> Proof {
    let mut others = judgements.iter().filter(|other| other.environment == word.environment);
    let Some(adoption) = others.find_map(census) else { return Ok(()) };
    let same = match &word.evidence {
        Evidence::Stalled(stalled) => stalled.counts == adoption.counts,
        Evidence::Dark(dark) => dark.arrived == adoption.counts.arrived,
        _ => false,
    };
    ensure(same, || "it counts other devices than adoption")
}

/// Whether the numbers of a word support it.
pub(crate) fn is_judged(case: &Case<'_>, (ring, plan): PlannedRing<'_>, word: &Judgement) -> Proof {
    ensure(word.environment.is_some(), || "it names no environment")?;
    let accepted = ring.accepted.get(&(word.gate, word.environment)).map_or(0, BTreeMap::len);
    match (&word.evidence, word.gate) {
        (Evidence::Stalled(stalled), Gate::Stalled) => {
            in_force(plan.health.stalled, plan, (stalled.at_most, stalled.after, stalled.min_devices))?;
            is_judged_stalled(stalled, accepted, &word.verdict)
        }
        (Evidence::Dark(dark), Gate::Dark) => {
            in_force(plan.health.dark, plan, (dark.at_most, dark.after, dark.min_devices))?;
            is_judged_dark(dark, accepted, (case, word))
        }
        _ => Err("it has no numbers".to_owned()),
    }
}

fn in_force(limit: HealthLimit, plan: &RingPlan, asked: (Percent, Span, u32)) -> Proof {
    let same = asked == (limit.at_most, limit.after, plan.health.min_devices);
    ensure(same, || "it was judged by other thresholds than the plan's")
}

fn wide(count: usize) -> i128 {
    i128::try_from(count).unwrap_or(i128::from(u64::MAX))
}

fn is_judged_stalled(seen: &Stalled, accepted: usize, verdict: &Verdict) -> Proof {
    ensure(seen.acknowledged <= accepted.min(seen.counts.stalled), || {
        format!("{} devices count as accepted, and {accepted} were", seen.acknowledged)
    })?;
    let stalled = wide(seen.counts.stalled - seen.acknowledged);
    let sighted = wide(seen.counts.arrived) + wide(seen.counts.due) + stalled;
    // What was accepted makes the ring no smaller.
    let few = sighted + wide(seen.acknowledged) < i128::from(seen.min_devices);
    let too_many = 1000 * stalled > i128::from(u16::from(seen.at_most)) * sighted;
    let right = match verdict {
        Verdict::Pass => !few && !too_many,
        Verdict::Fail(Failing::TooManyStalled) => !few && too_many,
        Verdict::Exempt(Exempt::TooFewDevices) => few,
        Verdict::Exempt(Exempt::Waived) => true,
        _ => false,
    };
    ensure(right, || format!("{stalled} of {sighted} devices stalled say otherwise"))
}

fn is_judged_dark(seen: &Dark, accepted: usize, (case, word): (&Case<'_>, &Judgement)) -> Proof {
    ensure(seen.acknowledged <= accepted, || {
        format!("{} devices count as accepted, and {accepted} were", seen.acknowledged)
    })?;
    if word.verdict == Verdict::Exempt(Exempt::Waived) {
        return Ok(());
    }
    for look in &seen.looks {
        ensure(look.at <= case.at && word.as_of.is_some_and(|as_of| look.at <= as_of), || {
            format!("its evaluation at {} is later than what was read", look.at)
        })?;
        is_sound(look, seen).map_err(|why| format!("its evaluation back to {}: {why}", look.since))?;
    }
    let least = i128::from(seen.min_devices);
    let few = wide(seen.arrived) < least;
    let alone = !few && wide(seen.control_known) < least;
    let judged = !few && !alone;
    let awake = wide(seen.control_active) >= least;
    let enough = wide(seen.control_known) >= 2 * least;
    let fails = seen.looks.iter().any(|look| fails(look, seen));
    let right = match word.verdict {
        Verdict::Pass => judged && awake && enough && both_fine(seen),
        Verdict::Fail(Failing::TooManyDark) => judged && fails,
        Verdict::Exempt(Exempt::TooFewDevices) => few,
        Verdict::Exempt(Exempt::NoControl) => alone || judged && awake && !enough && both_fine(seen),
        _ => false,
    };
    ensure(right, || "its evaluations say otherwise")
}

fn both_fine(seen: &Dark) -> bool {
    let mut spans: Vec<u8> = seen.looks.iter().map(|look| look.look).collect();
    spans.sort_unstable();
    let both = seen.looks.len() == LOOKS && spans == [1, 2];
    both && seen.looks.iter().all(|look| is_fine(look, seen))
}

fn is_fine(look: &Evaluation, seen: &Dark) -> bool {
    let compared = 2 * wide(look.control.of) >= i128::from(seen.min_devices);
    compared && !is_small(look, seen) && !mostly(look.ring) && !fails(look, seen)
}

fn is_small(look: &Evaluation, seen: &Dark) -> bool {
    2 * wide(look.ring.of) < i128::from(seen.min_devices)
}

fn mostly(share: Share) -> bool {
    2 * wide(share.silent) > wide(share.of)
}

/// Whether the ring is silent beyond the control and beyond chance.
fn fails(look: &Evaluation, seen: &Dark) -> bool {
    let (ring, control) = (look.ring, look.control);
    let above = 1000 * (wide(ring.silent) * wide(control.of) - wide(control.silent) * wide(ring.of));
    let allowed = i128::from(u16::from(seen.at_most)) * wide(ring.of) * wide(control.of);
    !is_small(look, seen) && !mostly(ring) && above > allowed && look.p.0 <= look.p_at_most.0
}

/// Whether the numbers of a look do not contradict one another.
fn is_sound(look: &Evaluation, seen: &Dark) -> Proof {
    let Evaluation { look: back, at, since, day, ring, control, p, p_at_most } = look;
    let can_be = ring.silent <= ring.of && control.silent <= control.of && *day > 0;
    ensure(can_be && (1..=2).contains(back), || "its counts cannot be")?;
    // Hours that do not count only push it further back; presence knows whole hours.
    ensure(after(*since, seen.after.get() * i32::from(*back)) <= *at, || {
        format!("silence since then is shorter than {back} times {}", seen.after)
    })?;
    let day = u128::from(*day);
    let allowed = CHANCE.div_ceil(LOOKS as u128 * day * (day + 1));
    ensure(u128::from(p_at_most.0).abs_diff(allowed) <= 1, || {
        format!("on day {day} chance must be below {allowed} parts per billion")
    })?;
    let chance = (by_chance(*ring, *control) * 1e9).min(1e9);
    let told = f64::from(p.0);
    // It is told in whole parts, rounded up, and neither sum is exact.
    let near = told >= chance - 1.0 - chance * 1e-6 && told <= chance + 2.0 + chance * 1e-6;
    ensure(near, || format!("its chance is {chance:.0} parts per billion, not {told:.0}"))
}

/// Whether a halt for ill health has its grounds.
pub(crate) fn halts(
    case: &Case<'_>,
    (ring, plan): PlannedRing<'_>,
    judgement: &Judgement,
    devices: &BTreeSet<DeviceId>,
) -> Proof {
    let told = matches!(
        ring.state,
        LedgerRingState::Adopting | LedgerRingState::Soaking | LedgerRingState::Verified
    );
    ensure(told, || "the ring has no devices on its targets")?;
    let fails_for =
        matches!(judgement.verdict, Verdict::Fail(Failing::TooManyStalled | Failing::TooManyDark));
    ensure(fails_for, || "its gate does not fail")?;
    is_judged(case, (ring, plan), judgement).map_err(|why| format!("{}: {why}", judgement.name()))?;
    let gate = judgement.gate;
    ensure(!ring.waived.contains_key(&gate), || format!("gate {gate} of the ring is waived"))?;
    // Sighted again after that, it counts again: then it was silent only later, or is read of later.
    let news_from = match &judgement.evidence {
        Evidence::Dark(dark) => {
            dark.looks.iter().filter(|look| fails(look, dark)).map(|look| look.since).max()
        }
        _ => judgement.as_of,
    };
    let is_old = |accepted_at: &Timestamp| news_from.is_none_or(|from| from <= *accepted_at);
    let accepted = ring.accepted.get(&(gate, judgement.environment));
    let before = |device| accepted.and_then(|accepted| accepted.get(device)).is_some_and(is_old);
    ensure(!devices.iter().any(before), || "a device was accepted before, and counts again")?;
    let found = match &judgement.evidence {
        Evidence::Stalled(stalled) => {
            let counted = stalled.counts.stalled.saturating_sub(stalled.acknowledged);
            counted..=counted
        }
        Evidence::Dark(dark) => {
            let failing = dark.looks.iter().filter(|look| fails(look, dark)).map(|look| look.ring.silent);
            failing.clone().max().unwrap_or_default()..=failing.sum()
        }
        _ => 0..=0,
    };
    ensure(found.contains(&devices.len()), || {
        format!("{} devices are named, and the gate counts others", devices.len())
    })
}

/// The chance of at least so many silent devices in the ring, all silent ones of both dealt out at
/// random.
fn by_chance(ring: Share, control: Share) -> f64 {
    let (all, silent) = (ring.of + control.of, ring.silent + control.silent);
    // ln k! for each k, by summing.
    let mut factorials = vec![0.0_f64; all + 1];
    let mut sum = 0.0;
    for (number, place) in factorials.iter_mut().enumerate().skip(1) {
        sum += float(number).ln();
        *place = sum;
    }
    let of = |number: usize| factorials.get(number).copied().unwrap_or_default();
    let ways = |from: usize, take: usize| of(from) - of(take) - of(from - take);
    let dealt = (ring.silent..=silent.min(ring.of)).filter(|here| silent - here <= control.of);
    let chances =
        dealt.map(|here| (ways(ring.of, here) + ways(control.of, silent - here) - ways(all, silent)).exp());
    chances.sum::<f64>().min(1.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts of devices are far below 2^53")]
const fn float(count: usize) -> f64 {
    count as f64
}
