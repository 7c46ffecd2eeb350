//! Fleets of people: when their laptops are open.
//!
//! **Invariant:** a device's days follow from the run's seed and its own number, so that nothing in
//! one device's story moves another's.

use jiff::civil::{Date, Weekday};
use ringward::ids::{DeviceId, PolicyId};
use ringward::schedule::Zone;
use ringward::time::{SignedDuration, Timestamp, after};
use ringward::version::ClientVersion;

use super::support::drive::devices::{DeviceScript, OnlineSpans, Reaction};
use crate::support::dice::Dice;

/// What devices run before the rollout.
pub(crate) const OLD: ClientVersion = ClientVersion::new(2026, 7, 1376, 0);

/// The days that presence is made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Days {
    pub(crate) first: Date,
    pub(crate) count: usize,
}

/// How the devices of a profile live.
#[derive(Debug, Clone)]
pub(crate) struct Habits {
    /// Where most of them work.
    pub(crate) zone: &'static str,
    /// Per mille that stay closed on a working day.
    pub(crate) absent: usize,
    /// Per mille that are never closed.
    pub(crate) always_on: usize,
    /// Per mille that are used at weekends too.
    pub(crate) weekends: usize,
    /// Per mille that never work on one day of the week.
    pub(crate) part_time: usize,
    /// Per mille of weeks in which a vacation of one to three weeks begins.
    pub(crate) vacation: usize,
    /// Per mille that work in another zone.
    pub(crate) elsewhere: usize,
    /// Days on which everybody with office hours is at home.
    pub(crate) at_home: Vec<Date>,
    /// A day between a holiday and a weekend, and how many per mille stay at home on it.
    pub(crate) bridge: Option<(Date, usize)>,
}

impl Habits {
    /// Office hours on weekdays, and so many per mille absent on each of them; nothing else.
    pub(crate) fn office(absent: usize) -> Self {
        Self {
            zone: "Europe/Lisbon",
            absent,
            always_on: 0,
            weekends: 0,
            part_time: 0,
            vacation: 0,
            elsewhere: 0,
            at_home: Vec::new(),
            bridge: None,
        }
    }
}

/// Where people work who work elsewhere.
const ELSEWHERE: [&str; 4] = ["America/Los_Angeles", "America/New_York", "Asia/Tokyo", "Europe/Berlin"];

/// Dice for one purpose of one device.
fn dice(seed: u64, device: usize, purpose: u64) -> Dice {
    Dice::new(seed.wrapping_mul(0x9e37_79b9).wrapping_add((device as u64) << 20).wrapping_add(purpose << 52))
}

fn per_mille(dice: &mut Dice, chance: usize) -> bool {
    dice.below(1_000) < chance
}

/// The spans in which a device is open.
pub(crate) fn spans(habits: &Habits, days: Days, seed: u64, device: usize) -> Vec<(Timestamp, Timestamp)> {
    let mut kind = dice(seed, device, 1);
    let always_on = per_mille(&mut kind, habits.always_on);
    let weekends = per_mille(&mut kind, habits.weekends);
    let free_day = per_mille(&mut kind, habits.part_time).then(|| kind.below(5));
    let elsewhere = per_mille(&mut kind, habits.elsewhere);
    let zone = if elsewhere { kind.pick(&ELSEWHERE) } else { habits.zone };
    let zone = Zone::new(zone).unwrap_or_else(|error| panic!("{zone}: {error}"));
    let tz = zone.local(Timestamp::UNIX_EPOCH).time_zone().clone();
    let begins = kind.below(90) as i64 + 8 * 60;
    let stays = kind.below(120) as i64 + 7 * 60;
    let mut day = dice(seed, device, 2);
    let mut away = 0_usize;
    let mut spans = Vec::new();
    for date in days.first.series(jiff::Span::new().days(1)).take(days.count) {
        // Every die is thrown on every day: a holiday moves no other day.
        let (closed, early, long) =
            (per_mille(&mut day, habits.absent), day.below(31) as i64, day.below(61) as i64);
        let bridges = per_mille(&mut day, habits.bridge.map_or(0, |(_, chance)| chance));
        let (leaves, weeks) = (per_mille(&mut day, habits.vacation), 1 + day.below(3));
        let weekday = date.weekday().to_monday_zero_offset();
        away = away.saturating_sub(1);
        if date.weekday() == Weekday::Monday && leaves {
            away = away.max(7 * weeks);
        }
        let midnight =
            date.to_zoned(tz.clone()).unwrap_or_else(|error| panic!("{date}: {error}")).timestamp();
        let minutes = |minutes: i64| after(midnight, SignedDuration::from_mins(minutes));
        if always_on {
            // The service restarts at night, and is back at once.
            spans.push((minutes(5), minutes(24 * 60 - 60)));
            continue;
        }
        let weekend = weekday >= 5 && !weekends;
        let on_a_bridge = bridges && habits.bridge.is_some_and(|(day, _)| day == date);
        let at_home = habits.at_home.contains(&date) || on_a_bridge;
        if weekend || closed || away > 0 || at_home || free_day == Some(weekday as usize) {
            continue;
        }
        let from = begins - 15 + early;
        spans.push((minutes(from), minutes(from + stays - 30 + long)));
    }
    spans
}

/// The same up to the end of the span in which a device first runs the target: it works until it
/// sleeps, and never comes back after its first wake.
pub(crate) fn never_wakes_again(
    spans: &[(Timestamp, Timestamp)],
    assigned_at: Timestamp,
) -> Vec<(Timestamp, Timestamp)> {
    let told = after(assigned_at, NOTIFIED);
    let Some(present) = spans.iter().find(|(_, until)| *until > told).map(|(from, _)| (*from).max(told))
    else {
        return spans.to_vec();
    };
    let arrives_at = after(present, INSTALLS);
    // Seen with it once at least: heartbeats are ten minutes apart.
    let seen_at = after(arrives_at, SignedDuration::from_mins(10));
    let last = spans.iter().position(|(_, until)| *until > seen_at);
    spans[..last.map_or(spans.len(), |last| last + 1)].to_vec()
}

/// How long Cloudflare takes to tell a device, and the device to install.
const NOTIFIED: SignedDuration = SignedDuration::from_mins(5);
const INSTALLS: SignedDuration = SignedDuration::from_mins(10);

/// A device that takes what it is offered.
pub(crate) fn story(
    name: &str,
    system: &str,
    profile: &PolicyId,
    spans: Vec<(Timestamp, Timestamp)>,
) -> DeviceScript {
    let id = DeviceId::new(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut story = DeviceScript::new(id, system, OLD, profile.clone());
    story.presence = OnlineSpans::spans(spans);
    story.reaction = Reaction::Arrives { notified_after: NOTIFIED, installs_in: INSTALLS };
    story
}
