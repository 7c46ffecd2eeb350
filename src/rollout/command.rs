//! What a person may ask for, and what each request comes to in each state.
//!
//! **Invariant:** a request either has its defined effect or is refused with what would work; it
//! is never a silent no-op.

use crate::ids::{PlanName, RingName};
use crate::rollout::event::{Actor, Entry, Event};
use crate::rollout::gate::health;
use crate::rollout::state::{Hold, Phase, PlanState, Stage, State};
use crate::rollout::verdict::{Gate, short};
use crate::rollout::world::Observations;
use crate::time::Timestamp;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Holds a plan.
    Pause(PlanName),
    /// Lifts a plan's holds, both of them.
    Resume(PlanName),
    /// Declares that a gate does not apply to a ring.
    Waive {
        /// The plan.
        plan: PlanName,
        /// The gate.
        gate: Gate,
        /// The ring; `None`: the one that is under way.
        ring: Option<RingName>,
    },
    /// Stops all writes.
    Stop,
    /// Allows writes again.
    Start {
        /// What becomes of the plans.
        plans: StartPlans,
    },
}

/// What `start` does to the plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartPlans {
    /// They go on.
    GoOn,
    /// Each is paused by the person who starts.
    Pause,
}

/// A request that the state refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such plan.
    #[error("there is no plan `{plan}`; ringward knows {}", known_plans(known))]
    NoSuchPlan {
        /// What was asked for.
        plan: PlanName,
        /// What there is.
        known: Vec<PlanName>,
    },
    /// The state refuses it.
    #[error("{why}; {instead}")]
    NotNow {
        /// Why.
        why: String,
        /// What would work.
        instead: String,
    },
    /// A person must say why.
    #[error("a reason is needed; say it with --reason")]
    NoReason,
    /// A reason is read by people, in a log and on a page.
    #[error("the reason holds a control character; write it as plain text")]
    UnprintableReason,
}

fn known_plans(known: &[PlanName]) -> String {
    let names: Vec<_> = known.iter().map(PlanName::as_str).collect();
    if names.is_empty() { "none yet".to_owned() } else { names.join(", ") }
}

/// What a request comes to.
///
/// # Errors
/// When it is refused; the message names what would work.
pub fn command(
    (state, world): (&State, &Observations),
    actor: &Actor,
    reason: &str,
    command: &Command,
    now: Timestamp,
) -> Result<Vec<Entry>, Refusal> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Refusal::NoReason);
    }
    if reason.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Refusal::UnprintableReason);
    }
    let entry = |plan: Option<&PlanState>, event| Entry {
        actor: actor.clone(),
        reason: reason.to_owned(),
        rollout: plan.map(|plan| plan.rollout.id.clone()),
        event,
    };
    match command {
        Command::Pause(name) => {
            let plan = find(state, name)?;
            match &plan.paused {
                Some(hold) => Err(already("paused", hold, &format!("ringward resume {name} lifts it"))),
                None => Ok(vec![entry(Some(plan), Event::Paused {})]),
            }
        }
        Command::Resume(name) => {
            let plan = find(state, name)?;
            let mut entries = Vec::new();
            if plan.paused.is_some() {
                entries.push(entry(Some(plan), Event::PauseLifted {}));
            }
            if let Some(halt) = &plan.rollout.halted {
                let acknowledged = health::findings(&plan.rollout, world, now);
                let cause = halt.cause.clone();
                entries.push(entry(Some(plan), Event::HaltLifted { cause, acknowledged }));
            }
            if entries.is_empty() {
                let why = format!("plan {name} is neither paused nor halted");
                let instead = format!("ringward explain {name} says what it waits for");
                return Err(Refusal::NotNow { why, instead });
            }
            Ok(entries)
        }
        Command::Waive { plan: name, gate, ring } => {
            let plan = find(state, name)?;
            let ring = waivable(plan, *gate, ring.as_ref())?;
            Ok(vec![entry(Some(plan), Event::GateWaived { ring, gate: *gate })])
        }
        Command::Stop => match &state.stop {
            Some(hold) => Err(already("stopped", hold, "ringward start allows writes again")),
            None => Ok(vec![entry(None, Event::Stopped {})]),
        },
        Command::Start { plans } => {
            if state.stop.is_none() {
                let why = "writes are not stopped".to_owned();
                let instead = "ringward status says what each plan waits for".to_owned();
                return Err(Refusal::NotNow { why, instead });
            }
            let pause = |plan: &&PlanState| *plans == StartPlans::Pause && plan.paused.is_none();
            let mut entries: Vec<Entry> =
                state.plans.values().filter(pause).map(|plan| entry(Some(plan), Event::Paused {})).collect();
            // Pauses first: at no instant is a plan neither stopped nor paused.
            entries.push(entry(None, Event::Started {}));
            Ok(entries)
        }
    }
}

fn find<'a>(state: &'a State, plan: &PlanName) -> Result<&'a PlanState, Refusal> {
    state.plans.get(plan).ok_or_else(|| Refusal::NoSuchPlan {
        plan: plan.clone(),
        known: state.plans.keys().cloned().collect(),
    })
}

fn already(what: &str, hold: &Hold, instead: &str) -> Refusal {
    let why = format!("it is {what} already by {} since {}: {}", hold.actor, short(hold.since), hold.reason);
    Refusal::NotNow { why, instead: instead.to_owned() }
}

/// The ring whose gate may be waived now.
fn waivable(plan: &PlanState, gate: Gate, ring: Option<&RingName>) -> Result<RingName, Refusal> {
    let refused = |why: String, instead: &str| Err(Refusal::NotNow { why, instead: instead.to_owned() });
    let rollout = &plan.rollout;
    if !gate.can_be_waived() {
        let instead = match gate {
            Gate::Opening | Gate::Freeze => "change the plan's schedule, where the change is seen",
            Gate::Fleet | Gate::Adoption | Gate::Soak | Gate::Stalled | Gate::Dark => {
                "mend what keeps ringward from seeing the devices"
            }
        };
        return refused(format!("gate {gate} cannot be waived"), instead);
    }
    if rollout.phase != Phase::Running {
        return refused(format!("the rollout is {}", rollout.phase.as_str()), "nothing is left to waive");
    }
    let current = rollout.rings.iter().find(|ring| !matches!(ring.stage, Stage::Verified(_)));
    let ring = match ring {
        Some(name) => match rollout.ring(name) {
            Some(ring) => ring,
            None => {
                let known: Vec<_> = rollout.rings.iter().map(|ring| format!("`{}`", ring.name)).collect();
                return refused(
                    format!("the plan has no ring `{name}`"),
                    &format!("its rings are {}", known.join(", ")),
                );
            }
        },
        None => match current {
            Some(ring) => ring,
            None => return refused("every ring is verified".to_owned(), "nothing is left to waive"),
        },
    };
    match &ring.stage {
        // A verified ring is judged by its health as long as the rollout runs.
        Stage::Verified(_) if !gate.is_of_health() => {
            refused(format!("ring `{}` is verified", ring.name), "name a ring that is not")
        }
        Stage::Pending => refused(
            format!("the turn of ring `{}` has not come", ring.name),
            "waive it when its gate is what the rollout waits for",
        ),
        _ if ring.waived.contains_key(&gate) => refused(
            format!("gate {gate} of ring `{}` was waived already", ring.name),
            "ringward explain says what it waits for now",
        ),
        _ => Ok(ring.name.clone()),
    }
}
