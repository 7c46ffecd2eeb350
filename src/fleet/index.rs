//! The devices that are known, and which of them a ring's census has to look at: an account has many
//! more than one ring.
//!
//! **Invariant:** a device is listed under the profile of its newest sighting, and among those who
//! left as long as it remembers a ring that it left, and among the strays as long as it remembers
//! one; nothing else is listed.

use std::collections::{BTreeMap, BTreeSet};

use super::device::Device;
use crate::ids::{DeviceId, PolicyId};

/// Devices by their IDs and by profile, and those that left a ring. The lists name places and no IDs:
/// every decision goes through a ring's devices many times.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    /// In the order in which they were first listed.
    devices: Vec<Device>,
    places: BTreeMap<DeviceId, usize>,
    by_policy: BTreeMap<PolicyId, BTreeSet<usize>>,
    left: BTreeSet<usize>,
    strays: BTreeSet<usize>,
}

/// The same devices, whichever was listed first.
impl PartialEq for Index {
    fn eq(&self, other: &Self) -> bool {
        self.by_id().eq(other.by_id())
    }
}

impl FromIterator<Device> for Index {
    fn from_iter<T: IntoIterator<Item = Device>>(devices: T) -> Self {
        let mut index = Self::default();
        devices.into_iter().for_each(|device| index.put(device));
        index
    }
}

impl Index {
    pub(super) const fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// One device.
    pub(super) fn get(&self, id: &DeviceId) -> Option<&Device> {
        self.devices.get(self.place(id)?)
    }

    /// All devices, by ID.
    pub(super) fn by_id(&self) -> impl Iterator<Item = &Device> {
        self.places.values().filter_map(|place| self.devices.get(*place))
    }

    /// Takes in a device, in the place of the one that was known by its ID.
    pub(super) fn put(&mut self, device: Device) {
        let next = self.devices.len();
        let place = *self.places.entry(device.latest.id.clone()).or_insert(next);
        match self.devices.get_mut(place) {
            Some(known) => {
                let before = std::mem::replace(known, device);
                self.unlist(place, &before);
            }
            None => self.devices.push(device),
        }
        self.list(place);
    }

    /// The place of a device, until some are forgotten.
    pub(super) fn place(&self, id: &DeviceId) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// Changes the device of a place; whether that made a difference.
    pub(super) fn change(&mut self, place: usize, change: impl FnOnce(&mut Device)) -> bool {
        let Some(device) = self.devices.get_mut(place) else { return false };
        let before = device.clone();
        change(device);
        let changed = before != *device;
        if lists(&before) != lists(device) {
            self.unlist(place, &before);
            self.list(place);
        }
        changed
    }

    /// Has every device that is not in `listed` count a full sweep that missed it; calls `missed` with each.
    pub(super) fn miss(&mut self, listed: &BTreeSet<DeviceId>, mut missed: impl FnMut(&DeviceId)) {
        for device in self.devices.iter_mut().filter(|device| !listed.contains(&device.latest.id)) {
            device.missed_full_sweeps = device.missed_full_sweeps.saturating_add(1);
            missed(&device.latest.id);
        }
    }

    /// Forgets devices. The others move up, so their lists are written anew.
    pub(super) fn forget(&mut self, ids: &BTreeSet<DeviceId>) {
        if !ids.is_empty() {
            let known = std::mem::take(self).devices.into_iter();
            *self = known.filter(|device| !ids.contains(&device.latest.id)).collect();
        }
    }

    /// Whether any device changed its version unexplained.
    pub(super) fn has_strays(&self) -> bool {
        !self.strays.is_empty()
    }

    /// The devices that are, or may have been, in a ring of these profiles; each once.
    pub(super) fn of<'a>(&'a self, policies: &'a BTreeSet<PolicyId>) -> impl Iterator<Item = &'a Device> {
        let here = policies.iter().filter_map(|policy| self.by_policy.get(policy));
        let is_here = |place: &&usize| here.clone().any(|listed| listed.contains(*place));
        let left: Vec<&usize> = self.left.iter().filter(|place| !is_here(place)).collect();
        here.flatten().chain(left).filter_map(|place| self.devices.get(*place))
    }

    /// Puts the device of a place on the lists that it belongs on as it is now.
    fn list(&mut self, place: usize) {
        let Some(device) = self.devices.get(place) else { return };
        let (policy, has_left, has_strayed) = lists(device);
        if let Some(policy) = policy {
            self.by_policy.entry(policy.clone()).or_default().insert(place);
        }
        if has_left {
            self.left.insert(place);
        }
        if has_strayed {
            self.strays.insert(place);
        }
    }

    /// Takes a place off the lists that it was put on for a device as it was then.
    fn unlist(&mut self, place: usize, device: &Device) {
        if let Some(policy) = lists(device).0
            && let Some(listed) = self.by_policy.get_mut(policy)
        {
            listed.remove(&place);
            if listed.is_empty() {
                self.by_policy.remove(policy);
            }
        }
        self.left.remove(&place);
        self.strays.remove(&place);
    }
}

/// The lists that a device belongs on: by profile, among those that left, among the strays.
fn lists(device: &Device) -> (Option<&PolicyId>, bool, bool) {
    let policy = device.latest.policy.as_ref().map(|policy| &policy.id);
    (policy, device.left.is_some(), device.stray.is_some())
}
