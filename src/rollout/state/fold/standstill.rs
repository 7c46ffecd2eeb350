//! Time that counts against no gate: nobody watched, or everything was held.
//!
//! **Invariant:** what nobody could see in no way shortens a proof.

use std::sync::Arc;

use crate::rollout::state::{Phase, RingState, Standstill, State};
use crate::time::{Timestamp, after, since};

impl State {
    /// While no daemon ran, nobody could look: that time counts against no gate. When it ended is
    /// not on record, so all since the last event is taken for it.
    pub(crate) fn forgive_downtime(&mut self, at: Timestamp) {
        let down = since(self.last_at.unwrap_or(at), at);
        let rings = self.plans.values_mut().flat_map(|plan| &mut Arc::make_mut(plan).rollout.rings);
        for unknown in rings.flat_map(|ring| ring.unknown.values_mut()) {
            unknown.since = after(unknown.since, down);
        }
    }

    /// Nobody watched between these two instants: deadlines stood still, and soaks and unknown gates go
    /// on counting where they were. A clock that was set back changes nothing.
    pub(crate) fn pass_over(&mut self, from: Timestamp, to: Timestamp) {
        if to <= from {
            return;
        }
        // What began on the way lost only the rest.
        let later = |begun: Timestamp| after(begun, since(begun.max(from).min(to), to));
        for rollout in self.plans.values_mut().map(|plan| &mut Arc::make_mut(plan).rollout) {
            if rollout.standstills.last().is_none_or(|span| span.until.is_some()) {
                rollout.standstills.push(Standstill { from, until: Some(to) });
            }
            for ring in &mut rollout.rings {
                for unknown in ring.unknown.values_mut() {
                    unknown.since = later(unknown.since);
                }
                match &mut ring.stage {
                    RingState::Soaking(_, soak) => soak.started_at = later(soak.started_at),
                    RingState::RollingBack(_, back) => back.since = later(back.since),
                    _ => {}
                }
            }
        }
    }

    /// Opens or ends each rollout's standstill, as its holds have it now.
    pub(crate) fn stand_still_everywhere(&mut self, at: Timestamp) {
        let stopped = self.stop.is_some();
        for plan in self.plans.values_mut() {
            let withdrawn = plan.rollout.phase == Phase::Withdrawn;
            let still = stopped || withdrawn || plan.paused.is_some() || plan.rollout.halted.is_some();
            let runs = plan.rollout.standstills.last().is_some_and(|span| span.until.is_none());
            if still == runs {
                continue;
            }
            let spans = &mut Arc::make_mut(plan).rollout.standstills;
            match spans.last_mut().filter(|_| runs) {
                Some(span) => span.until = Some(at),
                None => spans.push(Standstill { from: at, until: None }),
            }
        }
    }
}
