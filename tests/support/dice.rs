//! Seeded dice: the same seed throws the same numbers on every machine.
//!
//! **Invariant:** nothing but the seed decides a throw.

use ringward::time::{SignedDuration, Timestamp, after};

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice of a seed; neighbouring seeds throw unrelated numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.next() % bound as u64) as usize }
    }

    /// Whether a chance of so many percent came true.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of several.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// An instant in a span, on a whole second.
    pub fn instant(&mut self, from: Timestamp, span: SignedDuration) -> Timestamp {
        let seconds = usize::try_from(span.as_secs()).unwrap_or(0);
        after(from, SignedDuration::from_secs(self.below(seconds) as i64))
    }
}
