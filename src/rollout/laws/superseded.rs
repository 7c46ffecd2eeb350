//! What earlier rollouts left on offer is no control.
//!
//! **Invariant:** a ring is compared with devices that do not have what it replaces, as far as the log can tell.

use super::audit::Audit;
use super::ledger::{Ledger, PlanLine};
use super::violation::Law;
use crate::rollout::record::Evidence;
use crate::rollout::record::{Event, Recorded};

pub(super) fn check(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let Event::RingVerified { ring, judgements } = &recorded.entry.event else { return };
    if !ledger.line(recorded).is_some_and(PlanLine::is_without_control) {
        return;
    }
    for word in judgements {
        let Evidence::Dark(dark) = &word.evidence else { continue };
        audit.require(dark.control_known == 0, Law::HealthProven, || {
            let known = dark.control_known;
            format!("{ring} is compared with {known} devices, and all others have what it replaces")
        });
    }
}
