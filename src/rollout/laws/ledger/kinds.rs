//! How the checker tells gates and writes apart.
//!
//! **Invariant:** by lists of its own: it shares no answer with what it checks.

use crate::rollout::record::{Gate, Purpose};

/// Whether a gate judges health.
pub(crate) const fn is_of_health(gate: Gate) -> bool {
    matches!(gate, Gate::Stalled | Gate::Dark)
}

/// Whether a write enters its ring, or takes out of other groups what is to enter it.
pub(crate) const fn enters(purpose: &Purpose) -> bool {
    match purpose {
        Purpose::Target | Purpose::MoveOut { .. } => true,
        Purpose::PutBack { .. } | Purpose::Restore | Purpose::Rollback { .. } => false,
    }
}
