//! What entering a ring comes to: decision, report and preview all ask here.
//!
//! **Invariant:** whatever the hour and whoever holds the plan, a ring's group needs the same
//! write; [`need`] says which, and [`entering`] whether it may be planned now.

use std::collections::BTreeSet;

use crate::fleet::RingScope;
use crate::ids::{PlanName, PolicyId, RingName};
use crate::plan::model::{DeviceLimit, RingPlan};
use crate::rollout::between;
use crate::rollout::block::{BlockKind, Step};
use crate::rollout::decide::Context;
use crate::rollout::downgrade;
use crate::rollout::drift;
use crate::rollout::event::{Event, Purpose, Today, WriteId, WriteIntent};
use crate::rollout::grouping::{self, GroupStep, GroupSteps, Veto};
use crate::rollout::remote::{Group, GroupContent, VersionEntry};
use crate::rollout::revision::forbid;
use crate::rollout::state::{Attempts, HeldOut, Ring, State, Superseded};
use crate::rollout::superseded;
use crate::rollout::verdict::{Evidence, Gate, Judgement};
use crate::rollout::world::{ENTRY_MAX_AGE, Unresolved};
use crate::schedule::Zone;
use crate::time::{SignedDuration, Timestamp, after, since};
use crate::version::{ClientVersion, Environment};

/// Writes for one ring that may come to nothing in a row before a person must look.
pub(super) const MAX_ATTEMPTS: u32 = 6;

/// The wait after the first write that came to nothing; it doubles with each further one.
const FIRST_BACKOFF: SignedDuration = SignedDuration::from_mins(1);

/// The wait after a failed read before a write doubles so often, up to 16 minutes: the dependency may be
/// back at any time, and nothing was sent.
const READ_DOUBLINGS: u32 = 4;

/// What entering the current ring comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Entering {
    /// Something is in the way; the report says what.
    Blocked(Vec<EntryBlock>),
    /// The ring had soaked on these targets before.
    Recognised(Event),
    /// All gates advance and nothing is to be written.
    InPlace(Event),
    /// All gates advance and this is to be written.
    Write(Box<WriteIntent>),
}

/// What is in the way of entering a ring, gates aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EntryBlock {
    Gates,
    GroupsUnread,
    Veto(Veto),
    Backoff {
        until: Timestamp,
        last: Option<String>,
    },
    OtherWrite {
        plan: PlanName,
        write: WriteId,
    },
    BudgetSpent {
        until: Timestamp,
    },
    BlastLimit(TooMany),
    /// Something stands before every step.
    Block(BlockKind),
    /// The plan forbids what would be on offer.
    Forbidden(ClientVersion),
    DevicesPerDay(TooManyToday),
    /// A group of the plan drifted: first it is written back, or a person decides.
    Drifted,
    /// Another ring deploys or adopts; a group is written back after it.
    OtherRing(RingName),
    /// An earlier rollout left devices of another ring on their way to what would be on offer here.
    LeftAdopts {
        ring: RingName,
        rollout: u64,
    },
    /// A rollback holds out what would be on offer.
    HeldOut(Box<HeldOut>),
}

impl EntryBlock {
    /// That an earlier rollout's devices are on their way.
    pub(super) fn left_adopts(left: &Superseded) -> Self {
        Self::LeftAdopts { ring: left.ring.name.clone(), rollout: left.rollout.number }
    }
}

/// A write that would offer something else to more devices than its ring's plan allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// How many, by the planner's count.
    pub devices: usize,
    /// `max_devices` of the ring.
    pub at_most: DeviceLimit,
}

/// A write with which all plans together would offer something else to more devices within 24 hours than the
/// daemon's configuration allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyToday {
    /// How many, by the planner's count.
    pub devices: usize,
    /// How many the writes of the 24 hours before have.
    pub before: usize,
    /// `guard.devices_per_day`.
    pub at_most: DeviceLimit,
    /// When the first of those writes counts no more.
    pub until: Option<Timestamp>,
}

/// What a ring's group needs, whatever stands against doing it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    /// Groups or profiles have not been read lately, or a group of ours is not in the list.
    Unread,
    /// A profile of the ring does not resolve; the fleet gate names it, and does not advance.
    Unresolved,
    /// A group is in the way.
    Veto(Veto),
    /// These steps, for these profiles.
    Steps(Box<GroupSteps>, BTreeSet<PolicyId>),
}

/// What entering a ring comes to now.
pub(super) fn entering(
    context: &Context<'_>,
    ring: &Ring,
    plan: &RingPlan,
    attempts: &Attempts,
    judgements: Vec<Judgement>,
) -> Entering {
    let is_between = between::is_between(context.state, context.world, ring);
    let step = if is_between { Step::SecondHalf } else { Step::Entry };
    let mut blocks = not_now(context, ring.since, attempts, (step, &judgements));
    if !superseded::ailing(context, plan).is_empty() && !blocks.contains(&EntryBlock::Gates) {
        blocks.push(EntryBlock::Gates);
    }
    blocks.extend(drift::rungs::bars(context).into_iter().map(|_| EntryBlock::Drifted).take(1));
    // A profile that the list shows in no group may sit in one of ours that it hides; and one that is
    // gone is a drift, which comes first.
    if hides_one_of_ours(context) {
        blocks.push(EntryBlock::GroupsUnread);
    }
    let (GroupSteps { next: step, last }, policies) = match need(context, plan) {
        Need::Steps(steps, policies) => (*steps, policies),
        Need::Unresolved => return Entering::Blocked(blocks),
        Need::Unread => {
            if !blocks.contains(&EntryBlock::GroupsUnread) {
                blocks.push(EntryBlock::GroupsUnread);
            }
            return Entering::Blocked(blocks);
        }
        Need::Veto(veto) => {
            blocks.push(EntryBlock::Veto(veto));
            return Entering::Blocked(blocks);
        }
    };
    // What is between two groups goes in past a hold; nothing else is taken out past one.
    if let GroupStep::Write { purpose: Purpose::MoveOut { .. }, .. } = &step {
        let holds: Vec<_> = context.stopping(Step::Entry).map(EntryBlock::Block).collect();
        blocks.extend(holds.into_iter().filter(|hold| !blocks.contains(hold)).collect::<Vec<_>>());
    }
    let forbidden =
        plan.targets.values().find(|version| forbid(&context.rollout.revision.plan, **version).is_some());
    blocks.extend(forbidden.copied().map(EntryBlock::Forbidden));
    let held = held_out(context.state, plan, &policies, &last);
    blocks.extend(held.cloned().map(Box::new).map(EntryBlock::HeldOut));
    // What a ring has already, it keeps whatever the schedule says; that it takes devices down, it must say.
    let goes_down = !judgements.iter().any(|word| word.gate == Gate::Downgrade)
        || judgements.iter().any(|word| word.gate == Gate::Downgrade && !word.verdict.advances());
    let held = goes_down || blocks.iter().any(|block| !matches!(block, EntryBlock::Gates));
    if let Some(event) = recognised(context, plan, &policies, &step).filter(|_| !held) {
        return Entering::Recognised(event);
    }
    if let Some(left) = superseded::adopts(context, &ring.name, plan) {
        blocks.push(EntryBlock::left_adopts(left));
    }
    // A write reserves its requests before it is planned: the read before it, itself, and the
    // reads that settle it. A ring that needs none may go on.
    let each = || [&step, &last].into_iter().take(1 + usize::from(step != last));
    if let Some(too_many) = each().find_map(|step| too_many(context, plan, step)) {
        blocks.push(EntryBlock::BlastLimit(too_many));
    }
    let devices = each().map(|step| match step {
        GroupStep::InPlace(_) => 0,
        GroupStep::Write { before, after, .. } => retargets(context, plan, before.as_ref(), after),
    });
    blocks.extend(too_many_today(context, devices.sum()).map(EntryBlock::DevicesPerDay));
    if let GroupStep::Write { .. } = step
        && let Some(until) = budget_spent_until(context)
    {
        blocks.push(EntryBlock::BudgetSpent { until });
    }
    if !blocks.is_empty() {
        return Entering::Blocked(blocks);
    }
    match step {
        GroupStep::InPlace(group) => {
            Entering::InPlace(Event::RingAssigned { ring: ring.name.clone(), group, judgements })
        }
        GroupStep::Write { purpose, before, after } => Entering::Write(Box::new(WriteIntent {
            retargets: Some(retargets(context, plan, before.as_ref(), &after)),
            id: WriteId(context.state.writes + 1),
            digest: context.rollout.revision.digest.clone(),
            purpose,
            before,
            after,
            policies,
            devices: eligible(&judgements),
            moves: downgrade::moves_of(&judgements),
            judgements,
            after_doubt: attempts.doubted,
            today: today(context),
        })),
    }
}

/// What stands against a write for a ring now, whatever its group needs. `since`: when the last of
/// its attempts ended.
pub(super) fn not_now(
    context: &Context<'_>,
    since: Timestamp,
    attempts: &Attempts,
    (step, judgements): (Step, &[Judgement]),
) -> Vec<EntryBlock> {
    let mut blocks = not_now_for(context, step, since, attempts);
    let ready = judgements.iter().all(|judgement| judgement.verdict.advances());
    // More devices get the versions only while those that have them are in sight and well.
    if !ready || context.ailing().next().is_some() {
        blocks.push(EntryBlock::Gates);
    }
    blocks
}

/// What stands against any write for a ring now, one that goes back included.
pub(super) fn not_now_for(
    context: &Context<'_>,
    step: Step,
    since: Timestamp,
    attempts: &Attempts,
) -> Vec<EntryBlock> {
    let mut blocks: Vec<EntryBlock> = context.stopping(step).map(EntryBlock::Block).collect();
    let until = not_before(attempts, since);
    if context.now < until {
        blocks.push(EntryBlock::Backoff { until, last: attempts.trouble() });
    }
    if let Some((rollout, _, write)) = context.state.pending_write() {
        blocks.push(EntryBlock::OtherWrite { plan: rollout.id.plan.clone(), write: write.id() });
    }
    blocks
}

/// What a rollback holds out of these profiles that a ring would offer them: as a target, or in what
/// its group has besides. Nothing is taken out of another group first, to end up nowhere.
pub(super) fn held_out<'a>(
    state: &'a State,
    plan: &RingPlan,
    policies: &BTreeSet<PolicyId>,
    step: &GroupStep,
) -> Option<&'a HeldOut> {
    let is_target = |held: &HeldOut| plan.targets.get(&held.environment) == Some(&held.version);
    let is_offered = |held: &HeldOut| match step {
        GroupStep::InPlace(group) => held.is_offered_by(&group.content),
        GroupStep::Write { after, .. } => held.is_offered_by(after),
    };
    let of_ring = |held: &&HeldOut| policies.contains(&held.policy);
    state.held_out.iter().filter(of_ring).find(|held| is_target(held) || is_offered(held))
}

/// What a ring's group needs by what is known of the account.
pub(super) fn need(context: &Context<'_>, plan: &RingPlan) -> Need {
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
    let known = (context.state, context.world);
    match grouping::group_steps(known, &context.rollout.id.plan, plan, &policies, &groups) {
        Ok(steps) => Need::Steps(Box::new(steps), policies),
        Err(veto) => Need::Veto(veto),
    }
}

/// Whether the list lacks a group of the plan, and no read of its own has said that it is gone.
fn hides_one_of_ours(context: &Context<'_>) -> bool {
    let Some(groups) = context.world.groups_now(context.state) else { return false };
    let owned = context.state.groups.iter().filter(|(_, owned)| owned.plan == context.rollout.id.plan);
    owned
        .filter(|(id, _)| !groups.value.iter().any(|group| group.id == **id))
        .any(|(id, owned)| !drift::look::is_gone(context.world, id, &owned.last))
}

/// Why a step is more than the ring's plan allows; `None`: it is not.
pub(super) fn too_many(context: &Context<'_>, plan: &RingPlan, step: &GroupStep) -> Option<TooMany> {
    let GroupStep::Write { before, after, .. } = step else { return None };
    let at_most = plan.max_devices?;
    let devices = retargets(context, plan, before.as_ref(), after);
    at_most.is_exceeded_by(devices).then_some(TooMany { devices, at_most })
}

/// Why the guard keeps a write to so many devices back; `None`: it does not.
pub(super) fn too_many_today(context: &Context<'_>, devices: usize) -> Option<TooManyToday> {
    let Today { before, at_most } = today(context)?;
    let until = context.state.day.next_end(context.now);
    // A write that moves nobody adds nothing.
    let exceeded = devices > 0 && at_most.is_exceeded_by(before.saturating_add(devices));
    exceeded.then_some(TooManyToday { devices, before, at_most, until })
}

/// How the guard stands; `None`: there is none.
pub(super) fn today(context: &Context<'_>) -> Option<Today> {
    let at_most = context.world.devices_per_day?;
    Some(Today { before: context.state.day.devices(context.now), at_most })
}

/// How many devices a write offers something else, by what is known of the fleet.
pub(super) fn retargets(
    context: &Context<'_>,
    plan: &RingPlan,
    before: Option<&Group>,
    after: &GroupContent,
) -> usize {
    let offered = |content: &GroupContent,
                   policy: &PolicyId,
                   environment: Environment|
     -> Vec<VersionEntry> {
        // What an entry without a known environment is for is not documented (FACTS 1): for all.
        let others = Environment::ALL.into_iter().filter(|other| *other != environment);
        let is_other = |named: &str| others.clone().any(|other| other.as_str() == named);
        let entries = content.versions.iter().filter(|_| content.policies.contains(policy));
        let mut entries: Vec<_> =
            entries.filter(|entry| !entry.environment.as_deref().is_some_and(is_other)).cloned().collect();
        entries.sort();
        entries
    };
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

/// That the ring had soaked on these targets before and still has them.
pub(super) fn recognised(
    context: &Context<'_>,
    plan: &RingPlan,
    policies: &BTreeSet<PolicyId>,
    step: &GroupStep,
) -> Option<Event> {
    let GroupStep::InPlace(group) = step else { return None };
    let soak =
        context.state.soaks.iter().find(|soak| {
            soak.group == group.id && soak.policies == *policies && soak.targets == plan.targets
        })?;
    Some(Event::RingRecognised { ring: plan.name.clone(), group: group.clone(), soak: soak.clone() })
}

/// The devices that the fleet gate counted.
pub(super) fn eligible(judgements: &[Judgement]) -> usize {
    let fleet = judgements.iter().find(|judgement| judgement.gate == Gate::Fleet);
    match fleet.map(|judgement| &judgement.evidence) {
        Some(Evidence::Fleet { eligible, .. }) => *eligible,
        _ => 0,
    }
}

/// When the next write for a ring may be planned, after those that came to nothing and those that were
/// not sent since the read before them failed.
pub(super) fn not_before(attempts: &Attempts, since: Timestamp) -> Timestamp {
    retry(attempts, since, MAX_ATTEMPTS)
}

/// The same for what is tried for as long as it takes.
pub(super) fn retry_not_before(attempts: &Attempts, since: Timestamp) -> Timestamp {
    retry(attempts, since, READ_DOUBLINGS)
}

fn retry(attempts: &Attempts, since: Timestamp, doublings: u32) -> Timestamp {
    let reads = attempts.reads.as_ref().map_or(0, |reads| reads.times);
    let backoff = doubled(attempts.failed, doublings).max(doubled(reads, READ_DOUBLINGS));
    after(since, backoff).max(attempts.not_before.unwrap_or(since))
}

fn doubled(times: u32, at_most: u32) -> SignedDuration {
    match times {
        0 => SignedDuration::ZERO,
        times => FIRST_BACKOFF * 2_i32.pow((times - 1).min(at_most)),
    }
}

/// When the request budget has room for a whole write again; `None`: it has now.
pub(super) fn budget_spent_until(context: &Context<'_>) -> Option<Timestamp> {
    context.world.budget_spent_until.filter(|until| *until > context.now)
}
