//! Writing a drifted group back: a write like any other, with its own purpose.
//!
//! **Invariant:** what is written back is what ringward left, it drops nothing that it does not
//! name, and it waits for the schedule, the gates, the holds and the other rings.

use crate::ids::RingName;
use crate::plan::model::{OnDrift, RingPlan};
use crate::rollout::decide::planned::{PlannedStep, WriteBlock};
use crate::rollout::decide::write::{WriteDraft, budget_spent, not_now, retargets, too_many, too_many_today};
use crate::rollout::decide::{blocker::Blocker, context::Context, superseded};
use crate::rollout::judge::{drift, gates};
use crate::rollout::record::{Entry, GroupContent, GroupDrift, Judgement, Purpose, Step};
use crate::rollout::state::{Ring, RingState};
use crate::rollout::world::ENTRY_MAX_AGE;
use crate::time::since;

/// A group that is written back next.
#[derive(Debug, Clone)]
pub(crate) struct Due<'a> {
    pub(crate) ring: &'a Ring,
    /// The ring's plan.
    pub(crate) plan: &'a RingPlan,
    /// What drifted.
    pub(crate) drift: GroupDrift,
    /// The entry gates' words.
    pub(crate) judgements: Vec<Judgement>,
}

/// The group that is written back next: the first on record that nothing of somebody's stands
/// against, as it was read last.
pub(crate) fn due<'a>(context: &Context<'a>) -> Option<Due<'a>> {
    if context.rollout.revision.plan.on_drift != OnDrift::Restore {
        return None;
    }
    let name = &context.rollout.id.plan;
    let all = drift::groups(context.known(), name);
    let drift = drift::first_to_restore(&all)?;
    let same = |known: &&GroupDrift| known.expected.id == drift.expected.id && known.shows_the_same(drift);
    context.state.to_restore(name).find(same)?;
    let (ring, plan) = context.rollout.rings_with_plans().find(|(ring, _)| ring.name == drift.ring)?;
    let judgements = gates::writing_back(context.subject(ring, plan), &drift.expected.content.policies);
    Some(Due { ring, plan, drift: drift.clone(), judgements })
}

/// What writing a group back comes to now.
pub(crate) fn writing_back(context: &Context<'_>, due: &Due<'_>) -> PlannedStep {
    let Due { ring, plan, drift, judgements } = due;
    let attempts = &ring.restoring.attempts;
    let step = (Step::Entry, judgements.as_slice());
    let mut blocks = not_now(context, &ring.name, ring.restoring.since, attempts, step);
    let name = || ring.name.clone();
    let other = under_way(context, ring).cloned();
    let read_at = context.world.groups_read_at();
    let unread = read_at.is_none_or(|at| since(at, context.now) > ENTRY_MAX_AGE);
    let devices = devices(context, plan, drift);
    let against = [
        other.map(|other| Blocker::OtherRing { ring: name(), other }),
        superseded::still_adopts(context, &ring.name, plan),
        unread.then(|| Blocker::GroupsUnread(name())),
        too_many(plan, devices),
        too_many_today(context, &ring.name, devices),
        budget_spent(context, &ring.name),
    ];
    blocks.extend(against.into_iter().flatten().map(WriteBlock::Other));
    if !blocks.is_empty() {
        return PlannedStep::Blocked(blocks);
    }
    WriteDraft {
        plan,
        purpose: Purpose::Restore,
        before: drift.seen.clone(),
        after: put_back(drift),
        policies: drift.expected.content.policies.clone(),
        judgements: judgements.clone(),
        after_doubt: attempts.doubted,
    }
    .planned(context)
}

/// The group as it is written back.
pub(crate) fn put_back(drift: &GroupDrift) -> GroupContent {
    let left = &drift.expected.content;
    // Cloudflare keeps a group's name in an update; only a group that is created anew gets it back.
    let name = drift.seen.as_ref().map_or(&left.name, |seen| &seen.content.name).clone();
    GroupContent { name, ..left.clone() }
}

/// How many devices are offered something else by writing a group back.
pub(crate) fn devices(context: &Context<'_>, plan: &RingPlan, drift: &GroupDrift) -> usize {
    retargets(context, plan, drift.seen.as_ref(), &put_back(drift))
}

/// Another ring that deploys or adopts: at most one does at a time.
fn under_way<'a>(context: &Context<'a>, ring: &Ring) -> Option<&'a RingName> {
    let mut others = context.rollout.rings.iter().filter(|other| other.name != ring.name);
    let busy = others.find(|other| matches!(other.stage, RingState::Deploying(_) | RingState::Adopting(_)));
    busy.map(|other| &other.name)
}

/// Plans the write, if nothing is in its way.
pub(crate) fn write_back(context: &Context<'_>) -> Vec<Entry> {
    let Some(due) = due(context) else { return Vec::new() };
    let why = "the group drifted, and every entry gate advances";
    writing_back(context, &due).entries(context, due.ring, why)
}
