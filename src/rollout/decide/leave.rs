//! Steps: what leaves a ring behind, and what ends a rollout.
//!
//! **Invariant:** nothing is verified while anything holds or drifts.

use crate::plan::model::RingPlan;
use crate::rollout::decide::context::Context;
use crate::rollout::decide::drift;
use crate::rollout::judge::shrink;
use crate::rollout::record::{Entry, Event, Judgement, Step};
use crate::rollout::state::{Ring, RingState, Soak};

/// Records who left an entered ring before anything rests on the smaller counts.
pub(crate) fn note_leavers(context: &Context<'_>) -> Vec<Entry> {
    let entry = |ring: &Ring, plan: &RingPlan, word: &Judgement| {
        let event = shrink::untold(ring, plan, word)?;
        let Event::DevicesLeft { left, before, of, .. } = event else { return None };
        let reason = format!("{left} of {of} devices have left, and {before} had before; the others: {word}");
        Some(Entry::engine(&context.rollout.id, reason, event))
    };
    let rings = context.rollout.rings_with_plans();
    rings
        .flat_map(|(ring, plan)| context.judged(ring).iter().filter_map(move |word| entry(ring, plan, word)))
        .collect()
}

/// Each ring's exit gates: adoption starts the soak, the soak verifies. Most times one ring is under
/// way; while an earlier one is written back and adopts anew, a later one goes on.
pub(crate) fn leave_ring(context: &Context<'_>) -> Vec<Entry> {
    let left = context.rollout.rings.iter().map(|ring| leave(context, ring));
    left.into_iter().find(|entries| !entries.is_empty()).unwrap_or_default()
}

pub(crate) fn leave(context: &Context<'_>, ring: &Ring) -> Vec<Entry> {
    let judgements: Vec<Judgement> = context.leaving(ring).cloned().collect();
    if judgements.is_empty() || !judgements.iter().all(|judgement| judgement.verdict.advances()) {
        return Vec::new();
    }
    let name = ring.name.clone();
    let barred = || drift::bars(context).iter().any(|bar| *bar.ring() == ring.name);
    match &ring.stage {
        RingState::Adopting(_) => context
            .entry("every environment adopted its target", Event::AdoptionReached { ring: name, judgements }),
        RingState::Soaking(_, Soak { .. }) if context.stopping(Step::Proof).next().is_none() && !barred() => {
            context.entry("every exit gate advances", Event::RingVerified { ring: name, judgements })
        }
        _ => Vec::new(),
    }
}

pub(crate) fn reach_ring(context: &Context<'_>) -> Vec<Entry> {
    match context.current() {
        Some((ring, _)) if ring.stage == RingState::Pending && drift::bars(context).is_empty() => {
            context.entry("every earlier ring is verified", Event::RingReached { ring: ring.name.clone() })
        }
        _ => Vec::new(),
    }
}

pub(crate) fn complete(context: &Context<'_>) -> Vec<Entry> {
    // A hold ends by a person's word, and not by an edit that leaves nothing to do.
    if context.stopping(Step::Proof).next().is_some() {
        return Vec::new();
    }
    if context.current().is_some() || !drift::bars(context).is_empty() {
        return Vec::new();
    }
    context.entry("every ring is verified", Event::RolloutCompleted {})
}
