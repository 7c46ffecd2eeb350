//! Rings are entered in order, one at a time, and stay as they were entered.
//!
//! **Invariant:** a ring is reached after all before it are verified, and a rollout ends after all of them.

use super::audit::Law;
use super::case::Case;
use super::ledger::{LedgerRingState, PlanLine, PlanPhase, RingLine, enters, same_offer};
use crate::ids::RingName;
use crate::plan::model::{OnNewTarget, Plan};
use crate::rollout::record::{Event, Gate};

/// A new plan leaves entered rings as they are: changed, that is a new rollout.
pub(super) fn kept(case: &Case<'_>) {
    let Some(line) = case.line else { return };
    match case.event {
        Event::NewTargetWaits { revision } => {
            let mut entered = line.rings.iter().filter(|ring| ring.is_entered());
            let is_newer = entered.any(|ring| !keeps(line, ring, &revision.plan));
            let finish = revision.plan.on_new_target == OnNewTarget::Finish;
            case.under(Law::Grounded).require(
                is_newer && finish,
                || "a plan waits that changes no entered ring, or does not say `on_new_target: finish`",
            );
        }
        Event::PlanRevised { revision, dropped, .. } => {
            let kept = |name: &RingName| {
                line.ring(name).is_some_and(|ring| ring.is_entered() && !ring.is(LedgerRingState::Verified))
            };
            let all = dropped.iter().all(kept);
            case.require(all, || "a ring is said to keep its place that was not entered, or is verified");
            for ring in line.rings.iter().filter(|ring| ring.is_entered()) {
                let gone = revision.plan.rings.iter().all(|new| new.name != *ring.name);
                let free = ring.state == LedgerRingState::Verified || ring.waived.contains_key(&Gate::Ring);
                case.require(keeps(line, ring, &revision.plan) || gone && free, || {
                    format!("the revision changes {}, which is entered: that is a new rollout", ring.name)
                });
            }
        }
        _ => {}
    }
}

/// Whether a plan leaves an entered ring its versions and profiles.
fn keeps(line: &PlanLine<'_>, ring: &RingLine<'_>, plan: &Plan) -> bool {
    let new = plan.rings.iter().find(|new| new.name == *ring.name);
    line.ring_plan(ring.name).zip(new).is_some_and(|(old, new)| same_offer(old, new))
}

/// A ring has its turn, and a rollout its end.
pub(super) fn check(case: &Case<'_>) {
    let Some(line) = case.line else { return };
    match case.event {
        Event::RingReached { ring } => reached(case, line, ring),
        Event::WritePlanned { intent, .. } if !enters(&intent.purpose) => {}
        Event::WritePlanned { ring, .. } | Event::RingAssigned { ring, .. } => {
            in_turn(&case.under(Law::WriteAllowed), line, ring);
        }
        Event::RingRecognised { ring, .. } => in_turn(&case.under(Law::SoakProven), line, ring),
        Event::RolloutCompleted {} => {
            for ring in line.rings.iter().filter(|ring| ring.state != LedgerRingState::Verified) {
                case.breach(format!("the rollout is complete though {} is not verified", ring.name));
            }
            case.under(Law::Grounded)
                .require(line.halted.is_none(), || "the rollout is complete though it is halted");
        }
        _ => {}
    }
}

fn reached(case: &Case<'_>, line: &PlanLine<'_>, ring: &RingName) {
    for unverified in line.unverified_before(ring) {
        case.breach(format!("{ring} is reached before {} is verified", unverified.name));
    }
    let pending = line.ring(ring).is_some_and(|ring| ring.state == LedgerRingState::Pending);
    case.require(pending, || format!("{ring} is not a pending ring of this rollout"));
    case.require(line.is_running(), || format!("{ring} is reached though the rollout does not run"));
}

/// What takes a ring out of `entering` does so in its turn, and leaves no profile of another in no group.
fn in_turn(case: &Case<'_>, line: &PlanLine<'_>, ring: &RingName) {
    let turn = line.ring(ring).is_some_and(|ring| ring.state == LedgerRingState::Entering);
    let in_order = case.under(Law::RingsInOrder);
    in_order.require(turn, || format!("{ring} is entered though it is not its turn"));
    in_order.require(line.unverified_before(ring).next().is_none(), || {
        format!("{ring} is entered though an earlier ring is not verified")
    });
    if let Some(other) = line.rings.iter().find(|other| other.name != ring && !other.between.is_empty()) {
        case.breach(format!("{ring} is entered while a profile of {} is in no group", other.name));
    }
}

/// At most one ring deploys or adopts, what earlier rollouts left on offer included.
pub(super) fn one_ring_at_a_time(case: &Case<'_>) {
    let Some(line) = case.line else { return };
    // A ring that adopted when the rollout turned back stays so until its turn.
    let is_under_way = |ring: &&RingLine<'_>| match line.phase {
        PlanPhase::Running => matches!(ring.state, LedgerRingState::Deploying | LedgerRingState::Adopting),
        PlanPhase::RollingBack => {
            matches!(ring.state, LedgerRingState::Deploying | LedgerRingState::RollingBack)
        }
        PlanPhase::Completed | PlanPhase::RolledBack | PlanPhase::Superseded | PlanPhase::Withdrawn => false,
    };
    let rings = line.rings.iter().filter(is_under_way);
    let mut under_way: Vec<&str> = rings.map(|ring| ring.name.as_str()).collect();
    // What an earlier rollout left on offer counts where this one offers the same.
    if line.is_running() {
        under_way.extend(line.adopting_left());
    }
    case.require(under_way.len() <= 1, || {
        format!("{} are deploying or adopting at once", under_way.join(" and "))
    });
}
