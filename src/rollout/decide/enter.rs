//! Step: enters the ring whose turn it is.
//!
//! **Invariant:** whatever the hour and whoever holds the plan, a ring's group needs the same
//! write; `need` says which, and [`entering`] whether it may be planned now.

use std::collections::BTreeSet;

use crate::ids::PolicyId;
use crate::plan::model::RingPlan;
use crate::rollout::decide::planned::{PlannedStep, WriteBlock};
use crate::rollout::decide::write::{
    Need, WriteDraft, blocked_version, budget_spent, hides_one_of_ours, need, not_now, retargets, too_many,
    too_many_today,
};
use crate::rollout::decide::{blocker::Blocker, context::Context, drift, superseded};
use crate::rollout::judge::grouping::{GroupStep, GroupSteps};
use crate::rollout::judge::{between, revision::forbid};
use crate::rollout::record::{Entry, Event, Gate, Purpose, Step};
use crate::rollout::state::{Attempts, Ring};

impl<'a> Context<'a> {
    /// What entering the ring comes to whose turn it is: the pipeline asks, and the report after it. `None`:
    /// no ring waits to be entered.
    pub(crate) fn entering(&self) -> Option<&PlannedStep> {
        let entering = || {
            let (ring, plan) = self.current()?;
            let attempts = ring.stage.entering()?;
            Some(entering(self, ring, plan, attempts))
        };
        self.enters.get_or_init(entering).as_ref()
    }
}

pub(crate) fn enter_ring(context: &Context<'_>) -> Vec<Entry> {
    let Some(((ring, _), entering)) = context.current().zip(context.entering()) else { return Vec::new() };
    entering.clone().entries(context, ring, "every entry gate advances")
}

/// What entering a ring comes to now.
pub(crate) fn entering(
    context: &Context<'_>,
    ring: &Ring,
    plan: &RingPlan,
    attempts: &Attempts,
) -> PlannedStep {
    let judgements = context.judged(ring).to_vec();
    let is_between = between::is_between(context.known(), ring);
    let step = if is_between { Step::SecondHalf } else { Step::Entry };
    let mut blocks = not_now(context, &ring.name, ring.since, attempts, (step, &judgements));
    if !superseded::ailing(context, plan).is_empty() && !blocks.contains(&WriteBlock::Gates) {
        blocks.push(WriteBlock::Gates);
    }
    if !drift::bars(context).is_empty() {
        blocks.push(WriteBlock::Drifted);
    }
    let name = || ring.name.clone();
    // A profile that the list shows in no group may sit in one of ours that it hides; and one that is
    // gone is a drift, which comes first.
    let hides = hides_one_of_ours(context);
    let need = need(context, plan);
    if hides || matches!(need, Need::Unread) {
        blocks.push(WriteBlock::Other(Blocker::GroupsUnread(name())));
    }
    let (GroupSteps { next: step, last }, policies) = match need {
        Need::Steps(steps, policies) => (*steps, policies),
        Need::Unresolved | Need::Unread => return PlannedStep::Blocked(blocks),
        Need::Veto(veto) => {
            blocks.push(WriteBlock::Other(Blocker::Veto(name(), veto)));
            return PlannedStep::Blocked(blocks);
        }
    };
    // What is between two groups goes in past a hold; nothing else is taken out past one.
    if let GroupStep::Write { purpose: Purpose::MoveOut { .. }, .. } = &step {
        let holds: Vec<_> = context.stopping(Step::Entry).map(WriteBlock::Block).collect();
        let news = |hold: &WriteBlock| !blocks.contains(hold);
        let holds: Vec<_> = holds.into_iter().filter(news).collect();
        blocks.extend(holds);
    }
    let forbidden =
        plan.targets.values().find(|version| forbid(&context.rollout.revision.plan, **version).is_some());
    blocks.extend(forbidden.map(|version| WriteBlock::Other(Blocker::Forbidden(name(), *version))));
    let held = blocked_version(context.state, plan, &policies, &last).cloned();
    let held = held.map(|held| Blocker::BlockedVersion(name(), Box::new(held)));
    blocks.extend(held.map(WriteBlock::Other));
    // What a ring has already, it keeps whatever the schedule says; that it takes devices down, it must say.
    let goes_down = !judgements.iter().any(|word| word.gate == Gate::Downgrade)
        || judgements.iter().any(|word| word.gate == Gate::Downgrade && !word.verdict.advances());
    let held = goes_down || blocks.iter().any(|block| *block != WriteBlock::Gates);
    if let Some(event) = recognised(context, plan, &policies, &step).filter(|_| !held) {
        let reason = "the ring soaked on these targets before and still has them";
        return PlannedStep::Fact(reason, Box::new(event));
    }
    blocks.extend(superseded::still_adopts(context, &ring.name, plan).map(WriteBlock::Other));
    blocks.extend(limits(context, plan, &step, &last));
    if !blocks.is_empty() {
        return PlannedStep::Blocked(blocks);
    }
    match step {
        GroupStep::InPlace(group) => {
            let event = Event::RingAssigned { ring: ring.name.clone(), group, judgements };
            PlannedStep::Fact("the group already offers the targets", Box::new(event))
        }
        GroupStep::Write { purpose, before, after } => {
            let after_doubt = attempts.doubted;
            WriteDraft { plan, purpose, before, after, policies, judgements, after_doubt }.planned(context)
        }
    }
}

/// Which limits the steps would break: devices, devices per day, requests.
fn limits(context: &Context<'_>, plan: &RingPlan, step: &GroupStep, last: &GroupStep) -> Vec<WriteBlock> {
    let ring = &plan.name;
    // A write reserves its requests before it is planned: the read before it, itself, and the
    // reads that settle it. A ring that needs none may go on.
    let each = [step, last].into_iter().take(1 + usize::from(step != last));
    let devices: Vec<usize> = each.map(|step| devices(context, plan, step)).collect();
    let too_many = devices.iter().find_map(|devices| too_many(plan, *devices));
    let today = too_many_today(context, ring, devices.iter().sum());
    let budget = matches!(step, GroupStep::Write { .. }).then(|| budget_spent(context, ring)).flatten();
    [too_many, today, budget].into_iter().flatten().map(WriteBlock::Other).collect()
}

/// How many devices a step offers something else.
pub(crate) fn devices(context: &Context<'_>, plan: &RingPlan, step: &GroupStep) -> usize {
    match step {
        GroupStep::InPlace(_) => 0,
        GroupStep::Write { before, after, .. } => retargets(context, plan, before.as_ref(), after),
    }
}

/// That the ring had soaked on these targets before and still has them.
pub(crate) fn recognised(
    context: &Context<'_>,
    plan: &RingPlan,
    policies: &BTreeSet<PolicyId>,
    step: &GroupStep,
) -> Option<Event> {
    let GroupStep::InPlace(group) = step else { return None };
    let mut soaks = context.state.soaks.iter().filter(|soak| soak.group == group.id);
    let soak = soaks.find(|soak| soak.policies == *policies && soak.targets == plan.targets)?;
    Some(Event::RingRecognised { ring: plan.name.clone(), group: group.clone(), soak: soak.clone() })
}
