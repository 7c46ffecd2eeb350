//! When devices will be seen, drawn from the hours in which they were seen lately.
//!
//! Each day to come is one of the device's own days of the same kind (working day or not), or now and
//! then a day of some other device, because a few days do not show all that a device may do.
//!
//! **Invariant:** a device that was not seen for two weeks is never seen again; a day that nobody
//! watched says nothing.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::situation::{Sampled, Situation};
use crate::schedule::Zone;
use crate::simulation::devices::OnlineSpans;
use crate::synthetic::Dice;
use crate::time::{SignedDuration, Timestamp, after, since};

/// Days further back are not like the days to come.
const DAYS_BACK: i64 = 28;

/// Not seen for this long: in a drawer.
const DRAWER: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A gap of so many hours within a day is no sleep.
const NO_SLEEP: u32 = 2;

/// From 9 to 18 o'clock: a working day where none was watched yet.
const OFFICE: u32 = 0b0000_0011_1111_1110_0000_0000;

/// Of so many thousand such days, a device stays away on the rest.
const OFFICE_PER_MILLE: u16 = 880;

/// A weekend day where none was watched yet has a device on this often.
const WEEKEND_PER_MILLE: u16 = 80;

/// The hours of one local day, bit 0 being the first.
type Hours = u32;

/// A local day.
#[derive(Debug, Clone, Copy)]
struct LocalDay {
    begins: Timestamp,
    works: bool,
}

/// The days of one zone.
#[derive(Debug, Clone)]
struct DaysOfZone {
    past: Vec<LocalDay>,
    ahead: Vec<LocalDay>,
}

/// One device's days, by kind.
#[derive(Debug, Clone, Default)]
struct Own {
    working: Vec<Hours>,
    free: Vec<Hours>,
}

impl Own {
    fn of(&self, day: &LocalDay) -> &[Hours] {
        if day.works { &self.working } else { &self.free }
    }
}

/// What the devices of a situation do.
#[derive(Debug, Clone)]
pub(super) struct LearnedHabits {
    /// Those of each ring's zone.
    calendars: Vec<DaysOfZone>,
    own: Vec<Own>,
    pooled: Own,
}

impl LearnedHabits {
    /// Learns the habits of all devices of a sample; days reach `ahead` days.
    pub(super) fn learn(situation: &Situation, ahead: i64) -> Self {
        let days = |zone: &Zone| DaysOfZone::of(zone, situation, ahead);
        let calendars = situation.zones.iter().map(days).collect();
        let mut habits = Self { calendars, own: Vec::new(), pooled: Own::default() };
        for sampled in &situation.sample {
            let own = habits.own_days(sampled);
            habits.pooled.working.extend(&own.working);
            habits.pooled.free.extend(&own.free);
            habits.own.push(own);
        }
        habits
    }

    fn own_days(&self, sampled: &Sampled) -> Own {
        let mut own = Own::default();
        let Some(calendar) = self.calendars.get(sampled.ring) else { return own };
        for day in &calendar.past {
            let hour = |hour: i64| after(day.begins, SignedDuration::from_hours(hour));
            let seen = |at: &i64| sampled.device.presence.between(hour(*at), hour(at + 1));
            let hours = (0..24).filter(seen).fold(0, |hours, at| hours | 1 << at);
            if day.works { own.working.push(hours) } else { own.free.push(hours) }
        }
        own
    }

    /// When the device at `index` of the sample is there, in one drawing.
    pub(super) fn presence(
        &self,
        index: usize,
        sampled: &Sampled,
        now: Timestamp,
        dice: Dice,
    ) -> OnlineSpans {
        let Some(last) = sampled.device.latest.last_seen_at else { return OnlineSpans::never() };
        let moment = SignedDuration::from_millis(1);
        let mut spans = vec![(last, after(last, moment))];
        let (Some(calendar), Some(own)) = (self.calendars.get(sampled.ring), self.own.get(index)) else {
            return OnlineSpans::spans(spans);
        };
        if since(last, now) < DRAWER {
            for (number, day) in (0..).zip(&calendar.ahead) {
                let die = dice.nth(number);
                spans_of(self.hours(own, day, die), day, die, &mut spans);
            }
        }
        spans.retain(|(_, until)| *until > now || *until <= after(last, moment));
        for span in spans.iter_mut().skip(1) {
            span.0 = span.0.max(now);
        }
        OnlineSpans::spans(spans)
    }

    fn hours(&self, own: &Own, day: &LocalDay, die: Dice) -> Hours {
        let (own, pooled) = (own.of(day), self.pooled.of(day));
        let pick = |days: &[Hours], die: Dice| {
            days.get(usize::try_from(die.below(days.len() as u64)).unwrap_or(0)).copied()
        };
        // One day of somebody else stands beside the device's own.
        let others = die.of("whose").below(own.len() as u64 + 1) == 0;
        let drawn = if others { pick(pooled, die.of("other")) } else { pick(own, die.of("own")) };
        drawn.unwrap_or_else(|| {
            let per_mille = if day.works { OFFICE_PER_MILLE } else { WEEKEND_PER_MILLE };
            if die.of("office").happens(per_mille) { OFFICE } else { 0 }
        })
    }
}

impl DaysOfZone {
    fn of(zone: &Zone, situation: &Situation, ahead: i64) -> Self {
        let local = zone.local(situation.now);
        let tz = local.time_zone().clone();
        let begin = |date: Date| date.to_zoned(tz.clone()).ok().map(|begin| begin.timestamp());
        let day = |offset: i64, works: &dyn Fn(Date) -> bool| {
            let date = local.date().checked_add(jiff::Span::new().try_days(offset).ok()?).ok()?;
            Some(LocalDay { begins: begin(date)?, works: works(date) })
        };
        let by_calendar = |date: Date| date.weekday().to_monday_zero_offset() < 5;
        let watched = |day: &LocalDay| day.begins >= situation.watched_since;
        let mut past: Vec<LocalDay> =
            (-DAYS_BACK..0).filter_map(|offset| day(offset, &by_calendar)).filter(watched).collect();
        let activity: Vec<usize> = past.iter().map(|day| seen_on(situation, day)).collect();
        let most = activity.iter().copied().max().unwrap_or(0);
        // By weekday: the share of the busiest day; the country's own weekend shows in it.
        let mut by_weekday: BTreeMap<i8, (usize, usize)> = BTreeMap::new();
        for (day, seen) in past.iter().zip(&activity) {
            let weekday = zone.local(day.begins).weekday().to_monday_zero_offset();
            let sum = by_weekday.entry(weekday).or_default();
            *sum = (sum.0 + seen, sum.1 + 1);
        }
        let works = |date: Date| match by_weekday.get(&date.weekday().to_monday_zero_offset()) {
            Some((seen, days)) if most > 0 => seen * 2 >= most * days,
            _ => by_calendar(date),
        };
        for day in &mut past {
            day.works = works(zone.local(day.begins).date());
        }
        // A working day on which hardly anybody was seen is a holiday, or nobody watched.
        let usual = |(day, seen): (LocalDay, usize)| (!day.works || seen * 4 >= most).then_some(day);
        let past = past.into_iter().zip(activity).filter_map(usual).collect();
        let ahead = (0..=ahead).filter_map(|offset| day(offset, &works)).collect();
        Self { past, ahead }
    }
}

fn seen_on(situation: &Situation, day: &LocalDay) -> usize {
    let ends = after(day.begins, SignedDuration::from_hours(24));
    situation.sample.iter().filter(|sampled| sampled.device.presence.between(day.begins, ends)).count()
}

/// The spans of one day: runs of hours, with the minutes drawn.
fn spans_of(hours: Hours, day: &LocalDay, die: Dice, spans: &mut Vec<(Timestamp, Timestamp)>) {
    let at = |hour: u32, minutes: i64| {
        after(day.begins, SignedDuration::from_mins(i64::from(hour) * 60 + minutes))
    };
    let mut rest = hours;
    while rest != 0 {
        let first = rest.trailing_zeros();
        let mut last = first;
        while let Some(next) = (last + 1..24).find(|hour| rest & 1 << hour != 0) {
            if next - last > NO_SLEEP + 1 {
                break;
            }
            last = next;
        }
        let die = die.of("minutes").nth(u64::from(first));
        // A run that goes round midnight goes on.
        let begin = if first == 0 { 0 } else { die.of("begin").between(0, 50) };
        let end = if last == 23 { 60 } else { die.of("end").between(10, 59) };
        spans.push((at(first, begin), at(last, end).max(at(first, begin + 10))));
        rest = rest.checked_shr(last + 1).and_then(|rest| rest.checked_shl(last + 1)).unwrap_or(0);
    }
}
