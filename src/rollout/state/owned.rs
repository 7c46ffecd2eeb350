//! A deployment group that ringward has written.
//!
//! **Invariant:** it belongs to one ring of one plan.

use std::collections::BTreeMap;

use crate::ids::{PlanName, RingName};
use crate::rollout::record::{Group, GroupContent, GroupDrift, VersionEntry};
use crate::time::{SignedDuration, Timestamp, after};

/// For so long after an offer ended a device may still install it: it installs what it was told
/// before it slept (cloudflare.md#delivery), and a week covers most absences.
const OFFER_LINGERS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A deployment group that ringward wrote or took over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedGroup {
    /// The plan that owns it.
    pub plan: PlanName,
    /// The ring that owns it.
    pub ring: RingName,
    /// As ringward left it, or as somebody accepted it. What differs from it is drift.
    pub last: Group,
    /// As ringward left it. Somebody who sets the group back to this fixes a drift.
    pub left: GroupContent,
    /// Set while it is to be written back: what was found.
    pub drifted: Option<Box<GroupDrift>>,
    /// What it offered before, and until when.
    pub offered: BTreeMap<VersionEntry, Timestamp>,
}

impl OwnedGroup {
    /// A group as ringward leaves it.
    pub fn of(plan: &PlanName, ring: &RingName, group: &Group) -> Self {
        Self {
            plan: plan.clone(),
            ring: ring.clone(),
            last: group.clone(),
            left: group.content.clone(),
            drifted: None,
            offered: BTreeMap::new(),
        }
    }

    /// Its ring has another name.
    pub(crate) fn rename(&mut self, new: &impl Fn(&RingName) -> RingName) {
        self.ring = new(&self.ring);
        if let Some(drift) = &mut self.drifted {
            drift.ring = new(&drift.ring);
        }
    }

    /// What it offered before and devices may still install.
    pub fn offered_until(&self, now: Timestamp) -> impl Iterator<Item = &VersionEntry> {
        let lingering = move |until: &Timestamp| after(*until, OFFER_LINGERS) >= now;
        self.offered.iter().filter(move |(_, until)| lingering(until)).map(|(entry, _)| entry)
    }

    /// Remembers that `content` was on offer up to `at`.
    pub(crate) fn remember(&mut self, content: &GroupContent, at: Timestamp) {
        self.offered.retain(|_, until| after(*until, OFFER_LINGERS) >= at);
        self.offered.extend(content.versions.iter().map(|entry| (entry.clone(), at)));
    }

    pub(crate) fn take_over(&mut self, group: &Group, at: Timestamp) {
        let before = std::mem::replace(&mut self.last, group.clone());
        self.remember(&before.content, at);
        self.drifted = None;
    }
}
