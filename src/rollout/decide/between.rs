//! A profile that was taken out of one group for a ring goes into the ring's own, or back.
//!
//! **Invariant:** while it is in none, its plan plans nothing else but a person's rollback, and the return of a
//! group that somebody else changed; what keeps it from going in now sends it
//! back at once, whatever else stands against a write, but a stop and what nobody can read or write.

use crate::ids::{GroupId, PolicyId};
use crate::rollout::decide::backoff::{MAX_ATTEMPTS, retry_not_before};
use crate::rollout::decide::write::{WriteDraft, budget_spent_until};
use crate::rollout::decide::{blocker::Blocker, context::Context, enter, planned::WriteBlock};
use crate::rollout::judge::{between::stranded, drift};
use crate::rollout::record::{BlockKind, Entry, GroupContent, Mode, Purpose, Step};
use crate::rollout::state::{Phase, Ring, TakenOut};
use crate::rollout::world::ENTRY_MAX_AGE;
use crate::time::{Timestamp, since};

/// The ring for which something is between two groups, and goes into the one or the other; `None`: nothing is,
/// somebody else has put it into one, nobody writes for it, or the group that had it is gone: then the rollout
/// goes on as any other.
pub(crate) fn between<'a>(context: &Context<'a>) -> Option<&'a Ring> {
    let writes = matches!(context.rollout.phase, Phase::Running | Phase::RollingBack)
        && context.state.mode != Some(Mode::Observe);
    let mut rings = context.rollout.rings.iter().filter(|ring| writes && !ring.between.is_empty());
    let unread = context.world.groups.is_none();
    rings.find(|ring| {
        unread || stranded(context.known(), ring).iter().any(|(id, out)| is_there(context, id, out))
    })
}

/// Whether the group that had it is still that ring's, as far as anybody knows.
fn is_there(context: &Context<'_>, id: &GroupId, out: &TakenOut) -> bool {
    let owned = context.state.groups.get(id);
    owned.is_some_and(|owned| {
        let same = owned.ring == out.ring && owned.plan == *out.plan.as_ref().unwrap_or(context.name);
        same && !drift::is_gone(context.world, id, &owned.last)
    })
}

/// What is in no group, for people, by the group that had it; nothing while the groups are not read.
pub(crate) fn told(context: &Context<'_>) -> Vec<Blocker> {
    let known = context.world.groups.is_some();
    let rings = context.rollout.rings.iter().filter(|ring| known && !ring.between.is_empty());
    let told = |ring: &Ring| -> Vec<Blocker> {
        let told = stranded(context.known(), ring).into_iter().map(|(_, out)| Blocker::BetweenGroups {
            ring: ring.name.clone(),
            profiles: out.policies.iter().map(|policy| named(context, policy)).collect(),
            from: out.ring,
            last: ring.between.back.trouble(),
        });
        told.collect()
    };
    rings.flat_map(told).collect()
}

pub(crate) fn named(context: &Context<'_>, policy: &PolicyId) -> String {
    let listed = context.world.profiles.as_ref().map(|profiles| &profiles.value.listed);
    let known = listed.into_iter().flatten().find(|profile| profile.id == *policy);
    let name = known.and_then(|profile| profile.name.clone());
    name.unwrap_or_else(|| policy.as_str().to_owned())
}

/// Whether it goes into the ring's group by itself: now, or once what takes moments is over.
pub(crate) fn goes_in(context: &Context<'_>, ring: &Ring) -> bool {
    let Some(attempts) = ring.stage.entering() else { return false };
    let is_next = context.current().is_some_and(|(next, _)| next.name == ring.name);
    let gave_up =
        attempts.refused.is_some() || attempts.failed >= MAX_ATTEMPTS || ring.between.back.failed > 0;
    if context.rollout.phase != Phase::Running || !is_next || gave_up {
        return false;
    }
    let Some(plan) = context.rollout.ring_plan(&ring.name) else { return false };
    enter::entering(context, ring, plan, attempts).is_blocked_only_by(is_momentary)
}

/// Whether it stands against the way back as well, or is over within minutes.
fn is_momentary(block: &WriteBlock) -> bool {
    match block {
        WriteBlock::Block(kind) => matches!(kind, BlockKind::Stopped | BlockKind::LogUnwritable),
        WriteBlock::Other(blocker) => blocker.ends_by_itself(),
        WriteBlock::Gates | WriteBlock::Drifted => false,
    }
}

/// When it may be put back: at once, unless Cloudflare asked to slow down, and later each time that it failed.
pub(crate) fn not_before(ring: &Ring) -> Timestamp {
    let since = ring.between.since.unwrap_or(ring.since);
    let slow_down = ring.stage.entering().and_then(|attempts| attempts.not_before);
    retry_not_before(&ring.between.back, since).max(slow_down.unwrap_or(since))
}

/// Puts it back, once nothing but moments stand against that.
pub(crate) fn put_back(context: &Context<'_>, ring: &Ring) -> Vec<Entry> {
    let waits = context.stopping(Step::SecondHalf).next().is_some()
        || context.state.pending_write().is_some()
        || context.now < not_before(ring)
        || budget_spent_until(context).is_some();
    let failed_at = ring.between.since.filter(|_| ring.between.back.failed > 0);
    let fresh = |as_of: Timestamp| {
        since(as_of, context.now) <= ENTRY_MAX_AGE && failed_at.is_none_or(|failed_at| as_of >= failed_at)
    };
    let groups = context.world.groups_now(context.state).filter(|groups| fresh(groups.as_of));
    let (false, Some(groups), Some(plan)) = (waits, groups, context.rollout.ring_plan(&ring.name)) else {
        return Vec::new();
    };
    // What somebody else changed is no place to put it: the drift comes first.
    let as_left = |id: &GroupId| {
        let owned = context.state.groups.get(id)?;
        let group = groups.value.iter().find(|group| group.id == *id)?;
        group.content.offers_the_same(&owned.last.content).then(|| group.clone())
    };
    let there = stranded(context.known(), ring).into_iter().find_map(|(id, out)| {
        let group = as_left(id).filter(|_| is_there(context, id, &out))?;
        Some((group, out))
    });
    let Some((before, TakenOut { plan: of, ring: from, policies })) = there else { return Vec::new() };
    let after = GroupContent {
        policies: before.content.policies.union(&policies).cloned().collect(),
        ..before.content.clone()
    };
    let entering = ring.stage.entering();
    let after_doubt = ring.between.back.doubted || entering.is_some_and(|attempts| attempts.doubted);
    let purpose = Purpose::PutBack { from, plan: of };
    let judgements = Vec::new();
    WriteDraft { plan, purpose, before: Some(before), after, policies, judgements, after_doubt }
        .planned(context)
        .entries(context, ring, "what was taken out cannot go in now, and goes back")
}
