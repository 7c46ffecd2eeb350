//! The days on which a ring is looked at, and which of them count.
//!
//! **Invariant:** a day on which the control slept, or that the ring lost as a whole, counts for nobody.

use crate::fleet::presence::{REMEMBERED, hour_of};
use crate::schedule::Schedule;
use crate::time::{SignedDuration, Timestamp, after};

/// A look is taken at this hour of the ring's zone: the working day is over.
pub const EVALUATED_AT_HOUR: i8 = 20;

/// Days that are looked back over: what presence remembers, less the hours that the borders cut.
const DAYS: usize = REMEMBERED.as_hours() as usize / 24 - 1;

/// The days among which the busiest one says what a working day is.
const WEEK: usize = 7;

/// A calendar day of the ring's zone, in hours from 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct EvaluationDay {
    pub(super) begins: i64,
    pub(super) ends: i64,
    pub(super) looks_at: Timestamp,
    pub(super) taken_at: Timestamp,
    is_frozen: bool,
    pub(super) counts: bool,
}

/// The days that count since an hour; those before the calendar count all, so that no look is given
/// the room of an earlier one. `None`: not one yet.
pub(super) fn days_since(days: &[EvaluationDay], hour: i64) -> Option<u32> {
    let counted = days.iter().filter(|day| day.counts && day.begins > hour).count();
    let unknown = days.first().map_or(0, |first| (first.begins - hour).max(0) / 24);
    let day = u32::try_from(counted).ok()?.checked_add(u32::try_from(unknown).ok()?)?;
    (counted > 0).then_some(day)
}

/// The days up to the one after `until`, oldest first, as far back as presence is remembered.
/// The look at a day is taken so long after its evening.
pub(super) fn calendar(schedule: &Schedule, until: Timestamp, wait: SignedDuration) -> Vec<EvaluationDay> {
    let local = schedule.zone().local(until);
    let zone = local.time_zone().clone();
    let mut days = Vec::with_capacity(DAYS + 2);
    let Ok(mut date) = local.date().tomorrow() else { return days };
    for _ in 0..DAYS + 2 {
        let instant = |date: jiff::civil::Date, hour: i8| {
            date.at(hour, 0, 0, 0).to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).ok()
        };
        let next = date.tomorrow().ok().and_then(|next| instant(next, 0));
        let (Some(begins), Some(ends), Some(looks_at)) =
            (instant(date, 0), next, instant(date, EVALUATED_AT_HOUR))
        else {
            break;
        };
        let is_frozen =
            schedule.freezes().iter().any(|freeze| freeze.from() <= date && date <= freeze.until());
        let (begins, ends, taken_at) = (hour_of(begins), hour_of(ends), after(looks_at, wait));
        days.push(EvaluationDay { begins, ends, looks_at, taken_at, is_frozen, counts: false });
        let Ok(before) = date.yesterday() else { break };
        date = before;
    }
    days.reverse();
    days
}

/// A day counts unless it is frozen, quiet, or free: one on which the ring's people are at home each
/// week while the control works, as where the weekend is another. Nor does one that is over on which
/// most of the ring was away, once it came back: an outage, or a holiday of its country. A ring that fell
/// silent is no free day's: it was there on the weekdays before.
///
/// `control`, `ring`: how many of their devices were seen on each day.
pub(super) fn mark_counted(days: &mut [EvaluationDay], control: &[usize], ring: &[usize]) {
    let mut came_back = false;
    for (index, day) in days.iter_mut().enumerate().rev() {
        let weeks_before = (1..).map_while(|weeks| index.checked_sub(WEEK * weeks));
        // A day of which nothing is known says nothing about the ring.
        let known = weeks_before.filter(|before| is_busy(control, *before) == Some(true));
        let mut usual = known.filter_map(|before| is_busy(ring, before)).peekable();
        let is_free = usual.peek().is_some() && usual.all(|busy| !busy);
        let was_there = is_busy(ring, index);
        let is_over = came_back && was_there == Some(false);
        day.counts = !day.is_frozen && is_busy(control, index) == Some(true) && !is_free && !is_over;
        came_back |= day.counts && was_there == Some(true);
    }
}

/// Whether at least half as many were seen on a day as on the busiest day of its week; `None` when
/// nobody was in all of it.
fn is_busy(sighted: &[usize], index: usize) -> Option<bool> {
    let week = sighted.get(index.saturating_sub(WEEK - 1)..=index)?;
    let busiest = week.iter().max().filter(|busiest| **busiest > 0)?;
    Some(week.last()? * 2 >= *busiest)
}

/// The hours of counted days from one to another.
pub(super) fn counted_between(days: &[EvaluationDay], from: i64, until: i64) -> Vec<(i64, i64)> {
    let spans = days.iter().filter(|day| day.counts).map(|day| (day.begins.max(from), day.ends.min(until)));
    spans.filter(|(from, until)| from < until).collect()
}

/// The hour that lies so many counted hours before `hour`; `None`: further back than is known.
pub(super) fn counted_back(days: &[EvaluationDay], hour: i64, mut hours: i64) -> Option<i64> {
    for day in days.iter().rev().filter(|day| day.counts && day.begins < hour) {
        let until = day.ends.min(hour);
        if until - day.begins >= hours {
            return Some(until - hours);
        }
        hours -= until - day.begins;
    }
    None
}
