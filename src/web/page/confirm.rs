//! The confirmation of a revision that waits, in words.
//!
//! **Invariant:** it tells the very revision that waits now, whichever the address names; what is sent is what
//! the address names.

use super::super::json::{HoldJson, RevisionWaitsJson, RolloutJson};
use super::super::{told_approvals, told_moves_of};
use super::acts::Viewer;
use super::show;
use crate::ids::PlanName;
use crate::rollout::people::verbs::situation::Waits;
use crate::rollout::people::verbs::table;
use crate::rollout::people::verbs::table::{Cell, Effect};
use crate::time::short as at;

/// The table's word on confirming a revision by its digest, or by how it begins.
pub(super) fn confirm_cell(plan: &PlanName, named: &str, viewer: &Viewer) -> Cell {
    let waits = viewer.view.waiting.get(plan);
    table::confirm(Waits::of(waits.map(|waits| &waits.waiting), named, viewer.view.at))
}

/// What confirming it does, a sentence each.
pub(super) fn confirms(waiting: &RevisionWaitsJson, rollout: Option<&RolloutJson>) -> Vec<String> {
    let mut lines = vec![format!("{}.", show::sentence_case(Effect::Confirm.words()))];
    lines.extend(waiting.changes.iter().map(|change| format!("It changes {change}.")));
    lines.extend(told_moves_of(waiting).into_iter().map(|line| format!("It moves {line}.")));
    let approvals = rollout.map(told_approvals).unwrap_or_default().into_iter();
    lines.extend(
        approvals
            .map(|line| format!("Approvals of the revision in force are void with another one: {line}.")),
    );
    lines
}

/// What a revision that waits means for whoever approves a ring of the one in force.
pub(super) fn voids_approvals(waiting: &RevisionWaitsJson) -> String {
    format!(
        "Revision {} of the plan waits: once it takes effect, this approval is void.",
        short(&waiting.digest)
    )
}

/// What waits now, a sentence each.
pub(super) fn waits_now(waiting: Option<&RevisionWaitsJson>) -> Vec<String> {
    let Some(waiting) = waiting else { return vec!["No revision waits.".to_owned()] };
    let since = at(waiting.since);
    let mut lines = vec![format!("Revision {} waits since {since}. {}", short(&waiting.digest), waiting.why)];
    lines.push(match &waiting.in_force {
        Some(digest) => format!("In force is revision {}.", short(digest)),
        None => "The plan is new: nothing of it is in force before.".to_owned(),
    });
    lines
        .extend(waiting.confirmed.iter().map(|hold: &HoldJson| format!("Confirmed by {}", show::held(hold))));
    lines
}

/// The digits of a digest that people read.
pub(super) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
