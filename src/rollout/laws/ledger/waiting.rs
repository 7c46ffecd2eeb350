//! Revisions that wait: until they take effect, are dropped, or another takes their place.
//!
//! **Invariant:** they are kept by their plan's name, which may have no rollout yet.

use std::collections::BTreeMap;

use super::plan::plan_of;
use crate::ids::PlanName;
use crate::rollout::record::{Block, BlockKind, Event, Recorded, WaitingRevision};
use crate::time::Timestamp;

/// A revision that waits, and since when.
pub(crate) struct WaitingLine<'a> {
    pub(crate) revision: &'a WaitingRevision,
    pub(crate) since: Timestamp,
    pub(crate) confirmed_at: Option<Timestamp>,
}

pub(super) fn take<'a>(waiting: &mut BTreeMap<&'a PlanName, WaitingLine<'a>>, recorded: &'a Recorded) {
    let Some(plan) = plan_of(recorded) else { return };
    match &recorded.entry.event {
        Event::BlockBegun { block: Block::RevisionWaits(revision) } => {
            let same = waiting.get(plan).filter(|known| known.revision.digest == revision.digest);
            let (since, confirmed_at) =
                same.map_or((recorded.at, None), |known| (known.since, known.confirmed_at));
            waiting.insert(plan, WaitingLine { revision, since, confirmed_at });
        }
        Event::BlockEnded { block: BlockKind::RevisionWaits | BlockKind::PlanUnstable } => {
            waiting.remove(plan);
        }
        Event::RevisionConfirmed { .. } => {
            if let Some(waiting) = waiting.get_mut(plan) {
                waiting.confirmed_at = Some(recorded.at);
            }
        }
        Event::PlanAccepted { revision }
        | Event::PlanRevised { revision, .. }
        | Event::NewTargetWaits { revision }
            if waiting.get(plan).is_some_and(|known| known.revision.digest == revision.digest) =>
        {
            waiting.remove(plan);
        }
        _ => {}
    }
}
