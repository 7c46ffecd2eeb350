//! The log is one chain: numbers, times, and events that fit the phase that their rollout is in.
//!
//! **Invariant:** an event names the rollout that its plan is in, and none where it is about the account.

use super::audit::{Audit, Law};
use super::case::Case;
use super::ledger::{PlanLine, PlanPhase, RingLine};
use crate::ids::PlanName;
use crate::plan::model::{OnNewTarget, Revision};
use crate::rollout::record::Gate;
use crate::rollout::record::{Block, BlockKind, Event, Purpose, RolloutId};

const LAW: Law = Law::Chain;

pub(super) fn check(audit: &mut Audit, case: &Case<'_>) {
    let follows = case.seq == case.ledger.last_seq + 1;
    audit.require(follows, LAW, || format!("it follows event {}", case.ledger.last_seq));
    let event = case.event;
    let confirms = matches!(event, Event::ClockConfirmed { .. });
    audit.require(confirms || case.ledger.last_at.is_none_or(|last| last <= case.at), LAW, || {
        "its time lies before that of the event before it".into()
    });
    if is_of_account(event) {
        let names_none = case.entry.rollout.is_none();
        audit.require(names_none, LAW, || "it is about the account, not a rollout".into());
        return of_account(audit, case, event);
    }
    let Some(id) = &case.entry.rollout else { return audit.breach(LAW, "it names no rollout") };
    match event {
        Event::PlanAccepted { revision } => {
            audit.require(revision.plan.name == id.plan, LAW, || "the plan has another name".into());
            accepted(audit, case, id, revision);
        }
        Event::PlanRenamed { from } => renamed(audit, case, id, from),
        // A revision waits before its plan has a rollout.
        Event::BlockBegun { block: Block::RevisionWaits(_) }
        | Event::BlockEnded { block: BlockKind::RevisionWaits | BlockKind::PlanUnstable }
        | Event::RevisionConfirmed { .. } => {
            let known = case.ledger.plans.get(&id.plan).map(|line| line.number);
            let number = known.unwrap_or_else(|| case.ledger.next_number(&id.plan));
            audit.require(id.number == number, LAW, || {
                format!("{id} is neither the rollout that its plan is in nor its first")
            });
        }
        _ => match case.line {
            None => audit.breach(LAW, format!("{id} is not the rollout that its plan is in")),
            Some(line) => audit.require(fits(line, event), LAW, || {
                format!("{} does not fit the rollout's phase, its pause or its halt", event.kind())
            }),
        },
    }
}

const fn is_of_account(event: &Event) -> bool {
    matches!(
        event,
        Event::DaemonStarted { .. }
            | Event::ClockStepped { .. }
            | Event::ClockConfirmed { .. }
            | Event::Stopped {}
            | Event::Started {}
            | Event::TokenMade { .. }
            | Event::TokenRevoked { .. }
            | Event::AccessIntended { .. }
            | Event::AccessSettled { .. }
    )
}

fn of_account(audit: &mut Audit, case: &Case<'_>, event: &Event) {
    match event {
        Event::Stopped {} => audit.require(!case.ledger.stopped, LAW, || "writes are stopped already".into()),
        Event::Started {} => audit.require(case.ledger.stopped, LAW, || "writes are not stopped".into()),
        Event::TokenMade { token } => {
            let known = case.ledger.tokens.contains_key(&token.name);
            audit.require(!known, LAW, || "a token of that name is on record".into());
        }
        Event::TokenRevoked { name } => {
            let is_live = case.ledger.tokens.get(name) == Some(&true);
            audit.require(is_live, LAW, || "there is no such token to revoke".into());
        }
        Event::AccessSettled { intent, .. } => {
            let is_open = case.ledger.open_access.contains(intent);
            audit.require(is_open, LAW, || format!("{intent} is no open change of access"));
        }
        _ => {}
    }
}

fn accepted(audit: &mut Audit, case: &Case<'_>, id: &RolloutId, revision: &Revision) {
    let before = case.ledger.plans.get(&id.plan);
    let waits =
        before.is_some_and(|line| line.was_replaced) && revision.plan.on_new_target == OnNewTarget::Finish;
    audit.require(!waits, Law::Grounded, || {
        "it takes over from a running rollout, and says `on_new_target: finish`".into()
    });
    let number = case.ledger.next_number(&id.plan);
    audit.require(id.number == number, LAW, || format!("the next rollout of this plan is number {number}"));
    let runs = before.is_some_and(|line| line.is_running() || line.goes_back());
    audit.require(!runs, LAW, || "the rollout before it still runs".into());
}

/// A plan goes on under another name: at rest, and once no readable file names it.
fn renamed(audit: &mut Audit, case: &Case<'_>, id: &RolloutId, from: &PlanName) {
    let entered = |line: &PlanLine<'_>| !line.left.is_empty() || line.rings.iter().any(RingLine::is_entered);
    let known = case.ledger.plans.get(&id.plan).is_some_and(entered);
    let owns = case.ledger.groups.all().any(|owned| *owned.plan == id.plan);
    audit.require(!known && !owns, LAW, || format!("{} has entered rings of its own", id.plan));
    let Some(line) = case.ledger.plans.get(from) else {
        return audit.breach(LAW, format!("nothing is on record of {from}"));
    };
    // What its earlier rollouts brought has lower numbers.
    let number = case.ledger.next_number(&id.plan).max(line.number);
    audit.require(id.number == number, LAW, || format!("it goes on as number {number}"));
    let is_gone = line.is_gone();
    audit.require(is_gone || line.blocks.contains(&BlockKind::FileMissing), Law::Grounded, || {
        format!("a file names {from}")
    });
    let told = case.ledger.waiting.get(&id.plan).is_some_and(|waiting| waiting.revision.in_force.is_some());
    audit.require(is_gone || told, Law::Grounded, || {
        format!("nobody was told that {from} goes on, and it is not gone for certain")
    });
    let is_between = line.rings.iter().any(|ring| !ring.between.is_empty());
    let writes = case.ledger.writes.open.as_ref().is_some_and(|open| open.plan == from);
    let moves = matches!(line.phase, PlanPhase::RollingBack | PlanPhase::Superseded) || is_between || writes;
    audit.require(!moves, Law::Grounded, || format!("{from} is not at rest"));
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
