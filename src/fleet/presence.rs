//! The hours in which a device was seen: what a class, which knows only the newest sighting,
//! has forgotten.
//!
//! **Invariant:** an hour is marked only by a sighting in it; what lies further back than
//! [`REMEMBERED`] is forgotten, never invented.

use std::{fmt, str::FromStr};

use crate::text::kept_as_text;
use crate::time::{SignedDuration, Timestamp};

/// How far back hours are remembered.
pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(WORDS as i64 * 64);

/// 32 days of hours.
const WORDS: usize = 12;

/// A device's sightings by the hour (UTC), over the last 32 days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Presence {
    /// The hour of the first word's lowest bit, counted from 1970; the bits above it lie before it.
    newest: i64,
    words: [u64; WORDS],
}

/// The hour that an instant lies in, counted from 1970.
pub(super) fn hour_of(instant: Timestamp) -> i64 {
    instant.as_second().div_euclid(3600)
}

impl Presence {
    /// Marks the hour of a sighting.
    pub fn saw(&mut self, at: Timestamp) {
        let hour = hour_of(at);
        if self.is_empty() {
            self.newest = hour;
        } else if hour > self.newest {
            self.shift(hour - self.newest);
            self.newest = hour;
        }
        let back = usize::try_from(self.newest - hour).unwrap_or(usize::MAX);
        if let Some(word) = self.words.get_mut(back / 64) {
            *word |= 1 << (back % 64);
        }
    }

    /// Whether it was seen in one of the hours from `from` on and before `until`, as counted
    /// by [`hour_of`].
    pub(super) fn in_hours(&self, from: i64, until: i64) -> bool {
        // Bits count backwards: `until - 1` is the lowest of the span.
        let lowest = self.newest.saturating_sub(until - 1).max(0);
        let highest = self.newest.saturating_sub(from);
        if until <= from || highest < lowest {
            return false;
        }
        // Only the words that the span touches: this is asked of every device for every day.
        let first = usize::try_from(lowest / 64).unwrap_or(usize::MAX);
        let last = usize::try_from(highest / 64).unwrap_or(usize::MAX);
        let (from_lowest, to_highest) = (u64::MAX << (lowest % 64), u64::MAX >> (63 - highest % 64));
        let marked = |(word, index): (&u64, usize)| {
            let since = if index == first { from_lowest } else { u64::MAX };
            let until = if index == last { to_highest } else { u64::MAX };
            word & since & until != 0
        };
        let touched = self.words.get(first..=last.min(WORDS - 1)).unwrap_or_default();
        touched.iter().zip(first..).any(marked)
    }

    /// Whether it was seen in an hour between two instants: the hour of `from` counts, that of
    /// `until` does not.
    pub fn between(&self, from: Timestamp, until: Timestamp) -> bool {
        self.in_hours(hour_of(from), hour_of(until))
    }

    fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    fn shift(&mut self, hours: i64) {
        let hours = usize::try_from(hours).unwrap_or(usize::MAX);
        let (skipped, bits) = (hours / 64, hours % 64);
        let mut shifted = [0; WORDS];
        for (index, word) in shifted.iter_mut().enumerate().skip(skipped) {
            let here = self.words.get(index - skipped).copied().unwrap_or_default();
            let before = (index - skipped).checked_sub(1).and_then(|index| self.words.get(index).copied());
            let carried = if bits == 0 { 0 } else { before.unwrap_or_default() >> (64 - bits) };
            *word = here << bits | carried;
        }
        self.words = shifted;
    }
}

/// `HOUR:` and the words in hexadecimal, newest first, without the empty ones at the end.
impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.newest)?;
        let used = WORDS - self.words.iter().rev().take_while(|word| **word == 0).count();
        self.words.iter().take(used).try_for_each(|word| write!(f, "{word:016x}"))
    }
}

kept_as_text!(Presence);

impl FromStr for Presence {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "presence is written as HOUR:HEX, at most 12 words of 16 digits";
        let (newest, words) = text.split_once(':').ok_or(WRONG)?;
        let newest = newest.parse().map_err(|_| WRONG)?;
        if words.len() % 16 != 0 || words.len() > WORDS * 16 || !words.is_ascii() {
            return Err(WRONG);
        }
        let mut presence = Self { newest, words: [0; WORDS] };
        for (index, word) in presence.words.iter_mut().enumerate().take(words.len() / 16) {
            let digits = words.get(index * 16..index * 16 + 16).ok_or(WRONG)?;
            *word = u64::from_str_radix(digits, 16).map_err(|_| WRONG)?;
        }
        Ok(presence)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn hour(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3600 + 1800).unwrap()
    }

    #[test]
    fn it_remembers_what_a_set_of_hours_remembers() {
        // A walk forwards and back over 100 days, with jumps of every kind.
        let (mut presence, mut set) = (Presence::default(), BTreeSet::new());
        let mut now = 490_000_i64;
        for step in 0..2_000_i64 {
            now += [1, 1, 0, 3, -2, 16, 1, 64, -70, 63, 5, 1][usize::try_from(step * step % 12).unwrap()];
            presence.saw(hour(now));
            set.insert(now);
            let newest = *set.last().unwrap();
            let horizon = newest - 64 * 12 + 1;
            for (from, until) in
                [(now - 30, now), (now, now + 1), (horizon, newest + 1), (now - 400, now - 380)]
            {
                let known = set.range(from.max(horizon)..until.max(from.max(horizon))).next().is_some();
                assert_eq!(presence.in_hours(from, until), known, "step {step}: {from} to {until}");
            }
            assert_eq!(presence.to_string().parse::<Presence>(), Ok(presence));
        }
    }

    #[test]
    fn nothing_was_seen_at_first_and_what_is_too_old_is_forgotten() {
        let mut presence = Presence::default();
        assert!(!presence.in_hours(i64::MIN / 4, i64::MAX / 4));
        presence.saw(hour(1_000));
        presence.saw(hour(1_000 - 768));
        assert!(!presence.in_hours(0, 1_000), "beyond 32 days");
        presence.saw(hour(1_000 - 767));
        assert!(presence.in_hours(233, 234));
        presence.saw(hour(10_000));
        assert!(!presence.in_hours(0, 10_000), "a jump forgets all");
        assert!(presence.between(hour(10_000), hour(10_001)) && !presence.between(hour(9_999), hour(10_000)));
    }

    #[test]
    fn a_text_that_is_none_is_refused() {
        let long = format!("1:{}", "0".repeat(16 * 13));
        for wrong in ["", "12", "x:00", "1:0", "1:zzzzzzzzzzzzzzzz", "1:éééééééé", long.as_str()] {
            assert!(wrong.parse::<Presence>().is_err(), "{wrong}");
        }
    }
}
