//! The writes: the one that is open, all that were planned, and what they came to.
//!
//! **Invariant:** at most one write of the account is open.

use std::collections::BTreeMap;

use crate::ids::{PlanName, RingName};
use crate::rollout::record::{Event, Finding, Recorded, RolloutId, WriteId, WriteIntent};
use crate::time::Timestamp;

/// A write that is in flight or without a known outcome.
pub(crate) struct WriteLine<'a> {
    pub(crate) plan: &'a PlanName,
    pub(crate) ring: &'a RingName,
    pub(crate) intent: &'a WriteIntent,
    pub(crate) doubted_at: Option<Timestamp>,
    pub(crate) read: Option<(&'a Finding, Timestamp)>,
}

#[derive(Default)]
pub(crate) struct WriteBook<'a> {
    pub(crate) open: Option<WriteLine<'a>>,
    /// The number of the newest.
    pub(crate) last: u64,
    /// When they were applied, and how many devices they offered something else.
    pub(crate) applied: Vec<(Timestamp, usize)>,
    /// All so far, each with the plan and the ring that it was for.
    pub(crate) planned: BTreeMap<WriteId, ((&'a PlanName, &'a RingName), &'a WriteIntent)>,
}

impl<'a> WriteBook<'a> {
    /// A write that is applied stays open until [`WriteBook::close`]: what it was for is asked of it.
    pub(super) fn take(&mut self, id: &'a RolloutId, recorded: &'a Recorded) {
        match &recorded.entry.event {
            Event::WritePlanned { ring, intent } => {
                self.last = intent.id.0;
                self.planned.insert(intent.id, ((&id.plan, ring), intent));
                self.open = Some(WriteLine { plan: &id.plan, ring, intent, doubted_at: None, read: None });
            }
            Event::WriteCancelled { .. } | Event::WriteRefused { .. } => self.open = None,
            Event::WriteConfirmed { counted, .. } => self.apply(recorded.at, *counted),
            Event::WriteSettled {
                finding: Finding::Applied { .. } | Finding::Overwritten { .. }, ..
            } => self.apply(recorded.at, None),
            Event::WriteDoubted { .. } => {
                self.open.iter_mut().for_each(|open| open.doubted_at = Some(recorded.at));
            }
            Event::DoubtRead { finding, read_at, .. } => {
                self.open.iter_mut().for_each(|open| open.read = Some((finding, *read_at)));
            }
            _ => {}
        }
    }

    fn apply(&mut self, at: Timestamp, counted: Option<usize>) {
        if let Some(WriteLine { intent, .. }) = &self.open {
            self.applied.push((at, counted.or(intent.retargets).unwrap_or(intent.devices)));
        }
    }

    pub(super) fn close(&mut self, event: &Event) {
        if let Event::WriteConfirmed { .. } | Event::WriteSettled { .. } = event {
            self.open = None;
        }
    }
}
