//! The decision: one ladder, top wins, run until it has nothing to add.
//!
//! **Invariant:** pure; the same plan, state, world and `now` give the same events, and deciding
//! again on what they lead to adds nothing (law 10).

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::ids::{PlanName, PolicyId, RingName};
use crate::plan::model::RingPlan;
use crate::rollout::event::{Cause, Entry, Event, Mode, Recorded, WriteId, WriteIntent};
use crate::rollout::gate::{self, Subject};
use crate::rollout::report::{self, Report};
use crate::rollout::safety::{self, GroupStep, Veto};
use crate::rollout::state::{Attempts, IllegalEvent, Phase, PlanState, Ring, Rollout, Soak, Stage, State};
use crate::rollout::verdict::{Gate, Judgement, Verdict};
use crate::rollout::world::{Desired, ENTRY_MAX_AGE, Observations, Unresolved, Want};
use crate::rollout::{lifecycle, outcome, reads};
use crate::time::{SignedDuration, Timestamp, after, since};

/// Steps that one decision may take. A rollout of 100 rings that are all recognised takes 201.
const MAX_STEPS: usize = 1_000;

/// Writes for one ring that may come to nothing in a row before a person must look.
pub const MAX_ATTEMPTS: u32 = 6;

/// The wait after the first write that came to nothing; it doubles with each further one.
const FIRST_BACKOFF: SignedDuration = SignedDuration::from_mins(1);

/// What a decision comes to.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an unread decision moves nothing and explains nothing"]
pub struct Decision {
    /// To be appended to the log, in order, before anything else happens.
    pub entries: Vec<Entry>,
    /// Why the rollout is where it is; `None` while the plan has none.
    pub report: Option<Report>,
    /// What to read, and when.
    pub reads: Vec<Want>,
    /// When to decide again at the latest, should nothing happen before.
    pub wake_at: Option<Timestamp>,
}

/// Decides what follows for one plan.
///
/// # Errors
/// When an event that the ladder made does not fit the state: a fault in ringward, which stops
/// this plan and no other.
pub fn decide(
    name: &PlanName,
    desired: Desired<'_>,
    state: &State,
    world: &Observations,
    now: Timestamp,
) -> Result<Decision, IllegalEvent> {
    let mut state = Cow::Borrowed(state);
    let mut entries = Vec::new();
    for _ in 0..MAX_STEPS {
        let step = ladder(name, desired, &state, world, now);
        if step.is_empty() {
            break;
        }
        for entry in step {
            let state = state.to_mut();
            let at = state.last_at.map_or(now, |last| last.max(now));
            state.apply(&Recorded { seq: state.seq + 1, at, entry: entry.clone() })?;
            entries.push(entry);
        }
    }
    let context = Context::of(name, desired, &state, world, now);
    let reads = context.as_ref().map(reads::wants).unwrap_or_default();
    let report = context.as_ref().map(report::report);
    let wake_at = context.as_ref().and_then(|context| reads::wake_at(context, &reads));
    Ok(Decision { entries, report, reads, wake_at })
}

/// Everything that a rung looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) desired: Desired<'a>,
    pub(super) state: &'a State,
    pub(super) plan: &'a PlanState,
    pub(super) rollout: &'a Rollout,
    pub(super) world: &'a Observations,
    pub(super) now: Timestamp,
}

impl<'a> Context<'a> {
    fn of(
        name: &PlanName,
        desired: Desired<'a>,
        state: &'a State,
        world: &'a Observations,
        now: Timestamp,
    ) -> Option<Self> {
        let plan = state.plans.get(name)?;
        Some(Self { desired, state, plan, rollout: &plan.rollout, world, now })
    }

    pub(super) fn is_held(&self) -> bool {
        self.state.stop.is_some() || self.plan.paused.is_some() || self.rollout.halted.is_some()
    }

    pub(super) fn subject(&self, ring: &'a Ring, plan: &'a RingPlan) -> Subject<'a> {
        Subject { rollout: self.rollout, ring, plan, world: self.world, now: self.now }
    }

    /// The first ring that is not verified.
    pub(super) fn current(&self) -> Option<(&'a Ring, &'a RingPlan)> {
        self.rollout.rings_with_plans().find(|(ring, _)| !matches!(ring.stage, Stage::Verified(_)))
    }

    fn entry(&self, reason: impl Into<String>, event: Event) -> Vec<Entry> {
        vec![Entry::engine(&self.rollout.id, reason, event)]
    }
}

/// The ladder: the first rung with something to say wins. Holds and stops block what writes and
/// what verifies, never what sees: doubt, halts, unknowns and soak clocks go on.
fn ladder(
    name: &PlanName,
    desired: Desired<'_>,
    state: &State,
    world: &Observations,
    now: Timestamp,
) -> Vec<Entry> {
    let context = Context::of(name, desired, state, world, now);
    let Some(context) = context else { return lifecycle::step(name, desired, state) };
    if context.rollout.pending_write().is_some() {
        return outcome::settle(context.rollout, world).into_iter().collect();
    }
    let changed = lifecycle::step(name, desired, state);
    if !changed.is_empty() || context.rollout.phase != Phase::Running {
        return changed;
    }
    let rungs: [fn(&Context<'_>) -> Vec<Entry>; 6] =
        [halt, note_unknown, leave_ring, reach_ring, enter_ring, complete];
    rungs.iter().map(|rung| rung(&context)).find(|entries| !entries.is_empty()).unwrap_or_default()
}

/// Halts for drift, a refused or ever failing write, a failing gate, or too long an unknown.
fn halt(context: &Context<'_>) -> Vec<Entry> {
    if context.rollout.halted.is_some() {
        return Vec::new();
    }
    match drift(context).or_else(|| failing(context)).or_else(|| unknown_too_long(context)) {
        Some(cause) => context.entry(cause.to_string(), Event::Halted { cause }),
        None => Vec::new(),
    }
}

fn drift(context: &Context<'_>) -> Option<Cause> {
    let rings: Vec<RingName> = context.rollout.rings.iter().map(|ring| ring.name.clone()).collect();
    safety::drift(context.state, &context.rollout.id.plan, &rings, context.world)
}

fn failing(context: &Context<'_>) -> Option<Cause> {
    context.rollout.rings_with_plans().find_map(|(ring, plan)| {
        if let Stage::Entering(Attempts { failed, last: Some(last), .. }) = &ring.stage
            && *failed >= MAX_ATTEMPTS
        {
            let (ring, attempts, last) = (ring.name.clone(), *failed, last.clone());
            return Some(Cause::WritesKeepFailing { ring, attempts, last });
        }
        if let Stage::Entering(Attempts { refused: Some(refusal), .. }) = &ring.stage {
            let (status, message) = (refusal.status, refusal.message.clone());
            return Some(Cause::WriteRefused { ring: ring.name.clone(), status, message });
        }
        let failed = gate::judge(context.subject(ring, plan))
            .into_iter()
            .find(|judgement| matches!(judgement.verdict, Verdict::Fail(_)))?;
        Some(Cause::AdoptionMissed { ring: ring.name.clone(), judgement: Box::new(failed) })
    })
}

fn unknown_too_long(context: &Context<'_>) -> Option<Cause> {
    context.rollout.rings_with_plans().find_map(|(ring, plan)| {
        let limit = plan.unknown_after.get();
        let ((gate, environment), unknown) =
            ring.unknown.iter().find(|(_, unknown)| since(unknown.since, context.now) >= limit)?;
        Some(Cause::UnknownTooLong {
            ring: ring.name.clone(),
            gate: *gate,
            environment: *environment,
            why: unknown.why,
            since: unknown.since,
        })
    })
}

/// Records which gates cannot tell and why, and which can again: the clock of `unknown_after`.
fn note_unknown(context: &Context<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (ring, plan) in context.rollout.rings_with_plans() {
        let judgements = gate::judge(context.subject(ring, plan));
        for judgement in &judgements {
            let noted = ring.unknown.get(&(judgement.gate, judgement.environment)).map(|noted| noted.why);
            let (ring, gate, environment) = (ring.name.clone(), judgement.gate, judgement.environment);
            match (&judgement.verdict, noted) {
                (Verdict::Unknown(why), noted) if noted != Some(*why) => {
                    let event = Event::GateUnknown { ring, gate, environment, why: *why };
                    entries.extend(context.entry(judgement.to_string(), event));
                }
                (Verdict::Unknown(_), _) | (_, None) => {}
                (_, Some(_)) => {
                    let event = Event::GateKnown { ring, gate, environment };
                    entries.extend(context.entry(judgement.to_string(), event));
                }
            }
        }
    }
    entries
}

/// The current ring's exit gates: adoption starts the soak, the soak verifies.
fn leave_ring(context: &Context<'_>) -> Vec<Entry> {
    let Some((ring, plan)) = context.current() else { return Vec::new() };
    let judgements = gate::judge(context.subject(ring, plan));
    if judgements.is_empty() || !judgements.iter().all(|judgement| judgement.verdict.advances()) {
        return Vec::new();
    }
    let name = ring.name.clone();
    match &ring.stage {
        Stage::Adopting(_) => context
            .entry("every environment adopted its target", Event::AdoptionReached { ring: name, judgements }),
        Stage::Soaking(_, Soak { .. }) if !context.is_held() => {
            context.entry("every exit gate advances", Event::RingVerified { ring: name, judgements })
        }
        _ => Vec::new(),
    }
}

fn reach_ring(context: &Context<'_>) -> Vec<Entry> {
    match context.current() {
        Some((ring, _)) if ring.stage == Stage::Pending => {
            context.entry("every earlier ring is verified", Event::RingReached { ring: ring.name.clone() })
        }
        _ => Vec::new(),
    }
}

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
    Backoff { until: Timestamp, last: Option<String> },
    OtherWrite { plan: PlanName, write: WriteId },
    BudgetSpent { until: Timestamp },
    FileMissing,
    ClockBehind(Timestamp),
    Held,
}

fn enter_ring(context: &Context<'_>) -> Vec<Entry> {
    let Some((ring, plan)) = context.current() else { return Vec::new() };
    let Stage::Entering(attempts) = &ring.stage else { return Vec::new() };
    let judgements = gate::entry(context.subject(ring, plan));
    match entering(context, ring, plan, attempts, judgements) {
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

/// What entering a ring comes to now: the same for decision, report and preview.
pub(super) fn entering(
    context: &Context<'_>,
    ring: &Ring,
    plan: &RingPlan,
    attempts: &Attempts,
    judgements: Vec<Judgement>,
) -> Entering {
    let mut blocks = Vec::new();
    if context.is_held() {
        blocks.push(EntryBlock::Held);
    }
    if context.desired == Desired::Missing {
        blocks.push(EntryBlock::FileMissing);
    }
    if let Some(until) = context.world.clock_behind {
        blocks.push(EntryBlock::ClockBehind(until));
    }
    if !judgements.iter().all(|judgement| judgement.verdict.advances()) {
        blocks.push(EntryBlock::Gates);
    }
    let until = not_before(attempts, ring.since);
    if context.now < until {
        blocks.push(EntryBlock::Backoff { until, last: attempts.last.clone() });
    }
    if let Some((rollout, _, write)) = context.state.pending_write() {
        blocks.push(EntryBlock::OtherWrite { plan: rollout.id.plan.clone(), write: write.id() });
    }
    let groups = context.world.groups_now(context.state);
    let groups = groups.filter(|groups| since(groups.as_of, context.now) <= ENTRY_MAX_AGE);
    let resolved = context.world.resolve_within(&context.rollout.revision.plan, plan);
    let (groups, policies) = match (groups, resolved) {
        (Some(groups), Ok(policies)) => (groups, policies),
        // The fleet gate names the profiles, and does not advance.
        (_, Err(Unresolved::Names(_))) => return Entering::Blocked(blocks),
        (None, _) | (_, Err(Unresolved::Unread)) => {
            blocks.push(EntryBlock::GroupsUnread);
            return Entering::Blocked(blocks);
        }
    };
    // A group of ours that the list lacks is hidden or gone: a read of its own says which, and
    // only a person who saw the drift lets another one take its place.
    let own = context.state.group_of(&context.rollout.id.plan, &ring.name);
    if own.is_some_and(|(id, _)| !groups.value.iter().any(|group| group.id == *id)) {
        blocks.push(EntryBlock::GroupsUnread);
        return Entering::Blocked(blocks);
    }
    let step =
        match safety::group_step(context.state, &context.rollout.id.plan, plan, &policies, &groups.value) {
            Ok(step) => step,
            Err(veto) => {
                blocks.push(EntryBlock::Veto(veto));
                return Entering::Blocked(blocks);
            }
        };
    let held = blocks.iter().any(|block| !matches!(block, EntryBlock::Gates));
    if let Some(event) = recognised(context, ring, plan, &policies, &step).filter(|_| !held) {
        return Entering::Recognised(event);
    }
    // A write reserves its requests before it is planned: the read before it, itself, and the
    // reads that settle it. A ring that needs none may go on.
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
            id: WriteId(context.state.writes + 1),
            digest: context.rollout.revision.digest.clone(),
            purpose,
            before,
            after,
            policies,
            devices: eligible(&judgements),
            judgements,
            after_doubt: attempts.doubted,
        })),
    }
}

/// That the ring had soaked on these targets before and still has them.
fn recognised(
    context: &Context<'_>,
    ring: &Ring,
    plan: &RingPlan,
    policies: &BTreeSet<PolicyId>,
    step: &GroupStep,
) -> Option<Event> {
    let GroupStep::InPlace(group) = step else { return None };
    let soak =
        context.state.soaks.iter().find(|soak| {
            soak.group == group.id && soak.policies == *policies && soak.targets == plan.targets
        })?;
    Some(Event::RingRecognised { ring: ring.name.clone(), group: group.clone(), soak: soak.clone() })
}

/// The devices that the fleet gate counted.
fn eligible(judgements: &[Judgement]) -> usize {
    let fleet = judgements.iter().find(|judgement| judgement.gate == Gate::Fleet);
    match fleet.map(|judgement| &judgement.evidence) {
        Some(crate::rollout::verdict::Evidence::Fleet { eligible, .. }) => *eligible,
        _ => 0,
    }
}

/// When the next write for a ring may be planned, after those that came to nothing.
pub(super) fn not_before(attempts: &Attempts, since: Timestamp) -> Timestamp {
    let backoff = match attempts.failed {
        0 => SignedDuration::ZERO,
        failed => FIRST_BACKOFF * 2_i32.pow((failed - 1).min(MAX_ATTEMPTS)),
    };
    after(since, backoff).max(attempts.not_before.unwrap_or(since))
}

/// When the request budget has room for a whole write again; `None`: it has now.
pub(super) fn budget_spent_until(context: &Context<'_>) -> Option<Timestamp> {
    context.world.budget_spent_until.filter(|until| *until > context.now)
}

fn complete(context: &Context<'_>) -> Vec<Entry> {
    if context.current().is_some() {
        return Vec::new();
    }
    context.entry("every ring is verified", Event::RolloutCompleted {})
}
