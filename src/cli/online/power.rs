//! What the look for devices gone dark can find in a ring of a size, before anybody is moved. Pure.
//!
//! **Invariant:** the same test as the gate's, at the level of its second day, over every outcome
//! that chance can deal; nothing is approximated but the sums' far tails.
//!
//! It is told for a fault like the one of 2026.6.880.0: a share of the devices never connects again
//! after the first wake. The second look, on the second working day after the arrival, then sees the
//! faulty silent for two days, and of the others those who are absent twice.

use serde::Serialize;

use crate::fleet::{PartsPerBillion, one_sided, p_at_most};
use crate::plan::model::{Health, Percent};

/// How many per cent of devices are taken to be absent on a working day, each day for itself.
pub(crate) const ABSENT_PER_CENT: u16 = 4;
/// The share of faulty devices that the chance is told for.
pub(crate) const FAULTY_PER_CENT: u16 = 5;
/// The second look is taken on the second counted day.
const DAY: u32 = 2;
/// Outcomes less likely than this are left out of a sum.
const NEGLIGIBLE: f64 = 1e-12;

/// What a ring's environment can show by the second working day after its devices arrived.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Power {
    /// Too few devices, here or in the rings after it: nobody looks.
    NotJudged {
        /// Fewer than these are not judged.
        min_devices: u32,
    },
    /// The gate looks.
    Judged(Chances),
}

/// How likely faults are found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Chances {
    /// Devices of rings that come later, to compare with.
    pub control: usize,
    /// The chance to find a fault of [`FAULTY_PER_CENT`], in whole per cent, rounded down.
    pub finds_per_cent: u16,
    /// The smallest share of faulty devices that is found with 95 %, in tenths of a per cent;
    /// `None`: not even a fault of every second device.
    pub found_tenths: Option<u16>,
}

/// The power for `ring` active devices beside `control` ones.
pub(crate) fn power(ring: usize, control: usize, health: Health) -> Power {
    if ring < health.least() || control < health.least() {
        return Power::NotJudged { min_devices: health.min_devices };
    }
    let look = SecondLook::new(ring, control, health.dark.at_most);
    // Half of a ring silent is no fault any more, but an outage.
    let steps = first(99, |step| look.finds(tenths(step)) >= 0.95);
    let finds = (look.finds(f64::from(FAULTY_PER_CENT) / 100.0) * 100.0).floor().clamp(0.0, 100.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100")]
    let finds_per_cent = finds as u16;
    let found_tenths = u16::try_from(steps * 5).ok().filter(|_| steps <= 99);
    Power::Judged(Chances { control, finds_per_cent, found_tenths })
}

/// A share of as many half per cents.
fn tenths(step: usize) -> f64 {
    count(step * 5) / 1_000.0
}

/// The second look at a ring, with a share of its devices that chance keeps silent.
struct SecondLook {
    cohort: usize,
    /// For each number of silent control devices: its chance, and from how many silent devices of
    /// the ring on the look fails.
    fails: Vec<(f64, usize)>,
}

impl SecondLook {
    fn new(ring: usize, control: usize, at_most: Percent) -> Self {
        // Who is absent on the day of entry has not arrived by then, and is no cohort.
        let (cohort, beside) = (present(ring), present(control));
        let (level, at_most) = (p_at_most(DAY), f64::from(u16::from(at_most)) / 1_000.0);
        let fewest = |other: usize| {
            // The more are silent, the less likely it is by chance.
            first(cohort, |silent| {
                share(silent, cohort) - share(other, beside) > at_most
                    && PartsPerBillion::of(one_sided(silent, cohort, other, beside)) <= level
            })
        };
        let fails = outcomes(beside, absent() * absent()).map(|(other, chance)| (chance, fewest(other)));
        Self { cohort, fails: fails.collect() }
    }

    /// The chance that it fails for a share of faulty devices.
    fn finds(&self, faulty: f64) -> f64 {
        let silent = faulty + (1.0 - faulty) * absent() * absent();
        self.fails.iter().map(|(chance, fewest)| chance * at_least(self.cohort, silent, *fewest)).sum()
    }
}

fn absent() -> f64 {
    f64::from(ABSENT_PER_CENT) / 100.0
}

/// The least count up to `of` for which a condition holds that stays true above it; `of + 1`: none.
fn first(of: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, of + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

/// The chance of at least `fewest` of `of`.
fn at_least(of: usize, share: f64, fewest: usize) -> f64 {
    outcomes(of, share).filter(|(count, _)| *count >= fewest).map(|(_, chance)| chance).sum::<f64>().min(1.0)
}

/// The binomial distribution, without the outcomes that do not matter.
fn outcomes(of: usize, share: f64) -> impl Iterator<Item = (usize, f64)> {
    let mean = count(of) * share;
    let odds = (share / (1.0 - share)).ln();
    let mut logarithm = count(of) * (1.0 - share).ln();
    (0..=of)
        .map(move |outcome| {
            if outcome > 0 {
                logarithm += ((count(of) - count(outcome) + 1.0) / count(outcome)).ln() + odds;
            }
            (outcome, logarithm.exp())
        })
        .take_while(move |(outcome, chance)| count(*outcome) <= mean + 1.0 || *chance > NEGLIGIBLE)
        .filter(|(_, chance)| *chance > NEGLIGIBLE)
}

fn present(devices: usize) -> usize {
    // At most `devices`, and positive.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
    let present = (count(devices) * (1.0 - absent())).round() as usize;
    present
}

fn share(part: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { count(part) / count(of) }
}

/// A count of devices, which is far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts of devices are far below 2^53")]
const fn count(devices: usize) -> f64 {
    devices as f64
}

impl Power {
    /// In words, for a line of the report.
    pub(crate) fn in_words(&self) -> String {
        match self {
            Self::NotJudged { min_devices } => {
                format!("gone dark: not looked for, fewer than {min_devices} here or in later rings")
            }
            Self::Judged(Chances { finds_per_cent, found_tenths, .. }) => {
                let found = found_tenths.and_then(Percent::from_tenths);
                let found =
                    found.map_or("no fault of up to 49.5%".to_owned(), |share| format!("a fault of {share}"));
                format!(
                    "gone dark: finds {found} by day {DAY} in 95% of cases; one of {FAULTY_PER_CENT}% in {finds_per_cent}%"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn a_distribution_adds_up() {
        for (of, share) in [(1, 0.5), (10, 0.05), (400, 0.05), (1_000, 0.0016), (20_000, 0.04)] {
            let all: Vec<(usize, f64)> = outcomes(of, share).collect();
            let mean: f64 = all.iter().map(|(outcome, chance)| count(*outcome) * chance).sum();
            assert!(near(all.iter().map(|(_, chance)| chance).sum(), 1.0), "{of} {share}");
            assert!((mean - count(of) * share).abs() < 1e-6, "{of} {share}: {mean}");
        }
        // C(10, 2) / 2^10.
        assert!(near(outcomes(10, 0.5).nth(2).unwrap().1, 45.0 / 1_024.0));
        assert!(near(at_least(10, 0.5, 9), 11.0 / 1_024.0));
    }

    #[test]
    fn the_first_that_holds_is_found() {
        for (of, least, expected) in [(10, 0, 0), (10, 7, 7), (10, 10, 10), (10, 99, 11), (0, 1, 1)] {
            assert_eq!(first(of, |count| count >= least), expected);
        }
    }

    /// The trial `no reconnect after wake` (tests/trials) has these figures for seeds 1 to 100: all of
    /// 100 for 20 of 400 and for 20 of 200, and the share told here for 10 of 200.
    #[test]
    fn larger_rings_find_smaller_faults() {
        let of = |ring: usize, control: usize| match power(ring, control, Health::default()) {
            Power::Judged(chances) => (chances.finds_per_cent, chances.found_tenths),
            Power::NotJudged { .. } => (0, None),
        };
        let rows: Vec<_> = [20, 30, 60, 100, 200, 400, 1_000].map(|ring| (ring, of(ring, 1_000))).into();
        println!("{rows:?}");
        assert!(of(400, 1_000).0 >= 95, "Done-when 2 of the issue");
        assert!(rows.is_sorted_by_key(|(_, (finds, _))| *finds), "{rows:?}");
        let found: Vec<u16> = rows.iter().filter_map(|(_, (_, found))| *found).collect();
        assert!(found.is_sorted_by(|one, other| one >= other), "{rows:?}");
        assert_eq!(of(400, 10), (0, None), "no control");
    }
}
