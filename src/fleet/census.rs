//! A ring's devices, counted by environment and class.
//!
//! **Invariant:** the counts of a ring add up to its devices; a device of an environment counts
//! towards that environment only.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::device::{Assignment, Class, Device, RingOffer};
use crate::time::{SignedDuration, Timestamp, since};
use crate::version::{ClientVersion, Environment};
use crate::{ids::PolicyId, schedule::Zone};

/// No calendar day is longer.
const TWO_DAYS: SignedDuration = SignedDuration::from_hours(48);

/// How many devices are in each class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// [`Class::Arrived`]
    pub arrived: usize,
    /// [`Class::Due`]
    pub due: usize,
    /// [`Class::Stalled`]
    pub stalled: usize,
    /// [`Class::Unseen`]
    pub unseen: usize,
    /// [`Class::TooOld`]
    pub too_old: usize,
    /// [`Class::Untargeted`]
    pub untargeted: usize,
    /// [`Class::Left`]
    pub left: usize,
}

impl Counts {
    /// The count of one class.
    pub const fn of(mut self, class: Class) -> usize {
        *self.count(class)
    }

    /// Adds one device.
    pub const fn add(&mut self, class: Class) {
        *self.count(class) += 1;
    }

    const fn count(&mut self, class: Class) -> &mut usize {
        match class {
            Class::Arrived => &mut self.arrived,
            Class::Due => &mut self.due,
            Class::Stalled => &mut self.stalled,
            Class::Unseen => &mut self.unseen,
            Class::TooOld => &mut self.too_old,
            Class::Untargeted => &mut self.untargeted,
            Class::Left => &mut self.left,
        }
    }

    /// Devices that were seen when they could have been on the target.
    pub const fn sighted(&self) -> usize {
        self.arrived + self.due + self.stalled
    }

    /// Devices that an assignment can move.
    pub const fn eligible(&self) -> usize {
        self.sighted() + self.unseen
    }

    /// All devices counted here.
    pub const fn total(&self) -> usize {
        self.eligible() + self.too_old + self.untargeted + self.left
    }
}

/// One environment of a ring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentCensus {
    /// Devices by class.
    pub counts: Counts,
    /// Eligible devices that were active in the week before the assignment.
    pub active: usize,
    /// Those of them that were seen after their due instant.
    pub active_sighted: usize,
    /// Arrived devices that were seen again on a later calendar day (in the ring's zone).
    pub exercised: usize,
}

/// A ring's devices at one instant. The key `None` is every OS without assignments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// By environment; an environment with a target is always present.
    pub environments: BTreeMap<Environment, EnvironmentCensus>,
    /// Devices of systems that have no assignments.
    pub other: Counts,
}

impl Census {
    /// Devices that this ring's targets can move, over all environments.
    pub fn eligible(&self) -> usize {
        self.environments.values().map(|environment| environment.counts.eligible()).sum()
    }

    /// Arrived devices, over all environments.
    pub fn arrived(&self) -> usize {
        self.environments.values().map(|environment| environment.counts.arrived).sum()
    }

    /// Arrived devices that were seen again on a later day, over all environments.
    pub fn exercised(&self) -> usize {
        self.environments.values().map(|environment| environment.exercised).sum()
    }

    /// All devices, over all environments and classes.
    pub fn total(&self) -> usize {
        let targeted: usize = self.environments.values().map(|census| census.counts.total()).sum();
        targeted + self.other.total()
    }
}

/// What a census is taken of.
#[derive(Debug, Clone, PartialEq)]
pub struct RingScope {
    /// The ring's profiles, resolved.
    pub policies: BTreeSet<PolicyId>,
    /// The plan's target per environment.
    pub targets: BTreeMap<Environment, ClientVersion>,
    /// Since when the targets are on offer; `None` before the ring's write.
    pub assigned_at: Option<Timestamp>,
    /// The ring's zone, for calendar days.
    pub zone: Zone,
    /// A device that is seen so long past its first due sighting, and not there, is stalled.
    pub stalled_after: SignedDuration,
}

impl RingScope {
    /// What the ring has for `environment`.
    pub fn offered(&self, environment: Option<Environment>) -> RingOffer {
        let Some(target) = environment.and_then(|environment| self.targets.get(&environment)) else {
            return RingOffer::Nothing;
        };
        match self.assigned_at {
            None => RingOffer::Planned,
            Some(at) => RingOffer::Assigned(Assignment { target: *target, at }),
        }
    }

    /// Counts `devices` that are, or were, of this ring.
    pub fn census<'a>(&self, devices: impl Iterator<Item = &'a Device>, now: Timestamp) -> Census {
        let mut census = Census::default();
        for environment in self.targets.keys() {
            census.environments.entry(*environment).or_default();
        }
        for device in devices {
            let Some(class) = self.class(device, now) else { continue };
            let Some(environment) = device.latest.environment() else {
                census.other.add(class);
                continue;
            };
            let entry = census.environments.entry(environment).or_default();
            entry.counts.add(class);
            let Some(assignment) = self.offered(Some(environment)).assigned() else { continue };
            let progress = device.progress_under(assignment);
            let sighted = matches!(class, Class::Arrived | Class::Due | Class::Stalled);
            if progress.recently_active && (sighted || class == Class::Unseen) {
                entry.active += 1;
                entry.active_sighted += usize::from(sighted);
            }
            let last_seen_at = device.latest.last_seen_at;
            if class == Class::Arrived && self.on_a_later_day(progress.arrived_at, last_seen_at) {
                entry.exercised += 1;
            }
        }
        census
    }

    /// The class of a device in this ring; `None` when it has nothing to do with the ring. One
    /// that has moved on still counts as `left` while its progress is about this assignment.
    pub fn class(&self, device: &Device, now: Timestamp) -> Option<Class> {
        let offered = self.offered(device.latest.environment());
        let here = device.latest.policy.as_ref().is_some_and(|policy| self.policies.contains(&policy.id));
        if here {
            return Some(device.class(offered, self.stalled_after, now));
        }
        let was_here = device.left.is_some() && device.left == offered.assigned();
        was_here.then_some(Class::Left)
    }

    fn on_a_later_day(&self, arrived: Option<Timestamp>, seen: Option<Timestamp>) -> bool {
        let day = |instant: Timestamp| self.zone.local(instant).date();
        match (arrived, seen) {
            // Most are clear without a calendar, which costs more than everything else here.
            (Some(arrived), Some(seen)) if since(arrived, seen) >= TWO_DAYS => true,
            (Some(arrived), Some(seen)) => day(seen) > day(arrived),
            _ => false,
        }
    }
}
