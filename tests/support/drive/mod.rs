//! The pure drive of [`ringward::simulation`], for tests: a fault of ringward fails the test.
//!
//! **Invariant:** nothing runs here that does not run for users.

#[cfg(test)]
mod tests;

use std::ops::{Deref, DerefMut};

use ringward::plan::model::Revision;
use ringward::rollout::laws::UpstreamWrite;
use ringward::rollout::record::Mode;
use ringward::schedule::Zone;
use ringward::simulation::devices::OnlineSpans;
use ringward::simulation::upstream::{Call, GroupWrite, JournalLine, Upstream, WriteFault};
pub use ringward::simulation::{Disk, Happening, Note, OnDisk, Pace, Remembered, devices, upstream};
use ringward::time::Timestamp;

/// The whole simulation.
#[derive(Debug, Clone)]
pub struct Drive(ringward::simulation::Drive);

impl Drive {
    /// A daemon that starts on an empty log and these plan files.
    #[must_use]
    pub fn new(upstream: Upstream, plans: Vec<Revision>, pace: Pace, mode: Mode, now: Timestamp) -> Self {
        Self(ringward::simulation::Drive::new(upstream, plans, pace, mode, now))
    }

    /// Has something happen at an instant, after what was scheduled for it before.
    pub fn at(&mut self, instant: Timestamp, happening: Happening) {
        self.0.at(instant, happening);
    }

    /// Runs until an instant.
    pub fn run_until(&mut self, until: Timestamp) {
        while self.step(until) {}
        self.0.now = self.0.now.max(until);
    }

    /// Goes to the next instant at which anything happens; false when there is none up to `until`.
    pub fn step(&mut self, until: Timestamp) -> bool {
        self.0.step(until).unwrap_or_else(|fault| panic!("{fault}\n{}", self.0.tail()))
    }
}

/// The writes of an account as the law checker wants them.
#[must_use]
pub fn writes_for_the_laws(upstream: &Upstream) -> Vec<UpstreamWrite> {
    let line = |request: &JournalLine| {
        let Call::Write(GroupWrite { group, content }) = &request.asked else { return None };
        Some(UpstreamWrite {
            received_at: request.at,
            group: group.clone(),
            body: content.clone(),
            applied_at: request.applied.as_ref().map(|group| group.updated_at),
            held_back: matches!(request.fault, Some(WriteFault::AppliedLate(_))),
            retargeted: request.retargeted,
        })
    };
    upstream.journal.iter().filter_map(line).collect()
}

/// Online on every day that `is_on` picks, between two hours of a zone, for `days` days from the day of `first` on.
#[must_use]
pub fn online_by_day(
    zone: &Zone,
    (from, until): (i8, i8),
    first: Timestamp,
    days: usize,
    is_on: impl Fn(jiff::civil::Weekday) -> bool,
) -> OnlineSpans {
    let first = zone.local(first);
    let tz = first.time_zone().clone();
    let dates = first.date().series(jiff::Span::new().days(1)).take(days);
    let at = |date: jiff::civil::Date, hour: i8| {
        let time = jiff::civil::Time::new(hour, 0, 0, 0).unwrap_or(jiff::civil::Time::MAX);
        date.to_datetime(time).to_zoned(tz.clone()).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    };
    let on = dates.filter(|date| is_on(date.weekday()));
    OnlineSpans::spans(on.map(|date| (at(date, from), at(date, until))).collect())
}

impl Deref for Drive {
    type Target = ringward::simulation::Drive;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Drive {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
