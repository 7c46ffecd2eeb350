//! Writing a drifted group back: a write like any other, with its own purpose.
//!
//! **Invariant:** what is written back is what ringward left, it drops nothing that it does not
//! name, and it waits for the schedule, the gates, the holds and the other rings.

use crate::ids::RingName;
use crate::plan::model::{OnDrift, RingPlan};
use crate::rollout::decide::context::Context;
use crate::rollout::decide::entry_block::{EntryBlock, TooMany};
use crate::rollout::decide::superseded;
use crate::rollout::decide::write::{
    budget_spent_until, eligible, not_now, retargets, today, too_many_today,
};
use crate::rollout::judge::{drift, gates};
use crate::rollout::record::{
    Entry, Event, GroupContent, GroupDrift, Judgement, Mode, Purpose, Step, WriteId, WriteIntent,
};
use crate::rollout::state::{Ring, Stage};
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

/// What writing a group back comes to now.
#[derive(Debug, Clone)]
pub(crate) enum WritingBack {
    /// Something is in the way.
    Blocked(Vec<EntryBlock>),
    /// This is to be written.
    Write(Box<WriteIntent>),
}

/// The group that is written back next: the first on record that nothing of somebody's stands
/// against, as it was read last.
pub(crate) fn due<'a>(context: &Context<'a>) -> Option<Due<'a>> {
    if context.rollout.revision.plan.on_drift != OnDrift::Restore {
        return None;
    }
    let name = &context.rollout.id.plan;
    let all = drift::groups(context.state, name, context.world);
    let drift = drift::first_to_restore(context.state, &all)?;
    context
        .state
        .to_restore(name)
        .find(|known| known.expected.id == drift.expected.id && known.shows_the_same(drift))?;
    let (ring, plan) = context.rollout.rings_with_plans().find(|(ring, _)| ring.name == drift.ring)?;
    let judgements = gates::writing_back(context.subject(ring, plan), &drift.expected.content.policies);
    Some(Due { ring, plan, drift: drift.clone(), judgements })
}

/// What writing a group back comes to now.
pub(crate) fn writing_back(context: &Context<'_>, due: &Due<'_>) -> WritingBack {
    let Due { ring, plan, drift, judgements } = due;
    let attempts = &ring.restoring.attempts;
    let mut blocks = not_now(context, ring.restoring.since, attempts, (Step::Entry, judgements));
    blocks.extend(under_way(context, ring).cloned().map(EntryBlock::OtherRing));
    blocks.extend(superseded::adopts(context, &ring.name, plan).map(EntryBlock::left_adopts));
    let groups = context.world.groups.as_ref();
    if groups.is_none_or(|groups| since(groups.as_of, context.now) > ENTRY_MAX_AGE) {
        blocks.push(EntryBlock::GroupsUnread);
    }
    let after = put_back(drift);
    if let Some(too_many) = too_many(context, plan, drift) {
        blocks.push(EntryBlock::BlastLimit(too_many));
    }
    let devices = retargets(context, plan, drift.seen.as_ref(), &after);
    blocks.extend(too_many_today(context, devices).map(EntryBlock::DevicesPerDay));
    if let Some(until) = budget_spent_until(context) {
        blocks.push(EntryBlock::BudgetSpent { until });
    }
    if !blocks.is_empty() {
        return WritingBack::Blocked(blocks);
    }
    WritingBack::Write(Box::new(WriteIntent {
        retargets: Some(devices),
        id: WriteId(context.state.writes + 1),
        digest: context.rollout.revision.digest.clone(),
        purpose: Purpose::Restore,
        before: drift.seen.clone(),
        after,
        policies: drift.expected.content.policies.clone(),
        devices: eligible(judgements),
        judgements: judgements.clone(),
        after_doubt: attempts.doubted,
        moves: None,
        today: today(context),
    }))
}

/// The group as it is written back.
pub(crate) fn put_back(drift: &GroupDrift) -> GroupContent {
    let left = &drift.expected.content;
    // Cloudflare keeps a group's name in an update; only a group that is created anew gets it back.
    let name = drift.seen.as_ref().map_or(&left.name, |seen| &seen.content.name).clone();
    GroupContent { name, ..left.clone() }
}

/// Why writing a group back is more than its ring's plan allows; `None`: it is not.
pub(crate) fn too_many(context: &Context<'_>, plan: &RingPlan, drift: &GroupDrift) -> Option<TooMany> {
    let at_most = plan.max_devices?;
    let devices = retargets(context, plan, drift.seen.as_ref(), &put_back(drift));
    at_most.is_exceeded_by(devices).then_some(TooMany { devices, at_most })
}

/// Another ring that deploys or adopts: at most one does at a time.
fn under_way<'a>(context: &Context<'a>, ring: &Ring) -> Option<&'a RingName> {
    let mut others = context.rollout.rings.iter().filter(|other| other.name != ring.name);
    let busy = others.find(|other| matches!(other.stage, Stage::Deploying(_) | Stage::Adopting(_)));
    busy.map(|other| &other.name)
}

/// Plans the write, if nothing is in its way.
pub(crate) fn write_back(context: &Context<'_>) -> Vec<Entry> {
    let Some(due) = due(context) else { return Vec::new() };
    match writing_back(context, &due) {
        WritingBack::Blocked(_) => Vec::new(),
        // Observing: the report says what would be written.
        WritingBack::Write(_) if context.state.mode == Some(Mode::Observe) => Vec::new(),
        WritingBack::Write(intent) => {
            let event = Event::WritePlanned { ring: due.ring.name.clone(), intent };
            context.entry("the group drifted, and every entry gate advances", event)
        }
    }
}
