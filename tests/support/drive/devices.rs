//! The scripted devices of the simulated account.
//!
//! **Invariant:** everything that a device ever does follows from its story and from what its
//! profile is offered, so the truth about it is told without ringward's classifier.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringward::fleet::{Reported, SightedPolicy, Sighting, SweepScope};
use ringward::ids::{DeviceId, PolicyId};
use ringward::schedule::Zone;
use ringward::time::{SignedDuration, Timestamp, after, since};
use ringward::version::{ClientVersion, Environment};

/// When a device is switched on and connected: spans in order, begins included, ends not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence(Arc<[(Timestamp, Timestamp)]>);

impl Presence {
    /// Spans in order that do not overlap.
    #[must_use]
    pub fn spans(spans: Vec<(Timestamp, Timestamp)>) -> Self {
        assert!(spans.iter().all(|(from, until)| from < until), "an empty span: {spans:?}");
        assert!(spans.is_sorted_by(|a, b| a.1 <= b.0), "spans overlap: {spans:?}");
        Self(spans.into())
    }

    /// At all times.
    #[must_use]
    pub fn always() -> Self {
        Self::spans(vec![(Timestamp::UNIX_EPOCH, Timestamp::MAX)])
    }

    /// At no time.
    #[must_use]
    pub fn never() -> Self {
        Self::spans(Vec::new())
    }

    /// On every weekday between two hours of a zone, for `days` days from the day of `first` on.
    #[must_use]
    pub fn weekdays(zone: &Zone, hours: (i8, i8), first: Timestamp, days: usize) -> Self {
        Self::by_day(zone, hours, first, days, |weekday| weekday.to_monday_zero_offset() < 5)
    }

    /// On every day that `is_on` picks, between two hours of a zone.
    #[must_use]
    pub fn by_day(
        zone: &Zone,
        (from, until): (i8, i8),
        first: Timestamp,
        days: usize,
        is_on: impl Fn(jiff::civil::Weekday) -> bool,
    ) -> Self {
        let first = zone.local(first);
        let tz = first.time_zone().clone();
        let dates = first.date().series(jiff::Span::new().days(1)).take(days);
        let at = |date: jiff::civil::Date, hour: i8| match date.at(hour, 0, 0, 0).to_zoned(tz.clone()) {
            Ok(zoned) => zoned.timestamp(),
            Err(error) => panic!("{date} {hour}:00 is no instant: {error}"),
        };
        Self::spans(
            dates
                .filter(|date| is_on(date.weekday()))
                .map(|date| (at(date, from), at(date, until)))
                .collect(),
        )
    }

    /// The same, but absent before `instant`.
    #[must_use]
    pub fn from(&self, instant: Timestamp) -> Self {
        let kept = self.0.iter().filter(|(_, until)| *until > instant);
        Self::spans(kept.map(|(from, until)| ((*from).max(instant), *until)).collect())
    }

    /// The same, but absent from `instant` on.
    #[must_use]
    pub fn until(&self, instant: Timestamp) -> Self {
        let kept = self.0.iter().filter(|(from, _)| *from < instant);
        Self::spans(kept.map(|(from, until)| (*from, (*until).min(instant))).collect())
    }

    /// The same, but absent between two instants.
    #[must_use]
    pub fn without(&self, from: Timestamp, until: Timestamp) -> Self {
        Self::spans(self.until(from).0.iter().chain(self.from(until).0.iter()).copied().collect())
    }

    /// The first instant from `from` on at which the device is present.
    #[must_use]
    pub fn first_from(&self, from: Timestamp) -> Option<Timestamp> {
        let next = self.0.partition_point(|(_, until)| *until <= from);
        self.0.get(next).map(|(begin, _)| (*begin).max(from))
    }

    /// The last heartbeat up to `at`: one at each span's begin and `every` so long after it.
    #[must_use]
    pub fn last_heartbeat(&self, every: SignedDuration, at: Timestamp) -> Option<Timestamp> {
        let begun = self.0.partition_point(|(begin, _)| *begin <= at);
        let (begin, until) = self.0.get(begun.checked_sub(1)?)?;
        // The end is not part of the span.
        let last = at.min(after(*until, -SignedDuration::from_millis(1)));
        let beats = since(*begin, last).as_millis() / every.as_millis();
        let elapsed = SignedDuration::from_millis(i64::try_from(beats * every.as_millis()).unwrap_or(0));
        Some(after(*begin, elapsed))
    }
}

/// What a device makes of an assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// It installs: `installs_in` after it is first present with the notification delivered.
    Arrives {
        /// How long Cloudflare takes to tell it.
        notified_after: SignedDuration,
        /// How long the installation takes.
        installs_in: SignedDuration,
    },
    /// It installs, and goes back to what it ran before.
    Reverts {
        /// How long Cloudflare takes to tell it.
        notified_after: SignedDuration,
        /// How long the installation takes.
        installs_in: SignedDuration,
        /// How long it runs the target.
        after: SignedDuration,
    },
    /// It stays where it is: pinned by MDM, or the installation fails.
    Stays,
}

impl Reaction {
    /// Told after 5 minutes, installed 10 minutes later.
    #[must_use]
    pub const fn arrives() -> Self {
        Self::Arrives {
            notified_after: SignedDuration::from_mins(5),
            installs_in: SignedDuration::from_mins(10),
        }
    }
}

/// One device's story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
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
    pub presence: Presence,
    /// While present, Cloudflare sees it this often.
    pub heartbeat: SignedDuration,
    /// What it makes of an assignment.
    pub reaction: Reaction,
    /// From when on the account lists it no more.
    pub removed_at: Option<Timestamp>,
    /// What another updater installs, and from when on it is there to.
    pub updates: Vec<(Timestamp, ClientVersion)>,
}

impl Story {
    /// A device that is always present, arrives, and is seen every ten minutes.
    #[must_use]
    pub fn new(id: DeviceId, device_type: &str, client: ClientVersion, profile: PolicyId) -> Self {
        Self {
            id,
            device_type: device_type.to_owned(),
            client: Reported::Version(client),
            profile,
            moves: Vec::new(),
            presence: Presence::always(),
            heartbeat: SignedDuration::from_mins(10),
            reaction: Reaction::arrives(),
            removed_at: None,
            updates: Vec::new(),
        }
    }

    /// The environment that an assignment can target on it.
    #[must_use]
    pub fn environment(&self) -> Option<Environment> {
        Environment::of_device_type(&self.device_type)
    }

    /// Its profile at an instant.
    #[must_use]
    pub fn profile_at(&self, at: Timestamp) -> &PolicyId {
        let moved = self.moves.iter().take_while(|(from, _)| *from <= at).last();
        moved.map_or(&self.profile, |(_, profile)| profile)
    }

    /// When Cloudflare saw it last, as of an instant.
    #[must_use]
    pub fn last_seen(&self, at: Timestamp) -> Option<Timestamp> {
        self.presence.last_heartbeat(self.heartbeat, at)
    }

    /// From when on it runs which version, after the first one: what follows from the offers, and
    /// from another updater's hand. What that installs stays until the next offer.
    fn versions(&self, offers: &Offers) -> Vec<(Timestamp, ClientVersion)> {
        let mut versions = self.offered_versions(offers);
        for (at, version) in &self.updates {
            let installed_at = self.presence.first_from(*at);
            versions.extend(installed_at.map(|installed_at| (installed_at, *version)));
        }
        versions.sort_by_key(|(at, _)| *at);
        versions
    }

    /// What follows from the offers alone.
    fn offered_versions(&self, offers: &Offers) -> Vec<(Timestamp, ClientVersion)> {
        let (Some(environment), Reported::Version(first)) = (self.environment(), &self.client) else {
            return Vec::new();
        };
        let (notified_after, installs_in, reverts_after) = match self.reaction {
            Reaction::Stays => return Vec::new(),
            Reaction::Arrives { notified_after, installs_in } => (notified_after, installs_in, None),
            Reaction::Reverts { notified_after, installs_in, after } => {
                (notified_after, installs_in, Some(after))
            }
        };
        if !first.follows_assignments() {
            return Vec::new();
        }
        let told = self.told(offers, environment);
        let mut current = *first;
        let mut versions = Vec::new();
        for (index, (at, offer)) in told.iter().enumerate() {
            let Some(target) = offer.filter(|target| *target != current) else { continue };
            let Some(present) = self.presence.first_from(after(*at, notified_after)) else { continue };
            let arrives_at = after(present, installs_in);
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
    fn told(&self, offers: &Offers, environment: Environment) -> Vec<(Timestamp, Option<ClientVersion>)> {
        let mut stays = vec![(Timestamp::MIN, &self.profile)];
        stays.extend(self.moves.iter().map(|(from, profile)| (*from, profile)));
        let mut told = Vec::new();
        for (index, (from, profile)) in stays.iter().enumerate() {
            let until = stays.get(index + 1).map_or(Timestamp::MAX, |(until, _)| *until);
            told.push((*from, offers.at(profile, environment, *from)));
            let changes = offers.changes(profile, environment);
            told.extend(changes.filter(|(at, _)| *from < *at && *at < until));
        }
        told.dedup_by_key(|(_, offer)| *offer);
        told
    }
}

/// What each profile was ever offered, and from when on.
#[derive(Debug, Clone, Default)]
pub struct Offers(BTreeMap<PolicyId, Vec<(Timestamp, Offer)>>);

/// What a profile is offered.
pub type Offer = BTreeMap<Environment, ClientVersion>;

impl Offers {
    /// From `at` on, `profile` is offered this.
    pub fn set(&mut self, profile: &PolicyId, at: Timestamp, offer: Offer) {
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

    fn at(&self, profile: &PolicyId, environment: Environment, at: Timestamp) -> Option<ClientVersion> {
        self.changes(profile, environment).take_while(|(from, _)| *from <= at).last()?.1
    }
}

/// All devices of the account.
#[derive(Debug, Clone, Default)]
pub struct Devices {
    stories: Vec<Story>,
    offers: Offers,
    versions: Vec<Vec<(Timestamp, ClientVersion)>>,
    default_profile: Option<PolicyId>,
}

impl Devices {
    /// Devices by their stories; `default_profile` is the account's default one.
    #[must_use]
    pub fn new(stories: Vec<Story>, default_profile: Option<PolicyId>) -> Self {
        let versions = vec![Vec::new(); stories.len()];
        Self { stories, offers: Offers::default(), versions, default_profile }
    }

    /// The stories.
    #[must_use]
    pub fn stories(&self) -> &[Story] {
        &self.stories
    }

    /// From `at` on, these profiles are offered these versions.
    pub fn offer<'a>(&mut self, offers: impl IntoIterator<Item = (&'a PolicyId, Offer)>, at: Timestamp) {
        for (profile, offer) in offers {
            self.offers.set(profile, at, offer);
        }
        self.versions = self.stories.iter().map(|story| story.versions(&self.offers)).collect();
    }

    /// Another updater moves the first so many devices of a profile from `at` on.
    pub fn update(&mut self, profile: &PolicyId, devices: usize, version: ClientVersion, at: Timestamp) {
        let can = |story: &&mut Story| story.profile_at(at) == profile && story.environment().is_some();
        for story in self.stories.iter_mut().filter(can).take(devices) {
            story.updates.push((at, version));
        }
        self.versions = self.stories.iter().map(|story| story.versions(&self.offers)).collect();
    }

    /// The truth: what the device runs at an instant, by the index of its story.
    #[must_use]
    pub fn version_at(&self, index: usize, at: Timestamp) -> Reported {
        let changed = self.versions[index].iter().take_while(|(from, _)| *from <= at).last();
        match changed {
            Some((_, version)) => Reported::Version(*version),
            None => self.stories[index].client.clone(),
        }
    }

    /// What Cloudflare lists about a device at an instant; `None` once it is removed.
    #[must_use]
    pub fn sighting(&self, index: usize, at: Timestamp) -> Option<Sighting> {
        let story = &self.stories[index];
        if story.removed_at.is_some_and(|removed| removed <= at) {
            return None;
        }
        let last_seen_at = story.last_seen(at);
        let as_of = last_seen_at.unwrap_or(Timestamp::MIN);
        let profile = story.profile_at(as_of);
        Some(Sighting {
            id: story.id.clone(),
            name: story.id.to_string(),
            user: None,
            device_type: Some(story.device_type.clone()),
            os_version: None,
            client: self.version_at(index, as_of),
            last_seen_at,
            policy: Some(SightedPolicy {
                id: profile.clone(),
                default: self.default_profile.as_ref() == Some(profile),
            }),
        })
    }

    /// What Cloudflare lists at an instant.
    #[must_use]
    pub fn sweep(&self, scope: &SweepScope, at: Timestamp) -> Vec<Sighting> {
        let all = (0..self.stories.len()).filter_map(|index| self.sighting(index, at));
        all.filter(|sighting| match scope {
            SweepScope::Full => true,
            SweepScope::SeenAfter(since) => sighting.last_seen_at.is_some_and(|seen| seen >= *since),
            SweepScope::Profile(profile) => {
                sighting.policy.as_ref().is_some_and(|policy| policy.id == *profile)
            }
        })
        .collect()
    }
}
