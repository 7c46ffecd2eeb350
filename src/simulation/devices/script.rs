//! One device's story in a simulation: when it is there, what its profile is offered, and what it makes of that.
//!
//! **Invariant:** what it runs at any instant follows from its story and from what its profile is offered; an offer
//! holds from its instant until the next one.

use std::collections::BTreeMap;

use crate::fleet::Reported;
use crate::ids::{DeviceId, PolicyId};
use crate::simulation::devices::online::OnlineSpans;
use crate::time::{SignedDuration, Timestamp, after};
use crate::version::{ClientVersion, Environment};

/// What each profile was ever offered, and from when on.
#[derive(Debug, Clone, Default)]
pub(super) struct OffersByProfile(BTreeMap<PolicyId, Vec<(Timestamp, Offer)>>);

/// What a profile is offered.
pub type Offer = BTreeMap<Environment, ClientVersion>;

impl OffersByProfile {
    /// From `at` on, `profile` is offered this.
    pub(super) fn set(&mut self, profile: &PolicyId, at: Timestamp, offer: Offer) {
        let known = self.0.entry(profile.clone()).or_default();
        if known.last().map_or(!offer.is_empty(), |(_, last)| *last != offer) {
            known.push((at, offer));
        }
    }

    fn changes(
        &self,
        profile: &PolicyId,
        environment: Environment,
    ) -> impl Iterator<Item = (Timestamp, Option<ClientVersion>)> {
        let changes = self.0.get(profile).map(Vec::as_slice).unwrap_or_default();
        changes.iter().map(move |(at, offer)| (*at, offer.get(&environment).copied()))
    }
}

/// What a device makes of an assignment. Cloudflare takes `notified_after` to tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// It installs: `installs_in` after it is first present with the notification delivered.
    Arrives { notified_after: SignedDuration, installs_in: SignedDuration },
    /// It installs at a waking whose span has room for it, after so many that fail.
    Retries { notified_after: SignedDuration, installs_in: SignedDuration, failures: usize },
    /// It installs, and goes back to what it ran before after it ran the target for so long.
    Reverts { notified_after: SignedDuration, installs_in: SignedDuration, after: SignedDuration },
    /// It stays where it is: pinned by MDM, or the installation fails.
    Stays,
}

impl Reaction {
    /// Told after 5 minutes, installed 10 minutes later.
    pub const fn arrives() -> Self {
        let (notified_after, installs_in) = (SignedDuration::from_mins(5), SignedDuration::from_mins(10));
        Self::Arrives { notified_after, installs_in }
    }
}

/// What becomes of a device that runs a new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterUpdate {
    /// It goes on as before.
    GoesOn,
    /// It does not connect again after its next sleep.
    NeverWakes,
}

/// One device's story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceScript {
    /// Its ID, and its name.
    pub id: DeviceId,
    /// `device_type` as Cloudflare sends it: `windows`, `mac`, `linux`, …
    pub device_type: String,
    /// What it reports at first; a null or an unreadable version stays.
    pub client: Reported,
    /// Its profile at first.
    pub profile: PolicyId,
    /// Its later profiles and from when on, in order; Cloudflare shows one once the device was seen in it.
    pub moves: Vec<(Timestamp, PolicyId)>,
    /// When it is present.
    pub presence: OnlineSpans,
    /// While present, Cloudflare sees it this often.
    pub heartbeat: SignedDuration,
    /// What it makes of an assignment.
    pub reaction: Reaction,
    /// From when on the account lists it no more.
    pub removed_at: Option<Timestamp>,
    /// What becomes of it once it runs what it was offered.
    pub after_update: AfterUpdate,
    /// What somebody else installs on it, and from when on: as soon as it is there.
    pub installed_by_others: Vec<(Timestamp, ClientVersion)>,
}

impl DeviceScript {
    /// A device that is always present, arrives, and is seen every ten minutes.
    pub fn new(id: DeviceId, device_type: &str, client: ClientVersion, profile: PolicyId) -> Self {
        Self {
            id,
            device_type: device_type.to_owned(),
            client: Reported::Version(client),
            profile,
            moves: Vec::new(),
            presence: OnlineSpans::always(),
            heartbeat: SignedDuration::from_mins(10),
            reaction: Reaction::arrives(),
            removed_at: None,
            after_update: AfterUpdate::GoesOn,
            installed_by_others: Vec::new(),
        }
    }

    /// The environment that an assignment can target on it.
    pub fn environment(&self) -> Option<Environment> {
        Environment::of_device_type(&self.device_type)
    }

    /// Its profile at an instant.
    pub fn profile_at(&self, at: Timestamp) -> &PolicyId {
        let moved = self.moves.iter().take_while(|(from, _)| *from <= at).last();
        moved.map_or(&self.profile, |(_, profile)| profile)
    }

    /// When Cloudflare saw it last, as of an instant.
    pub fn last_seen(&self, at: Timestamp) -> Option<Timestamp> {
        self.presence.last_heartbeat(self.heartbeat, at)
    }

    /// From when on it runs which version, after the first one: what follows from the offers, and
    /// from another updater's hand. What that installs stays until the next offer.
    pub(super) fn versions(&self, offers: &OffersByProfile) -> Vec<(Timestamp, ClientVersion)> {
        let mut versions = self.followed(offers);
        for (from, version) in &self.installed_by_others {
            versions.extend(self.presence.first_from(*from).map(|present| (present, *version)));
        }
        versions.sort_by_key(|(from, _)| *from);
        versions
    }

    /// When a device that is told at `told` is there; `None`: never.
    fn arrives_at(&self, told: Timestamp) -> Option<Timestamp> {
        match self.reaction {
            Reaction::Stays => None,
            Reaction::Arrives { notified_after, installs_in }
            | Reaction::Reverts { notified_after, installs_in, .. } => {
                let present = self.presence.first_from(after(told, notified_after))?;
                Some(after(present, installs_in))
            }
            Reaction::Retries { notified_after, installs_in, failures } => {
                let ends = self.presence.spans_from(after(told, notified_after));
                let ends = ends.map(|(begin, until)| (after(begin, installs_in), until));
                let mut fitting = ends.filter(|(end, until)| end <= until).map(|(end, _)| end);
                fitting.nth(failures)
            }
        }
    }

    fn followed(&self, offers: &OffersByProfile) -> Vec<(Timestamp, ClientVersion)> {
        let (Some(environment), Reported::Version(first)) = (self.environment(), &self.client) else {
            return Vec::new();
        };
        let reverts_after = match self.reaction {
            Reaction::Stays => return Vec::new(),
            Reaction::Reverts { after, .. } => Some(after),
            Reaction::Arrives { .. } | Reaction::Retries { .. } => None,
        };
        if !first.follows_assignments() {
            return Vec::new();
        }
        let told = self.told(offers, environment);
        let mut current = *first;
        let mut versions = Vec::new();
        for (index, (at, offer)) in told.iter().enumerate() {
            let Some(target) = offer.filter(|target| *target != current) else { continue };
            let Some(arrives_at) = self.arrives_at(*at) else { continue };
            // A changed target cancels the installation of the one before.
            if told.get(index + 1).is_some_and(|(next, _)| *next <= arrives_at) {
                continue;
            }
            versions.push((arrives_at, target));
            if let Some(reverts_after) = reverts_after {
                versions.push((after(arrives_at, reverts_after), current));
                break;
            }
            current = target;
        }
        versions
    }

    /// What it is offered, and from when on.
    fn told(
        &self,
        offers: &OffersByProfile,
        environment: Environment,
    ) -> Vec<(Timestamp, Option<ClientVersion>)> {
        let mut stays = vec![(Timestamp::MIN, &self.profile)];
        stays.extend(self.moves.iter().map(|(from, profile)| (*from, profile)));
        let mut told = Vec::new();
        for (index, (from, profile)) in stays.iter().enumerate() {
            let until = stays.get(index + 1).map_or(Timestamp::MAX, |(until, _)| *until);
            let changes = || offers.changes(profile, environment);
            let before = changes().take_while(|(at, _)| at <= from).last();
            told.push((*from, before.and_then(|(_, offer)| offer)));
            told.extend(changes().filter(|(at, _)| *from < *at && *at < until));
        }
        told.dedup_by_key(|(_, offer)| *offer);
        told
    }
}
