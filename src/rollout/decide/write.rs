//! What a write for a ring's group would be, and what stands against any of them.
//!
//! **Invariant:** whatever the hour and whoever holds the plan, a ring's group needs the same write.

use std::collections::BTreeSet;

use crate::fleet::RingScope;
use crate::ids::{PolicyId, RingName};
use crate::plan::model::RingPlan;
use crate::rollout::decide::blocker::{Blocker, TooMany, TooManyToday};
use crate::rollout::decide::planned::{PlannedStep, WriteBlock};
use crate::rollout::decide::{backoff::not_before, context::Context};
use crate::rollout::judge::grouping::{GroupStep, GroupSteps, Veto};
use crate::rollout::judge::{downgrade, drift, grouping};
use crate::rollout::record::{
    Entry, Event, Evidence, Group, GroupContent, Judgement, Mode, Purpose, Step, Today, VersionEntry,
    WriteId, WriteIntent,
};
use crate::rollout::state::{Attempts, BlockedVersion, Ring, State};
use crate::rollout::world::{ENTRY_MAX_AGE, Unresolved};
use crate::schedule::Zone;
use crate::time::{Timestamp, since};
use crate::version::{ClientVersion, Environment};

/// What a ring's group needs, whatever stands against doing it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Need {
    /// Groups or profiles have not been read lately, or a group of ours is not in the list.
    Unread,
    /// A profile of the ring does not resolve; the fleet gate names it, and does not advance.
    Unresolved,
    /// A group is in the way.
    Veto(Veto),
    /// These steps, for these profiles.
    Steps(Box<GroupSteps>, BTreeSet<PolicyId>),
}

impl PlannedStep {
    /// What it adds to the log; `why`: the reason of a write.
    pub(crate) fn entries(self, context: &Context<'_>, ring: &Ring, why: impl Into<String>) -> Vec<Entry> {
        match self {
            Self::Blocked(_) | Self::Waits => Vec::new(),
            Self::Fact(reason, event) => context.entry(reason, *event),
            // Observing: the report says what would be written.
            Self::Write(_) if context.state.mode == Some(Mode::Observe) => Vec::new(),
            Self::Write(intent) => {
                context.entry(why, Event::WritePlanned { ring: ring.name.clone(), intent })
            }
        }
    }
}

/// A write, before what every write has besides is added.
pub(crate) struct WriteDraft<'a> {
    pub(crate) plan: &'a RingPlan,
    pub(crate) purpose: Purpose,
    pub(crate) before: Option<Group>,
    pub(crate) after: GroupContent,
    pub(crate) policies: BTreeSet<PolicyId>,
    /// The words of the gates that it passed; none where none are asked.
    pub(crate) judgements: Vec<Judgement>,
    pub(crate) after_doubt: bool,
}

impl WriteDraft<'_> {
    pub(crate) fn planned(self, context: &Context<'_>) -> PlannedStep {
        let Self { plan, purpose, before, after, policies, judgements, after_doubt } = self;
        let moved = retargets(context, plan, before.as_ref(), &after);
        // What goes back on a person's word counts towards no limit.
        let today = if matches!(purpose, Purpose::Rollback { .. }) { None } else { today(context) };
        PlannedStep::Write(Box::new(WriteIntent {
            retargets: Some(moved),
            id: WriteId(context.state.writes + 1),
            digest: context.rollout.revision.digest.clone(),
            purpose,
            before,
            after,
            policies,
            devices: if judgements.is_empty() { moved } else { eligible(&judgements) },
            moves: downgrade::moves_of(&judgements),
            judgements,
            after_doubt,
            today,
        }))
    }
}

/// What stands against a write for a ring now, whatever its group needs. `since`: when the last of
/// its attempts ended.
pub(crate) fn not_now(
    context: &Context<'_>,
    ring: &RingName,
    since: Timestamp,
    attempts: &Attempts,
    (step, judgements): (Step, &[Judgement]),
) -> Vec<WriteBlock> {
    let mut blocks = not_now_for(context, step, ring, since, attempts);
    let ready = judgements.iter().all(|judgement| judgement.verdict.advances());
    // More devices get the versions only while those that have them are in sight and well.
    if !ready || context.ailing().next().is_some() {
        blocks.push(WriteBlock::Gates);
    }
    blocks
}

/// What stands against any write for a ring now, one that goes back included.
pub(crate) fn not_now_for(
    context: &Context<'_>,
    step: Step,
    ring: &RingName,
    since: Timestamp,
    attempts: &Attempts,
) -> Vec<WriteBlock> {
    let mut blocks: Vec<WriteBlock> = context.stopping(step).map(WriteBlock::Block).collect();
    let until = not_before(attempts, since);
    if context.now < until {
        let (ring, last) = (ring.clone(), attempts.trouble());
        blocks.push(WriteBlock::Other(Blocker::Backoff { ring, until, last }));
    }
    if let Some((rollout, _, write)) = context.state.pending_write() {
        let (plan, write) = (rollout.id.plan.to_string(), write.id());
        blocks.push(WriteBlock::Other(Blocker::OtherWrite { plan, write }));
    }
    blocks
}

/// What a rollback blocked for these profiles that a ring would offer them: as a target, or in what
/// its group has besides. Nothing is taken out of another group first, to end up nowhere.
pub(crate) fn blocked_version<'a>(
    state: &'a State,
    plan: &RingPlan,
    policies: &BTreeSet<PolicyId>,
    step: &GroupStep,
) -> Option<&'a BlockedVersion> {
    let is_target = |held: &BlockedVersion| plan.targets.get(&held.environment) == Some(&held.version);
    let is_offered = |held: &BlockedVersion| match step {
        GroupStep::InPlace(group) => held.is_offered_by(&group.content),
        GroupStep::Write { after, .. } => held.is_offered_by(after),
    };
    let of_ring = |held: &&BlockedVersion| policies.contains(&held.policy);
    state.blocked_versions.iter().filter(of_ring).find(|held| is_target(held) || is_offered(held))
}

/// What a ring's group needs by what is known of the account.
pub(crate) fn need(context: &Context<'_>, plan: &RingPlan) -> Need {
    let groups = context.world.groups_now(context.state);
    let groups = groups.filter(|groups| since(groups.as_of, context.now) <= ENTRY_MAX_AGE);
    let resolved = context.world.resolve_within(&context.rollout.revision.plan, plan);
    let (groups, policies) = match (groups, resolved) {
        (Some(groups), Ok(policies)) => (groups.value, policies),
        (_, Err(Unresolved::Names(_))) => return Need::Unresolved,
        (None, _) | (_, Err(Unresolved::Unread)) => return Need::Unread,
    };
    // A group of ours that the list lacks is hidden or gone: a read of its own says which, and
    // only a person who saw the drift lets another one take its place.
    let own = context.state.group_of(&context.rollout.id.plan, &plan.name);
    if own.is_some_and(|(id, _)| !groups.iter().any(|group| group.id == *id)) {
        return Need::Unread;
    }
    match grouping::group_steps(context.known(), &context.rollout.id.plan, plan, &policies, &groups) {
        Ok(steps) => Need::Steps(Box::new(steps), policies),
        Err(veto) => Need::Veto(veto),
    }
}

/// Whether the list lacks a group of the plan, and no read of its own has said that it is gone.
pub(crate) fn hides_one_of_ours(context: &Context<'_>) -> bool {
    let Some(groups) = context.world.groups_now(context.state) else { return false };
    let owned = context.state.groups.iter().filter(|(_, owned)| owned.plan == context.rollout.id.plan);
    owned
        .filter(|(id, _)| !groups.value.iter().any(|group| group.id == **id))
        .any(|(id, owned)| !drift::is_gone(context.world, id, &owned.last))
}

/// Why a write to so many devices is more than the ring's plan allows; `None`: it is not.
pub(crate) fn too_many(plan: &RingPlan, devices: usize) -> Option<Blocker> {
    let at_most = plan.max_devices?;
    let too_many = TooMany { devices, at_most };
    at_most.is_exceeded_by(devices).then(|| Blocker::BlastLimit(plan.name.clone(), too_many))
}

/// Why the guard keeps a write to so many devices back; `None`: it does not.
pub(crate) fn too_many_today(context: &Context<'_>, ring: &RingName, devices: usize) -> Option<Blocker> {
    let Today { before, at_most } = today(context)?;
    let until = context.state.day.next_end(context.now);
    // A write that moves nobody adds nothing.
    let exceeded = devices > 0 && at_most.is_exceeded_by(before.saturating_add(devices));
    let too_many = TooManyToday { devices, before, at_most, until };
    exceeded.then(|| Blocker::DevicesPerDay(ring.clone(), too_many))
}

/// How the guard stands; `None`: there is none.
pub(crate) fn today(context: &Context<'_>) -> Option<Today> {
    let at_most = context.world.devices_per_day?;
    Some(Today { before: context.state.day.devices(context.now), at_most })
}

/// How many devices a write offers something else, by what is known of the fleet.
pub(crate) fn retargets(
    context: &Context<'_>,
    plan: &RingPlan,
    before: Option<&Group>,
    after: &GroupContent,
) -> usize {
    let policies = before.into_iter().flat_map(|group| &group.content.policies).chain(&after.policies);
    let policies: BTreeSet<&PolicyId> = policies.collect();
    let changed = |policy: &PolicyId, environment: &Environment| {
        let before = before.map(|group| offered(&group.content, policy, *environment));
        before.unwrap_or_default() != offered(after, policy, *environment)
    };
    let counted = policies.into_iter().map(|policy| {
        let changed = Environment::ALL.into_iter().filter(|environment| changed(policy, environment));
        let scope = RingScope {
            policies: BTreeSet::from([policy.clone()]),
            // Any version will do: before an assignment, a device counts if it can be moved.
            targets: changed.map(|environment| (environment, ClientVersion::FIRST_ASSIGNABLE)).collect(),
            assigned_at: None,
            stalled_after: plan.health.stalled.after.get(),
            zone: Zone::utc(),
        };
        context.world.fleet.census(&scope, context.now).eligible()
    });
    counted.sum()
}

/// What a group offers to a profile's devices of an environment, sorted.
fn offered<'a>(
    content: &'a GroupContent,
    policy: &PolicyId,
    environment: Environment,
) -> Vec<&'a VersionEntry> {
    // What an entry without a known environment is for is not documented: for all
    // (cloudflare.md#version-entries).
    let others = Environment::ALL.into_iter().filter(|other| *other != environment);
    let is_other = |named: &str| others.clone().any(|other| other.as_str() == named);
    let entries = content.versions.iter().filter(|_| content.policies.contains(policy));
    let mut entries: Vec<_> =
        entries.filter(|entry| !entry.environment.as_deref().is_some_and(is_other)).collect();
    entries.sort();
    entries
}

/// The devices that the fleet gate counted.
pub(crate) fn eligible(judgements: &[Judgement]) -> usize {
    let counted = judgements.iter().find_map(|judgement| match &judgement.evidence {
        Evidence::Fleet { eligible, .. } => Some(*eligible),
        _ => None,
    });
    counted.unwrap_or(0)
}

/// When the request budget has room for a whole write again; `None`: it has now.
pub(crate) fn budget_spent_until(context: &Context<'_>) -> Option<Timestamp> {
    context.world.budget_spent_until.filter(|until| *until > context.now)
}

/// That the request budget has no room for a whole write.
pub(crate) fn budget_spent(context: &Context<'_>, ring: &RingName) -> Option<Blocker> {
    budget_spent_until(context).map(|until| Blocker::BudgetSpent { ring: ring.clone(), until })
}
