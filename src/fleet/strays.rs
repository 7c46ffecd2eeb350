//! The devices of a ring that strayed, counted.
//!
//! **Invariant:** a device that has left counts neither as of the ring nor as strayed.

use std::collections::{BTreeMap, BTreeSet};

use super::memory::Fleet;
use super::stray::{KnownOffers, Stray};
use crate::version::{ClientVersion, Environment};
use crate::{ids::PolicyId, time::Timestamp};

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
    pub fn devices(&self) -> usize {
        self.moved.values().sum()
    }
}

impl Fleet {
    /// The devices of `policies` that strayed after one instant and up to another, to versions that
    /// are not in `offers`.
    pub fn strays(
        &self,
        policies: &BTreeSet<PolicyId>,
        (after, until): (Timestamp, Timestamp),
        offers: &KnownOffers,
    ) -> Strays {
        let mut strays = Strays::default();
        if !self.has_strays() {
            return strays;
        }
        for device in self.of_profiles(policies) {
            let here = device.latest.policy.as_ref().is_some_and(|policy| policies.contains(&policy.id));
            let Some(environment) = device.latest.environment().filter(|_| here && !device.has_left()) else {
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
