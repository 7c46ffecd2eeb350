//! Which devices a ring's census has to look at: an account has many more than one ring.
//!
//! **Invariant:** a device is listed under the profile of its newest sighting, and among those who
//! left as long as it remembers a ring that it left, and among the strays as long as it remembers
//! one; nothing else is listed.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::Device;
use crate::ids::{DeviceId, PolicyId};

/// Devices by profile, and those that left a ring.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Index {
    by_policy: BTreeMap<PolicyId, BTreeSet<DeviceId>>,
    left: BTreeSet<DeviceId>,
    strays: BTreeSet<DeviceId>,
}

impl Index {
    /// Lists a device as it is now.
    pub(super) fn add(&mut self, device: &Device) {
        let id = &device.latest.id;
        if let Some(policy) = &device.latest.policy {
            self.by_policy.entry(policy.id.clone()).or_default().insert(id.clone());
        }
        if device.left.is_some() {
            self.left.insert(id.clone());
        }
        if device.stray.is_some() {
            self.strays.insert(id.clone());
        }
    }

    /// Takes a device off the lists that it was put on as it is now.
    pub(super) fn remove(&mut self, device: &Device) {
        let id = &device.latest.id;
        if let Some(policy) = &device.latest.policy
            && let Some(listed) = self.by_policy.get_mut(&policy.id)
        {
            listed.remove(id);
            if listed.is_empty() {
                self.by_policy.remove(&policy.id);
            }
        }
        self.left.remove(id);
        self.strays.remove(id);
    }

    /// Devices that changed their version unexplained.
    pub(super) fn strays(&self) -> impl Iterator<Item = &DeviceId> {
        self.strays.iter()
    }

    /// The devices that are, or may have been, in a ring of these profiles; each once.
    pub(super) fn of<'a>(&'a self, policies: &'a BTreeSet<PolicyId>) -> impl Iterator<Item = &'a DeviceId> {
        let here = policies.iter().filter_map(|policy| self.by_policy.get(policy));
        let is_here = |id: &&DeviceId| here.clone().any(|listed| listed.contains(*id));
        let left: Vec<&DeviceId> = self.left.iter().filter(|id| !is_here(id)).collect();
        here.flatten().chain(left)
    }
}
