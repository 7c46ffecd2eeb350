//! For how long each plan's rollouts waited, and for what: on the schedule, on a person, or on
//! machines. It tells an admin where the weeks of a rollout went.
//!
//! It is folded from the log beside the state, never stored: what a plan waited for between two
//! events follows from the state after the first of them.
//!
//! **Invariant:** all time of a running rollout is counted, each instant once and for one kind;
//! settling in between changes no sum.

use strum::{EnumCount, IntoStaticStr, VariantArray};

use crate::text::worded;

worded!(Wait;);

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::ids::PlanName;
use crate::rollout::judge::opening::LEFT_TO_ENTER;
use crate::rollout::record::{Entry, Event, Mode};
use crate::rollout::state::{Phase, PlanState, RingState, Rollout, State};
use crate::schedule::{SIGHT, Schedule, Writable};
use crate::time::{SignedDuration, Timestamp, after, since};

/// What a running rollout waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumCount, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Wait {
    /// A person: it is stopped, paused or halted, or would write if it did not only observe.
    Human,
    /// Laptops, Cloudflare, the soak, ringward itself.
    Machine,
    /// An opening with enough time left; no freeze is on.
    Opening,
    /// The end of a freeze.
    Freeze,
}

/// The sums of all plans, over all their rollouts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waits {
    sums: BTreeMap<(PlanName, Wait), SignedDuration>,
    /// Up to when each plan's time is counted.
    settled: BTreeMap<PlanName, Timestamp>,
}

impl Waits {
    /// Counts the time up to `now`, for all of which `state` stood as it is. An instant before the
    /// last one counted adds nothing.
    pub fn settle(&mut self, state: &State, now: Timestamp) {
        for plan in state.plans.keys() {
            self.settle_plan(plan, state, now);
        }
    }

    /// Counts what ends with an event of the instant `at`, before it is folded into `state`: the time
    /// of its plan, or of all for an event of the account. The others go on as they were, and a long
    /// log costs each plan its own events only.
    pub fn settle_before(&mut self, entry: &Entry, state: &State, at: Timestamp) {
        match &entry.rollout {
            Some(rollout) => self.settle_plan(&rollout.plan, state, at),
            None => self.settle(state, at),
        }
        match (&entry.event, &entry.rollout) {
            (Event::ClockConfirmed { now, .. }, _) => {
                self.settled.values_mut().for_each(|settled| *settled = (*settled).min(*now));
            }
            (Event::PlanRenamed { from }, Some(rollout)) => {
                self.settle_plan(from, state, at);
                for kind in Wait::ALL {
                    let known = self.sums.remove(&(from.clone(), kind)).unwrap_or_default();
                    *self.sums.entry((rollout.plan.clone(), kind)).or_default() += known;
                }
                self.settled.remove(from);
            }
            _ => {}
        }
    }

    /// A plan that `state` does not have yet begins to count at `now`.
    fn settle_plan(&mut self, name: &PlanName, state: &State, now: Timestamp) {
        let from = self.settled.get(name).copied().unwrap_or(now);
        if from <= now {
            if let Some(plan) = state.plans.get(name) {
                self.count(plan, state, from, now);
            }
            self.settled.insert(name.clone(), now);
        }
    }

    /// For how long a plan waited for something so far.
    pub fn of(&self, plan: &PlanName, kind: Wait) -> SignedDuration {
        self.sums.get(&(plan.clone(), kind)).copied().unwrap_or_default()
    }

    pub(crate) fn count(&mut self, plan: &PlanState, state: &State, from: Timestamp, until: Timestamp) {
        let rollout = &plan.rollout;
        let current =
            rollout.rings_with_plans().find(|(ring, _)| !matches!(ring.stage, RingState::Verified(_)));
        // The last ring's verification and the end of the rollout are two events of one instant.
        let (Phase::Running, Some((ring, ring_plan))) = (rollout.phase, current) else { return };
        let before_write = !ring.stage.is_entered();
        let held = state.stop.is_some() || plan.paused.is_some() || rollout.halted.is_some();
        if held || (before_write && state.mode == Some(Mode::Observe)) {
            self.add(rollout, Wait::Human, since(from, until));
        } else if before_write {
            self.count_schedule(rollout, &ring_plan.schedule, from, until);
        } else {
            self.add(rollout, Wait::Machine, since(from, until));
        }
    }

    /// Goes from one change of the schedule to the next. It is settled at every decision, so in
    /// practice there is none or one between.
    fn count_schedule(&mut self, rollout: &Rollout, schedule: &Schedule, from: Timestamp, until: Timestamp) {
        let mut at = from;
        while at < until {
            let entry = schedule.next_entry(at, LEFT_TO_ENTER).unwrap_or(until).min(until);
            let frozen = schedule.frozen_between(at, entry);
            self.add(rollout, Wait::Freeze, frozen);
            self.add(rollout, Wait::Opening, since(at, entry) - frozen);
            let end = match schedule.enterable(entry, LEFT_TO_ENTER) {
                Writable::Until(end) => end,
                // An entry is never closed.
                Writable::Unlimited | Writable::NotNow => after(entry, SIGHT),
            };
            let next = end.clamp(entry, until);
            self.add(rollout, Wait::Machine, since(entry, next));
            at = next;
        }
    }

    pub(crate) fn add(&mut self, rollout: &Rollout, kind: Wait, span: SignedDuration) {
        if span > SignedDuration::ZERO {
            *self.sums.entry((rollout.id.plan.clone(), kind)).or_default() += span;
        }
    }
}
