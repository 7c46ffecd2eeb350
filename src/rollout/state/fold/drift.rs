//! What somebody else did to a plan's groups, as events tell it.
//!
//! **Invariant:** what ringward left last is known of each of its groups.

use crate::ids::RingName;
use crate::rollout::record::{Drift, Event, Group, GroupDrift, Recorded, RolloutId};
use crate::rollout::state::{OwnedGroup, State, fold::Fits};
use crate::time::Timestamp;

impl State {
    /// A profile was moved out of a group, which stays whose it is.
    pub(crate) fn moved_out_of(&mut self, group: &Group, at: Timestamp) {
        let Some(owned) = self.groups.get_mut(&group.id) else { return };
        owned.take_over(group, at);
        owned.left = group.content.clone();
        let owner = owned.plan.clone();
        self.end_superseded(&owner);
    }

    /// A group is a ring's, also when it was written for one that is gone.
    pub(crate) fn own(&mut self, id: &RolloutId, ring: &RingName, group: &Group, at: Timestamp) {
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

    /// A person who resumes after a drift, or a plan that accepts it, takes the group as it is.
    pub(crate) fn accept_drift(&mut self, drift: &GroupDrift, at: Timestamp) {
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
                    let lost = self.lost.values_mut().filter(|lost| lost.last.id == drift.expected.id);
                    lost.for_each(|lost| lost.drifted = None);
                }
            }
        }
    }

    /// Devices may follow what a drift offered, while it stood and after it.
    pub(crate) fn remember_offers(&mut self, drift: &GroupDrift, at: Timestamp) {
        if let (Some(owned), Some(seen)) = (self.groups.get_mut(&drift.expected.id), &drift.seen) {
            owned.remember(&seen.content, at);
        }
    }

    /// Whether an event about a drift fits the groups that ringward knows.
    pub(crate) fn drift_fits(&self, id: &RolloutId, event: &Event) -> Fits {
        let (group, ring) = match event {
            Event::DriftFound { drift } => (&drift.expected.id, &drift.ring),
            Event::DriftAdopted { drift: Drift::Group(drift) } => (&drift.expected.id, &drift.ring),
            Event::DriftEnded { ring, group } | Event::GroupRenamed { ring, group, .. } => (&group.id, ring),
            _ => return Ok(()),
        };
        let lost = || self.lost.get(&(id.plan.clone(), ring.clone())).filter(|lost| lost.last.id == *group);
        let known = self.groups.get(group).or_else(lost);
        let owned = known.is_some_and(|owned| owned.plan == id.plan && owned.ring == *ring);
        if owned { Ok(()) } else { Err(format!("group {group} is not ring {ring}'s")) }
    }

    /// What an event about a drift makes of the groups.
    pub(crate) fn keep_drift(&mut self, id: &RolloutId, recorded: &Recorded) {
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
}
