//! When a simulation that need not be exact to the minute looks at the account.
//!
//! The daemon polls every few minutes. A simulation of weeks that did the same would spend its time
//! on looks that show nothing new, so this one looks at a coarse grid and at the exact instants at
//! which the clock alone lets a rollout move: openings and soak ends.
//!
//! **Invariant:** a look is only ever late, and by at most one grid step; what is decided at it is
//! decided by the same core on the same kind of observations.

use crate::engine::Reports;
use crate::rollout::judge::opening::LEFT_TO_ENTER;
use crate::rollout::state::{Phase, Ring, RingState, State};
use crate::schedule::Writable;
use crate::time::{SignedDuration, Timestamp, after, since};

/// The shortest time between two looks at a ring that adopts.
const SHORTEST: SignedDuration = SignedDuration::from_mins(10);

/// Looks in as much time as has passed since a ring was told.
const LOOKS_IN_A_WHILE: i32 = 10;

/// How far apart looks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looks {
    /// While a ring adopts, or could be entered or verified at any time.
    pub busy: SignedDuration,
    /// While only time can pass.
    pub resting: SignedDuration,
    /// Whether decisions come with reports.
    pub reports: Reports,
}

impl Looks {
    /// The next instant of a grid that is the same on every day.
    fn next(every: SignedDuration, now: Timestamp) -> Timestamp {
        let every = every.as_secs().max(1);
        let past = now.as_second().rem_euclid(every);
        let whole = Timestamp::from_second(now.as_second() - past).unwrap_or(now);
        after(whole, SignedDuration::from_secs(every))
    }

    /// The next instant at which something can have changed that matters.
    pub(super) fn next_look(self, state: &State, now: Timestamp) -> Timestamp {
        let mut every = self.resting;
        let mut instants = Vec::new();
        for plan in state.plans.values().filter(|plan| plan.rollout.phase == Phase::Running) {
            let current = |ring: &Ring| !matches!(ring.stage, RingState::Verified(_));
            let Some((ring, ring_plan)) = plan.rollout.rings_with_plans().find(|(ring, _)| current(ring))
            else {
                continue;
            };
            let busy = match &ring.stage {
                RingState::Entering(_) => {
                    instants.extend(ring_plan.schedule.next_entry(now, LEFT_TO_ENTER));
                    ring_plan.schedule.writable(now) != Writable::NotNow
                }
                RingState::Soaking(_, soak) => {
                    let ends_at = after(soak.started_at, ring_plan.soak.get());
                    instants.push(ends_at);
                    ends_at <= now
                }
                RingState::Adopting(assigned) => {
                    // What takes an hour is followed by minutes, what takes days by the hour.
                    let length = since(assigned.at, now) / LOOKS_IN_A_WHILE;
                    every = every.min(length.clamp(SHORTEST.min(self.busy), self.busy));
                    false
                }
                RingState::Deploying(_) => true,
                RingState::Pending
                | RingState::Verified(_)
                | RingState::RollingBack(..)
                | RingState::RolledBack(..) => false,
            };
            if busy {
                every = every.min(self.busy);
            }
        }
        let grid = Self::next(every, now);
        instants.into_iter().filter(|at| *at > now).chain([grid]).min().unwrap_or(grid)
    }
}
