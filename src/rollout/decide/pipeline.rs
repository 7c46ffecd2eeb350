//! The decision: one pipeline of steps, top wins, run until it has nothing to add.
//!
//! **Invariant:** pure; the same plan, state, world and `now` give the same events, and deciding
//! again on what they lead to adds nothing.

use std::borrow::Cow;

use crate::ids::PlanName;
use crate::rollout::decide::halt::{halt, halt_writes};
use crate::rollout::decide::leave::{complete, leave_ring, note_leavers, reach_ring};
use crate::rollout::decide::{
    approval, between, context::Context, drift, dropped, enter::enter_ring, lifecycle,
    outcome::settle_outcome, reads, restore, rollback, superseded, unknown::note_unknown, unsettled,
};
use crate::rollout::judge::plan_file;
use crate::rollout::record::Entry;
use crate::rollout::state::{IllegalEvent, Phase};
use crate::rollout::world::{Desired, Known, Want};
use crate::time::Timestamp;

/// Steps that one decision may take. A rollout of 100 rings that are all recognised takes 201.
const MAX_STEPS: usize = 1_000;

/// What people are told of a look, made by whoever tells them.
pub(crate) type Tell<R> = fn(&Context<'_>, &[Want]) -> Option<R>;

/// What a decision comes to.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an unread decision moves nothing and explains nothing"]
pub struct Decided<R> {
    /// To be appended to the log, in order, before anything else happens.
    pub entries: Vec<Entry>,
    /// Why the rollout is where it is; `None` while the plan has none.
    pub report: Option<R>,
    /// What to read, and when.
    pub reads: Vec<Want>,
    /// When to decide again at the latest, should nothing happen before.
    pub wake_at: Option<Timestamp>,
}

/// Decides what follows for one plan, and has `tell` make of the last look what people are told.
///
/// # Errors
/// When an event that a step made does not fit the state: a fault in ringward, which stops
/// this plan and no other.
pub(crate) fn decide<R>(
    name: &PlanName,
    desired: Desired<'_>,
    Known { state, world, now }: Known<'_>,
    tell: Tell<R>,
) -> Result<Decided<R>, IllegalEvent> {
    let mut state = Cow::Borrowed(state);
    let mut entries = Vec::new();
    for _ in 0..MAX_STEPS {
        let known = Known { state: &state, world, now };
        let context = Context::of(name, desired, known);
        let noted = unsettled::note(name, desired, known);
        let next = || pipeline(name, desired, known, context.as_ref());
        let step = if noted.is_empty() { next() } else { noted };
        if step.is_empty() {
            return Ok(Decided::new(entries, context.as_ref(), tell));
        }
        for entry in step {
            state.to_mut().append(entry.clone(), now)?;
            entries.push(entry);
        }
    }
    Ok(Decided::new(entries, Context::of(name, desired, Known { state: &state, world, now }).as_ref(), tell))
}

impl<R> Decided<R> {
    /// Of the last look; nothing is added to `entries`.
    pub(crate) fn new(entries: Vec<Entry>, context: Option<&Context<'_>>, tell: Tell<R>) -> Self {
        let reads = context.map(reads::wants).unwrap_or_default();
        let report = context.and_then(|context| tell(context, &reads));
        let wake_at = context.and_then(|context| reads::wake_at(context, &reads));
        Self { entries, report, reads, wake_at }
    }
}

/// What a step of the pipeline adds.
type PipelineStep = fn(&Context<'_>) -> Vec<Entry>;

/// The pipeline: the first step that has something to say wins. Stop, pause and halt keep back what writes and
/// what verifies, never what sees: doubt, halts, unknowns and soak clocks go on. While a write has no
/// outcome nothing else is begun, and what the rings' gates say counts all the same: a halt keeps a
/// write back that is not sent yet, and a doubt may last for days.
fn pipeline(
    name: &PlanName,
    desired: Desired<'_>,
    known: Known<'_>,
    context: Option<&Context<'_>>,
) -> Vec<Entry> {
    let takes = plan_file::takes(desired, known);
    let lifecycle = || lifecycle::step(name, desired, known, takes);
    let Some(context) = context else { return lifecycle() };
    let goes_back = context.rollout.phase == Phase::RollingBack;
    if context.rollout.pending_write().is_some() {
        let steps: &[PipelineStep] =
            if goes_back { &[settle_outcome] } else { &[settle_outcome, note_unknown, halt] };
        return first(context, steps);
    }
    // A profile that is in no group comes first; while it stays there, what sees goes on and nothing begins.
    if let Some(found) = between::between(context) {
        let seen = if goes_back { Vec::new() } else { first(context, &[drift::note, note_unknown, halt]) };
        let step = match seen.is_empty() {
            false => seen,
            true if between::goes_in(context, found) => enter_ring(context),
            true => between::put_back(context, found),
        };
        return match (step.is_empty(), goes_back) {
            (false, _) => step,
            // A person's rollback waits for nothing that waits itself; over it is once that is done.
            (true, true) => first(context, &[halt_writes, rollback::step]),
            (true, false) => restore::write_back(context),
        };
    }
    // It goes back on a person's word: no plan file and no gate has a say in it.
    if goes_back {
        return first(context, &[halt_writes, rollback::step, rollback::complete]);
    }
    let changed = lifecycle();
    if !changed.is_empty() || context.rollout.phase != Phase::Running {
        return changed;
    }
    let steps: [PipelineStep; 12] = [
        drift::note,
        // What is gone for good is no cause to halt.
        dropped::let_go,
        // Before the halt: what a gate could not tell an hour ago is no cause once it can.
        note_unknown,
        halt,
        note_leavers,
        leave_ring,
        restore::write_back,
        reach_ring,
        superseded::note_adopted,
        approval::ask,
        enter_ring,
        complete,
    ];
    first(context, &steps)
}

/// What the first of these steps adds that has something to say.
pub(crate) fn first(context: &Context<'_>, steps: &[PipelineStep]) -> Vec<Entry> {
    steps.iter().map(|step| step(context)).find(|entries| !entries.is_empty()).unwrap_or_default()
}
