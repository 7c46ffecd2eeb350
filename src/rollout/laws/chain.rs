//! The log is one chain: numbers, times, and events that fit the phase that their rollout is in.
//!
//! **Invariant:** an event names the rollout that its plan is in, and none where it is about the account.

use super::audit::Law;
use super::case::Case;
use super::ledger::{PlanLine, PlanPhase, RingLine};
use super::proof::ensure;
use crate::ids::PlanName;
use crate::plan::model::{OnNewTarget, Revision};
use crate::rollout::record::{Block, BlockKind, Event, Gate, Purpose, RolloutId};
use crate::time::{SignedDuration, since};

/// A clock is confirmed on so many answers, none older and none further off.
const ANSWERS: usize = 3;
const WITHIN: SignedDuration = SignedDuration::from_mins(10);
const APART: i64 = 2 * 60 * 1_000;

pub(super) fn check(case: &Case<'_>) {
    case.require(case.seq == case.ledger.last_seq + 1, || {
        format!("it follows event {}", case.ledger.last_seq)
    });
    let event = case.event;
    let confirms = matches!(event, Event::ClockConfirmed { .. });
    let goes_on = confirms || case.ledger.last_at.is_none_or(|last| last <= case.at);
    case.require(goes_on, || "its time lies before that of the event before it");
    if held_as_of_account(case) {
        return;
    }
    let Some(id) = &case.entry.rollout else { return case.breach("it names no rollout") };
    match event {
        Event::PlanAccepted { revision } => {
            case.require(revision.plan.name == id.plan, || "the plan has another name");
            accepted(case, id, revision);
        }
        Event::PlanRenamed { from } => renamed(case, id, from),
        // A revision waits before its plan has a rollout.
        Event::BlockBegun { block: Block::RevisionWaits(_) }
        | Event::BlockEnded { block: BlockKind::RevisionWaits | BlockKind::PlanUnstable }
        | Event::RevisionConfirmed { .. } => {
            let known = case.ledger.plans.get(&id.plan).map(|line| line.number);
            let number = known.unwrap_or_else(|| case.ledger.next_number(&id.plan));
            case.require(id.number == number, || {
                format!("{id} is neither the rollout that its plan is in nor its first")
            });
        }
        _ => match case.line {
            None => case.breach(format!("{id} is not the rollout that its plan is in")),
            Some(line) => case.require(fits(line, event), || {
                format!("{} does not fit the rollout's phase, its pause or its halt", event.kind())
            }),
        },
    }
}

/// The clock: steps of it, and a person's word on it. Time goes back by such a word alone, with answers of Cloudflare that
/// bear it out.
pub(super) fn clock(case: &Case<'_>) {
    match case.event {
        // A step lies before its record, and no time is told twice as not watched.
        Event::ClockStepped { from, to } => {
            case.require(from != to && *from.max(to) <= case.at, || {
                format!("the clock stepped from {from} to {to}, which is no step before this record")
            });
            let again = from < to && case.ledger.watched_from.is_some_and(|watched| *from < watched);
            case.require(!again, || {
                format!("the time from {from} to {to} is on record as not watched already")
            });
        }
        Event::ClockConfirmed { was, now, answers } => {
            let case = case.under(Law::Grounded);
            let goes_back =
                now < was && *now == case.at && case.ledger.last_at.is_none_or(|last| last <= *was);
            case.require(goes_back, || format!("a clock at {now} that was at {was} was not behind the log"));
            let sound = answers.iter().filter(|answer| {
                let age = since(answer.at, *now);
                !age.is_negative() && age <= WITHIN && answer.ahead_ms.abs() <= APART
            });
            let sound = sound.count();
            case.require(sound >= ANSWERS, || {
                format!(
                    "the clock was confirmed on {sound} answers of Cloudflare that agree; {ANSWERS} are needed"
                )
            });
        }
        _ => {}
    }
}

/// Holds an event that is about the account against the books of it; says whether it is.
fn held_as_of_account(case: &Case<'_>) -> bool {
    let ledger = case.ledger;
    let proof = match case.event {
        Event::DaemonStarted { .. }
        | Event::ClockStepped { .. }
        | Event::ClockConfirmed { .. }
        | Event::AccessIntended { .. } => Ok(()),
        Event::Stopped {} => ensure(!ledger.stopped, || "writes are stopped already"),
        Event::Started {} => ensure(ledger.stopped, || "writes are not stopped"),
        Event::TokenMade { token } => {
            ensure(!ledger.tokens.contains_key(&token.name), || "a token of that name is on record")
        }
        Event::TokenRevoked { name } => {
            ensure(ledger.tokens.get(name) == Some(&true), || "there is no such token to revoke")
        }
        Event::AccessSettled { intent, .. } => {
            ensure(ledger.open_access.contains(intent), || format!("{intent} is no open change of access"))
        }
        _ => return false,
    };
    case.require(case.entry.rollout.is_none(), || "it is about the account, not a rollout");
    case.note(proof);
    true
}

fn accepted(case: &Case<'_>, id: &RolloutId, revision: &Revision) {
    let before = case.ledger.plans.get(&id.plan);
    let waits =
        before.is_some_and(|line| line.was_replaced) && revision.plan.on_new_target == OnNewTarget::Finish;
    case.under(Law::Grounded)
        .require(!waits, || "it takes over from a running rollout, and says `on_new_target: finish`");
    let number = case.ledger.next_number(&id.plan);
    case.require(id.number == number, || format!("the next rollout of this plan is number {number}"));
    let runs = before.is_some_and(|line| line.is_running() || line.goes_back());
    case.require(!runs, || "the rollout before it still runs");
}

/// A plan goes on under another name: at rest, and once no readable file names it.
fn renamed(case: &Case<'_>, id: &RolloutId, from: &PlanName) {
    let entered = |line: &PlanLine<'_>| !line.left.is_empty() || line.rings.iter().any(RingLine::is_entered);
    let known = case.ledger.plans.get(&id.plan).is_some_and(entered);
    let owns = case.ledger.groups.all().any(|owned| *owned.plan == id.plan);
    case.require(!known && !owns, || format!("{} has entered rings of its own", id.plan));
    let Some(line) = case.ledger.plans.get(from) else {
        return case.breach(format!("nothing is on record of {from}"));
    };
    // What its earlier rollouts brought has lower numbers.
    let number = case.ledger.next_number(&id.plan).max(line.number);
    case.require(id.number == number, || format!("it goes on as number {number}"));
    let (is_gone, case) = (line.is_gone(), case.under(Law::Grounded));
    case.require(is_gone || line.blocks.contains(&BlockKind::FileMissing), || format!("a file names {from}"));
    let told = case.ledger.waiting.get(&id.plan).is_some_and(|waiting| waiting.revision.in_force.is_some());
    case.require(is_gone || told, || {
        format!("nobody was told that {from} goes on, and it is not gone for certain")
    });
    let is_between = line.rings.iter().any(|ring| !ring.between.is_empty());
    let writes = case.ledger.writes.open.as_ref().is_some_and(|open| open.plan == from);
    let moves = matches!(line.phase, PlanPhase::RollingBack | PlanPhase::Superseded) || is_between || writes;
    case.require(!moves, || format!("{from} is not at rest"));
}

/// Whether an event may happen in the phase that a rollout is in.
fn fits(line: &PlanLine<'_>, event: &Event) -> bool {
    let (running, goes_back) = (line.is_running(), line.goes_back());
    match event {
        Event::Paused {} => !line.paused,
        Event::PauseLifted {} => line.paused,
        Event::HaltLifted { .. } => line.halted.is_some(),
        Event::RolloutReturned {} => line.phase == PlanPhase::Withdrawn,
        Event::RolloutSuperseded { .. } => running || line.phase == PlanPhase::Withdrawn,
        Event::PlanRevised { .. } => line.phase != PlanPhase::Superseded && !goes_back,
        Event::RollbackStarted { .. } | Event::PlanRestricted { .. } | Event::RingRenamed { .. } => {
            line.phase != PlanPhase::Superseded
        }
        Event::VersionReleased { .. } | Event::PlanFileNamed { .. } | Event::BlockEnded { .. } => true,
        Event::RollbackInPlace { .. } | Event::RingRolledBack { .. } | Event::RollbackCompleted {} => {
            goes_back
        }
        Event::WritePlanned { intent, .. } if matches!(intent.purpose, Purpose::Rollback { .. }) => goes_back,
        Event::WritePlanned { intent, .. } if intent.purpose.goes_back() => running || goes_back,
        Event::WriteCancelled { .. }
        | Event::WriteConfirmed { .. }
        | Event::WriteRefused { .. }
        | Event::WriteDoubted { .. }
        | Event::DoubtRead { .. }
        | Event::WriteSettled { .. }
        | Event::BlockBegun { .. }
        | Event::Halted { .. } => running || goes_back,
        Event::PlanFileGone {} => {
            matches!(line.phase, PlanPhase::Completed | PlanPhase::RolledBack) && !line.file_gone
        }
        Event::NewTargetDropped {} => running && line.waiting.is_some(),
        Event::GateWaived { gate: Gate::Ring, .. } => running || line.phase == PlanPhase::Withdrawn,
        _ => running,
    }
}
