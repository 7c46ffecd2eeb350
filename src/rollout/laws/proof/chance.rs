//! Chance: how likely it is that so many silent devices are in one ring.
//!
//! **Invariant:** it is summed over factorials, in another way than the fleet does.

use crate::fleet::Share;

/// The chance of at least so many silent devices in the ring, all silent ones of both dealt out at
/// random.
pub(super) fn by_chance(ring: Share, control: Share) -> f64 {
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
