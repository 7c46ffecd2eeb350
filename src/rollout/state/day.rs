//! How many devices the writes of the last 24 hours offered something else, over all plans.
//!
//! **Invariant:** a write counts from when it is known to have been applied, and one that somebody
//! overwrote counts as well: devices may have seen it.

use crate::rollout::record::{Event, Finding, WriteIntent};
use crate::time::{SignedDuration, Timestamp, after};

/// How long a write counts.
pub const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The writes of the last 24 hours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Day {
    writes: Vec<(Timestamp, usize)>,
}

impl Day {
    /// Takes in what became of a write at an instant.
    pub(crate) fn note(&mut self, intent: &WriteIntent, event: &Event, at: Timestamp) {
        let counted = match event {
            Event::WriteConfirmed { counted, .. } => *counted,
            Event::WriteSettled {
                finding: Finding::Applied { .. } | Finding::Overwritten { .. }, ..
            } => None,
            _ => return,
        };
        self.writes.retain(|(then, _)| at < after(*then, DAY));
        self.writes.push((at, counted.or(intent.retargets).unwrap_or(intent.devices)));
    }

    /// The clock is `now`, and was ahead before: what was written then counts from now.
    pub(crate) fn not_after(&mut self, now: Timestamp) {
        self.writes.iter_mut().for_each(|(at, _)| *at = now.min(*at));
    }

    /// How many devices, each write's counted anew.
    pub fn devices(&self, now: Timestamp) -> usize {
        let of_today = self.writes.iter().filter(|(at, _)| now < after(*at, DAY));
        of_today.map(|(_, devices)| devices).fold(0, |sum, devices| sum.saturating_add(*devices))
    }

    /// When the next of them counts no more.
    pub fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.writes.iter().map(|(at, _)| after(*at, DAY)).filter(|end| *end > now).min()
    }
}
