//! Only people lift holds, and an actor and a reason: who may do what, and why.
//!
//! **Invariant:** what a person must do is never taken from the engine, nor the reverse.

use super::audit::Law;
use super::case::Case;
use crate::rollout::record::{Actor, Event, Trigger};

pub(super) fn check(case: &Case<'_>) {
    let entry = case.entry;
    case.require(!entry.reason.trim().is_empty(), || "it has no reason");
    let engine = entry.actor == Actor::Engine;
    let kind = entry.event.kind();
    let of_a_person = match entry.event {
        Event::PauseLifted {} | Event::HaltLifted { .. } | Event::Started {} => Some(Law::PeopleLift),
        Event::VersionReleased { .. } => Some(Law::BlockedVersion),
        Event::RevisionConfirmed { .. } => Some(Law::Announced),
        // What sets a rollback off today is a person, and nothing else.
        Event::RollbackStarted { trigger: Trigger::Person, .. }
        | Event::Stopped {}
        | Event::ClockConfirmed { .. }
        | Event::Paused {}
        | Event::GateWaived { .. } => Some(Law::ActorAndReason),
        _ => None,
    };
    if let Some(law) = of_a_person {
        return case.under(law).require(!engine, || format!("the engine did {kind}"));
    }
    match entry.event {
        Event::ApprovalGiven { .. } | Event::ApprovalRefused { .. } => {
            let named = entry.actor.email().is_some();
            case.under(Law::Approved)
                .require(named, || format!("{} did {kind}, and nobody knows who that is", entry.actor));
        }
        // Who may come in is said on the machine itself, never over the network.
        Event::TokenMade { .. }
        | Event::TokenRevoked { .. }
        | Event::AccessIntended { .. }
        | Event::AccessSettled { .. } => {
            let local = matches!(entry.actor, Actor::Local { .. });
            case.require(local, || format!("{} did {kind}, which only users of the machine do", entry.actor));
        }
        _ => case.require(engine, || format!("{} did {kind}, which only the engine does", entry.actor)),
    }
}
