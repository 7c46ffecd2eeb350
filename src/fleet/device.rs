//! What is remembered of one device, the class that follows from it, and whether it strayed from what it is offered.
//!
//! **Invariant:** a class is a function of sightings, the assignment and `now`; that ringward
//! told a device to move counts for nothing until the device is seen there.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::listed_device::{ListedDevice, Reported};
use super::presence::Presence;
use crate::time::{SignedDuration, Timestamp, after};
use crate::version::{ClientVersion, Environment};

/// Cloudflare delivers an assignment within 15 minutes (client-version-assignments.mdx).
pub const NOTIFICATION: SignedDuration = SignedDuration::from_mins(15);

/// A device counts as recently active when it was seen in this long before the assignment.
const RECENTLY_ACTIVE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A device that two full sweeps in a row did not list has left.
const MISSED_SWEEPS_TO_LEAVE: u8 = 2;

/// A target version and since when Cloudflare offers it to a ring and environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The version on offer.
    pub target: ClientVersion,
    /// `updated_at` as Cloudflare answered it to our write.
    pub at: Timestamp,
}

/// What a ring makes of a device. Each device of a ring is in exactly one class.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case", const_into_str)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Sighted on the target after the assignment.
    Arrived,
    /// Sighted after its due instant, not there yet.
    Due,
    /// Seen so long past its first due sighting and still not there, or seen elsewhere after
    /// arriving.
    Stalled,
    /// No sighting since its due instant.
    Unseen,
    /// Client below 2026.6: it ignores assignments.
    TooOld,
    /// Another OS, or an environment without a target here.
    Untargeted,
    /// Sighted in a profile outside the ring, or missing from two full sweeps.
    Left,
}

impl Class {
    /// All, in the order in which reports list them.
    pub const ALL: [Self; 7] =
        [Self::Arrived, Self::Due, Self::Stalled, Self::Unseen, Self::TooOld, Self::Untargeted, Self::Left];

    /// The word of metrics, API and command line.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// One device, as far as sweeps have told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// The newest sighting.
    pub latest: ListedDevice,
    /// Start of the sweep that first listed it in its present profile.
    pub listed_since: Timestamp,
    /// The same, when it is known to have come at that time: an earlier sweep did not list it there.
    /// `None`: it may have been there for long, as all that is listed after their sightings were lost.
    #[serde(default)]
    pub joined_at: Option<Timestamp>,
    /// Full sweeps in a row that did not list it.
    pub missed_full_sweeps: u8,
    /// How far it got with the assignment it was last seen under.
    pub progress: Option<AssignmentProgress>,
    /// The assignment of the ring that it left last, so that the ring can say where it went.
    pub left: Option<Assignment>,
    /// Its newest change of version that no offer explains.
    #[serde(default)]
    pub stray: Option<Stray>,
    /// The hours in which it was seen lately. Devices remembered from before it was kept have none.
    #[serde(default)]
    pub presence: Presence,
}

/// The rings that a device's old and new profile belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passage {
    /// What the ring of its old profile offers to its environment.
    pub before: Option<Assignment>,
    /// What the ring of its new profile offers to its environment.
    pub now: Option<Assignment>,
    /// Whether the two are one ring.
    pub same_ring: bool,
}

/// A device's way to one assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignmentProgress {
    /// The assignment that this is about.
    pub assignment: Assignment,
    /// From when on a sighting says something: notification has had its time.
    pub due_at: Timestamp,
    /// Whether it was seen in the week before the assignment.
    pub recently_active: bool,
    /// Its first sighting after `due_at`.
    pub first_due_sighting: Option<Timestamp>,
    /// Its first sighting on the target after the assignment.
    pub arrived_at: Option<Timestamp>,
    /// Its newest sighting on the target. Devices remembered from before it was kept have none.
    #[serde(default)]
    pub on_target_at: Option<Timestamp>,
}

impl Device {
    /// A device listed for the first time; `is_new`: an earlier sweep would have listed it.
    pub fn first_listed(sighting: ListedDevice, sweep_started_at: Timestamp, is_new: bool) -> Self {
        Self {
            latest: sighting,
            listed_since: sweep_started_at,
            joined_at: is_new.then_some(sweep_started_at),
            missed_full_sweeps: 0,
            progress: None,
            left: None,
            stray: None,
            presence: Presence::default(),
        }
    }

    /// Takes in a newer listing.
    pub fn sighted(&mut self, sighting: ListedDevice, sweep_started_at: Timestamp, passage: Passage) {
        self.missed_full_sweeps = 0;
        sighting.last_seen_at.into_iter().for_each(|seen| self.presence.saw(seen));
        if sighting.last_seen_at < self.latest.last_seen_at {
            return; // pages of an older sweep; what is known is newer
        }
        if !passage.same_ring {
            self.left = passage.before.or(self.left);
            self.listed_since = sweep_started_at;
            self.joined_at = Some(sweep_started_at);
        }
        // Fold what was known before the newer sighting replaces it: it holds the last activity
        // before the assignment.
        self.progress = passage.now.map(|assignment| self.progress_under(assignment));
        self.latest = sighting;
        if let Some(progress) = &mut self.progress {
            progress.fold(&self.latest);
        }
    }

    /// How far the device got with `assignment`, by what is known now.
    pub fn progress_under(&self, assignment: Assignment) -> AssignmentProgress {
        if let Some(known) = self.progress.filter(|known| known.assignment == assignment) {
            return known;
        }
        let week_before = after(assignment.at, -RECENTLY_ACTIVE);
        let notified = after(assignment.at, NOTIFICATION);
        let mut progress = AssignmentProgress {
            assignment,
            due_at: self.joined_at.map_or(notified, |joined| joined.max(notified)),
            recently_active: self.latest.last_seen_at.is_some_and(|seen| seen >= week_before),
            first_due_sighting: None,
            arrived_at: None,
            on_target_at: None,
        };
        progress.fold(&self.latest);
        progress
    }

    /// Whether it was seen on its ring's target after an instant.
    pub fn on_target_after(&self, instant: Timestamp) -> bool {
        self.progress.and_then(|progress| progress.on_target_at).is_some_and(|seen| seen > instant)
    }

    /// Whether the account lists it no more, by two full sweeps.
    pub const fn has_left(&self) -> bool {
        self.missed_full_sweeps >= MISSED_SWEEPS_TO_LEAVE
    }

    /// The device's class under its ring's assignment for its environment (`None`: no target).
    /// Before the assignment there is nothing to be late for: an eligible device is `unseen`.
    pub fn class(&self, offered: RingOffer, stalled_after: SignedDuration, now: Timestamp) -> Class {
        if self.has_left() {
            return Class::Left;
        }
        if offered == RingOffer::Nothing {
            return Class::Untargeted;
        }
        let version = match &self.latest.client {
            Reported::Version(version) => Some(*version),
            Reported::Unreadable(_) | Reported::Null => None,
        };
        if version.is_some_and(|version| !version.follows_assignments()) {
            return Class::TooOld;
        }
        let Some(assignment) = offered.assigned() else { return Class::Unseen };
        let progress = self.progress_under(assignment);
        // While it is off it installs nothing: only a sighting says that it had the time.
        let was_there = |by| self.latest.last_seen_at.is_some_and(|seen| by <= seen.min(now));
        match (progress.arrived_at, progress.first_due_sighting) {
            (Some(_), _) if version == Some(assignment.target) => Class::Arrived,
            (Some(_), _) => Class::Stalled,
            (None, Some(first)) if was_there(after(first, stalled_after)) => Class::Stalled,
            (None, Some(_)) => Class::Due,
            (None, None) => Class::Unseen,
        }
    }
}

/// What a ring has for a device's environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RingOffer {
    /// No target: another OS, or an environment that the plan does not name.
    Nothing,
    /// A target that is not yet assigned at Cloudflare.
    Planned,
    /// A target on offer.
    Assigned(Assignment),
}

impl RingOffer {
    /// What is on offer now.
    pub const fn assigned(self) -> Option<Assignment> {
        match self {
            Self::Assigned(assignment) => Some(assignment),
            Self::Nothing | Self::Planned => None,
        }
    }
}

impl AssignmentProgress {
    fn fold(&mut self, sighting: &ListedDevice) {
        let Some(seen) = sighting.last_seen_at else { return };
        if seen > self.due_at {
            self.first_due_sighting.get_or_insert(seen);
        }
        let on_target = sighting.client == Reported::Version(self.assignment.target);
        if on_target && seen > self.assignment.at {
            self.arrived_at.get_or_insert(seen);
            self.on_target_at = self.on_target_at.max(Some(seen));
        }
    }
}

/// The newest change of version that no offer explains: another updater at work. It counts only between two
/// sightings in one ring, to a version that its group was not known to offer, of a device that follows assignments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stray {
    /// The version it was seen on.
    pub to: ClientVersion,
    /// When it was first seen there.
    pub at: Timestamp,
}

/// What a ring's devices may have been told to run, by environment.
pub type KnownOffers = BTreeSet<(Environment, ClientVersion)>;

impl Stray {
    /// What two sightings in a row, in one ring with these offers, say of a device.
    pub(super) fn between(old: &ListedDevice, new: &ListedDevice, offers: &KnownOffers) -> Option<Self> {
        let (Reported::Version(from), Reported::Version(to)) = (&old.client, &new.client) else {
            return None;
        };
        // A client below 2026.6 follows no assignment: whoever moved it took nothing out of our hands.
        let moved = from != to && from.follows_assignments() && new.last_seen_at > old.last_seen_at;
        let explained = offers.contains(&(new.environment()?, *to));
        (moved && !explained).then_some(Self { to: *to, at: new.last_seen_at? })
    }
}
