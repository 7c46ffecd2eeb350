//! What becomes of the instants in the books when the clock was ahead, or nobody watched.
//!
//! **Invariant:** time in which no daemon ran or watched counts for no soak, no deadline and against no gate.

use super::books::Ledger;
use super::ring::LedgerRingState;
use super::words;
use crate::time::{Timestamp, after, since};

impl Ledger<'_> {
    /// Time in which no daemon ran counts against no gate.
    pub(super) fn pass_down_time(&mut self, from: Timestamp, to: Timestamp) {
        let rings = self.plans.values_mut().flat_map(|plan| &mut plan.rings);
        for (_, begun) in rings.flat_map(|ring| ring.unknown.values_mut()) {
            *begun = after(*begun, since(from, to));
        }
    }

    /// What nobody watched counts for no soak, no deadline and against no gate.
    pub(super) fn pass_over(&mut self, from: Timestamp, to: Timestamp) {
        self.watched_from = Some(to);
        self.plans.values_mut().for_each(|plan| plan.still.push((from, Some(to))));
        for ring in self.plans.values_mut().flat_map(|plan| &mut plan.rings) {
            let begun = ring.unknown.values_mut().map(|(_, begun)| begun);
            let soak = ring.adopted_at.as_mut().filter(|_| ring.state == LedgerRingState::Soaking);
            for begun in begun.chain(soak) {
                *begun = after(*begun, since((*begun).clamp(from, to), to));
            }
        }
    }

    /// What began later than `now` begins then, and what people allowed later is void.
    pub(super) fn begin_era(&mut self, now: Timestamp) {
        let clamp = |at: &mut Timestamp| *at = now.min(*at);
        self.watched_from.iter_mut().for_each(clamp);
        self.soaks.retain(|soak| soak.verified_at <= now);
        self.writes.applied.iter_mut().for_each(|(at, _)| clamp(at));
        words::begin_era(&mut self.words, now);
        if let Some(open) = &mut self.writes.open {
            open.doubted_at.iter_mut().for_each(clamp);
            open.read = None;
        }
        for waiting in self.waiting.values_mut() {
            clamp(&mut waiting.since);
            waiting.confirmed_at.take_if(|at| *at > now);
        }
        for plan in self.plans.values_mut() {
            plan.withdrawn_at.iter_mut().for_each(clamp);
            for (from, until) in &mut plan.still {
                clamp(from);
                until.iter_mut().for_each(clamp);
            }
            for ring in &mut plan.rings {
                ring.entering.unread.clear();
                ring.restoring.unread.clear();
                ring.deadline_from.iter_mut().for_each(clamp);
                ring.back_since.iter_mut().for_each(clamp);
                ring.adopted_at.iter_mut().filter(|_| ring.state == LedgerRingState::Soaking).for_each(clamp);
                ring.waived.retain(|_, at| *at <= now);
                ring.unknown.values_mut().for_each(|(_, begun)| clamp(begun));
                ring.accepted.values_mut().flat_map(|devices| devices.values_mut()).for_each(clamp);
            }
        }
    }
}
