//! Entering and writing: does anything forbid it, and does each gate let it?
//!
//! **Invariant:** a gate's word counts only when the schedule, the books and the numbers beside
//! it say the same.

use super::audit::Law;
use super::case::Case;
use super::ledger::{LedgerRingState, PlanLine};
use super::proof::openings::is_open;
use crate::ids::RingName;
use crate::plan::model::RingPlan;
use crate::rollout::record::{Event, Evidence, Gate, Judgement, Purpose, Verdict, WriteIntent};
use crate::time::SignedDuration;

/// A ring is entered only with this much of the opening left, or at its start, as docs/operations.md promises.
const LEFT_OF_OPENING: SignedDuration = SignedDuration::from_mins(15);

/// The sweep that a ring is entered on is at most this old: there is a full sweep before each entry.
const ENTRY_SWEEP_MAX_AGE: SignedDuration = SignedDuration::from_mins(30);

/// What holds of every write, and of entering without one.
pub(super) fn allowed(case: &Case<'_>) {
    let Some(line) = case.line else { return };
    let (case, goes_back) = match case.event {
        Event::WritePlanned { intent, .. } => (case, intent.purpose.goes_back()),
        Event::RingAssigned { .. } => (case, false),
        Event::RingRecognised { .. } => (&case.under(Law::SoakProven), false),
        _ => return,
    };
    case.require(goes_back || line.is_running(), || "the rollout does not run");
    case.require(!case.ledger.stopped, || "all writes are stopped");
    // What was taken out of one group is put into the other: a hold leaves nobody between them.
    let half = line.is_second_half(case.event);
    case.require(half || !line.paused, || "the plan is paused");
    case.require(half || line.halted.is_none(), || "the rollout is halted");
    let (announced, none) = (case.under(Law::IntentFirst), case.ledger.writes.open.is_none());
    announced.require(none, || "another write is in flight, or its outcome is unknown");
    if let Event::WritePlanned { ring, intent } = case.event {
        intended(case, line, ring, intent);
    }
}

fn intended(case: &Case<'_>, line: &PlanLine<'_>, ring: &RingName, intent: &WriteIntent) {
    case.require(!case.ledger.observing, || "the daemon is in read-only mode");
    case.under(Law::IntentFirst).require(intent.id.0 == case.ledger.writes.last + 1, || {
        format!("{} follows write {}", intent.id, case.ledger.writes.last)
    });
    let same = intent.digest == line.revision.digest;
    case.require(same, || "the intent follows another revision of the plan than the rollout");
    let doubted = line.ring(ring).is_some_and(|ring| {
        let to_enter = ring.entering.doubted && ring.state == LedgerRingState::Entering;
        let puts_back = matches!(intent.purpose, Purpose::PutBack { .. });
        ring.tries(&intent.purpose).doubted || puts_back && to_enter
    });
    case.under(Law::DoubtSettled).require(
        !doubted || intent.after_doubt,
        || "the outcome of an earlier write for this ring was unknown, and the intent does not say so",
    );
}

/// What goes forward passes each entry gate.
pub(super) fn gates(case: &Case<'_>) {
    let Some(line) = case.line else { return };
    match case.event {
        Event::WritePlanned { ring, intent } if !intent.purpose.goes_back() => {
            // A group without devices is written back as well: that moves nobody, and the next ring may wait.
            let at_least = usize::from(intent.purpose != Purpose::Restore);
            passed(case, line.ring_plan(ring), &intent.judgements, at_least);
        }
        Event::RingAssigned { ring, judgements, .. } => {
            passed(case, line.ring_plan(ring), judgements, 1);
        }
        _ => {}
    }
}

/// Each entry gate once, and each word borne out.
fn passed(case: &Case<'_>, plan: Option<&RingPlan>, judgements: &[Judgement], at_least: usize) {
    let Some(plan) = plan else { return };
    for gate in [Gate::Opening, Gate::Freeze, Gate::Fleet] {
        let words = judgements.iter().filter(|judgement| judgement.gate == gate).count();
        case.require(words == 1, || format!("gate {gate} has {words} verdicts, not one"));
    }
    for judgement in judgements {
        // No entry gate can be waived, so nothing but a pass lets a ring in.
        case.require(judgement.verdict == Verdict::Pass, || format!("a gate does not pass: {judgement}"));
        if let (Gate::Fleet, Evidence::Fleet { eligible, full_sweep_at, unresolved }) =
            (judgement.gate, &judgement.evidence)
        {
            case.require(*eligible >= at_least, || "no device can be moved");
            case.require(unresolved.is_empty(), || {
                format!("profiles are not resolved: {}", unresolved.join(", "))
            });
            case.fresh("the fleet gate", *full_sweep_at, ENTRY_SWEEP_MAX_AGE);
        }
    }
    case.note(is_open(&plan.schedule, case.at, LEFT_OF_OPENING));
}
