//! How many devices a ring has, what they run, and what a ring of that size can show. Pure.
//!
//! **Invariant:** each device of a ring counts in exactly one environment or as other; of an
//! environment with a target, the movable and the too old ones add up to all of them, as the
//! census of a ring that was not entered has them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::fleet::{Fleet, ListedDevice, Reported};
use crate::time::{SignedDuration, Timestamp, after};
use crate::version::{ClientVersion, Environment};
use crate::{cli::counted, ids::PolicyId};

/// Devices that were not seen for this long will not show much soon. Adoption, too, asks for those
/// that were active in this time.
pub(crate) const AWAY_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The chance that a fault stays unseen in a ring of the size told: 5 %.
const UNSEEN_CHANCE: f64 = 0.05;

/// The devices of one environment of a ring.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Sizes {
    /// The plan's target here; without one, nothing is moved.
    pub target: Option<ClientVersion>,
    /// All devices.
    pub devices: usize,
    /// Those that follow assignments: 2026.6 or newer, or a version that nobody knows.
    pub movable: usize,
    /// Of the movable ones: on the target.
    pub there: usize,
    /// Of the movable ones: on something newer.
    pub newer: usize,
    /// Of the movable ones: not seen for [`AWAY_AFTER`].
    pub away: usize,
    /// Client below 2026.6: it ignores assignments.
    pub too_old: usize,
    /// Devices by version.
    pub versions: VersionCounts,
}

/// How many devices run each version, in JSON by its text. `None` is one that cannot be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct VersionCounts(pub BTreeMap<Option<ClientVersion>, usize>);

impl Serialize for VersionCounts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(version, count)| (name(*version), count)))
    }
}

fn name(version: Option<ClientVersion>) -> String {
    version.map_or("unknown".to_owned(), |version| version.to_string())
}

impl VersionCounts {
    /// The versions with most devices first, at most three of them, and then how many more.
    pub(crate) fn in_words(&self) -> String {
        const SHOWN: usize = 3;
        let mut by_count: Vec<_> = self.0.iter().collect();
        by_count.sort_by_key(|(version, count)| (std::cmp::Reverse(**count), std::cmp::Reverse(**version)));
        let shown =
            by_count.iter().take(SHOWN).map(|(version, count)| format!("{}: {count}", name(**version)));
        let mut words: Vec<String> = shown.collect();
        let rest: usize = by_count.iter().skip(SHOWN).map(|(_, count)| **count).sum();
        if rest > 0 {
            words.push(format!("{} more: {rest}", by_count.len() - SHOWN));
        }
        words.join(", ")
    }
}

/// The devices of a ring, or of any set of profiles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct RingSizes {
    /// By environment: those with a target, and those with devices.
    pub environments: BTreeMap<Environment, Sizes>,
    /// Devices of systems that have no assignments.
    pub other: usize,
}

impl RingSizes {
    /// Counts the devices of some profiles against targets.
    pub(crate) fn of(
        fleet: &Fleet,
        policies: &BTreeSet<PolicyId>,
        targets: &BTreeMap<Environment, ClientVersion>,
        now: Timestamp,
    ) -> Self {
        let is_here =
            |seen: &ListedDevice| seen.policy.as_ref().is_some_and(|seen| policies.contains(&seen.id));
        Self::counted(fleet, is_here, targets, now)
    }

    /// Counts all devices of the account against targets.
    pub(crate) fn of_all(
        fleet: &Fleet,
        targets: &BTreeMap<Environment, ClientVersion>,
        now: Timestamp,
    ) -> Self {
        Self::counted(fleet, |_| true, targets, now)
    }

    fn counted(
        fleet: &Fleet,
        is_meant: impl Fn(&ListedDevice) -> bool,
        targets: &BTreeMap<Environment, ClientVersion>,
        now: Timestamp,
    ) -> Self {
        let mut sizes = Self::default();
        for (environment, target) in targets {
            sizes.environments.entry(*environment).or_default().target = Some(*target);
        }
        for device in fleet.devices().map(|device| &device.latest).filter(|latest| is_meant(latest)) {
            match device.environment() {
                None => sizes.other += 1,
                Some(environment) => sizes.environments.entry(environment).or_default().add(device, now),
            }
        }
        sizes
    }

    /// The environments that the plan moves.
    pub(crate) fn targeted(&self) -> impl Iterator<Item = (Environment, &Sizes)> {
        let targeted = self.environments.iter().filter(|(_, sizes)| sizes.target.is_some());
        targeted.map(|(environment, sizes)| (*environment, sizes))
    }

    /// Devices that the targets can move.
    pub(crate) fn movable(&self) -> usize {
        self.targeted().map(|(_, sizes)| sizes.movable).sum()
    }

    /// Those of them that were seen lately.
    pub(crate) fn active(&self) -> usize {
        self.targeted().map(|(_, sizes)| sizes.movable - sizes.away).sum()
    }

    /// All devices, those of other systems included.
    pub(crate) fn devices(&self) -> usize {
        self.environments.values().map(|sizes| sizes.devices).sum::<usize>() + self.other
    }
}

impl Sizes {
    fn add(&mut self, device: &ListedDevice, now: Timestamp) {
        let version = match &device.client {
            Reported::Version(version) => Some(*version),
            Reported::Unreadable(_) | Reported::Null => None,
        };
        self.devices += 1;
        *self.versions.0.entry(version).or_default() += 1;
        if version.is_some_and(|version| !version.follows_assignments()) {
            self.too_old += 1;
            return;
        }
        self.movable += 1;
        if device.last_seen_at.is_none_or(|seen| seen < after(now, -AWAY_AFTER)) {
            self.away += 1;
        }
        match (version, self.target) {
            (Some(version), Some(target)) if version == target => self.there += 1,
            (Some(version), Some(target)) if version > target => self.newer += 1,
            _ => {}
        }
    }
}

/// Which faults a number of devices would show: those that hit one device in so many, or more.
/// `None`: no device shows nothing.
///
/// With n devices a fault that hits a share p of all devices shows at least once with 95 %
/// certainty from p = 1 - 0.05^(1/n) on.
pub(crate) fn one_in(devices: usize) -> Option<u64> {
    if devices == 0 {
        return None;
    }
    // Exact up to 2^53 devices.
    let share = 1.0 - UNSEEN_CHANCE.powf(1.0 / devices as f64);
    let least = (1.0 / share).floor();
    // At most a third of the devices, so it fits.
    Some(least as u64)
}

/// What a number of devices would show, in words.
pub(crate) fn shows(devices: usize) -> String {
    let fault = match one_in(devices) {
        None => return "no fault would hit a device here: none was seen in the last 7 days".to_owned(),
        Some(1) => "only a fault that hits nearly every device".to_owned(),
        Some(many) => format!("a fault that hits 1 device in {many} or more"),
    };
    let seen = counted(devices, "device");
    format!("{fault} would hit at least one here with 95% certainty ({seen} seen in the last 7 days)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{ListedProfile, RingScope, Sweep, SweepScope};

    #[test]
    fn a_ring_shows_what_its_size_allows() {
        // 59 devices for 5 %, 149 for 2 %, 299 for 1 %, 598 for 0.5 %, 2,995 for 0.1 %.
        let rows = [
            (0, None),
            (1, Some(1)),
            (4, Some(1)),
            (5, Some(2)),
            (38, Some(13)),
            (58, Some(19)),
            (59, Some(20)),
            (148, Some(49)),
            (149, Some(50)),
            (299, Some(100)),
            (598, Some(200)),
            (2_995, Some(1_000)),
            (20_000, Some(6_676)),
        ];
        for (devices, expected) in rows {
            assert_eq!(one_in(devices), expected, "{devices}");
        }
    }

    #[test]
    fn what_is_told_is_true() {
        for devices in 1..3_000_usize {
            let many = one_in(devices).unwrap();
            let shown = |one_in: f64| 1.0 - (1.0 - 1.0 / one_in).powf(devices as f64);
            assert!(shown(many as f64) >= 0.95, "{devices}: 1 in {many} shows too seldom");
            assert!(shown(many as f64 + 1.0) < 0.95, "{devices}: 1 in {many} is not the least");
        }
    }

    #[test]
    fn the_counts_are_those_of_a_ring_that_was_not_entered() {
        let now: Timestamp = "2026-10-12T06:00:00Z".parse().unwrap();
        let policy = |name: &str| PolicyId::new(name).unwrap();
        let kinds = [Some("windows"), Some("Mac"), Some("linux"), None];
        let versions = ["2026.4.1390.0", "2026.6.0.0", "2026.7.1376.0", "2026.8.2100.0", "soon", ""];
        let mut devices = Vec::new();
        for (index, (kind, version)) in kinds.iter().flat_map(|kind| versions.map(|v| (kind, v))).enumerate()
        {
            let client = match version {
                "" => Reported::Null,
                text => text.parse().map_or(Reported::Unreadable(text.to_owned()), Reported::Version),
            };
            for (copy, days) in [None, Some(0), Some(6), Some(8)].into_iter().enumerate() {
                let policy = policy(if copy == 2 { "b" } else { "a" });
                devices.push(ListedDevice {
                    id: crate::ids::DeviceId::new(format!("{index}-{copy}")).unwrap(),
                    name: "n".to_owned(),
                    user: None,
                    device_type: kind.map(str::to_owned),
                    os_version: None,
                    client: client.clone(),
                    last_seen_at: days.map(|days| after(now, SignedDuration::from_hours(-24 * days))),
                    policy: Some(ListedProfile { id: policy, default: false }),
                });
            }
        }
        let mut fleet = Fleet::default();
        let sweep = Sweep { scope: SweepScope::Full, started_at: now, finished_at: now, devices };
        fleet.observe(sweep, &crate::fleet::Membership::default());
        let target: ClientVersion = "2026.7.1376.0".parse().unwrap();
        let targets: BTreeMap<_, _> = [(Environment::Windows, target)].into();
        for policies in [vec!["a"], vec!["b"], vec!["a", "b"], vec!["c"]] {
            let policies: BTreeSet<PolicyId> = policies.into_iter().map(policy).collect();
            let sizes = RingSizes::of(&fleet, &policies, &targets, now);
            let scope = RingScope {
                policies: policies.clone(),
                targets: targets.clone(),
                assigned_at: None,
                zone: crate::schedule::Zone::utc(),
                stalled_after: crate::plan::model::Health::BUILT_IN.stalled.after.get(),
            };
            let census = fleet.census(&scope, now);
            assert_eq!(sizes.movable(), census.eligible(), "{policies:?}");
            assert_eq!(sizes.devices(), census.total(), "{policies:?}");
            let windows = &sizes.environments[&Environment::Windows];
            let counted = census.environments[&Environment::Windows].counts;
            assert_eq!((windows.movable, windows.too_old), (counted.eligible(), counted.too_old));
            assert_eq!(windows.movable + windows.too_old, windows.devices);
            assert_eq!(windows.versions.0.values().sum::<usize>(), windows.devices);
        }
        let a = RingSizes::of(&fleet, &[policy("a")].into(), &targets, now);
        let windows = &a.environments[&Environment::Windows];
        // Of five versions that can be moved: never seen, seen now, seen 8 days ago.
        assert_eq!((windows.movable, windows.there, windows.newer, windows.away), (15, 3, 3, 10));
        assert_eq!(a.active(), 5);
    }

    #[test]
    fn most_run_versions_come_first_and_none_is_dropped_silently() {
        let count = |texts: &[(&str, usize)]| {
            VersionCounts(texts.iter().map(|(text, count)| (text.parse().ok(), *count)).collect())
        };
        let rows = [
            (count(&[]), ""),
            (count(&[("2026.7.1376.0", 4), ("none", 1)]), "2026.7.1376.0: 4, unknown: 1"),
            (
                count(&[
                    ("2026.6.1.0", 2),
                    ("2026.7.1.0", 9),
                    ("2026.8.1.0", 2),
                    ("2026.1.1.0", 1),
                    ("no", 1),
                ]),
                "2026.7.1.0: 9, 2026.8.1.0: 2, 2026.6.1.0: 2, 2 more: 2",
            ),
        ];
        for (versions, expected) in rows {
            assert_eq!(versions.in_words(), expected);
        }
    }
}
