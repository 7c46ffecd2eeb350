//! Entering and writing: does anything forbid it, and does each gate let it?
//!
//! **Invariant:** a gate's word counts only when the schedule, the books and the numbers beside
//! it say the same.

use super::audit::{Audit, Law};
use super::case::Case;
use super::ledger::{LedgerRingState, PlanLine};
use super::proof::openings::closed;
use crate::ids::RingName;
use crate::plan::model::RingPlan;
use crate::rollout::record::{Event, Purpose, WriteIntent};
use crate::rollout::record::{Evidence, Gate, Judgement, Verdict};
use crate::time::SignedDuration;

/// A ring is entered only with this much of the opening left, or at its start, as docs/operations.md promises.
const LEFT_OF_OPENING: SignedDuration = SignedDuration::from_mins(15);

/// The sweep that a ring is entered on is at most this old: there is a full sweep before each entry.
const ENTRY_SWEEP_MAX_AGE: SignedDuration = SignedDuration::from_mins(30);

/// What holds of every write, and of entering without one.
pub(super) fn allowed(audit: &mut Audit, case: &Case<'_>) {
    let Some(line) = case.line else { return };
    let (law, goes_back) = match case.event {
        Event::WritePlanned { intent, .. } => (Law::WriteAllowed, intent.purpose.goes_back()),
        Event::RingAssigned { .. } => (Law::WriteAllowed, false),
        Event::RingRecognised { .. } => (Law::SoakProven, false),
        _ => return,
    };
    audit.require(goes_back || line.is_running(), law, || "the rollout does not run".into());
    audit.require(!case.ledger.stopped, law, || "all writes are stopped".into());
    // What was taken out of one group is put into the other: a hold leaves nobody between them.
    let half = line.is_second_half(case.event);
    audit.require(half || !line.paused, law, || "the plan is paused".into());
    audit.require(half || line.halted.is_none(), law, || "the rollout is halted".into());
    audit.require(case.ledger.writes.open.is_none(), Law::IntentFirst, || {
        "another write is in flight, or its outcome is unknown".into()
    });
    if let Event::WritePlanned { ring, intent } = case.event {
        intended(audit, case, line, ring, intent);
    }
}

fn intended(audit: &mut Audit, case: &Case<'_>, line: &PlanLine<'_>, ring: &RingName, intent: &WriteIntent) {
    audit.require(!case.ledger.observing, Law::WriteAllowed, || "the daemon is in read-only mode".into());
    audit.require(intent.id.0 == case.ledger.writes.last + 1, Law::IntentFirst, || {
        format!("{} follows write {}", intent.id, case.ledger.writes.last)
    });
    audit.require(intent.digest == line.revision.digest, Law::WriteAllowed, || {
        "the intent follows another revision of the plan than the rollout".into()
    });
    let doubted = line.ring(ring).is_some_and(|ring| {
        let to_enter = ring.entering.doubted && ring.state == LedgerRingState::Entering;
        let puts_back = matches!(intent.purpose, Purpose::PutBack { .. });
        ring.tries(&intent.purpose).doubted || puts_back && to_enter
    });
    audit.require(!doubted || intent.after_doubt, Law::DoubtSettled, || {
        "the outcome of an earlier write for this ring was unknown, and the intent does not say so".into()
    });
}

/// What goes forward passes each entry gate.
pub(super) fn gates(audit: &mut Audit, case: &Case<'_>) {
    let Some(line) = case.line else { return };
    match case.event {
        Event::WritePlanned { ring, intent } if !intent.purpose.goes_back() => {
            // A group without devices is written back as well: that moves nobody, and the next ring may wait.
            let at_least = usize::from(intent.purpose != Purpose::Restore);
            passed(audit, case, line.ring_plan(ring), &intent.judgements, at_least);
        }
        Event::RingAssigned { ring, judgements, .. } => {
            passed(audit, case, line.ring_plan(ring), judgements, 1);
        }
        _ => {}
    }
}

/// Each entry gate once, and each word borne out.
fn passed(
    audit: &mut Audit,
    case: &Case<'_>,
    plan: Option<&RingPlan>,
    judgements: &[Judgement],
    at_least: usize,
) {
    let (law, Some(plan)) = (Law::WriteAllowed, plan) else { return };
    for gate in [Gate::Opening, Gate::Freeze, Gate::Fleet] {
        let words = judgements.iter().filter(|judgement| judgement.gate == gate).count();
        audit.require(words == 1, law, || format!("gate {gate} has {words} verdicts, not one"));
    }
    for judgement in judgements {
        // No entry gate can be waived, so nothing but a pass lets a ring in.
        audit.require(judgement.verdict == Verdict::Pass, law, || {
            format!("a gate does not pass: {judgement}")
        });
        if let (Gate::Fleet, Evidence::Fleet { eligible, full_sweep_at, unresolved }) =
            (judgement.gate, &judgement.evidence)
        {
            audit.require(*eligible >= at_least, law, || "no device can be moved".into());
            audit.require(unresolved.is_empty(), law, || {
                format!("profiles are not resolved: {}", unresolved.join(", "))
            });
            audit.fresh(law, case.at, "the fleet gate", *full_sweep_at, ENTRY_SWEEP_MAX_AGE);
        }
    }
    audit.note(law, closed(&plan.schedule, case.at, LEFT_OF_OPENING));
}
