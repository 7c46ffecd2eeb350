//! Step: enters the ring whose turn it is.
//!
//! **Invariant:** whatever the hour and whoever holds the plan, a ring's group needs the same
//! write; `need` says which, and [`entering`] whether it may be planned now.

use std::collections::BTreeSet;

use crate::ids::PolicyId;
use crate::plan::model::RingPlan;
use crate::rollout::decide::context::Context;
use crate::rollout::decide::entry_block::{Entering, EntryBlock};
use crate::rollout::decide::write::{
    Need, budget_spent_until, eligible, held_out, hides_one_of_ours, need, not_now, retargets, today,
    too_many, too_many_today,
};
use crate::rollout::decide::{drift, superseded};
use crate::rollout::judge::grouping::{GroupStep, GroupSteps};
use crate::rollout::judge::revision::forbid;
use crate::rollout::judge::{between, downgrade};
use crate::rollout::record::{Entry, Event, Gate, Judgement, Mode, Purpose, Step, WriteId, WriteIntent};
use crate::rollout::state::{Attempts, Ring, Stage};

impl<'a> Context<'a> {
    /// What entering the ring comes to whose turn it is: the ladder asks, and the report after it. `None`:
    /// no ring waits to be entered.
    pub(crate) fn entering(&self) -> Option<&Entering> {
        let entering = || {
            let (ring, plan) = self.current()?;
            let Stage::Entering(attempts) = &ring.stage else { return None };
            Some(entering(self, ring, plan, attempts, self.judged(ring).to_vec()))
        };
        self.enters.get_or_init(entering).as_ref()
    }
}

pub(crate) fn enter_ring(context: &Context<'_>) -> Vec<Entry> {
    let Some(((ring, _), entering)) = context.current().zip(context.entering()) else { return Vec::new() };
    match entering.clone() {
        Entering::Blocked(_) => Vec::new(),
        Entering::Recognised(event) => {
            context.entry("the ring soaked on these targets before and still has them", event)
        }
        Entering::InPlace(event) => context.entry("the group already offers the targets", event),
        // Observing: the report says what would be written.
        Entering::Write(_) if context.state.mode == Some(Mode::Observe) => Vec::new(),
        Entering::Write(intent) => {
            let event = Event::WritePlanned { ring: ring.name.clone(), intent };
            context.entry("every entry gate advances", event)
        }
    }
}

/// What entering a ring comes to now.
pub(crate) fn entering(
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
    blocks.extend(drift::bars(context).into_iter().map(|_| EntryBlock::Drifted).take(1));
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
    blocks.extend(limits(context, plan, &step, &last));
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

/// Which limits the steps would break: devices, devices per day, requests.
fn limits(context: &Context<'_>, plan: &RingPlan, step: &GroupStep, last: &GroupStep) -> Vec<EntryBlock> {
    let mut blocks = Vec::new();
    // A write reserves its requests before it is planned: the read before it, itself, and the
    // reads that settle it. A ring that needs none may go on.
    let each = || [step, last].into_iter().take(1 + usize::from(step != last));
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
    blocks
}

/// That the ring had soaked on these targets before and still has them.
pub(crate) fn recognised(
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
