//! The scripted devices of the simulated account.
//!
//! **Invariant:** everything that a device ever does follows from its story and from what its
//! profile is offered, so the truth about it is told without ringward's classifier.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fleet::{Reported, SightedPolicy, Sighting, SweepScope};
use crate::ids::{DeviceId, PolicyId};
use crate::schedule::Zone;
use crate::time::{SignedDuration, Timestamp, after, since};
use crate::version::{ClientVersion, Environment};

/// When a device is switched on and connected: spans in order, begins included, ends not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence(Arc<[(Timestamp, Timestamp)]>);

impl Presence {
    /// The union of spans; empty ones count for nothing.
    #[must_use]
    pub fn spans(mut spans: Vec<(Timestamp, Timestamp)>) -> Self {
        spans.retain(|(from, until)| from < until);
        spans.sort_unstable();
        spans.dedup_by(|next, kept| {
            let joins = next.0 < kept.1;
            if joins {
                kept.1 = kept.1.max(next.1);
            }
            joins
        });
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
        let at = |date: jiff::civil::Date, hour: i8| {
            let time = jiff::civil::Time::new(hour, 0, 0, 0).unwrap_or(jiff::civil::Time::MAX);
            date.to_datetime(time).to_zoned(tz.clone()).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
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

    /// The spans from `from` on; the first one begins no earlier.
    fn spans_from(&self, from: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let next = self.0.partition_point(|(_, until)| *until <= from);
        self.0.iter().skip(next).map(move |(begin, until)| ((*begin).max(from), *until))
    }

    /// When the span that holds `at` ends.
    fn end_of(&self, at: Timestamp) -> Option<Timestamp> {
        self.spans_from(at).next().filter(|(begin, _)| *begin <= at).map(|(_, until)| until)
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
    /// It installs at a waking whose span has room for it, after some that fail.
    Retries {
        /// How long Cloudflare takes to tell it.
        notified_after: SignedDuration,
        /// How long the installation takes.
        installs_in: SignedDuration,
        /// How many wakings fail first.
        failures: usize,
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
    /// What becomes of it once it runs what it was offered.
    pub after_update: AfterUpdate,
    /// What somebody else installs on it, and from when on: as soon as it is there.
    pub installed_by_others: Vec<(Timestamp, ClientVersion)>,
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
            after_update: AfterUpdate::GoesOn,
            installed_by_others: Vec::new(),
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

    fn followed(&self, offers: &Offers) -> Vec<(Timestamp, ClientVersion)> {
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
    /// From when on a device is never seen again, because of what it runs.
    silent_from: Vec<Option<Timestamp>>,
    default_profile: Option<PolicyId>,
}

impl Devices {
    /// Devices by their stories; `default_profile` is the account's default one.
    #[must_use]
    pub fn new(stories: Vec<Story>, default_profile: Option<PolicyId>) -> Self {
        let mut devices = Self { stories, default_profile, ..Self::default() };
        devices.follow();
        devices
    }

    /// The stories.
    #[must_use]
    pub fn stories(&self) -> &[Story] {
        &self.stories
    }

    /// How many of these are never seen again by an instant, because of what they run.
    #[must_use]
    pub fn silenced(&self, indices: impl Iterator<Item = u64>, by: Timestamp) -> usize {
        let is_silent = |index: &u64| {
            let from = usize::try_from(*index).ok().and_then(|index| *self.silent_from.get(index)?);
            from.is_some_and(|from| from <= by)
        };
        indices.filter(is_silent).count()
    }

    /// Changes stories, each by its index: before anything has happened, or what is yet to come.
    pub fn retell(&mut self, mut change: impl FnMut(u64, &mut Story)) {
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
        let silent = |(story, versions): (&Story, &Vec<(Timestamp, ClientVersion)>)| {
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
        let can = |story: &&mut Story| story.profile_at(at) == profile && story.environment().is_some();
        for story in self.stories.iter_mut().filter(can).take(devices) {
            story.installed_by_others.push((at, version));
        }
        self.follow();
    }

    /// The truth: what the device runs at an instant, by the index of its story.
    #[must_use]
    pub fn version_at(&self, index: usize, at: Timestamp) -> Reported {
        let changed =
            self.versions.get(index).and_then(|known| known.iter().rev().find(|(from, _)| *from <= at));
        match changed {
            Some((_, version)) => Reported::Version(*version),
            None => self.stories.get(index).map_or(Reported::Null, |story| story.client.clone()),
        }
    }

    fn last_seen(&self, index: usize, story: &Story, at: Timestamp) -> Option<Timestamp> {
        let silent_from = self.silent_from.get(index).copied().flatten();
        story.last_seen(silent_from.map_or(at, |silent| at.min(silent)))
    }

    /// What Cloudflare lists about a device at an instant; `None` once it is removed.
    #[must_use]
    pub fn sighting(&self, index: usize, at: Timestamp) -> Option<Sighting> {
        let story = self.stories.get(index)?;
        if story.removed_at.is_some_and(|removed| removed <= at) {
            return None;
        }
        let last_seen_at = self.last_seen(index, story, at);
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
        // Most looks list few devices: the others cost no more than the question whether they are listed.
        let is_listed = |(index, story): &(usize, &Story)| match scope {
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
