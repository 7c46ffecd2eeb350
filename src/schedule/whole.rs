//! A schedule as a whole: its openings and freezes as written, and what is frozen when.
//!
//! **Invariant:** the instants follow from what is written, and are worked out when it is made or read.

use serde::{Deserialize, Serialize};

use crate::schedule::parts::{Freeze, MAX_FREEZES, MAX_OPENINGS, ScheduleError};
use crate::time::{SignedDuration, Timestamp, since};
use crate::{schedule::opening::Opening, schedule::zone::Zone};

/// Openings and freezes of one ring, in the ring's time zone.
///
/// It is kept in the log as written and worked out again when read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "WrittenSchedule")]
pub struct Schedule {
    pub(super) zone: Zone,
    pub(super) open: Vec<Opening>,
    pub(super) freeze: Vec<Freeze>,
    /// The freezes as instants, in the order of `freeze`.
    #[serde(skip)]
    pub(super) frozen: Vec<Frozen>,
    /// The same in the order of time, those joined that overlap or touch.
    #[serde(skip)]
    pub(super) joined: Vec<Frozen>,
}

/// The form in the log.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSchedule {
    zone: Zone,
    open: Vec<Opening>,
    freeze: Vec<Freeze>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Frozen {
    pub(super) begins: Timestamp,
    pub(super) ends: Timestamp,
}

/// The freeze in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreezeNow<'a> {
    /// As written; of several in force, the first in the plan.
    pub reason: &'a str,
    /// That freeze.
    pub freeze: &'a Freeze,
    /// When nothing is frozen any more: freezes that overlap or touch count as one.
    pub ends_at: Timestamp,
}

impl Schedule {
    /// Checks the number of parts and works out the freezes; the parts are checked already.
    ///
    /// # Errors
    /// More than [`MAX_OPENINGS`] openings or [`MAX_FREEZES`] freezes.
    pub fn new(zone: Zone, open: Vec<Opening>, freeze: Vec<Freeze>) -> Result<Self, ScheduleError> {
        if open.len() > MAX_OPENINGS {
            return Err(ScheduleError::TooManyOpenings { found: open.len() });
        }
        if freeze.len() > MAX_FREEZES {
            return Err(ScheduleError::TooManyFreezes { found: freeze.len() });
        }
        Ok(Self::worked_out(zone, open, freeze))
    }

    pub(super) fn worked_out(zone: Zone, open: Vec<Opening>, freeze: Vec<Freeze>) -> Self {
        let frozen: Vec<Frozen> = freeze
            .iter()
            .map(|freeze| Frozen {
                begins: zone.start_of_day(freeze.from()),
                ends: zone.end_of_day(freeze.until()),
            })
            .collect();
        let joined = joined(&frozen);
        Self { zone, open, freeze, frozen, joined }
    }

    /// Open at all times, never frozen.
    pub fn always() -> Self {
        Self::worked_out(Zone::utc(), Vec::new(), Vec::new())
    }

    /// The same openings, never frozen.
    pub fn without_freezes(&self) -> Self {
        Self::worked_out(self.zone.clone(), self.open.clone(), Vec::new())
    }

    /// The zone in which openings and freezes are read, and in which to show their instants.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The openings as written; none means always open.
    pub fn openings(&self) -> &[Opening] {
        &self.open
    }

    /// The freezes as written.
    pub fn freezes(&self) -> &[Freeze] {
        &self.freeze
    }

    /// The freezes that are not over, as written.
    pub fn freezes_after(&self, now: Timestamp) -> impl Iterator<Item = &Freeze> {
        let ahead = self.freeze.iter().zip(&self.frozen).filter(move |(_, frozen)| frozen.ends > now);
        ahead.map(|(freeze, _)| freeze)
    }

    /// The freeze in force at `now`.
    pub fn freeze_at(&self, now: Timestamp) -> Option<FreezeNow<'_>> {
        let ends_at = self.frozen_until(now)?;
        let position = self.frozen.iter().position(|frozen| frozen.covers(now))?;
        let freeze = self.freeze.get(position)?;
        Some(FreezeNow { reason: freeze.reason(), freeze, ends_at })
    }

    /// When nothing is frozen any more, where something is at `now`. Found by halving: a search for an opening asks
    /// it at each step.
    pub(super) fn frozen_until(&self, now: Timestamp) -> Option<Timestamp> {
        let ended = self.joined.partition_point(|joined| joined.ends <= now);
        self.joined.get(ended).filter(|joined| joined.covers(now)).map(|joined| joined.ends)
    }

    /// The beginning of the first freeze after `now`, at which nothing is frozen.
    pub(super) fn freezes_next(&self, now: Timestamp) -> Option<Timestamp> {
        let begun = self.joined.partition_point(|joined| joined.begins <= now);
        self.joined.get(begun).map(|joined| joined.begins)
    }

    /// The beginning of the first freeze after `now`.
    pub fn next_freeze(&self, now: Timestamp) -> Option<Timestamp> {
        self.frozen.iter().map(|frozen| frozen.begins).filter(|begins| *begins > now).min()
    }

    /// The frozen time between two instants: what a deadline that stands still in freezes gains.
    /// Zero when `until` is not after `from`.
    pub fn frozen_between(&self, from: Timestamp, until: Timestamp) -> SignedDuration {
        let mut counted_to = from;
        let mut total = SignedDuration::ZERO;
        for span in &self.joined {
            let begins = span.begins.max(counted_to);
            let ends = span.ends.min(until);
            if begins < ends {
                total = total.saturating_add(since(begins, ends));
                counted_to = ends;
            }
        }
        total
    }
}

/// Two schedules are equal when they are written alike; the instants follow from that.
impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.zone == other.zone && self.open == other.open && self.freeze == other.freeze
    }
}

impl Eq for Schedule {}

impl Frozen {
    fn covers(&self, at: Timestamp) -> bool {
        self.begins <= at && at < self.ends
    }
}

/// The bounds are a plan file's: a log may hold more, where restrictions came on top.
impl From<WrittenSchedule> for Schedule {
    fn from(written: WrittenSchedule) -> Self {
        Self::worked_out(written.zone, written.open, written.freeze)
    }
}

/// Freezes in the order of time, those joined that overlap or touch.
fn joined(frozen: &[Frozen]) -> Vec<Frozen> {
    let mut sorted = frozen.to_vec();
    sorted.sort_unstable();
    let mut joined: Vec<Frozen> = Vec::new();
    for next in sorted {
        match joined.last_mut() {
            Some(last) if next.begins <= last.ends => last.ends = last.ends.max(next.ends),
            _ => joined.push(next),
        }
    }
    joined
}
