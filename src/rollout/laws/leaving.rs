//! Devices that leave a ring: is what is on record of them so by the books?
//!
//! **Invariant:** only a ring on its way has devices that leave.

use super::audit::Audit;
use super::ledger::{Ledger, RingState};
use super::violation::Law;
use crate::rollout::record::{Event, Recorded};

pub(super) fn check(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let Event::DevicesLeft { ring, environment, left, before, of } = &recorded.entry.event else { return };
    let line = ledger.line(recorded);
    let left_there = line.and_then(|line| line.left_in(ring)).map(|left| &left.ring);
    let line = left_there.or_else(|| line.and_then(|line| line.ring(ring)));
    let on_its_way = line.is_some_and(|line| matches!(line.state, RingState::Adopting | RingState::Soaking));
    let known = line.and_then(|line| line.left.get(environment)).copied().unwrap_or(0);
    audit.require(on_its_way, Law::Grounded, || format!("{ring} is not on its way, so nobody leaves it"));
    audit.require(known == *before && left != before && left <= of, Law::Grounded, || {
        format!("{known} devices had left {ring}, by the log, not {before}; now {left} of {of}")
    });
}
