//! A plan beside its file and the account: what is judged, and where in the file the things stand that findings are
//! about.
//!
//! **Invariant:** what a ring has from `defaults` or from the top is shown there.

use crate::plan::{PathStep, Spot, Spots, model::Plan};
use crate::{rollout::world::Observations, time::Timestamp, version::Environment};

/// A plan in an account.
pub(super) struct PlanInAccount<'a> {
    pub(super) plan: &'a Plan,
    pub(super) spots: Spots<'a>,
    /// What was read of the account.
    pub(super) world: &'a Observations,
    pub(super) now: Timestamp,
}

impl PlanInAccount<'_> {
    /// Where the name of a ring is written.
    pub(super) fn name(&self, ring: usize) -> Option<Spot> {
        self.spots.spot(&[PathStep::Key("rings"), PathStep::Item(ring), PathStep::Key("name")])
    }

    /// Where the target of a ring is written: in the ring, in `defaults`, or at the top.
    pub(super) fn target(&self, ring: usize, environment: Environment) -> Option<Spot> {
        let last = [PathStep::Key("versions"), PathStep::Key(environment.as_str())];
        self.in_ring(ring, &last).or_else(|| self.spots.spot(&last))
    }

    /// Where a ring's approval is written: in the ring or in `defaults`.
    pub(super) fn approval(&self, ring: usize) -> Option<Spot> {
        self.in_ring(ring, &[PathStep::Key("approval")])
    }

    fn in_ring(&self, ring: usize, last: &[PathStep<'_>]) -> Option<Spot> {
        let own = [&[PathStep::Key("rings"), PathStep::Item(ring)], last].concat();
        self.spots.spot(&own).or_else(|| self.spots.spot(&[&[PathStep::Key("defaults")], last].concat()))
    }
}
