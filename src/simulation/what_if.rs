//! The stories that a user may have befall a simulation: `--fault no-reconnect-after-wake=5%`.
//!
//! **Invariant:** a text that is no story is refused with the names of all stories; a story changes
//! devices, people or upstream, never ringward's core.

use std::str::FromStr;

use jiff::civil::Date;

use super::devices::{AfterUpdate, DeviceScript, Reaction};
use super::upstream::{Misread, Outsider, ReadFault, Upstream};
use crate::ids::RingName;
use crate::plan::model::{Percent, Plan, ProfileRef, RingPlan};
use crate::rollout::record::{Event, Profile, Recorded};
use crate::synthetic::{Dice, Mix};
use crate::time::{SignedDuration, Timestamp, after};
use crate::version::{ClientVersion, Environment};

/// What another updater installs: a build that no plan here asks for.
const FOREIGN: ClientVersion = ClientVersion::new(2026, 6, 905, 0);

/// So long after the begin another updater sets out.
const UPDATER_COMES_AFTER: SignedDuration = SignedDuration::from_hours(26);

/// So long after a ring's write somebody changes its group.
const DRIFTS_AFTER: SignedDuration = SignedDuration::from_hours(20);

/// A story.
#[derive(Debug, Clone, PartialEq, Eq, strum::Display)]
pub enum WhatIf {
    /// A share of the devices does not connect again after its first sleep on the new version.
    #[strum(to_string = "no-reconnect-after-wake={0}")]
    NoReconnectAfterWake(Percent),
    /// No device of an environment can install anything.
    #[strum(to_string = "installer-blocked={0}")]
    InstallerBlocked(Environment),
    /// A day on which nobody in a ring works.
    #[strum(to_string = "local-holiday={0}:{1}")]
    LocalHoliday(RingName, Date),
    /// Something else updates a third of a ring's devices, a day after the begin.
    #[strum(to_string = "other-updater={0}")]
    OtherUpdater(RingName),
    /// Somebody changes the version in a ring's group, the day after ringward wrote it.
    #[strum(to_string = "drift={0}")]
    Drift(RingName),
    /// No read succeeds, from 09:00 UTC of a day on, for so many hours.
    #[strum(to_string = "outage={0}:{1}")]
    Outage(Date, u16),
    /// Half of the laptops stay closed on any day, and installations fail often.
    #[strum(to_string = "slow-fleet")]
    SlowFleet,
}

/// A text that is no story.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}; known are {}", WhatIf::FORMS.join(", "))]
pub struct UnknownWhatIf {
    why: &'static str,
}

/// A story that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DoesNotFit {
    /// The plan has no such ring.
    #[error("fault `{fault}` names ring `{ring}`, and the plan has no such ring; its rings are {known}")]
    NoSuchRing { fault: String, ring: RingName, known: String },
    /// Its day is not simulated.
    #[error(
        "fault `{fault}` would never come: from {from} to {until} is simulated; change its date, --from or --days"
    )]
    OutOfTime { fault: String, from: Timestamp, until: Timestamp },
}

/// What a story does to an account, before anything has happened there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Befalls {
    pub devices: Reached,
    /// When it comes to what is no device.
    pub at: Option<Timestamp>,
}

impl WhatIf {
    /// All stories, as they are written.
    pub const FORMS: [&'static str; 7] = [
        "no-reconnect-after-wake[=5%]",
        "installer-blocked=windows|macos",
        "local-holiday=RING:DATE",
        "other-updater=RING",
        "drift=RING",
        "outage=DATE[:HOURS]",
        "slow-fleet",
    ];

    /// Whether the plan has the ring that it names, and its day is simulated.
    ///
    /// # Errors
    /// When not.
    pub fn fits(&self, plan: &Plan, from: Timestamp, until: Timestamp) -> Result<(), DoesNotFit> {
        let ring = match self {
            Self::LocalHoliday(name, _) | Self::OtherUpdater(name) | Self::Drift(name) => {
                let ring = plan.rings.iter().find(|known| known.name == *name);
                Some(ring.ok_or_else(|| self.no_such_ring(name, plan))?)
            }
            Self::NoReconnectAfterWake(_)
            | Self::InstallerBlocked(_)
            | Self::Outage(..)
            | Self::SlowFleet => None,
        };
        let span = match (self, ring) {
            (Self::LocalHoliday(_, date), Some(ring)) => whole_day(ring, *date, from),
            (Self::Outage(date, hours), _) => outage(*date, *hours),
            _ => return Ok(()),
        };
        match span {
            Some((begin, end)) if begin < until && end > from => Ok(()),
            _ => Err(DoesNotFit::OutOfTime { fault: self.to_string(), from, until }),
        }
    }

    fn no_such_ring(&self, ring: &RingName, plan: &Plan) -> DoesNotFit {
        let known: Vec<&str> = plan.rings.iter().map(|ring| ring.name.as_str()).collect();
        DoesNotFit::NoSuchRing { fault: self.to_string(), ring: ring.clone(), known: known.join(", ") }
    }

    /// What it makes of the mixture of devices.
    pub fn mix(&self, mix: Mix) -> Mix {
        let Self::SlowFleet = self else { return mix };
        Mix { absent_day: 500, away_week: 60, failed_install: 400, ..mix }
    }

    /// Has it befall an account that nothing has happened in yet.
    pub fn befall(&self, account: &mut Upstream, plan: &Plan, from: Timestamp, seed: u64) -> Befalls {
        let dice = Dice::seeded(seed).of("what if").of(&self.to_string());
        let ring_of = |name: &RingName| plan.rings.iter().find(|ring| ring.name == *name);
        let mut befalls = Befalls::default();
        match self {
            Self::NoReconnectAfterWake(share) => {
                account.devices.retell(|index, story| {
                    if share.of_a_thousand() > dice.nth(index).below(1_000) {
                        story.after_update = AfterUpdate::NeverWakes;
                        befalls.devices.push((index, from));
                    }
                });
            }
            Self::InstallerBlocked(environment) => account.devices.retell(|index, story| {
                if story.environment() == Some(*environment) {
                    story.reaction = Reaction::Stays;
                    befalls.devices.push((index, from));
                }
            }),
            Self::LocalHoliday(ring, date) => {
                if let Some(ring) = ring_of(ring)
                    && let Some(day) = whole_day(ring, *date, from)
                {
                    befalls.devices = holiday(account, ring, day);
                }
            }
            Self::OtherUpdater(ring) => {
                if let Some(ring) = ring_of(ring) {
                    befalls.devices = other_updater(account, ring, from, dice);
                }
            }
            Self::Outage(date, hours) => {
                if let Some((from, until)) = outage(*date, *hours) {
                    let reads = [Misread::Groups, Misread::Profiles, Misread::Devices];
                    account.read_faults.extend(reads.map(|what| ReadFault { from, until, what }));
                    befalls.at = Some(from);
                }
            }
            Self::SlowFleet => {
                let devices = (0..).zip(account.devices.stories());
                befalls.devices = devices.map(|(index, _)| (index, from)).collect();
            }
            Self::Drift(_) => {}
        }
        befalls
    }

    /// What somebody does at Cloudflare because of something that ringward did, and when.
    pub fn follows(&self, recorded: &Recorded, plan: &Plan) -> Option<(Timestamp, Outsider)> {
        let Self::Drift(drifting) = self else { return None };
        let Event::WriteConfirmed { ring, group, .. } = &recorded.entry.event else { return None };
        let of_plan = recorded.entry.rollout.as_ref().is_some_and(|rollout| rollout.plan == plan.name);
        let environment = plan.rings.iter().find(|known| known.name == *ring)?.targets.keys().next()?;
        let edit = Outsider::SetsVersion(group.content.name.clone(), *environment, FOREIGN.to_string());
        (of_plan && ring == drifting).then(|| (after(recorded.at, DRIFTS_AFTER), edit))
    }
}

/// Devices by their index, and when something reaches each.
pub type Reached = Vec<(u64, Timestamp)>;

/// Takes the devices of a ring away for a day; those that would have been there, and when.
fn holiday(account: &mut Upstream, ring: &RingPlan, (from, until): (Timestamp, Timestamp)) -> Reached {
    let (mut missed, profiles) = (Vec::new(), account.profiles.clone());
    account.devices.retell(|index, story| {
        if is_in(story, ring, &profiles) {
            let expected = story.presence.first_from(from).filter(|at| *at < until);
            missed.extend(expected.map(|at| (index, at)));
            story.presence = story.presence.without(from, until);
        }
    });
    missed
}

/// Has something else update a third of a ring.
fn other_updater(account: &mut Upstream, ring: &RingPlan, from: Timestamp, dice: Dice) -> Reached {
    let (mut moved, profiles) = (Vec::new(), account.profiles.clone());
    account.devices.retell(|index, story| {
        let die = dice.nth(index);
        if is_in(story, ring, &profiles) && die.of("hit").below(3) == 0 {
            let within = SignedDuration::from_mins(die.of("when").between(0, 600));
            let at = after(after(from, UPDATER_COMES_AFTER), within);
            story.installed_by_others.push((at, FOREIGN));
            moved.push((index, at));
        }
    });
    moved
}

/// From 09:00 UTC of a day on, for so many hours.
fn outage(date: Date, hours: u16) -> Option<(Timestamp, Timestamp)> {
    let from = date.at(9, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some((from, after(from, SignedDuration::from_hours(i64::from(hours)))))
}

fn is_in(story: &DeviceScript, ring: &RingPlan, profiles: &[Profile]) -> bool {
    profiles.iter().filter(|profile| profile.id == story.profile).any(|profile| {
        ring.profiles.iter().any(|wanted| match wanted {
            ProfileRef::Default => profile.is_default,
            ProfileRef::Id(id) => profile.id == *id,
            ProfileRef::Named(name) => profile.name.as_ref() == Some(name),
        })
    })
}

fn whole_day(ring: &RingPlan, date: Date, near: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let zone = ring.schedule.zone().local(near).time_zone().clone();
    let begin = date.to_zoned(zone.clone()).ok()?.timestamp();
    let end = date.tomorrow().ok()?.to_zoned(zone).ok()?.timestamp();
    Some((begin, end))
}

impl FromStr for WhatIf {
    type Err = UnknownWhatIf;

    fn from_str(text: &str) -> Result<Self, UnknownWhatIf> {
        let wrong = |why| UnknownWhatIf { why };
        let mut parts = text.splitn(2, '=').map(str::trim);
        let (name, detail) = (parts.next().unwrap_or_default(), parts.next());
        let ring = |detail: Option<&str>| {
            let name = detail.ok_or_else(|| wrong("it names no ring"))?;
            RingName::new(name).map_err(|_| wrong("it names no ring"))
        };
        match name {
            "no-reconnect-after-wake" => {
                let share = match detail {
                    None => Percent::whole(5),
                    Some(text) => share(text).ok_or_else(|| wrong("its share is not from 0% to 100%"))?,
                };
                Ok(Self::NoReconnectAfterWake(share))
            }
            "installer-blocked" => {
                let known = |text: &str| Environment::ALL.into_iter().find(|one| one.as_str() == text);
                let environment = detail.and_then(known);
                environment.map(Self::InstallerBlocked).ok_or_else(|| wrong("it is for windows or macos"))
            }
            "local-holiday" => {
                let (name, date) = detail.and_then(|text| text.rsplit_once(':')).unwrap_or(("", ""));
                let date =
                    date.trim().parse().map_err(|_| wrong("it has a ring and a date: RING:2026-12-08"))?;
                Ok(Self::LocalHoliday(ring(Some(name.trim()))?, date))
            }
            "other-updater" => Ok(Self::OtherUpdater(ring(detail)?)),
            "drift" => Ok(Self::Drift(ring(detail)?)),
            "outage" => {
                let text = detail.unwrap_or_default();
                let (date, hours) = text.split_once(':').unwrap_or((text, "6"));
                let date = date.trim().parse().map_err(|_| wrong("its date is not like 2026-12-08"))?;
                let hours = hours.trim().parse().ok().filter(|hours| (1..=1_000).contains(hours));
                Ok(Self::Outage(date, hours.ok_or_else(|| wrong("its hours are not from 1 to 1000"))?))
            }
            "slow-fleet" if detail.is_none() => Ok(Self::SlowFleet),
            "slow-fleet" => Err(wrong("it takes no value")),
            _ => Err(wrong("unknown fault")),
        }
    }
}

/// `5%` or `2.5%`.
fn share(text: &str) -> Option<Percent> {
    let (whole, tenth) = match text.strip_suffix('%')?.trim().split_once('.') {
        Some((whole, tenth)) if tenth.len() == 1 => (whole, tenth),
        Some(_) => return None,
        None => (text.strip_suffix('%')?.trim(), "0"),
    };
    let (whole, tenth): (u16, u16) = (whole.parse().ok()?, tenth.parse().ok()?);
    Percent::from_tenths(whole.checked_mul(10)?.checked_add(tenth)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stories_are_read_and_told_alike() {
        let rows = [
            ("no-reconnect-after-wake", Some("no-reconnect-after-wake=5%")),
            ("no-reconnect-after-wake=2.5%", Some("no-reconnect-after-wake=2.5%")),
            ("no-reconnect-after-wake=101%", None),
            ("no-reconnect-after-wake=5", None),
            ("installer-blocked=macos", Some("installer-blocked=macos")),
            ("installer-blocked=linux", None),
            ("installer-blocked", None),
            (
                "local-holiday=Ring 0: the first:2026-12-08",
                Some("local-holiday=Ring 0: the first:2026-12-08"),
            ),
            ("local-holiday=Ring 0", None),
            ("local-holiday=:2026-12-08", None),
            ("other-updater=Everyone", Some("other-updater=Everyone")),
            ("other-updater=", None),
            ("drift=Everyone", Some("drift=Everyone")),
            ("outage=2026-12-08", Some("outage=2026-12-08:6")),
            ("outage=2026-12-08:48", Some("outage=2026-12-08:48")),
            ("outage=2026-12-32", None),
            ("outage=2026-12-08:0", None),
            ("slow-fleet", Some("slow-fleet")),
            ("slow-fleet=very", None),
            ("fire", None),
        ];
        for (text, expected) in rows {
            let read = text.parse::<WhatIf>();
            assert_eq!(read.as_ref().ok().map(ToString::to_string).as_deref(), expected, "{text}");
            if let Err(error) = read {
                let told = error.to_string();
                assert!(WhatIf::FORMS.iter().all(|form| told.contains(form)), "{told}");
            }
        }
    }
}
