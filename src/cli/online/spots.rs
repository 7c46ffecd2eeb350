//! Where in a plan file the things stand that findings are about.
//!
//! **Invariant:** what a ring has from `defaults` or from the top is shown there.

use crate::plan::{PathStep, Spot, Spots};
use crate::version::Environment;

/// Where the name of a ring is written.
pub(super) fn name(spots: &Spots<'_>, ring: usize) -> Option<Spot> {
    spots.spot(&[PathStep::Key("rings"), PathStep::Item(ring), PathStep::Key("name")])
}

/// Where the target of a ring is written: in the ring, in `defaults`, or at the top.
pub(super) fn target(spots: &Spots<'_>, ring: usize, environment: Environment) -> Option<Spot> {
    let last = [PathStep::Key("versions"), PathStep::Key(environment.as_str())];
    in_ring(spots, ring, &last).or_else(|| spots.spot(&last))
}

/// Where a ring's approval is written: in the ring or in `defaults`.
pub(super) fn approval(spots: &Spots<'_>, ring: usize) -> Option<Spot> {
    in_ring(spots, ring, &[PathStep::Key("approval")])
}

fn in_ring(spots: &Spots<'_>, ring: usize, last: &[PathStep<'_>]) -> Option<Spot> {
    let own = [&[PathStep::Key("rings"), PathStep::Item(ring)], last].concat();
    spots.spot(&own).or_else(|| spots.spot(&[&[PathStep::Key("defaults")], last].concat()))
}
