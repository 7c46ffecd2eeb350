//! Fisher's exact test, one-sided: how likely so many silent devices are by chance.
//!
//! **Invariant:** what is told is never below the true chance by more than rounding, and rounding
//! is upwards, so that the brake does not owe its pull to arithmetic.
//!
//! R. A. Fisher, *The Design of Experiments* (1935), chapter 2: with both margins fixed, the number
//! of silent devices in the ring follows the hypergeometric distribution.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A chance in parts per billion, rounded up; above one counts as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartsPerBillion(pub u32);

impl PartsPerBillion {
    /// A chance from 0 to 1; a chance above 0 is at least one part.
    pub fn of(chance: f64) -> Self {
        let parts = (chance * 1e9).ceil().clamp(0.0, 1e9);
        let least = u32::from(chance > 0.0);
        // Within 0 to 1e9, so the conversion is exact.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1e9")]
        let parts = parts as u32;
        Self(parts.max(least))
    }

    /// The chance as a ratio from 0 to 1.
    pub fn ratio(self) -> f64 {
        f64::from(self.0) / 1e9
    }
}

impl fmt::Display for PartsPerBillion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..=1 => f.write_str("0.000000001"),
            parts if parts < 1_000_000 => write!(f, "{:.1e}", f64::from(parts) / 1e9),
            parts => write!(f, "{:.3}", f64::from(parts) / 1e9),
        }
    }
}

/// The chance of at least `silent` silent devices among `of`, when both groups together have
/// `silent + other_silent` of `of + other_of` and chance alone deals them out.
pub fn one_sided(silent: usize, of: usize, other_silent: usize, other_of: usize) -> f64 {
    let all_silent = silent + other_silent;
    let all = of + other_of;
    let dealt =
        |count: usize| choose(of, count) + choose(other_of, all_silent - count) - choose(all, all_silent);
    let fewest = silent.max(all_silent.saturating_sub(other_of));
    (fewest..=all_silent.min(of)).map(|count| dealt(count).exp()).sum::<f64>().min(1.0)
}

/// The logarithm of a binomial coefficient; `count` is at most `of`.
fn choose(of: usize, count: usize) -> f64 {
    ln_factorial(of) - ln_factorial(count) - ln_factorial(of - count)
}

/// ln n! = ln Γ(n + 1): a product up to 20, then Stirling's series, whose first term left out is
/// below 1e-12 there.
fn ln_factorial(n: usize) -> f64 {
    if n <= 20 {
        return (2..=n).map(float).map(f64::ln).sum();
    }
    let x = float(n) + 1.0;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series
}

/// A count of devices, which is far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts of devices are far below 2^53")]
const fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() <= 1e-9 * other.abs().max(1e-300)
    }

    /// By Python's `math.lgamma(n + 1)`.
    #[test]
    fn factorials_agree_with_fixed_values() {
        for (n, ln) in [
            (0, 0.0),
            (1, 0.0),
            (5, 4.787_491_742_782_047),
            (10, 15.104_412_573_075_514),
            (11, 17.502_307_845_873_887),
            (50, 148.477_766_951_773_05),
            (170, 706.573_062_245_787_4),
            (1_000, 5_912.128_178_488_163),
            (20_000, 178_075.621_737_198_7),
        ] {
            assert!((ln_factorial(n) - ln).abs() <= 1e-12 * ln.max(1.0), "{n}: {} {ln}", ln_factorial(n));
        }
        let step = ln_factorial(21) - ln_factorial(20);
        assert!((step - 21_f64.ln()).abs() < 1e-11, "product and series meet: {step}");
    }

    /// By exact fractions (Python's `fractions`); the first is Fisher's lady with her tea.
    #[test]
    fn chances_agree_with_fixed_values() {
        for (table, chance) in [
            ((3, 4, 1, 4), 0.242_857_142_857_142_85),
            ((35, 384, 40, 960), 0.000_467_381_245_016_788_55),
            ((20, 384, 2, 960), 1.152_530_904_582_147_2e-9),
            ((10, 192, 1, 960), 1.274_702_241_470_495_2e-7),
            ((0, 30, 0, 30), 1.0),
            ((5, 30, 0, 1_000), 1.489_535_566_554_732_5e-8),
            ((15, 384, 40, 960), 0.637_592_800_547_110_6),
            ((300, 384, 0, 960), 9.403_321_892_967_691e-223),
            ((1, 1, 0, 1), 0.5),
            ((9, 400, 9, 1_000), 0.043_561_207_305_850_61),
        ] {
            let (silent, of, other_silent, other_of) = table;
            let told = one_sided(silent, of, other_silent, other_of);
            assert!(near(told, chance), "{table:?}: {told} {chance}");
        }
    }

    #[test]
    fn parts_are_rounded_up_and_bounded() {
        for (chance, parts) in [(0.0, 0), (1e-223, 1), (1.1e-9, 2), (0.001, 1_000_000), (1.0, 1_000_000_000)]
        {
            assert_eq!(PartsPerBillion::of(chance).0, parts, "{chance}");
        }
        let told = [1, 1_153, 467_382, 5_000_000].map(|parts| PartsPerBillion(parts).to_string());
        assert_eq!(told, ["0.000000001", "1.2e-6", "4.7e-4", "0.005"]);
    }
}
