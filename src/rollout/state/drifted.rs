//! Deployment groups that are ringward's, and what somebody else did to them.
//!
//! **Invariant:** what ringward left is remembered until it leaves something else, whatever
//! somebody did to the group since: it can always be written back.

use std::collections::BTreeMap;

use super::State;
use crate::ids::{GroupId, PlanName, RingName};
use crate::rollout::event::{Drift, Event, GroupDrift, Recorded, RolloutId};
use crate::rollout::remote::{Group, GroupContent, VersionEntry};
use crate::time::{SignedDuration, Timestamp, after};

/// For so long after an offer ended a device may still install it: it installs what it was told
/// before it slept (FACTS 1), and a week covers most absences.
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
    /// As ringward left it. Somebody who sets the group back to this mends a drift.
    pub left: GroupContent,
    /// Set while it is to be written back: what was found.
    pub drifted: Option<Box<GroupDrift>>,
    /// What it offered before, and until when.
    pub offered: BTreeMap<VersionEntry, Timestamp>,
}

impl OwnedGroup {
    /// A group as ringward leaves it.
    #[must_use]
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
    pub(super) fn rename(&mut self, new: &impl Fn(&RingName) -> RingName) {
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
    fn remember(&mut self, content: &GroupContent, at: Timestamp) {
        self.offered.retain(|_, until| after(*until, OFFER_LINGERS) >= at);
        self.offered.extend(content.versions.iter().map(|entry| (entry.clone(), at)));
    }

    fn take_over(&mut self, group: &Group, at: Timestamp) {
        let before = std::mem::replace(&mut self.last, group.clone());
        self.remember(&before.content, at);
        self.drifted = None;
    }
}

impl State {
    /// A profile was moved out of a group, which stays whose it is.
    pub(in crate::rollout) fn moved_out_of(&mut self, group: &Group, at: Timestamp) {
        let Some(owned) = self.groups.get_mut(&group.id) else { return };
        owned.take_over(group, at);
        owned.left = group.content.clone();
        let owner = owned.plan.clone();
        self.end_superseded(&owner);
    }

    /// A group is a ring's, also when it was written for one that is gone.
    pub(in crate::rollout) fn own(&mut self, id: &RolloutId, ring: &RingName, group: &Group, at: Timestamp) {
        if let Some(owned) = self.groups.get_mut(&group.id) {
            owned.take_over(group, at);
            owned.left = group.content.clone();
            let owner = std::mem::replace(&mut owned.plan, id.plan.clone());
            owned.ring = ring.clone();
            self.end_superseded(&owner);
            return;
        }
        // It takes the place of one that is gone, whose offers devices may still follow.
        let key = (id.plan.clone(), ring.clone());
        let gone = self.group_of(&id.plan, ring).map(|(id, _)| id.clone());
        let before = self.lost.remove(&key).or_else(|| self.groups.remove(&gone?));
        let offered = before.map(|mut before| {
            let content = before.last.content.clone();
            before.remember(&content, at);
            before.offered
        });
        let owned = OwnedGroup::of(&id.plan, ring, group);
        self.groups.insert(group.id.clone(), OwnedGroup { offered: offered.unwrap_or_default(), ..owned });
    }

    /// A person who resumes after a drift, or a plan that adopts it, takes the group as it is.
    pub(in crate::rollout) fn accept_drift(&mut self, drift: &GroupDrift, at: Timestamp) {
        match &drift.seen {
            Some(seen) => {
                if let Some(owned) = self.groups.get_mut(&seen.id) {
                    owned.take_over(seen, at);
                }
            }
            None => {
                if let Some(mut owned) = self.groups.remove(&drift.expected.id) {
                    owned.drifted = None;
                    self.lost.insert((owned.plan.clone(), owned.ring.clone()), owned);
                } else {
                    self.lost.values_mut().filter(|lost| lost.last.id == drift.expected.id).for_each(
                        |lost| {
                            lost.drifted = None;
                        },
                    );
                }
            }
        }
    }

    /// Devices may follow what a drift offered, while it stood and after it.
    pub(super) fn remember_offers(&mut self, drift: &GroupDrift, at: Timestamp) {
        if let (Some(owned), Some(seen)) = (self.groups.get_mut(&drift.expected.id), &drift.seen) {
            owned.remember(&seen.content, at);
        }
    }

    /// Whether an event about a drift fits the groups that ringward knows.
    pub(super) fn drift_fits(
        groups: &BTreeMap<GroupId, OwnedGroup>,
        lost: &BTreeMap<(PlanName, RingName), OwnedGroup>,
        id: &RolloutId,
        event: &Event,
    ) -> Result<(), String> {
        let (group, ring) = match event {
            Event::DriftFound { drift } => (&drift.expected.id, &drift.ring),
            Event::DriftAdopted { drift: Drift::Group(drift) } => (&drift.expected.id, &drift.ring),
            Event::DriftEnded { ring, group } | Event::GroupRenamed { ring, group, .. } => (&group.id, ring),
            _ => return Ok(()),
        };
        let known = groups
            .get(group)
            .or_else(|| lost.get(&(id.plan.clone(), ring.clone())).filter(|lost| lost.last.id == *group));
        let owned = known.is_some_and(|owned| owned.plan == id.plan && owned.ring == *ring);
        if owned { Ok(()) } else { Err(format!("group {group} is not ring {ring}'s")) }
    }

    /// What an event about a drift makes of the groups.
    pub(super) fn keep_drift(&mut self, id: &RolloutId, recorded: &Recorded) {
        let at = recorded.at;
        match &recorded.entry.event {
            Event::DriftFound { drift } => {
                self.remember_offers(drift, at);
                let key = (id.plan.clone(), drift.ring.clone());
                let owned = match self.groups.get_mut(&drift.expected.id) {
                    Some(owned) => Some(owned),
                    None => self.lost.get_mut(&key),
                };
                if let Some(owned) = owned {
                    owned.drifted = Some(drift.clone());
                }
            }
            Event::DriftAdopted { drift: Drift::Group(drift) } => self.accept_drift(drift, at),
            Event::DriftAdopted { drift: Drift::OtherUpdater(updater) } => {
                self.updaters.insert((id.plan.clone(), updater.ring.clone()), at);
            }
            Event::DriftEnded { group, .. } => {
                if let Some(owned) = self.groups.get_mut(&group.id) {
                    owned.take_over(group, at);
                }
            }
            Event::GroupRenamed { group, .. } => {
                if let Some(owned) = self.groups.get_mut(&group.id) {
                    owned.last.content.name = group.content.name.clone();
                }
            }
            _ => {}
        }
    }

    /// The drifts of a plan that are to be written back.
    pub fn to_restore<'a>(&'a self, plan: &'a PlanName) -> impl Iterator<Item = &'a GroupDrift> {
        let owned = self.groups.values().chain(self.lost.values());
        owned.filter(move |owned| owned.plan == *plan).filter_map(|owned| owned.drifted.as_deref())
    }
}
