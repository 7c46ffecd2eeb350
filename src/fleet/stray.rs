//! Devices that changed their version though nobody here offered it: another updater at work.
//!
//! **Invariant:** a change counts only between two sightings in one ring, to a version that its
//! group was not known to offer, of a device that follows assignments.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::device::MISSED_SWEEPS_TO_LEAVE;
use super::{Device, Fleet, Reported, Sighting};
use crate::ids::PolicyId;
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// The newest change of version that no offer explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stray {
    /// The version it was sighted on.
    pub to: ClientVersion,
    /// When it was first sighted there.
    pub at: Timestamp,
}

/// What a ring's devices may have been told to run, by environment.
pub type Offers = BTreeSet<(Environment, ClientVersion)>;

/// A ring's devices that strayed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strays {
    /// Windows and macOS devices of the ring.
    pub of: usize,
    /// Those that strayed, by where to.
    pub moved: BTreeMap<(Environment, ClientVersion), usize>,
}

impl Strays {
    /// Devices that strayed, over all versions.
    #[must_use]
    pub fn devices(&self) -> usize {
        self.moved.values().sum()
    }
}

impl Stray {
    /// What two sightings in a row, in one ring with these offers, say of a device.
    pub(super) fn between(old: &Sighting, new: &Sighting, offers: &Offers) -> Option<Self> {
        let (Reported::Version(from), Reported::Version(to)) = (&old.client, &new.client) else {
            return None;
        };
        // A client below 2026.6 follows no assignment: whoever moved it took nothing out of our hands.
        let moved = from != to && from.follows_assignments() && new.last_seen_at > old.last_seen_at;
        let explained = offers.contains(&(new.environment()?, *to));
        (moved && !explained).then_some(Self { to: *to, at: new.last_seen_at? })
    }
}

impl Fleet {
    /// Whether any device of the account is remembered as strayed.
    #[must_use]
    pub fn has_strays(&self) -> bool {
        self.devices.has_strays()
    }

    /// The devices of `policies` that strayed after one instant and up to another, to versions that
    /// are not in `offers`.
    #[must_use]
    pub fn strays(
        &self,
        policies: &BTreeSet<PolicyId>,
        (after, until): (Timestamp, Timestamp),
        offers: &Offers,
    ) -> Strays {
        let mut strays = Strays::default();
        if !self.has_strays() {
            return strays;
        }
        for device in self.of_profiles(policies) {
            let here = device.latest.policy.as_ref().is_some_and(|policy| policies.contains(&policy.id));
            let Some(environment) = device.latest.environment().filter(|_| here && is_listed(device)) else {
                continue;
            };
            strays.of += 1;
            let key = |stray: Stray| (environment, stray.to);
            let counts =
                |stray: &Stray| after < stray.at && stray.at <= until && !offers.contains(&key(*stray));
            if let Some(stray) = device.stray.filter(counts) {
                *strays.moved.entry(key(stray)).or_default() += 1;
            }
        }
        strays
    }
}

const fn is_listed(device: &Device) -> bool {
    device.missed_full_sweeps < MISSED_SWEEPS_TO_LEAVE
}
