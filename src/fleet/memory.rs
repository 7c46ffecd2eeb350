//! Every device that sweeps have listed, how far each sweep's word reaches, and which devices run what nobody offers.
//!
//! **Invariant:** only a sweep that reached its last cursor changes anything here, and only a full one can say that a
//! device is missing. A device that has left counts neither as of the ring nor as strayed.

use std::collections::{BTreeMap, BTreeSet};

use super::census::{Census, RingScope};
use super::device::{Device, KnownOffers, Passage, Stray};
use super::listed_device::{ListedDevice, Reported, Sweep, SweepScope};
use super::{index::Index, membership::Membership};
use crate::ids::{DeviceId, PolicyId};
use crate::time::{SignedDuration, Timestamp, after};
use crate::version::{ClientVersion, Environment};

/// A device that no full sweep listed for this long is forgotten.
pub const FORGET_AFTER: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Incremental sweeps look back this far past the start of the last one, because a sighting may
/// show up late in the list.
pub const SWEEP_OVERLAP: SignedDuration = SignedDuration::from_mins(10);

/// Every device that sweeps have listed, and how far each sweep's word reaches.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fleet {
    devices: Index,
    full_sweep_at: Option<Timestamp>,
    swept_at: Option<Timestamp>,
    profiles_swept_at: BTreeMap<PolicyId, Timestamp>,
    /// Whether devices were remembered from before a restart.
    has_memory: bool,
}

impl Fleet {
    /// A fleet remembered from before a restart. Sweeps are not remembered: what they said is
    /// too old to decide by until the next one.
    pub fn remembered(devices: impl IntoIterator<Item = Device>) -> Self {
        let devices: Index = devices.into_iter().collect();
        Self { has_memory: !devices.is_empty(), devices, ..Self::default() }
    }

    /// Takes in a complete sweep. Returns the devices that changed, and those forgotten.
    pub fn observe(&mut self, sweep: Sweep, membership: &Membership) -> SweepChanges {
        let mut observed = SweepChanges::default();
        let mut listed = BTreeSet::new();
        // Before a first full sweep, with nothing remembered, each device is listed for the first time,
        // and may have been there for long.
        let knows_all = self.has_memory || self.full_sweep_at.is_some();
        for sighting in sweep.devices {
            let id = sighting.id.clone();
            if self.sighted(sighting, (sweep.started_at, knows_all), membership) {
                observed.changed.insert(id.clone());
            }
            // Only a full sweep says that a device is missing.
            if sweep.scope == SweepScope::Full {
                listed.insert(id);
            }
        }
        match sweep.scope {
            SweepScope::Full => {
                self.count_the_missing(&listed, sweep.started_at, &mut observed);
                self.full_sweep_at = self.full_sweep_at.max(Some(sweep.started_at));
                self.swept_at = self.swept_at.max(Some(sweep.started_at));
            }
            SweepScope::SeenAfter(since) => {
                // It continues the last sweep only if it reaches back to it.
                if self.swept_at.is_some_and(|last| since <= last) {
                    self.swept_at = self.swept_at.max(Some(sweep.started_at));
                }
            }
            SweepScope::Profile(policy) => {
                let last = self.profiles_swept_at.entry(policy).or_insert(sweep.started_at);
                *last = (*last).max(sweep.started_at);
            }
        }
        observed
    }

    /// Whether the listing said anything new.
    fn sighted(
        &mut self,
        sighting: ListedDevice,
        (started_at, knows_all): (Timestamp, bool),
        membership: &Membership,
    ) -> bool {
        match self.devices.place(&sighting.id) {
            Some(place) => self.devices.change(place, |device| {
                let passage = membership.passage(&device.latest, &sighting);
                let known = device.stray.filter(|_| passage.same_ring);
                device.stray = membership.stray(&device.latest, &sighting).or(known);
                device.sighted(sighting, started_at, passage);
            }),
            None => {
                let mut device = Device::first_listed(sighting.clone(), started_at, knows_all);
                let passage = Passage { same_ring: true, ..membership.passage(&sighting, &sighting) };
                device.sighted(sighting, started_at, passage);
                self.devices.put(device);
                true
            }
        }
    }

    fn count_the_missing(
        &mut self,
        listed: &BTreeSet<DeviceId>,
        started_at: Timestamp,
        observed: &mut SweepChanges,
    ) {
        self.devices.miss(listed, |id| {
            observed.changed.insert(id.clone());
        });
        let forgotten = |device: &&Device| {
            let last_known =
                device.latest.last_seen_at.unwrap_or(device.listed_since).max(device.listed_since);
            device.missed_full_sweeps > 0 && after(last_known, FORGET_AFTER) < started_at
        };
        observed.forgotten =
            self.devices().filter(forgotten).map(|device| device.latest.id.clone()).collect();
        self.devices.forget(&observed.forgotten);
        observed.changed.retain(|id| !observed.forgotten.contains(id));
    }

    /// When the last full sweep began.
    pub const fn full_sweep_at(&self) -> Option<Timestamp> {
        self.full_sweep_at
    }

    /// When the last full or continuing sweep began.
    pub const fn swept_at(&self) -> Option<Timestamp> {
        self.swept_at
    }

    /// The instant up to which everything about the devices of `policies` is known.
    pub fn known_until(&self, policies: &BTreeSet<PolicyId>) -> Option<Timestamp> {
        // A poll by profile adds to a full sweep and replaces none: a device of the ring that
        // no sweep has listed yet is listed by both.
        self.full_sweep_at?;
        let polled =
            policies.iter().map(|policy| self.profiles_swept_at.get(policy).copied()).min().flatten();
        self.swept_at.max(polled)
    }

    /// One device.
    pub fn device(&self, id: &DeviceId) -> Option<&Device> {
        self.devices.get(id)
    }

    /// All devices, by ID.
    pub fn devices(&self) -> impl Iterator<Item = &Device> {
        self.devices.by_id()
    }

    /// The devices of these profiles, and those that may have been in a ring of them; in no order.
    pub fn of_profiles<'a>(&'a self, policies: &'a BTreeSet<PolicyId>) -> impl Iterator<Item = &'a Device> {
        self.devices.of(policies)
    }

    pub(super) fn of<'a>(&'a self, ring: &'a RingScope) -> impl Iterator<Item = &'a Device> {
        self.of_profiles(&ring.policies)
    }

    /// Whether any device of the account is remembered as strayed.
    pub fn has_strays(&self) -> bool {
        self.devices.has_strays()
    }

    /// The devices of `policies` that strayed, none that has left, after one instant and up to another, to versions that
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

    /// The ring's devices, counted.
    pub fn census(&self, ring: &RingScope, now: Timestamp) -> Census {
        ring.census(self.of(ring), now)
    }

    /// How many devices of a ring and environment report which version; none: it reports none.
    pub fn versions(&self, ring: &RingScope, environment: Environment) -> BTreeMap<String, usize> {
        let mut versions = BTreeMap::new();
        let here = self.of(ring).filter(|device| device.latest.environment() == Some(environment));
        for device in here.filter(|device| !device.has_left()) {
            let version = match &device.latest.client {
                Reported::Version(version) => version.to_string(),
                Reported::Unreadable(_) => "unreadable".to_owned(),
                Reported::Null => "unknown".to_owned(),
            };
            *versions.entry(version).or_default() += 1;
        }
        versions
    }

    /// The default profile's ID as devices know it, where the profile itself comes without one.
    pub fn default_policy(&self) -> Option<&PolicyId> {
        let mut defaults = self.devices().filter_map(|device| device.latest.policy.as_ref());
        defaults.find(|policy| policy.default).map(|policy| &policy.id)
    }
}

/// What a sweep changed, for the observation tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweepChanges {
    /// Devices with new facts.
    pub changed: BTreeSet<DeviceId>,
    /// Devices that no sweep has listed for [`FORGET_AFTER`].
    pub forgotten: BTreeSet<DeviceId>,
}

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
