//! A device that changed its version though nobody here offered it: another updater at work.
//!
//! **Invariant:** a change counts only between two sightings in one ring, to a version that its
//! group was not known to offer, of a device that follows assignments.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::listed_device::{ListedDevice, Reported};
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// The newest change of version that no offer explains.
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
