//! The seeded fleet: profiles of uneven size, and in each the same mixture of devices.
//!
//! **Invariant:** every special kind is a share of its *profile*, rounded down, so that no profile is spoilt
//! by bad luck and a small one has none of the rare kinds.

use super::behaviour::{OfficeCalendar, Rhythm, WakingHabits};
use super::device::{DeviceStory, Os, SyntheticDevice};
use super::dice::Dice;
use crate::time::{SignedDuration, Timestamp, after};

/// What most of the fleet runs at the start: the release before 2026.8.2100.0.
const CURRENT: &str = "2026.7.1376.0";
/// The same release has another build on Linux.
const CURRENT_LINUX: &str = "2026.7.1377.0";
/// The mobile app has numbers of its own.
const CURRENT_IOS: &str = "1.11.1";
/// Behind, yet new enough to follow assignments.
const STRAGGLER: &str = "2026.6.880.0";
/// Too old to follow assignments.
const TOO_OLD: [&str; 2] = ["2026.4.1390.0", "2026.1.150.0"];

/// Names and shares (per mille of all devices) of the usual custom profiles; the rest is the default profile's.
const PROFILES: [(&str, u16); 4] = [("Engineering", 120), ("IT", 60), ("Support", 140), ("Sales", 220)];

/// A custom profile of the account to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileSettings {
    /// Its name, which need not be unique; Cloudflare takes at most 100 characters.
    pub name: String,
    /// Its share of all devices, per mille, at least one device; the default profile has the rest.
    pub per_mille: u16,
    /// A profile that is switched off applies to no device.
    pub enabled: bool,
}

impl ProfileSettings {
    /// A profile that applies.
    pub fn new(name: impl Into<String>, per_mille: u16) -> Self {
        Self { name: name.into(), per_mille, enabled: true }
    }

    /// The usual custom profiles, the first with the highest precedence.
    pub fn usual() -> Vec<Self> {
        PROFILES.iter().map(|(name, per_mille)| Self::new(*name, *per_mille)).collect()
    }
}

/// The mixture of devices, each in per mille.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mix {
    /// Macs, of all devices of a profile.
    pub mac: u16,
    /// Linux devices, of all devices of a profile.
    pub linux: u16,
    /// iPhones, of all devices of a profile.
    pub ios: u16,
    /// Clients below 2026.6, of the Windows and macOS devices of a profile; so are those that follow.
    pub too_old: u16,
    /// Pinned by MDM.
    pub pinned: u16,
    /// Devices on which every install fails.
    pub broken: u16,
    /// Devices in a drawer.
    pub in_drawer: u16,
    /// Devices that were never seen.
    pub never_seen: u16,
    /// Devices without an active registration.
    pub unregistered: u16,
    /// Devices one release behind that follow assignments.
    pub straggling: u16,
    /// Devices that are never closed.
    pub always_on: u16,
    /// Laptops that are also used at weekends.
    pub weekends: u16,
    /// Days on which a laptop stays closed.
    pub absent_day: u16,
    /// Whole weeks in which a laptop stays closed.
    pub away_week: u16,
    /// Installs that fail and are tried again at a later waking.
    pub failed_install: u16,
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            mac: 340,
            linux: 50,
            ios: 30,
            too_old: 40,
            pinned: 20,
            broken: 10,
            in_drawer: 30,
            never_seen: 5,
            unregistered: 20,
            straggling: 60,
            always_on: 40,
            weekends: 80,
            absent_day: 70,
            away_week: 30,
            failed_install: 60,
        }
    }
}

/// How many devices of each system a profile has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Headcount {
    /// Windows devices.
    pub windows: usize,
    /// Macs.
    pub macs: usize,
    /// Linux devices.
    pub linux: usize,
    /// iPhones.
    pub ios: usize,
}

impl Headcount {
    /// `size` devices in the shares of a mixture.
    pub fn mixed(size: usize, mix: &Mix) -> Self {
        let (linux, ios) = (share(mix.linux, size), share(mix.ios, size));
        let desktops = size.saturating_sub(linux + ios);
        // A profile of two has one of each, so that small fleets exercise both environments.
        let macs = share(mix.mac, size).max(usize::from(desktops > 1 && mix.mac > 0)).min(desktops);
        Self { windows: desktops - macs, macs, linux, ios: ios.min(size.saturating_sub(linux)) }
    }
}

fn share(per_mille: u16, of: usize) -> usize {
    of * usize::from(per_mille) / 1_000
}

/// A device settings profile.
#[derive(Debug)]
pub(crate) struct SyntheticProfile {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) enabled: bool,
    /// `None` for the default profile, which catches every device that no other profile matches.
    pub(crate) precedence: Option<u32>,
    pub(crate) updated_at: Timestamp,
    /// Its own die: of two profiles with one name each has its own devices.
    dice: Dice,
}

impl SyntheticProfile {
    pub(crate) fn is_default(&self) -> bool {
        self.precedence.is_none()
    }
}

/// All profiles and all devices; devices in the order of their IDs.
#[derive(Debug)]
pub(crate) struct SyntheticFleet {
    pub(crate) profiles: Vec<SyntheticProfile>,
    pub(crate) devices: Vec<SyntheticDevice>,
    pub(crate) calendar: OfficeCalendar,
}

impl SyntheticFleet {
    /// `count` devices as they are at `start`.
    pub(crate) fn new(
        dice: Dice,
        count: usize,
        custom: &[ProfileSettings],
        mix: &Mix,
        start: Timestamp,
    ) -> Self {
        let mut left = count;
        let sizes = custom.iter().map(Some).chain([None]).map(|settings| {
            let size = match settings {
                Some(settings) if !settings.enabled => 0,
                Some(settings) => (count * usize::from(settings.per_mille) / 1_000).max(1).min(left),
                None => left,
            };
            left -= size;
            size
        });
        let heads: Vec<Headcount> = sizes.map(|size| Headcount::mixed(size, mix)).collect();
        Self::counted(dice, custom, &heads, mix, start)
    }

    /// A fleet with so many devices in each of the custom profiles and, last, the default one.
    pub(crate) fn counted(
        dice: Dice,
        custom: &[ProfileSettings],
        heads: &[Headcount],
        mix: &Mix,
        start: Timestamp,
    ) -> Self {
        let profiles = profiles(dice, custom, start);
        let mut devices = Vec::new();
        for ((index, profile), heads) in profiles.iter().enumerate().zip(heads) {
            let builder =
                FleetBuilder { dice: profile.dice, mix, start, profile: index, name: &profile.name };
            devices.extend(builder.devices(*heads));
        }
        devices.sort_by(|a: &SyntheticDevice, b: &SyntheticDevice| a.id.cmp(&b.id));
        Self { profiles, devices, calendar: OfficeCalendar::office() }
    }

    /// The device with this ID.
    pub(crate) fn device(&self, id: &str) -> Option<&SyntheticDevice> {
        let index = self.devices.binary_search_by(|device| device.id.as_str().cmp(id)).ok()?;
        self.devices.get(index)
    }

    /// The name of the profile that a device matches.
    pub(crate) fn profile_name(&self, device: &SyntheticDevice) -> &str {
        self.profiles.get(device.profile).map_or("", |profile| &profile.name)
    }

    /// The position of the profile with this ID.
    pub(crate) fn profile(&self, id: &str) -> Option<usize> {
        self.profiles.iter().position(|profile| profile.id == id)
    }
}

fn profiles(dice: Dice, custom: &[ProfileSettings], start: Timestamp) -> Vec<SyntheticProfile> {
    let mut made: Vec<SyntheticProfile> = Vec::with_capacity(custom.len() + 1);
    let default = ProfileSettings::new("default", 0);
    let precedences = (1..).map(|place| Some(place * 100)).take(custom.len()).chain([None]);
    for (settings, precedence) in custom.iter().chain([&default]).zip(precedences) {
        let name = settings.name.clone();
        let twins = made.iter().filter(|other| other.name == name).count() as u64;
        // The first of a name draws as it would alone.
        let own = |die: Dice| if twins == 0 { die.of(&name) } else { die.of(&name).nth(twins) };
        let seen = own(dice.of("profiles"));
        let updated_at = after(start, SignedDuration::from_hours(-24 * seen.between(30, 400)));
        let (id, dice) = (seen.uuid(), own(dice));
        made.push(SyntheticProfile { id, name, enabled: settings.enabled, precedence, updated_at, dice });
    }
    made
}

struct FleetBuilder<'a> {
    dice: Dice,
    mix: &'a Mix,
    start: Timestamp,
    profile: usize,
    name: &'a str,
}

impl FleetBuilder<'_> {
    fn devices(&self, heads: Headcount) -> Vec<SyntheticDevice> {
        let Headcount { windows, macs, linux, ios } = heads;
        let desktops = windows + macs;
        let special = [
            (DeviceStory::TooOld, self.mix.too_old),
            (DeviceStory::Pinned, self.mix.pinned),
            (DeviceStory::Broken, self.mix.broken),
            (DeviceStory::InDrawer, self.mix.in_drawer),
            (DeviceStory::NeverSeen, self.mix.never_seen),
            (DeviceStory::Unregistered, self.mix.unregistered),
        ];
        let mut stories: Vec<DeviceStory> =
            special.iter().flat_map(|(story, rate)| vec![*story; share(*rate, desktops)]).collect();
        stories.resize(desktops, DeviceStory::Follows);
        let place = self.dice.of("place");
        let mut order: Vec<u64> = (0..desktops as u64).collect();
        order.sort_by_key(|slot| place.nth(*slot).below(u64::MAX));

        let mut devices: Vec<SyntheticDevice> = Vec::with_capacity(desktops + linux + ios);
        for (rank, story) in order.into_iter().zip(stories) {
            let os = if rank < macs as u64 { Os::Mac } else { Os::Windows };
            devices.push(self.device(rank, os, story));
        }
        let others = std::iter::repeat_n(Os::Linux, linux).chain(std::iter::repeat_n(Os::Ios, ios));
        for (slot, os) in (desktops as u64..).zip(others) {
            devices.push(self.device(slot, os, DeviceStory::Unsupported));
        }
        devices
    }

    fn device(&self, slot: u64, os: Os, story: DeviceStory) -> SyntheticDevice {
        let dice = self.dice.of("device").nth(slot);
        let code: String = self.name.chars().take(3).collect();
        let name = match os {
            Os::Windows => format!("{}-WIN-{slot:04}", code.to_uppercase()),
            Os::Mac => format!("{}-mac-{slot:04}", code.to_lowercase()),
            Os::Linux => format!("{}-lnx-{slot:04}", code.to_lowercase()),
            Os::Ios => format!("iPhone {} {slot}", self.name),
        };
        SyntheticDevice {
            id: dice.uuid(),
            name,
            user: format!("{} User {slot}", self.name),
            os,
            story,
            profile: self.profile,
            habits: self.habits(dice, story),
            registrations: u32::from(story != DeviceStory::Unregistered),
            created_at: after(
                self.start,
                SignedDuration::from_hours(-24 * dice.of("created").between(90, 500)),
            ),
            initial: self.initial(dice, os, story).map(str::to_owned),
            failed_install: self.mix.failed_install,
            assignment: None,
            moves: Vec::new(),
        }
    }

    fn habits(&self, dice: Dice, story: DeviceStory) -> WakingHabits {
        let rhythm = match story {
            DeviceStory::NeverSeen => Rhythm::Never,
            DeviceStory::InDrawer | DeviceStory::Unregistered => {
                let weeks = SignedDuration::from_hours(-dice.of("drawer").between(24 * 15, 24 * 75));
                Rhythm::Gone(after(self.start, weeks))
            }
            _ if dice.of("always on").happens(self.mix.always_on) => {
                Rhythm::AlwaysOn { restarts: dice.of("restarts").between(0, 86_399) }
            }
            _ => Rhythm::Office {
                opens: dice.of("opens").between(8 * 3_600, 10 * 3_600),
                stays: dice.of("stays").between(7 * 3_600, 10 * 3_600),
                weekends: dice.of("weekends").happens(self.mix.weekends),
                absent_day: self.mix.absent_day,
                away_week: self.mix.away_week,
            },
        };
        WakingHabits { dice, rhythm, check_in: dice.of("check-in").between(120, 480) }
    }

    fn initial(&self, dice: Dice, os: Os, story: DeviceStory) -> Option<&'static str> {
        match (story, os) {
            (DeviceStory::NeverSeen, _) => None,
            (_, Os::Linux) => Some(CURRENT_LINUX),
            (_, Os::Ios) => Some(CURRENT_IOS),
            (DeviceStory::TooOld, _) => {
                Some(if dice.of("old").happens(500) { TOO_OLD[0] } else { TOO_OLD[1] })
            }
            _ if dice.of("straggles").happens(self.mix.straggling) => Some(STRAGGLER),
            _ => Some(CURRENT),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn fleet(count: usize) -> SyntheticFleet {
        let start = "2026-10-12T06:00:00Z".parse().unwrap();
        SyntheticFleet::new(Dice::seeded(1), count, &ProfileSettings::usual(), &Mix::default(), start)
    }

    #[test]
    fn a_fleet_has_the_size_asked_for_and_unique_devices() {
        for count in [0, 1, 2, 3, 4, 5, 7, 60, 600] {
            let fleet = fleet(count);
            assert_eq!(fleet.devices.len(), count);
            assert!(fleet.devices.windows(2).all(|pair| pair[0].id < pair[1].id), "{count}");
            assert!(fleet.devices.iter().all(|device| fleet.device(&device.id).is_some()));
        }
    }

    #[test]
    fn each_profile_has_its_share_of_each_story() {
        let fleet = fleet(2_000);
        let mut counts: BTreeMap<(usize, DeviceStory), usize> = BTreeMap::new();
        for device in &fleet.devices {
            *counts.entry((device.profile, device.story)).or_default() += 1;
        }
        for (profile, size) in [(0, 240), (1, 120), (2, 280), (3, 440), (4, 920)] {
            let total: usize = counts.iter().filter(|((p, _), _)| *p == profile).map(|(_, n)| n).sum();
            assert_eq!(total, size, "profile {profile}");
            for story in [
                DeviceStory::Pinned,
                DeviceStory::TooOld,
                DeviceStory::Broken,
                DeviceStory::InDrawer,
                DeviceStory::Unsupported,
            ] {
                assert!(counts.contains_key(&(profile, story)), "{profile} {story:?}");
            }
        }
    }

    #[test]
    fn a_small_profile_has_both_environments_and_no_bad_luck() {
        let fleet = fleet(60);
        for profile in 0..fleet.profiles.len() {
            let devices: Vec<&SyntheticDevice> =
                fleet.devices.iter().filter(|d| d.profile == profile).collect();
            assert!(devices.iter().any(|device| device.os == Os::Windows), "{profile}");
            assert!(devices.iter().any(|device| device.os == Os::Mac), "{profile}");
            let follows = devices.iter().filter(|device| device.story == DeviceStory::Follows).count();
            assert!(follows * 100 >= devices.len() * 85, "{profile}: {follows} of {}", devices.len());
        }
    }
}
