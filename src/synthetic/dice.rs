//! Draws that depend on a seed and on what is drawn, never on how many draws came before.
//!
//! **Invariant:** the same die shows the same face whenever it is looked at.

/// A die for one purpose. [`Dice::of`] and [`Dice::nth`] make a die for a narrower purpose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(scatter(seed))
    }

    /// The die for a named purpose.
    pub(crate) fn of(self, purpose: &str) -> Self {
        purpose.bytes().fold(self, |die, byte| die.nth(u64::from(byte)))
    }

    /// The die for the `n`th of many.
    pub(crate) fn nth(self, n: u64) -> Self {
        Self(scatter(self.0 ^ scatter(n)))
    }

    /// A number below `bound`; zero when `bound` is zero.
    pub(crate) fn below(self, bound: u64) -> u64 {
        // The high half of the product spreads the whole range over the bound without a division.
        let product = u128::from(scatter(self.0)) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high - low).map_or(0, |width| width + 1);
        low + i64::try_from(self.below(width)).unwrap_or(0)
    }

    /// True for `per_mille` of a thousand dice.
    pub(crate) fn happens(self, per_mille: u16) -> bool {
        self.below(1_000) < u64::from(per_mille)
    }

    /// `count` hexadecimal digits.
    pub(crate) fn hex(self, count: usize) -> String {
        self.text(count, b"0123456789abcdef")
    }

    /// `count` letters and digits.
    pub(crate) fn alphanumeric(self, count: usize) -> String {
        self.text(count, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    }

    /// A text in the form of a version 4 UUID.
    pub(crate) fn uuid(self) -> String {
        let hex = self.hex(30);
        let variant = self.of("variant").text(1, b"89ab");
        format!("{}-{}-4{}-{variant}{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30])
    }

    fn text(self, count: usize, alphabet: &[u8]) -> String {
        (0u64..)
            .take(count)
            .map(|place| {
                let face = self.nth(place).below(alphabet.len() as u64);
                alphabet.get(usize::try_from(face).unwrap_or(0)).copied().map_or('0', char::from)
            })
            .collect()
    }
}

/// The finaliser of SplitMix64 with its published constants: a bijection of 64 bits in which each bit of the
/// input moves about half of the bits of the output.
fn scatter(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_fair_and_repeatable() {
        let die = Dice::seeded(7).of("fairness");
        let hits = (0..10_000).filter(|n| die.nth(*n).happens(100)).count();
        assert!((850..1_150).contains(&hits), "{hits} of 10,000 at one in ten");
        assert_eq!(die.nth(3).below(1_000_000), die.nth(3).below(1_000_000));
        assert_ne!(die.of("a").hex(16), die.of("b").hex(16));
        let drawn: std::collections::BTreeSet<i64> = (0..200).map(|n| die.nth(n).between(-1, 2)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [-1, 0, 1, 2]);
    }

    #[test]
    fn a_uuid_has_its_form() {
        let uuid = Dice::seeded(1).uuid();
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{uuid}");
        assert_eq!(uuid.as_bytes()[14], b'4', "{uuid}");
    }
}
