//! Events as sentences, for page, API and `history`.
//!
//! **Invariant:** every kind of event has a sentence; a new kind without one does not compile.

use crate::rollout::event::{Event, Finding, Mode, Purpose, WriteIntent};
use crate::rollout::verdict::{Verdict, short};
use crate::version::Environment;

/// What happened, in a sentence without the actor and the reason, which stand beside it.
#[must_use]
pub fn sentence(event: &Event) -> String {
    match (event, event.ring()) {
        // These name their ring themselves.
        (Event::Halted { .. } | Event::HaltLifted { .. }, _) | (_, None) => fact(event),
        (_, Some(ring)) => format!("{ring}: {}", fact(event)),
    }
}

fn fact(event: &Event) -> String {
    match event {
        Event::DaemonStarted { version, mode: Mode::Write } => format!("ringward {version} started"),
        Event::DaemonStarted { version, mode: Mode::Observe } => {
            format!("ringward {version} started, observing only")
        }
        Event::Stopped {} => "all writes were stopped".to_owned(),
        Event::Started {} => "writes were allowed again".to_owned(),
        Event::PlanAccepted { revision } => {
            let (digest, rings) = (revision.digest.short(), revision.plan.rings.len());
            format!("the plan was accepted (digest {digest}, {rings} rings)")
        }
        Event::PlanRevised { revision } => {
            format!("the plan was revised (digest {})", revision.digest.short())
        }
        Event::RolloutSuperseded { by } => format!("a newer plan took over (digest {})", by.short()),
        Event::RolloutWithdrawn {} => "the plan's file is gone; the rollout was withdrawn".to_owned(),
        Event::RolloutReturned {} => "the plan's file is back; the rollout goes on".to_owned(),
        Event::RolloutCompleted {} => "every ring is verified; the rollout is complete".to_owned(),
        Event::Halted { cause } => format!("the rollout was halted: {cause}"),
        Event::HaltLifted { cause } => format!("the halt was lifted; it was: {cause}"),
        Event::Paused {} => "the plan was paused".to_owned(),
        Event::PauseLifted {} => "the pause was lifted".to_owned(),
        Event::RingReached { .. } => "its turn came".to_owned(),
        Event::RingRecognised { soak, .. } => {
            format!("recognised; it soaked on these targets already ({})", short(soak.verified_at))
        }
        Event::RingAssigned { group, .. } => {
            format!("entered without a write; group `{}` has the targets already", group.content.name)
        }
        Event::WritePlanned { intent, .. } => planned(intent),
        Event::WriteCancelled { write, why, .. } => format!("{write} was not sent: {why}"),
        Event::WriteConfirmed { write, group, .. } => {
            format!("{write} was confirmed by Cloudflare; group `{}`", group.content.name)
        }
        Event::WriteRefused { write, status, message, .. } => {
            format!("{write} was refused by Cloudflare with status {status}: {message}")
        }
        Event::WriteDoubted { write, why, .. } => format!("{write} is in doubt: {why}"),
        Event::DoubtRead { write, finding, .. } => format!("first read about {write}: {}", found(finding)),
        Event::WriteSettled { write, finding, .. } => {
            format!("the doubt about {write} is settled: {}", found(finding))
        }
        Event::AdoptionReached { .. } => "the targets were adopted; the soak begins".to_owned(),
        Event::RingVerified { .. } => "verified".to_owned(),
        Event::GateUnknown { gate, environment, why, .. } => {
            let why = Verdict::Unknown(*why).reason_code();
            format!("gate {gate}{} cannot tell ({why})", of(*environment))
        }
        Event::GateKnown { gate, environment, .. } => {
            format!("gate {gate}{} can tell again", of(*environment))
        }
        Event::GateWaived { gate, .. } => format!("gate {gate} was waived"),
    }
}

fn planned(intent: &WriteIntent) -> String {
    let (write, devices) = (intent.id, intent.devices);
    let change = match &intent.before {
        Some(before) => format!("`{}`: {}", before.content.name, before.content.difference(&intent.after)),
        None => format!("create group `{}`", intent.after.name),
    };
    match &intent.purpose {
        Purpose::Target => format!("{write} was planned, for {devices} devices: {change}"),
        Purpose::MoveOut { from } => {
            format!("{write} was planned, to take profiles out of ring {from}: {change}")
        }
    }
}

fn found(finding: &Finding) -> &'static str {
    match finding {
        Finding::Applied { .. } => "it was applied",
        Finding::NotApplied {} => "it was not applied",
        Finding::Overwritten { seen: Some(_) } => "the group is neither as before nor as intended",
        Finding::Overwritten { seen: None } => "the group is gone",
    }
}

fn of(environment: Option<Environment>) -> String {
    environment.map(|environment| format!("/{environment}")).unwrap_or_default()
}
