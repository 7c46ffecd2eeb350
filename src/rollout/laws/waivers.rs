//! Gates that cannot tell or are waived, and rings that are let go: each has its grounds on record.
//!
//! **Invariant:** a waiver is of a gate that the ring still has before it.

use super::audit::Audit;
use super::ledger::{Ledger, PlanPhase, RingState};
use super::violation::Law;
use crate::rollout::record::Gate;
use crate::rollout::record::{Event, Recorded};

const LAW: Law = Law::Grounded;

pub(super) fn check(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let Some(line) = ledger.line(recorded) else { return };
    match &recorded.entry.event {
        Event::GateWaived { ring, gate } => {
            let of_health = matches!(gate, Gate::Stalled | Gate::Dark);
            let gone = line.phase == PlanPhase::Withdrawn || line.dropped.contains(ring);
            let dropped = *gate == Gate::Ring && gone;
            let waivable = of_health || dropped || matches!(gate, Gate::Adoption | Gate::Soak);
            audit.require(waivable, LAW, || format!("gate {gate} cannot be waived"));
            let reached = line.ring(ring).is_some_and(|ring| {
                ring.state != RingState::Pending
                    && (ring.state != RingState::Verified || of_health)
                    && !ring.waived.contains_key(gate)
            });
            audit.require(reached, LAW, || format!("{ring} has no gate {gate} to waive now"));
        }
        Event::RingLetGo { ring, profiles, .. } => {
            let dropped = line.dropped.contains(ring);
            let had =
                line.ring(ring).filter(|ring| matches!(ring.state, RingState::Adopting | RingState::Soaking));
            let whole = had.and_then(|ring| ring.policies) == Some(profiles);
            audit.require(dropped && whole, LAW, || {
                format!("{ring} is let go, and the plan's file names it, or it had other profiles")
            });
        }
        Event::GateUnknown { ring, gate, environment, why } => {
            let noted = line.ring(ring).map(|ring| ring.unknown.get(&(*gate, *environment)));
            let news = noted.is_some_and(|noted| noted.is_none_or(|(noted, _)| noted != why));
            audit.require(news, LAW, || format!("gate {gate} of {ring} is unknown already"));
        }
        Event::GateKnown { ring, gate, environment } => {
            let unknown =
                line.ring(ring).is_some_and(|ring| ring.unknown.contains_key(&(*gate, *environment)));
            audit.require(unknown, LAW, || format!("gate {gate} of {ring} was not unknown"));
        }
        _ => {}
    }
}
