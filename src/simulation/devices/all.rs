//! All devices of the simulated account, and what Cloudflare lists of them.
//!
//! **Invariant:** the truth about a device is told without ringward's classifier.

use crate::fleet::{ListedDevice, ListedProfile, Reported, SweepScope};
use crate::ids::PolicyId;
use crate::simulation::devices::script::{AfterUpdate, DeviceScript, Offer, OffersByProfile};
use crate::time::Timestamp;
use crate::version::ClientVersion;

/// All devices of the account.
#[derive(Debug, Clone, Default)]
pub struct Devices {
    stories: Vec<DeviceScript>,
    offers: OffersByProfile,
    versions: Vec<Vec<(Timestamp, ClientVersion)>>,
    /// From when on a device is never seen again, because of what it runs.
    silent_from: Vec<Option<Timestamp>>,
    default_profile: Option<PolicyId>,
}

impl Devices {
    /// Devices by their stories; `default_profile` is the account's default one.
    pub fn new(stories: Vec<DeviceScript>, default_profile: Option<PolicyId>) -> Self {
        let mut devices = Self { stories, default_profile, ..Self::default() };
        devices.follow();
        devices
    }

    /// The stories.
    pub fn stories(&self) -> &[DeviceScript] {
        &self.stories
    }

    /// How many of these are never seen again by an instant, because of what they run.
    pub fn silenced(&self, indices: impl Iterator<Item = u64>, by: Timestamp) -> usize {
        let is_silent = |index: &u64| {
            let from = usize::try_from(*index).ok().and_then(|index| *self.silent_from.get(index)?);
            from.is_some_and(|from| from <= by)
        };
        indices.filter(is_silent).count()
    }

    /// Changes stories, each by its index: before anything has happened, or what is yet to come.
    pub fn retell(&mut self, mut change: impl FnMut(u64, &mut DeviceScript)) {
        for (index, story) in (0..).zip(&mut self.stories) {
            change(index, story);
        }
        self.follow();
    }

    /// From `at` on, these profiles are offered these versions.
    pub fn offer<'a>(&mut self, offers: impl IntoIterator<Item = (&'a PolicyId, Offer)>, at: Timestamp) {
        for (profile, offer) in offers {
            self.offers.set(profile, at, offer);
        }
        self.follow();
    }

    fn follow(&mut self) {
        self.versions = self.stories.iter().map(|story| story.versions(&self.offers)).collect();
        let silent = |(story, versions): (&DeviceScript, &Vec<(Timestamp, ClientVersion)>)| {
            let arrived = versions.first().filter(|_| story.after_update == AfterUpdate::NeverWakes)?;
            story.presence.end_of(arrived.0)
        };
        self.silent_from = self.stories.iter().zip(&self.versions).map(silent).collect();
    }

    /// The devices of a profile have another one from `at` on.
    pub fn regroup(&mut self, from: &PolicyId, to: &PolicyId, at: Timestamp) {
        for story in self.stories.iter_mut().filter(|story| story.profile_at(at) == from) {
            story.moves.push((at, to.clone()));
        }
        self.follow();
    }

    /// Another updater moves the first so many devices of a profile from `at` on.
    pub fn update(&mut self, profile: &PolicyId, devices: usize, version: ClientVersion, at: Timestamp) {
        let can =
            |story: &&mut DeviceScript| story.profile_at(at) == profile && story.environment().is_some();
        for story in self.stories.iter_mut().filter(can).take(devices) {
            story.installed_by_others.push((at, version));
        }
        self.follow();
    }

    /// The truth: what the device runs at an instant, by the index of its story.
    pub fn version_at(&self, index: usize, at: Timestamp) -> Reported {
        let changed =
            self.versions.get(index).and_then(|known| known.iter().rev().find(|(from, _)| *from <= at));
        match changed {
            Some((_, version)) => Reported::Version(*version),
            None => self.stories.get(index).map_or(Reported::Null, |story| story.client.clone()),
        }
    }

    fn last_seen(&self, index: usize, story: &DeviceScript, at: Timestamp) -> Option<Timestamp> {
        let silent_from = self.silent_from.get(index).copied().flatten();
        story.last_seen(silent_from.map_or(at, |silent| at.min(silent)))
    }

    /// What Cloudflare lists about a device at an instant; `None` once it is removed.
    pub fn sighting(&self, index: usize, at: Timestamp) -> Option<ListedDevice> {
        let story = self.stories.get(index)?;
        if story.removed_at.is_some_and(|removed| removed <= at) {
            return None;
        }
        let last_seen_at = self.last_seen(index, story, at);
        let as_of = last_seen_at.unwrap_or(Timestamp::MIN);
        let profile = story.profile_at(as_of);
        Some(ListedDevice {
            id: story.id.clone(),
            name: story.id.to_string(),
            user: None,
            device_type: Some(story.device_type.clone()),
            os_version: None,
            client: self.version_at(index, as_of),
            last_seen_at,
            policy: Some(ListedProfile {
                id: profile.clone(),
                default: self.default_profile.as_ref() == Some(profile),
            }),
        })
    }

    /// What Cloudflare lists at an instant.
    pub fn sweep(&self, scope: &SweepScope, at: Timestamp) -> Vec<ListedDevice> {
        // Most looks list few devices: the others cost no more than the question whether they are listed.
        let is_listed = |(index, story): &(usize, &DeviceScript)| match scope {
            SweepScope::Full => true,
            SweepScope::SeenAfter(since) => {
                self.last_seen(*index, story, at).is_some_and(|seen| seen >= *since)
            }
            SweepScope::Profile(profile) if story.moves.is_empty() => story.profile == *profile,
            SweepScope::Profile(profile) => {
                let as_of = self.last_seen(*index, story, at).unwrap_or(Timestamp::MIN);
                story.profile_at(as_of) == profile
            }
        };
        let listed = self.stories.iter().enumerate().filter(is_listed);
        listed.filter_map(|(index, _)| self.sighting(index, at)).collect()
    }
}
