//! A plan where nobody is asked.
//!
//! **Invariant:** all else of the plan stays as it is.

use crate::plan::model::Revision;

/// The same plan where nobody is asked: when people answer cannot be simulated, so they count as having
/// answered at once.
pub(super) fn unasked(revision: &Revision) -> Revision {
    let mut revision = revision.clone();
    for ring in &mut revision.plan.rings {
        ring.approval = None;
    }
    revision
}
