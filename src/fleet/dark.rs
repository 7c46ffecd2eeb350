//! Devices that went dark after they arrived: looked for once a day, beside a control group.
//!
//! **Invariant:** a look compares like with like: the same hours of each ring's own clock, the same
//! environment, seen in the same hours before; a day on which the control slept, or ringward did not
//! look, is no day.
//!
//! The first look asks about those of the day before: it is quick. The second asks about all since
//! the assignment: a device that fell silent stays in it until it is seen again, so that nobody is
//! forgotten for having been silent for long.
//!
//! One look a day and not one at each instant: a device is silent every evening, a country is
//! silent on its holiday bit by bit, and each further test of the same numbers is one more chance
//! to halt a healthy fleet. For the same reason all looks of a ring's life share one chance of
//! error, as in a sequential trial: see [`DarkEvaluation::p_at_most`].

mod days;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use days::EvaluationDay;
use serde::{Deserialize, Serialize};

use crate::fleet::fisher::{PartsPerBillion, one_sided};
use crate::fleet::presence::{REMEMBERED, hour_of};
use crate::fleet::{Class, Device, Fleet, RingScope};
use crate::schedule::{Schedule, Zone};
use crate::time::{SignedDuration, Timestamp};
use crate::{ids::DeviceId, plan::model::Percent, version::Environment};

pub use days::EVALUATED_AT_HOUR;

/// How many spans of `after` the looks reach back.
pub const LOOKS: [u8; 2] = [1, 2];

/// They share what a day may spend.
const LOOKS_A_DAY: f64 = LOOKS.len() as f64;

/// A cohort is seen in at least this many counted hours.
const COHORT_HOURS: i64 = 24;

/// The chance that a healthy ring's whole life in one environment ends in a false alarm, shared by
/// all its looks.
const CHANCE_OF_ERROR: f64 = 0.001;

/// What is asked about a ring and an environment.
#[derive(Debug, Clone, Copy)]
pub struct DarkQuestion<'a> {
    /// The ring, entered.
    pub ring: &'a RingScope,
    /// The rings that are not entered, each in its zone.
    pub control: &'a [RingScope],
    /// Which of their devices.
    pub environment: Environment,
    /// `health.dark.after`: how long silence must last.
    pub after: SignedDuration,
    /// The ring's schedule: its zone and its freezes.
    pub schedule: &'a Schedule,
    /// Devices whose silence a person has seen and accepted, and when: it is accepted until they
    /// are seen again.
    pub acknowledged: &'a BTreeMap<DeviceId, Timestamp>,
    /// Up to when everything about the devices is known.
    pub known_until: Timestamp,
}

/// All that can be said about a ring and an environment at one instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DarkEvaluations {
    /// Control devices that were seen in the last week.
    pub control_active: usize,
    /// Control devices that were seen at any time that is remembered.
    pub control_known: usize,
    /// Devices of the ring whose silence is accepted still.
    pub acknowledged: usize,
    /// The next look by the calendar, should its day count.
    pub next_at: Option<Timestamp>,
    /// The newest looks: one for each of [`LOOKS`] that reaches back to devices that had arrived.
    pub looks: Vec<DarkEvaluation>,
}

/// One look: who of those seen before was silent since, here and in the control. Before is the
/// day before, and for the second look all the time since the assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DarkEvaluation {
    /// How many spans of `after` it reaches back.
    pub look: u8,
    /// The evening up to which it looks.
    pub at: Timestamp,
    /// When it is taken: then, or once the evening has come to all of the control as well.
    pub taken_at: Timestamp,
    /// From when on silence counts.
    pub since: Timestamp,
    /// The counted days since the assignment, its own included; it starts at 1. Days beyond what
    /// presence remembers count all.
    pub day: u32,
    /// The ring's devices.
    pub ring: Share,
    /// The control's.
    pub control: Share,
    /// How likely such a difference is by chance.
    pub p: PartsPerBillion,
    /// How unlikely it must be to count: 0.0005 ÷ (day × (day + 1)), which adds up to 0.001 over
    /// both looks of all days, so that a rollout that soaks for a month does not test itself into a
    /// halt.
    pub p_at_most: PartsPerBillion,
    /// The ring's silent devices, by ID.
    pub silent: Vec<DeviceId>,
}

/// How many of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Devices seen before.
    pub of: usize,
    /// Those of them that were silent since.
    pub silent: usize,
}

impl Share {
    /// Whether more than half are silent.
    pub const fn mostly_silent(self) -> bool {
        self.silent * 2 > self.of
    }

    /// The silent share from 0 to 1; 0 of nobody.
    #[expect(clippy::cast_precision_loss, reason = "counts of devices are far below 2^53")]
    pub const fn ratio(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.silent as f64 / self.of as f64 }
    }
}

impl DarkEvaluation {
    /// Whether the ring's silent share is above the control's by more than `at_most`.
    pub fn exceeds(&self, at_most: Percent) -> bool {
        let wide = |count: usize| i128::try_from(count).unwrap_or(i128::MAX >> 64);
        let (ring, control) = (self.ring, self.control);
        let (ring_of, control_of) = (wide(ring.of), wide(control.of));
        // silent/of - silent/of > tenths/1000, without a division.
        let excess = wide(ring.silent) * control_of - wide(control.silent) * ring_of;
        excess * 1000 > i128::from(u16::from(at_most)) * ring_of * control_of
    }

    /// Whether chance is ruled out as its cause.
    pub fn is_no_chance(&self) -> bool {
        self.p <= self.p_at_most
    }
}

/// How unlikely a difference must be at a look on a day, counted from 1.
pub fn p_at_most(day: u32) -> PartsPerBillion {
    let day = f64::from(day.max(1));
    PartsPerBillion::of(CHANCE_OF_ERROR / (LOOKS_A_DAY * day * (day + 1.0)))
}

/// A device of the ring or of the control, and by how many hours its clock is behind the ring's: its
/// evening comes so much later.
#[derive(Clone, Copy)]
struct Beside<'a> {
    device: &'a Device,
    hours_behind: i64,
}

impl Beside<'_> {
    /// Whether it was seen in these hours of the ring's day, by its own clock.
    fn in_hours(&self, from: i64, until: i64) -> bool {
        self.device.presence.in_hours(from + self.hours_behind, until + self.hours_behind)
    }
}

impl Fleet {
    /// The devices of one environment and class of a ring.
    pub fn in_class<'a>(
        &'a self,
        ring: &'a RingScope,
        environment: Environment,
        class: Class,
        now: Timestamp,
    ) -> Vec<&'a DeviceId> {
        let here = self.of(ring).filter(|device| device.latest.environment() == Some(environment));
        here.filter(|device| ring.class(device, now) == Some(class)).map(|device| &device.latest.id).collect()
    }

    /// Looks for devices that went dark.
    pub fn dark(&self, question: &DarkQuestion<'_>) -> DarkEvaluations {
        let known_until = hour_of(question.known_until);
        let mut control: Vec<Beside<'_>> = Vec::new();
        for scope in question.control {
            let hours_behind = hours_behind(&scope.zone, question.schedule.zone(), question.known_until);
            let devices = self.of(scope).filter(|device| is_in(scope, device, question.environment));
            control.extend(devices.map(|device| Beside { device, hours_behind }));
        }
        let active = |hours: i64| {
            let since = known_until - hours;
            let sighted = |beside: &&Beside<'_>| beside.device.presence.in_hours(since, known_until + 1);
            control.iter().filter(sighted).count()
        };
        let (control_active, control_known) = (active(24 * 7), active(REMEMBERED.as_hours()));
        let here = self.of(question.ring).filter(|device| is_in(question.ring, device, question.environment));
        let here: Vec<Beside<'_>> = here.map(|device| Beside { device, hours_behind: 0 }).collect();
        let acknowledged = here.iter().filter(|here| question.accepts(here.device, known_until + 1)).count();
        // The evening must have come everywhere.
        let latest = control.iter().map(|beside| beside.hours_behind).max().unwrap_or_default().max(0);
        let mut days =
            days::calendar(question.schedule, question.known_until, SignedDuration::from_hours(latest));
        let next_at = days.iter().map(|day| day.taken_at).find(|at| *at > question.known_until);
        days.retain(|day| day.taken_at <= question.known_until);
        let by_day = |devices: &[Beside<'_>]| -> Vec<usize> {
            let on =
                |day: &EvaluationDay| devices.iter().filter(|one| one.in_hours(day.begins, day.ends)).count();
            days.iter().map(on).collect()
        };
        let (by_control, by_ring) = (by_day(&control), by_day(&here));
        days::mark_counted(&mut days, &by_control, &by_ring);
        let looks = LOOKS.iter().filter_map(|look| question.look(*look, &days, &here, &control));
        let looks = looks.collect();
        DarkEvaluations { control_active, control_known, acknowledged, next_at, looks }
    }
}

impl DarkQuestion<'_> {
    /// One look at the ring's devices and the control's.
    fn look(
        &self,
        look: u8,
        days: &[EvaluationDay],
        here: &[Beside<'_>],
        control: &[Beside<'_>],
    ) -> Option<DarkEvaluation> {
        let assignment = self.ring.offered(Some(self.environment)).assigned()?;
        let newest = days.iter().rposition(|day| day.counts)?;
        let days = days.get(..=newest)?;
        let EvaluationDay { looks_at: at, taken_at, .. } = *days.last()?;
        let assigned_hour = hour_of(assignment.at);
        let day = days::days_since(days, assigned_hour)?;
        let look_hour = hour_of(at);
        let since = days::counted_back(days, look_hour, self.after.as_hours() * i64::from(look))?;
        let day_before = days::counted_back(days, since, COHORT_HOURS);
        let cohort_from = match look {
            1 => day_before?,
            _ => day_before.unwrap_or(assigned_hour).min(assigned_hour),
        };
        let sighted = |beside: &Beside<'_>| beside.in_hours(cohort_from, since);
        let is_silent = |here: &Beside<'_>| !here.in_hours(since, look_hour);
        // A day that the ring lost, the control must not have had either.
        let counted = days::counted_between(days, since, look_hour);
        let is_silent_beside =
            |beside: &&&Beside<'_>| !counted.iter().any(|(from, until)| beside.in_hours(*from, *until));
        let since_at = Timestamp::from_second(since * 3600).ok()?;
        let of_cohort = |here: &&Beside<'_>| {
            let arrived_at = here.device.progress_under(assignment).arrived_at;
            arrived_at.is_some_and(|arrived| arrived <= since_at)
                && !self.accepts(here.device, look_hour)
                && sighted(here)
        };
        let cohort: Vec<&Beside<'_>> = here.iter().filter(of_cohort).collect();
        if cohort.is_empty() {
            return None;
        }
        let mut silent: Vec<DeviceId> =
            cohort.iter().filter(|here| is_silent(here)).map(|here| here.device.latest.id.clone()).collect();
        silent.sort();
        let beside: Vec<&Beside<'_>> = control.iter().filter(|beside| sighted(beside)).collect();
        let ring = Share { of: cohort.len(), silent: silent.len() };
        let control = Share { of: beside.len(), silent: beside.iter().filter(is_silent_beside).count() };
        let p = PartsPerBillion::of(one_sided(ring.silent, ring.of, control.silent, control.of));
        let p_at_most = p_at_most(day);
        Some(DarkEvaluation { look, at, taken_at, since: since_at, day, ring, control, p, p_at_most, silent })
    }

    /// Whether the silence of a device was accepted, and it was not seen since and before an hour.
    fn accepts(&self, device: &Device, until: i64) -> bool {
        let accepted = self.acknowledged.get(&device.latest.id);
        accepted.is_some_and(|at| !device.presence.in_hours(hour_of(*at) + 1, until))
    }
}

/// By how many whole hours a zone's clocks are behind another's at an instant.
fn hours_behind(zone: &Zone, other: &Zone, at: Timestamp) -> i64 {
    let seconds = |zone: &Zone| i64::from(zone.local(at).offset().seconds());
    // To the nearest hour: presence knows no less.
    (seconds(other) - seconds(zone) + 1_800).div_euclid(3_600)
}

/// Whether a device is in a ring now, with this environment.
fn is_in(ring: &RingScope, device: &Device, environment: Environment) -> bool {
    device.latest.environment() == Some(environment)
        && !device.has_left()
        && device.latest.policy.as_ref().is_some_and(|policy| ring.policies.contains(&policy.id))
}
