//! The present instant, and what follows from a look at the clock.
//!
//! **Invariant:** a step of the clock is on record before anything is decided after it.

use crate::daemon::engine::clock::{entry, step};
use crate::daemon::engine::ledger::{Appended, DurableEngine, EngineError};
use std::time::Duration;

use crate::daemon::log::{self};
use crate::fleet::Fleet;
use crate::rollout::record::Entry;
use crate::rollout::world::Observations;
use crate::time::{SignedDuration, Stopwatch, Timestamp, after, since};
/// Steps kept while the log cannot be written.
const MAX_KEPT: usize = 64;

/// What an answer takes of a clock that waits for this daemon; at real speed it takes less.
const ANSWER_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// A clock this far behind the present instant was set back; less is time keeping at work.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_secs(5);

impl DurableEngine {
    /// The present instant where the clock was behind it by more than the ordinary work of time keeping.
    pub(crate) fn clock_behind(&self) -> Option<Timestamp> {
        Some(self.now()).filter(|now| since(self.watch.seen, *now) > CLOCK_SLACK)
    }

    /// A person confirmed the clock, which is `now`: what was seen by a clock that was ahead is forgotten,
    /// the devices with their own clocks included; that only delays.
    ///
    /// # Errors
    /// When the log cannot be believed any more.
    pub(crate) fn begin_era(&mut self, now: Timestamp) -> Result<(), EngineError> {
        (self.watch.seen, self.watch.latest) = (now, now);
        self.watch.looked = Stopwatch::start();
        self.watch.steps.clear();
        self.sampled_at = None;
        let devices: Vec<_> =
            self.engine.world.fleet.devices().map(|device| device.latest.id.clone()).collect();
        let forgotten = self.store.as_mut().map_or(Ok(()), |store| store.delete_devices(&devices));
        self.after_saving(forgotten)?;
        self.look_anew();
        self.engine.world.clock_behind = None;
        self.engine.world.fleet = Fleet::default();
        self.engine.world.troubles.clear();
        Ok(())
    }

    /// What an instant of the past was by the clock as it is now, at the latest: what Cloudflare is asked
    /// about by its own time.
    pub(crate) fn by_the_clock(&self, instant: Timestamp) -> Timestamp {
        match self.clock_behind() {
            Some(now) => self.watch.passed_before(since(instant, now)),
            None => instant,
        }
    }

    /// A clock that waits for this daemon goes on to the end of a sleep, or by what the oldest answer under way may
    /// take.
    pub(crate) fn let_clock_run(&self, sleep: Duration) {
        let clock = &self.watch.clock;
        let end = after(clock.now(), clock.length_of(sleep.as_secs_f64()));
        let late = self.engine.waits_since(self.now()).map(|since| after(since, ANSWER_WITHIN));
        clock.run_until(late.map_or(end, |late| late.min(end)));
    }

    /// How long to sleep on the wall clock until `instant`.
    pub(crate) fn wall_until(&self, instant: Timestamp) -> Duration {
        match self.clock_behind() {
            Some(now) => self.watch.wall_until(now, instant),
            None => self.watch.clock.wall_until(instant),
        }
    }

    /// Looks at the clock, and records a step since the last look.
    ///
    /// # Errors
    /// When the log cannot be believed any more.
    pub(crate) fn look_at_clock(&mut self) -> Result<(), EngineError> {
        // The stopwatch is read before the clock and begins anew after it: never too much goes on.
        let (watched, on) = (self.now(), self.watch.goes_on());
        let now = self.watch.clock.now();
        // One that waits does so while the daemon decides.
        self.watch.clock.run_until(now);
        if on > SignedDuration::ZERO {
            self.watch.looked = Stopwatch::start();
        }
        let seen = std::mem::replace(&mut self.watch.seen, now);
        self.watch.latest = now.max(after(watched, on));
        if let Some(step) = step(&self.watch.clock, seen, watched, now) {
            if self.watch.steps.len() == MAX_KEPT {
                // The oldest two become one: no time that nobody watched is forgotten.
                let first = self.watch.steps.remove(0);
                if let Some(next) = self.watch.steps.first_mut() {
                    next.0 = first.0.min(next.0);
                }
            }
            self.watch.steps.push(step);
        }
        if self.watch.steps.is_empty() || self.lost.is_some() {
            return Ok(());
        }
        let entries: Vec<Entry> = self.watch.steps.iter().map(|step| entry(*step)).collect();
        if self.append(entries, self.now())? == Appended::Recorded {
            self.watch.steps.clear();
        }
        Ok(())
    }

    /// Forgets what was seen while the clock was behind: by the clock it is older than it says.
    pub(crate) fn look_anew(&mut self) {
        let Some(store) = &self.store else { return };
        let fleet = log::remembered(store.view());
        let world = std::mem::take(&mut self.engine.world);
        self.engine.world = Observations {
            fleet,
            approval_floor: world.approval_floor,
            devices_per_day: world.devices_per_day,
            revisions: world.revisions,
            second_clock: world.second_clock,
            cadence: world.cadence,
            troubles: world.troubles,
            budget_spent_until: world.budget_spent_until,
            ..Observations::default()
        };
    }
}
