//! A synthetic account for a plan: its profiles, and devices with the habits and stories of the
//! sandbox's fleet; and the plan as it is simulated, where nobody is asked.
//!
//! **Invariant:** the same plan, settings and seed give the same account; every profile that the
//! plan names is there exactly once.

use super::devices::{DeviceScript, Devices, OnlineSpans, Reaction};
use super::upstream::Upstream;
use crate::fleet::Reported;
use crate::ids::{DeviceId, PolicyId};
use crate::plan::model::{Plan, ProfileRef, Revision};
use crate::rollout::record::Profile;
use crate::synthetic::{
    Dice, Headcount, Mix, OfficeCalendar, ProfileSettings, Rhythm, SyntheticDevice, SyntheticFleet,
};
use crate::time::{SignedDuration, Timestamp, after};
use crate::version::ClientVersion;

/// So many days of habits lie before the simulation: who was active lately is known from them.
const DAYS_BEFORE: i64 = 10;

/// What runs on most devices at first, and where the plan wants just that: one release older.
const BEHIND: ClientVersion = ClientVersion::new(2026, 6, 880, 0);

/// How many devices there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Size {
    /// So many in all; later rings have more, as is usual.
    Total(usize),
    /// So many in each profile that the plan names, in the order of rings.
    Counted(Vec<(ProfileRef, Headcount)>),
}

/// What an account is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Casting {
    /// What every draw depends on.
    pub seed: u64,
    /// How many devices.
    pub size: Size,
    /// Kinds and habits of devices.
    pub mix: Mix,
    /// When the simulation begins.
    pub from: Timestamp,
    /// How long habits reach.
    pub days: i64,
}

/// The account of a plan.
pub fn account(plan: &Plan, casting: &Casting) -> Upstream {
    let (default, custom): (Vec<_>, Vec<_>) =
        heads(plan, casting).into_iter().partition(|(profile, _)| *profile == ProfileRef::Default);
    let settings: Vec<ProfileSettings> =
        custom.iter().map(|(profile, _)| ProfileSettings::new(profile.to_string(), 0)).collect();
    let default = default.first().map_or_else(Headcount::default, |(_, heads)| *heads);
    let counts: Vec<Headcount> = custom.iter().map(|(_, heads)| *heads).chain([default]).collect();
    let dice = Dice::seeded(casting.seed).of("fleet");
    let fleet = SyntheticFleet::counted(dice, &settings, &counts, &casting.mix, casting.from);
    let wanted = |index: usize| custom.get(index).map(|(profile, _)| profile);
    let ids = fleet.profiles.iter().enumerate().map(|(index, made)| match wanted(index) {
        Some(ProfileRef::Id(id)) => Some(id.clone()),
        _ => PolicyId::new(made.id.clone()).ok(),
    });
    let ids: Vec<Option<PolicyId>> = ids.collect();
    let profiles = fleet.profiles.iter().zip(&ids).filter_map(|(made, id)| {
        let name = (!made.is_default()).then(|| made.name.clone());
        Some(Profile { id: id.clone()?, name, is_default: made.is_default(), enabled: true })
    });
    let calendar = |index| calendar(plan, wanted(index), casting.from);
    let calendars: Vec<OfficeCalendar> = (0..fleet.profiles.len()).map(calendar).collect();
    let stories = fleet.devices.iter().filter_map(|device| {
        let policy = ids.get(device.profile)?.clone()?;
        story(device, policy, calendars.get(device.profile)?, plan, casting)
    });
    let default = ids.last().cloned().flatten();
    Upstream::new(Devices::new(stories.collect(), default), profiles.collect())
}

/// The same plan where nobody is asked: when people answer cannot be simulated, so they count as having
/// answered at once.
pub(super) fn unasked(revision: &Revision) -> Revision {
    let mut revision = revision.clone();
    revision.plan.rings.iter_mut().for_each(|ring| ring.approval = None);
    revision
}

/// The devices of each profile that the plan names.
fn heads(plan: &Plan, casting: &Casting) -> Vec<(ProfileRef, Headcount)> {
    let total = match &casting.size {
        Size::Counted(heads) => return heads.clone(),
        Size::Total(total) => *total,
    };
    // Each ring has twice the devices of the one before, up to a factor of 64.
    let weight = |index: usize| 1_usize << index.min(6);
    let sum: usize = (0..plan.rings.len()).map(weight).sum();
    let shares = plan.rings.iter().enumerate().flat_map(|(index, ring)| {
        let devices = total * weight(index) / sum.max(1);
        ring.profiles.iter().map(move |_| (devices / ring.profiles.len()).max(1))
    });
    let mut shares: Vec<usize> = shares.collect();
    // What one device at least for each profile takes too many is taken from the largest.
    for _ in total..shares.iter().sum() {
        if let Some(largest) = shares.iter_mut().max().filter(|largest| **largest > 1) {
            *largest -= 1;
        }
    }
    let profiles = plan.rings.iter().flat_map(|ring| &ring.profiles);
    let mixed = |share: &usize| Headcount::mixed(*share, &casting.mix);
    let mut heads: Vec<_> = profiles.cloned().zip(shares.iter().map(mixed)).collect();
    // What rounding left over is in the last profile.
    let rest = total.saturating_sub(shares.iter().sum());
    if let Some((_, last)) = heads.last_mut() {
        last.windows += rest;
    }
    heads
}

/// The office that a profile's devices keep: that of the ring's zone.
fn calendar(plan: &Plan, profile: Option<&ProfileRef>, from: Timestamp) -> OfficeCalendar {
    let profile = profile.unwrap_or(&ProfileRef::Default);
    let ring = plan.rings.iter().find(|ring| ring.profiles.contains(profile)).or(plan.rings.first());
    ring.map_or_else(OfficeCalendar::office, |ring| {
        OfficeCalendar::of(ring.schedule.zone().local(from).time_zone().clone())
    })
}

fn story(
    device: &SyntheticDevice,
    policy: PolicyId,
    calendar: &OfficeCalendar,
    plan: &Plan,
    casting: &Casting,
) -> Option<DeviceScript> {
    if device.registrations == 0 {
        return None;
    }
    let id = DeviceId::new(device.id.clone()).ok()?;
    let client = device.initial.as_ref().map(|text| text.parse::<ClientVersion>());
    let wanted =
        |version: &ClientVersion| plan.rings.iter().any(|ring| ring.targets.values().any(|t| t == version));
    let client = match client {
        Some(Ok(version)) if wanted(&version) => Reported::Version(BEHIND),
        Some(Ok(version)) => Reported::Version(version),
        Some(Err(_)) => Reported::Unreadable(device.initial.clone().unwrap_or_default()),
        None => Reported::Null,
    };
    let mut story = DeviceScript::new(id, device.os.device_type(), BEHIND, policy);
    story.client = client;
    story.presence = presence(device, calendar, casting);
    story.heartbeat = SignedDuration::from_secs(device.habits.check_in.max(60));
    let temper = device.temper();
    story.reaction = if temper.moves {
        let (notified_after, installs_in) = (temper.notified_after, temper.installs_in);
        Reaction::Retries { notified_after, installs_in, failures: temper.failures }
    } else {
        Reaction::Stays
    };
    Some(story)
}

fn presence(device: &SyntheticDevice, calendar: &OfficeCalendar, casting: &Casting) -> OnlineSpans {
    let day = |days: i64| SignedDuration::from_hours(24 * days);
    match device.habits.rhythm {
        Rhythm::Never => OnlineSpans::never(),
        Rhythm::Gone(last) => {
            let moment = SignedDuration::from_mins(1);
            OnlineSpans::spans(vec![(last, after(last, moment))])
        }
        Rhythm::Office { .. } | Rhythm::AlwaysOn { .. } => {
            let (from, until) =
                (after(casting.from, -day(DAYS_BEFORE)), after(casting.from, day(casting.days)));
            let awake = device.habits.stretches(calendar, from, until);
            OnlineSpans::spans(awake.into_iter().map(|awake| (awake.from, awake.until)).collect())
        }
    }
}
