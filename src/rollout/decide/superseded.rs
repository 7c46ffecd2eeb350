//! What earlier rollouts left on offer: who judges it, and what follows from that.
//!
//! **Invariant:** a failing gate there holds up who would be offered the same version, and nobody
//! else: the fix is never held up by what it fixes.

use crate::ids::RingName;
use crate::plan::model::RingPlan;
use crate::rollout::decide::{blocker::Blocker, context::Context};
use crate::rollout::judge::{gates, health, shrink};
use crate::rollout::record::{Cause, Entry, Event, Judgement, Verdict};
use crate::rollout::state::{Phase, Superseded};

/// Whether a ring asks for what a judgement is about.
fn asks_for(plan: &RingPlan, left: &Superseded, word: &Judgement) -> bool {
    word.environment.is_some_and(|at| {
        let offered = left.plan.targets.get(&at);
        offered.is_some() && plan.targets.get(&at) == offered
    })
}

/// What is left in rings that the rollout has not entered: an entered ring has gates of its own.
pub(crate) fn waiting<'b, 'a>(
    context: &'b Context<'a>,
) -> impl Iterator<Item = (&'a Superseded, &'b Vec<Judgement>)> + use<'a, 'b> {
    context.left().filter(|(left, _)| !context.plan.has_entered(&left.ring.name))
}

/// A gate that fails on a version that the ring whose turn it is would be offered.
pub(crate) fn failing(context: &Context<'_>) -> Option<Cause> {
    let (_, current) = context.current()?;
    waiting(context).find_map(|(left, words)| {
        let fails =
            |word: &&Judgement| matches!(word.verdict, Verdict::Fail(_)) && asks_for(current, left, word);
        let word = words.iter().find(fails)?;
        let devices = health::failing_devices(context.subject(&left.ring, &left.plan), word);
        let (ring, judgement) = (left.ring.name.clone(), Box::new(word.clone()));
        Some(Cause::Unhealthy { ring, judgement, devices })
    })
}

/// What fails, or cannot tell, of a version that a ring would be offered.
pub(crate) fn ailing(context: &Context<'_>, plan: &RingPlan) -> Vec<(RingName, Judgement)> {
    let stands = |word: &&Judgement| matches!(word.verdict, Verdict::Fail(_) | Verdict::Unknown(_));
    let of = |(left, words): (&Superseded, &Vec<Judgement>)| -> Vec<(RingName, Judgement)> {
        let words = words.iter().filter(stands).filter(|word| asks_for(plan, left, word));
        words.map(|word| (left.ring.name.clone(), word.clone())).collect()
    };
    waiting(context).flat_map(of).collect()
}

/// A ring in which an earlier rollout left devices on their way to what this one offers, or would with
/// this ring: at most one group adopts that.
pub(crate) fn adopts<'a>(context: &Context<'a>, name: &RingName, plan: &RingPlan) -> Option<&'a Superseded> {
    let entered = context.rollout.rings_with_plans().filter(|(ring, _)| ring.stage.is_entered());
    let offered: Vec<&RingPlan> = entered.map(|(_, plan)| plan).chain([plan]).collect();
    let same = |left: &Superseded| {
        let mut targets = left.plan.targets.iter();
        targets.any(|(at, version)| offered.iter().any(|plan| plan.targets.get(at) == Some(version)))
    };
    let left = context.plan.superseded.iter().filter(|left| left.adopts() && left.ring.name != *name);
    left.filter(|left| !context.plan.has_entered(&left.ring.name)).find(|left| same(left))
}

/// The same as what is in the way of a write for this ring.
pub(crate) fn still_adopts(context: &Context<'_>, name: &RingName, plan: &RingPlan) -> Option<Blocker> {
    let Superseded { ring, rollout, .. } = adopts(context, name, plan)?;
    Some(Blocker::LeftAdopts { ring: name.clone(), other: ring.name.clone(), rollout: rollout.number })
}

/// Records that the devices of such a ring have adopted it.
pub(crate) fn note_adopted(context: &Context<'_>) -> Vec<Entry> {
    if context.rollout.phase != Phase::Running {
        return Vec::new();
    }
    let Some((ring, plan)) = context.current() else { return Vec::new() };
    let Some(left) = adopts(context, &ring.name, plan) else { return Vec::new() };
    let judgements = gates::left_adoption(context.subject(&left.ring, &left.plan));
    let gone: Vec<Event> =
        judgements.iter().filter_map(|word| shrink::untold(&left.ring, &left.plan, word)).collect();
    if !gone.is_empty() {
        let reason = format!("devices left what rollout {} left on offer", left.rollout.number);
        return gone.into_iter().flat_map(|event| context.entry(reason.clone(), event)).collect();
    }
    if judgements.is_empty() || !judgements.iter().all(|word| word.verdict.advances()) {
        return Vec::new();
    }
    let reason = format!("every environment adopted what rollout {} left on offer", left.rollout.number);
    context.entry(reason, Event::AdoptionReached { ring: left.ring.name.clone(), judgements })
}
